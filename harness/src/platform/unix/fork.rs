#![allow(unsafe_code)]
//! Starting a program by fork, as every Unix can.

use std::ffi::{CString, c_char, c_int};
use std::os::fd::RawFd;
use std::{mem, ptr};

use super::child::{
    ChildPlan, ChildReport, ChildStreams, FailedStep, become_program, errno, prepare, reset_dispositions,
};
use super::program::Program;

/// Descriptors above this are not looked for where the system cannot close a range. macOS allows 10,240 by default.
#[cfg(not(target_os = "linux"))]
const MOST_DESCRIPTORS: libc::rlim_t = 1 << 20;

/// Pointers to strings, ended by a null pointer.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

/// Forks a child that becomes the program. The child writes to `failure` what it was answered about its limits, a
/// [`ChildReport`], and then, if it cannot become the program, the step and the error as two numbers.
/// `cage` has the descriptors for its cage.
pub(crate) fn fork_program(
    program: &Program,
    streams: ChildStreams,
    cage: &[RawFd],
    failure: RawFd,
) -> Result<libc::pid_t, c_int> {
    let candidates = pointers(&program.candidates);
    let arguments = pointers(&program.arguments);
    let variables = pointers(&program.variables);
    let (limits, limit_count) = program.limits();
    let mut child_cage = program.cage.for_child(program.cage.filter().as_ptr());
    child_cage.take(cage);
    let plan = ChildPlan {
        candidates: candidates.as_ptr(),
        arguments: arguments.as_ptr(),
        variables: variables.as_ptr(),
        directory: program.directory.as_ref().map_or(ptr::null(), |d| d.as_ptr()),
        group: program.group.as_ref().map_or(ptr::null(), |g| g.as_ptr()),
        limits,
        limit_count,
        traced: false,
        cage: child_cage,
    };
    // SAFETY: all signals are blocked around the fork, so that no handler of the host runs in the child; the child
    // calls nothing but async-signal-safe functions; the plan points into vectors that live until after the fork.
    unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        let mut before: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let pid = libc::fork();
        if pid == 0 {
            reset_dispositions();
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
            close_all_on_exec();
            let mut report = ChildReport::default();
            let prepared = prepare(&plan, streams, &raw mut report);
            libc::write(failure, (&raw const report).cast(), mem::size_of_val(&report));
            let (step, errno) = match prepared {
                Ok(()) => (FailedStep::Execute, become_program(&plan)),
                Err(failed) => failed,
            };
            let answer = [step as c_int, errno];
            libc::write(failure, answer.as_ptr().cast(), mem::size_of_val(&answer));
            libc::_exit(127);
        }
        let errno = errno();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        if pid < 0 { Err(errno) } else { Ok(pid) }
    }
}

/// Lets no descriptor above 2 through to the program.
///
/// # Safety
///
/// Only in a child, between fork and exec.
#[cfg(target_os = "linux")]
unsafe fn close_all_on_exec() {
    const CLOSE_RANGE_CLOEXEC: c_int = 4;
    // SAFETY: system calls on descriptors of this child only.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3, u32::MAX, CLOSE_RANGE_CLOEXEC) == 0 {
            return;
        }
        // Before Linux 5.11.
        let mut limit: libc::rlimit = mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        for fd in 3..c_int::try_from(limit.rlim_cur).unwrap_or(c_int::MAX) {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Lets no descriptor above 2 through to the program.
///
/// # Safety
///
/// Only in a child, between fork and exec.
#[cfg(not(target_os = "linux"))]
unsafe fn close_all_on_exec() {
    // SAFETY: system calls on descriptors of this child only.
    unsafe {
        let mut limit: libc::rlimit = mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        for fd in 3..c_int::try_from(limit.rlim_cur.min(MOST_DESCRIPTORS)).unwrap_or(c_int::MAX) {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}
