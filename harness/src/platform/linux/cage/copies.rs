#![allow(unsafe_code)]
//! Copies of what a program may not write: what it does to a file elsewhere is done to a copy of it.
//!
//! The harness does this itself, so a path must not lead it astray: below the directory for copies only the harness makes
//! entries, and no links among them; what the program may write is only reached through a directory that was opened and
//! looked at before.

use std::ffi::{CString, c_int};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::listener::{Answer, Listener};
use super::rules::Rules;

/// The largest file that is copied, in bytes. A write to a larger one is refused.
const LARGEST: u64 = 8 * 1024 * 1024;

/// What a call does, in terms of copies. Paths are those that the program means; `original` is how the harness calls one.
#[derive(Debug)]
pub(super) enum Copy {
    Open { path: PathBuf, original: PathBuf, flags: c_int, mode: u32 },
    Directory { path: PathBuf },
    Remove { path: PathBuf },
    Rename { from: PathBuf, original: PathBuf, to: PathBuf },
    Nothing,
}

/// Where the copy of a file is.
pub(super) fn place(copies: &Path, path: &Path) -> PathBuf {
    copies.join(path.strip_prefix("/").unwrap_or(path))
}

impl Copy {
    /// Does it, and answers the call.
    ///
    /// # Errors
    /// What the system says; then the call still waits for its answer.
    pub(super) fn make(&self, listener: &Listener, id: u64, rules: &Rules) -> io::Result<()> {
        let copies = rules.copies().ok_or(io::ErrorKind::Unsupported)?;
        match self {
            Copy::Open { path, original, flags, mode } => {
                let copy = place(copies, path);
                make_room(&copy)?;
                if flags & libc::O_TRUNC == 0 {
                    copy_once(original, &copy)?;
                } else if !is_file_or_free(original) {
                    return Err(io::ErrorKind::Unsupported.into());
                }
                let file = match open(&copy, *flags, *mode) {
                    Ok(file) => file,
                    // As the program would be told by a file that it may write.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        listener.answer(id, Answer::Fail(libc::EEXIST));
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                };
                return listener.give(id, &file, flags & libc::O_CLOEXEC != 0);
            }
            Copy::Directory { path } => fs::create_dir_all(place(copies, path))?,
            Copy::Remove { path } => {
                let copy = place(copies, path);
                match fs::symlink_metadata(&copy) {
                    Ok(facts) if facts.is_dir() => fs::remove_dir(&copy)?,
                    Ok(_) => fs::remove_file(&copy)?,
                    // The file itself stays; the program goes on as if it were gone.
                    Err(_) => {}
                }
            }
            // Nothing that the program may write is made by the harness.
            Copy::Rename { to, .. } if rules.allows(to) => return Err(io::ErrorKind::Unsupported.into()),
            Copy::Rename { from, original, to } => {
                let copy = place(copies, to);
                make_room(&copy)?;
                let source = place(copies, from);
                if fs::symlink_metadata(&source).is_ok() {
                    fs::rename(&source, &copy)?;
                } else if rules.allows(from) {
                    move_entry(original, &copy, rules)?;
                } else {
                    copy_once(original, &copy)?;
                }
            }
            Copy::Nothing => {}
        }
        listener.answer(id, Answer::Done);
        Ok(())
    }
}

/// Makes the directories that a copy is in.
fn make_room(copy: &Path) -> io::Result<()> {
    copy.parent().map_or(Ok(()), fs::create_dir_all)
}

fn is_file_or_free(original: &Path) -> bool {
    fs::symlink_metadata(original).map_or(true, |facts| facts.is_file())
}

/// Copies a file that is there, unless that has been done.
fn copy_once(original: &Path, copy: &Path) -> io::Result<()> {
    if fs::symlink_metadata(copy).is_ok() {
        return Ok(());
    }
    match fs::symlink_metadata(original) {
        Ok(facts) if facts.is_file() && facts.len() <= LARGEST => fs::copy(original, copy).map(drop),
        Ok(_) => Err(io::ErrorKind::Unsupported.into()),
        Err(_) => Ok(()),
    }
}

fn open(copy: &Path, flags: c_int, mode: u32) -> io::Result<OwnedFd> {
    let path = CString::new(copy.as_os_str().as_bytes())?;
    // SAFETY: the path ends in NUL; nobody else knows the descriptor.
    unsafe {
        let file = libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, mode & 0o777);
        if file < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(file)) }
    }
}

/// Moves an entry of a directory that the program may write, to a copy. The path may have come to mean something else.
fn move_entry(original: &Path, copy: &Path, rules: &Rules) -> io::Result<()> {
    let (Some(directory), Some(name)) = (original.parent(), original.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let directory = open(directory, libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let real = fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd()))?;
    if !rules.allows(&real) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (name, copy) = (CString::new(name.as_bytes())?, CString::new(copy.as_os_str().as_bytes())?);
    // SAFETY: both paths end in NUL, and the descriptor is open.
    let answer = unsafe { libc::renameat(directory.as_raw_fd(), name.as_ptr(), libc::AT_FDCWD, copy.as_ptr()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
