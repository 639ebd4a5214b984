//! A running process on Unix: pipes of ours plus one of the ways of watching it.

use std::os::fd::RawFd;
use std::time::Duration;

use super::streams::{Streams, Waker};
use crate::error::HarnessError;
use crate::platform::{Aftermath, Interest, Progress, ReadOutcome, Running, Stream, WriteOutcome};

/// The process half of a run. Dropping it kills what is left of the tree.
pub(crate) trait Process {
    /// A descriptor that becomes readable when there is something to look at.
    fn watch(&self) -> RawFd;
    /// Looks once, without waiting.
    fn progress(&mut self) -> Result<Progress, HarnessError>;
    /// How long a wait may take at most because the process cannot announce everything by its descriptor.
    fn attention_span(&self) -> Duration {
        Duration::MAX
    }
    fn pid(&self) -> u32;
    fn descendants_remain(&mut self) -> Result<bool, HarnessError>;
    fn terminate(&mut self) -> Result<(), HarnessError>;
    fn kill(&mut self) -> Result<(), HarnessError>;
    fn finish(&mut self) -> Result<Aftermath, HarnessError>;
}

/// Puts the two halves together.
#[derive(Debug)]
pub(crate) struct UnixRun<'a, P> {
    pub(crate) streams: Streams,
    pub(crate) process: P,
    pub(crate) waker: &'a Waker,
    /// The end, once it is known.
    pub(crate) end: Option<crate::platform::End>,
}

impl<'a, P: Process> UnixRun<'a, P> {
    pub(crate) fn new(streams: Streams, process: P, waker: &'a Waker) -> Self {
        UnixRun { streams, process, waker, end: None }
    }

    fn look(&mut self) -> Result<Progress, HarnessError> {
        let progress = self.process.progress()?;
        if let Progress::Ended(end) = &progress {
            self.end = Some(*end);
        }
        Ok(progress)
    }
}

impl<P: Process> Running for UnixRun<'_, P> {
    fn wait(&mut self, interest: Interest, timeout: Duration) -> Result<(), HarnessError> {
        let timeout = timeout.min(self.process.attention_span());
        self.streams.wait(interest, self.process.watch(), self.waker, timeout)?;
        // After the end nobody asks for progress any more, but there may be news of descendants.
        if self.end.is_some() && self.streams.take_watch_ready() {
            self.process.progress()?;
        }
        Ok(())
    }

    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Result<ReadOutcome, HarnessError> {
        self.streams.read(stream, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<WriteOutcome, HarnessError> {
        self.streams.write(bytes)
    }

    fn close_stdin(&mut self) {
        self.streams.close_stdin();
    }

    fn progress(&mut self) -> Result<Progress, HarnessError> {
        match self.end {
            Some(end) => Ok(Progress::Ended(end)),
            None if self.streams.take_watch_ready() => self.look(),
            None => Ok(Progress::Running),
        }
    }

    fn descendants_remain(&mut self) -> Result<bool, HarnessError> {
        self.process.descendants_remain()
    }

    fn terminate(&mut self) -> Result<bool, HarnessError> {
        self.process.terminate().map(|()| true)
    }

    fn kill(&mut self) -> Result<(), HarnessError> {
        self.process.kill()
    }

    fn finish(&mut self) -> Result<Aftermath, HarnessError> {
        self.process.finish()
    }
}
