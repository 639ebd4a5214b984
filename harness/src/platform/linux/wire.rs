#![allow(unsafe_code)]
//! What harness and spawner say to each other: small fixed records over a sequenced-packet socket.

use std::ffi::c_int;
use std::mem::{self, MaybeUninit};
use std::os::fd::RawFd;
use std::{io, ptr};

/// From the harness.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Start the program that stands in the shared memory. Its streams come along: stdout, stderr, and stdin unless
    /// that is to be closed, and then the descriptors for its cage.
    Start = 1,
    /// Ask every process of the tree to end. There is no reply.
    Terminate = 2,
    /// Kill every process of the tree. The reply is `Killed`.
    Kill = 3,
    /// Stop every process of the tree and write the ids of all to the shared memory. The reply is `Listed`.
    List = 4,
}

/// From the spawner.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyKind {
    /// The helper is there. `number` is the spawner's process id.
    Ready = 1,
    /// The helper cannot work here. `number` is the errno.
    Unfit = 2,
    /// The program was not started: `step` and `number` (errno).
    Failed = 3,
    /// The program has ended.
    Ended = 4,
    /// It had ended before, and now its last descendant has, too.
    Gone = 5,
    /// `number` ids were written.
    Listed = 6,
    /// The tree was killed. `number` is the id of a process that does not die, or 0.
    Killed = 7,
}

/// A reply. Only the fields that its kind names mean something.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reply {
    /// A [`ReplyKind`].
    pub(super) kind: u32,
    pub(super) number: i32,
    /// `Failed`: the step. `Ended`: the last kill step taken (0 none, 1 terminate, 2 kill).
    pub(super) step: i32,
    /// `Ended`: the status as `wait` gives it.
    pub(super) status: i32,
    /// `Ended`: 1 if descendants are left.
    pub(super) remain: i32,
    /// `Ended`: `CLOCK_MONOTONIC` in nanoseconds.
    pub(super) at: i64,
    /// `Ended`: microseconds.
    pub(super) cpu_user: i64,
    /// `Ended`: microseconds.
    pub(super) cpu_system: i64,
    /// `Ended`: KiB.
    pub(super) peak_memory: i64,
    /// `Ended`: KiB; what a program that uses nothing would have been given as its peak.
    pub(super) floor: i64,
    /// `Ended`: CPU time of the process without its children, in nanoseconds; -1 if it is not known.
    pub(super) own_cpu: i64,
    /// `Ended`: 1 if the program was executed, 0 if it was killed while it was being loaded, -1 if nobody looked.
    pub(super) executed: i32,
}

impl Reply {
    pub(super) fn new(kind: ReplyKind, number: i32) -> Self {
        Reply { kind: kind as u32, number, ..Reply::default() }
    }

    pub(super) fn is(&self, kind: ReplyKind) -> bool {
        self.kind == kind as u32
    }
}

/// Most descriptors that one request carries.
pub(super) const MOST_STREAMS: usize = 5;
/// Room for the control message, in units that keep it aligned.
type ControlBuffer = [u64; 8];

/// Sends one record without waiting for room (there is always room: both sides answer before they ask again).
pub(super) fn send<T: Copy>(socket: RawFd, record: &T, streams: &[RawFd]) -> io::Result<()> {
    let mut control: ControlBuffer = [0; 8];
    let mut part = libc::iovec { iov_base: ptr::from_ref(record).cast_mut().cast(), iov_len: mem::size_of::<T>() };
    // SAFETY: the message points to locals that outlive the call; the control buffer has room for the descriptors
    // (asserted) and is aligned for its header.
    let sent = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        if !streams.is_empty() {
            let size = mem::size_of_val(streams) as u32;
            assert!(streams.len() <= MOST_STREAMS && libc::CMSG_SPACE(size) as usize <= mem::size_of_val(&control));
            message.msg_control = (&raw mut control).cast();
            message.msg_controllen = libc::CMSG_SPACE(size) as _;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size) as _;
            ptr::copy_nonoverlapping(streams.as_ptr(), libc::CMSG_DATA(header).cast::<c_int>(), streams.len());
        }
        libc::sendmsg(socket, &raw const message, libc::MSG_NOSIGNAL)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What a receive brought.
#[derive(Debug)]
pub(super) enum Received<T> {
    /// A record, with as many of the descriptors as the number says.
    Record(T, [RawFd; MOST_STREAMS], usize),
    /// The other side is gone.
    Closed,
    /// Nothing is there now.
    Nothing,
}

/// Receives one record without waiting. Descriptors close on exec.
pub(super) fn receive<T: Copy>(socket: RawFd) -> Received<T> {
    let mut control: ControlBuffer = [0; 8];
    let mut record = MaybeUninit::<T>::zeroed();
    let mut streams = [-1; MOST_STREAMS];
    let mut part = libc::iovec { iov_base: record.as_mut_ptr().cast(), iov_len: mem::size_of::<T>() };
    // SAFETY: as in `send`. Both sides are the same program image and send whole records of plain numbers; one of
    // another size is refused.
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = mem::size_of_val(&control) as _;
        let count = loop {
            let count = libc::recvmsg(socket, &raw mut message, libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC);
            if count >= 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                break count;
            }
        };
        if count < 0 {
            let again = io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN);
            return if again { Received::Nothing } else { Received::Closed };
        }
        let mut received = 0;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if !header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS {
            let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
            received = (bytes / mem::size_of::<c_int>()).min(MOST_STREAMS);
            ptr::copy_nonoverlapping(libc::CMSG_DATA(header).cast::<c_int>(), streams.as_mut_ptr(), received);
        }
        if count.cast_unsigned() != mem::size_of::<T>() {
            return Received::Closed;
        }
        Received::Record(record.assume_init(), streams, received)
    }
}
