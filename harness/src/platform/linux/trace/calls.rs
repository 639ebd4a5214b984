#![allow(unsafe_code)]
//! The system calls of a tracer.

use std::ffi::{c_int, c_long, c_void};
use std::ptr;

/// Stops of new tracees, of group stops and their ends. The others are in the C library's own list.
pub(super) const EVENT_STOP: c_int = 128;
/// The signal of a stop at the end of a call, with [`libc::PTRACE_O_TRACESYSGOOD`].
pub(super) const END_OF_CALL: c_int = libc::SIGTRAP | 0x80;
/// What is traced besides: children of all kinds and execs. Whatever is traced dies with the spawner.
pub(super) const OPTIONS: c_int = libc::PTRACE_O_EXITKILL
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC;

/// Requests, numbered as the kernel's `uapi/linux/ptrace.h`: C libraries do not agree on their type.
#[repr(i64)]
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "architectures differ in how registers are changed")]
pub(super) enum Ask {
    Continue = 7,
    GetRegisters = 12,
    SetRegisters = 13,
    ContinueToCall = 24,
    EventMessage = 0x4201,
    GetRegisterSet = 0x4204,
    SetRegisterSet = 0x4205,
    Seize = 0x4206,
    Listen = 0x4208,
    GetSignalMask = 0x420a,
    SetSignalMask = 0x420b,
    GetSystemCall = 0x420e,
}

/// # Safety
///
/// `address` and `data` are what the request wants. The raw call is used, because wrappers of C libraries differ.
pub(super) unsafe fn ptrace(ask: Ask, tid: c_int, address: usize, data: *mut c_void) -> c_long {
    // SAFETY: by the contract.
    unsafe { libc::syscall(libc::SYS_ptrace, ask as c_long, c_long::from(tid), address, data) }
}

/// Lets a stopped tracee go on, with a signal or without. It may have been killed meanwhile.
pub(super) fn go_on(tid: c_int, signal: c_int) {
    // SAFETY: plain numbers.
    unsafe { ptrace(Ask::Continue, tid, 0, ptr::without_provenance_mut(signal as usize)) };
}

/// Lets a tracee that is stopped before a call go on until the call is over.
pub(super) fn go_on_to_the_end_of_the_call(tid: c_int) {
    // SAFETY: plain numbers.
    unsafe { ptrace(Ask::ContinueToCall, tid, 0, ptr::null_mut()) };
}

/// Leaves a tracee stopped, as others have stopped it, until they let it go on.
pub(super) fn stay_stopped(tid: c_int) {
    // SAFETY: plain numbers.
    unsafe { ptrace(Ask::Listen, tid, 0, ptr::null_mut()) };
}

/// What the kernel tells with an event: the id of a new task, for example.
pub(super) fn message(tid: c_int) -> Option<u64> {
    let mut message: u64 = 0;
    // SAFETY: the kernel writes a long, which has 8 bytes or the lower 4 of them.
    let answer = unsafe { ptrace(Ask::EventMessage, tid, 0, (&raw mut message).cast()) };
    let message =
        if cfg!(target_pointer_width = "32") && cfg!(target_endian = "big") { message >> 32 } else { message };
    (answer == 0).then_some(message)
}

/// Reads memory of a stopped tracee, up to the end of the page that the address is in at most.
pub(super) fn read_page(tid: c_int, address: u64, buffer: &mut [u8]) -> usize {
    const PAGE: u64 = 4096;
    let Ok(start) = usize::try_from(address) else {
        return 0;
    };
    let wanted = buffer.len().min((PAGE - address % PAGE) as usize);
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: wanted };
    let remote = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(start), iov_len: wanted };
    // SAFETY: our side is the buffer; the other is another process's, which the kernel checks.
    let count = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).unwrap_or(0)
}

/// Reads exactly so much, or fails.
pub(super) fn read_exactly(tid: c_int, address: u64, buffer: &mut [u8]) -> bool {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_page(tid, address.wrapping_add(filled as u64), rest) {
            0 => return false,
            count => filled += count,
        }
    }
    true
}

/// Writes all of it into memory of a stopped tracee, or fails.
pub(super) fn write_exactly(tid: c_int, address: u64, bytes: &[u8]) -> bool {
    let Ok(start) = usize::try_from(address) else {
        return false;
    };
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(start), iov_len: bytes.len() };
    // SAFETY: the kernel only reads our side; the other is another process's, which the kernel checks.
    let count = unsafe { libc::process_vm_writev(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count) == Ok(bytes.len())
}

/// Sends a signal to a whole process.
pub(super) fn send(pid: c_int, signal: c_int) {
    // SAFETY: plain numbers; the process is a tracee that nobody has waited for.
    unsafe { libc::kill(pid, signal) };
}

/// Takes a signal out of the set that a stopped thread does not want now.
pub(super) fn unblock(tid: c_int, signal: c_int) {
    // The kernel's set has 8 bytes on the architectures that this is used on.
    const SIZE: usize = 8;
    let mut set: u64 = 0;
    // SAFETY: the kernel reads or writes as many bytes as the size says.
    unsafe {
        if ptrace(Ask::GetSignalMask, tid, SIZE, (&raw mut set).cast()) == 0 {
            set &= !(1 << (signal - 1));
            ptrace(Ask::SetSignalMask, tid, SIZE, (&raw mut set).cast());
        }
    }
}

/// Whether this process may give programs that it traces the privileges of their owner.
pub(super) fn is_superuser() -> bool {
    // SAFETY: asks for a number.
    unsafe { libc::geteuid() == 0 }
}
