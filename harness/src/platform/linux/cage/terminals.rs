#![allow(unsafe_code)]
//! Terminals that a program makes itself. All others are somebody's, and stay closed to it.
//!
//! No rule of Landlock tells one terminal from another, and a number in `/dev/pts` is given anew as soon as a terminal is
//! gone. So the kernel refuses the program every terminal, and the harness opens for it those that it has opened a master
//! for. What it keeps of each is a descriptor of the file alone, which does not hold the terminal open, and which tells
//! whether the file still has a name.

use std::ffi::{CString, c_int};
use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Terminals that one run may make.
const MOST: usize = 64;
/// Device numbers, see Documentation/admin-guide/devices.txt of the kernel.
const ALTERNATE_MAJOR: u32 = 5;
const SLAVE_MAJOR: u32 = 136;
const CONTROLLING: u32 = 0;
const MASTER: u32 = 2;

/// Which terminal a program wants to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terminal {
    /// A new one, by its master.
    New,
    /// The one with this number in `/dev/pts`.
    Numbered(u32),
    /// The one that controls the process.
    Controlling,
}

impl Terminal {
    /// What a file is, if it is a terminal.
    pub(super) fn of(path: &Path, facts: &fs::Metadata) -> Option<Self> {
        if !facts.file_type().is_char_device() || !path.starts_with("/dev") {
            return None;
        }
        let device = facts.rdev();
        match (libc::major(device), libc::minor(device)) {
            (ALTERNATE_MAJOR, CONTROLLING) => Some(Terminal::Controlling),
            (ALTERNATE_MAJOR, MASTER) => Some(Terminal::New),
            (SLAVE_MAJOR, number) => Some(Terminal::Numbered(number)),
            _ => None,
        }
    }
}

/// The terminals that a run has made.
#[derive(Debug, Default)]
pub(super) struct Terminals {
    known: Vec<(u32, OwnedFd)>,
}

impl Terminals {
    /// Opens a terminal for a process of the run.
    ///
    /// # Errors
    /// `EACCES` for a terminal that the run has not made, `ENXIO` where no terminal controls the process, or what the
    /// system says.
    pub(super) fn open(&mut self, terminal: Terminal, process: i32, flags: c_int) -> io::Result<OwnedFd> {
        let denied = || io::Error::from_raw_os_error(libc::EACCES);
        let number = match terminal {
            Terminal::New => return self.make(flags),
            Terminal::Numbered(number) => number,
            Terminal::Controlling => match controlling(process) {
                Some((SLAVE_MAJOR, number)) => number,
                None | Some((0, 0)) => return Err(io::Error::from_raw_os_error(libc::ENXIO)),
                Some(_) => return Err(denied()),
            },
        };
        let (_, kept) = self.known.iter().find(|(known, _)| *known == number).ok_or_else(denied)?;
        let file = open(&slave(number), flags)?;
        // It had its name until now, so the name meant this file.
        if is_named(kept)? { Ok(file) } else { Err(denied()) }
    }

    fn make(&mut self, flags: c_int) -> io::Result<OwnedFd> {
        self.known.retain(|(_, kept)| is_named(kept).unwrap_or(false));
        if self.known.len() >= MOST {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        let master = open(Path::new("/dev/ptmx"), flags)?;
        let mut number: libc::c_uint = 0;
        // SAFETY: the kernel writes a number.
        if unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTN, &raw mut number) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let kept = open(&slave(number), libc::O_PATH)?;
        self.known.push((number, kept));
        Ok(master)
    }
}

fn slave(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/pts/{number}"))
}

/// Never makes it the harness's own controlling terminal.
fn open(path: &Path, flags: c_int) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = flags & !(libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC) | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path ends in NUL; nobody else knows the descriptor.
    unsafe {
        let file = libc::open(path.as_ptr(), flags);
        if file < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(file)) }
    }
}

fn is_named(file: &OwnedFd) -> io::Result<bool> {
    // SAFETY: the kernel fills a plain structure.
    unsafe {
        let mut facts: libc::stat = mem::zeroed();
        if libc::fstat(file.as_raw_fd(), &raw mut facts) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(facts.st_nlink > 0)
    }
}

/// The device of the terminal that controls a process: field 7 of `/proc/PID/stat`, in the old form of device numbers.
fn controlling(process: i32) -> Option<(u32, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let device: i32 = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(4)?.parse().ok()?;
    let device = device.cast_unsigned();
    Some(((device >> 8) & 0xFFF, (device & 0xFF) | ((device >> 12) & 0xF_FF00)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_terminals_are_opened_and_no_number_is_taken_for_another() {
        let mut terminals = Terminals::default();
        let own = i32::try_from(std::process::id()).expect("a process id");
        let Ok(master) = terminals.open(Terminal::New, own, libc::O_RDWR) else {
            return; // No terminals here.
        };
        let (number, _) = terminals.known[0];
        let unlocked = 0;
        // SAFETY: the kernel reads a number.
        assert_eq!(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) }, 0);
        terminals.open(Terminal::Numbered(number), own, libc::O_RDWR).expect("its own");
        let other = open(Path::new("/dev/ptmx"), libc::O_RDWR).expect("a terminal of somebody else");
        let mut foreign: libc::c_uint = 0;
        // SAFETY: as above.
        assert_eq!(unsafe { libc::ioctl(other.as_raw_fd(), libc::TIOCGPTN, &raw mut foreign) }, 0);
        let error = terminals.open(Terminal::Numbered(foreign), own, libc::O_RDWR).expect_err("is not its own");
        assert_eq!(error.raw_os_error(), Some(libc::EACCES));
        drop(master);
        let (mut others, mut again) = (Vec::new(), u32::MAX);
        // The lowest free number comes first.
        while again != number && others.len() < 8 {
            let next = open(Path::new("/dev/ptmx"), libc::O_RDWR).expect("a terminal");
            // SAFETY: as above.
            unsafe { libc::ioctl(next.as_raw_fd(), libc::TIOCGPTN, &raw mut again) };
            // SAFETY: as above.
            unsafe { libc::ioctl(next.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) };
            others.push(next);
        }
        terminals.open(Terminal::Numbered(number), own, libc::O_RDWR).expect_err("it is gone, or somebody else's now");
    }
}
