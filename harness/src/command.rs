//! What to run: the program, its surroundings, and how long it may take.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::Environment;
use crate::limits::Limits;
use crate::reader::ReaderPlan;
use crate::sandbox::Sandbox;
use crate::watch::Watch;

/// How the process is named: a program with its arguments, or a line for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Execute `program` directly; every argument arrives literally. A bare name is searched on the child's `PATH`;
    /// a relative path with a separator is relative to the child's working directory.
    Program {
        /// Path or bare name of the program.
        program: PathBuf,
        /// Arguments, without the program's own name.
        args: Vec<OsString>,
    },
    /// Hand the line to a shell: `shell[0] shell[1..] line`, for example `["/bin/sh", "-c"]`.
    ///
    /// On Windows the line is one quoted argument like any other, unless the shell is `cmd.exe`, which does not follow
    /// the common quoting rules: it gets the line unescaped between two quotation marks, as its `/S` expects.
    Shell {
        /// The shell and the flags that make it read the next argument as a script.
        shell: Vec<OsString>,
        /// The script.
        line: OsString,
    },
}

/// What arrives on the child's stdin, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StdinPlan {
    /// All bytes, then end of file.
    Whole(Vec<u8>),
    /// End of file at once, from an open pipe.
    Empty,
    /// The descriptor is not open at all.
    Closed,
    /// All bytes; the pipe stays open until the run has ended.
    HeldOpen(Vec<u8>),
    /// Pieces of `piece` bytes with a `pause` between them, then end of file.
    Slow {
        /// The whole document.
        bytes: Vec<u8>,
        /// Bytes a piece (at least 1; 0 is taken as 1).
        piece: usize,
        /// Pause between two pieces.
        pause: Duration,
    },
    /// Only the first `at` bytes, then end of file.
    Truncated {
        /// The whole document.
        bytes: Vec<u8>,
        /// How many bytes are delivered.
        at: usize,
    },
}

/// How much of each stream is kept. What is over the bound is read, counted and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureBounds {
    /// Bytes kept of stdout.
    pub stdout: usize,
    /// Bytes kept of stderr.
    pub stderr: usize,
}

impl Default for CaptureBounds {
    /// 8 MiB a stream.
    fn default() -> Self {
        const EIGHT_MIB: usize = 8 * 1024 * 1024;
        CaptureBounds { stdout: EIGHT_MIB, stderr: EIGHT_MIB }
    }
}

/// One process to run.
///
/// ```
/// use std::time::Duration;
/// use hookproof_harness::{HookCommand, StdinPlan};
///
/// let command = HookCommand::shell("cat; exit 2")
///     .env("LANG", "C")
///     .stdin(StdinPlan::Whole(b"{}".to_vec()))
///     .deadline(Duration::from_secs(10));
/// assert!(command.to_string().ends_with("exit 2'"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCommand {
    /// The program or shell line.
    pub invocation: Invocation,
    /// The environment of the child.
    pub environment: Environment,
    /// Working directory; the harness's own if `None`.
    pub cwd: Option<PathBuf>,
    /// What arrives on stdin.
    pub stdin: StdinPlan,
    /// Wall time after which the whole tree is killed, counted from the start.
    pub deadline: Duration,
    /// Time between the polite and the final signal when the deadline has passed. Windows knows no polite signal:
    /// there the whole tree is terminated at the deadline.
    pub grace: Duration,
    /// How much of the streams is kept.
    pub capture: CaptureBounds,
    /// How long the streams are read.
    pub reader: ReaderPlan,
    /// How long pipes may stay open, and descendants alive, after the process itself has ended before that is called
    /// a leak.
    pub leak_grace: Duration,
    /// What it may use.
    pub limits: Limits,
    /// What is watched for among the programs that it starts.
    pub watch: Option<Watch>,
    /// What it may reach; everything if `None`.
    pub sandbox: Option<Sandbox>,
}

impl HookCommand {
    /// Deadline of a command that names none.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);
    /// Time between the polite and the final signal of a command that names none.
    pub const DEFAULT_GRACE: Duration = Duration::from_millis(200);
    /// Leak grace of a command that names none; cargo-nextest's `leak-timeout` is 100 ms, too.
    pub const DEFAULT_LEAK_GRACE: Duration = Duration::from_millis(100);

    /// A program without arguments: minimal environment, empty stdin, 60 s of time.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self::from_invocation(Invocation::Program { program: program.into(), args: Vec::new() })
    }

    /// A line for the platform's own shell: `/bin/sh -c LINE`, on Windows `cmd.exe /D /S /C "LINE"`.
    #[must_use]
    pub fn shell(line: impl Into<OsString>) -> Self {
        Self::from_invocation(Invocation::Shell { shell: crate::platform::default_shell(), line: line.into() })
    }

    /// Any invocation with the defaults of [`HookCommand::new`].
    #[must_use]
    pub fn from_invocation(invocation: Invocation) -> Self {
        HookCommand {
            invocation,
            environment: Environment::minimal(),
            cwd: None,
            stdin: StdinPlan::Empty,
            deadline: Self::DEFAULT_DEADLINE,
            grace: Self::DEFAULT_GRACE,
            capture: CaptureBounds::default(),
            reader: ReaderPlan::default(),
            leak_grace: Self::DEFAULT_LEAK_GRACE,
            limits: Limits::none(),
            watch: None,
            sandbox: None,
        }
    }

    /// Appends one argument. For a shell line it goes to the shell, behind its flags and before the line.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        match &mut self.invocation {
            Invocation::Program { args, .. } => args.push(arg.into()),
            Invocation::Shell { shell, .. } => shell.push(arg.into()),
        }
        self
    }

    /// Appends arguments, see [`HookCommand::arg`].
    #[must_use]
    pub fn args<I: IntoIterator<Item = A>, A: Into<OsString>>(self, args: I) -> Self {
        args.into_iter().fold(self, HookCommand::arg)
    }

    /// Sets one variable for the child.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.set.insert(name.into(), value.into());
        self
    }

    /// Replaces the whole environment policy.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// Sets what arrives on stdin.
    #[must_use]
    pub fn stdin(mut self, plan: StdinPlan) -> Self {
        self.stdin = plan;
        self
    }

    /// Sets the deadline.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the time between the polite and the final signal.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how much of the streams is kept.
    #[must_use]
    pub fn capture(mut self, bounds: CaptureBounds) -> Self {
        self.capture = bounds;
        self
    }

    /// Sets how long the streams are read.
    #[must_use]
    pub fn reader(mut self, plan: ReaderPlan) -> Self {
        self.reader = plan;
        self
    }

    /// Sets how long pipes and descendants may outlive the process before that is called a leak.
    #[must_use]
    pub fn leak_grace(mut self, grace: Duration) -> Self {
        self.leak_grace = grace;
        self
    }

    /// Sets what it may use. What the system makes of each limit stands in
    /// [`Observation::limits`](crate::Observation::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Watches what it starts, and breaks what the watch says. What came of it stands in
    /// [`Observation::watch`](crate::Observation::watch).
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Sets what it may reach. What the system makes of it, and what the program tried beyond it, stands in
    /// [`Observation::sandbox`](crate::Observation::sandbox).
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// The program that is executed: the program itself or the shell. Empty for a shell invocation without a shell.
    #[must_use]
    pub fn program(&self) -> &Path {
        match &self.invocation {
            Invocation::Program { program, .. } => program,
            Invocation::Shell { shell, .. } => Path::new(shell.first().map_or(OsStr::new(""), |s| s)),
        }
    }
}

impl fmt::Display for HookCommand {
    /// The command in a form that a person can read and a POSIX shell would take; not meant to be parsed again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |f: &mut fmt::Formatter<'_>, text: &OsStr| {
            let text = text.to_string_lossy();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
            if !text.is_empty() && text.chars().all(plain) {
                f.write_str(&text)
            } else {
                write!(f, "'{}'", text.replace('\'', r"'\''"))
            }
        };
        let (first, rest, last) = match &self.invocation {
            Invocation::Program { program, args } => (program.as_os_str(), args.as_slice(), None),
            Invocation::Shell { shell, line } => match shell.split_first() {
                Some((first, rest)) => (first.as_os_str(), rest, Some(line)),
                None => (OsStr::new(""), [].as_slice(), Some(line)),
            },
        };
        word(f, first)?;
        for argument in rest.iter().chain(last) {
            f.write_str(" ")?;
            word(f, argument)?;
        }
        Ok(())
    }
}
