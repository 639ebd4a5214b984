#![allow(unsafe_code)]
//! Creates a process inside a job before its first instruction.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::Duration;
use std::{mem, ptr};

use windows_sys::Win32::Foundation::{ERROR_DIRECTORY, FILETIME, HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, GetExitCodeProcess, GetProcessTimes, InitializeProcThreadAttributeList,
    LPPROC_THREAD_ATTRIBUTE_LIST, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROCESS_INFORMATION, ResumeThread,
    STARTF_USESTDHANDLES, STARTUPINFOEXW, TerminateProcess, UpdateProcThreadAttribute, WaitForSingleObject,
};

use super::command_line::Program;
use super::job::{Job, KILL_CODE, ticks};
use crate::error::HarnessError;
use crate::observation::StartError;
use crate::platform::StartFailure;

/// The child's ends of its streams. Only these are inherited.
#[derive(Debug)]
pub(super) struct ChildEnds {
    pub(super) stdin: Option<OwnedHandle>,
    pub(super) stdout: OwnedHandle,
    pub(super) stderr: OwnedHandle,
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct Process {
    handle: OwnedHandle,
    pub(super) pid: u32,
}

/// A list of attributes with one entry: the handles that are inherited.
struct HandleList {
    // Of pointer-sized words, because the list must be aligned.
    memory: Vec<usize>,
}

impl HandleList {
    fn new(handles: &[HANDLE]) -> io::Result<Self> {
        let mut size = 0;
        // SAFETY: the first call only says how many bytes are needed; the second gets that many; the handles outlive
        // the list (both live in `Process::create`).
        unsafe {
            InitializeProcThreadAttributeList(ptr::null_mut(), 1, 0, &raw mut size);
            let mut memory = vec![0_usize; size.div_ceil(mem::size_of::<usize>())];
            if InitializeProcThreadAttributeList(memory.as_mut_ptr().cast(), 1, 0, &raw mut size) == 0 {
                return Err(io::Error::last_os_error());
            }
            let mut list = HandleList { memory };
            let set = UpdateProcThreadAttribute(
                list.raw(),
                0,
                PROC_THREAD_ATTRIBUTE_HANDLE_LIST as usize,
                handles.as_ptr().cast(),
                mem::size_of_val(handles),
                ptr::null_mut(),
                ptr::null(),
            );
            if set == 0 { Err(io::Error::last_os_error()) } else { Ok(list) }
        }
    }

    fn raw(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.memory.as_mut_ptr().cast()
    }
}

impl Drop for HandleList {
    fn drop(&mut self) {
        // SAFETY: was initialised by `new`.
        unsafe { DeleteProcThreadAttributeList(self.raw()) };
    }
}

impl Process {
    /// Creates the process suspended, puts it into the job and lets it run. It has no console window, and none of our
    /// console's events reach it.
    pub(super) fn create(program: &mut Program, ends: &ChildEnds, job: &Job) -> Result<Self, StartFailure> {
        let raw = |handle: &OwnedHandle| handle.as_raw_handle();
        let stdin = ends.stdin.as_ref().map_or(ptr::null_mut(), raw);
        let mut inherited = vec![raw(&ends.stdout), raw(&ends.stderr)];
        inherited.extend(ends.stdin.as_ref().map(raw));
        let mut list =
            HandleList::new(&inherited).map_err(HarnessError::system("choose the handles to be inherited"))?;
        let mut startup = STARTUPINFOEXW::default();
        startup.StartupInfo.cb = mem::size_of::<STARTUPINFOEXW>() as u32;
        startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
        startup.StartupInfo.hStdInput = stdin;
        startup.StartupInfo.hStdOutput = raw(&ends.stdout);
        startup.StartupInfo.hStdError = raw(&ends.stderr);
        startup.lpAttributeList = list.raw();
        let flags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT;
        let mut information = PROCESS_INFORMATION::default();
        // SAFETY: every text ends in NUL and lives through the call; the line is ours to be written to; the
        // structure is the extended one, as the flag says.
        let created = unsafe {
            CreateProcessW(
                program.application.as_ptr(),
                program.line.as_mut_ptr(),
                ptr::null(),
                ptr::null(),
                1,
                flags,
                program.variables.as_ptr().cast(),
                program.directory.as_ref().map_or(ptr::null(), Vec::as_ptr),
                (&raw const startup).cast(),
                &raw mut information,
            )
        };
        if created == 0 {
            return Err(StartFailure::NotStarted(start_error(&io::Error::last_os_error(), program)));
        }
        // SAFETY: both handles are ours now.
        let (process, thread) = unsafe {
            (OwnedHandle::from_raw_handle(information.hProcess), OwnedHandle::from_raw_handle(information.hThread))
        };
        if let Err(source) = job.assign(process.as_raw_handle()) {
            // SAFETY: our own process, which has not run yet.
            unsafe { TerminateProcess(process.as_raw_handle(), KILL_CODE) };
            return Err(HarnessError::System { doing: "put the process into its job", source }.into());
        }
        // SAFETY: our own thread.
        unsafe { ResumeThread(thread.as_raw_handle()) };
        Ok(Process { handle: process, pid: information.dwProcessId })
    }

    pub(super) fn handle(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    /// The exit code, if the process has ended. The code alone would not tell: 259 means both.
    pub(super) fn exit_code(&self) -> Option<u32> {
        let mut code = 0;
        // SAFETY: our own process.
        unsafe {
            let ended = WaitForSingleObject(self.handle(), 0) == WAIT_OBJECT_0;
            (ended && GetExitCodeProcess(self.handle(), &raw mut code) != 0).then_some(code)
        }
    }

    /// User and system time of this process alone.
    pub(super) fn times(&self) -> (Duration, Duration) {
        let duration = |t: FILETIME| ticks(i64::from(t.dwHighDateTime) << 32 | i64::from(t.dwLowDateTime));
        let mut times = [FILETIME::default(); 4];
        let [created, exited, system, user] = &mut times;
        // SAFETY: our own process; the call fills four structures of plain numbers.
        unsafe { GetProcessTimes(self.handle(), created, exited, system, user) };
        (duration(times[3]), duration(times[2]))
    }

    /// Peak working set of this process alone, in bytes; 0 if the system does not say.
    pub(super) fn peak_working_set(&self) -> u64 {
        let mut counters = PROCESS_MEMORY_COUNTERS::default();
        let size = mem::size_of_val(&counters) as u32;
        // SAFETY: our own process; the size is the structure's.
        unsafe { K32GetProcessMemoryInfo(self.handle(), &raw mut counters, size) };
        counters.PeakWorkingSetSize as u64
    }
}

fn start_error(error: &io::Error, program: &Program) -> StartError {
    let code = error.raw_os_error();
    let directory_is_wrong = code.is_some_and(|c| c.cast_unsigned() == ERROR_DIRECTORY);
    let step = if directory_is_wrong { "change directory" } else { "execute" };
    StartError { os_error: code, step: step.into(), message: format!("`{}`: {error}", program.path.display()) }
}
