#![allow(unsafe_code)]
//! Calls of `execve` before they happen: the filter that stops for them, what they ask for, and how one is answered
//! without being made.

use std::ffi::c_int;

use super::call::{self, Call};
use super::filter::{self, ALLOW, ARCHITECTURE_AT, JUMP_IF_EQUAL, LOAD, NUMBER_AT, RETURN, TRACE, step};

/// Tells our filter's stops from those of somebody else's.
pub(super) const MARK: u64 = 0x4B48;

/// The calls of the family.
#[cfg(target_arch = "x86_64")]
const KINDS: &[Kind] = {
    const I386: u32 = 0x4000_0003;
    /// Calls of programs with pointers of 4 bytes in the native mode.
    const X32: u32 = 0x4000_0000;
    &[
        Kind { architecture: call::NATIVE, number: 59, at: false, wide: true },
        Kind { architecture: call::NATIVE, number: 322, at: true, wide: true },
        Kind { architecture: call::NATIVE, number: X32 | 520, at: false, wide: false },
        Kind { architecture: call::NATIVE, number: X32 | 545, at: true, wide: false },
        Kind { architecture: I386, number: 11, at: false, wide: false },
        Kind { architecture: I386, number: 358, at: true, wide: false },
    ]
};

/// The calls of the family. Programs of 32 bits are left alone: nobody has tried how their calls are answered.
#[cfg(target_arch = "aarch64")]
const KINDS: &[Kind] = &[
    Kind { architecture: call::NATIVE, number: 221, at: false, wide: true },
    Kind { architecture: call::NATIVE, number: 281, at: true, wide: true },
];

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const KINDS: &[Kind] = &[];

/// One call of the family.
#[derive(Debug, Clone, Copy)]
struct Kind {
    architecture: u32,
    number: u32,
    /// `execveat`.
    at: bool,
    /// Pointers of 8 bytes, else 4.
    wide: bool,
}

/// Instructions of the filter: four a call, and the two ends.
const FILTER: usize = KINDS.len() * 4 + 2;

/// The filter as the kernel runs it before every system call: stop for a call of the family, else let it through.
const fn filter() -> [libc::sock_filter; FILTER] {
    let mut filter = [step(RETURN, 0, 0, ALLOW); FILTER];
    let mut index = 0;
    while index < KINDS.len() {
        let kind = KINDS[index];
        let at = index * 4;
        // From behind the comparison to the last instruction.
        let to_stop = (FILTER - 1 - (at + 4)) as u8;
        filter[at] = step(LOAD, 0, 0, ARCHITECTURE_AT);
        filter[at + 1] = step(JUMP_IF_EQUAL, 0, 2, kind.architecture);
        filter[at + 2] = step(LOAD, 0, 0, NUMBER_AT);
        filter[at + 3] = step(JUMP_IF_EQUAL, to_stop, 0, kind.number);
        index += 1;
    }
    filter[FILTER - 1] = step(RETURN, 0, 0, TRACE | MARK as u32);
    filter
}

/// Lets the calling process and all that it starts stop for its tracer before every exec. Returns whether it had to
/// give up the privileges of set-user-id programs for it, or the error.
///
/// # Safety
///
/// Only in a child, between fork and exec, that is traced.
pub(in super::super) unsafe fn install_filter() -> Result<bool, c_int> {
    // In the read-only data: nothing has to be put together here.
    static STEPS: [libc::sock_filter; FILTER] = filter();
    // SAFETY: by the contract.
    unsafe { filter::install(&STEPS) }
}

/// What a call of the family asks for. The numbers are addresses in the caller's memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExecCall {
    /// What a relative path is relative to: a descriptor of the caller, or `AT_FDCWD`.
    pub(super) directory: c_int,
    pub(super) path: u64,
    pub(super) arguments: u64,
    pub(super) environment: u64,
    /// Where the caller's stack ends.
    pub(super) stack: u64,
    /// Whether addresses there have 8 bytes, else 4.
    pub(super) wide: bool,
}

/// What a call that a tracee is stopped before asks for. `None` if it is not our filter's stop.
pub(super) fn read_call(call: &Call) -> Option<ExecCall> {
    if call.mark != MARK {
        return None;
    }
    let is = |kind: &&Kind| kind.architecture == call.architecture && u64::from(kind.number) == call.number;
    let kind = KINDS.iter().find(is)?;
    let [first, second, third, fourth, ..] = call.arguments;
    let (directory, [path, arguments, environment]) =
        if kind.at { (first as c_int, [second, third, fourth]) } else { (libc::AT_FDCWD, [first, second, third]) };
    Some(ExecCall { directory, path, arguments, environment, stack: call.stack, wide: kind.wide })
}

/// Makes the call an end of the process, with exit code 1. A program of the 32-bit kind gets an error in its place.
pub(super) fn exit_instead(tid: c_int, call: &ExecCall) -> bool {
    if call.wide { call::exit(tid, 1) } else { refuse(tid, libc::ENOEXEC) }
}

/// Makes the call one of another program, with the same environment; not for programs of the 32-bit kind. The addresses
/// are the tracee's, of the path and of the arguments.
pub(super) fn execute_instead(tid: c_int, call: &ExecCall, path: u64, arguments: u64) -> bool {
    call::execute(tid, [path, arguments, call.environment])
}

/// Answers the call with an error, without making it. The tracee is still to go on.
pub(super) fn refuse(tid: c_int, error: c_int) -> bool {
    call::answer(tid, -i64::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(architecture: u32, number: u32) -> u32 {
        filter::decide(&filter(), architecture, number, [0; 2])
    }

    #[test]
    fn the_filter_stops_for_execs_and_nothing_else() {
        const STOP: u32 = TRACE | MARK as u32;
        for kind in KINDS {
            assert_eq!(decide(kind.architecture, kind.number), STOP, "{kind:?}");
            assert_eq!(decide(kind.architecture, kind.number + 1), ALLOW, "{kind:?}");
            assert_eq!(decide(!kind.architecture, kind.number), ALLOW, "{kind:?}");
        }
        assert!(call::KNOWN || decide(0, 0) == ALLOW);
    }
}
