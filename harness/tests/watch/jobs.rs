//! Watching by a job object.

use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use hookproof_harness::{
    CommandEnd, CommandForm, Coverage, Created, Ending, ExecError, FaultAction, FaultReport, FaultSignal, Generation,
    Harness, HookCommand, Limit, LimitProof, Limits, SaidOn, Target, Watch,
};
use libtest_mimic::Trial;

use crate::{add, ensure, ensure_eq, kill, report};

fn me(role: &str) -> HookCommand {
    HookCommand::new(std::env::current_exe().expect("this binary has a path")).arg("--as").arg(role)
}

/// Entry of every child.
pub(crate) fn be(args: &[String]) -> ExitCode {
    match args[0].as_str() {
        "sleep" => {
            thread::sleep(Duration::from_millis(args[1].parse().expect("a number")));
            ExitCode::from(3)
        }
        // Starts one after the other, and says how they ended.
        "start" => {
            let own = std::env::current_exe().expect("this binary has a path");
            for time in &args[1..] {
                let status = Command::new(&own).args(["--as", "sleep", time]).status().expect("starts");
                println_code(status.code());
            }
            ExitCode::SUCCESS
        }
        "relay" => {
            let own = std::env::current_exe().expect("this binary has a path");
            let status = Command::new(&own).args(["--as", "start", &args[1]]).status().expect("starts");
            println_code(status.code());
            ExitCode::SUCCESS
        }
        "spin" => loop {
            std::hint::black_box(args);
        },
        other => panic!("nobody is {other}"),
    }
}

fn println_code(code: Option<i32>) {
    use std::io::Write;
    writeln!(std::io::stdout(), "{:x}", code.unwrap_or(-1)).expect("writes");
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add(trials, "what_is_started_is_seen", || {
        let watch = Watch::for_patterns(["watch* --as sleep".parse()?]);
        let observation = Harness::new()?.run(&me("start").args(["300", "300"]).watch(watch))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        let report = report(&observation)?;
        ensure(matches!(report.coverage, Coverage::Partial { .. }), || format!("{report:?}"))?;
        ensure_eq("matching", &report.matching().count(), &2)?;
        ensure_eq("created", &report.created, &Some(Created { count: 2, copies: 0, incomplete: None }))?;
        let ended = |end: &Option<CommandEnd>| matches!(end, Some(CommandEnd::Exited { code: 3, .. }));
        ensure(report.seen.iter().all(|seen| ended(&seen.ended)), || format!("{report:?}"))?;
        ensure(report.seen[0].command_line.ends_with(&["sleep".into(), "300".into()]), || format!("{report:?}"))?;
        ensure_eq("how it matched", &report.seen[0].form, &Some(CommandForm::Run))
    });
    add(trials, "the_nth_is_ended_with_a_code_of_ours", || {
        let target = Target { nth: 2, ..Target::default() };
        let watch = Watch::for_patterns(["watch*".parse()?]).fault_at(target, kill());
        let observation = Harness::new()?.run(&me("start").args(["300", "60000", "300"]).watch(watch))?;
        ensure_eq("stdout", &String::from_utf8_lossy(&observation.stdout.bytes).trim(), &"3\ne0484b02\n3")?;
        let report = report(&observation)?;
        let Some(FaultReport::Done(done)) = &report.fault else {
            return Err(format!("{report:?}").into());
        };
        ensure_eq("pid", &done.pid, &report.seen[1].pid)?;
        ensure(done.ended.is_some(), || format!("{done:?}"))
    });
    add(trials, "a_kill_comes_in_its_time", || {
        let after = Duration::from_millis(200);
        let action = FaultAction::Kill { signal: FaultSignal::Kill, after };
        let watch = Watch::for_patterns(["watch*".parse()?]).fault(action.clone());
        let observation = Harness::new()?.run(&me("start").args(["60000"]).watch(watch))?;
        let report_of_it = report(&observation)?;
        let Some(FaultReport::Done(done)) = &report_of_it.fault else {
            return Err(format!("{report_of_it:?}").into());
        };
        ensure(done.at - report_of_it.seen[0].at >= after, || format!("{report_of_it:?}"))?;
        let late = FaultAction::Kill { signal: FaultSignal::Kill, after: Duration::from_secs(60) };
        let watch = Watch::for_patterns(["watch*".parse()?]).fault(late);
        let observation = Harness::new()?.run(&me("start").args(["200"]).watch(watch))?;
        let fault = report(&observation)?.fault;
        ensure(matches!(fault, Some(FaultReport::EndedBefore { .. })), || format!("{fault:?}"))
    });
    add(trials, "below_is_not_itself", || {
        let target = Target { generation: Generation::Below, ..Target::default() };
        let watch = Watch::for_patterns(["watch*".parse()?]).fault_at(target, kill());
        let observation = Harness::new()?.run(&me("relay").arg("60000").watch(watch))?;
        ensure_eq("stdout", &String::from_utf8_lossy(&observation.stdout.bytes).trim(), &"e0484b02\n0")?;
        let report = report(&observation)?;
        ensure_eq("below", &report.seen[1].below, &Some(report.seen[0].pid))
    });
    add(trials, "each_end_has_its_code", || {
        let kill = |signal| FaultAction::Kill { signal, after: Duration::ZERO };
        for (action, code) in
            [(kill(FaultSignal::Segv), "c0000005"), (kill(FaultSignal::Abort), "c0000409"), (FaultAction::Exit, "1")]
        {
            let watch = Watch::for_patterns(["watch*".parse()?]).fault(action);
            let observation = Harness::new()?.run(&me("start").args(["60000", "1"]).watch(watch))?;
            let expected = format!("{code}\n3");
            ensure_eq("stdout", &String::from_utf8_lossy(&observation.stdout.bytes).trim(), &expected.as_str())?;
            let report = report(&observation)?;
            ensure(matches!(report.fault, Some(FaultReport::Done(_))), || format!("{report:?}"))?;
        }
        Ok(())
    });
    add(trials, "who_is_held_does_not_run_on", || {
        let held = Duration::from_millis(1500);
        let watch =
            Watch::for_patterns(["watch*".parse()?]).fault(FaultAction::Hold { signal: FaultSignal::Kill, held });
        // Left to itself it would be over long before.
        let observation = Harness::new()?.run(&me("start").arg("500").watch(watch))?;
        ensure_eq("stdout", &String::from_utf8_lossy(&observation.stdout.bytes).trim(), &"e0484b02")?;
        let report = report(&observation)?;
        let Some(FaultReport::Done(done)) = &report.fault else {
            return Err(format!("{report:?}").into());
        };
        ensure(done.at - report.seen[0].at >= held, || format!("{report:?}"))
    });
    add(trials, "the_hook_goes_with_its_child", || {
        let after = Duration::from_millis(200);
        let watch = Watch::for_patterns(["watch*".parse()?]).fault(FaultAction::KillHook { after });
        let observation = Harness::new()?.run(&me("start").args(["60000", "1"]).watch(watch))?;
        ensure_eq("ending", &observation.ending, &Ending::Crashed { status: 0xE048_4B02 })?;
        ensure_eq("stdout", &observation.stdout.bytes.len(), &0)?;
        ensure(observation.leaks.descendants.is_empty(), || format!("{:?}", observation.leaks))?;
        let report = report(&observation)?;
        ensure(matches!(report.fault, Some(FaultReport::Done(_))), || format!("{report:?}"))
    });
    add(trials, "what_was_not_told_may_have_matched", || {
        let run = |pattern: &str| {
            let watch = Watch::for_patterns([pattern.parse().expect("a pattern")]);
            report(&Harness::new().expect("starts").run(&me("start").arg("300").watch(watch)).expect("runs"))
        };
        // By its program it cannot be this one.
        ensure_eq("undecided", &run("surely-no-such-program x")?.undecided, &0)?;
        // By its program it can, and by its arguments it is not; where those are not told, nobody knows.
        let report = run("watch* --as nothing")?;
        ensure_eq("matching", &report.matching().count(), &0)?;
        ensure_eq("undecided", &report.undecided, &u64::from(crate::under_wine()))
    });
    add(trials, "what_cannot_be_done_is_told", || {
        for action in [
            FaultAction::Kill { signal: FaultSignal::Term, after: Duration::ZERO },
            FaultAction::Hold { signal: FaultSignal::Int, held: Duration::ZERO },
            FaultAction::FailSaying { text: "no".into(), on: SaidOn::Stderr },
            FaultAction::FailExec { error: ExecError::NotFound },
            FaultAction::Cap { limits: Limits::none().data(1 << 20) },
        ] {
            let watch = Watch::for_patterns(["watch*".parse()?]).fault(action);
            let observation = Harness::new()?.run(&me("start").args(["100"]).watch(watch))?;
            let fault = report(&observation)?.fault;
            ensure(matches!(&fault, Some(FaultReport::Impossible { because }) if !because.is_empty()), || {
                format!("{fault:?}")
            })?;
        }
        Ok(())
    });
    add(trials, "limits_are_heard_of_all_the_same", || {
        let command = me("spin").limits(Limits::none().cpu_seconds(1)).deadline(Duration::from_secs(20));
        let plain = Harness::new()?.run(&command)?;
        let watched = Harness::new()?.run(&command.watch(Watch::default()))?;
        let proof = |ending: &Ending| match ending {
            Ending::LimitHit { limit: Limit::Cpu, proof: LimitProof::JobNotification { .. }, .. } => "a message",
            Ending::TimedOut { .. } => "nothing",
            _ => "something else",
        };
        ensure_eq("what ended it", &proof(&watched.ending), &proof(&plain.ending))
    });
}
