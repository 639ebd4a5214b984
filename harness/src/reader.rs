//! How long we read what a program writes.

use std::time::Duration;

use crate::observation::FullDevice;
use crate::platform;

/// How long one output stream is read. What a platform that stops listening does to its hooks can be had on purpose.
///
/// When our end is closed, the program's next write fails: on Unix it is sent `SIGPIPE`, and if it ignores that, its
/// write fails with `EPIPE`; on Windows its write fails with `ERROR_NO_DATA` or `ERROR_BROKEN_PIPE`. How it ends then is
/// its own affair, and a fact of the run like any other. Bytes that it had written and we had not read are lost.
///
/// A stream that we closed has no end that we could see, and whether something that outlives the program still holds its
/// end cannot be told: [`Capture::closed_by_us`](crate::Capture::closed_by_us) says when it was closed,
/// [`Capture::eof`](crate::Capture::eof) stays empty, and [`Leaks`](crate::Leaks) does not call it held.
///
/// A process of this very program that is being forked at that moment, by another thread, has a copy of our end for a
/// moment longer. For [`ReadPlan::Closed`] that moment is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadPlan {
    /// To its end.
    #[default]
    ToEnd,
    /// Not at all: our end is closed before the program starts, so that its first write fails.
    Closed,
    /// Exactly so many bytes, as `head -c` does; then our end is closed, even if nothing more would have come. A program
    /// that writes less is read to its end. With 0 it is [`ReadPlan::Closed`].
    Bytes(u64),
    /// Not at all, and nothing can be written either: in place of a pipe the program gets a device without room, as a
    /// redirection to a file on a full disk does. Every write fails with `ENOSPC`. Where the system has no such device,
    /// the stream is read to its end; [`Capture::full`](crate::Capture::full) says which of the two it was.
    Full,
    /// So long, counted from the start of the run; then our end is closed. A stream that ends earlier is read to its end.
    /// With no time at all it is [`ReadPlan::Closed`].
    For(Duration),
}

impl ReadPlan {
    /// Whether there is nothing to read from the beginning.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, ReadPlan::Closed | ReadPlan::Full | ReadPlan::Bytes(0) | ReadPlan::For(Duration::ZERO))
    }

    /// How many bytes are still wanted after `total` have been read.
    pub(crate) fn wants(self, total: u64) -> usize {
        match self {
            ReadPlan::Bytes(count) => usize::try_from(count.saturating_sub(total)).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    /// When the stream is to be closed, if that is a matter of time.
    pub(crate) fn closes_at(self) -> Option<Duration> {
        match self {
            ReadPlan::For(time) => Some(time),
            _ => None,
        }
    }

    /// Whether it is to be closed, when `total` bytes have been read until `now`.
    pub(crate) fn is_over(self, total: u64, now: Duration) -> bool {
        self.is_closed() || self.wants(total) == 0 || self.closes_at().is_some_and(|at| now >= at)
    }
}

/// How long each of the two output streams is read.
///
/// ```
/// use hookproof_harness::{Ending, Harness, HookCommand, ReadPlan, ReaderPlan};
///
/// let reader = ReaderPlan { stdout: ReadPlan::Bytes(3), ..ReaderPlan::default() };
/// let observation = Harness::new()?.run(&HookCommand::shell("echo 123456").reader(reader))?;
/// assert_eq!(observation.stdout.bytes, b"123");
/// assert!(observation.stdout.closed_by_us.is_some() && observation.stdout.eof.is_none());
/// # Ok::<(), hookproof_harness::HarnessError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReaderPlan {
    /// How long stdout is read.
    pub stdout: ReadPlan,
    /// How long stderr is read.
    pub stderr: ReadPlan,
}

impl ReaderPlan {
    /// The plan as this system can carry it out, and what became of the streams that were to have no room, stdout first.
    pub(crate) fn possible(self) -> (Self, [Option<FullDevice>; 2]) {
        let missing = (self.stdout == ReadPlan::Full || self.stderr == ReadPlan::Full).then(platform::no_full_device);
        let of = |plan: ReadPlan| match (plan, &missing) {
            (ReadPlan::Full, Some(Some(because))) => {
                (ReadPlan::ToEnd, Some(FullDevice::NotPossible { because: because.clone() }))
            }
            (ReadPlan::Full, _) => (ReadPlan::Full, Some(FullDevice::Full)),
            (other, _) => (other, None),
        };
        let ((stdout, out), (stderr, err)) = (of(self.stdout), of(self.stderr));
        (ReaderPlan { stdout, stderr }, [out, err])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const MS: Duration = Duration::from_millis(1);
    const ALL: usize = usize::MAX;

    #[rstest]
    #[case::to_the_end(ReadPlan::ToEnd, u64::MAX, ALL, false)]
    #[case::closed(ReadPlan::Closed, 0, ALL, true)]
    #[case::full(ReadPlan::Full, 0, ALL, true)]
    #[case::no_bytes(ReadPlan::Bytes(0), 0, 0, true)]
    #[case::some_bytes(ReadPlan::Bytes(5), 3, 2, false)]
    #[case::all_bytes(ReadPlan::Bytes(5), 5, 0, true)]
    #[case::no_time(ReadPlan::For(Duration::ZERO), 0, ALL, true)]
    #[case::time_left(ReadPlan::For(MS.saturating_mul(8)), 3, ALL, false)]
    #[case::time_is_over(ReadPlan::For(MS.saturating_mul(7)), 0, ALL, true)]
    fn when_a_plan_is_over(#[case] plan: ReadPlan, #[case] total: u64, #[case] wants: usize, #[case] over: bool) {
        assert_eq!(plan.wants(total), wants);
        assert_eq!(plan.is_over(total, MS * 7), over);
    }
}
