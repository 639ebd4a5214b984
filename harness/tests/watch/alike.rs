//! A watched run is like any other: what programs see of the kernel, limits, what is left behind, and what is told
//! where it cannot be watched.

use std::time::Duration;

use hookproof_harness::{Ending, Harness, HookCommand, Limits, Watch};
use libtest_mimic::{Failed, Trial};

use crate::children::me;
use crate::{add, ensure, ensure_eq, report};

/// What a program prints without and with a watch.
fn both(command: &HookCommand) -> Result<(String, String), Failed> {
    let command = command.clone().deadline(Duration::from_secs(20));
    let harness = Harness::new()?;
    let text = |command: &HookCommand| -> Result<String, Failed> {
        let observation = harness.run(command)?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        Ok(String::from_utf8_lossy(&observation.stdout.bytes).into_owned())
    };
    Ok((text(&command)?, text(&command.clone().watch(Watch::default()))?))
}

fn ask(host: &str) -> Result<String, Failed> {
    let observation = Harness::new()?.run(&me(host).deadline(Duration::from_secs(120)))?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || {
        format!("{:?}: {}", observation.ending, String::from_utf8_lossy(&observation.stderr.bytes))
    })?;
    Ok(String::from_utf8_lossy(&observation.stdout.bytes).into_owned())
}

pub(crate) fn add_all(trials: &mut Vec<Trial>) {
    add(trials, "who_is_stopped_stays_stopped_and_goes_on", || {
        let (plain, watched) = both(&me("stop-and-go"))?;
        ensure(plain.contains("stopped true by 19") && plain.contains("went on true"), || plain.clone())?;
        ensure_eq("watched", &watched, &plain)
    });
    add(trials, "signals_keep_what_their_sender_put_into_them", || {
        let (plain, watched) = both(&me("queue-a-signal"))?;
        ensure(plain.starts_with("true -1 4242"), || plain.clone())?;
        ensure_eq("watched", &watched, &plain)
    });
    add(trials, "who_wants_to_be_traced_gets_what_the_kernel_gives", || {
        let (plain, watched) = both(&me("trace-a-child"))?;
        ensure_eq("plain", &plain, &"0".to_owned())?;
        ensure_eq("watched", &watched, &libc::EPERM.to_string())?;
        let observation = Harness::new()?.run(&me("trace-a-child").watch(Watch::default()))?;
        let told = observation.mechanism.gaps.iter().any(|gap| gap.contains("trace one another"));
        ensure(told, || format!("{:?}", observation.mechanism))
    });
    add(trials, "limits_hold_and_loading_is_seen", || {
        let watch = Watch::for_patterns(["*".parse()?]);
        let command = HookCommand::new("/bin/true").limits(Limits::none().address_space(64 * 1024));
        let observation = Harness::new()?.run(&command.watch(watch.clone()))?;
        let Ending::NotStarted { error } = &observation.ending else {
            return Err(format!("{:?}", observation.ending).into());
        };
        ensure_eq("step", &error.step.as_str(), &"load the program")?;
        let limits = Limits::none().cpu_seconds(1).address_space(1 << 40);
        let command = HookCommand::shell("while :; do :; done").limits(limits).deadline(Duration::from_secs(20));
        let observation = Harness::new()?.run(&command.watch(watch))?;
        ensure(matches!(observation.ending, Ending::LimitHit { .. }), || format!("{:?}", observation.ending))
    });
    add(trials, "a_leak_is_a_leak_and_its_end_is_ours", || {
        let command = HookCommand::shell("sleep 60 & exit 0").leak_grace(Duration::from_millis(200));
        let observation = Harness::new()?.run(&command.watch(Watch::for_patterns(["sleep".parse()?])))?;
        ensure_eq("descendants", &observation.leaks.descendants.len(), &1)?;
        let report = report(&observation)?;
        let seen = report.matching().next().ok_or("not seen")?;
        ensure_eq("pid", &seen.pid, &observation.leaks.descendants[0].pid)?;
        ensure(seen.ended.is_some(), || format!("{seen:?}"))
    });
    add(trials, "two_hundred_watched_runs_at_once_leave_nothing", || {
        let text = ask("hosts")?;
        let numbers: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
        ensure(numbers.len() == 3 && numbers[0] == numbers[1] && numbers[2] == 0, || text)
    });
    add(trials, "where_tracing_is_refused_the_run_goes_on", || {
        let text = ask("host-without-ptrace")?;
        ensure(text.starts_with("0 None") && text.contains("refused to trace") && text.contains("Impossible"), || text)
    });
    add(trials, "a_user_without_privileges_can_watch", || {
        let text = ask("host-nobody")?;
        ensure(text.starts_with("126 Complete") && text.contains("Done") && text.contains("set-user-id"), || {
            text.clone()
        })?;
        ensure(text.contains(" year 21"), || text)
    });
}
