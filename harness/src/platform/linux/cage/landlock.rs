#![allow(unsafe_code)]
//! The Landlock ruleset: the kernel itself refuses what writes outside of the allowed places.
//!
//! Source: landlock(7) and the system calls it names; `include/uapi/linux/landlock.h`.

use std::ffi::{CString, c_int};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{mem, ptr};

/// `LANDLOCK_ACCESS_FS_*`: what is done to the content of a file.
const WRITE_FILE: u64 = 1 << 1;
const TRUNCATE: u64 = 1 << 14;
/// Removing folders and files, and making devices, folders, files, sockets, FIFOs and symbolic links.
const ENTRIES: u64 = (1 << 4) | (1 << 5) | 0b111_1111 << 6;
/// Moving and linking from one folder to another.
const REFER: u64 = 1 << 13;
/// Requests to devices.
const IOCTL_DEVICE: u64 = 1 << 15;
/// What is never allowed anywhere: making devices of characters and of blocks.
const DEVICES: u64 = (1 << 6) | (1 << 11);
/// `LANDLOCK_SCOPE_SIGNAL`: no signals to anybody outside.
const SCOPE_SIGNAL: u64 = 1 << 1;

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: c_int = 1;

/// A ruleset that is ready for a child to put itself under.
#[derive(Debug)]
pub(super) struct Ruleset {
    pub(super) descriptor: OwnedFd,
    /// Version of the interface.
    pub(super) abi: i64,
    /// Places that could not be allowed, and why.
    pub(super) left_out: Vec<(PathBuf, io::Error)>,
}

#[repr(C)]
struct RulesetAttributes {
    handled_files: u64,
    handled_network: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: c_int,
}

/// The version of the interface here, or why there is none.
pub(super) fn abi() -> Result<i64, String> {
    // SAFETY: asks for a number, with the null pointer and the zero size that this question demands.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0_usize, CREATE_RULESET_VERSION) };
    if version > 0 {
        return Ok(version);
    }
    let error = io::Error::last_os_error();
    Err(match error.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel has no Landlock (Linux 5.13 and later can have it)".into(),
        Some(libc::EOPNOTSUPP) => "Landlock is switched off in this kernel".into(),
        _ => format!("Landlock answered: {error}"),
    })
}

impl Ruleset {
    /// Writing is refused everywhere but in these places. The first `usual` ones need not exist.
    pub(super) fn new(places: &[PathBuf], usual: usize) -> Result<Self, String> {
        let abi = abi()?;
        let mut handled_files = WRITE_FILE | ENTRIES;
        if abi >= 2 {
            handled_files |= REFER;
        }
        if abi >= 3 {
            handled_files |= TRUNCATE;
        }
        if abi >= 5 {
            handled_files |= IOCTL_DEVICE;
        }
        let scoped = if abi >= 6 { SCOPE_SIGNAL } else { 0 };
        let attributes = RulesetAttributes { handled_files, handled_network: 0, scoped };
        // An older kernel takes a longer structure only if what it does not know is zero, which is the case.
        // SAFETY: the structure has the size that is given; the result is a descriptor that nobody else owns.
        let descriptor = unsafe {
            let size = mem::size_of::<RulesetAttributes>();
            let descriptor = libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0);
            if descriptor < 0 {
                return Err(format!("no Landlock ruleset could be made: {}", io::Error::last_os_error()));
            }
            OwnedFd::from_raw_fd(descriptor as c_int)
        };
        let mut ruleset = Ruleset { descriptor, abi, left_out: Vec::new() };
        for (number, place) in places.iter().enumerate() {
            if let Err(error) = ruleset.allow(place, handled_files)
                && number >= usual
            {
                ruleset.left_out.push((place.clone(), error));
            }
        }
        Ok(ruleset)
    }

    fn allow(&self, place: &Path, handled: u64) -> io::Result<()> {
        let name = CString::new(place.as_os_str().as_bytes())?;
        // SAFETY: the path ends in NUL; the structures are plain numbers; the descriptors are ours.
        unsafe {
            let opened = libc::open(name.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
            if opened < 0 {
                return Err(io::Error::last_os_error());
            }
            let opened = OwnedFd::from_raw_fd(opened);
            let mut facts: libc::stat = mem::zeroed();
            if libc::fstat(opened.as_raw_fd(), &raw mut facts) < 0 {
                return Err(io::Error::last_os_error());
            }
            let is_folder = facts.st_mode & libc::S_IFMT == libc::S_IFDIR;
            // A directory gives no requests to devices that may be in it.
            let mask = if is_folder { !(IOCTL_DEVICE | DEVICES) } else { WRITE_FILE | TRUNCATE | IOCTL_DEVICE };
            let allowed = handled & mask;
            let rule = PathBeneath { allowed, parent: opened.as_raw_fd() };
            let ruleset = self.descriptor.as_raw_fd();
            if libc::syscall(libc::SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &raw const rule, 0) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}
