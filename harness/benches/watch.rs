//! What a watch costs: the same hook watched and not watched.
//!
//! The ways take turns in batches of five inside one process, so that a busy machine disturbs all of them alike; the
//! ratio is the figure to quote. One hook starts nothing, one starts nine programs, and one asks nine times for the time.
//!
//! ```text
//! cargo bench -p hookproof-harness --bench watch [-- RUNS]
//! ```
#![allow(clippy::print_stdout, reason = "a report for people")]

use std::time::{Duration, Instant};

use hookproof_harness::{
    ClockShift, CommandPattern, Coverage, Ending, ExecError, Fault, FaultAction, FaultSignal, Harness, HookCommand,
    Target, Watch,
};

const BATCH: usize = 5;
const RUNS: usize = 500;

type Way = (&'static str, Box<dyn FnMut()>);

fn main() {
    // Cargo passes `--bench`.
    let runs = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(RUNS);
    println!("{:<14} {:<22} {:>10} {:>10} {:>8} {:>8}", "hook", "way", "p10 µs", "median µs", "p10", "median");
    measure("nothing", &HookCommand::shell("exit 0"), 0, runs);
    let nine = "for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; exit 0";
    measure("nine programs", &HookCommand::shell(nine), 9, runs);
    let dates = "for i in 1 2 3 4 5 6 7 8 9; do /bin/date >/dev/null; done; exit 0";
    measure("nine dates", &HookCommand::shell(dates), 9, runs);
}

fn measure(hook: &str, command: &HookCommand, programs: usize, runs: usize) {
    let mut ways = ways(command, programs);
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(runs); ways.len()];
    // The first batch warms up and does not count.
    for round in 0..=runs.div_ceil(BATCH) {
        for ((_, run), times) in ways.iter_mut().zip(&mut times) {
            for _ in 0..BATCH {
                let begin = Instant::now();
                run();
                if round > 0 {
                    times.push(begin.elapsed());
                }
            }
        }
    }
    let quantiles: Vec<_> = times.into_iter().map(quantiles).collect();
    for ((name, _), (low, median)) in ways.iter().zip(&quantiles) {
        let (low_ratio, median_ratio) = (low / quantiles[0].0, median / quantiles[0].1);
        println!("{hook:<14} {name:<22} {low:>10.1} {median:>10.1} {low_ratio:>8.2} {median_ratio:>8.2}");
    }
}

/// The 10th and the 50th percentile in microseconds.
fn quantiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e6;
    (at(10), at(50))
}

fn ways(command: &HookCommand, programs: usize) -> Vec<Way> {
    let patterns: [CommandPattern; 2] = ["python* -m venv", "*pip install*"].map(|p| p.parse().expect("a pattern"));
    let never = |action| Fault { target: Target { nth: u32::MAX, ..Target::default() }, action };
    let kill = FaultAction::Kill { signal: FaultSignal::Kill, after: Duration::ZERO };
    let fail = FaultAction::FailExec { error: ExecError::NotFound };
    let watched = |fault| Some(Watch { patterns: patterns.to_vec(), fault, clock: None });
    let ways = [
        ("not watched", None),
        ("watched", watched(None)),
        ("watched, kill", watched(Some(never(kill)))),
        ("watched, fail exec", watched(Some(never(fail)))),
        ("watched, moved clock", Some(Watch::default().clock(ClockShift::ahead(Duration::from_secs(86_400))))),
    ];
    ways.into_iter()
        .map(|(name, watch)| {
            let harness = Harness::new().expect("a harness");
            let command = HookCommand { watch, ..command.clone() };
            let run: Box<dyn FnMut()> = Box::new(move || {
                let observation = harness.run(&command).expect("a run");
                assert_eq!(observation.ending, Ending::Exited { code: 0 });
                if let Some(report) = observation.watch
                    && !matches!(report.coverage, Coverage::None { .. })
                {
                    assert_eq!(report.seen.len(), programs);
                }
            });
            (name, run)
        })
        .collect()
}
