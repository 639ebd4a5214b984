//! Trees: what a program leaves behind is named and killed, and the deadline holds for all of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[cfg(unix)]
use hookproof_harness::KillStep;
use hookproof_harness::{Ending, HarnessError, HookCommand, Observation};
use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::children::TICK;
use crate::streams::timed_out;
use crate::{Bench, CAME_BACK, Suite, ensure, ensure_eq, me};

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A file that a ticker writes to as long as it lives.
struct Ticker {
    folder: TempDir,
}

impl Ticker {
    fn new() -> Result<Self, Failed> {
        Ok(Ticker { folder: tempfile::tempdir()? })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ticks")
    }

    fn command(&self, behaviour: &str) -> HookCommand {
        me(behaviour).arg(self.file())
    }

    fn ticks(&self) -> u64 {
        fs::metadata(self.file()).map_or(0, |m| m.len())
    }

    /// Whether the ticker is dead: it has lived, and many ticks long nothing has changed.
    fn ensure_dead(&self) -> Result<(), Failed> {
        let before = self.ticks();
        ensure(before > 0, || "the ticker never lived, so this proves nothing".into())?;
        sleep(TICK * 15);
        let after = self.ticks();
        ensure(before == after, || format!("still alive: {before} ticks, then {after}"))
    }
}

fn ensure_leaks(observation: &Observation, held: bool) -> Result<(), Failed> {
    let leaks = &observation.leaks;
    ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
    ensure_eq("descendants", &leaks.descendants.len(), &1)?;
    let name = &leaks.descendants[0].name;
    ensure(name.contains("torture"), || format!("the descendant is called {name:?}"))?;
    ensure_eq("held streams", &(leaks.stdout_held, leaks.stderr_held), &(held, held))?;
    ensure_eq("stdout has ended", &observation.stdout.eof.is_some(), &!held)
}

pub(crate) fn add(suite: &mut Suite) {
    suite.add("a_descendant_that_holds_the_streams_is_a_leak", |bench| {
        let ticker = Ticker::new()?;
        let observation = bench.run(&ticker.command("leave-ticker").leak_grace(ms(300)))?;
        ensure_leaks(&observation, true)?;
        ensure(observation.wall < ms(20_000), || format!("wall {:?}", observation.wall))?;
        ticker.ensure_dead()
    });
    suite.add("a_silent_descendant_is_a_leak_too", |bench| {
        let ticker = Ticker::new()?;
        let observation = bench.run(&ticker.command("leave-quiet-ticker").leak_grace(ms(300)))?;
        // On Windows even a silent child gets every handle that its parent has inherited, and so holds the streams.
        ensure_leaks(&observation, cfg!(windows))?;
        ticker.ensure_dead()
    });
    suite.add("a_descendant_that_ends_in_time_is_no_leak", |bench| {
        let ticker = Ticker::new()?;
        let command = ticker.command("leave-short-ticker").arg("100").leak_grace(ms(20_000));
        let begin = Instant::now();
        let observation = bench.run(&command)?;
        ensure(begin.elapsed() < ms(15_000), || "waited for the whole leak grace".into())?;
        ensure_eq("leaks", &observation.leaks, &hookproof_harness::Leaks::default())
    });
    suite.add("a_descendant_that_never_stops_writing_cannot_keep_us", |bench| {
        let observation = bench.run(&me("flooding-orphan"))?;
        ensure(observation.leaks.stdout_held, || "stdout was not held".into())
    });
    suite.add("the_deadline_kills_descendants", |bench| {
        let ticker = Ticker::new()?;
        let observation = bench.run(&ticker.command("stay-with-ticker").deadline(ms(1000)))?;
        timed_out(&observation.ending)?;
        ticker.ensure_dead()
    });
    suite.add("the_deadline_is_ours", |bench| {
        let deadline = ms(400);
        let observation = bench.run(&me("sleep").arg("60000").deadline(deadline))?;
        let Ending::TimedOut { after, .. } = observation.ending else {
            return Err(format!("{:?}", observation.ending).into());
        };
        // The upper bound is for a machine under heavy load; an idle one is within a few milliseconds.
        ensure(after >= deadline && after < deadline + ms(3000), || format!("the deadline passed at {after:?}"))?;
        ensure(observation.wall >= after, || format!("ended at {:?}", observation.wall))
    });
    suite.add("a_run_is_cancelled_from_another_thread", |bench| {
        let ticker = Ticker::new()?;
        let canceller = bench.harness.canceller();
        let file = ticker.file();
        let begin = Instant::now();
        let result = std::thread::scope(|scope| {
            scope.spawn(move || {
                wait_for(&file);
                canceller.cancel();
            });
            bench.harness.run(&ticker.command("stay-with-ticker"))
        });
        ensure(matches!(result, Err(HarnessError::Cancelled)), || format!("{result:?}"))?;
        ensure(begin.elapsed() < CAME_BACK, || format!("took {:?}", begin.elapsed()))?;
        ticker.ensure_dead()?;
        let again = bench.harness.run(&me("exit").arg("0"));
        ensure(matches!(again, Err(HarnessError::Cancelled)), || format!("then {again:?}"))
    });
    suite.add_if("programs_die_with_the_harness", |m| m.ties_to_harness, dies_with_the_harness);
    #[cfg(unix)]
    add_unix(suite);
}

/// Waits until the file has been written to.
fn wait_for(file: &Path) {
    let begin = Instant::now();
    while fs::metadata(file).map_or(0, |m| m.len()) == 0 && begin.elapsed() < CAME_BACK {
        sleep(TICK);
    }
}

fn dies_with_the_harness(bench: &Bench) -> Result<(), Failed> {
    let ticker = Ticker::new()?;
    let mut host = Command::new(std::env::current_exe()?)
        .args(["--misbehave", "host-run", bench.mechanism.name])
        .arg(ticker.file())
        .stdin(Stdio::null())
        .spawn()?;
    wait_for(&ticker.file());
    host.kill()?;
    host.wait()?;
    sleep(TICK * 10);
    ticker.ensure_dead()
}

#[cfg(unix)]
fn add_unix(suite: &mut Suite) {
    suite.add("who_obeys_the_polite_signal_is_not_killed", |bench| {
        let observation = bench.run(&me("sleep").arg("60000").deadline(ms(200)).grace(ms(10_000)))?;
        let expected = KillStep::Terminate;
        ensure(matches!(observation.ending, Ending::TimedOut { killed_by, .. } if killed_by == expected), || {
            format!("{:?}", observation.ending)
        })
    });
    suite.add("who_ignores_the_polite_signal_is_killed", |bench| {
        let ticker = Ticker::new()?;
        let observation = bench.run(&ticker.command("ignore-term").deadline(ms(500)).grace(ms(200)))?;
        ensure(matches!(observation.ending, Ending::TimedOut { killed_by: KillStep::Kill, .. }), || {
            format!("{:?}", observation.ending)
        })?;
        ensure(observation.wall >= ms(700), || format!("ended at {:?}", observation.wall))?;
        ticker.ensure_dead()
    });
    suite.add("who_stops_itself_is_killed", |bench| {
        let command = me("signal-self").arg(libc::SIGSTOP.to_string()).deadline(ms(300));
        timed_out(&bench.run(&command)?.ending)
    });
    suite.add_if(
        "a_daemon_is_seen_and_killed",
        |m| m.sees_daemons,
        |bench| {
            let ticker = Ticker::new()?;
            let observation = bench.run(&ticker.command("daemon").leak_grace(ms(300)))?;
            ensure_leaks(&observation, false)?;
            ticker.ensure_dead()
        },
    );
    suite.add_if(
        "a_daemon_that_keeps_the_streams_is_seen_and_killed",
        |m| m.sees_daemons,
        |bench| {
            let ticker = Ticker::new()?;
            let observation = bench.run(&ticker.command("noisy-daemon").leak_grace(ms(300)))?;
            ensure_leaks(&observation, true)?;
            ticker.ensure_dead()
        },
    );
    suite.add_if(
        "a_daemon_that_cannot_be_seen_does_not_hang_us",
        |m| !m.sees_daemons,
        |bench| {
            // What it leaves cannot be killed, so it ends by itself.
            let ticker = Ticker::new()?;
            let observation = bench.run(&ticker.command("short-noisy-daemon").arg("1500"))?;
            ensure(observation.leaks.stdout_held, || format!("{:?}", observation.leaks))
        },
    );
    suite.add_if(
        "who_runs_from_session_to_session_is_caught",
        |m| m.sees_daemons,
        |bench| {
            let ticker = Ticker::new()?;
            let observation = bench.run(&ticker.command("hop").deadline(ms(700)).grace(ms(100)))?;
            timed_out(&observation.ending)?;
            let before = fs::read_to_string(ticker.file())?;
            sleep(ms(200));
            ensure_eq("generation", &fs::read_to_string(ticker.file())?, &before)
        },
    );
    suite.add_if(
        "who_kills_the_starter_is_killed_and_the_next_run_works",
        |m| m.name == crate::BEST.name && cfg!(target_os = "linux"),
        |bench| loses_the_starter(bench, "signal-parent"),
    );
    suite.add_if(
        "who_kills_the_guardian_is_killed_and_the_next_run_works",
        |m| m.name == crate::BEST.name && cfg!(target_os = "linux"),
        |bench| loses_the_starter(bench, "signal-grandparent"),
    );
    for (name, signal) in [("stops", libc::SIGSTOP), ("terminates", libc::SIGTERM), ("hangs_up", libc::SIGHUP)] {
        suite.add_signal(name, signal);
    }
}

#[cfg(unix)]
impl Suite {
    /// Who sends the starter anything less than SIGKILL gets nowhere.
    fn add_signal(&mut self, name: &str, signal: i32) {
        let name = format!("best::who_{name}_the_starter_gets_nowhere");
        if !crate::BEST.sees_daemons {
            return;
        }
        self.trials.push(libtest_mimic::Trial::test(name, move || {
            let bench = Bench::new(crate::BEST)?;
            let ticker = Ticker::new()?;
            let command = me("signal-parent").arg(signal.to_string()).arg(ticker.file()).arg("100");
            let begin = Instant::now();
            let observation = bench.run(&command.deadline(ms(20_000)))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
            ensure(begin.elapsed() < ms(15_000), || "nobody noticed until the deadline".into())?;
            ticker.ensure_dead()
        }));
    }
}

#[cfg(unix)]
fn loses_the_starter(bench: &Bench, behaviour: &str) -> Result<(), Failed> {
    let ticker = Ticker::new()?;
    let command = me(behaviour).arg(libc::SIGKILL.to_string()).arg(ticker.file()).arg("60000");
    let begin = Instant::now();
    let result = bench.harness.run(&command);
    ensure(matches!(result, Err(HarnessError::StarterLost)), || format!("{result:?}"))?;
    ensure(begin.elapsed() < CAME_BACK, || format!("took {:?}", begin.elapsed()))?;
    ticker.ensure_dead()?;
    let next = bench.run(&me("exit").arg("7"))?;
    ensure_eq("the next ending", &next.ending, &Ending::Exited { code: 7 })
}
