#![allow(unsafe_code)]
//! The programs that reach out.

use std::ffi::{CString, c_long};
use std::io::{self, Write};
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::Duration;

use crate::{escapes, life};

/// Entry of all of them. The exit code is the error number, 0 if nothing failed.
pub(crate) fn reach(args: &[String]) -> ExitCode {
    let outcome = match args[0].as_str() {
        "every-call" => every_call(),
        "connect" => TcpStream::connect_timeout(&address(args), Duration::from_secs(5)).map(drop),
        "send" => UdpSocket::bind("[::]:0")
            .or_else(|_| UdpSocket::bind("0.0.0.0:0"))
            .and_then(|socket| socket.send_to(b"x", address(args)).map(drop)),
        "connect-udp" => UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.connect(address(args))),
        "message" => message(address(args), false),
        "messages" => message(address(args), true),
        "listen" => TcpListener::bind(address(args)).map(drop),
        "listen-without-bind" => listen_without_bind(),
        "request" => request(number(args, 1), &args[2]),
        "packet-socket" => call(libc::SYS_socket, [libc::AF_PACKET as u64, libc::SOCK_RAW as u64, 0, 0, 0, 0]),
        "ring" => call(libc::SYS_io_uring_setup, [8, 0, 0, 0, 0, 0]),
        // Addresses at which nothing is: whatever lets a call pass, nothing changes.
        "mount" => call(libc::SYS_mount, [1, 1, 1, 0, 0, 0]),
        "host-name" => call(libc::SYS_sethostname, [1, 1, 0, 0, 0, 0]),
        "terminal-input" => call(libc::SYS_ioctl, [0, libc::TIOCSTI, 0, 0, 0, 0]),
        "raw-socket" => call(libc::SYS_socket, [libc::AF_INET as u64, libc::SOCK_RAW as u64, 1, 0, 0, 0]),
        "option" => option(number(args, 1), number(args, 2)),
        "device-of-message" => device_of_message(number(args, 1)),
        "fast-open" => fast_open(address(args)),
        "limit" => limit(number(args, 1)),
        "priority" => priority(number(args, 1)),
        "affinity" => affinity(number(args, 1)),
        "attributes" => attributes(&args[1]),
        "write-for-ever" => write_for_ever(&args[1]),
        "host" => return life::host(args),
        "escapes" => return escapes::host(args),
        "attempt" => return escapes::attempt(args),
        other => panic!("there is no program {other}"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.raw_os_error().and_then(|code| u8::try_from(code).ok()).unwrap_or(255)),
    }
}

fn address(args: &[String]) -> SocketAddr {
    args[1].parse().expect("an address")
}

fn number(args: &[String], place: usize) -> u32 {
    args[place].parse().expect("a number")
}

/// Sets an option to 0 where it is a number; a list of no IP options, or no device, otherwise.
fn option(level: u32, name: u32) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let value = 0_u32;
    let descriptor = socket.as_raw_fd() as u64;
    let value = (&raw const value).addr() as u64;
    call(libc::SYS_setsockopt, [descriptor, u64::from(level), u64::from(name), value, 4, 0])
}

/// Sends to this machine, through the device with this number.
fn device_of_message(device: u32) -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(receiver.local_addr()?)?;
    let mut control = [0_u64; 5];
    let mut byte = 0_u8;
    // SAFETY: all structures live until the call returns; the control buffer has room for one piece.
    unsafe {
        let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<libc::in_pktinfo>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::IPPROTO_IP;
        (*header).cmsg_type = libc::IP_PKTINFO;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<libc::in_pktinfo>() as u32) as _;
        let mut info: libc::in_pktinfo = mem::zeroed();
        info.ipi_ifindex = device.cast_signed();
        libc::CMSG_DATA(header).cast::<libc::in_pktinfo>().write_unaligned(info);
        if libc::sendmsg(socket.as_raw_fd(), &raw const message, 0) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Connects by sending.
fn fast_open(to: SocketAddr) -> io::Result<()> {
    let SocketAddr::V4(to) = to else { panic!("for version 4") };
    // SAFETY: all structures live until the call returns.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        let mut name: libc::sockaddr_in = mem::zeroed();
        name.sin_family = libc::AF_INET as u16;
        name.sin_port = to.port().to_be();
        name.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
        let (at, length) = ((&raw const name).addr() as u64, size_of_val(&name) as u64);
        let text = b"x".as_ptr().addr() as u64;
        call(libc::SYS_sendto, [socket as u64, text, 1, libc::MSG_FASTOPEN as u64, at, length])
    }
}

/// Gives a process the limit of open files that this one has.
fn limit(process: u32) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills the structure.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let limit = (&raw const limit).addr() as u64;
    call(libc::SYS_prlimit64, [process.into(), libc::RLIMIT_NOFILE.into(), limit, 0, 0, 0])
}

/// Gives a process the priority that it most likely has.
fn priority(process: u32) -> io::Result<()> {
    call(libc::SYS_setpriority, [libc::PRIO_PROCESS.into(), process.into(), 0, 0, 0, 0])
}

/// Lets a process run where this one may.
fn affinity(process: u32) -> io::Result<()> {
    let mut mask = [0_u64; 16];
    let at = mask.as_mut_ptr().addr() as u64;
    call(libc::SYS_sched_getaffinity, [0, size_of_val(&mask) as u64, at, 0, 0, 0])?;
    call(libc::SYS_sched_setaffinity, [process.into(), size_of_val(&mask) as u64, at, 0, 0, 0])
}

/// Sets the attributes of a file to what they are.
fn attributes(path: &str) -> io::Result<()> {
    const GET: u64 = 0x8008_6601;
    const SET: u64 = 0x4008_6602;
    let file = std::fs::File::open(path)?;
    let (descriptor, mut flags) = (file.as_raw_fd() as u64, 0_u64);
    let at = (&raw mut flags).addr() as u64;
    // Not every file system has them.
    let _ = call(libc::SYS_ioctl, [descriptor, GET, at, 0, 0, 0]);
    call(libc::SYS_ioctl, [descriptor, SET, at, 0, 0, 0])
}

/// A request to a file or directory that may only be read, with nothing to read its arguments from.
fn request(number: u32, path: &str) -> io::Result<()> {
    let file = std::fs::File::open(path)?;
    call(libc::SYS_ioctl, [file.as_raw_fd() as u64, number.into(), 0, 0, 0, 0])
}

/// The kernel gives the socket an address of every interface.
fn listen_without_bind() -> io::Result<()> {
    // SAFETY: all arguments are numbers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
    call(libc::SYS_listen, [socket as u64, 1, 0, 0, 0, 0])
}

fn call(number: c_long, arguments: [u64; 6]) -> io::Result<()> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: whoever calls passes numbers, or pointers to what lives until then.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// One message, or a list of two of which the second has the address.
fn message(to: SocketAddr, list: bool) -> io::Result<()> {
    let SocketAddr::V4(to) = to else { panic!("for version 4") };
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    if list {
        socket.connect(receiver.local_addr()?)?;
    }
    // SAFETY: all structures live until the call returns.
    unsafe {
        let mut name: libc::sockaddr_in = mem::zeroed();
        name.sin_family = libc::AF_INET as u16;
        name.sin_port = to.port().to_be();
        name.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
        let mut byte = 0_u8;
        let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let mut messages: [libc::mmsghdr; 2] = mem::zeroed();
        for message in &mut messages {
            message.msg_hdr.msg_iov = &raw mut part;
            message.msg_hdr.msg_iovlen = 1;
        }
        messages[1].msg_hdr.msg_name = (&raw mut name).cast();
        messages[1].msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
        let sent = if list {
            libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), 2, 0)
        } else {
            libc::sendmsg(socket.as_raw_fd(), &raw const messages[1].msg_hdr, 0) as i32
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn write_for_ever(path: &str) -> io::Result<()> {
    loop {
        let _ = std::fs::write(path, "x");
    }
}

/// Calls that would change something outside, each of which has to be denied. Says their names.
fn every_call() -> io::Result<()> {
    let outside = std::env::var("OUT").expect("is set");
    let path = |name: &str| CString::new(format!("{outside}/{name}")).expect("no NUL");
    let (file, new, folder) = (path("file"), path("new"), path("folder"));
    let at = |path: &CString| path.as_ptr().addr() as u64;
    let here = i64::from(libc::AT_FDCWD).cast_unsigned();
    let opened = std::fs::File::open(format!("{outside}/file"))?;
    let opened = u64::try_from(opened.as_raw_fd()).expect("a descriptor");
    // `open_how` with O_WRONLY.
    let how = [1_u64, 0, 0];
    let how = how.as_ptr().addr() as u64;
    let name = CString::new("user.x").expect("no NUL");
    let empty = CString::new("").expect("no NUL");
    let mut calls: Vec<(&str, c_long, [u64; 6])> = vec![
        ("openat2", libc::SYS_openat2, [here, at(&file), how, 24, 0, 0]),
        ("mkdirat", libc::SYS_mkdirat, [here, at(&new), 0o700, 0, 0, 0]),
        ("mknodat", libc::SYS_mknodat, [here, at(&new), u64::from(libc::S_IFREG), 0, 0, 0]),
        ("symlinkat", libc::SYS_symlinkat, [at(&file), here, at(&new), 0, 0, 0]),
        ("linkat", libc::SYS_linkat, [here, at(&file), here, at(&new), 0, 0]),
        ("unlinkat", libc::SYS_unlinkat, [here, at(&folder), libc::AT_REMOVEDIR as u64, 0, 0, 0]),
        ("renameat2", libc::SYS_renameat2, [here, at(&file), here, at(&new), 0, 0]),
        ("truncate", libc::SYS_truncate, [at(&file), 0, 0, 0, 0, 0]),
        ("fchmod", libc::SYS_fchmod, [opened, 0o600, 0, 0, 0, 0]),
        ("fchmodat", libc::SYS_fchmodat, [here, at(&file), 0o600, 0, 0, 0]),
        ("fchown", libc::SYS_fchown, [opened, 1, 1, 0, 0, 0]),
        ("fchownat", libc::SYS_fchownat, [opened, at(&empty), 1, 1, libc::AT_EMPTY_PATH as u64, 0]),
        ("utimensat", libc::SYS_utimensat, [opened, 0, 0, 0, 0, 0]),
        ("setxattr", libc::SYS_setxattr, [at(&file), at(&name), at(&name), 1, 0, 0]),
        ("fsetxattr", libc::SYS_fsetxattr, [opened, at(&name), at(&name), 1, 0, 0]),
        ("fremovexattr", libc::SYS_fremovexattr, [opened, at(&name), 0, 0, 0, 0]),
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([
        ("open", libc::SYS_open, [at(&new), (libc::O_RDONLY | libc::O_CREAT) as u64, 0o600, 0, 0, 0]),
        ("creat", libc::SYS_creat, [at(&file), 0o600, 0, 0, 0, 0]),
        ("chmod", libc::SYS_chmod, [at(&file), 0o600, 0, 0, 0, 0]),
        ("utime", libc::SYS_utime, [at(&file), 0, 0, 0, 0, 0]),
        ("rename", libc::SYS_rename, [at(&file), at(&new), 0, 0, 0, 0]),
    ]);
    for (what, number, arguments) in calls {
        match call(number, arguments) {
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => writeln!(io::stdout(), "{what}")?,
            other => panic!("{what}: {other:?}"),
        }
    }
    Ok(())
}
