//! Ends a run from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::HarnessError;
use crate::platform::Waker;

/// Shared between a harness and its cancellers.
#[derive(Debug)]
pub(crate) struct Cancellation {
    cancelled: AtomicBool,
    waker: Waker,
}

impl Cancellation {
    pub(crate) fn new() -> Result<Arc<Self>, HarnessError> {
        Ok(Arc::new(Cancellation { cancelled: AtomicBool::new(false), waker: Waker::new()? }))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

/// Ends the run of a [`Harness`](crate::Harness) from any thread, for example when somebody presses Ctrl-C.
///
/// A cancelled harness stays cancelled: the running tree is killed at once, and this and every later run returns
/// [`HarnessError::Cancelled`].
///
/// ```
/// use hookproof_harness::{Harness, HarnessError, HookCommand};
///
/// let harness = Harness::new()?;
/// let canceller = harness.canceller();
/// std::thread::spawn(move || canceller.cancel()).join().expect("the thread ends");
/// assert!(matches!(harness.run(&HookCommand::shell("exit 0")), Err(HarnessError::Cancelled)));
/// # Ok::<(), HarnessError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Canceller {
    cancellation: Arc<Cancellation>,
}

impl Canceller {
    pub(crate) fn new(cancellation: Arc<Cancellation>) -> Self {
        Canceller { cancellation }
    }

    /// Cancels. Calling it again does nothing.
    pub fn cancel(&self) {
        if !self.cancellation.cancelled.swap(true, Ordering::AcqRel) {
            self.cancellation.waker.wake();
        }
    }

    /// Whether somebody has cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }
}
