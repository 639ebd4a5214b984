#![allow(unsafe_code)]
//! Sockets of the internet.
//!
//! The harness makes them in the program's place, bound to the loopback device, before the program has them. So the kernel
//! itself lets nothing out, whatever address it is given later, and nothing in: an address that is exchanged just after it was
//! judged leads nowhere. The one thing that wins over the device of a socket is control data of IPv4 (`IP_PKTINFO`), so messages
//! of datagram sockets are sent by the harness, as they were judged.
//!
//! Without rights a socket can be bound to a device once (Linux 5.7), and not be released again.

use std::ffi::{c_int, c_uint};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use super::judge::Question;
use super::privileges;

const LOOPBACK: &std::ffi::CStr = c"lo";
/// No datagram is longer, in bytes.
const LONGEST: usize = 64 * 1024;
/// The kernel takes no more pieces (`UIO_MAXIOV`).
const MOST_PIECES: u64 = 1024;

/// Why sockets cannot be held to this machine here.
pub(super) fn unheld() -> Option<&'static str> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    let look = || {
        let given = super::listener::gives_descriptors().then_some(());
        if given.is_none() {
            return Some("this kernel lets nobody give a program a descriptor (Linux 5.9)".to_owned());
        }
        match make(libc::AF_INET, libc::SOCK_DGRAM, 0) {
            Ok(_) => None,
            Err(error) => Some(format!("a socket cannot be bound to the loopback device: {error}")),
        }
    };
    REASON.get_or_init(look).as_deref()
}

/// Makes a socket that is bound to the loopback device.
///
/// # Errors
/// What the system answers.
pub(super) fn make(family: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    // What a socket may do later can depend on the rights of who made it.
    // SAFETY: numbers only; nobody else knows the descriptor.
    let socket = privileges::with_those_of_programs(|| unsafe {
        let socket = libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol);
        if socket < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(socket)) }
    })?;
    let name = LOOPBACK.to_bytes_with_nul();
    // Whoever is in such a sandbox itself gets no other sockets, and may not bind them again.
    if device(&socket).is_some_and(|device| device.starts_with(name)) {
        return Ok(socket);
    }
    // SAFETY: the kernel reads as many bytes as the name has.
    let answer = unsafe {
        let (number, length) = (socket.as_raw_fd(), name.len() as libc::socklen_t);
        libc::setsockopt(number, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name.as_ptr().cast(), length)
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
}

/// The name of the device that a socket is bound to, with a NUL behind it.
fn device(socket: &OwnedFd) -> Option<[u8; libc::IF_NAMESIZE]> {
    let mut name = [0; libc::IF_NAMESIZE];
    let mut length = name.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most the given length.
    let answer = unsafe {
        let at = name.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, at, &raw mut length)
    };
    (answer == 0).then_some(name)
}

/// Whether a socket sends datagrams of the internet.
pub(super) fn sends_datagrams(socket: &OwnedFd) -> bool {
    let is_internet = matches!(option(socket, libc::SO_DOMAIN), Some(libc::AF_INET | libc::AF_INET6));
    is_internet && option(socket, libc::SO_TYPE) != Some(libc::SOCK_STREAM)
}

fn option(socket: &OwnedFd, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes a number.
    let answer = unsafe {
        let at = (&raw mut value).cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, at, &raw mut length)
    };
    (answer == 0).then_some(value)
}

/// Connects a datagram socket, which waits for nothing.
pub(super) fn connect(socket: &OwnedFd, address: &[u8]) -> io::Result<()> {
    // SAFETY: the kernel reads as many bytes as there are.
    let answer =
        unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), address.len() as libc::socklen_t) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A message with all that belongs to it.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) name: Vec<u8>,
    pub(super) control: Vec<u8>,
    data: Vec<u8>,
}

/// `msghdr` on a 64-bit machine.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) name: u64,
    pub(super) name_length: u32,
    padding: u32,
    parts: u64,
    part_count: u64,
    pub(super) control: u64,
    pub(super) control_length: u64,
}

impl Message {
    /// With data of one piece.
    pub(super) fn of_one_piece(question: &Question<'_>, name: Vec<u8>, at: u64, length: u64) -> io::Result<Self> {
        let mut message = Message { name, ..Message::default() };
        message.add(question, at, length)?;
        Ok(message)
    }

    /// Reads the data that a header names.
    pub(super) fn read_data(&mut self, question: &Question<'_>, header: &Header) -> io::Result<()> {
        if header.part_count > MOST_PIECES {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        for place in 0..header.part_count {
            let [at, length] = question.target.read_value::<[u64; 2]>(header.parts.wrapping_add(place * 16))?;
            self.add(question, at, length)?;
        }
        Ok(())
    }

    fn add(&mut self, question: &Question<'_>, at: u64, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LONGEST - self.data.len() {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let from = self.data.len();
        self.data.resize(from + length, 0);
        if length == 0 {
            return Ok(());
        }
        question.target.read(at, &mut self.data[from..])
    }

    /// Sends it, and says how many bytes that were. It waits for nothing: on the way to this machine there is nothing to
    /// wait for.
    pub(super) fn send(&mut self, socket: &OwnedFd, flags: c_int) -> io::Result<c_uint> {
        // The memory is not that of the program.
        if flags & libc::MSG_ZEROCOPY != 0 {
            return Err(io::Error::from_raw_os_error(libc::ENOBUFS));
        }
        let mut part = libc::iovec { iov_base: self.data.as_mut_ptr().cast(), iov_len: self.data.len() };
        let or_null = |bytes: &mut Vec<u8>| match bytes.is_empty() {
            true => std::ptr::null_mut(),
            false => bytes.as_mut_ptr().cast::<libc::c_void>(),
        };
        // SAFETY: all of the message lives until the call returns, and has the lengths that it says.
        let sent = privileges::with_those_of_programs(|| unsafe {
            let mut header: libc::msghdr = std::mem::zeroed();
            header.msg_name = or_null(&mut self.name);
            header.msg_namelen = self.name.len() as libc::socklen_t;
            header.msg_iov = &raw mut part;
            header.msg_iovlen = 1;
            header.msg_control = or_null(&mut self.control);
            header.msg_controllen = self.control.len() as _;
            let flags = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            let sent = libc::sendmsg(socket.as_raw_fd(), &raw const header, flags);
            if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as c_uint) }
        });
        let waits = flags & libc::MSG_DONTWAIT == 0 && !is_non_blocking(socket);
        sent.map_err(|error| match error.raw_os_error() {
            Some(libc::EAGAIN) if waits => io::Error::from_raw_os_error(libc::ENOBUFS),
            _ => error,
        })
    }
}

fn is_non_blocking(socket: &OwnedFd) -> bool {
    // SAFETY: asks about a descriptor.
    unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK != 0 }
}
