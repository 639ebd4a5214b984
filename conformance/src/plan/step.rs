//! Steps: a scenario that is a story, of several runs in the same folders with something happening in between.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step of a story: what happens before, and the runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What judges and reports call it.
    pub name: String,
    /// The story begins anew, in folders of its own.
    #[serde(default)]
    pub fresh: bool,
    /// What the files that the story has left so far are turned into.
    pub damage: Option<Damage>,
    /// How old they are made.
    pub age: Option<Age>,
    /// How many runs.
    #[serde(default = "super::scenario::one")]
    pub runs: usize,
    /// Whether they are started together.
    #[serde(default)]
    pub at_once: bool,
    /// Time between the starts of runs that overlap, in milliseconds.
    #[serde(default)]
    pub stagger_ms: u64,
    /// What goes wrong in each of the runs.
    pub fault: Option<Fault>,
    /// Whether the story is over if no run of this step starts anything heavy.
    #[serde(default)]
    pub must_attempt: bool,
}

/// Something that goes wrong with a heavy command, the first of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub what: FaultKind,
    /// For how long the command is kept from running before it happens, in milliseconds.
    #[serde(default)]
    pub held_ms: u64,
    /// For how long the command runs before it happens, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
    /// To whom.
    #[serde(default)]
    pub whom: Whom,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Killed as the system kills what takes too much memory.
    Kill,
    /// Killed as by an access to memory that is not there.
    Segv,
    /// Killed as by its own `abort`.
    Abort,
    /// Asked to end, as when a session is closed.
    Term,
    /// Interrupted, as from a keyboard.
    Int,
    /// So little address space that the system kills it while it is being loaded.
    NoMemory,
    /// Its program is not there.
    NotFound,
    /// Its program may not be executed.
    Denied,
    /// It ends at once with exit code 1.
    Exit,
    /// It says on stdout that the disk is full, and ends with exit code 1.
    FailOnStdout,
    /// It says on stderr that the disk is full, and ends with exit code 1.
    FailOnStderr,
}

impl FaultKind {
    /// What a command says that fails with a reason: a line that everybody knows to be about a full disk.
    pub(crate) const REASON: &str = "Error: [Errno 28] No space left on device";
}

/// Who is hit by a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The heavy command.
    #[default]
    Heavy,
    /// The first program that the heavy command starts.
    Below,
    /// The hook itself, with everything that it has started.
    Hook,
}

/// How old files are made. Times that stand in small text files are moved as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// A minute less than the hook's window.
    InsideWindow,
    /// A minute more than the hook's window.
    OutsideWindow,
    /// Two minutes more than twice the hook's window.
    OutsideTwoWindows,
    /// A minute more than the time after which a lock of the hook is stale, or than its window if that is longer.
    OutsideEverything,
}

/// What small files that the story has left are turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// They are from next year.
    Future,
    /// They are empty.
    Empty,
    /// They are folders.
    Folder,
    /// Nobody may read them.
    Unreadable,
}

impl fmt::Display for Fault {
    /// What happens, and to whom.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = match self.whom {
            Whom::Heavy => "the heavy command",
            Whom::Below => "what the heavy command started",
            Whom::Hook => "the hook",
        };
        let what = match self.what {
            FaultKind::Kill => "killed by SIGKILL",
            FaultKind::Segv => "killed by SIGSEGV",
            FaultKind::Abort => "killed by SIGABRT",
            FaultKind::Term => "sent SIGTERM",
            FaultKind::Int => "sent SIGINT",
            FaultKind::NoMemory => "given too little memory to be loaded",
            FaultKind::NotFound => "not found",
            FaultKind::Denied => "refused execution",
            FaultKind::Exit => "ended with exit code 1",
            FaultKind::FailOnStdout => "ended with exit code 1 after its reason on stdout",
            FaultKind::FailOnStderr => "ended with exit code 1 after its reason on stderr",
        };
        write!(f, "{whom} {what}")?;
        match self.held_ms + self.after_ms {
            0 => Ok(()),
            after => write!(f, " after {after} ms"),
        }
    }
}

impl fmt::Display for Step {
    /// The step in a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if self.fresh {
            parts.push("in new folders".to_owned());
        }
        match self.damage {
            Some(Damage::Future) => parts.push("what is left is moved a year ahead".to_owned()),
            Some(Damage::Empty) => parts.push("what is left is emptied".to_owned()),
            Some(Damage::Folder) => parts.push("what is left is replaced by folders".to_owned()),
            Some(Damage::Unreadable) => parts.push("what is left is made unreadable".to_owned()),
            None => {}
        }
        match self.age {
            Some(Age::InsideWindow) => parts.push("a minute before the window ends".to_owned()),
            Some(Age::OutsideWindow) => parts.push("a minute after the window has ended".to_owned()),
            Some(Age::OutsideTwoWindows) => parts.push("two windows later".to_owned()),
            Some(Age::OutsideEverything) => {
                parts.push("a minute after window and locks have run out".to_owned());
            }
            None => {}
        }
        parts.push(match (self.runs, self.at_once, self.stagger_ms) {
            (0 | 1, ..) => "a run".to_owned(),
            (runs, false, _) => format!("{runs} runs, one after the other"),
            (runs, true, 0) => format!("{runs} runs at the same time"),
            (runs, true, stagger) => format!("{runs} runs, {stagger} ms apart"),
        });
        if let Some(fault) = &self.fault {
            parts.push(fault.to_string());
        }
        write!(f, "{}: {}", self.name, parts.join(", "))
    }
}
