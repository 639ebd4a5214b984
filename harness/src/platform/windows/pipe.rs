#![allow(unsafe_code)]
//! Pipes whose our end never blocks and can be waited for: named pipes with overlapped operations.
//!
//! Anonymous pipes know neither. The buffer of an operation in progress belongs to the system, so each end owns its
//! buffer, and does not go away before the operation has ended.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{mem, ptr};

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_HANDLE_EOF, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_NO_DATA,
    ERROR_PIPE_NOT_CONNECTED, GENERIC_READ, GENERIC_WRITE, GetLastError, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, OPEN_EXISTING, PIPE_ACCESS_INBOUND,
    PIPE_ACCESS_OUTBOUND, ReadFile, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{CreateNamedPipeW, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT};

use super::waker::event;
use crate::error::HarnessError;
use crate::platform::{ReadOutcome, WriteOutcome};

/// What the system buffers, as much as a pipe of Linux holds.
const PIPE_SIZE: u32 = 64 * 1024;
/// Bytes handed to the system in one write. A write counts when all of it was taken, so a smaller number is more exact
/// about a child that stops reading, and a larger one is faster.
const WRITE_SIZE: usize = 16 * 1024;

/// Which way the data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToUs,
    ToChild,
}

/// Our end, and the child's end, which is inheritable.
fn pipe(direction: Direction) -> Result<(OwnedHandle, OwnedHandle), HarnessError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let failed = |source| HarnessError::System { doing: "create a pipe", source };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name: Vec<u16> =
        format!(r"\\.\pipe\hookproof.{}.{number}", std::process::id()).encode_utf16().chain([0]).collect();
    let (open, access) = match direction {
        Direction::ToUs => (PIPE_ACCESS_INBOUND, GENERIC_WRITE),
        Direction::ToChild => (PIPE_ACCESS_OUTBOUND, GENERIC_READ),
    };
    // SAFETY: the name ends in NUL and lives on; both handles are checked and owned by nobody else.
    unsafe {
        let ours = CreateNamedPipeW(
            name.as_ptr(),
            open | FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_OVERLAPPED,
            PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            1,
            PIPE_SIZE,
            PIPE_SIZE,
            0,
            ptr::null(),
        );
        if ours == INVALID_HANDLE_VALUE {
            return Err(failed(io::Error::last_os_error()));
        }
        let ours = OwnedHandle::from_raw_handle(ours);
        let inheritable = SECURITY_ATTRIBUTES {
            nLength: mem::size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: ptr::null_mut(),
            bInheritHandle: 1,
        };
        let theirs = CreateFileW(name.as_ptr(), access, 0, &raw const inheritable, OPEN_EXISTING, 0, ptr::null_mut());
        if theirs == INVALID_HANDLE_VALUE {
            return Err(failed(io::Error::last_os_error()));
        }
        Ok((ours, OwnedHandle::from_raw_handle(theirs)))
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// The system works on it; the event tells when it is done.
    Pending,
    /// So many bytes were read, or taken.
    Done(usize),
    /// The other end is closed.
    Closed,
}

/// What both directions have in common: one operation at a time.
struct Operation {
    pipe: OwnedHandle,
    event: OwnedHandle,
    /// On the heap, because the system holds its address while an operation is pending.
    overlapped: Box<OVERLAPPED>,
    buffer: Box<[u8]>,
    state: State,
}

impl Operation {
    fn new(pipe: OwnedHandle, size: usize) -> Result<Self, HarnessError> {
        let event = event()?;
        let overlapped = Box::new(OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() });
        Ok(Operation { pipe, event, overlapped, buffer: vec![0; size].into(), state: State::Idle })
    }

    /// Takes the answer of a call that began an operation.
    fn begun(&mut self, succeeded: bool) -> io::Result<()> {
        // SAFETY: only reads the calling thread's last error.
        let error = unsafe { GetLastError() };
        self.state = State::Pending;
        if succeeded || error == ERROR_IO_PENDING { self.look() } else { self.failed(error) }
    }

    /// Looks whether a pending operation has ended.
    fn look(&mut self) -> io::Result<()> {
        if self.state != State::Pending {
            return Ok(());
        }
        let mut count = 0;
        // SAFETY: the operation was begun with these two and has not been taken yet.
        let error = unsafe {
            match GetOverlappedResult(self.pipe.as_raw_handle(), &raw const *self.overlapped, &raw mut count, 0) {
                0 => GetLastError(),
                _ => 0,
            }
        };
        match error {
            0 => self.state = State::Done(count as usize),
            ERROR_IO_INCOMPLETE => {}
            error => self.failed(error)?,
        }
        Ok(())
    }

    fn failed(&mut self, error: u32) -> io::Result<()> {
        self.state = State::Closed;
        match error {
            ERROR_BROKEN_PIPE | ERROR_HANDLE_EOF | ERROR_NO_DATA | ERROR_PIPE_NOT_CONNECTED => Ok(()),
            error => Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
    }

    fn pending_event(&self) -> Option<HANDLE> {
        (self.state == State::Pending).then(|| self.event.as_raw_handle())
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if self.state == State::Pending {
            let mut count = 0;
            // SAFETY: the operation is pending; waiting for its end keeps the buffer alive as long as the system
            // may use it. A cancelled operation of a pipe ends at once.
            unsafe {
                CancelIoEx(self.pipe.as_raw_handle(), &raw const *self.overlapped);
                GetOverlappedResult(self.pipe.as_raw_handle(), &raw const *self.overlapped, &raw mut count, 1);
            }
        }
    }
}

/// Our end of stdout or stderr.
pub(super) struct Reader {
    operation: Operation,
}

impl Reader {
    /// The reader and the child's end.
    pub(super) fn new() -> Result<(Self, OwnedHandle), HarnessError> {
        let (ours, theirs) = pipe(Direction::ToUs)?;
        Ok((Reader { operation: Operation::new(ours, PIPE_SIZE as usize)? }, theirs))
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, HarnessError> {
        self.ready()?;
        match self.operation.state {
            State::Done(count) => {
                let count = count.min(buffer.len());
                buffer[..count].copy_from_slice(&self.operation.buffer[..count]);
                self.operation.state = State::Idle;
                Ok(ReadOutcome::Data(count))
            }
            State::Closed => Ok(ReadOutcome::End),
            State::Idle | State::Pending => Ok(ReadOutcome::Pending),
        }
    }

    /// Begins a read if none is under way, and says whether there is something to take.
    pub(super) fn ready(&mut self) -> Result<bool, HarnessError> {
        const DOING: &str = "read what the program wrote";
        let operation = &mut self.operation;
        if operation.state == State::Idle {
            let size = u32::try_from(operation.buffer.len()).unwrap_or(u32::MAX);
            // SAFETY: buffer and structure live on the heap until the operation has ended, see Drop.
            let succeeded = unsafe {
                ReadFile(
                    operation.pipe.as_raw_handle(),
                    operation.buffer.as_mut_ptr(),
                    size,
                    ptr::null_mut(),
                    &raw mut *operation.overlapped,
                ) != 0
            };
            operation.begun(succeeded).map_err(HarnessError::system(DOING))?;
        } else {
            operation.look().map_err(HarnessError::system(DOING))?;
        }
        if operation.state == State::Done(0) {
            // Somebody wrote nothing: that is no end of file on a pipe, and there is nothing to take.
            operation.state = State::Idle;
        }
        Ok(matches!(operation.state, State::Done(_) | State::Closed))
    }

    pub(super) fn pending_event(&self) -> Option<HANDLE> {
        self.operation.pending_event()
    }
}

/// Our end of stdin.
pub(super) struct Writer {
    operation: Operation,
}

impl Writer {
    /// The writer and the child's end.
    pub(super) fn new() -> Result<(Self, OwnedHandle), HarnessError> {
        let (ours, theirs) = pipe(Direction::ToChild)?;
        Ok((Writer { operation: Operation::new(ours, WRITE_SIZE)? }, theirs))
    }

    /// Begins a write, or looks after the one that is under way. The caller offers the same bytes until some of them
    /// were taken.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<WriteOutcome, HarnessError> {
        const DOING: &str = "write to the program's stdin";
        let operation = &mut self.operation;
        if operation.state == State::Idle {
            let count = bytes.len().min(operation.buffer.len());
            operation.buffer[..count].copy_from_slice(&bytes[..count]);
            let size = u32::try_from(count).unwrap_or(u32::MAX);
            // SAFETY: as in `Reader::ready`.
            let succeeded = unsafe {
                WriteFile(
                    operation.pipe.as_raw_handle(),
                    operation.buffer.as_ptr(),
                    size,
                    ptr::null_mut(),
                    &raw mut *operation.overlapped,
                ) != 0
            };
            operation.begun(succeeded).map_err(HarnessError::system(DOING))?;
        } else {
            operation.look().map_err(HarnessError::system(DOING))?;
        }
        match operation.state {
            State::Done(count) => {
                operation.state = State::Idle;
                Ok(WriteOutcome::Taken(count))
            }
            State::Closed => Ok(WriteOutcome::Refused),
            State::Idle | State::Pending => Ok(WriteOutcome::Pending),
        }
    }

    pub(super) fn pending_event(&self) -> Option<HANDLE> {
        self.operation.pending_event()
    }
}
