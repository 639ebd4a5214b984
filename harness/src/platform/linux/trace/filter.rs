#![allow(unsafe_code)]
//! Filters that let a tracee stop before some of its system calls.

use std::ffi::{c_int, c_ulong};

use super::super::super::unix::errno;

/// Loads a word of the call: its number, its architecture, or half an argument.
pub(super) const LOAD: u16 = 0x20;
pub(super) const JUMP_IF_EQUAL: u16 = 0x15;
/// Jumps if the word has any of these bits.
pub(super) const JUMP_IF_ANY: u16 = 0x45;
/// Leaves these bits of the word.
pub(super) const AND: u16 = 0x54;
pub(super) const RETURN: u16 = 0x06;

pub(super) const NUMBER_AT: u32 = 0;
pub(super) const ARCHITECTURE_AT: u32 = 4;
/// The lower halves of the first two arguments, on machines that have them in front.
pub(super) const FIRST_AT: u32 = 16;
pub(super) const SECOND_AT: u32 = 24;

/// Lets the call through.
pub(super) const ALLOW: u32 = 0x7FFF_0000;
/// Stops for the tracer, which is told the lower 16 bits.
pub(super) const TRACE: u32 = 0x7FF0_0000;

pub(super) const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// Installs a filter for the calling process and all that it starts. Returns whether the process had to give up the
/// privileges of set-user-id programs for it, or the error.
///
/// # Safety
///
/// Only in a child, between fork and exec, that is traced.
pub(super) unsafe fn install(steps: &'static [libc::sock_filter]) -> Result<bool, c_int> {
    const SET_MODE_FILTER: c_int = 1;
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_ptr().cast_mut() };
    // SAFETY: the program outlives the calls; the kernel only reads it.
    unsafe {
        let install = || libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const program);
        if install() == 0 {
            return Ok(false);
        }
        let (yes, none): (c_ulong, c_ulong) = (1, 0);
        if errno() != libc::EACCES || libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, none, none, none) < 0 {
            return Err(errno());
        }
        if install() == 0 { Ok(true) } else { Err(errno()) }
    }
}

/// Runs a filter as the kernel would, on a call with these two arguments.
#[cfg(test)]
pub(super) fn decide(steps: &[libc::sock_filter], architecture: u32, number: u32, [first, second]: [u32; 2]) -> u32 {
    let (mut at, mut word) = (0, 0);
    loop {
        let step = steps[at];
        at += 1;
        match (step.code, step.k) {
            (LOAD, NUMBER_AT) => word = number,
            (LOAD, ARCHITECTURE_AT) => word = architecture,
            (LOAD, FIRST_AT) => word = first,
            (LOAD, SECOND_AT) => word = second,
            (JUMP_IF_EQUAL, wanted) => at += usize::from(if word == wanted { step.jt } else { step.jf }),
            (JUMP_IF_ANY, bits) => at += usize::from(if word & bits != 0 { step.jt } else { step.jf }),
            (AND, bits) => word &= bits,
            (RETURN, answer) => return answer,
            other => panic!("no such step: {other:?}"),
        }
    }
}
