//! What a program may use, what of that the system really holds it to, and the proof that it hit a limit.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that a program may use only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of address space of each process (`RLIMIT_AS`). What is reserved counts, used or not, so runtimes that
    /// reserve much need much.
    AddressSpace,
    /// Bytes of private writable memory of each process (`RLIMIT_DATA`; committed memory of each process on Windows).
    Data,
    /// Bytes of stack of each process's first thread (`RLIMIT_STACK`). A quarter of it bounds arguments and variables.
    Stack,
    /// Whole seconds of CPU time of each process (`RLIMIT_CPU`). One second later it is killed if it goes on.
    Cpu,
    /// Open descriptors of each process (`RLIMIT_NOFILE`).
    OpenFiles,
    /// Bytes of each file that is written (`RLIMIT_FSIZE`). Pipes are no files.
    FileSize,
    /// Processes (`RLIMIT_NPROC`, which counts all of the user's; those of the run on Windows).
    Processes,
    /// Bytes of real memory of the whole tree together.
    Memory,
}

impl Limit {
    /// All limits.
    pub const ALL: [Limit; 8] = [
        Limit::AddressSpace,
        Limit::Data,
        Limit::Stack,
        Limit::Cpu,
        Limit::OpenFiles,
        Limit::FileSize,
        Limit::Processes,
        Limit::Memory,
    ];

    /// The name in reports, such as `address-space`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Limit::AddressSpace => "address-space",
            Limit::Data => "data",
            Limit::Stack => "stack",
            Limit::Cpu => "cpu",
            Limit::OpenFiles => "open-files",
            Limit::FileSize => "file-size",
            Limit::Processes => "processes",
            Limit::Memory => "memory",
        }
    }

    /// What a value counts: `bytes`, `seconds`, `descriptors` or `processes`.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Limit::Cpu => "seconds",
            Limit::OpenFiles => "descriptors",
            Limit::Processes => "processes",
            Limit::AddressSpace | Limit::Data | Limit::Stack | Limit::FileSize | Limit::Memory => "bytes",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Limits for one run, in force before the program's first instruction. A limit that is not named stays what the
/// harness itself was given, except that no program ever leaves a core file.
///
/// The program cannot raise them again: soft and hard limits are equal, except for CPU time, whose hard limit is one
/// second more, so that its end (SIGXCPU) cannot be mistaken for that of a lack of memory (SIGKILL).
///
/// A starved runtime may hang instead of dying, so a limit on memory belongs together with a deadline.
///
/// ```
/// use hookproof_harness::{Limit, Limits};
///
/// let limits = Limits::none().address_space(512 << 20).cpu_seconds(2).with(Limit::OpenFiles, 64);
/// assert_eq!(limits.get(Limit::Cpu), Some(2));
/// assert_eq!(limits.get(Limit::Memory), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits {
    values: BTreeMap<Limit, u64>,
}

impl Limits {
    /// No limit.
    #[must_use]
    pub fn none() -> Self {
        Limits::default()
    }

    /// Sets any limit, in its own [unit](Limit::unit).
    #[must_use]
    pub fn with(mut self, limit: Limit, value: u64) -> Self {
        self.values.insert(limit, value);
        self
    }

    /// Bytes of address space of each process.
    #[must_use]
    pub fn address_space(self, bytes: u64) -> Self {
        self.with(Limit::AddressSpace, bytes)
    }

    /// Bytes of private writable memory of each process.
    #[must_use]
    pub fn data(self, bytes: u64) -> Self {
        self.with(Limit::Data, bytes)
    }

    /// Bytes of stack of each process's first thread.
    #[must_use]
    pub fn stack(self, bytes: u64) -> Self {
        self.with(Limit::Stack, bytes)
    }

    /// Seconds of CPU time of each process; less than one second cannot be asked for, so 0 is taken as 1.
    #[must_use]
    pub fn cpu_seconds(self, seconds: u64) -> Self {
        self.with(Limit::Cpu, seconds)
    }

    /// Open descriptors of each process.
    #[must_use]
    pub fn open_files(self, count: u64) -> Self {
        self.with(Limit::OpenFiles, count)
    }

    /// Bytes of each file that is written.
    #[must_use]
    pub fn file_size(self, bytes: u64) -> Self {
        self.with(Limit::FileSize, bytes)
    }

    /// Processes.
    #[must_use]
    pub fn processes(self, count: u64) -> Self {
        self.with(Limit::Processes, count)
    }

    /// Bytes of real memory of the whole tree together.
    #[must_use]
    pub fn memory(self, bytes: u64) -> Self {
        self.with(Limit::Memory, bytes)
    }

    /// The value of a limit, if it is set.
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        let value = self.values.get(&limit).copied()?;
        Some(if limit == Limit::Cpu { value.max(1) } else { value })
    }

    /// Whether no limit is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The limits that are set, with their values, always in the same order.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> + '_ {
        self.values.keys().filter_map(|limit| Some((*limit, self.get(*limit)?)))
    }
}

/// Whether the system holds the program to a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Enforcement {
    /// It does.
    Enforced {
        /// By what, and whom it counts: `RLIMIT_AS, for each process`, ...
        mechanism: String,
    },
    /// It does not.
    NotEnforced {
        /// Why, as the end of "not enforced, because ...".
        because: String,
    },
}

/// What became of one limit in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReport {
    /// The limit.
    pub limit: Limit,
    /// What was asked for, in the limit's [unit](Limit::unit).
    pub value: u64,
    /// Whether it held.
    pub enforcement: Enforcement,
    /// Proof that somebody in the tree hit it, whatever became of the program itself: a wrapper that survives the
    /// death of its child ends with an exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<LimitProof>,
}

impl LimitReport {
    /// A limit that the system holds the program to.
    pub(crate) fn enforced(limit: Limit, value: u64, mechanism: impl Into<String>) -> Self {
        let enforcement = Enforcement::Enforced { mechanism: mechanism.into() };
        LimitReport { limit, value, enforcement, proof: None }
    }

    /// A limit that the system does not hold the program to.
    pub(crate) fn not_enforced(limit: Limit, value: u64, because: impl Into<String>) -> Self {
        let enforcement = Enforcement::NotEnforced { because: because.into() };
        LimitReport { limit, value, enforcement, proof: None }
    }

    /// Whether the system holds the program to it.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        matches!(self.enforcement, Enforcement::Enforced { .. })
    }
}

impl fmt::Display for LimitReport {
    /// Such as `address-space 7168000 bytes: RLIMIT_AS, for each process`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: ", self.limit, self.value, self.limit.unit())?;
        match &self.enforcement {
            Enforcement::Enforced { mechanism } => f.write_str(mechanism),
            Enforcement::NotEnforced { because } => write!(f, "not enforced, because {because}"),
        }
    }
}

/// What shows that it was the limit and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LimitProof {
    /// It died of the signal that the system sends for this limit alone (SIGXCPU, SIGXFSZ).
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It was killed after it had used up its CPU time.
    CpuTime {
        /// CPU time of the process alone.
        used: Duration,
    },
    /// The kernel counts processes of this control group that it killed for lack of memory (`oom_kill` in
    /// `memory.events`).
    OomKill {
        /// How many.
        count: u64,
    },
    /// The job object said so.
    JobNotification {
        /// The message, a `JOB_OBJECT_MSG_*` constant.
        message: u32,
    },
    /// The harness saw the tree above the limit and killed it.
    Footprint {
        /// Bytes that it had then.
        bytes: u64,
    },
}

impl fmt::Display for LimitProof {
    /// As the end of "the limit was hit: ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitProof::Signal { signal } => write!(f, "signal {signal} is sent for this limit alone"),
            LimitProof::CpuTime { used } => write!(f, "it had used {:.2} s of CPU time", used.as_secs_f64()),
            LimitProof::OomKill { count } => {
                write!(f, "the kernel killed {count} of its processes for lack of memory (memory.events)")
            }
            LimitProof::JobNotification { message } => write!(f, "the job object sent message {message}"),
            LimitProof::Footprint { bytes } => write!(f, "its tree occupied {bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_stored_limits() {
        for limit in Limit::ALL {
            assert_eq!(serde_json::to_value(limit).expect("writes"), limit.name());
        }
    }

    #[test]
    fn limits_survive_being_stored_and_keep_their_order() {
        let limits = Limits::none().memory(1 << 40).cpu_seconds(0).data(5);
        let text = serde_json::to_string(&limits).expect("writes");
        assert_eq!(serde_json::from_str::<Limits>(&text).expect("reads"), limits);
        let listed: Vec<_> = limits.iter().collect();
        assert_eq!(listed, [(Limit::Data, 5), (Limit::Cpu, 1), (Limit::Memory, 1 << 40)]);
    }

    #[test]
    fn a_report_says_what_holds_and_what_does_not() {
        let held = LimitReport::enforced(Limit::Data, 5, "RLIMIT_DATA, for each process");
        assert_eq!(held.to_string(), "data 5 bytes: RLIMIT_DATA, for each process");
        let not = LimitReport::not_enforced(Limit::Cpu, 1, "nobody counts");
        assert_eq!(not.to_string(), "cpu 1 seconds: not enforced, because nobody counts");
        assert!(held.is_enforced() && !not.is_enforced());
    }
}
