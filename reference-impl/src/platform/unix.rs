//! Unix.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

mod identity;
mod signals;
mod tree;

pub(crate) use identity::identity;
#[cfg(test)]
pub(crate) use signals::set_default_actions;
pub(crate) use signals::{Signals, die_by, die_of_faults};
pub(crate) use tree::{Tree, last_words};

/// The variable that names a person's folder.
pub(crate) const HOME: &str = "HOME";

/// Takes a hold on an open file; `false` if another process has it. It ends when the file is closed, by the death of the
/// process at the latest, and is not handed on to programs that are started.
///
/// # Errors
///
/// Returns the system's error where the file system knows no such hold.
pub(crate) fn try_hold(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open for the length of the call, and flock touches no memory.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            error => Err(error),
        },
    }
}

/// Whether the open file is the one that stands at this path now.
///
/// # Errors
///
/// Returns the system's error, also where nothing stands there.
pub(crate) fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    let (ours, theirs) = (file.metadata()?, path.symlink_metadata()?);
    Ok(ours.dev() == theirs.dev() && ours.ino() == theirs.ino())
}

/// Whether the system refused for want of memory.
pub(crate) fn is_no_memory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// Whether the other end of stdin was closed, waiting at most this long for it.
pub(crate) fn lifeline_is_cut(wait: Duration) -> bool {
    let mut stdin = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid pollfd, and its count.
    let ready = unsafe { libc::poll(&raw mut stdin, 1, wait) };
    // Nobody writes on a lifeline after its first byte, so what becomes readable is its end.
    ready > 0 && stdin.revents & (libc::POLLHUP | libc::POLLIN | libc::POLLERR | libc::POLLNVAL) != 0
}
