//! Runs at the same time.

use std::io;
use std::thread::ScopedJoinHandle;

use hookproof_harness::{HarnessError, Observation};

/// What became of a run in a thread of its own, which may not have been started.
pub(super) fn outcome_of(
    thread: io::Result<ScopedJoinHandle<'_, Result<Observation, HarnessError>>>,
) -> Result<Observation, HarnessError> {
    let thread = thread.map_err(|source| HarnessError::System { doing: "start a thread", source })?;
    thread.join().unwrap_or(Err(HarnessError::Cancelled))
}
