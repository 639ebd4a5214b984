//! A child in a process group of its own, with all that it starts.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::Signals;
use crate::platform::{Ending, SLICE, SignalMeaning, Waited};

/// How long the rest of a group that was killed may take to be gone.
const BURIAL: Duration = Duration::from_millis(300);
/// Words of a child beyond this are not kept.
const WORDS: usize = 8 * 1024;

/// A child and its process group. Whatever is left of it is killed when the value is dropped.
pub(crate) struct Tree {
    child: Child,
    group: libc::pid_t,
    reaped: bool,
}

impl Tree {
    /// Starts the command in a group of its own, so that it can be ended with all that it starts.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot be started.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        // The group is made by the child itself before its program begins: there is no moment without it.
        let child = command.process_group(0).spawn()?;
        let group = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
        Ok(Self { child, group, reaped: false })
    }

    /// The other end of the first process's stdin, once.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the end of the first process, for a signal that asks this process to end, or for the time.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it does not tell.
    pub(crate) fn wait(&mut self, until: Instant, signals: &Signals) -> io::Result<Waited> {
        loop {
            if self.has_ended()? {
                return Ok(Waited::Ended);
            }
            if let Some(signal) = signals.asked() {
                return Ok(Waited::Asked(signal));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Waited::TimedOut);
            }
            signals.wait(left.min(SLICE));
        }
    }

    /// Whether the first process has ended. It is not collected: as long as its number is taken, so is the group's.
    fn has_ended(&self) -> io::Result<bool> {
        if self.reaped {
            return Ok(true);
        }
        let id = libc::id_t::try_from(self.group).map_err(io::Error::other)?;
        // SAFETY: plain data for which all zeroes are a value, written by the call.
        unsafe {
            let mut told: libc::siginfo_t = std::mem::zeroed();
            let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            if libc::waitid(libc::P_PID, id, &raw mut told, flags) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(told.si_pid() != 0)
        }
    }

    /// Passes a signal on to the whole group and gives it a moment.
    pub(crate) fn ask(&mut self, signal: i32, moment: Duration) {
        self.signal(signal);
        let until = Instant::now() + moment;
        while Instant::now() < until && matches!(self.has_ended(), Ok(false)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills what is left of the group, collects the first process, and says how it ended.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it does not tell.
    pub(crate) fn finish(&mut self) -> io::Result<Ending> {
        // Before the first process is collected: its number, which is the group's, may belong to others afterwards.
        self.signal(libc::SIGKILL);
        let status = self.child.wait()?;
        self.reaped = true;
        self.bury();
        Ok(status.into())
    }

    fn signal(&self, signal: libc::c_int) {
        if !self.reaped {
            // SAFETY: the group exists as long as its first process is not collected; the call touches no memory.
            unsafe { libc::kill(-self.group, signal) };
        }
    }

    /// Waits until the rest of a killed group is gone, so that nothing is written any more where it wrote.
    fn bury(&self) {
        let until = Instant::now() + BURIAL;
        // SAFETY: signal 0 is never delivered. The number of the group stays taken as long as a member is there.
        while unsafe { libc::kill(-self.group, 0) } == 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// What a child's end of the pipe has left in it; nothing is waited for. Call it after [`Tree::finish`].
pub(crate) fn last_words(pipe: &mut PipeReader) -> String {
    // A process that has left the group may hold the pipe open.
    // SAFETY: an open descriptor; the call touches no memory.
    unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    let mut bytes = [0; WORDS];
    let mut length = 0;
    while let Ok(read @ 1..) = pipe.read(&mut bytes[length..]) {
        length += read;
    }
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.finish();
        }
    }
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        // A process that was waited for has ended, and there are two ways to end.
        match status.signal() {
            Some(signal) => Ending::Signaled { signal, meaning: meaning(signal) },
            None => Ending::Exited(status.code().unwrap_or_default().cast_unsigned()),
        }
    }
}

fn meaning(signal: i32) -> SignalMeaning {
    match signal {
        libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => SignalMeaning::Wish,
        libc::SIGKILL
        | libc::SIGSEGV
        | libc::SIGABRT
        | libc::SIGBUS
        | libc::SIGILL
        | libc::SIGTRAP
        | libc::SIGFPE
        | libc::SIGSYS
        | libc::SIGXCPU
        | libc::SIGXFSZ => SignalMeaning::Death,
        _ => SignalMeaning::Other,
    }
}
