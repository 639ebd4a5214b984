//! What can go wrong in the harness itself.

use std::io;

/// The harness could not do its work. Nothing is said of the program that was to be run: whatever a program does is
/// an [`Observation`](crate::Observation), and so is a program that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// Somebody called [`Canceller::cancel`](crate::Canceller::cancel). The running tree was killed.
    #[error("finish the run: it was cancelled")]
    Cancelled,
    /// The chosen mechanism does not exist on this system.
    #[error("use the mechanism `{name}`: {reason}")]
    Unavailable {
        /// Name of the mechanism.
        name: &'static str,
        /// Why it cannot be had here.
        reason: String,
    },
    /// The operating system refused something that the harness needs for itself.
    #[error("{doing}: {source}")]
    System {
        /// What was tried, as the end of "failed to ...".
        doing: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The program was to run in a strict [`Sandbox`](crate::Sandbox), and this system does not hold it to all of it.
    /// It was not started.
    #[error("contain the program ({part}): {because}")]
    NotContained {
        /// The part of the sandbox: `files`, `network` or `refusals`; `all` if a part is not held as a newer kernel holds it.
        part: &'static str,
        /// Why it does not hold.
        because: String,
    },
    /// The process that starts programs for the harness is gone or does not answer: it was killed, by the program it
    /// had started or by somebody else. What it ran was killed with it; the next run starts a new one.
    #[error("keep watch over the program: the process that started it was killed while it ran")]
    StarterLost,
    /// A process does not die of the final signal (it hangs inside the kernel, or belongs to another user).
    #[error("kill process {pid}: it is still there {waited_ms} ms after the final signal")]
    Unkillable {
        /// The process.
        pid: u32,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
}

impl HarnessError {
    /// A closure for `map_err` that names what was tried.
    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> HarnessError {
        move |source| HarnessError::System { doing, source }
    }
}
