//! What is watched for among the programs that a hook starts, the one fault that is put in, and the time that they are told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;

mod clock;
mod glob;
mod pattern;
mod report;

pub use self::clock::{ClockReport, ClockShift};
#[cfg_attr(not(any(windows, test)), allow(unused_imports, reason = "elsewhere command lines are told"))]
pub(crate) use self::glob::begins;
pub(crate) use self::glob::glob;
pub use self::pattern::{CommandPattern, PatternError};
#[cfg_attr(not(target_os = "linux"), allow(unused_imports, reason = "only one system reports it so"))]
pub(crate) use self::report::status_of;
pub use self::report::{
    CommandEnd, CommandForm, Coverage, Created, Disposition, FaultDone, FaultReport, SeenCommand, WatchReport,
};

/// What is watched for in one run: every program that starts below the hook is written down, those whose command lines
/// match a pattern are marked, and one of them is broken, or every start of one program ([`Target::every`]).
///
/// ```
/// use std::time::Duration;
/// use hookproof_harness::{FaultAction, FaultSignal, Harness, HookCommand, Watch};
///
/// let watch = Watch::for_patterns(["sleep 60".parse()?])
///     .fault(FaultAction::Kill { signal: FaultSignal::Kill, after: Duration::ZERO });
/// let command = HookCommand::shell("sleep 60; echo and on").watch(watch);
/// # if cfg!(target_os = "linux") {
/// let observation = Harness::new()?.run(&command)?;
/// assert_eq!(observation.stdout.bytes, b"and on\n");
/// let report = observation.watch.expect("was asked for");
/// assert_eq!(report.matching().count(), 1);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What is looked for; at most [`Watch::MOST_PATTERNS`]. Without any, programs are only written down.
    pub patterns: Vec<CommandPattern>,
    /// What is broken, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// How far the time of day is moved, if it is. Only on Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockShift>,
}

impl Watch {
    /// Patterns beyond this number are not looked for, and the report says so.
    pub const MOST_PATTERNS: usize = 64;

    /// Watches for these patterns and breaks nothing.
    #[must_use]
    pub fn for_patterns(patterns: impl IntoIterator<Item = CommandPattern>) -> Self {
        Watch { patterns: patterns.into_iter().collect(), ..Watch::default() }
    }

    /// Breaks the first start of a program that matches any pattern.
    #[must_use]
    pub fn fault(self, action: FaultAction) -> Self {
        self.fault_at(Target::default(), action)
    }

    /// Breaks the program that `target` names.
    #[must_use]
    pub fn fault_at(mut self, target: Target, action: FaultAction) -> Self {
        self.fault = Some(Fault { target, action });
        self
    }

    /// Moves the time of day.
    #[must_use]
    pub fn clock(mut self, shift: ClockShift) -> Self {
        self.clock = Some(shift);
        self
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// For whom.
    #[serde(default)]
    pub target: Target,
    /// What.
    pub action: FaultAction,
}

/// Which program a fault is for. Processes are counted, each once: one that executes further programs in its own place
/// (`env`, a version manager, `sh -c 'exec ...'`) is still the one that it was. The hook's own program never counts,
/// but what it executes in its own place does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Index of the pattern; `None` for any pattern of the watch.
    #[serde(default)]
    pub pattern: Option<usize>,
    /// Which of those that fit, from 1; 0 is taken as 1.
    #[serde(default = "first")]
    pub nth: u32,
    /// Whether it is the matching program itself or one that it started.
    #[serde(default)]
    pub generation: Generation,
    /// Whether every later start of the same program is broken as well, whoever starts it: at its start, without the
    /// times of the action. Programs are the same by their file name, of a script by its own or by its interpreter's,
    /// whichever the pattern has matched. The hook's own process is not killed by a later one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub every: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Default for Target {
    /// The first that matches any pattern.
    fn default() -> Self {
        Target { pattern: None, nth: first(), generation: Generation::Matched, every: false }
    }
}

fn first() -> u32 {
    1
}

/// How a target is related to a program that matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// It matches itself, and was not started by one that matches already.
    #[default]
    Matched,
    /// It was started by one that matches, or by a descendant of such a one. It need not match.
    Below,
}

/// What goes wrong.
///
/// On Linux this happens before the program's first instruction, where no time says otherwise. On Windows the program
/// may have run for a moment, because a job tells of processes that run already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultAction {
    /// It gets a signal.
    Kill {
        /// Which one.
        signal: FaultSignal,
        /// Time from its exec on; zero: before its first instruction.
        #[serde(default)]
        after: Duration,
    },
    /// It is kept from running for some time after its exec, and gets a signal then, before its first instruction.
    Hold {
        /// Which one.
        signal: FaultSignal,
        /// Time from its exec on.
        held: Duration,
    },
    /// The hook itself gets SIGKILL, and the target, too, as when a machine is switched off. What else the hook has
    /// started is killed at the end of the run, like everything.
    KillHook {
        /// Time from the exec of the target on; zero: before its first instruction.
        #[serde(default)]
        after: Duration,
    },
    /// It ends with exit code 1 in place of its exec, without having run.
    Exit,
    /// In place of its exec a shell says one line and ends with exit code 1; the program itself does not run. The
    /// report shows the shell, `/bin/sh -c ...`, where the program would have been. Only on Linux.
    FailSaying {
        /// The line, without its end. It has at most 200 bytes, a `'` counts four times, and none of them is NUL.
        text: String,
        /// Where it is said.
        on: SaidOn,
    },
    /// Its exec fails, and so does every further attempt of the same process with the same arguments, because whoever
    /// searches `PATH` tries one folder after the other.
    FailExec {
        /// The answer.
        error: ExecError,
    },
    /// It has these limits, and nobody else, from before its exec on (what it starts inherits them, as limits are).
    /// [`Limit::Memory`](crate::Limit::Memory), which counts a whole tree, cannot be set for one program.
    Cap {
        /// The limits.
        limits: Limits,
    },
}

/// The stream that a program that fails says its reason on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaidOn {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A signal that a fault sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultSignal {
    /// SIGKILL, as the kernel sends it for lack of memory. On Windows its end with an exit code of the harness's own.
    Kill,
    /// SIGSEGV, a crash. On Windows its end with the exit code of one that touches what is not there (0xC0000005).
    Segv,
    /// SIGABRT, the end of a runtime that gives up. On Windows its end with the exit code of such a one (0xC0000409).
    Abort,
    /// SIGTERM, somebody asks it to end. Not on Windows.
    Term,
    /// SIGINT, a person interrupts. Not on Windows.
    Int,
}

/// The system's answer to an exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecError {
    /// ENOENT: there is no such program.
    NotFound,
    /// EACCES: it may not be executed.
    Denied,
    /// ENOMEM: there is no memory for it.
    NoMemory,
}

impl Watch {
    /// The patterns that are looked for.
    #[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code, reason = "nobody watches there"))]
    pub(crate) fn effective(&self) -> &[CommandPattern] {
        self.patterns.get(..Self::MOST_PATTERNS).unwrap_or(&self.patterns)
    }

    /// A bit for each pattern that the fault is about, and why there can be none.
    #[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code, reason = "nobody watches there"))]
    pub(crate) fn aimed_at(&self, target: &Target) -> Result<u64, String> {
        let count = self.effective().len();
        match target.pattern {
            None if count == 0 => Err("the watch has no pattern".into()),
            None => Ok(u64::MAX >> (Self::MOST_PATTERNS - count)),
            Some(index) if index < count => Ok(1 << index),
            Some(index) => Err(format!("the watch looks for {count} patterns and none has the index {index}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_watch_is_data() {
        let text = json!({
            "patterns": ["python* -m venv", "*pip install*"],
            "fault": {
                "target": { "pattern": 1, "nth": 2, "generation": "below" },
                "action": { "kind": "cap", "limits": { "address-space": 6_291_456 } },
            },
        });
        let watch: Watch = serde_json::from_value(text.clone()).expect("reads");
        assert_eq!(watch.patterns[0].as_str(), "python* -m venv");
        assert_eq!(serde_json::to_value(&watch).expect("writes"), text);
        let short = json!({ "patterns": ["a"], "fault": { "action": { "kind": "fail-exec", "error": "no-memory" } } });
        let said = json!({ "kind": "fail-saying", "text": "no", "on": "stdout" });
        let action = FaultAction::FailSaying { text: "no".into(), on: SaidOn::Stdout };
        assert_eq!(serde_json::from_value::<FaultAction>(said).expect("reads"), action);
        let fault = serde_json::from_value::<Watch>(short).expect("reads").fault.expect("is there");
        assert_eq!(fault.target, Target { pattern: None, nth: 1, generation: Generation::Matched, every: false });
        let every = Target { every: true, ..Target::default() };
        let stored = serde_json::to_string(&every).expect("writes");
        assert_eq!(serde_json::from_str::<Target>(&stored).expect("reads"), every);
        assert!(serde_json::from_value::<Watch>(json!({ "patterns": [""] })).is_err());
    }

    #[test]
    fn a_fault_is_aimed_at_patterns_that_there_are() {
        let patterns = |count: usize| Watch::for_patterns(vec!["x".parse::<CommandPattern>().expect("fits"); count]);
        let at = |pattern| Target { pattern, ..Target::default() };
        assert_eq!(patterns(3).aimed_at(&at(None)), Ok(0b111));
        assert_eq!(patterns(3).aimed_at(&at(Some(2))), Ok(0b100));
        assert_eq!(patterns(64).aimed_at(&at(None)), Ok(u64::MAX));
        assert_eq!(patterns(70).aimed_at(&at(Some(63))), Ok(1 << 63));
        assert!(patterns(70).aimed_at(&at(Some(64))).is_err_and(|why| why.contains("64")));
        assert!(patterns(0).aimed_at(&at(None)).is_err());
    }
}
