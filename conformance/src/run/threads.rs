//! Runs at the same time, and what a machine that has no more processes does to them.

use std::io;
use std::thread::ScopedJoinHandle;

use hookproof_harness::{Ending, HarnessError, Observation};

/// What became of a run in a thread of its own, which may not have been started.
pub(super) fn outcome_of(
    thread: io::Result<ScopedJoinHandle<'_, Result<Observation, HarnessError>>>,
) -> Result<Observation, HarnessError> {
    let thread = thread.map_err(|source| HarnessError::System { doing: "start a thread", source })?;
    thread.join().unwrap_or(Err(HarnessError::Cancelled))
}

/// Why this machine could not start a program, where that comes neither from the program nor from a limit of the run.
pub(super) fn machine_failed(observation: &Observation) -> Option<String> {
    let Ending::NotStarted { error } = &observation.ending else { return None };
    let kind = io::Error::from_raw_os_error(error.os_error?).kind();
    let is_short = matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory);
    (is_short && observation.limits.is_empty()).then(|| format!("failed to {}: {}", error.step, error.message))
}
