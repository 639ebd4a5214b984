//! What a hook needs: the least of memory, time, descriptors or processes at which it does what it does without a limit,
//! and how it dies below that.
//!
//! "Does the same" is judged by the oracle and not by the exit code alone: a guard that ends with 0 and no longer denies
//! does not work. [`Prober`] runs the hook without a limit first, then under limits that a
//! [`Search`](hookproof_harness::Search) chooses, several at the same time, each in folders of its own.

mod choice;
mod likeness;
mod point;
mod pool;
mod prober;
mod range;
mod users;

pub use choice::Moment;
pub use point::Point;
pub use prober::{ProbeError, Prober};
pub use range::Wanted;

use std::time::Duration;

use hookproof_harness::{Band, Limit};
use serde::{Deserialize, Serialize};

use crate::quantity;

/// Something that a reporter of a probe may want to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ProbeEvent {
    /// What the hook does without a limit is known.
    ProbeStarted(Baseline),
    /// The hook was run under a limit.
    RunFinished {
        /// The limit.
        limit: Limit,
        /// What came of it.
        point: Point,
    },
    /// Nothing more is tried of a limit.
    LimitFinished(Found),
    /// The probe is over.
    ProbeFinished(Closing),
}

/// What the hook does without a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Version of hookproof.
    pub hookproof: String,
    /// The hook, as a person would type it.
    pub hook: String,
    /// The platform's id.
    pub platform: String,
    /// The platform's name for people.
    pub platform_title: String,
    /// The version that is judged by.
    pub version: String,
    /// The event.
    #[serde(rename = "hook_event")]
    pub event: String,
    /// The document on stdin.
    pub payload: String,
    /// How the hook ended, in words.
    pub ending: String,
    /// What the platform makes of it.
    pub told: String,
    /// Wall time.
    pub wall: Duration,
    /// CPU time, if known.
    pub cpu: Option<Duration>,
    /// Peak memory of the largest process in bytes, if known.
    pub peak_memory: Option<u64>,
    /// Why the hook does not work without a limit. Then nothing is probed.
    pub does_not_work: Option<String>,
    /// Whether the hook has something to say to the document. Of one that has not, only its silence can be compared.
    pub speaks: bool,
    /// What is not compared, because two runs without a limit do not agree on it.
    pub unsteady: Vec<String>,
}

/// What was found out of one limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The limit.
    pub limit: Limit,
    /// What values count.
    pub unit: String,
    /// The least value of the range.
    pub least: u64,
    /// The largest value of the range.
    pub most: u64,
    /// What held the hook to the limit.
    pub mechanism: Option<String>,
    /// Why nothing did, if so: then the runs say nothing.
    pub not_enforced: Option<String>,
    /// The least value that was seen to be enough: there it works, and at every larger value that was tried.
    pub floor: Option<u64>,
    /// The floor with a margin, rounded up.
    pub advised: Option<u64>,
    /// How much of each value is used by others already, where the system counts them too: processes of the same user.
    pub already_used: Option<u64>,
    /// All runs, by value.
    pub points: Vec<Point>,
    /// Stretches in which the hook behaves the same.
    pub bands: Vec<Band>,
    /// The worst way to fail below the floor, with the widest stretch of it.
    pub worst: Option<Band>,
    /// Values at which it works although it fails at a larger one.
    pub works_below: Vec<u64>,
    /// Whether the search was cut off by an interrupt.
    #[serde(default)]
    pub interrupted: bool,
}

impl Found {
    /// Whether the hook needs more than the largest value of the range.
    #[must_use]
    pub fn is_too_little(&self) -> bool {
        self.not_enforced.is_none() && self.floor.is_none() && !self.points.is_empty()
    }

    /// The points of a stretch, by value.
    pub fn points_of<'a>(&'a self, band: &'a Band) -> impl Iterator<Item = &'a Point> {
        self.points
            .iter()
            .filter(|point| (band.from..=band.to).contains(&point.value) && point.behaviour == band.behaviour)
    }

    /// The limit in words: `address space of each process`.
    #[must_use]
    pub fn title(&self) -> &'static str {
        title(self.limit)
    }

    /// A value of this limit for people.
    #[must_use]
    pub fn shown(&self, value: u64) -> String {
        quantity::shown(self.limit, value)
    }
}

/// The end of a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// What was left out, with the reasons.
    pub notes: Vec<String>,
    /// Runs in all.
    pub runs: usize,
    /// Wall time of everything.
    pub wall: Duration,
    /// Whether the probe was interrupted.
    pub interrupted: bool,
}

/// A whole probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probing {
    /// What the hook does without a limit.
    pub baseline: Baseline,
    /// What was found out, a limit each.
    pub limits: Vec<Found>,
    /// The end.
    #[serde(flatten)]
    pub closing: Closing,
}

/// A limit in words.
#[must_use]
pub fn title(limit: Limit) -> &'static str {
    match limit {
        Limit::AddressSpace => "address space of each process",
        Limit::Data => "private writable memory of each process",
        Limit::Stack => "stack of each process",
        Limit::Cpu => "CPU time of each process",
        Limit::OpenFiles => "open descriptors of each process",
        Limit::FileSize => "size of each file that is written",
        Limit::Processes => "processes",
        Limit::Memory => "real memory of all processes together",
        // The harness may learn further limits before this does.
        other => other.name(),
    }
}
