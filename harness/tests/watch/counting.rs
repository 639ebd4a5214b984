//! Processes are counted, each once, whether they execute a program or not, and threads are none.

use std::time::Duration;

use hookproof_harness::{Created, Ending, Harness, HookCommand, Sandbox, Watch};
use libtest_mimic::{Failed, Trial};

use crate::children::me;
use crate::{add, ensure, ensure_eq, report};

/// How many processes something creates, and how many of them execute nothing; all of them must be known of.
fn created(command: HookCommand) -> Result<(u64, u64), Failed> {
    let command = command.watch(Watch::default()).deadline(Duration::from_secs(20));
    let observation = Harness::new()?.run(&command)?;
    ensure(matches!(observation.ending, Ending::Exited { .. }), || format!("{observation:?}"))?;
    let Some(Created { count, copies, incomplete: None }) = report(&observation)?.created else {
        return Err(format!("{:?}", observation.watch).into());
    };
    Ok((count, copies))
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add(trials, "every_process_is_counted_once", || {
        for (line, expected) in [
            ("exit 0", (0, 0)),
            ("exec /bin/true", (0, 0)),
            ("/bin/true; exit 0", (1, 0)),
            ("/usr/bin/env /bin/true; exit 0", (1, 0)),
            ("(exit 0); exit 0", (1, 1)),
            ("x=$(echo a); exit 0", (1, 1)),
            ("x=$(/bin/true; /bin/true; exit 0); exit 0", (3, 1)),
            ("/bin/true | (exit 0); exit 0", (2, 1)),
            ("(exit 0) & wait; exit 0", (1, 1)),
        ] {
            ensure_eq(line, &created(HookCommand::shell(line))?, &expected)?;
        }
        Ok(())
    });
    add(trials, "processes_that_come_together_are_counted_once", || {
        let line = "i=0; while [ $i -lt 40 ]; do (/bin/true & (exit 0) & wait) & i=$((i+1)); done; wait";
        for _ in 0..10 {
            ensure_eq("created", &created(HookCommand::shell(line))?, &(120, 80))?;
        }
        Ok(())
    });
    add(trials, "threads_are_no_processes", || {
        for _ in 0..10 {
            ensure_eq("of short ones", &created(me("threads").arg("200"))?, &(0, 0))?;
            ensure_eq("by them", &created(me("start-in-threads").arg("/bin/true"))?, &(8, 0))?;
        }
        Ok(())
    });
    add(trials, "a_process_that_looks_like_a_thread_is_one", || {
        for _ in 0..10 {
            ensure_eq("created", &created(me("clone"))?, &(1, 1))?;
        }
        Ok(())
    });
    add(trials, "one_run_does_not_count_for_the_next", || {
        let harness = Harness::new()?;
        for count in [3, 0, 2] {
            let line = format!("{}exit 0", "(exit 0); ".repeat(count));
            let observation = harness.run(&HookCommand::shell(line).watch(Watch::default()))?;
            let expected = Created { count: count as u64, copies: count as u64, incomplete: None };
            ensure_eq("created", &report(&observation)?.created, &Some(expected))?;
        }
        Ok(())
    });
    add(trials, "a_sandbox_hides_nobody", || {
        let sandbox = || Sandbox::open().writable(std::env::temp_dir());
        let line = "x=$(/bin/true; exit 0); /bin/true; exit 0";
        ensure_eq("created", &created(HookCommand::shell(line).sandbox(sandbox()))?, &(3, 1))
    });
}
