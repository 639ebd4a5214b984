//! Devices and terminals.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr;

use super::super::{answer, variable};

pub(super) fn write_to_terminal() -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open(variable("TERMINAL"))?.write_all(b"out")
}

/// Types into it.
pub(super) fn request_to_terminal() -> io::Result<()> {
    let terminal = OpenOptions::new().read(true).custom_flags(libc::O_NOCTTY).open(variable("TERMINAL"))?;
    // SAFETY: the kernel reads one byte.
    unsafe {
        let byte = b'x';
        let typed = libc::ioctl(terminal.as_raw_fd(), libc::TIOCSTI, &raw const byte);
        let emptied = libc::tcflush(terminal.as_raw_fd(), libc::TCIOFLUSH);
        answer(typed.max(emptied))
    }
}

/// Makes it the controlling one, which has another name.
pub(super) fn capture_terminal() -> io::Result<()> {
    let _terminal = File::open(variable("TERMINAL"))?;
    OpenOptions::new().write(true).open("/dev/tty")?.write_all(b"out")
}

pub(super) fn controlling_terminal() -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").map(drop)
}

/// Opens, and does nothing with it.
pub(super) fn foreign_devices() -> io::Result<()> {
    let devices =
        ["/dev/console", "/dev/kmsg", "/dev/mem", "/dev/fuse", "/dev/net/tun", "/dev/loop-control", "/dev/vda"];
    let opens =
        |path: &&str| OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).is_ok();
    match devices.iter().find(|path| Path::new(path).exists() && opens(path)) {
        Some(_) => Ok(()),
        None => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Succeeds if there is any besides the three streams.
pub(super) fn inherited_descriptors() -> io::Result<()> {
    // SAFETY: asks for flags of a number.
    let is_open = |number: &i32| unsafe { libc::fcntl(*number, libc::F_GETFD) >= 0 };
    match (3..4096).find(is_open) {
        Some(_) => Ok(()),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

pub(super) fn own_terminal() -> io::Result<()> {
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: the call fills both numbers; nobody else has the descriptors. Who closes the master of its controlling
    // terminal is told so by a signal.
    let (mut master, mut slave) = unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        answer(libc::openpty(&raw mut master, &raw mut slave, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()))?;
        answer(libc::ioctl(slave, libc::TIOCSCTTY, 0))?;
        (File::from_raw_fd(master), File::from_raw_fd(slave))
    };
    let mut read = [0; 2];
    slave.write_all(b"ab")?;
    master.read_exact(&mut read)?;
    // By its other name, which the harness understands only where it sees processes.
    if Path::new("/proc/self").exists() {
        OpenOptions::new().write(true).open("/dev/tty")?.write_all(b"cd")?;
        master.read_exact(&mut read)?;
        return if &read == b"cd" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) };
    }
    Ok(())
}

pub(super) fn usual_devices() -> io::Result<()> {
    let mut null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    null.write_all(b"x")?;
    // SAFETY: asks about a descriptor.
    let is_terminal = unsafe { libc::isatty(null.as_raw_fd()) };
    if is_terminal != 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ENOTTY) {
        return Err(io::Error::other("the answer is not that of /dev/null"));
    }
    File::open("/dev/urandom")?.read_exact(&mut [0; 8])?;
    OpenOptions::new().write(true).open("/dev/zero")?.write_all(b"x")
}
