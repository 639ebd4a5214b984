#![allow(unsafe_code)]
//! What the child does between fork and exec to enter its cage. The rules of `unix::child` hold here, too.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::{mem, ptr};

use libc::sock_filter;

use super::filter::Secret;
use super::privileges;
use crate::platform::unix::errno;

/// What is to be handed to a child, owned.
#[derive(Debug, Clone, Default)]
pub(crate) struct CageOrders {
    /// With the listener; empty if there is none.
    pub(super) filter: Vec<sock_filter>,
    pub(super) secret: Secret,
    pub(super) ruleset: bool,
    /// Whether capabilities are given up.
    pub(super) unprivileged: bool,
    pub(super) strict: bool,
}

impl CageOrders {
    /// The filter, for whoever keeps it where the child finds it.
    pub(crate) fn filter(&self) -> &[sock_filter] {
        &self.filter
    }

    /// For a child that finds the filter at this address.
    pub(crate) fn for_child(&self, filter: *const sock_filter) -> ChildCage {
        ChildCage {
            filter,
            filter_length: self.filter.len() as u16,
            secret: self.secret,
            has_ruleset: self.ruleset,
            unprivileged: self.unprivileged,
            strict: self.strict,
            ruleset: -1,
            socket: -1,
        }
    }
}

/// Numbers and pointers for one child.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildCage {
    filter: *const sock_filter,
    filter_length: u16,
    secret: Secret,
    has_ruleset: bool,
    unprivileged: bool,
    strict: bool,
    ruleset: RawFd,
    /// Where the listener is sent.
    socket: RawFd,
}

impl ChildCage {
    /// How many descriptors it needs.
    pub(crate) fn descriptors(&self) -> usize {
        usize::from(self.has_ruleset) + usize::from(self.filter_length > 0)
    }

    /// Takes them, in the order of [`Cage::child_ends`](super::Cage::child_ends).
    pub(crate) fn take(&mut self, descriptors: &[RawFd]) {
        let mut descriptors = descriptors.iter().copied();
        if self.has_ruleset {
            self.ruleset = descriptors.next().unwrap_or(-1);
        }
        if self.filter_length > 0 {
            self.socket = descriptors.next().unwrap_or(-1);
        }
    }
}

/// The system's answers: 0 or an `errno`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CageAnswers {
    pub(super) capabilities: c_int,
    pub(super) landlock: c_int,
    pub(super) filter: c_int,
}

/// Puts the calling process under its rules. What the system refuses stands in the answers; with strict rules that is
/// an error.
///
/// # Safety
///
/// Only in a child, between fork and exec; the pointers are valid; nobody else uses the descriptors.
pub(crate) unsafe fn enter(cage: &ChildCage, answers: *mut CageAnswers) -> Result<(), c_int> {
    if cage.descriptors() == 0 && !cage.unprivileged {
        return Ok(());
    }
    // SAFETY: as above; the answers are the caller's to be written to.
    unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 {
            let refused = errno();
            ptr::write_volatile(answers, CageAnswers { capabilities: refused, landlock: refused, filter: refused });
            return if cage.strict { Err(refused) } else { Ok(()) };
        }
        let mut given = CageAnswers::default();
        // First: the rest needs none, and may forbid the calls by which they go.
        if cage.unprivileged
            && let Err(refused) = privileges::drop_all_but_those_of_files()
        {
            given.capabilities = refused;
        }
        if cage.has_ruleset && libc::syscall(libc::SYS_landlock_restrict_self, cage.ruleset, 0) < 0 {
            given.landlock = errno();
        }
        if cage.filter_length > 0 {
            given.filter = listen(cage)?;
        }
        ptr::write_volatile(answers, given);
        let refused = [given.capabilities, given.landlock, given.filter].into_iter().find(|answer| *answer != 0);
        match refused {
            Some(refused) if cage.strict => Err(refused),
            _ => Ok(()),
        }
    }
}

/// Installs the filter and hands the listener over. The answer of the system to the filter, or what failed
/// after it, when nobody would answer the program's calls.
///
/// # Safety
///
/// As [`enter`].
unsafe fn listen(cage: &ChildCage) -> Result<c_int, c_int> {
    // SAFETY: as `enter`.
    unsafe {
        let listener_flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        // A signal for the program waits until the answer is there, so that no call is asked about twice. (Linux 5.19)
        let mut listener =
            install(cage.filter, cage.filter_length, listener_flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
        if listener == -libc::EINVAL {
            listener = install(cage.filter, cage.filter_length, listener_flags);
        }
        if listener < 0 {
            return Ok(-listener);
        }
        let sent = hand_over(cage.socket, listener, cage.secret);
        libc::close(listener);
        if sent < 0 {
            return Err(-sent);
        }
        Ok(0)
    }
}

/// # Safety
///
/// As [`enter`].
unsafe fn install(filter: *const sock_filter, length: u16, flags: libc::c_ulong) -> c_int {
    let program = libc::sock_fprog { len: length, filter: filter.cast_mut() };
    // SAFETY: the kernel copies the program.
    unsafe {
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        let answer = libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program);
        if answer < 0 { -errno() } else { answer as c_int }
    }
}

/// # Safety
///
/// As [`enter`].
unsafe fn hand_over(socket: RawFd, listener: RawFd, secret: Secret) -> c_int {
    let mut control = [0_u64; 4];
    let mut byte = 0_u32;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: mem::size_of_val(&byte) };
    // SAFETY: the message points to locals that outlive the call; the control buffer has room for one descriptor.
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(mem::size_of::<c_int>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(mem::size_of::<c_int>() as u32) as _;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(listener);
        let [first, second, third] = secret;
        let flags = libc::MSG_NOSIGNAL;
        let sent = libc::syscall(libc::SYS_sendmsg, socket, &raw const message, flags, first, second, third);
        if sent < 0 { -errno() } else { 0 }
    }
}
