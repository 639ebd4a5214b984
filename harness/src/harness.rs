//! The entry: runs commands, one after the other.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cancel::{Cancellation, Canceller};
use crate::command::HookCommand;
use crate::error::HarnessError;
use crate::feeder::Feeder;
use crate::observation::{Ending, Observation};
use crate::platform::{Backend, StartFailure};
use crate::supervise::{READ_SIZE, not_started, supervise};
use crate::watch::WatchReport;

/// How long a program file that somebody has open for writing is tried again. A test that writes a hook while another
/// thread forks meets this: the fork holds the descriptor until it executes.
const BUSY_FOR: Duration = Duration::from_millis(500);
const BUSY_PAUSE: Duration = Duration::from_millis(2);

/// Which way of starting and watching processes is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MechanismChoice {
    /// The best that this system offers: `linux-spawner` on Linux (or `posix` where that cannot be had), `posix` on
    /// other Unix systems, `job-object` on Windows.
    #[default]
    Best,
    /// Only what every Unix offers: fork, process groups and a look at the process table.
    Posix,
}

/// Runs one process at a time and reports the facts.
///
/// Creating one is cheap, so every worker thread has its own; runs of the same harness wait for one another. Dropping
/// a harness ends its helper process.
///
/// ```
/// use hookproof_harness::{Ending, Harness, HookCommand};
///
/// let harness = Harness::new()?;
/// let observation = harness.run(&HookCommand::shell("echo hello"))?;
/// assert_eq!(observation.ending, Ending::Exited { code: 0 });
/// assert_eq!(observation.stdout.bytes.trim_ascii_end(), b"hello");
/// # Ok::<(), hookproof_harness::HarnessError>(())
/// ```
pub struct Harness {
    inner: Mutex<Inner>,
    cancellation: Arc<Cancellation>,
}

struct Inner {
    backend: Backend,
    buffer: Vec<u8>,
}

impl Harness {
    /// A harness with the best mechanism of this system.
    ///
    /// On Linux this forks a helper, which costs time in proportion to the memory of this process once (about 20 to
    /// 40 µs per MiB) and makes every later start independent of it. Limits, umask and priority of the programs are
    /// those that this process has now.
    ///
    /// # Errors
    ///
    /// [`HarnessError::System`] if the operating system refuses what the harness itself needs.
    pub fn new() -> Result<Self, HarnessError> {
        Self::with_mechanism(MechanismChoice::Best)
    }

    /// A harness with a chosen mechanism.
    ///
    /// # Errors
    ///
    /// [`HarnessError::Unavailable`] if this system does not have it, otherwise as [`Harness::new`].
    pub fn with_mechanism(choice: MechanismChoice) -> Result<Self, HarnessError> {
        Ok(Harness {
            inner: Mutex::new(Inner { backend: Backend::new(choice)?, buffer: vec![0; READ_SIZE] }),
            cancellation: Cancellation::new()?,
        })
    }

    /// Something that ends the runs of this harness from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller::new(Arc::clone(&self.cancellation))
    }

    /// Runs the command to its end and reports everything that is known of it. When this returns, nothing that the
    /// command started is left (where the mechanism can see it, see [`Mechanism`](crate::Mechanism)).
    ///
    /// # Errors
    ///
    /// Only if the harness itself failed or was cancelled. Whatever the program does, and that it could not be
    /// started, is an [`Observation`].
    pub fn run(&self, command: &HookCommand) -> Result<Observation, HarnessError> {
        // A panic of an earlier run leaves nothing behind that the next one relies on.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (reader, [stdout_full, stderr_full]) = command.reader.possible();
        let changed = (reader != command.reader).then(|| command.clone().reader(reader));
        let command = changed.as_ref().unwrap_or(command);
        let begin = Instant::now();
        loop {
            let mut observation = inner.attempt(command, &self.cancellation)?;
            observation.stdout.full.clone_from(&stdout_full);
            observation.stderr.full.clone_from(&stderr_full);
            // A group that lets nobody in is not used a second time.
            let again = matches!(&observation.ending, Ending::NotStarted { error } if error.passes_by_itself());
            if !again || begin.elapsed() >= BUSY_FOR {
                return Ok(observation);
            }
            std::thread::sleep(BUSY_PAUSE);
        }
    }
}

impl Inner {
    fn attempt(&mut self, command: &HookCommand, cancellation: &Cancellation) -> Result<Observation, HarnessError> {
        if cancellation.is_cancelled() {
            return Err(HarnessError::Cancelled);
        }
        // Before the clock runs: what the backend lost in an earlier run is replaced here.
        self.backend.prepare()?;
        let mechanism = self.backend.mechanism();
        let start = Instant::now();
        match self.backend.start(command, start, cancellation.waker()) {
            Ok(mut run) => supervise(run.as_mut(), command, start, cancellation, mechanism, &mut self.buffer),
            Err(StartFailure::NotStarted(error)) => {
                let stdin = Feeder::new(&command.stdin).report();
                let watch = command.watch.as_ref();
                let watch = watch.map(|watch| WatchReport::blind(watch, "the program was not started"));
                Ok(Observation { watch, ..not_started(error, stdin, start.elapsed(), mechanism) })
            }
            Err(StartFailure::Harness(error)) => Err(error),
        }
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("cancellation", &self.cancellation).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usable_from_any_thread<T: Send>() {}

    #[test]
    fn a_harness_moves_to_its_worker_and_a_canceller_anywhere() {
        usable_from_any_thread::<Harness>();
        usable_from_any_thread::<Canceller>();
        usable_from_any_thread::<&Canceller>();
    }

    #[cfg(target_os = "linux")]
    #[rstest::rstest]
    fn who_is_not_let_into_its_group_runs_all_the_same_and_is_watched(
        #[values(MechanismChoice::Best, MechanismChoice::Posix)] choice: MechanismChoice,
    ) {
        // An ordinary folder: groups can be made there, and nobody can enter them.
        let folder = tempfile::tempdir().expect("a folder");
        let harness = Harness::with_mechanism(choice).expect("a harness");
        harness.inner.lock().expect("is free").backend.set_groups(folder.path());
        let command = HookCommand::shell("echo here").limits(crate::Limits::none().memory(1 << 30));
        for _ in 0..2 {
            let observation = harness.run(&command).expect("a run");
            assert_eq!(observation.ending, Ending::Exited { code: 0 });
            assert_eq!(observation.stdout.bytes, b"here\n");
            let report = observation.limits[0].to_string();
            assert!(report.contains("watched") && report.contains("not let into its group"), "{report}");
        }
        let made = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(made, 1, "no group is made after the refusal");
    }
}
