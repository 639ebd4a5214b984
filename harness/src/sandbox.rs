//! What a program may reach, which faults it meets on the way, and what it tried.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::HarnessError;

/// What a program and everything it starts may reach, from its first instruction on. Reading and executing stay free.
///
/// Two layers hold it on Linux, both for root as well and without any privilege. A Landlock ruleset lets the kernel
/// itself refuse what writes elsewhere. Beneath it, a seccomp filter shows the calls that write, or that reach out, to
/// the harness, which answers them: so an attempt is known by its path or address, a fault can be played, and the
/// network can end at this machine. The program runs with `no_new_privs`, so that no set-user-ID program gains anything.
///
/// ```
/// use hookproof_harness::{Containment, Harness, HookCommand, Network, Sandbox};
///
/// let folder = std::env::temp_dir();
/// let sandbox = Sandbox::open().writable(&folder).network(Network::Loopback);
/// let observation = Harness::new()?.run(&HookCommand::shell("exit 0").sandbox(sandbox))?;
/// let report = observation.sandbox.expect("was asked for");
/// match report.files {
///     Containment::Enforced { by } => assert!(by.contains("Landlock")),
///     Containment::NotEnforced { because } => assert!(!because.is_empty()),
///     Containment::NotAsked => unreachable!("files were asked for"),
/// }
/// # Ok::<(), hookproof_harness::HarnessError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Files and folders (with all beneath them) that may be written, `None` for all. They have to exist.
    ///
    /// What programs write to without leaving anything behind is always allowed: `/dev/null`, `/dev/zero`,
    /// `/dev/full`, `/dev/random`, `/dev/urandom`, terminals that the program makes itself, shared memory and
    /// semaphores in `/dev/shm` (there is no other place for them), and pipes, also by `/dev/stdout` and its like. No other
    /// device takes a write or a request.
    /// Everything in `/proc` is refused, a process's own entries without being an [`Attempt`].
    pub writable: Option<Vec<PathBuf>>,
    /// Directory that takes what the program writes elsewhere: a write that `writable` does not allow is made to a copy of
    /// the file below this directory, the program goes on as if it had written, and the file itself stays as it is. `None`:
    /// such a write is refused.
    ///
    /// The directory must not be one that `writable` names; it is made when it is needed. Opening for writing, creating directories,
    /// removing, renaming, and changing modes, owners and times succeed so; links, pipes and devices are still refused. The
    /// program does not see a copy when it only reads. Only on Linux 5.14 or later; elsewhere such writes are refused.
    pub copies: Option<PathBuf>,
    /// How far the network reaches.
    pub network: Network,
    /// Faults. They win over `writable`; of several that match, the first answers.
    pub refusals: Vec<Refusal>,
    /// Whether a run that cannot be contained as asked is none: it fails with
    /// [`HarnessError::NotContained`](crate::HarnessError::NotContained) before the program starts.
    pub strict: bool,
}

impl Sandbox {
    /// Nothing is held back.
    #[must_use]
    pub fn open() -> Self {
        Sandbox::default()
    }

    /// Lets the program write here, and nowhere else but where this was said of before.
    #[must_use]
    pub fn writable(mut self, path: impl Into<PathBuf>) -> Self {
        self.writable.get_or_insert_default().push(path.into());
        self
    }

    /// Lets the program write nowhere but where [`Sandbox::writable`] says.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.writable.get_or_insert_default();
        self
    }

    /// Lets writes that are not allowed go to copies below this directory. See [`Sandbox::copies`].
    #[must_use]
    pub fn copies(mut self, directory: impl Into<PathBuf>) -> Self {
        self.copies = Some(directory.into());
        self
    }

    /// Sets how far the network reaches.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn refuse(mut self, path: impl Into<PathBuf>, what: RefusedAccess, answer: Answer) -> Self {
        self.refusals.push(Refusal { path: path.into(), what, answer });
        self
    }

    /// Makes a run that cannot be contained as asked fail before it starts.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The report of a system, or of a moment, in which nothing can be contained.
    pub(crate) fn not_enforced(&self, because: &str) -> SandboxReport {
        let containment = |asked: bool| if asked { Containment::not(because) } else { Containment::NotAsked };
        SandboxReport {
            files: containment(self.writable.is_some()),
            network: containment(self.network == Network::Loopback),
            refusals: containment(!self.refusals.is_empty()),
            ..SandboxReport::default()
        }
    }
}

/// The report of a system that contains nothing: an error if the sandbox is strict.
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "for systems that contain nothing"))]
pub(crate) fn without(sandbox: Option<&Sandbox>, because: &str) -> Result<Option<SandboxReport>, HarnessError> {
    let report = sandbox.map(|sandbox| sandbox.not_enforced(because));
    match report.as_ref().and_then(SandboxReport::lacking) {
        Some((part, because)) if sandbox.is_some_and(|sandbox| sandbox.strict) => {
            Err(HarnessError::NotContained { part, because: because.to_owned() })
        }
        _ => Ok(report),
    }
}

/// How far the network reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Everywhere.
    #[default]
    Open,
    /// Not beyond this machine: its own addresses answer, all others are unreachable (`ENETUNREACH`). Name servers
    /// (ports 53 and 853) count as beyond wherever they are, because they ask others. To listen on an address that
    /// others can reach is refused as well (`EACCES`).
    Loopback,
}

/// A fault: what is refused beneath a path, and how. It answers root like anybody else, as a full disk does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A file, or a folder with all that is beneath it. It need not exist.
    pub path: PathBuf,
    /// What is refused.
    pub what: RefusedAccess,
    /// The answer.
    pub answer: Answer,
}

/// What a [`Refusal`] refuses. Only what would otherwise have had an effect: to create what exists already, or to
/// remove what does not exist, is answered as always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedAccess {
    /// New files, folders, links and names.
    Create,
    /// All that changes something: also writing, removing, renaming, truncating and changing attributes, and asking
    /// whether one may write. Of a full disk only what takes room: existing files can be removed and renamed. (A full
    /// disk refuses the `write` into a file that exists; here already its opening for writing is refused.)
    Write,
}

/// The answer of a [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// `ENOSPC`: no space left on the device.
    NoSpace,
    /// `EROFS`: read-only file system.
    ReadOnly,
    /// `EACCES`: permission denied.
    Denied,
}

/// What became of a [`Sandbox`], and what the program tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// Writing only beneath [`Sandbox::writable`].
    pub files: Containment,
    /// [`Network::Loopback`].
    pub network: Containment,
    /// [`Sandbox::refusals`].
    pub refusals: Containment,
    /// Whether attempts are seen at all.
    pub seen: bool,
    /// What was tried beyond what is allowed, in the order of the first time.
    pub attempts: Vec<Attempt>,
    /// Further attempts, which found no place in the list.
    pub dropped: u64,
    /// What passes nevertheless, in sentences: what no system holds.
    pub gaps: Vec<String>,
    /// What passes here and is held by a newer kernel, in sentences. A strict sandbox starts no program then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl SandboxReport {
    /// Whether something that was asked for does not hold, or not all of it.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        self.lacking().is_some()
    }

    /// Why the first thing that does not hold does not.
    pub(crate) fn lacking(&self) -> Option<(&'static str, &str)> {
        let parts = [("files", &self.files), ("network", &self.network), ("refusals", &self.refusals)];
        let whole = parts.into_iter().find_map(|(part, containment)| match containment {
            Containment::NotEnforced { because } => Some((part, because.as_str())),
            Containment::Enforced { .. } | Containment::NotAsked => None,
        });
        whole.or_else(|| self.missing.first().map(|piece| ("all", piece.as_str())))
    }
}

/// Whether the system holds the program to a part of its [`Sandbox`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Containment {
    /// It does.
    Enforced {
        /// By what.
        by: String,
    },
    /// Nobody asked for it.
    #[default]
    NotAsked,
    /// It does not.
    NotEnforced {
        /// Why, as the end of "not enforced, because ...".
        because: String,
    },
}

impl Containment {
    pub(crate) fn not(because: impl Into<String>) -> Self {
        Containment::NotEnforced { because: because.into() }
    }
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Containment::Enforced { by } => f.write_str(by),
            Containment::NotAsked => f.write_str("not asked for"),
            Containment::NotEnforced { because } => write!(f, "not enforced, because {because}"),
        }
    }
}

/// Something that a program tried beyond what it is allowed, and that would have had an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Time since the start of the run, of the first time.
    pub at: Duration,
    /// Who tried it first.
    pub pid: u32,
    /// Its command line or name, as far as it could be read.
    pub program: String,
    /// The system call, such as `openat`.
    pub call: String,
    /// What was tried.
    pub kind: AttemptKind,
    /// Absolute path, `address:port`, or the kind of socket.
    pub target: String,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// How often the same was tried in the same way, by whomever.
    pub times: u64,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AttemptKind {
    /// To create, change or remove something in the file system.
    Write,
    /// To reach an address.
    Connect,
    /// To send to an address without connecting first.
    Send,
    /// To be reached by others.
    Bind,
    /// To change the system, another process, a terminal, or the way of packets; or a call of another architecture.
    System,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// It was refused because it is beyond the sandbox.
    Refused,
    /// It succeeded, on a copy. See [`Sandbox::copies`].
    Copied,
    /// A fault was played.
    Faulted {
        /// Which of [`Sandbox::refusals`].
        refusal: usize,
    },
    /// It succeeded, as it may while the program runs, and what was made was still there in the end.
    LeftBehind {
        /// Whether the harness could remove it.
        removed: bool,
    },
    /// It was not refused.
    LetThrough {
        /// Why.
        because: String,
    },
}

impl fmt::Display for Attempt {
    /// Such as `write /etc/motd (openat by sh, process 7): refused`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            AttemptKind::Write => "write",
            AttemptKind::Connect => "connect to",
            AttemptKind::Send => "send to",
            AttemptKind::Bind => "listen on",
            AttemptKind::System => "change the system:",
        };
        write!(f, "{kind} {} ({} by {}, process {}): ", self.target, self.call, self.program, self.pid)?;
        match &self.outcome {
            AttemptOutcome::Refused => f.write_str("refused"),
            AttemptOutcome::Copied => f.write_str("made to a copy"),
            AttemptOutcome::Faulted { refusal } => write!(f, "refused by fault {refusal}"),
            AttemptOutcome::LeftBehind { removed: true } => f.write_str("left behind, and removed by the harness"),
            AttemptOutcome::LeftBehind { removed: false } => f.write_str("left behind"),
            AttemptOutcome::LetThrough { because } => write!(f, "let through, because {because}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_being_stored() {
        let attempt = |outcome| Attempt {
            at: Duration::from_micros(1_500_007),
            pid: 7,
            program: "sh".into(),
            call: "openat".into(),
            kind: AttemptKind::Write,
            target: "/etc/motd".into(),
            outcome,
            times: 3,
        };
        let report = SandboxReport {
            files: Containment::Enforced { by: "x".into() },
            network: Containment::NotAsked,
            refusals: Containment::not("y"),
            seen: true,
            attempts: vec![
                attempt(AttemptOutcome::Refused),
                attempt(AttemptOutcome::Copied),
                attempt(AttemptOutcome::Faulted { refusal: 1 }),
                attempt(AttemptOutcome::LeftBehind { removed: true }),
                attempt(AttemptOutcome::LetThrough { because: "z".into() }),
            ],
            dropped: 9,
            gaps: vec!["one".into()],
            missing: Vec::new(),
        };
        let text = serde_json::to_string(&report).expect("writes");
        assert_eq!(serde_json::from_str::<SandboxReport>(&text).expect("reads"), report);
        assert_eq!(report.lacking(), Some(("refusals", "y")));
        assert_eq!(report.attempts[0].to_string(), "write /etc/motd (openat by sh, process 7): refused");
    }

    #[test]
    fn what_is_not_asked_for_lacks_nothing() {
        let report = SandboxReport { missing: vec!["signals get out".into()], ..SandboxReport::default() };
        assert_eq!(report.lacking(), Some(("all", "signals get out")));
        assert!(!Sandbox::open().strict().not_enforced("no").is_lacking());
        assert!(Sandbox::open().read_only().not_enforced("no").is_lacking());
        let offline = Sandbox::open().network(Network::Loopback).not_enforced("no");
        assert_eq!((offline.files, offline.network), (Containment::NotAsked, Containment::not("no")));
    }
}
