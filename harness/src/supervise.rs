//! The one supervision loop.
//!
//! A run is over by our clock and by the end of the process, never because a pipe ended or did not end. Every turn of
//! the loop does a bounded amount of work and looks at the clock, so that no program can keep it busy.

use std::time::{Duration, Instant};

use crate::cancel::Cancellation;
use crate::command::HookCommand;
use crate::error::HarnessError;
use crate::feeder::Feeder;
use crate::limits::{Limit, LimitProof, LimitReport};
use crate::observation::{Capture, Ending, Leaks, Mechanism, Observation, StartError, StdinReport};
use crate::platform::{End, Interest, Progress, ReadOutcome, Running, Status, Stream, WriteOutcome};
use crate::recorder::Recorder;

/// Bytes read at once. Larger reads bring nothing, because a pipe holds 64 KiB by default.
pub(crate) const READ_SIZE: usize = 64 * 1024;
/// How long a process may take to die of the final signal.
const UNKILLABLE_AFTER: Duration = Duration::from_secs(5);
/// How much is still read of each stream when the time for leaks is over. Any pipe that an unprivileged process can
/// make is smaller (`/proc/sys/fs/pipe-max-size` is 1 MiB); without a bound a leaked writer could keep us reading.
const LAST_DRAIN: usize = 4 * 1024 * 1024;
/// So many times as long as a look at the tree's memory took nobody looks again: a large process table must not cost a
/// whole processor.
const REST_AFTER_LOOK: u32 = 9;
/// The longest single wait; only a bound for the conversions in the platforms.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How far the killing has come.
#[derive(Debug, Clone, Copy)]
enum Kill {
    Not,
    Asked { at: Duration },
    Killed { first: Duration, at: Duration },
}

/// Runs the loop for one started process.
pub(crate) fn supervise(
    run: &mut dyn Running,
    command: &HookCommand,
    start: Instant,
    cancellation: &Cancellation,
    mechanism: Mechanism,
    buffer: &mut [u8],
) -> Result<Observation, HarnessError> {
    let mut supervisor = Supervisor {
        run,
        command,
        start,
        feeder: Feeder::new(&command.stdin),
        stdout: Recorder::new(command.capture.stdout, command.reader.stdout),
        stderr: Recorder::new(command.capture.stderr, command.reader.stderr),
        kill: Kill::Not,
        over_memory: None,
        next_look: Duration::ZERO,
        buffer,
    };
    match supervisor.until_over(cancellation)? {
        Over::NotStarted(error) => {
            let wall = start.elapsed();
            let limits = supervisor.run.limit_reports();
            let watch = supervisor.run.watch_report();
            let sandbox = supervisor.run.sandbox_report();
            let failed = not_started(error, supervisor.feeder.report(), wall, mechanism);
            Ok(Observation { limits, watch, sandbox, ..failed })
        }
        Over::Ended(end) => supervisor.conclude(end, mechanism),
    }
}

/// The observation of a program that could not be started.
pub(crate) fn not_started(error: StartError, stdin: StdinReport, wall: Duration, mechanism: Mechanism) -> Observation {
    Observation {
        ending: Ending::NotStarted { error },
        stdout: Capture::default(),
        stderr: Capture::default(),
        // What was put into the pipe went away with it: nobody was there.
        stdin: StdinReport { planned: stdin.planned, written: 0, refused: false },
        wall,
        cpu_user: None,
        cpu_system: None,
        peak_memory: None,
        leaks: Leaks::default(),
        mechanism,
        limits: Vec::new(),
        watch: None,
        sandbox: None,
    }
}

enum Over {
    NotStarted(StartError),
    Ended(End),
}

struct Supervisor<'a> {
    run: &'a mut dyn Running,
    command: &'a HookCommand,
    start: Instant,
    feeder: Feeder<'a>,
    stdout: Recorder,
    stderr: Recorder,
    kill: Kill,
    /// Bytes of real memory at which we killed the tree.
    over_memory: Option<u64>,
    /// When the tree's memory is looked at again.
    next_look: Duration,
    buffer: &'a mut [u8],
}

impl Supervisor<'_> {
    /// Until the process has ended and its streams and descendants have, or their time is over.
    fn until_over(&mut self, cancellation: &Cancellation) -> Result<Over, HarnessError> {
        let mut end: Option<(End, Duration)> = None;
        loop {
            if cancellation.is_cancelled() {
                self.run.kill()?;
                return Err(HarnessError::Cancelled);
            }
            self.feed()?;
            self.read_once()?;
            if end.is_none() {
                match self.run.progress()? {
                    Progress::Running => {}
                    Progress::NotStarted(error) => return Ok(Over::NotStarted(error)),
                    Progress::Ended(ended) => end = Some((ended, self.start.elapsed())),
                }
            }
            let now = self.start.elapsed();
            self.enforce_memory(now, end.is_some())?;
            let next = match end {
                Some((ended, seen)) => {
                    let over = seen + self.command.leak_grace;
                    if now >= over
                        || self.over_memory.is_some()
                        || (self.streams_ended() && !self.run.descendants_remain()?)
                    {
                        return Ok(Over::Ended(ended));
                    }
                    over
                }
                None => self.enforce_deadline(now)?,
            };
            let next = self.feeder.wakes_at(now).map_or(next, |due| next.min(due));
            let closing = [&self.stdout, &self.stderr].into_iter().filter_map(Recorder::wakes_at);
            let next = closing.fold(next, Duration::min);
            let next = self.memory_watch().map_or(next, |_| next.min(self.next_look));
            let interest = self.interest(now);
            self.run.wait(interest, next.saturating_sub(now).min(LONGEST_WAIT))?;
        }
    }

    /// How often the tree's memory is looked at. `None` if somebody else sees to it, and as soon as the tree is being
    /// killed.
    fn memory_watch(&self) -> Option<Duration> {
        let watching = matches!(self.kill, Kill::Not) && self.over_memory.is_none();
        self.run.watch_memory_every().filter(|_| watching)
    }

    /// Kills a tree that occupies more than it may, where nobody but us sees to it.
    fn enforce_memory(&mut self, now: Duration, ended: bool) -> Result<(), HarnessError> {
        let Some(pause) = self.memory_watch().filter(|_| now >= self.next_look) else {
            return Ok(());
        };
        self.over_memory = self.run.over_memory();
        let looked = self.start.elapsed();
        self.next_look = looked + pause.max((looked - now) * REST_AFTER_LOOK);
        if self.over_memory.is_some() && !ended {
            self.kill = Kill::Killed { first: now, at: now };
            self.run.kill()?;
        }
        Ok(())
    }

    /// Takes the kill step that is due and says when the next one is.
    fn enforce_deadline(&mut self, now: Duration) -> Result<Duration, HarnessError> {
        match self.kill {
            Kill::Not if now < self.command.deadline => Ok(self.command.deadline),
            Kill::Not if self.run.terminate()? => {
                self.kill = Kill::Asked { at: now };
                Ok(now + self.command.grace)
            }
            Kill::Asked { at } if now < at + self.command.grace => Ok(at + self.command.grace),
            Kill::Not | Kill::Asked { .. } => {
                let first = if let Kill::Asked { at } = self.kill { at } else { now };
                self.kill = Kill::Killed { first, at: now };
                self.run.kill()?;
                Ok(now + UNKILLABLE_AFTER)
            }
            Kill::Killed { at, .. } if now < at + UNKILLABLE_AFTER => Ok(at + UNKILLABLE_AFTER),
            Kill::Killed { at, .. } => Err(HarnessError::Unkillable {
                pid: self.run.pid(),
                waited_ms: u64::try_from((now - at).as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    fn feed(&mut self) -> Result<(), HarnessError> {
        let now = self.start.elapsed();
        let due = self.feeder.due(now);
        if !due.is_empty() {
            match self.run.write(due)? {
                WriteOutcome::Taken(count) => self.feeder.wrote(count, now),
                WriteOutcome::Pending => {}
                WriteOutcome::Refused => {
                    self.feeder.refuse();
                    self.run.close_stdin();
                }
            }
        }
        if self.feeder.take_close() {
            self.run.close_stdin();
        }
        Ok(())
    }

    /// At most one read of each stream, which is closed when its plan is over. Says how many bytes came.
    fn read_once(&mut self) -> Result<usize, HarnessError> {
        let mut count = 0;
        for (stream, recorder) in [(Stream::Stdout, &mut self.stdout), (Stream::Stderr, &mut self.stderr)] {
            if recorder.take_close(self.start.elapsed()) {
                self.run.close_output(stream);
            }
            if recorder.over() {
                continue;
            }
            let wanted = self.buffer.len().min(recorder.wants());
            match self.run.read(stream, &mut self.buffer[..wanted])? {
                ReadOutcome::Data(length) => {
                    recorder.push(self.start.elapsed(), &self.buffer[..length]);
                    count += length;
                }
                ReadOutcome::Pending => {}
                ReadOutcome::End => recorder.end(self.start.elapsed()),
            }
            // At once, so that the program finds it closed with the next byte that it writes.
            if recorder.take_close(self.start.elapsed()) {
                self.run.close_output(stream);
            }
        }
        Ok(count)
    }

    fn interest(&self, now: Duration) -> Interest {
        Interest { stdin: !self.feeder.due(now).is_empty(), stdout: !self.stdout.over(), stderr: !self.stderr.over() }
    }

    fn streams_ended(&self) -> bool {
        self.stdout.over() && self.stderr.over()
    }

    /// Reads what is left, names and kills what outlived the process, and writes down the facts.
    fn conclude(mut self, end: End, mechanism: Mechanism) -> Result<Observation, HarnessError> {
        let mut drained = 0;
        while !self.streams_ended() && drained < LAST_DRAIN {
            let interest = Interest { stdin: false, ..self.interest(Duration::ZERO) };
            self.run.wait(interest, Duration::ZERO)?;
            match self.read_once()? {
                0 => break,
                count => drained += count,
            }
        }
        // Whether the last bytes were refused shows only after the last reader is gone.
        self.feed()?;
        let aftermath = self.run.finish()?;
        let mut mechanism = mechanism;
        mechanism.gaps.extend(aftermath.gaps);
        let mut limits = self.run.limit_reports();
        if let Some(bytes) = self.over_memory {
            prove(&mut limits, Limit::Memory, LimitProof::Footprint { bytes });
        }
        if let Some((limit, proof)) = end.hit {
            prove(&mut limits, limit, proof);
        }
        Ok(Observation {
            ending: ending(&end, self.kill, self.over_memory),
            limits,
            sandbox: self.run.sandbox_report(),
            leaks: Leaks {
                descendants: aftermath.descendants,
                stdout_held: !self.stdout.over(),
                stderr_held: !self.stderr.over(),
            },
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            stdin: self.feeder.report(),
            wall: end.at,
            cpu_user: aftermath.cpu_user,
            cpu_system: aftermath.cpu_system,
            peak_memory: aftermath.peak_memory,
            mechanism,
            watch: self.run.watch_report(),
        })
    }
}

/// A process that ended before our first step reached it ended by itself, even if that was at the last moment.
fn ending(end: &End, kill: Kill, over_memory: Option<u64>) -> Ending {
    let seen = match end.status {
        Status::Exited(code) => Ending::Exited { code },
        Status::Signaled { signal, core_dumped } => Ending::Signaled { signal, core_dumped },
        Status::Crashed(status) => Ending::Crashed { status },
    };
    let hit = match (end.killed_by, kill, over_memory) {
        (Some(_), Kill::Killed { .. }, Some(bytes)) => Some((Limit::Memory, LimitProof::Footprint { bytes })),
        (Some(killed_by), Kill::Asked { at: after } | Kill::Killed { first: after, .. }, None) => {
            return Ending::TimedOut { after, killed_by };
        }
        _ => end.hit,
    };
    match hit {
        Some((limit, proof)) => Ending::LimitHit { limit, proof, seen: Box::new(seen) },
        None => seen,
    }
}

/// Writes a proof into the report on its limit.
fn prove(reports: &mut [LimitReport], limit: Limit, proof: LimitProof) {
    if let Some(report) = reports.iter_mut().find(|report| report.limit == limit) {
        report.proof.get_or_insert(proof);
    }
}

#[cfg(test)]
mod tests;
