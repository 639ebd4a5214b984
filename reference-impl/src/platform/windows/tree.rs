//! A child in a job object, with all that it starts.

use std::io::{self, PipeReader, Read};
use std::mem::{size_of, zeroed};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::Threading::WaitForSingleObject;

use super::Signals;
use crate::platform::{Ending, SLICE, Waited};

/// Words of a child beyond this are not kept.
const WORDS: u64 = 8 * 1024;
/// What a process of the job leaves as its exit code that was ended with it.
const ENDED_BY_US: u32 = 0x2000_0001;

/// A child and its job. Whatever is left of it ends with this process at the latest: the job is closed then.
pub(crate) struct Tree {
    child: Child,
    job: OwnedHandle,
}

impl Tree {
    /// Starts the command, and puts it into a job so that it can be ended with all that it starts. What it starts before
    /// it is in the job is not in it: it has to wait for a word on stdin first.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot be started, or not put into a job; it is ended then.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let job = job()?;
        let mut child = command.spawn()?;
        // SAFETY: both handles are open.
        if unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) } == 0 {
            let error = io::Error::last_os_error();
            let _ = child.kill().and_then(|()| child.wait());
            return Err(error);
        }
        Ok(Self { child, job })
    }

    /// The other end of the first process's stdin, once.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the end of the first process, for something that asks this process to end, or for the time.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it does not tell.
    pub(crate) fn wait(&mut self, until: Instant, signals: &Signals) -> io::Result<Waited> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.ends_within(left.min(SLICE)) {
                return Ok(Waited::Ended);
            }
            if let Some(event) = signals.asked() {
                return Ok(Waited::Asked(event));
            }
            if left.is_zero() {
                return Ok(Waited::TimedOut);
            }
        }
    }

    fn ends_within(&self, time: Duration) -> bool {
        let time = u32::try_from(time.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: the handle is open for the length of the call.
        unsafe { WaitForSingleObject(self.child.as_raw_handle(), time) == WAIT_OBJECT_0 }
    }

    /// Gives the processes of the console a moment: what asked this process has asked them too.
    pub(crate) fn ask(&mut self, _: i32, moment: Duration) {
        self.ends_within(moment);
    }

    /// Ends what is left of the job, and says how the first process ended.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it does not tell.
    pub(crate) fn finish(&mut self) -> io::Result<Ending> {
        // SAFETY: the handle is open.
        unsafe { TerminateJobObject(self.job.as_raw_handle(), ENDED_BY_US) };
        Ok(self.child.wait()?.into())
    }
}

/// What a child's end of the pipe has left in it. Call it after [`Tree::finish`]: nobody is left then who could hold the
/// pipe open.
pub(crate) fn last_words(pipe: &mut PipeReader) -> String {
    let mut bytes = Vec::new();
    // What could be read before an error is what there is.
    let _ = pipe.take(WORDS).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        // Every process has a code there.
        Ending::Exited(status.code().unwrap_or_default().cast_unsigned())
    }
}

/// A job whose processes end with its last handle.
fn job() -> io::Result<OwnedHandle> {
    // SAFETY: the handle is ours alone; the structure is plain data of the size that the call is told.
    unsafe {
        let job = CreateJobObjectW(std::ptr::null(), std::ptr::null());
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        let job = OwnedHandle::from_raw_handle(job);
        let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = zeroed();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let size = u32::try_from(size_of_val(&limits)).map_err(io::Error::other)?;
        let class = JobObjectExtendedLimitInformation;
        if SetInformationJobObject(job.as_raw_handle(), class, (&raw const limits).cast(), size) == 0 {
            return Err(io::Error::last_os_error());
        }
        debug_assert_eq!(size as usize, size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>());
        Ok(job)
    }
}
