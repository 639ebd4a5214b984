#![allow(unsafe_code)]
//! Our ends of the child's pipes, and the one place where the harness waits.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::sigpipe;
use crate::command::{HookCommand, StdinPlan};
use crate::error::HarnessError;
use crate::platform::{Interest, ReadOutcome, Stream, WriteOutcome};
use crate::reader::ReadPlan;

/// The device that takes nothing (Linux: full(4); FreeBSD and NetBSD have it, macOS does not).
const FULL: &str = "/dev/full";
/// How long is waited for processes that are being forked.
const COPIED_FOR: Duration = Duration::from_millis(500);

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
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
    stdout_ready: bool,
    stderr_ready: bool,
    /// Whether the process watcher has something to tell.
    watch_ready: bool,
    /// Whether somebody waits for the cage.
    cage_ready: bool,
}

impl Streams {
    pub(crate) fn new(command: &HookCommand) -> Result<(Self, ChildEnds), HarnessError> {
        let (child_stdin, stdin) = match command.stdin {
            StdinPlan::Closed => (None, None),
            _ => {
                let (reader, writer) = pipe()?;
                set_nonblocking(writer.as_raw_fd())?;
                (Some(reader.into()), Some(writer))
            }
        };
        let (stdout, child_stdout) = output(command.reader.stdout)?;
        let (stderr, child_stderr) = output(command.reader.stderr)?;
        let streams = Streams {
            stdin,
            stdout,
            stderr,
            stdout_ready: false,
            stderr_ready: false,
            watch_ready: false,
            cage_ready: false,
        };
        let ends = ChildEnds { stdin: child_stdin, stdout: child_stdout, stderr: child_stderr };
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
        let output = |reader: &Option<PipeReader>| reader.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let mut polled = [
            entry(watch, true, libc::POLLIN),
            entry(waker.reader.as_raw_fd(), true, libc::POLLIN),
            entry(output(&self.stdout), interest.stdout, libc::POLLIN),
            entry(output(&self.stderr), interest.stderr, libc::POLLIN),
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
        let Some(reader) = reader.as_mut().filter(|_| *ready) else {
            return Ok(ReadOutcome::Pending);
        };
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

    pub(crate) fn close_output(&mut self, stream: Stream) {
        match stream {
            Stream::Stdout => self.stdout = None,
            Stream::Stderr => self.stderr = None,
        }
    }
}

fn pipe() -> Result<(PipeReader, PipeWriter), HarnessError> {
    io::pipe().map_err(HarnessError::system("create a pipe"))
}

/// A pipe for an output stream. Our end is missing if it is not to be read at all.
fn output(plan: ReadPlan) -> Result<(Option<PipeReader>, OwnedFd), HarnessError> {
    if plan == ReadPlan::Full {
        let device = full_device().map_err(HarnessError::system("open the device that takes nothing"))?;
        return Ok((None, device.into()));
    }
    let (reader, writer) = pipe()?;
    if plan.is_closed() {
        drop(reader);
        wait_for_no_reader(&writer);
        return Ok((None, writer.into()));
    }
    set_nonblocking(reader.as_raw_fd())?;
    Ok((Some(reader), writer.into()))
}

fn full_device() -> io::Result<File> {
    File::options().write(true).open(FULL)
}

/// Why no stream can be one without room; `None` if it can.
pub(crate) fn no_full_device() -> Option<String> {
    match full_device().map(|mut device| device.write(b"x")) {
        Ok(Err(error)) if error.kind() == io::ErrorKind::StorageFull => None,
        // A container may have an ordinary file there.
        Ok(_) => Some(format!("{FULL} is not the device that takes nothing")),
        Err(error) => Some(format!("{FULL} cannot be opened ({error})")),
    }
}

/// Waits until nobody has the reading end any more. A process that another thread is forking right now has a copy until
/// it executes, which is a matter of milliseconds; who keeps it for longer is not waited for.
fn wait_for_no_reader(writer: &PipeWriter) {
    let begin = Instant::now();
    loop {
        let mut polled = libc::pollfd { fd: writer.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: one initialised entry.
        unsafe { libc::poll(&raw mut polled, 1, 0) };
        if polled.revents & (libc::POLLERR | libc::POLLHUP) != 0 || begin.elapsed() > COPIED_FOR {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
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
