//! Beyond this machine. Nothing is sent but to addresses of this machine.

use std::io;
use std::mem;

use super::super::answer;

/// An address for documentation (RFC 5737), at which nobody is.
pub(super) const FAR: [u8; 4] = [203, 0, 113, 1];

pub(super) fn address(family: libc::c_int, ip: [u8; 4], port: u16) -> libc::sockaddr_in {
    // SAFETY: plain numbers.
    let mut name: libc::sockaddr_in = unsafe { mem::zeroed() };
    name.sin_family = family as u16;
    name.sin_port = port.to_be();
    name.sin_addr.s_addr = u32::from_ne_bytes(ip);
    name
}

/// Where a socket is connected to.
pub(super) fn peer(socket: libc::c_int) -> Option<[u8; 4]> {
    let mut name = address(0, [0; 4], 0);
    let mut length = size_of_val(&name) as libc::socklen_t;
    // SAFETY: the kernel writes at most the given length.
    let found = unsafe { libc::getpeername(socket, (&raw mut name).cast(), &raw mut length) == 0 };
    found.then(|| name.sin_addr.s_addr.to_ne_bytes())
}

const LENGTH: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;

/// To where name servers are, which pass on what they are told. To a datagram socket, no family is that of IPv4.
pub(super) fn send_without_family() -> io::Result<()> {
    let name = address(libc::AF_UNSPEC, [127, 0, 0, 53], 53);
    // SAFETY: the structures live until the calls return.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        answer(socket)?;
        let sent = libc::sendto(socket, b"x".as_ptr().cast(), 1, 0, (&raw const name).cast(), LENGTH);
        answer(sent as libc::c_int)
    }
}

/// For everybody.
pub(super) fn bind_without_family() -> io::Result<()> {
    let name = address(libc::AF_UNSPEC, [0; 4], 47_113);
    // SAFETY: the structures live until the calls return.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        answer(socket)?;
        answer(libc::bind(socket, (&raw const name).cast(), LENGTH))
    }
}

/// Succeeds if a socket is of every device.
pub(super) fn sockets_of_every_device() -> io::Result<()> {
    let usual = [
        (libc::AF_INET, libc::SOCK_STREAM),
        (libc::AF_INET, libc::SOCK_DGRAM),
        (libc::AF_INET6, libc::SOCK_STREAM),
        (libc::AF_INET6, libc::SOCK_DGRAM),
    ];
    for (family, kind) in usual {
        let mut name = [0_u8; 16];
        let mut length = name.len() as libc::socklen_t;
        // SAFETY: the kernel writes at most the given length; nobody else has the descriptor.
        unsafe {
            let socket = libc::socket(family, kind | libc::SOCK_CLOEXEC, 0);
            if socket < 0 {
                continue;
            }
            let option = libc::SO_BINDTODEVICE;
            answer(libc::getsockopt(socket, libc::SOL_SOCKET, option, name.as_mut_ptr().cast(), &raw mut length))?;
            libc::close(socket);
        }
        if !name.starts_with(b"lo\0") {
            return Ok(());
        }
    }
    Err(io::ErrorKind::PermissionDenied.into())
}

/// Connects to itself, in all ways that a program uses.
pub(super) fn this_machine() -> io::Result<()> {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut client = TcpStream::connect(server.local_addr()?)?;
    client.write_all(b"x")?;
    server.accept()?.0.read_exact(&mut [0])?;
    let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let other = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    one.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    other.send_to(b"one", one.local_addr()?)?;
    let (length, from) = one.recv_from(&mut [0; 8])?;
    one.connect(from)?;
    one.send(b"back")?;
    other.connect(one.local_addr()?)?;
    other.recv(&mut [0; 8])?;
    if length != 3 || one.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).is_ok() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if let Ok(server) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        TcpStream::connect(server.local_addr()?)?.write_all(b"x")?;
        server.accept()?.0.read_exact(&mut [0])?;
    }
    Ok(())
}
