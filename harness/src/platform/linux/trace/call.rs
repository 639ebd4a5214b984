#![allow(unsafe_code)]
//! System calls that a tracee stands before: what is asked for, and how a call is answered or changed.

use std::ffi::c_int;
use std::mem;

use super::calls::{Ask, ptrace};

/// How calls are numbered, and where arguments and the result of a call stand.
#[cfg(target_arch = "x86_64")]
mod arch {
    use super::{Ask, ptrace};

    pub(in super::super) const NATIVE: u32 = 0xC000_003E;

    /// Makes the call none, with this result.
    pub(in super::super) fn answer(tid: i32, result: i64) -> bool {
        change(tid, |registers| {
            registers.orig_rax = u64::MAX;
            registers.rax = result.cast_unsigned();
        })
    }

    /// Makes the call `exit_group`.
    pub(in super::super) fn exit(tid: i32, code: u64) -> bool {
        change(tid, |registers| {
            registers.orig_rax = libc::SYS_exit_group.cast_unsigned();
            registers.rdi = code;
        })
    }

    /// Makes the call `execve` of these: path, arguments and environment.
    pub(in super::super) fn execute(tid: i32, [path, arguments, environment]: [u64; 3]) -> bool {
        change(tid, |registers| {
            registers.orig_rax = libc::SYS_execve.cast_unsigned();
            registers.rdi = path;
            registers.rsi = arguments;
            registers.rdx = environment;
        })
    }

    /// Exchanges one of the arguments, counted from 0. The one that was there, or `None` if it could not be done.
    pub(in super::super) fn exchange(tid: i32, place: usize, value: u64) -> Option<u64> {
        let mut before = None;
        let done = change(tid, |registers| {
            let all = [
                &mut registers.rdi,
                &mut registers.rsi,
                &mut registers.rdx,
                &mut registers.r10,
                &mut registers.r8,
                &mut registers.r9,
            ];
            before = all.into_iter().nth(place).map(|register| std::mem::replace(register, value));
        });
        before.filter(|_| done)
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
    use super::{Ask, ptrace};

    pub(in super::super) const NATIVE: u32 = 0xC000_00B7;
    /// `NT_ARM_SYSTEM_CALL`: the number of the call, a set of registers of its own.
    const SYSTEM_CALL: usize = 0x404;
    const GENERAL: usize = libc::NT_PRSTATUS as usize;

    /// Makes the call none, with this result.
    pub(in super::super) fn answer(tid: i32, result: i64) -> bool {
        number(tid, -1) && change(tid, |registers| registers.regs[0] = result.cast_unsigned())
    }

    /// Makes the call `exit_group`.
    pub(in super::super) fn exit(tid: i32, code: u64) -> bool {
        number(tid, libc::SYS_exit_group as i32) && change(tid, |registers| registers.regs[0] = code)
    }

    /// Makes the call `execve` of these: path, arguments and environment.
    pub(in super::super) fn execute(tid: i32, all: [u64; 3]) -> bool {
        number(tid, libc::SYS_execve as i32) && change(tid, |registers| registers.regs[..3].copy_from_slice(&all))
    }

    /// Exchanges one of the arguments, counted from 0; not the first, whose register is the one for the result, too. The
    /// one that was there, or `None` if it could not be done.
    pub(in super::super) fn exchange(tid: i32, place: usize, value: u64) -> Option<u64> {
        let mut before = None;
        let done = change(tid, |registers| {
            before = registers.regs.get_mut(place).map(|register| std::mem::replace(register, value));
        });
        before.filter(|_| done)
    }

    /// Makes it another call.
    fn number(tid: i32, mut number: i32) -> bool {
        // SAFETY: the kernel reads as much as the part says.
        unsafe {
            let mut call = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size_of::<i32>() };
            ptrace(Ask::SetRegisterSet, tid, SYSTEM_CALL, (&raw mut call).cast()) == 0
        }
    }

    fn change(tid: i32, change: impl FnOnce(&mut libc::user_regs_struct)) -> bool {
        // SAFETY: the structure is plain numbers; the kernel reads and writes as much as the parts say.
        unsafe {
            let mut registers: libc::user_regs_struct = std::mem::zeroed();
            let length = size_of::<libc::user_regs_struct>();
            let mut part = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: length };
            if ptrace(Ask::GetRegisterSet, tid, GENERAL, (&raw mut part).cast()) != 0 {
                return false;
            }
            change(&mut registers);
            let mut part = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: length };
            ptrace(Ask::SetRegisterSet, tid, GENERAL, (&raw mut part).cast()) == 0
        }
    }
}

/// Elsewhere nobody has found out yet how a call is answered.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    pub(in super::super) const NATIVE: u32 = 0;

    pub(in super::super) fn answer(_tid: i32, _result: i64) -> bool {
        false
    }

    pub(in super::super) fn exit(_tid: i32, _code: u64) -> bool {
        false
    }

    pub(in super::super) fn execute(_tid: i32, _all: [u64; 3]) -> bool {
        false
    }

    pub(in super::super) fn exchange(_tid: i32, _place: usize, _value: u64) -> Option<u64> {
        None
    }
}

pub(super) use self::arch::{NATIVE, answer, exchange, execute, exit};

/// Whether this architecture is known.
pub(super) const KNOWN: bool = NATIVE != 0;

/// A call that a tracee is stopped before by a filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// How it is numbered (`AUDIT_ARCH_...`).
    pub(super) architecture: u32,
    pub(super) number: u64,
    pub(super) arguments: [u64; 6],
    /// Where the caller's stack ends.
    pub(super) stack: u64,
    /// What the filter says of itself.
    pub(super) mark: u64,
}

impl Call {
    /// `None` if it is not stopped by a filter, or before Linux 5.3.
    pub(super) fn read(tid: c_int) -> Option<Self> {
        const BY_FILTER: u8 = 3;
        let info = Info::read(tid).filter(|info| info.kind == BY_FILTER)?;
        let Info { architecture, number, arguments, stack, mark, .. } = info;
        Some(Call { architecture, number, arguments, stack, mark: u64::from(mark) })
    }
}

/// How the calls of a stopped tracee are numbered, and where its stack ends. `None` before Linux 5.3.
pub(super) fn kind_and_stack(tid: c_int) -> Option<(u32, u64)> {
    Info::read(tid).map(|info| (info.architecture, info.stack))
}

/// The kernel's `ptrace_syscall_info` for a stop by a filter; of other stops only the first fields are told.
#[repr(C)]
struct Info {
    kind: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    number: u64,
    arguments: [u64; 6],
    mark: u32,
}

impl Info {
    fn read(tid: c_int) -> Option<Self> {
        // SAFETY: plain numbers; the kernel writes at most the size that it is given.
        unsafe {
            let mut info: Info = mem::zeroed();
            let size = mem::size_of::<Info>();
            (ptrace(Ask::GetSystemCall, tid, size, (&raw mut info).cast()) > 0).then_some(info)
        }
    }
}
