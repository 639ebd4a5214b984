//! Faults that take their time, and those that are about more than one program.

use std::time::Duration;

use hookproof_harness::{
    Ending, FaultAction, FaultReport, FaultSignal, Harness, HookCommand, Observation, SaidOn, Watch,
};
use libtest_mimic::{Failed, Trial};

use crate::children::me;
use crate::{add, ensure, ensure_eq, report};

const HELD: Duration = Duration::from_millis(300);

fn run(line: &str, action: FaultAction) -> Result<Observation, Failed> {
    let watch = Watch::for_patterns(["sleep*".parse()?]).fault(action);
    Ok(Harness::new()?.run(&HookCommand::shell(line).watch(watch).deadline(Duration::from_secs(20)))?)
}

fn ensure_done(observation: &Observation) -> Result<(), Failed> {
    let fault = report(observation)?.fault;
    ensure(matches!(fault, Some(FaultReport::Done(_))), || format!("{fault:?}"))
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add(trials, "who_is_held_stands_still_and_dies", || {
        let hold = FaultAction::Hold { signal: FaultSignal::Kill, held: HELD };
        let observation = run("sleep 0; echo $?", hold)?;
        ensure_done(&observation)?;
        ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"137\n".as_slice())?;
        ensure(observation.wall >= HELD, || format!("only {:?}", observation.wall))
    });
    add(trials, "others_go_on_while_one_is_held", || {
        let hold = FaultAction::Hold { signal: FaultSignal::Abort, held: HELD };
        let observation = run("sleep 0 & sleep 0; echo on; wait $!; echo $?", hold)?;
        ensure_done(&observation)?;
        let on = observation.stdout.chunks.first().ok_or("no output")?.at;
        // Either of the two may be the first; if it is the one in front, nobody has to wait for the other.
        let text = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
        ensure(text == "on\n134\n" || text == "on\n0\n", || text.clone())?;
        ensure(text == "on\n0\n" || on < HELD, || format!("the other one had to wait: {on:?}"))
    });
    add(trials, "who_is_held_can_be_killed_by_others_and_by_us", || {
        let hold = FaultAction::Hold { signal: FaultSignal::Kill, held: Duration::from_secs(60) };
        let observation =
            run("sleep 0 & p=$!; head -c 1000000000 /dev/zero >/dev/null; kill -9 $p; wait $p; echo $?", hold.clone())?;
        let fault = report(&observation)?.fault;
        ensure(matches!(fault, Some(FaultReport::EndedBefore { .. })), || format!("{fault:?}"))?;
        ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"137\n".as_slice())?;
        let watch = Watch::for_patterns(["sleep*".parse()?]).fault(hold);
        let command = HookCommand::shell("sleep 0; echo on").watch(watch).deadline(HELD);
        let observation = Harness::new()?.run(&command)?;
        ensure(matches!(observation.ending, Ending::TimedOut { .. }), || format!("{:?}", observation.ending))
    });
    add(trials, "the_hook_is_killed_with_its_child", || {
        for after in [Duration::ZERO, Duration::from_millis(100)] {
            let observation = run("sleep 30; echo on", FaultAction::KillHook { after })?;
            ensure_done(&observation)?;
            let killed = Ending::Signaled { signal: libc::SIGKILL, core_dumped: false };
            ensure_eq("ending", &observation.ending, &killed)?;
            ensure(observation.stdout.bytes.is_empty(), || "it went on".to_owned())?;
            ensure_eq("left", &observation.leaks.descendants, &Vec::new())?;
        }
        Ok(())
    });
    add(trials, "a_program_ends_in_place_of_its_exec", || {
        for line in
            ["sleep 30; echo $?", "/bin/sleep 30; echo $?", "(exec sleep 30); echo $?", "env -i sleep 30; echo $?"]
        {
            let observation = run(line, FaultAction::Exit)?;
            ensure_done(&observation)?;
            ensure_eq(line, &observation.stdout.bytes.as_slice(), &b"1\n".as_slice())?;
        }
        Ok(())
    });
    add(trials, "a_shell_says_in_place_of_a_program_why_it_fails", || {
        let said = "Error: [Errno 28] it's full";
        for sleep in ["sleep 30", "/bin/sleep 30", "(exec sleep 30)", "env -i sleep 30", "env -i /bin/sleep 30"] {
            for on in [SaidOn::Stdout, SaidOn::Stderr] {
                let line = format!("{sleep}; echo $?");
                let observation = run(&line, FaultAction::FailSaying { text: said.into(), on })?;
                ensure_done(&observation)?;
                let (out, err) = match on {
                    SaidOn::Stdout => (format!("{said}\n1\n"), String::new()),
                    SaidOn::Stderr => ("1\n".to_owned(), format!("{said}\n")),
                };
                ensure_eq(&line, &String::from_utf8_lossy(&observation.stdout.bytes).into_owned(), &out)?;
                ensure_eq(&line, &String::from_utf8_lossy(&observation.stderr.bytes).into_owned(), &err)?;
                let report = report(&observation)?;
                let Some(FaultReport::Done(done)) = &report.fault else { return Err("not done".into()) };
                let shell = report.seen.iter().find(|seen| seen.pid == done.pid && seen.command_line[0] == "/bin/sh");
                ensure(shell.is_some() && !done.began, || format!("{report:?}"))?;
                ensure(done.command_line.last().is_some_and(|word| word == "30"), || format!("{done:?}"))?;
            }
        }
        Ok(())
    });
    add(trials, "a_shell_says_in_place_of_an_open_program_why_it_fails", || {
        let action = FaultAction::FailSaying { text: "no".into(), on: SaidOn::Stdout };
        let watch = Watch::for_patterns(["*sleep 30".parse()?]).fault(action);
        let observation = Harness::new()?.run(&me("fexecve").args(["/bin/sleep", "30"]).watch(watch))?;
        ensure_done(&observation)?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 1 })?;
        ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"no\n".as_slice())
    });
    add(trials, "what_cannot_be_said_is_not_done", || {
        for text in ["a\0b".to_owned(), "x".repeat(300)] {
            let observation = run("sleep 0; echo $?", FaultAction::FailSaying { text, on: SaidOn::Stdout })?;
            let fault = report(&observation)?.fault;
            ensure(matches!(fault, Some(FaultReport::Impossible { .. })), || format!("{fault:?}"))?;
            ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"0\n".as_slice())?;
        }
        Ok(())
    });
    add(trials, "a_program_that_python_starts_says_why_it_fails", || {
        let line = "command -v python3 >/dev/null || { echo 1 no; exit; }\n\
                    python3 -c 'import subprocess; done = subprocess.run([\"sleep\", \"30\"], capture_output=True, text=True)\n\
                    print(done.returncode, (done.stdout + done.stderr).strip())'";
        for on in [SaidOn::Stdout, SaidOn::Stderr] {
            let observation = run(line, FaultAction::FailSaying { text: "no".into(), on })?;
            ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"1 no\n".as_slice())?;
        }
        Ok(())
    });
    add(trials, "a_program_that_python_starts_ends_in_place_of_its_exec", || {
        let line = "command -v python3 >/dev/null || { echo 1; exit; }\n\
                    python3 -c 'import subprocess; print(subprocess.run([\"sleep\", \"30\"]).returncode)'";
        let observation = run(line, FaultAction::Exit)?;
        ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"1\n".as_slice())
    });
}
