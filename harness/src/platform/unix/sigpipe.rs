#![allow(unsafe_code)]
//! Writing to a pipe that nobody reads must never end the harness.
//!
//! Rust programs ignore `SIGPIPE` from their start, but a library cannot know whether its host has changed that.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Calls `write` such that a `SIGPIPE` it raises does no harm and is not left behind.
pub(crate) fn harmless(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    if is_ignored() {
        return write();
    }
    let mut only_pipe = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that the other two calls read; `before` is only written.
    let blocked_before = unsafe {
        libc::sigemptyset(only_pipe.as_mut_ptr());
        libc::sigaddset(only_pipe.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, only_pipe.as_ptr(), before.as_mut_ptr());
        libc::sigismember(before.as_ptr(), libc::SIGPIPE) == 1
    };
    let result = write();
    let raised = matches!(&result, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
    // SAFETY: both sets were initialised above. A SIGPIPE of a write is sent to the writing thread, where it is
    // blocked and therefore pending, so that sigwait takes it without waiting.
    unsafe {
        if raised && !blocked_before && is_pending() {
            let mut signal = 0;
            libc::sigwait(only_pipe.as_ptr(), &raw mut signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
    }
    result
}

fn is_ignored() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the current one.
    unsafe {
        libc::sigaction(libc::SIGPIPE, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

fn is_pending() -> bool {
    let mut pending = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigpending writes the set that sigismember reads.
    unsafe { libc::sigpending(pending.as_mut_ptr()) == 0 && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_host_with_the_default_disposition_survives_a_broken_pipe() {
        // In a process of its own kind: the disposition belongs to the whole process, so other tests see it for a
        // moment, which does them no harm as long as nobody else writes to a broken pipe without this guard.
        let (reader, mut writer) = io::pipe().expect("a pipe");
        drop(reader);
        // SAFETY: sets a disposition without a handler.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let result = harmless(|| writer.write(b"x"));
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGPIPE, before) };
        assert_eq!(result.expect_err("nobody reads").kind(), io::ErrorKind::BrokenPipe);
    }
}
