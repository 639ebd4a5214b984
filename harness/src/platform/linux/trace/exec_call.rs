#![allow(unsafe_code)]
//! Calls of `execve` before they happen: the filter that stops for them, what they ask for, and how one is answered
//! without being made.

use std::ffi::{c_int, c_ulong};
use std::mem;

use super::super::super::unix::errno;
use super::calls::{Ask, ptrace};

/// Tells our filter's stops from those of somebody else's.
pub(super) const MARK: u64 = 0x4B48;

/// How the calls are numbered, and where the result of a call stands.
#[cfg(target_arch = "x86_64")]
mod arch {
    use super::super::calls::{Ask, ptrace};
    use super::Kind;

    const X86_64: u32 = 0xC000_003E;
    const I386: u32 = 0x4000_0003;
    /// Calls of programs with pointers of 4 bytes in the native mode.
    const X32: u32 = 0x4000_0000;
    pub(super) const KINDS: &[Kind] = &[
        Kind { architecture: X86_64, number: 59, at: false, wide: true },
        Kind { architecture: X86_64, number: 322, at: true, wide: true },
        Kind { architecture: X86_64, number: X32 | 520, at: false, wide: false },
        Kind { architecture: X86_64, number: X32 | 545, at: true, wide: false },
        Kind { architecture: I386, number: 11, at: false, wide: false },
        Kind { architecture: I386, number: 358, at: true, wide: false },
    ];

    /// Makes the call none, with this result.
    pub(super) fn answer(tid: i32, result: i64) -> bool {
        change(tid, |registers| {
            registers.orig_rax = u64::MAX;
            registers.rax = result.cast_unsigned();
        })
    }

    /// Makes the call `exit_group`.
    pub(super) fn exit(tid: i32, code: u64) -> bool {
        change(tid, |registers| {
            registers.orig_rax = libc::SYS_exit_group.cast_unsigned();
            registers.rdi = code;
        })
    }

    /// Makes the call `execve` of these: path, arguments and environment.
    pub(super) fn execute(tid: i32, [path, arguments, environment]: [u64; 3]) -> bool {
        change(tid, |registers| {
            registers.orig_rax = libc::SYS_execve.cast_unsigned();
            registers.rdi = path;
            registers.rsi = arguments;
            registers.rdx = environment;
        })
    }

    /// The requests without a set are used, because sets of programs of 32 bits have another form.
    fn change(tid: i32, change: impl FnOnce(&mut libc::user_regs_struct)) -> bool {
        // SAFETY: the structure is plain numbers and the kernel's own for these requests.
        unsafe {
            let mut registers: libc::user_regs_struct = std::mem::zeroed();
            if ptrace(Ask::GetRegisters, tid, 0, (&raw mut registers).cast()) != 0 {
                return false;
            }
            change(&mut registers);
            ptrace(Ask::SetRegisters, tid, 0, (&raw mut registers).cast()) == 0
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use super::super::calls::{Ask, ptrace};
    use super::Kind;

    const AARCH64: u32 = 0xC000_00B7;
    // Programs of 32 bits are left alone: nobody has tried how their calls are answered.
    pub(super) const KINDS: &[Kind] = &[
        Kind { architecture: AARCH64, number: 221, at: false, wide: true },
        Kind { architecture: AARCH64, number: 281, at: true, wide: true },
    ];
    /// `NT_ARM_SYSTEM_CALL`: the number of the call, a set of registers of its own.
    const SYSTEM_CALL: usize = 0x404;
    const GENERAL: usize = libc::NT_PRSTATUS as usize;

    /// Makes the call none, with this result.
    pub(super) fn answer(tid: i32, result: i64) -> bool {
        change(tid, -1, &[result.cast_unsigned()])
    }

    /// Makes the call `exit_group`.
    pub(super) fn exit(tid: i32, code: u64) -> bool {
        change(tid, libc::SYS_exit_group as i32, &[code])
    }

    /// Makes the call `execve` of these: path, arguments and environment.
    pub(super) fn execute(tid: i32, all: [u64; 3]) -> bool {
        change(tid, libc::SYS_execve as i32, &all)
    }

    /// Makes it another call, with these in the registers for its arguments; the first is the one for the result, too.
    fn change(tid: i32, mut number: i32, arguments: &[u64]) -> bool {
        // SAFETY: the structures are plain numbers; the kernel reads and writes as much as the parts say.
        unsafe {
            let mut call = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size_of::<i32>() };
            let mut registers: libc::user_regs_struct = std::mem::zeroed();
            let length = size_of::<libc::user_regs_struct>();
            let mut part = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: length };
            if ptrace(Ask::SetRegisterSet, tid, SYSTEM_CALL, (&raw mut call).cast()) != 0
                || ptrace(Ask::GetRegisterSet, tid, GENERAL, (&raw mut part).cast()) != 0
            {
                return false;
            }
            for (register, argument) in registers.regs.iter_mut().zip(arguments) {
                *register = *argument;
            }
            let mut part = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: length };
            ptrace(Ask::SetRegisterSet, tid, GENERAL, (&raw mut part).cast()) == 0
        }
    }
}

/// Elsewhere nobody has found out yet how a call is answered.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    use super::Kind;

    pub(super) const KINDS: &[Kind] = &[];

    pub(super) fn answer(_tid: i32, _result: i64) -> bool {
        false
    }

    pub(super) fn exit(_tid: i32, _code: u64) -> bool {
        false
    }

    pub(super) fn execute(_tid: i32, _all: [u64; 3]) -> bool {
        false
    }
}

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

/// Whether this architecture is known.
pub(super) const KNOWN: bool = !arch::KINDS.is_empty();

/// Instructions of the filter: four a call, and the two ends.
const FILTER: usize = arch::KINDS.len() * 4 + 2;

/// The filter as the kernel runs it before every system call: stop for a call of the family, else let it through.
const fn filter() -> [libc::sock_filter; FILTER] {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const NUMBER_AT: u32 = 0;
    const ARCHITECTURE_AT: u32 = 4;
    const ALLOW: u32 = 0x7FFF_0000;
    const TRACE: u32 = 0x7FF0_0000;
    const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
        libc::sock_filter { code, jt, jf, k }
    }
    let mut filter = [step(RETURN, 0, 0, ALLOW); FILTER];
    let mut index = 0;
    while index < arch::KINDS.len() {
        let kind = arch::KINDS[index];
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
    const SET_MODE_FILTER: c_int = 1;
    let program = libc::sock_fprog { len: FILTER as u16, filter: STEPS.as_ptr().cast_mut() };
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

/// The kernel's `ptrace_syscall_info` for a stop by a filter.
#[repr(C)]
struct CallInfo {
    kind: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    number: u64,
    arguments: [u64; 6],
    mark: u32,
}

/// Reads the call that a tracee is stopped before. `None` if it is not our filter's stop, or before Linux 5.3.
pub(super) fn read_call(tid: c_int) -> Option<ExecCall> {
    const BY_FILTER: u8 = 3;
    // SAFETY: plain numbers; the kernel writes at most the size that it is given.
    let info = unsafe {
        let mut info: CallInfo = mem::zeroed();
        let size = mem::size_of::<CallInfo>();
        (ptrace(Ask::GetSystemCall, tid, size, (&raw mut info).cast()) > 0).then_some(info)?
    };
    if info.kind != BY_FILTER || u64::from(info.mark) != MARK {
        return None;
    }
    let is = |kind: &&Kind| kind.architecture == info.architecture && u64::from(kind.number) == info.number;
    let kind = arch::KINDS.iter().find(is)?;
    let [first, second, third, fourth, ..] = info.arguments;
    let (directory, [path, arguments, environment]) =
        if kind.at { (first as c_int, [second, third, fourth]) } else { (libc::AT_FDCWD, [first, second, third]) };
    Some(ExecCall { directory, path, arguments, environment, stack: info.stack, wide: kind.wide })
}

/// Makes the call an end of the process, with exit code 1. A program of the 32-bit kind gets an error in its place.
pub(super) fn exit_instead(tid: c_int, call: &ExecCall) -> bool {
    if call.wide { arch::exit(tid, 1) } else { refuse(tid, libc::ENOEXEC) }
}

/// Makes the call one of another program, with the same environment; not for programs of the 32-bit kind. The addresses
/// are the tracee's, of the path and of the arguments.
pub(super) fn execute_instead(tid: c_int, call: &ExecCall, path: u64, arguments: u64) -> bool {
    arch::execute(tid, [path, arguments, call.environment])
}

/// Answers the call with an error, without making it. The tracee is still to go on.
pub(super) fn refuse(tid: c_int, error: c_int) -> bool {
    arch::answer(tid, -i64::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the filter as the kernel would.
    fn decide(architecture: u32, number: u32) -> u32 {
        let steps = filter();
        let (mut at, mut loaded) = (0, 0);
        loop {
            let step = steps[at];
            at += 1;
            match (step.code, step.k) {
                (0x20, 0) => loaded = number,
                (0x20, 4) => loaded = architecture,
                (0x15, wanted) => at += usize::from(if loaded == wanted { step.jt } else { step.jf }),
                (0x06, answer) => return answer,
                other => panic!("no such step: {other:?}"),
            }
        }
    }

    #[test]
    fn the_filter_stops_for_execs_and_nothing_else() {
        const STOP: u32 = 0x7FF0_0000 | MARK as u32;
        const ALLOW: u32 = 0x7FFF_0000;
        for kind in arch::KINDS {
            assert_eq!(decide(kind.architecture, kind.number), STOP, "{kind:?}");
            assert_eq!(decide(kind.architecture, kind.number + 1), ALLOW, "{kind:?}");
            assert_eq!(decide(!kind.architecture, kind.number), ALLOW, "{kind:?}");
        }
        assert!(KNOWN || decide(0, 0) == ALLOW);
    }
}
