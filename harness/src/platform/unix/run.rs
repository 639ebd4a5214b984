//! A running process on Unix: pipes of ours plus one of the ways of watching it.

use std::os::fd::RawFd;
use std::time::Duration;

use super::cage::Cage;
use super::limits::{Keeper, OwnFacts};
use super::streams::{Streams, Waker};
use crate::error::HarnessError;
use crate::limits::LimitReport;
use crate::platform::{
    Aftermath, CONTAIN_STEP, GROUP_STEP, Interest, Progress, ReadOutcome, Running, Status, Stream, WriteOutcome,
};
use crate::sandbox::SandboxReport;
use crate::watch::WatchReport;

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
    /// What is known of the process itself after it has ended or failed to start.
    fn own_facts(&self) -> OwnFacts;
    /// The living processes of the tree, the program included, as far as they can be seen.
    fn members(&mut self) -> Vec<i32>;
    fn descendants_remain(&mut self) -> Result<bool, HarnessError>;
    fn terminate(&mut self) -> Result<(), HarnessError>;
    fn kill(&mut self) -> Result<(), HarnessError>;
    fn finish(&mut self) -> Result<Aftermath, HarnessError>;
    /// What a watch has brought. Asked when it has ended or could not be started.
    fn watch_report(&mut self) -> Option<WatchReport>;
}

/// Puts the two halves together.
#[derive(Debug)]
pub(crate) struct UnixRun<'a, P> {
    pub(crate) streams: Streams,
    pub(crate) process: P,
    pub(crate) waker: &'a Waker,
    /// The end, once it is known.
    pub(crate) end: Option<crate::platform::End>,
    /// The name of the program, for people.
    name: String,
    // Dropped last: a control group can be removed only when nobody is in it.
    keeper: Keeper,
    cage: Cage,
}

impl<'a, P: Process> UnixRun<'a, P> {
    pub(crate) fn new(
        streams: Streams,
        process: P,
        waker: &'a Waker,
        name: String,
        keeper: Keeper,
        cage: Cage,
    ) -> Self {
        UnixRun { streams, process, waker, end: None, name, keeper, cage }
    }

    fn look(&mut self) -> Result<Progress, HarnessError> {
        match self.process.progress()? {
            Progress::Running => Ok(Progress::Running),
            Progress::NotStarted(error) => {
                if error.step == GROUP_STEP {
                    self.keeper.group_refused(&error);
                }
                if error.step == CONTAIN_STEP {
                    let failure = self.cage.failure(self.process.own_facts().cage);
                    return Err(failure.unwrap_or(HarnessError::NotContained { part: "all", because: error.message }));
                }
                Ok(Progress::NotStarted(error))
            }
            Progress::Ended(mut end) => {
                if end.killed_by.is_none() {
                    let facts = self.process.own_facts();
                    if let (Some(false), Status::Signaled { signal, .. }) = (facts.executed, end.status) {
                        return Ok(Progress::NotStarted(self.keeper.killed_while_loading(signal, &facts, &self.name)));
                    }
                    end.hit = self.keeper.hit(&end, &facts);
                }
                self.end = Some(end);
                Ok(Progress::Ended(end))
            }
        }
    }
}

impl<P: Process> Running for UnixRun<'_, P> {
    fn wait(&mut self, interest: Interest, timeout: Duration) -> Result<(), HarnessError> {
        let timeout = timeout.min(self.process.attention_span());
        self.streams.wait(interest, self.process.watch(), self.cage.watch(), self.waker, timeout)?;
        if self.streams.take_cage_ready() {
            self.cage.attend()?;
        }
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

    fn close_output(&mut self, stream: Stream) {
        self.streams.close_output(stream);
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

    fn over_memory(&mut self) -> Option<u64> {
        let process = &mut self.process;
        self.keeper.over_memory(|| process.members())
    }

    fn watch_memory_every(&self) -> Option<Duration> {
        self.keeper.watch_every()
    }

    fn limit_reports(&mut self) -> Vec<LimitReport> {
        self.keeper.reports(&self.process.own_facts())
    }

    fn watch_report(&mut self) -> Option<WatchReport> {
        self.process.watch_report()
    }

    fn sandbox_report(&mut self) -> Option<SandboxReport> {
        self.cage.report(self.process.own_facts().cage)
    }

    fn finish(&mut self) -> Result<Aftermath, HarnessError> {
        let mut aftermath = self.process.finish()?;
        if self.keeper.may_prevent_loading() && self.process.own_facts().executed.is_none() {
            aftermath.gaps.push(
                "a program that the system kills while it is being loaded cannot be told from one that crashes".into(),
            );
        }
        Ok(aftermath)
    }
}
