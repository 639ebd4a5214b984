#![allow(unsafe_code)]
//! What a fault does to a process of a job.
//!
//! A job tells of a process that runs already, so none of this happens before the first instruction.

use std::os::windows::io::{AsRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS, STATUS_ACCESS_VIOLATION, STATUS_STACK_BUFFER_OVERRUN};
use windows_sys::Win32::System::Threading::TerminateProcess;

use crate::watch::{FaultAction, FaultSignal};

/// The exit code of whoever a kill ends: like that of the harness's own terminations, but another.
const KILLED: u32 = 0xE048_4B02;

#[link(name = "ntdll")]
unsafe extern "system" {
    /// Stops all threads of a process. Not documented, and there since Windows XP; the documented way, thread by thread,
    /// misses those that begin meanwhile.
    fn NtSuspendProcess(process: HANDLE) -> NTSTATUS;
}

/// The exit code that a fault ends its target with.
///
/// # Errors
/// Why it cannot be put in here.
pub(super) fn code_of(action: &FaultAction) -> Result<u32, &'static str> {
    match action {
        FaultAction::Kill { signal, .. } | FaultAction::Hold { signal, .. } => match signal {
            FaultSignal::Kill => Ok(KILLED),
            // What the system leaves of a process that touches what is not there, and of one that gives itself up
            // (`abort` of the universal C runtime is a fast fail).
            FaultSignal::Segv => Ok(STATUS_ACCESS_VIOLATION.cast_unsigned()),
            FaultSignal::Abort => Ok(STATUS_STACK_BUFFER_OVERRUN.cast_unsigned()),
            FaultSignal::Term | FaultSignal::Int => Err("this system has no signals that ask a program to end"),
        },
        FaultAction::KillHook { .. } => Ok(KILLED),
        FaultAction::Exit => Ok(1),
        FaultAction::FailSaying { .. } => Err("this system does not let another program run in its place"),
        FaultAction::FailExec { .. } => Err("this system does not let a start be refused from outside"),
        FaultAction::Cap { .. } => Err("this system does not tell of a process before it runs"),
    }
}

/// Ends a process; `false` if it had ended before.
pub(super) fn end(process: &OwnedHandle, code: u32) -> bool {
    // SAFETY: a handle of ours that may terminate.
    unsafe { TerminateProcess(process.as_raw_handle(), code) != 0 }
}

/// Keeps a process from running; `false` if it cannot be kept.
pub(super) fn hold(process: &OwnedHandle) -> bool {
    // SAFETY: a handle of ours that may suspend.
    unsafe { NtSuspendProcess(process.as_raw_handle()) >= 0 }
}
