//! Exactly what was asked for is broken.

use std::path::Path;
use std::time::Duration;

use hookproof_harness::{
    CommandEnd, Disposition, ExecError, FaultAction, FaultDone, FaultReport, FaultSignal, Generation, Harness,
    HookCommand, Limit, Limits, Observation, Target, Watch, WatchReport,
};
use libtest_mimic::{Failed, Trial};

use crate::children::me;
use crate::files::Programs;
use crate::{add, ensure, ensure_eq, kill, report};

const SIGNALS: [(FaultSignal, i32); 5] = [
    (FaultSignal::Kill, libc::SIGKILL),
    (FaultSignal::Segv, libc::SIGSEGV),
    (FaultSignal::Abort, libc::SIGABRT),
    (FaultSignal::Term, libc::SIGTERM),
    (FaultSignal::Int, libc::SIGINT),
];
const ERRORS: [(ExecError, i32); 3] =
    [(ExecError::NotFound, libc::ENOENT), (ExecError::Denied, libc::EACCES), (ExecError::NoMemory, libc::ENOMEM)];
const MIB: u64 = 1024 * 1024;

fn signal(signal: FaultSignal) -> FaultAction {
    FaultAction::Kill { signal, after: Duration::ZERO }
}

fn run(command: &HookCommand, watch: Watch) -> Result<(Observation, WatchReport), Failed> {
    let observation = Harness::new()?.run(&command.clone().watch(watch).deadline(Duration::from_secs(20)))?;
    let report = report(&observation)?;
    Ok((observation, report))
}

fn first(pattern: &str, action: FaultAction) -> Result<Watch, Failed> {
    Ok(Watch::for_patterns([pattern.parse()?]).fault(action))
}

fn done(report: &WatchReport) -> Result<&FaultDone, Failed> {
    match &report.fault {
        Some(FaultReport::Done(done)) => Ok(done),
        other => Err(format!("{other:?}").into()),
    }
}

fn output(observation: &Observation) -> String {
    String::from_utf8_lossy(&observation.stdout.bytes).into_owned()
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add_kills(trials);
    add_refusals(trials);
    add_caps(trials);
}

fn add_kills(trials: &mut Vec<Trial>) {
    add(trials, "each_signal_arrives_before_the_first_instruction", || {
        for (name, number) in SIGNALS {
            let script = "/bin/sh -c 'echo ran'; echo $?";
            let (observation, report) = run(&HookCommand::shell(script), first("sh -c echo ran", signal(name))?)?;
            ensure_eq("stdout", &output(&observation), &format!("{}\n", 128 + number))?;
            let done = done(&report)?;
            let killed = matches!(done.ended, Some(CommandEnd::Signaled { signal, .. }) if signal == number);
            ensure(killed && done.began, || format!("{done:?}"))?;
            ensure_eq("seen", &report.matching().count(), &1)?;
            ensure_eq("pid", &done.pid, &report.seen[0].pid)?;
        }
        Ok(())
    });
    add(trials, "a_crash_cannot_be_blocked_or_only_told", || {
        let command = |words: &[&str]| HookCommand::shell(format!("{}; echo $?", me("block-and-exec").args(words)));
        for (name, number) in [(FaultSignal::Segv, libc::SIGSEGV), (FaultSignal::Abort, libc::SIGABRT)] {
            let (observation, _) = run(&command(&["/bin/sleep", "0"]), first("sleep", signal(name))?)?;
            ensure_eq("stdout", &output(&observation), &format!("{}\n", 128 + number))?;
        }
        let (observation, report) = run(&command(&["/bin/sleep", "0"]), first("sleep", signal(FaultSignal::Term))?)?;
        ensure_eq("stdout", &output(&observation), &"0\n".to_owned())?;
        ensure_eq("disposition", &done(&report)?.disposition, &Some(Disposition::Blocked))
    });
    add(trials, "who_ignores_a_signal_lives_and_it_is_told", || {
        let script = "trap '' TERM INT; sleep 0; echo $?";
        for name in [FaultSignal::Term, FaultSignal::Int] {
            let (observation, report) = run(&HookCommand::shell(script), first("sleep", signal(name))?)?;
            ensure_eq("stdout", &output(&observation), &"0\n".to_owned())?;
            let done = done(&report)?;
            ensure_eq("disposition", &done.disposition, &Some(Disposition::Ignored))?;
            ensure(matches!(done.ended, Some(CommandEnd::Exited { code: 0, .. })), || format!("{done:?}"))?;
        }
        let (observation, _) = run(&HookCommand::shell(script), first("sleep", kill())?)?;
        ensure_eq("nobody ignores the final one", &output(&observation), &"137\n".to_owned())
    });
    add(trials, "the_time_of_a_kill_is_kept", || {
        let after = Duration::from_millis(100);
        for name in [FaultSignal::Kill, FaultSignal::Segv] {
            let action = FaultAction::Kill { signal: name, after };
            let (observation, report) = run(&HookCommand::shell("sleep 60; echo $?"), first("sleep", action)?)?;
            ensure(output(&observation).starts_with('1'), || format!("{observation:?}"))?;
            let took = done(&report)?.at - report.seen[0].at;
            ensure(took >= after && took < after + Duration::from_secs(5), || format!("{took:?}"))?;
        }
        let action = FaultAction::Kill { signal: FaultSignal::Term, after: Duration::from_millis(300) };
        let command = HookCommand::shell(format!("{}; echo $?", me("handle-term")));
        let (observation, report) = run(&command, first("* --as handle-term", action)?)?;
        ensure_eq("a handler runs", &output(&observation), &"77\n".to_owned())?;
        ensure_eq("disposition", &done(&report)?.disposition, &Some(Disposition::Handled))
    });
    add(trials, "who_ends_before_its_time_was_not_killed", || {
        let action = FaultAction::Kill { signal: FaultSignal::Kill, after: Duration::from_secs(60) };
        let (observation, report) = run(&HookCommand::shell("sh -c 'exit 3'; echo $?"), first("sh", action)?)?;
        ensure_eq("stdout", &output(&observation), &"3\n".to_owned())?;
        let fits = matches!(
            report.fault,
            Some(FaultReport::EndedBefore { ended: Some(CommandEnd::Exited { code: 3, .. }), .. })
        );
        ensure(fits, || format!("{:?}", report.fault))
    });
    add(trials, "the_nth_and_no_other", || {
        let script = "for i in 1 2 3 4; do sleep 0; echo $?; done; true";
        for nth in 1..=4 {
            let target = Target { nth, ..Target::default() };
            let watch = Watch::for_patterns(["sleep".parse()?]).fault_at(target, kill());
            let (observation, report) = run(&HookCommand::shell(script), watch)?;
            let expected: String = (1..=4).map(|i| if i == nth { "137\n" } else { "0\n" }).collect();
            ensure_eq("stdout", &output(&observation), &expected)?;
            ensure_eq("pid", &done(&report)?.pid, &report.seen[nth as usize - 1].pid)?;
        }
        let watch = Watch::for_patterns(["sleep".parse()?]);
        let watch = watch.fault_at(Target { nth: 5, ..Target::default() }, kill());
        let (_, report) = run(&HookCommand::shell(script), watch)?;
        ensure_eq("fault", &report.fault, &Some(FaultReport::NotReached { matching_seen: 4 }))
    });
    add(trials, "every_start_from_the_nth_on", || {
        let script = "sleep 0; echo $?; env true; echo $?; sh -c 'sleep 0; echo $?'; env sleep 0; echo $?; true";
        let patterns = ["sleep".parse()?, "true".parse()?];
        let cases = [
            (1, kill(), "137\n0\n137\n137\n", 2),
            (3, kill(), "0\n0\n137\n137\n", 1),
            (1, FaultAction::FailExec { error: ExecError::NotFound }, "127\n0\n127\n127\n", 2),
            (1, FaultAction::Exit, "1\n0\n1\n1\n", 2),
        ];
        for (nth, action, expected, repeated) in cases {
            let target = Target { nth, every: true, ..Target::default() };
            let watch = Watch::for_patterns(patterns.clone()).fault_at(target, action);
            let (observation, report) = run(&HookCommand::shell(script), watch)?;
            ensure_eq("stdout", &output(&observation), &expected.to_owned())?;
            ensure_eq("repeated", &done(&report)?.repeated, &repeated)?;
        }
        Ok(())
    });
    add(trials, "one_of_several_patterns", || {
        let script = "sleep 0; echo $?; sh -c 'exit 4'; echo $?";
        let patterns = ["sleep".parse()?, "sh -c".parse()?];
        for (pattern, expected) in [(0, "137\n4\n"), (1, "0\n137\n")] {
            let target = Target { pattern: Some(pattern), ..Target::default() };
            let watch = Watch::for_patterns(patterns.clone()).fault_at(target, kill());
            let (observation, _) = run(&HookCommand::shell(script), watch)?;
            ensure_eq("stdout", &output(&observation), &expected.to_owned())?;
        }
        let target = Target { pattern: Some(2), ..Target::default() };
        let (observation, report) =
            run(&HookCommand::shell(script), Watch::for_patterns(patterns).fault_at(target, kill()))?;
        ensure_eq("stdout", &output(&observation), &"0\n4\n".to_owned())?;
        ensure(matches!(report.fault, Some(FaultReport::Impossible { .. })), || format!("{:?}", report.fault))
    });
    add(trials, "below_is_not_itself", || {
        let script = "sleep 0; echo $?; sh -c 'env sleep 0; echo $?; sleep 0; echo $?'; echo $?";
        for (nth, expected) in [(1, "0\n137\n0\n0\n"), (2, "0\n0\n137\n0\n"), (3, "0\n0\n0\n0\n")] {
            let target = Target { nth, generation: Generation::Below, ..Target::default() };
            let watch = Watch::for_patterns(["sh -c".parse()?]).fault_at(target, kill());
            let (observation, report) = run(&HookCommand::shell(script), watch)?;
            ensure_eq("stdout", &output(&observation), &expected.to_owned())?;
            ensure_eq("done", &matches!(report.fault, Some(FaultReport::Done(_))), &(nth < 3))?;
        }
        Ok(())
    });
}

fn add_refusals(trials: &mut Vec<Trial>) {
    add(trials, "each_error_through_each_way_of_starting", || {
        let programs = Programs::new()?;
        // The first folder has no such program, the others have, so each has to be refused.
        let copy = std::fs::read("/bin/sleep")?;
        std::fs::create_dir_all(programs.path("one"))?;
        std::fs::create_dir_all(programs.path("two"))?;
        programs.write("one/sleep", &copy)?;
        programs.write("two/sleep", &copy)?;
        let folder = programs.folder().display();
        let path = format!("/nowhere:{folder}/one:{folder}/two:/usr/bin:/bin");
        for (error, number) in ERRORS {
            for role in ["execvp", "spawnp", "command"] {
                let command = me(role).args(["sleep", "0"]).env("PATH", &path);
                let (observation, report) = run(&command, first("sleep", FaultAction::FailExec { error })?)?;
                ensure_eq(role, &output(&observation), &number.to_string())?;
                ensure(!done(&report)?.began && report.seen.is_empty(), || format!("{report:?}"))?;
            }
            let command = me("fexecve").args(["/bin/sleep", "0"]);
            let (observation, _) = run(&command, first("*sleep 0", FaultAction::FailExec { error })?)?;
            ensure_eq("fexecve", &output(&observation), &number.to_string())?;
        }
        Ok(())
    });
    add(trials, "each_error_through_each_shell", || {
        let shells = ["/bin/sh", "/bin/bash", "/usr/bin/dash", "/bin/zsh", "/usr/bin/env"];
        for shell in shells.into_iter().filter(|shell| Path::new(shell).exists()) {
            for (error, _) in ERRORS {
                let script = if shell.ends_with("env") {
                    "/usr/bin/env sleep 0; echo $?".to_owned()
                } else {
                    format!("{shell} -c 'sleep 0; exit $?'; echo $?")
                };
                let (observation, report) =
                    run(&HookCommand::shell(&script), first("sleep", FaultAction::FailExec { error })?)?;
                let code = output(&observation);
                let wanted: &[&str] = if error == ExecError::NotFound { &["127\n"] } else { &["126\n", "127\n"] };
                ensure(wanted.contains(&code.as_str()), || format!("{shell}, {error:?}: {observation:?}"))?;
                let ended = done(&report)?.ended;
                ensure(matches!(ended, Some(CommandEnd::Exited { .. })), || format!("{report:?}"))?;
            }
        }
        Ok(())
    });
    add(trials, "python_hears_each_error", || {
        if !Path::new("/usr/bin/python3").exists() {
            return Ok(());
        }
        let script = "import subprocess\nfor _ in range(2):\n  try: print(subprocess.run(['sleep','0']).returncode)\n  \
                      except OSError as e: print('E', e.errno)\n";
        for (error, number) in ERRORS {
            let command = HookCommand::new("/usr/bin/python3").args(["-c", script]);
            let (observation, _) = run(&command, first("sleep", FaultAction::FailExec { error })?)?;
            ensure_eq("stdout", &output(&observation), &format!("E {number}\n0\n"))?;
        }
        Ok(())
    });
    add(trials, "scripts_are_refused_by_both_forms", || {
        let programs = Programs::new()?;
        let script = programs.write("tool", b"#!/bin/sh -e\nexit 0\n")?;
        for pattern in ["tool x", "sh -e */tool x"] {
            let command = HookCommand::shell(format!("{} x; echo $?", script.display()));
            let (observation, report) =
                run(&command, first(pattern, FaultAction::FailExec { error: ExecError::NoMemory })?)?;
            ensure_eq(pattern, &output(&observation), &"126\n".to_owned())?;
            let line = done(&report)?.command_line.join(" ");
            ensure_eq("command line", &line, &format!("/bin/sh -e {} x", script.display()))?;
        }
        Ok(())
    });
    add(trials, "the_nth_start_is_refused_and_no_search_counts", || {
        let script = "for i in 1 2 3; do env sleep 0; echo $?; done; true";
        let path = "/nowhere:/nor/here:/usr/bin:/bin";
        for nth in 1..=4_u32 {
            let target = Target { nth, ..Target::default() };
            let watch = Watch::for_patterns(["sleep".parse()?]);
            let watch = watch.fault_at(target, FaultAction::FailExec { error: ExecError::NotFound });
            let (observation, report) = run(&HookCommand::shell(script).env("PATH", path), watch)?;
            let expected: String = (1..=3).map(|i| if i == nth { "127\n" } else { "0\n" }).collect();
            ensure_eq("stdout", &output(&observation), &expected)?;
            let reached = if nth == 4 { Some(FaultReport::NotReached { matching_seen: 3 }) } else { None };
            ensure(reached.is_none() || report.fault == reached, || format!("{:?}", report.fault))?;
        }
        Ok(())
    });
    add(trials, "what_is_tried_instead_succeeds", || {
        // The second program is another start of the same process.
        let script = "(exec sleep 0; exec sh -c 'echo instead') 2>/dev/null || sh -c 'echo otherwise'";
        let action = FaultAction::FailExec { error: ExecError::NotFound };
        let (observation, _) = run(&HookCommand::shell(script), first("sleep", action)?)?;
        ensure(["instead\n", "otherwise\n"].contains(&output(&observation).as_str()), || format!("{observation:?}"))
    });
    #[cfg(target_arch = "x86_64")]
    add(trials, "programs_of_32_bits_are_refused_too", || {
        let programs = Programs::new()?;
        let narrow = programs.narrow_program("narrow")?;
        let command = HookCommand::shell(format!("{}; echo $?", narrow.display()));
        let plain = Harness::new()?.run(&command)?;
        if output(&plain) != "0\n" {
            // This kernel does not run such programs at all, so there is nothing to be refused.
            return ensure(output(&plain) == "126\n" || output(&plain) == "2\n", || format!("{plain:?}"));
        }
        let action = FaultAction::FailExec { error: ExecError::NoMemory };
        let (observation, report) = run(&command, first("true x", action)?)?;
        ensure(output(&observation) == format!("{}\n", libc::ENOMEM), || format!("{observation:?}"))?;
        ensure_eq("command line", &done(&report)?.command_line.join(" "), &"/bin/true x".to_owned())
    });
}

fn add_caps(trials: &mut Vec<Trial>) {
    add(trials, "a_cap_is_for_one_alone", || {
        let bytes = 1 << 40;
        let show = me("memory-limit");
        let script = format!("{show} other; {show} this; {show} other");
        let unlimited = output(&Harness::new()?.run(&show)?);
        let action = FaultAction::Cap { limits: Limits::none().address_space(bytes).memory(5) };
        let (observation, report) = run(&HookCommand::shell(script), first("* memory-limit this", action)?)?;
        ensure_eq("stdout", &output(&observation), &format!("{unlimited}{bytes} {bytes}\n{unlimited}"))?;
        let done = done(&report)?;
        ensure(done.began, || format!("{done:?}"))?;
        let held: Vec<_> = done.limits.iter().map(|limit| (limit.limit, limit.is_enforced())).collect();
        ensure_eq("limits", &held, &vec![(Limit::AddressSpace, true), (Limit::Memory, false)])
    });
    add(trials, "a_cap_can_leave_no_room_at_all", || {
        let action = FaultAction::Cap { limits: Limits::none().address_space(64 * 1024) };
        let (observation, report) = run(&HookCommand::shell("/bin/sleep 0; echo $?"), first("sleep", action)?)?;
        let done = done(&report)?;
        ensure(!done.began && matches!(done.ended, Some(CommandEnd::Signaled { .. })), || format!("{done:?}"))?;
        ensure(matches!(output(&observation).as_str(), "137\n" | "139\n"), || format!("{observation:?}"))
    });
    add(trials, "a_starved_python_dies_and_its_neighbour_lives", || {
        if !Path::new("/usr/bin/python3").exists() {
            return Ok(());
        }
        let script = "/usr/bin/python3 -c 'print(\"a\")'; echo $?; /usr/bin/python3 -c 'print(\"b\")'; echo $?";
        for bytes in [6 * MIB, 12 * MIB] {
            let action = FaultAction::Cap { limits: Limits::none().address_space(bytes) };
            let (observation, report) = run(&HookCommand::shell(script), first("python* -c", action)?)?;
            let text = output(&observation);
            ensure(text.ends_with("b\n0\n") && !text.starts_with("a\n"), || format!("{observation:?}"))?;
            ensure(done(&report)?.ended.is_some(), || format!("{report:?}"))?;
        }
        Ok(())
    });
    add(trials, "a_cap_that_nobody_can_set_is_impossible", || {
        let action = FaultAction::Cap { limits: Limits::none().memory(MIB) };
        let (observation, report) = run(&HookCommand::shell("sleep 0; echo $?"), first("sleep", action)?)?;
        ensure_eq("stdout", &output(&observation), &"0\n".to_owned())?;
        ensure(matches!(report.fault, Some(FaultReport::Impossible { .. })), || format!("{:?}", report.fault))?;
        ensure_eq("it is seen all the same", &report.matching().count(), &1)
    });
}
