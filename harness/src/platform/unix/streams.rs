#![allow(unsafe_code)]
//! Our ends of the child's pipes, and the one place where the harness waits.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::sigpipe;
use crate::command::StdinPlan;
use crate::error::HarnessError;
use crate::platform::{Interest, ReadOutcome, Stream, WriteOutcome};

/// A pipe that becomes readable for ever when somebody cancels.
#[derive(Debug)]
pub(crate) struct Waker {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Waker {
    pub(crate) fn new() -> Result<Self, HarnessError> {
        let (reader, writer) = io::pipe().map_err(HarnessError::system("create a pipe"))?;
        Ok(Waker { reader, writer })
    }

    /// Writes one byte that nobody reads, into a pipe whose reader lives as long as the writer: this can neither block
    /// nor fail.
    pub(crate) fn wake(&self) {
        let _ = (&self.writer).write(b"!");
    }
}

/// The child's ends. They are closed here as soon as the child has them, or nobody would ever see end of file.
#[derive(Debug)]
pub(crate) struct ChildEnds {
    /// `None` if descriptor 0 is not to be open.
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// Our ends. None of them ever blocks.
#[derive(Debug)]
pub(crate) struct Streams {
    stdin: Option<PipeWriter>,
    stdout: PipeReader,
    stderr: PipeReader,
    stdout_ready: bool,
    stderr_ready: bool,
    /// Whether the process watcher has something to tell.
    watch_ready: bool,
    /// Whether somebody waits for the cage.
    cage_ready: bool,
}

impl Streams {
    pub(crate) fn new(plan: &StdinPlan) -> Result<(Self, ChildEnds), HarnessError> {
        let pipe = || io::pipe().map_err(HarnessError::system("create a pipe"));
        let (child_stdin, stdin) = match plan {
            StdinPlan::Closed => (None, None),
            _ => {
                let (reader, writer) = pipe()?;
                set_nonblocking(writer.as_raw_fd())?;
                (Some(reader.into()), Some(writer))
            }
        };
        let (stdout, child_stdout) = pipe()?;
        set_nonblocking(stdout.as_raw_fd())?;
        let (stderr, child_stderr) = pipe()?;
        set_nonblocking(stderr.as_raw_fd())?;
        let streams = Streams {
            stdin,
            stdout,
            stderr,
            stdout_ready: false,
            stderr_ready: false,
            watch_ready: false,
            cage_ready: false,
        };
        let ends = ChildEnds { stdin: child_stdin, stdout: child_stdout.into(), stderr: child_stderr.into() };
        Ok((streams, ends))
    }

    /// Waits for a stream, for `watch` (the process), for `cage` or for the waker.
    pub(crate) fn wait(
        &mut self,
        interest: Interest,
        watch: RawFd,
        cage: RawFd,
        waker: &Waker,
        timeout: Duration,
    ) -> Result<(), HarnessError> {
        let entry = |fd: RawFd, wanted: bool, events: i16| libc::pollfd {
            // poll ignores negative descriptors; one that is not wanted must not be watched at all, because an error
            // on it would be reported for ever.
            fd: if wanted { fd } else { -1 },
            events,
            revents: 0,
        };
        let stdin = self.stdin.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let mut polled = [
            entry(watch, true, libc::POLLIN),
            entry(waker.reader.as_raw_fd(), true, libc::POLLIN),
            entry(self.stdout.as_raw_fd(), interest.stdout, libc::POLLIN),
            entry(self.stderr.as_raw_fd(), interest.stderr, libc::POLLIN),
            entry(stdin, interest.stdin, libc::POLLOUT),
            entry(cage, true, libc::POLLIN),
        ];
        // Rounded up: waking a little late costs less than turning in circles until the time has come.
        let milliseconds = i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
        // SAFETY: `polled` is an array of that many initialised entries.
        let count = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, milliseconds) };
        if count < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                return Ok(());
            }
            return Err(HarnessError::System { doing: "wait for the program", source: error });
        }
        self.watch_ready |= polled[0].revents != 0;
        self.stdout_ready |= polled[2].revents != 0;
        self.stderr_ready |= polled[3].revents != 0;
        self.cage_ready |= polled[5].revents != 0;
        Ok(())
    }

    /// Whether the process watcher was reported ready since the last call.
    pub(crate) fn take_watch_ready(&mut self) -> bool {
        std::mem::take(&mut self.watch_ready)
    }

    /// Whether somebody has waited for the cage since the last call.
    pub(crate) fn take_cage_ready(&mut self) -> bool {
        std::mem::take(&mut self.cage_ready)
    }

    /// Reads from a stream that the last wait reported ready.
    pub(crate) fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Result<ReadOutcome, HarnessError> {
        let (reader, ready) = match stream {
            Stream::Stdout => (&mut self.stdout, &mut self.stdout_ready),
            Stream::Stderr => (&mut self.stderr, &mut self.stderr_ready),
        };
        if !*ready {
            return Ok(ReadOutcome::Pending);
        }
        // Ready once more only when poll says so, or when more is probably there already.
        *ready = false;
        match reader.read(buffer) {
            Ok(0) => Ok(ReadOutcome::End),
            Ok(count) => {
                *ready = count == buffer.len();
                Ok(ReadOutcome::Data(count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(ReadOutcome::Pending),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                *ready = true;
                Ok(ReadOutcome::Pending)
            }
            Err(source) => Err(HarnessError::System { doing: "read what the program wrote", source }),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<WriteOutcome, HarnessError> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(WriteOutcome::Refused);
        };
        match sigpipe::harmless(|| stdin.write(bytes)) {
            Ok(count) => Ok(WriteOutcome::Taken(count)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(WriteOutcome::Pending),
                io::ErrorKind::BrokenPipe => Ok(WriteOutcome::Refused),
                _ => Err(HarnessError::System { doing: "write to the program's stdin", source: error }),
            },
        }
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }
}

/// Makes our end of a pipe answer "not now" instead of blocking. The child's end has flags of its own.
fn set_nonblocking(fd: RawFd) -> Result<(), HarnessError> {
    // SAFETY: plain calls on a descriptor that the caller owns. A fresh pipe end has no other status flag to keep.
    if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
        return Err(HarnessError::System { doing: "set up a pipe", source: io::Error::last_os_error() });
    }
    Ok(())
}

/// A descriptor that is not in the way of 0, 1 and 2, in case the host has closed one of those.
pub(crate) fn above_two(fd: OwnedFd) -> Result<OwnedFd, HarnessError> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    // SAFETY: duplicates a descriptor that we own; the result is owned by nobody else.
    unsafe {
        let moved = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3);
        if moved < 0 {
            return Err(HarnessError::System { doing: "set up a pipe", source: io::Error::last_os_error() });
        }
        Ok(OwnedFd::from_raw_fd(moved))
    }
}
