#![allow(unsafe_code)]
//! The child between its creation by the spawner and its exec, and how the spawner sees that exec.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::super::unix::{FailedStep, become_program, prepare};
use super::shared::{Control, watch_area};
use super::trace::{Gate, WatchArea};

/// Entry of the child. It shares the spawner's memory until it executes, unless it is watched.
pub(super) extern "C" fn child_main(control: *mut c_void) -> c_int {
    let control: *mut Control = control.cast();
    // SAFETY: see `Spawner::start`. Dispositions are all default since the guardian started.
    unsafe {
        let plan = &(*control).plan;
        let gate = if (*control).watched != 0 { Gate::wait(watch_area(control)) } else { Gate::Free };
        let (step, errno) = match prepare(plan, (*control).streams, &raw mut (*control).report) {
            Ok(()) => {
                // The parent's own thread becomes the tracer, until the exec has happened.
                if gate == Gate::Traced {
                    WatchArea::install_filters(watch_area(control));
                } else if plan.traced && libc::ptrace(libc::PTRACE_TRACEME) == 0 {
                    ptr::write_volatile(&raw mut (*control).report.traced, 1);
                }
                (FailedStep::Execute, become_program(plan))
            }
            Err(failed) => failed,
        };
        ptr::write_volatile(&raw mut (*control).failed_errno, errno);
        ptr::write_volatile(&raw mut (*control).failed_step, step as i32);
        libc::_exit(127)
    }
}

/// Lets a traced program run when it has been executed: the kernel stops it by SIGTRAP before its first instruction.
/// Before the exec any other signal stops it, too, and is passed on. After that it is not traced.
///
/// # Safety
///
/// `pid` is a tracee of this process that has stopped with this status.
pub(super) unsafe fn see_exec(pid: c_int, status: c_int, executed: &mut i32) {
    let none = ptr::null_mut::<c_void>();
    let signal = libc::WSTOPSIG(status);
    // SAFETY: by the contract.
    unsafe {
        if signal == libc::SIGTRAP {
            *executed = 1;
            libc::ptrace(libc::PTRACE_DETACH, pid, none, none);
        } else {
            libc::ptrace(libc::PTRACE_CONT, pid, none, ptr::without_provenance_mut::<c_void>(signal as usize));
        }
    }
}
