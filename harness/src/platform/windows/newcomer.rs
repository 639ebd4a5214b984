#![allow(unsafe_code)]
//! What a process that was just created says of itself.

use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::time::{Duration, Instant};
use std::{mem, ptr, thread};

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, PROCESSINFOCLASS};
use windows_sys::Win32::Foundation::{HANDLE, STATUS_INVALID_INFO_CLASS, STILL_ACTIVE, UNICODE_STRING};
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, OpenProcess, PEB, PROCESS_BASIC_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SUSPEND_RESUME, PROCESS_TERMINATE, PROCESS_VM_READ,
};

use super::job::name_of;

/// How long a new process may take until its command line can be read.
const READABLE_WITHIN: Duration = Duration::from_millis(250);

/// Path and command line of a process that may just be on its way into the world: it is told of before it has them.
pub(super) fn read_soon(pid: u32, process: HANDLE) -> (String, Option<String>) {
    let begin = Instant::now();
    loop {
        let (image, line) = (name_of(pid), command_line(process));
        let complete = !image.is_empty() && !matches!(line, Line::NotYet);
        let gone = exit_code(process).is_some_and(|code| code != STILL_ACTIVE.cast_unsigned());
        if complete || gone || begin.elapsed() > READABLE_WITHIN {
            return (image, if let Line::Told(line) = line { Some(line) } else { None });
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// A process that can be asked, held and ended.
pub(super) fn open(pid: u32) -> Option<OwnedHandle> {
    let rights = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE | PROCESS_SUSPEND_RESUME | PROCESS_VM_READ;
    // SAFETY: the handle is checked and ours.
    unsafe {
        let process = OpenProcess(rights, 0, pid);
        (!process.is_null()).then(|| OwnedHandle::from_raw_handle(process))
    }
}

/// The exit code; `STILL_ACTIVE` of one that runs.
pub(super) fn exit_code(process: HANDLE) -> Option<u32> {
    let mut code = 0;
    // SAFETY: a handle of ours; the call writes a number.
    (unsafe { GetExitCodeProcess(process, &raw mut code) } != 0).then_some(code)
}

/// What a system says of a process's command line.
enum Line {
    Told(String),
    /// It may in a moment.
    NotYet,
    /// It does not know the question.
    Never,
}

/// The command line as the process was given it (`ProcessCommandLineInformation`, since Windows 8.1).
fn command_line(process: HANDLE) -> Line {
    const COMMAND_LINE: PROCESSINFOCLASS = 60;
    // Of pointer-sized words, because a structure with a pointer comes first. A text has at most 64 KiB.
    let mut room = vec![0_usize; (mem::size_of::<UNICODE_STRING>() + 0x1_0000).div_ceil(mem::size_of::<usize>())];
    let size = mem::size_of_val(room.as_slice()) as u32;
    let mut filled = 0;
    // SAFETY: the room has that size; the system puts the structure in front and the text behind it.
    unsafe {
        let place = room.as_mut_ptr().cast();
        match NtQueryInformationProcess(process, COMMAND_LINE, place, size, &raw mut filled) {
            STATUS_INVALID_INFO_CLASS => return Line::Never,
            ..0 => return Line::NotYet,
            0.. => {}
        }
        let text = &*place.cast::<UNICODE_STRING>();
        if text.Buffer.is_null() {
            return Line::NotYet;
        }
        let units = std::slice::from_raw_parts(text.Buffer, usize::from(text.Length) / 2);
        Line::Told(String::from_utf16_lossy(units))
    }
}

fn basic(process: HANDLE) -> Option<PROCESS_BASIC_INFORMATION> {
    const BASIC: PROCESSINFOCLASS = 0;
    let mut told = PROCESS_BASIC_INFORMATION::default();
    let size = mem::size_of_val(&told) as u32;
    let mut filled = 0;
    // SAFETY: a handle of ours; the room has that size, and holds plain numbers and pointers that are not followed.
    let answer = unsafe { NtQueryInformationProcess(process, BASIC, (&raw mut told).cast(), size, &raw mut filled) };
    (answer >= 0).then_some(told)
}

/// The process that created it.
pub(super) fn parent_of(process: HANDLE) -> Option<u32> {
    basic(process).map(|told| told.InheritedFromUniqueProcessId as u32)
}

/// Whether a process has begun to run: it has made the list of what it has loaded, which is the first thing that it does.
///
/// A job tells of a process while it is being created. Whoever is ended before that is over was not started at all, in
/// the eyes of who starts it.
pub(super) fn runs(process: HANDLE) -> bool {
    let Some(told) = basic(process).filter(|told| !told.PebBaseAddress.is_null()) else {
        return false;
    };
    let place = told.PebBaseAddress.wrapping_byte_add(mem::offset_of!(PEB, Ldr));
    let mut list: *mut std::ffi::c_void = ptr::null_mut();
    let size = mem::size_of_val(&list);
    // SAFETY: the address is one of the other process, where the system reads it; the room here has that size.
    let read = unsafe { ReadProcessMemory(process, place.cast(), (&raw mut list).cast(), size, ptr::null_mut()) };
    read != 0 && !list.is_null()
}
