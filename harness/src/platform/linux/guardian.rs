#![allow(unsafe_code)]
//! The process between harness and spawner: it only waits, and cleans up if the spawner is killed.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::super::unix::{errno, reset_dispositions};
use super::cage::privileges::{CAP_KILL, forget_variables, keep as keep_capabilities};
use super::helper_tree::{Left, kill_all, reap};
use super::shared::{Control, Stack, stack_top};
use super::shrink::shrink;
use super::spawner::spawner_main;
use super::wire::{Reply, ReplyKind, send};

/// How long stragglers of a dead spawner may take to die, in milliseconds.
const PATIENCE: i64 = 2000;

/// Entry of the guardian. Never returns.
pub(super) extern "C" fn guardian_main(control: *mut c_void) -> c_int {
    let control: *mut Control = control.cast();
    // SAFETY: this is a fresh copy of the harness with all signals blocked, on a stack of its own in the shared
    // memory; from here on only this code runs in it.
    unsafe {
        reset_dispositions();
        libc::setsid();
        libc::prctl(libc::PR_SET_NAME, c"hookproof-guard".as_ptr());
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        // No hook of this harness leaves a core file.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        let socket = (*control).socket;
        keep_only(socket);
        // Who shares the user must not read in a copy of the harness what the harness was told. The kernel shows files of
        // its own only to whom it may show memory.
        forget_variables();
        libc::prctl(libc::PR_SET_DUMPABLE, 1);
        shrink();
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        (*control).guardian = libc::getpid();
        let top = stack_top(control, Stack::Spawner);
        let spawner = libc::clone(spawner_main, top, libc::SIGCHLD, control.cast());
        if spawner < 0 {
            let _ = send(socket, &Reply::new(ReplyKind::Unfit, errno()), &[]);
            libc::_exit(1);
        }
        keep_capabilities(CAP_KILL, false);
        // The spawner holds the only other end of the harness's socket now, so that its death is seen there.
        keep_only(-1);
        guard(control, spawner);
        libc::_exit(0)
    }
}

/// Waits until the spawner has ended, then kills what it has left behind. A spawner that somebody stops is woken.
///
/// # Safety
///
/// Only in the guardian.
unsafe fn guard(control: *mut Control, spawner: c_int) {
    // SAFETY: system calls with plain numbers.
    unsafe {
        loop {
            let mut status = 0;
            let pid = libc::waitpid(-1, &raw mut status, libc::WUNTRACED | libc::__WALL);
            if pid == spawner && libc::WIFSTOPPED(status) {
                libc::kill(spawner, libc::SIGCONT);
            } else if pid == spawner || (pid < 0 && errno() != libc::EINTR) {
                break;
            }
        }
        if reap(&mut |_| {}) != Left::Nobody {
            kill_all(control, PATIENCE, |_| {});
        }
    }
}

/// Closes every descriptor but one, and fills 0, 1 and 2 with copies of it, so that descriptors that arrive later are
/// above them. With -1, closes all.
///
/// # Safety
///
/// Only in a helper process.
unsafe fn keep_only(socket: c_int) {
    // SAFETY: descriptors of this process, which nobody else uses.
    unsafe {
        if socket >= 0 {
            for fd in 0..3 {
                libc::dup2(socket, fd);
            }
            close_range(3, socket - 1);
        } else {
            close_range(0, 2);
        }
        close_range(socket.max(2) + 1, c_int::MAX);
    }
}

/// # Safety
///
/// Only in a helper process.
unsafe fn close_range(first: c_int, last: c_int) {
    if first > last {
        return;
    }
    // SAFETY: as `keep_only`.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) == 0 {
            return;
        }
        // Before Linux 5.9.
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let limit = c_int::try_from(limit.rlim_cur).unwrap_or(c_int::MAX);
        for fd in first..=last.min(limit) {
            libc::close(fd);
        }
    }
}

/// Blocks every signal in the calling thread and returns what was blocked before.
pub(super) fn block_signals() -> libc::sigset_t {
    // SAFETY: both sets are plain data that the calls fill.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        before
    }
}

/// Undoes [`block_signals`].
pub(super) fn restore_signals(before: &libc::sigset_t) {
    // SAFETY: a set that `block_signals` has filled.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
}
