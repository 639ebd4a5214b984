//! Finds the least of something that a program needs, and how it dies below that.

mod band;
mod search;

pub use band::Band;
pub use search::Search;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, CauseKind, likely_cause};
use crate::error::HarnessError;
use crate::limits::{Enforcement, Limit};
use crate::observation::{Ending, Observation};

/// How a program behaves under a limit, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// It does what it does without the limit.
    Works,
    /// It ends by itself and says something.
    CleanError,
    /// It crashes, and something can be read.
    LoudCrash,
    /// It dies or gives up without a word.
    SilentDeath,
    /// It does not end.
    Hang,
}

impl Behaviour {
    /// Judges a run; `works` says whether it did what it does without the limit.
    #[must_use]
    pub fn of(observation: &Observation, works: bool) -> Self {
        if works {
            return Behaviour::Works;
        }
        let silent = observation.stdout.total == 0 && observation.stderr.total == 0;
        let crashed = match &observation.ending {
            Ending::TimedOut { .. } => return Behaviour::Hang,
            Ending::Exited { .. } => {
                matches!(likely_cause(observation), Some(Cause { kind: CauseKind::InnerSignal { .. }, .. }))
            }
            Ending::Signaled { .. } | Ending::Crashed { .. } | Ending::LimitHit { .. } | Ending::NotStarted { .. } => {
                true
            }
        };
        match (silent, crashed) {
            (true, _) => Behaviour::SilentDeath,
            (false, true) => Behaviour::LoudCrash,
            (false, false) => Behaviour::CleanError,
        }
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Behaviour::Works => "works",
            Behaviour::CleanError => "clean error",
            Behaviour::LoudCrash => "loud crash",
            Behaviour::SilentDeath => "silent death",
            Behaviour::Hang => "hang",
        })
    }
}

/// One run of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbePoint {
    /// The limit's value, in its own [unit](Limit::unit).
    pub value: u64,
    /// How the program behaved.
    pub behaviour: Behaviour,
    /// How it ended.
    pub ending: Ending,
    /// What probably stands behind that.
    pub cause: Option<Cause>,
}

/// What a probe found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The limit.
    pub limit: Limit,
    /// The least value that was seen to be enough: there it works, and at every larger value that was tried. `None` if
    /// even the largest was not enough.
    pub floor: Option<u64>,
    /// All runs, by value. Behaviour need not change only once: some programs die in bands.
    pub points: Vec<ProbePoint>,
    /// Why the system does not hold programs to this limit, if so: then the points say nothing.
    pub not_enforced: Option<String>,
}

/// Finds the least value between `least` and `most` at which a program works, one run after the other; [`Search`] says
/// which values are tried, for whoever can run several at once. It takes 12 to 21 runs.
///
/// `run` runs it with the limit set to a value, and with a deadline, because starved programs may hang; `works` says
/// whether a run is as one without the limit.
///
/// ```no_run
/// use std::time::Duration;
/// use hookproof_harness::{Ending, Harness, HookCommand, Limit, Limits, probe};
///
/// let harness = Harness::new()?;
/// let hook = HookCommand::shell("cat").deadline(Duration::from_secs(5));
/// let limit = Limit::AddressSpace;
/// let found = probe(
///     limit,
///     64 << 10,
///     1 << 30,
///     |value| harness.run(&hook.clone().limits(Limits::none().with(limit, value))),
///     |observation| observation.ending == Ending::Exited { code: 0 },
/// )?;
/// println!("needs {:?} bytes", found.floor);
/// # Ok::<(), hookproof_harness::HarnessError>(())
/// ```
///
/// # Errors
///
/// Those of `run`.
pub fn probe(
    limit: Limit,
    least: u64,
    most: u64,
    mut run: impl FnMut(u64) -> Result<Observation, HarnessError>,
    works: impl Fn(&Observation) -> bool,
) -> Result<Probe, HarnessError> {
    let mut found = Probe { limit, floor: None, points: Vec::new(), not_enforced: None };
    let mut search = Search::new(limit, least, most);
    loop {
        let values = search.step(1);
        if values.is_empty() {
            break;
        }
        for value in values {
            let observation = run(value)?;
            let report = observation.limits.iter().find(|report| report.limit == limit);
            if let Some(Enforcement::NotEnforced { because }) = report.map(|report| &report.enforcement) {
                found.not_enforced.get_or_insert_with(|| because.clone());
                search.stop();
            }
            let behaviour = Behaviour::of(&observation, works(&observation));
            search.record(value, behaviour);
            let cause = likely_cause(&observation);
            found.points.push(ProbePoint { value, behaviour, ending: observation.ending, cause });
        }
    }
    found.points.sort_by_key(|point| point.value);
    found.floor = search.floor().filter(|_| found.not_enforced.is_none());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LimitReport;
    use crate::observation::{Capture, KillStep, StartError};
    use crate::supervise::not_started;
    use rstest::rstest;
    use std::time::Duration;

    fn observation(ending: Ending, stderr: &str) -> Observation {
        let error = StartError { os_error: None, step: String::new(), message: String::new() };
        let empty = not_started(error, Default::default(), Duration::ZERO, Default::default());
        let stderr = Capture { bytes: stderr.into(), total: stderr.len() as u64, ..Capture::default() };
        Observation { ending, stderr, ..empty }
    }

    fn works(observation: &Observation) -> bool {
        observation.ending == Ending::Exited { code: 0 }
    }

    fn segfault() -> Ending {
        Ending::Signaled { signal: 11, core_dumped: false }
    }

    /// A program with the bands of a small interpreter: killed in exec, then its loader complains, then it works.
    fn interpreter(value: u64) -> Observation {
        let (ending, text) = match value {
            0..4_000_000 => (segfault(), ""),
            4_000_000..9_000_000 => (Ending::Exited { code: 127 }, "error while loading shared libraries"),
            _ => (Ending::Exited { code: 0 }, ""),
        };
        let report = LimitReport::enforced(Limit::AddressSpace, value, "a test");
        Observation { limits: vec![report], ..observation(ending, text) }
    }

    #[test]
    fn the_floor_is_found_closely_in_few_runs() {
        let mut runs = 0;
        let run = |value| {
            runs += 1;
            Ok(interpreter(value))
        };
        let found = probe(Limit::AddressSpace, 64 << 10, 64 << 30, run, works).expect("runs");
        let floor = found.floor.expect("enough was tried");
        assert!((9_000_000..9_000_000 * 102 / 100).contains(&floor), "{floor}");
        assert!((12..=21).contains(&runs), "{runs} runs");
        assert!(found.points.is_sorted_by_key(|point| point.value));
        let seen: Vec<_> = found.points.iter().map(|point| point.behaviour).collect();
        assert!(seen.contains(&Behaviour::SilentDeath) && seen.contains(&Behaviour::CleanError), "{seen:?}");
    }

    #[rstest]
    #[case::even_the_least_is_enough(10 << 20, 1 << 30, Some(10 << 20), 5)]
    #[case::even_the_most_is_too_little(1 << 20, 8_000_000, None, 1)]
    #[case::one_value(1 << 30, 1 << 30, Some(1 << 30), 1)]
    fn ends_of_the_range(#[case] least: u64, #[case] most: u64, #[case] floor: Option<u64>, #[case] runs: usize) {
        let found = probe(Limit::AddressSpace, least, most, |v| Ok(interpreter(v)), works).expect("runs");
        assert_eq!((found.floor, found.points.len()), (floor, runs));
    }

    #[test]
    fn a_count_is_found_exactly() {
        let run = |value| {
            Ok(if value >= 5 { observation(Ending::Exited { code: 0 }, "") } else { observation(segfault(), "x") })
        };
        assert_eq!(probe(Limit::OpenFiles, 1, 1024, run, works).expect("runs").floor, Some(5));
    }

    #[test]
    fn a_band_in_which_it_fails_again_is_not_hidden() {
        // Works at the ends of the range and at what lies between them, but for one band that is met on the way.
        let run = |value| {
            let fails = value < 1000 || (60_000_000..70_000_000).contains(&value);
            Ok(if fails { observation(segfault(), "") } else { observation(Ending::Exited { code: 0 }, "") })
        };
        let found = probe(Limit::Data, 1, 4_000_000_000_000_000, run, works).expect("runs");
        let floor = found.floor.expect("the largest works");
        assert!(found.points.iter().filter(|p| p.value >= floor).all(|p| p.behaviour == Behaviour::Works));
        assert!(found.points.iter().any(|p| p.value < floor && p.behaviour != Behaviour::Works));
    }

    #[test]
    fn a_limit_that_does_not_hold_has_no_floor() {
        let run = |value| {
            let report = LimitReport::not_enforced(Limit::Processes, value, "the superuser is exempt from it");
            Ok(Observation { limits: vec![report], ..observation(Ending::Exited { code: 0 }, "") })
        };
        let found = probe(Limit::Processes, 1, 100, run, works).expect("runs");
        assert_eq!((found.floor, found.points.len()), (None, 1));
        assert!(found.not_enforced.is_some_and(|because| because.contains("superuser")));
    }

    #[rstest]
    #[case(Ending::Exited { code: 1 }, "MemoryError", Behaviour::CleanError)]
    #[case(Ending::Exited { code: 1 }, "", Behaviour::SilentDeath)]
    #[case(Ending::Exited { code: 139 }, "Segmentation fault", Behaviour::LoudCrash)]
    #[case(Ending::Signaled { signal: 6, core_dumped: false }, "out of memory", Behaviour::LoudCrash)]
    #[case(Ending::Signaled { signal: 11, core_dumped: false }, "", Behaviour::SilentDeath)]
    #[case(Ending::TimedOut { after: Duration::ZERO, killed_by: KillStep::Kill }, "x", Behaviour::Hang)]
    fn how_it_behaves(#[case] ending: Ending, #[case] stderr: &str, #[case] expected: Behaviour) {
        assert_eq!(Behaviour::of(&observation(ending, stderr), false), expected);
    }
}
