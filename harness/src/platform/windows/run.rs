#![allow(unsafe_code)]
//! A running process on Windows.

use std::io;
use std::os::windows::io::OwnedHandle;
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED};
use windows_sys::Win32::System::Threading::WaitForMultipleObjects;

use super::command_line::Program;
use super::job::{Job, KILL_CODE, name_of};
use super::limits::{JobLimits, Overheard};
use super::pipe::{Reader, Writer};
use super::process::{ChildEnds, Process};
use super::waker::Waker;
use super::watch::JobWatch;
use crate::command::{HookCommand, StdinPlan};
use crate::error::HarnessError;
use crate::limits::LimitReport;
use crate::observation::{Descendant, KillStep};
use crate::platform::{
    Aftermath, End, Interest, Progress, ReadOutcome, Running, StartFailure, Status, Stream, WriteOutcome,
};
use crate::reader::ReadPlan;
use crate::sandbox::{self, SandboxReport};
use crate::watch::WatchReport;

/// How often the job is looked at for descendants that are about to end: nothing announces that the last one has.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long terminated processes may take to go away.
const STRAGGLERS_FOR: Duration = Duration::from_secs(2);
/// The system's own helper that serves a console. It ends with the last process that uses the console and is nobody's
/// leak.
pub(super) const CONSOLE_HOST: &str = "conhost.exe";

/// Restricted tokens and AppContainers take rights away from a user or a package, not from a path, and change how programs
/// behave that know nothing of them.
const NO_CAGE: &str = "Windows has nothing that holds an ordinary program to some folders and to this machine";

/// One process with its job and our ends of its streams.
pub(super) struct WindowsRun<'a> {
    stdin: Option<Writer>,
    stdout: Option<Reader>,
    stderr: Option<Reader>,
    process: Process,
    job: Job,
    // Dropped after the job, which sends its messages there.
    limits: JobLimits,
    watch: Option<JobWatch>,
    waker: &'a Waker,
    start: Instant,
    end: Option<End>,
    killed: bool,
    sandbox: Option<SandboxReport>,
}

impl<'a> WindowsRun<'a> {
    pub(super) fn start(command: &HookCommand, start: Instant, waker: &'a Waker) -> Result<Self, StartFailure> {
        let sandbox = sandbox::without(command.sandbox.as_ref(), NO_CAGE)?;
        let mut program = Program::new(command).map_err(StartFailure::NotStarted)?;
        let (stdin, child_stdin) = match command.stdin {
            StdinPlan::Closed => (None, None),
            _ => Writer::new().map(|(ours, theirs)| (Some(ours), Some(theirs)))?,
        };
        let (stdout, child_stdout) = output(command.reader.stdout)?;
        let (stderr, child_stderr) = output(command.reader.stderr)?;
        let ends = ChildEnds { stdin: child_stdin, stdout: child_stdout, stderr: child_stderr };
        let job = Job::new()?;
        let overheard = command.watch.as_ref().map(|_| Overheard::default());
        let limits = JobLimits::set(&job, &command.limits, overheard.clone())?;
        let watch = match (&command.watch, overheard) {
            (Some(watch), Some(overheard)) => Some(JobWatch::begin(watch, &job, overheard, start)?),
            _ => None,
        };
        let process = Process::create(&mut program, &ends, &job)?;
        let (end, killed) = (None, false);
        Ok(WindowsRun { stdin, stdout, stderr, process, job, limits, watch, waker, start, end, killed, sandbox })
    }

    /// Terminates everything and waits until it is gone.
    fn terminate_rest(&self) -> Result<(), HarnessError> {
        let begin = Instant::now();
        loop {
            self.job.terminate();
            if self.job.active() == 0 {
                return Ok(());
            }
            if begin.elapsed() > STRAGGLERS_FOR {
                let pid = self.job.processes().first().copied().unwrap_or(0);
                return Err(HarnessError::Unkillable { pid, waited_ms: 2000 });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn status(code: u32) -> Status {
        if is_exception(code) { Status::Crashed(code) } else { Status::Exited(code.cast_signed()) }
    }
}

/// A pipe for an output stream. Our end is missing if it is not to be read at all.
fn output(plan: ReadPlan) -> Result<(Option<Reader>, OwnedHandle), HarnessError> {
    let (reader, theirs) = Reader::new()?;
    Ok(((!plan.is_closed()).then_some(reader), theirs))
}

/// Whether an exit code is an NTSTATUS of severity error: the two highest bits are set and bit 28, which is reserved,
/// is not ([MS-ERREF] 2.3). So -1 and its neighbours stay exit codes.
fn is_exception(code: u32) -> bool {
    code & 0xD000_0000 == 0xC000_0000
}

impl Running for WindowsRun<'_> {
    fn wait(&mut self, interest: Interest, timeout: Duration) -> Result<(), HarnessError> {
        let mut handles: Vec<HANDLE> = vec![self.waker.handle()];
        let mut timeout = timeout;
        if self.end.is_none() {
            handles.push(self.process.handle());
        } else {
            timeout = timeout.min(LOOK_EVERY);
        }
        for (reader, wanted) in [(&mut self.stdout, interest.stdout), (&mut self.stderr, interest.stderr)] {
            if let Some(reader) = reader.as_mut().filter(|_| wanted) {
                if reader.ready()? {
                    return Ok(());
                }
                handles.extend(reader.pending_event());
            }
        }
        if interest.stdin
            && let Some(writer) = &self.stdin
        {
            match writer.pending_event() {
                Some(event) => handles.push(event),
                // Nothing is under way, so the next write can begin at once.
                None => return Ok(()),
            }
        }
        let milliseconds = u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX - 1);
        // SAFETY: handles that this run owns or borrows.
        let waited = unsafe { WaitForMultipleObjects(handles.len() as u32, handles.as_ptr(), 0, milliseconds) };
        if waited == WAIT_FAILED {
            let source = io::Error::last_os_error();
            return Err(HarnessError::System { doing: "wait for the program", source });
        }
        Ok(())
    }

    fn pid(&self) -> u32 {
        self.process.pid
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Result<ReadOutcome, HarnessError> {
        let reader = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        reader.as_mut().map_or(Ok(ReadOutcome::Pending), |reader| reader.read(buffer))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<WriteOutcome, HarnessError> {
        match &mut self.stdin {
            Some(writer) => writer.write(bytes),
            None => Ok(WriteOutcome::Refused),
        }
    }

    fn close_stdin(&mut self) {
        self.stdin = None;
    }

    fn close_output(&mut self, stream: Stream) {
        match stream {
            Stream::Stdout => self.stdout = None,
            Stream::Stderr => self.stderr = None,
        }
    }

    fn progress(&mut self) -> Result<Progress, HarnessError> {
        if self.end.is_none()
            && let Some(code) = self.process.exit_code()
        {
            // Whoever ended with a code of its own did so before our termination reached it.
            let killed_by = (self.killed && code == KILL_CODE).then_some(KillStep::Kill);
            let hit = if self.killed { None } else { self.limits.hit(self.process.pid) };
            self.end = Some(End { status: Self::status(code), at: self.start.elapsed(), killed_by, hit });
        }
        Ok(self.end.map_or(Progress::Running, Progress::Ended))
    }

    fn descendants_remain(&mut self) -> Result<bool, HarnessError> {
        Ok(self.job.active() > 0)
    }

    fn terminate(&mut self) -> Result<bool, HarnessError> {
        Ok(false)
    }

    fn kill(&mut self) -> Result<(), HarnessError> {
        // Looked at first, so that an end just before is not taken for ours.
        self.progress()?;
        self.killed = true;
        self.job.terminate();
        Ok(())
    }

    fn over_memory(&mut self) -> Option<u64> {
        None
    }

    fn watch_memory_every(&self) -> Option<Duration> {
        None
    }

    fn sandbox_report(&mut self) -> Option<SandboxReport> {
        self.sandbox.take()
    }

    fn limit_reports(&mut self) -> Vec<LimitReport> {
        self.limits.reports()
    }

    fn watch_report(&mut self) -> Option<WatchReport> {
        self.watch.as_mut().map(|watch| watch.report(self.job.total()))
    }

    fn finish(&mut self) -> Result<Aftermath, HarnessError> {
        let mut descendants = Vec::new();
        if self.job.active() > 0 {
            let left = self.job.processes().into_iter().filter(|pid| *pid != self.process.pid);
            descendants = left.map(|pid| Descendant { pid, name: name_of(pid) }).collect();
            descendants.retain(|d| !d.name.to_ascii_lowercase().ends_with(CONSOLE_HOST));
            self.terminate_rest()?;
        }
        let usage = self.job.usage();
        let (user, system) = self.process.times();
        let mut aftermath = Aftermath {
            descendants,
            cpu_user: Some(usage.cpu_user.max(user)),
            cpu_system: Some(usage.cpu_system.max(system)),
            ..Aftermath::default()
        };
        aftermath.peak_memory = Some(usage.peak_memory.max(self.process.peak_working_set())).filter(|p| *p > 0);
        if aftermath.peak_memory.is_none() {
            aftermath.gaps.push("this system does not say how much memory was used".into());
        }
        Ok(aftermath)
    }
}

impl Drop for WindowsRun<'_> {
    fn drop(&mut self) {
        // An error here means that something does not die; closing the job is all that can still be done, and follows.
        let _ = self.terminate_rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::success(0, false)]
    #[case::two(2, false)]
    #[case::minus_one(0xFFFF_FFFF, false)]
    #[case::access_violation(0xC000_0005, true)]
    #[case::fast_fail(0xC000_0409, true)]
    #[case::control_c(0xC000_013A, true)]
    #[case::cpp_exception(0xE06D_7363, true)]
    #[case::breakpoint_is_only_a_warning(0x8000_0003, false)]
    fn what_is_a_crash(#[case] code: u32, #[case] expected: bool) {
        assert_eq!(is_exception(code), expected);
    }
}
