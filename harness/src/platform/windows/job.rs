#![allow(unsafe_code)]
//! A job object: all processes of one run, whatever they do.

use std::io;
use std::mem;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_ASSOCIATE_COMPLETION_PORT, JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECTINFOCLASS, JobObjectAssociateCompletionPortInformation,
    JobObjectBasicAccountingInformation, JobObjectBasicProcessIdList, JobObjectExtendedLimitInformation,
    QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

use crate::error::HarnessError;

/// The exit code of whoever we terminate, so that it cannot be taken for the program's own. Customer bit set, as
/// NTSTATUS wants it of codes that are not Microsoft's.
pub(super) const KILL_CODE: u32 = 0xE048_4B01;
/// Processes that are named at most.
const MOST_LISTED: usize = 1024;

/// The job.
#[derive(Debug)]
pub(super) struct Job {
    handle: OwnedHandle,
}

/// What the job has used in all, zeros where the system does not count.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_user: Duration,
    pub(super) cpu_system: Duration,
    /// Bytes committed by the largest process.
    pub(super) peak_memory: u64,
}

impl Job {
    /// A job that ends with its handle, which only this process has, and that nobody may leave (breaking away is not
    /// allowed unless a job says so). Crashes end the process instead of showing a dialogue.
    pub(super) fn new() -> Result<Self, HarnessError> {
        let failed = || HarnessError::System { doing: "create a job object", source: io::Error::last_os_error() };
        // SAFETY: creates a nameless job; the structure is plain numbers of the size that is passed.
        unsafe {
            let handle = CreateJobObjectW(ptr::null(), ptr::null());
            if handle.is_null() {
                return Err(failed());
            }
            let job = Job { handle: OwnedHandle::from_raw_handle(handle) };
            let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
            limits.BasicLimitInformation.LimitFlags =
                JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
            job.set_extended(&limits).map_err(HarnessError::system("create a job object"))?;
            Ok(job)
        }
    }

    /// Sets something of the job.
    fn set<T>(&self, class: JOBOBJECTINFOCLASS, information: &T) -> io::Result<()> {
        // SAFETY: class and structure belong together (the callers below), and the size is the structure's.
        let set = unsafe {
            let size = mem::size_of::<T>() as u32;
            SetInformationJobObject(self.raw(), class, ptr::from_ref(information).cast(), size)
        };
        if set == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Replaces all limits.
    pub(super) fn set_extended(&self, limits: &JOBOBJECT_EXTENDED_LIMIT_INFORMATION) -> io::Result<()> {
        self.set(JobObjectExtendedLimitInformation, limits)
    }

    /// All limits, as the system has them.
    pub(super) fn extended(&self) -> Option<JOBOBJECT_EXTENDED_LIMIT_INFORMATION> {
        self.query(JobObjectExtendedLimitInformation)
    }

    /// Lets the job send its messages to a completion port, which must live as long as the job.
    pub(super) fn send_messages_to(&self, port: HANDLE) -> io::Result<()> {
        let association = JOBOBJECT_ASSOCIATE_COMPLETION_PORT { CompletionKey: ptr::null_mut(), CompletionPort: port };
        self.set(JobObjectAssociateCompletionPortInformation, &association)
    }

    fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    /// Puts a process that has not run yet into the job.
    pub(super) fn assign(&self, process: HANDLE) -> io::Result<()> {
        // SAFETY: two handles of ours.
        if unsafe { AssignProcessToJobObject(self.raw(), process) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Ends every process of the job.
    pub(super) fn terminate(&self) {
        // SAFETY: our own job. Fails only if nothing is left to be ended.
        unsafe { TerminateJobObject(self.raw(), KILL_CODE) };
    }

    /// Fills a structure of plain numbers.
    fn query<T: Default>(&self, class: JOBOBJECTINFOCLASS) -> Option<T> {
        let mut information = T::default();
        // SAFETY: class and structure belong together (the callers below), and the size is the structure's.
        let filled = unsafe {
            let size = mem::size_of::<T>() as u32;
            QueryInformationJobObject(self.raw(), class, (&raw mut information).cast(), size, ptr::null_mut())
        };
        (filled != 0).then_some(information)
    }

    fn accounting(&self) -> JOBOBJECT_BASIC_ACCOUNTING_INFORMATION {
        self.query(JobObjectBasicAccountingInformation).unwrap_or_default()
    }

    /// How many processes of the job are alive.
    pub(super) fn active(&self) -> u32 {
        self.accounting().ActiveProcesses
    }

    /// How many processes the job has had, those that have ended among them; `None` if the system does not tell.
    pub(super) fn total(&self) -> Option<u64> {
        let accounting: JOBOBJECT_BASIC_ACCOUNTING_INFORMATION = self.query(JobObjectBasicAccountingInformation)?;
        Some(u64::from(accounting.TotalProcesses))
    }

    pub(super) fn usage(&self) -> Usage {
        let accounting = self.accounting();
        let limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION =
            self.query(JobObjectExtendedLimitInformation).unwrap_or_default();
        Usage {
            cpu_user: ticks(accounting.TotalUserTime),
            cpu_system: ticks(accounting.TotalKernelTime),
            peak_memory: limits.PeakProcessMemoryUsed as u64,
        }
    }

    /// The ids of the processes that are alive.
    pub(super) fn processes(&self) -> Vec<u32> {
        // Two 32-bit counters, then ids of the size of a pointer: JOBOBJECT_BASIC_PROCESS_ID_LIST with room for many.
        const HEADER: usize = 8 / mem::size_of::<usize>();
        let mut list = vec![0_usize; HEADER + MOST_LISTED];
        // SAFETY: the vector is aligned for the structure and the size is its own. With too many processes the call
        // fails but has filled what there is room for.
        let listed = unsafe {
            QueryInformationJobObject(
                self.raw(),
                JobObjectBasicProcessIdList,
                list.as_mut_ptr().cast(),
                u32::try_from(mem::size_of_val(list.as_slice())).unwrap_or(u32::MAX),
                ptr::null_mut(),
            );
            list.as_ptr().cast::<u32>().add(1).read() as usize
        };
        list[HEADER..].iter().take(listed.min(MOST_LISTED)).map(|id| *id as u32).collect()
    }
}

/// Windows counts CPU time in units of 100 ns.
pub(super) fn ticks(count: i64) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(0).saturating_mul(100))
}

/// The path of a process's program, empty if it cannot be read.
pub(super) fn name_of(pid: u32) -> String {
    // SAFETY: the handle is checked and closed; the buffer has the size that is passed.
    unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if process.is_null() {
            return String::new();
        }
        let mut buffer = [0_u16; 1024];
        let mut size = buffer.len() as u32;
        let found = QueryFullProcessImageNameW(process, PROCESS_NAME_WIN32, buffer.as_mut_ptr(), &raw mut size);
        CloseHandle(process);
        if found == 0 { String::new() } else { String::from_utf16_lossy(&buffer[..size as usize]) }
    }
}
