//! The soak: every situation very often, by several harnesses at once, in a process of its own that must not grow.
//!
//! ```text
//! HOOKPROOF_SOAK_RUNS=1000 cargo test -p hookproof-harness --test torture --release -- soak --ignored
//! ```
//!
//! Prints a table at the end.

use std::fs;
use std::process::Command;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hookproof_harness::Ending;
use libtest_mimic::{Arguments, Failed, Trial};

use super::survivors::{carriers, children_of_this_process};
use super::{Look, Outcome, Situation, Ward, all, named, tokens_of};
use crate::{BEST, Bench, Mechanism, POSIX, ensure, ensure_eq, me};

/// Runs of each situation if nobody says otherwise.
const RUNS: usize = 1000;
/// Harnesses that share them, each in a thread of its own.
const HARNESSES: usize = 4;
/// What each harness runs before anything is counted.
const WARM_UP: usize = 2;
/// After so many runs the whole process table is looked through.
const LOOK_EVERY: usize = 10;
/// How long threads that have been told to end, and processes that have been killed, may take to be gone.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// How long the runs of one situation may take in all.
const LONGEST: Duration = Duration::from_secs(3600);

/// One line of the table.
#[derive(Debug)]
struct Row {
    /// Where it stands in the table.
    place: usize,
    name: String,
    runs: usize,
    seconds: f64,
    left: String,
}

static TABLE: Mutex<Vec<Row>> = Mutex::new(Vec::new());
/// One after the other: each has several harnesses anyway.
static TURN: Mutex<()> = Mutex::new(());

/// A trial for each situation. There are none unless somebody asks for them: they would fill the list of those who do not.
pub(crate) fn trials(args: &Arguments) -> Vec<Trial> {
    if !args.filter.as_ref().is_some_and(|filter| filter.contains("soak")) {
        return Vec::new();
    }
    let runs = std::env::var("HOOKPROOF_SOAK_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(RUNS);
    let mut trials = Vec::new();
    for mechanism in [BEST, POSIX] {
        for situation in all().into_iter().filter(|situation| situation.is_for(&mechanism)) {
            let name = situation.trial("soak", &mechanism);
            let place = trials.len();
            trials.push(Trial::test(name, move || soak(place, mechanism, &situation, runs)).with_ignored_flag(true));
        }
    }
    trials
}

/// Says what the soak has found, if it took place.
#[allow(clippy::print_stdout, reason = "a report for people")]
pub(crate) fn print_table() {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    table.sort_by_key(|row| row.place);
    if !table.is_empty() {
        println!("| situation | runs | seconds | left over |\n|---|--:|--:|---|");
        for Row { name, runs, seconds, left, .. } in table.iter() {
            println!("| {name} | {runs} | {seconds:.1} | {left} |");
        }
    }
}

fn soak(place: usize, mechanism: Mechanism, situation: &Situation, runs: usize) -> Result<(), Failed> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir()?;
    let name = format!("{} ({})", situation.name, mechanism.name);
    let outer = Bench::new(BEST)?;
    let command = me("host-soak")
        .arg(mechanism.name)
        .arg(situation.name)
        .arg(runs.to_string())
        .env("TMPDIR", folder.path())
        .deadline(LONGEST);
    let begin = Instant::now();
    let observation = outer.harness.run(&command)?;
    let seconds = begin.elapsed().as_secs_f64();
    let answer = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
    let result = (|| {
        ensure(observation.ending == Ending::Exited { code: 0 }, || {
            format!("{:?}: {}", observation.ending, String::from_utf8_lossy(&observation.stderr.bytes))
        })?;
        // Whatever the inner harnesses have lost is below the outer one.
        ensure_eq("what outlived the host", &observation.leaks, &hookproof_harness::Leaks::default())?;
        let host: u32 = answer.split(' ').next().and_then(|pid| pid.parse().ok()).ok_or("the host says who it is")?;
        ensure_eq("who carries a token", &carriers(&tokens_of(host)), &Vec::new())?;
        ensure_eq("files", &fs::read_dir(folder.path())?.count(), &0)
    })();
    let left = match &result {
        Ok(()) => answer.split_once(' ').map_or(String::new(), |(_, left)| left.to_owned()),
        Err(failed) => format!("failed: {}", failed.message().unwrap_or_default().replace(['\n', '|'], " ")),
    };
    TABLE.lock().unwrap_or_else(PoisonError::into_inner).push(Row { place, name, runs, seconds, left });
    result
}

/// What a process can have too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    descriptors: usize,
    threads: usize,
    /// Children, zombies included.
    processes: usize,
    files: usize,
}

impl Counts {
    fn now() -> Self {
        let entries = |folder: &std::path::Path| fs::read_dir(folder).map_or(0, Iterator::count);
        Counts {
            descriptors: entries("/dev/fd".as_ref()),
            threads: entries("/proc/self/task".as_ref()),
            processes: children_of_this_process().len(),
            files: entries(&std::env::temp_dir()),
        }
    }

    /// What is there when it is what is expected, or when the time for that is over.
    fn settled(expected: Option<Counts>) -> Self {
        let begin = Instant::now();
        loop {
            let now = Counts::now();
            if expected.is_none_or(|expected| expected == now) || begin.elapsed() > SETTLED_WITHIN {
                return now;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Entry of the host: `SITUATION RUNS`. Answers with its id and what it has too much of.
pub(crate) fn host(mechanism: Mechanism, args: &[String]) -> String {
    let situation = named(&args[0]).expect("a situation of this system");
    let runs: usize = args[1].parse().expect("a number");
    // Somebody who has nothing to do with it all and must not be harmed.
    let mut bystander = Command::new("/bin/sleep").arg("7200").spawn().expect("starts");
    let before = Counts::now();
    let barrier = Barrier::new(HARNESSES + 1);
    let (results, warm, after) = thread::scope(|scope| {
        let worker = |place: usize| {
            let (situation, barrier) = (&situation, &barrier);
            let share = runs / HARNESSES + usize::from(place < runs % HARNESSES);
            scope.spawn(move || work(mechanism, situation, share, barrier))
        };
        let workers: Vec<_> = (0..HARNESSES).map(worker).collect();
        barrier.wait();
        // The threads are all there, and what a run leaves for a moment is gone.
        let warm = Counts::settled(None);
        let warm = Counts::settled(Some(Counts { files: before.files, ..warm }));
        barrier.wait();
        barrier.wait();
        let after = Counts::settled(Some(warm));
        barrier.wait();
        let results: Vec<_> = workers.into_iter().map(|w| w.join().expect("does not panic")).collect();
        (results, warm, after)
    });
    let mut impossible = None;
    for result in results {
        match result {
            Ok(Outcome::AsExpected) => {}
            Ok(Outcome::Impossible(why)) => impossible = Some(why),
            Err(failed) => panic!("{}", failed.message().unwrap_or_default()),
        }
    }
    assert_eq!(after, warm, "with the harnesses still there");
    let end = Counts::settled(Some(before));
    assert_eq!(end, before, "without the harnesses");
    assert!(matches!(bystander.try_wait(), Ok(None)), "a stranger was harmed");
    bystander.kill().and_then(|()| bystander.wait()).expect("ends");
    let more = |after: usize, before: usize| after - before;
    let left = format!(
        "{} processes, {} descriptors, {} threads, {} files",
        more(end.processes, before.processes),
        more(end.descriptors, before.descriptors),
        more(end.threads, before.threads),
        more(end.files, before.files),
    );
    let left = impossible.map_or(left, |why| format!("not possible here: {why}"));
    format!("{} {left}", std::process::id())
}

/// One harness and its share of the runs. Meets the others four times, whatever happens.
fn work(mechanism: Mechanism, situation: &Situation, share: usize, barrier: &Barrier) -> Result<Outcome, Failed> {
    let several = |ward: &Ward, count: usize| {
        let mut outcome = Outcome::AsExpected;
        for run in 0..count {
            let look = if run % LOOK_EVERY == 0 { Look::Everywhere } else { Look::Near };
            outcome = ward.run(situation, look)?;
        }
        Ok(outcome)
    };
    let warmed_up = Ward::new(mechanism).and_then(|ward| several(&ward, WARM_UP).map(|_| ward));
    barrier.wait();
    barrier.wait();
    let result = match &warmed_up {
        Ok(ward) => several(ward, share),
        Err(_) => Ok(Outcome::AsExpected),
    };
    barrier.wait();
    barrier.wait();
    warmed_up.and(result)
}
