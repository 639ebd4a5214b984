//! The one seam between what is the same everywhere and what an operating system does in its own way.
//!
//! Each system offers the same names: a [`Backend`] that starts commands, a [`Waker`] that interrupts a wait, and a
//! few facts (default shell, essential variables). Above this line there is no `cfg` and no `unsafe`.

use std::time::Duration;

use crate::error::HarnessError;
use crate::limits::{Limit, LimitProof, LimitReport};
use crate::observation::{Descendant, KillStep, StartError};
use crate::sandbox::SandboxReport;
use crate::watch::WatchReport;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    Backend, ESSENTIAL_VARIABLES, Waker, default_shell, lock, no_full_device, open_without_waiting, private_directory,
    program_name, remove_tree, same_variable,
};

/// The step of a start in which a program enters the control group that keeps it to its memory.
pub(crate) const GROUP_STEP: &str = "enter the control group";

/// The step of a start in which a program is put under the rules of its sandbox.
#[cfg_attr(not(unix), expect(dead_code, reason = "only a child of fork has steps"))]
pub(crate) const CONTAIN_STEP: &str = "contain";

#[cfg(target_os = "linux")]
mod linux;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    Backend, ESSENTIAL_VARIABLES, Waker, default_shell, lock, no_full_device, open_without_waiting, private_directory,
    program_name, remove_tree, same_variable,
};

/// One of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What a read brought. Reads never block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// So many bytes were put at the front of the buffer.
    Data(usize),
    /// Nothing is there now.
    Pending,
    /// Every writer has closed the stream.
    End,
}

/// What became of a write. Writes never block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// So many bytes were taken.
    Taken(usize),
    /// There is no room now.
    Pending,
    /// Every reader has closed the pipe.
    Refused,
}

/// What a wait is to watch, besides the end of the process and a cancellation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interest {
    /// Whether there are bytes to write to stdin.
    pub(crate) stdin: bool,
    /// Whether stdout is still open.
    pub(crate) stdout: bool,
    /// Whether stderr is still open.
    pub(crate) stderr: bool,
}

/// How a process ended, in the operating system's own terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each system makes only those that it knows")]
pub(crate) enum Status {
    Exited(i32),
    Signaled { signal: i32, core_dumped: bool },
    Crashed(u32),
}

/// The end of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) status: Status,
    /// Time since the start of the run.
    pub(crate) at: Duration,
    /// The last kill step that had been taken when the process ended.
    pub(crate) killed_by: Option<KillStep>,
    /// The limit that ended it, if there is proof.
    pub(crate) hit: Option<(Limit, LimitProof)>,
}

/// How far a process has come.
#[derive(Debug)]
pub(crate) enum Progress {
    Running,
    /// Found out after the start, by the child itself.
    #[allow(dead_code, reason = "Windows knows before")]
    NotStarted(StartError),
    Ended(End),
}

/// Where a start failed.
#[derive(Debug)]
pub(crate) enum StartFailure {
    /// The program cannot be started: a fact of the run.
    NotStarted(StartError),
    /// The harness itself failed.
    Harness(HarnessError),
}

impl From<HarnessError> for StartFailure {
    fn from(error: HarnessError) -> Self {
        StartFailure::Harness(error)
    }
}

/// What is known when everything is over.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// What outlived the process and was killed.
    pub(crate) descendants: Vec<Descendant>,
    pub(crate) cpu_user: Option<Duration>,
    pub(crate) cpu_system: Option<Duration>,
    /// Bytes.
    pub(crate) peak_memory: Option<u64>,
    /// What could not be seen in this run.
    pub(crate) gaps: Vec<String>,
}

/// One started process, with our ends of its streams. Dropping it kills whatever is left of its tree.
pub(crate) trait Running {
    /// Waits until something in `interest` may be possible, the process has ended, all its descendants have, somebody
    /// cancelled, or `timeout` has passed. It may also return for no reason.
    fn wait(&mut self, interest: Interest, timeout: Duration) -> Result<(), HarnessError>;
    /// The id of the process, 0 if it is not known.
    fn pid(&self) -> u32;
    /// Reads what is there.
    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Result<ReadOutcome, HarnessError>;
    /// Writes what there is room for.
    fn write(&mut self, bytes: &[u8]) -> Result<WriteOutcome, HarnessError>;
    /// Closes our end of stdin.
    fn close_stdin(&mut self);
    /// Closes our end of an output stream, which is not read any more. One whose plan is to be closed from the beginning
    /// was so before the program started.
    fn close_output(&mut self, stream: Stream);
    /// Looks how far the process has come. The end is told on every call after it.
    fn progress(&mut self) -> Result<Progress, HarnessError>;
    /// Whether descendants are known to be alive. Only asked after the process has ended.
    fn descendants_remain(&mut self) -> Result<bool, HarnessError>;
    /// Asks the whole tree to end. `false` if this system knows no polite way.
    fn terminate(&mut self) -> Result<bool, HarnessError>;
    /// Kills the whole tree.
    fn kill(&mut self) -> Result<(), HarnessError>;
    /// The tree's real memory in bytes, if it is the harness that has to watch it and it is above the limit.
    fn over_memory(&mut self) -> Option<u64>;
    /// How often [`Running::over_memory`] has to be asked; `None` if never.
    fn watch_memory_every(&self) -> Option<Duration>;
    /// What became of each limit. Asked when it has ended or could not be started.
    fn limit_reports(&mut self) -> Vec<LimitReport>;
    /// What a watch has brought, if there is one. Asked when everything has ended, or nothing could be started.
    fn watch_report(&mut self) -> Option<WatchReport>;
    /// What became of the sandbox, if there is one. Asked once, when it has ended or could not be started.
    fn sandbox_report(&mut self) -> Option<SandboxReport>;
    /// Called once after the end: names what outlived the process, kills it, and adds up the cost.
    fn finish(&mut self) -> Result<Aftermath, HarnessError>;
}
