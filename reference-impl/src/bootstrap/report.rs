//! What a run has to tell: integers for telemetry, and a line for a person where something needs one.
//!
//! The numbers are append-only: one that has been given is never given another meaning.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::attempt::Failure;
use super::cooldown::WINDOW;
use super::ending::Killed;
use super::settings::NoStateFolder;

/// What came of preparing the index.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was there, with so many entries.
    Ready(u64),
    /// It has been built, with so many entries.
    Built(u64),
    /// It could not be built; the next session tries again.
    Failed(Failure),
    /// The builder was killed: nothing is tried for a day.
    Killed {
        /// How it died.
        killed: Killed,
        /// The marker, or why there is none.
        marker: Result<PathBuf, std::io::Error>,
    },
    /// Nothing is tried for so long.
    CoolingDown(Duration),
    /// Somebody else is building.
    Busy,
    /// There is no folder to keep it in.
    NoStateFolder(NoStateFolder),
    /// A person ended the builder.
    Stopped,
    /// The builder took too long.
    TimedOut(Duration),
}

/// What one run did about the index.
#[derive(Debug)]
pub(crate) struct Report {
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Outcome {
    /// The value of `bootstrap`.
    fn code(&self) -> u64 {
        match self {
            Self::Ready(_) => 0,
            Self::Built(_) => 1,
            Self::Failed(_) => 2,
            Self::Killed { .. } => 3,
            Self::CoolingDown(_) => 4,
            Self::Busy => 5,
            Self::NoStateFolder(_) => 6,
            Self::Stopped => 7,
            Self::TimedOut(_) => 8,
        }
    }

    /// The value of `bootstrap_why`.
    fn why(&self) -> Option<u64> {
        Some(match self {
            Self::Killed { killed, .. } => match killed {
                Killed::BySignal(_) => 1,
                Killed::Below => 2,
                Killed::WhileStarting => 3,
                Killed::ByCrash(_) => 4,
                Killed::Wrapped(_) => 5,
            },
            Self::Failed(failure) => match failure {
                Failure::State(_) => 20,
                Failure::Lock(_) => 21,
                Failure::NotStarted(_) => 22,
                Failure::Builder { .. } => 23,
                Failure::Unusable(_) => 24,
                Failure::Place(_) => 25,
            },
            Self::NoStateFolder(NoStateFolder::Unnamed) => 30,
            Self::NoStateFolder(NoStateFolder::Relative(_)) => 31,
            _ => return None,
        })
    }
}

impl Report {
    /// Integers for telemetry, the most important first, because hosts keep the first ones.
    ///
    /// | key | when | what |
    /// |---|---|---|
    /// | `bootstrap` | always | 0 ready, 1 built, 2 failed, 3 killed, 4 cooling down, 5 somebody else builds, 6 no state folder, 7 stopped by a person, 8 took too long |
    /// | `bootstrap_ms` | always | how long it took, in milliseconds |
    /// | `bootstrap_why` | 2, 3, 6 | 1 signal, 2 a process below was killed or found no memory, 3 no memory to start, 4 crash, 5 a wrapper tells of a signal; 20 state folder, 21 lock, 22 not started, 23 the builder failed, 24 no whole index, 25 not put in place; 30 no folder named, 31 relative folder |
    /// | `bootstrap_signal` | killed by a signal | its number |
    /// | `bootstrap_status` | crashed, or the builder failed | the exit code |
    /// | `bootstrap_errno` | the system refused | its number |
    /// | `bootstrap_wait_s` | 3, 4 | seconds until the next attempt; 0 if the marker could not be written |
    /// | `bootstrap_entries` | 0, 1 | entries of the index |
    pub(crate) fn telemetry(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("bootstrap", self.outcome.code().into());
        put("bootstrap_ms", u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX).into());
        if let Some(why) = self.outcome.why() {
            put("bootstrap_why", why.into());
        }
        match &self.outcome {
            Outcome::Ready(entries) | Outcome::Built(entries) => {
                put("bootstrap_entries", (*entries).into());
            }
            Outcome::Killed { killed, marker } => {
                match killed {
                    Killed::BySignal(signal) => put("bootstrap_signal", (*signal).into()),
                    Killed::Wrapped(signal) => put("bootstrap_signal", (*signal).into()),
                    Killed::ByCrash(status) => put("bootstrap_status", (*status).into()),
                    Killed::Below | Killed::WhileStarting => None,
                };
                if let Err(error) = marker {
                    put("bootstrap_errno", error.raw_os_error().unwrap_or_default().into());
                }
                put("bootstrap_wait_s", if marker.is_ok() { WINDOW.as_secs() } else { 0 }.into());
            }
            Outcome::CoolingDown(left) => {
                put("bootstrap_wait_s", left.as_secs().into());
            }
            Outcome::Failed(failure) => match failure {
                Failure::State(error) | Failure::Lock(error) | Failure::NotStarted(error) | Failure::Place(error) => {
                    put("bootstrap_errno", error.raw_os_error().unwrap_or_default().into());
                }
                Failure::Builder { code: Some(code), .. } => {
                    put("bootstrap_status", (*code).into());
                }
                Failure::Builder { code: None, .. } | Failure::Unusable(_) => {}
            },
            Outcome::Busy | Outcome::NoStateFolder(_) | Outcome::Stopped | Outcome::TimedOut(_) => {}
        }
        fields
    }

    /// One line for a person, where there is something to do or to know. While nothing is tried there is none: it was
    /// said when the time began.
    pub(crate) fn line(&self) -> Option<String> {
        const AGAIN: &str = "The guard works without it; the next session tries again.";
        Some(match &self.outcome {
            Outcome::Ready(_) | Outcome::Built(_) | Outcome::CoolingDown(_) | Outcome::Busy => return None,
            Outcome::Killed { killed, marker: Ok(marker) } => format!(
                "The guard's index was not built: {}. The usual cause is a lack of memory. The guard works without it; \
                 the next attempt is in 24 hours, or sooner if you remove {}.",
                how(*killed),
                marker.display()
            ),
            Outcome::Killed { killed, marker: Err(error) } => format!(
                "The guard's index was not built: {}. The usual cause is a lack of memory. The next session will try \
                 again, because the marker that would hold it back could not be written: {error}.",
                how(*killed)
            ),
            Outcome::Failed(failure) => format!("The guard's index is missing: it failed to {failure}. {AGAIN}"),
            Outcome::NoStateFolder(reason) => format!("The guard's index is missing: it failed to {reason}. {AGAIN}"),
            Outcome::Stopped => format!("The guard's index was not built: somebody ended the builder. {AGAIN}"),
            Outcome::TimedOut(limit) => format!(
                "The guard's index was not built: the builder took longer than {} s and was ended. {AGAIN}",
                limit.as_secs_f32()
            ),
        })
    }
}

fn how(killed: Killed) -> String {
    match killed {
        Killed::BySignal(signal) => format!("the builder was killed by signal {signal}"),
        Killed::Below => "a process of the builder was killed, or found no memory".to_owned(),
        Killed::WhileStarting => "there was no memory to start the builder".to_owned(),
        Killed::ByCrash(status) => format!("the builder crashed with status {status:#010x}"),
        Killed::Wrapped(signal) => format!("the builder was killed, as a wrapper says, by signal {signal}"),
    }
}
