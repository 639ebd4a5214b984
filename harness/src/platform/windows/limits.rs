#![allow(unsafe_code)]
//! Keeping a program to its limits by its job object, and what the job tells of it.

use std::collections::VecDeque;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::IO::{CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED};
use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_LIMIT, JOB_OBJECT_LIMIT_ACTIVE_PROCESS, JOB_OBJECT_LIMIT_JOB_MEMORY, JOB_OBJECT_LIMIT_PROCESS_MEMORY,
    JOB_OBJECT_LIMIT_PROCESS_TIME, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
};
use windows_sys::Win32::System::SystemServices::{
    JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT, JOB_OBJECT_MSG_END_OF_PROCESS_TIME, JOB_OBJECT_MSG_JOB_MEMORY_LIMIT,
    JOB_OBJECT_MSG_PROCESS_MEMORY_LIMIT,
};

use super::job::Job;
use crate::error::HarnessError;
use crate::limits::{Limit, LimitProof, LimitReport, Limits};

/// Units of 100 ns in a second.
const TICKS: u64 = 10_000_000;

/// The limits of one job, and what it has said of them.
#[derive(Debug)]
pub(super) struct JobLimits {
    reports: Vec<LimitReport>,
    /// Where the job sends its messages, if there are limits and nobody else listens.
    port: Option<OwnedHandle>,
    /// What somebody else has heard of limits there.
    overheard: Option<Overheard>,
    /// The program, if it was ended for its CPU time.
    out_of_time: Option<u32>,
}

impl JobLimits {
    /// Sets the limits of a job that nobody is in yet.
    ///
    /// A job sends its messages to one place only: if somebody else listens there, what concerns limits is overheard.
    pub(super) fn set(job: &Job, limits: &Limits, overheard: Option<Overheard>) -> Result<Self, HarnessError> {
        let mut this = JobLimits { reports: Vec::new(), port: None, overheard, out_of_time: None };
        if limits.is_empty() {
            return Ok(this);
        }
        if this.overheard.is_none() {
            this.port = Some(messages_of(job)?);
        }
        this.reports = limits.iter().map(|(limit, value)| set_one(job, limit, value)).collect();
        Ok(this)
    }

    /// Takes in what the job has said so far.
    fn listen(&mut self) {
        loop {
            let next = match (&self.port, &self.overheard) {
                (Some(port), _) => next_message(port.as_raw_handle(), 0),
                (None, Some(list)) => list.lock().unwrap_or_else(PoisonError::into_inner).pop_front(),
                (None, None) => None,
            };
            let Some(Message { kind: message, process, .. }) = next else {
                return;
            };
            let limit = match message {
                JOB_OBJECT_MSG_END_OF_PROCESS_TIME => Limit::Cpu,
                JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT => Limit::Processes,
                JOB_OBJECT_MSG_PROCESS_MEMORY_LIMIT => Limit::Data,
                JOB_OBJECT_MSG_JOB_MEMORY_LIMIT => Limit::Memory,
                _ => continue,
            };
            if limit == Limit::Cpu {
                self.out_of_time = Some(process);
            }
            if let Some(report) = self.reports.iter_mut().find(|report| report.limit == limit) {
                report.proof = Some(LimitProof::JobNotification { message });
            }
        }
    }

    /// Whether the system ended this process for a limit. A lack of memory only lets allocations fail.
    pub(super) fn hit(&mut self, pid: u32) -> Option<(Limit, LimitProof)> {
        self.listen();
        let ended = self.out_of_time == Some(pid);
        let proof = LimitProof::JobNotification { message: JOB_OBJECT_MSG_END_OF_PROCESS_TIME };
        ended.then_some((Limit::Cpu, proof))
    }

    /// What became of each limit.
    pub(super) fn reports(&mut self) -> Vec<LimitReport> {
        self.listen();
        self.reports.clone()
    }
}

/// What a job says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    /// A `JOB_OBJECT_MSG_*` constant.
    pub(super) kind: u32,
    /// The process that it is about.
    pub(super) process: u32,
    /// 0 from the job itself.
    pub(super) key: usize,
}

/// Messages that were heard for somebody else.
pub(super) type Overheard = Arc<Mutex<VecDeque<Message>>>;

/// A port to which a job sends its messages from now on.
pub(super) fn messages_of(job: &Job) -> Result<OwnedHandle, HarnessError> {
    let port = completion_port()?;
    job.send_messages_to(port.as_raw_handle()).map_err(HarnessError::system("listen to the job object"))?;
    Ok(port)
}

/// Waits for the next message, at most so many milliseconds.
pub(super) fn next_message(port: HANDLE, milliseconds: u32) -> Option<Message> {
    let (mut kind, mut key, mut process) = (0_u32, 0_usize, ptr::null_mut::<OVERLAPPED>());
    // SAFETY: our own port; the call fills three plain values.
    let there = unsafe { GetQueuedCompletionStatus(port, &raw mut kind, &raw mut key, &raw mut process, milliseconds) };
    // Where a pointer would be, the job sends the id of the process.
    (there != 0).then(|| Message { kind, process: process.addr() as u32, key })
}

fn completion_port() -> Result<OwnedHandle, HarnessError> {
    // SAFETY: creates a port without a file; the handle is owned by nobody else.
    unsafe {
        let port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 1);
        if port.is_null() {
            let source = io::Error::last_os_error();
            return Err(HarnessError::System { doing: "create a completion port", source });
        }
        Ok(OwnedHandle::from_raw_handle(port))
    }
}

/// Adds one limit to those that the job has, and looks whether the system has taken it: not every system that offers
/// job objects knows all of their limits.
fn set_one(job: &Job, limit: Limit, value: u64) -> LimitReport {
    let (flag, mechanism) = match limit {
        Limit::Data => (JOB_OBJECT_LIMIT_PROCESS_MEMORY, "job object, committed memory of each process"),
        Limit::Memory => (JOB_OBJECT_LIMIT_JOB_MEMORY, "job object, committed memory of all processes together"),
        Limit::Cpu => (JOB_OBJECT_LIMIT_PROCESS_TIME, "job object, user time of each process"),
        Limit::Processes => (JOB_OBJECT_LIMIT_ACTIVE_PROCESS, "job object, processes of the run"),
        Limit::AddressSpace => {
            return LimitReport::not_enforced(limit, value, "this system limits committed memory, not address space");
        }
        Limit::Stack => {
            return LimitReport::not_enforced(
                limit,
                value,
                "here the size of a stack stands in the program's own file",
            );
        }
        Limit::OpenFiles | Limit::FileSize => {
            return LimitReport::not_enforced(limit, value, "this system knows no such limit");
        }
    };
    let Some(before) = job.extended() else {
        return LimitReport::not_enforced(limit, value, "the job object does not tell its limits");
    };
    let mut wanted = before;
    wanted.BasicLimitInformation.LimitFlags |= flag;
    write_value(&mut wanted, flag, value);
    if let Err(error) = job.set_extended(&wanted) {
        return LimitReport::not_enforced(limit, value, format!("the job object refused it: {error}"));
    }
    match job.extended() {
        Some(now) if now.BasicLimitInformation.LimitFlags & flag != 0 => LimitReport::enforced(limit, value, mechanism),
        _ => LimitReport::not_enforced(limit, value, "the job object took it without keeping it"),
    }
}

fn write_value(wanted: &mut JOBOBJECT_EXTENDED_LIMIT_INFORMATION, flag: JOB_OBJECT_LIMIT, value: u64) {
    let size = usize::try_from(value).unwrap_or(usize::MAX);
    match flag {
        JOB_OBJECT_LIMIT_PROCESS_MEMORY => wanted.ProcessMemoryLimit = size,
        JOB_OBJECT_LIMIT_JOB_MEMORY => wanted.JobMemoryLimit = size,
        JOB_OBJECT_LIMIT_PROCESS_TIME => {
            wanted.BasicLimitInformation.PerProcessUserTimeLimit =
                i64::try_from(value.saturating_mul(TICKS)).unwrap_or(i64::MAX);
        }
        JOB_OBJECT_LIMIT_ACTIVE_PROCESS => {
            wanted.BasicLimitInformation.ActiveProcessLimit = u32::try_from(value).unwrap_or(u32::MAX);
        }
        _ => {}
    }
}
