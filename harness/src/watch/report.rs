//! What was seen of a run's programs, and what became of the fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClockReport, Watch};
use crate::limits::LimitReport;

/// What a watch brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchReport {
    /// How much can have been seen.
    pub coverage: Coverage,
    /// The programs that were started, in the order of their starts. The hook's own program is none of them; what it
    /// executes in its own place is.
    pub seen: Vec<SeenCommand>,
    /// Starts for which there was no room in `seen`. Those that match have room of their own.
    pub dropped: u64,
    /// Starts that may match or not: the system did not tell enough of them. They are in `seen` as far as they are known.
    /// Where nothing matches, and this is not 0, something may have been started all the same.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undecided: u64,
    /// How many processes were created; `None` where nobody could count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// What became of the fault, if the watch has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultReport>,
    /// What became of the moved clock, if the watch has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockReport>,
}

impl WatchReport {
    /// Nothing could be seen. Nothing was broken either.
    pub(crate) fn blind(watch: &Watch, because: impl Into<String>) -> Self {
        let because = because.into();
        let fault = watch.fault.as_ref().map(|_| FaultReport::Impossible { because: because.clone() });
        let clock = watch.clock.map(|_| ClockReport::NotMoved { because: because.clone() });
        WatchReport {
            coverage: Coverage::None { because },
            seen: Vec::new(),
            dropped: 0,
            undecided: 0,
            created: None,
            fault,
            clock,
        }
    }

    /// The starts that count as attempts: their command line matches, and they belong to no earlier one that does.
    pub fn matching(&self) -> impl Iterator<Item = &SeenCommand> {
        self.seen.iter().filter(|seen| seen.pattern.is_some() && seen.below.is_none())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_none(number: &u32) -> bool {
    *number == 0
}

/// Processes that were created below the hook, whether they executed a program or were only copies of who created them.
/// Threads are none, the hook's own process is not counted, and what a process executes in its own place creates none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// How many are known of.
    pub count: u64,
    /// Those of them that executed no program, such as the subshells of a shell.
    #[serde(default)]
    pub copies: u64,
    /// Why there may have been more; `None` where these are all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// How much of what happened can have been seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Coverage {
    /// Every start of a program.
    Complete {
        /// How.
        means: String,
    },
    /// Not every start.
    Partial {
        /// How.
        means: String,
        /// What may be missing.
        because: String,
    },
    /// Nothing.
    None {
        /// Why.
        because: String,
    },
}

/// A program that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCommand {
    /// Time since the start of the run.
    pub at: Duration,
    /// Its process.
    pub pid: u32,
    /// The process that created it; 0 if that is not known.
    pub parent: u32,
    /// The command line as the system runs it: for a script that is the interpreter and the path of the script. The
    /// first 4 KiB; what is no text is replaced.
    pub command_line: Vec<String>,
    /// The first pattern that it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<usize>,
    /// In which form it matches that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<CommandForm>,
    /// The nearest process that had matched a pattern before and that it descends from. Its own id if it is that
    /// process itself, which has executed another program in its own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<u32>,
    /// How the process ended, if that was seen. Of a process that executed several programs only the last has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<CommandEnd>,
}

/// The form of a command line that a pattern matched. See [`CommandPattern`](crate::CommandPattern).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandForm {
    /// As the system runs it.
    Run,
    /// As it was called.
    Called,
}

/// How a descendant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CommandEnd {
    /// By itself.
    Exited {
        /// The exit code.
        code: i32,
        /// Time since the start of the run.
        at: Duration,
    },
    /// By a signal.
    Signaled {
        /// The signal's number.
        signal: i32,
        /// Time since the start of the run.
        at: Duration,
    },
}

/// What became of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultReport {
    /// It was put in.
    Done(FaultDone),
    /// Too few programs fitted the target.
    NotReached {
        /// How many did.
        matching_seen: u32,
    },
    /// The target was there, and had ended before its time had come.
    EndedBefore {
        /// The process.
        pid: u32,
        /// Its command line, as it was when it was chosen.
        command_line: Vec<String>,
        /// How it ended.
        ended: Option<CommandEnd>,
    },
    /// It cannot be put in here.
    Impossible {
        /// Why.
        because: String,
    },
}

/// A fault that was put in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultDone {
    /// The process that it was put into.
    pub pid: u32,
    /// Whether it is the hook's own process, in whose place another program was executed or was to be.
    #[serde(default)]
    pub of_the_hook: bool,
    /// When, since the start of the run.
    pub at: Duration,
    /// Its command line, as it was when it was chosen.
    pub command_line: Vec<String>,
    /// How many later starts of the same program were broken as well: see [`Target::every`](super::Target::every).
    #[serde(default, skip_serializing_if = "is_none")]
    pub repeated: u32,
    /// What the process had decided about the signal when it was sent. Only SIGKILL asks nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// What became of each limit that was set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReport>,
    /// Whether the program began to run, and so stands among those that were seen. Not if its exec failed, and not if
    /// limits of its own left no room even for loading it.
    pub began: bool,
    /// How the process ended, if that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<CommandEnd>,
}

/// What a process does with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// The system's default, which for all signals of faults is the end.
    Default,
    /// It has a handler.
    Handled,
    /// It ignores it.
    Ignored,
    /// It does not want it now.
    Blocked,
}

/// A status as `wait` gives it on Unix.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only one system reports it so"))]
pub(crate) fn status_of(status: i32, at: Duration) -> CommandEnd {
    match status & 0x7F {
        0 => CommandEnd::Exited { code: (status >> 8) & 0xFF, at },
        signal => CommandEnd::Signaled { signal, at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{FaultAction, FaultSignal};

    fn seen(pattern: Option<usize>, below: Option<u32>) -> SeenCommand {
        SeenCommand {
            at: Duration::from_millis(1),
            pid: 5,
            parent: 4,
            command_line: vec!["x".into(), "ü".into()],
            pattern,
            form: pattern.map(|_| CommandForm::Called),
            below,
            ended: Some(status_of(9, Duration::from_secs(1))),
        }
    }

    #[test]
    fn a_report_survives_being_stored() {
        let done = FaultDone {
            of_the_hook: false,
            pid: 5,
            at: Duration::from_nanos(7),
            command_line: vec!["x".into()],
            repeated: 2,
            disposition: Some(Disposition::Handled),
            limits: Vec::new(),
            began: false,
            ended: Some(status_of(3 << 8, Duration::ZERO)),
        };
        let faults = [
            FaultReport::Done(done),
            FaultReport::NotReached { matching_seen: 2 },
            FaultReport::EndedBefore { pid: 1, command_line: Vec::new(), ended: None },
            FaultReport::Impossible { because: "no".into() },
        ];
        for fault in faults {
            let report = WatchReport {
                coverage: Coverage::Partial { means: "m".into(), because: "b".into() },
                seen: vec![seen(Some(1), None), seen(Some(0), Some(5)), seen(None, None)],
                dropped: 3,
                undecided: 4,
                created: Some(Created { count: 7, copies: 2, incomplete: Some("i".into()) }),
                fault: Some(fault),
                clock: Some(ClockReport::NotMoved { because: "no".into() }),
            };
            assert_eq!(report.matching().count(), 1);
            let text = serde_json::to_string(&report).expect("writes");
            assert_eq!(serde_json::from_str::<WatchReport>(&text).expect("reads"), report);
        }
    }

    #[test]
    fn a_report_from_before_processes_were_counted_is_read() {
        let stored = r#"{"coverage":{"kind":"complete","means":"m"},"seen":[],"dropped":0}"#;
        let report: WatchReport = serde_json::from_str(stored).expect("reads");
        assert_eq!(report.created, None);
        let created: Created = serde_json::from_str(r#"{"count":3}"#).expect("reads");
        assert_eq!(created, Created { count: 3, copies: 0, incomplete: None });
    }

    #[test]
    fn who_sees_nothing_breaks_nothing() {
        let watch = Watch::for_patterns(["x".parse().expect("fits")]);
        assert_eq!(WatchReport::blind(&watch, "no").fault, None);
        let report = WatchReport::blind(
            &watch.fault(FaultAction::Kill { signal: FaultSignal::Term, after: Duration::ZERO }),
            "no eyes",
        );
        assert_eq!(report.coverage, Coverage::None { because: "no eyes".into() });
        assert_eq!(report.created, None);
        assert_eq!(report.fault, Some(FaultReport::Impossible { because: "no eyes".into() }));
    }
}
