//! Windows.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::mem::zeroed;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, FILETIME, HANDLE, STILL_ACTIVE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY,
    LockFileEx,
};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_INPUT_HANDLE};
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::Pipes::PeekNamedPipe;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
};

mod signals;
mod tree;

pub(crate) use signals::{Signals, die_by, die_of_faults};
pub(crate) use tree::{Tree, last_words};

/// The variable that names a person's folder.
pub(crate) const HOME: &str = "USERPROFILE";

/// The byte that a hold is on: far behind any content, because a hold on a byte keeps others from reading it.
const HELD_AT: u32 = 1 << 30;

/// Takes a hold on an open file; `false` if another process has it. It ends when the file is closed, by the death of the
/// process at the latest, and is not handed on to programs that are started.
///
/// # Errors
///
/// Returns the system's error where the file system knows no such hold.
pub(crate) fn try_hold(file: &File) -> io::Result<bool> {
    // SAFETY: the handle is open for the length of the call; the structure is plain data and outlives the call, which
    // does not go on in the background for a file that was opened in the ordinary way.
    let held = unsafe {
        let mut place: OVERLAPPED = zeroed();
        place.Anonymous.Anonymous.OffsetHigh = HELD_AT;
        let how = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
        LockFileEx(file.as_raw_handle(), how, 0, 1, 0, &raw mut place)
    };
    if held != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    let code = error.raw_os_error().map(i32::cast_unsigned);
    if matches!(code, Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING)) { Ok(false) } else { Err(error) }
}

/// Whether the open file is the one that stands at this path now.
///
/// # Errors
///
/// Returns the system's error, also where nothing stands there.
pub(crate) fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    let (ours, theirs) = (file_number(file)?, file_number(&File::open(path)?)?);
    Ok(ours == theirs)
}

fn file_number(file: &File) -> io::Result<(u32, u32, u32)> {
    // SAFETY: the handle is open; the structure is plain data that the call fills.
    unsafe {
        let mut told: BY_HANDLE_FILE_INFORMATION = zeroed();
        if GetFileInformationByHandle(file.as_raw_handle(), &raw mut told) == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((told.dwVolumeSerialNumber, told.nFileIndexHigh, told.nFileIndexLow))
    }
}

/// A text that no other process of this number had or will have; `None` if there is no such process, or only its
/// remains that somebody still has a handle to.
pub(crate) fn identity(pid: u32) -> Option<String> {
    /// Closes the handle on every way out.
    struct Process(HANDLE);
    impl Drop for Process {
        fn drop(&mut self) {
            // SAFETY: a handle of ours that nobody else closes.
            unsafe { CloseHandle(self.0) };
        }
    }
    // SAFETY: the calls get a handle that is open until the end of the function, and plain data to fill.
    unsafe {
        let handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if handle.is_null() {
            return None;
        }
        let process = Process(handle);
        let mut code = 0;
        if GetExitCodeProcess(process.0, &raw mut code) != 0 && code != STILL_ACTIVE.cast_unsigned() {
            return None;
        }
        let (mut made, mut ended, mut kernel, mut user): (FILETIME, FILETIME, FILETIME, FILETIME) = zeroed();
        if GetProcessTimes(process.0, &raw mut made, &raw mut ended, &raw mut kernel, &raw mut user) == 0 {
            return Some("unknown".to_owned());
        }
        Some(format!("{:x}{:08x}", made.dwHighDateTime, made.dwLowDateTime))
    }
}

/// What else a lack of memory is called: `ERROR_NO_SYSTEM_RESOURCES`, `ERROR_COMMITMENT_LIMIT`.
const NO_MEMORY: [i32; 2] = [1450, 1455];

/// Whether the system refused for want of memory.
pub(crate) fn is_no_memory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory || error.raw_os_error().is_some_and(|code| NO_MEMORY.contains(&code))
}

/// Whether the other end of stdin was closed, waiting at most this long for it.
pub(crate) fn lifeline_is_cut(wait: Duration) -> bool {
    std::thread::sleep(wait);
    // SAFETY: nothing is read, so there is no place to be given; a handle that is none makes the call fail.
    unsafe {
        let stdin = GetStdHandle(STD_INPUT_HANDLE);
        let none = std::ptr::null_mut();
        PeekNamedPipe(stdin, none, 0, none.cast(), none.cast(), none.cast()) == 0
    }
}
