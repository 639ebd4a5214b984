//! Files that others have made: opened without waiting, and only if they are regular files.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::platform::{self, open_without_waiting};

/// Opens a regular file for reading, behind links too.
///
/// A FIFO, a device, a socket or a directory is refused before it is opened, because opening it can block or act on a
/// device; so is one that takes the file's place in between. Reading does not block where the system can help it: some
/// files of `/proc` are regular and never end.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// assert!(hookproof_harness::open_regular(folder.path()).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is not a regular file, and what the system says.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let check = |metadata: fs::Metadata| {
        let what = match metadata.file_type() {
            kind if kind.is_file() => return Ok(()),
            kind if kind.is_dir() => "it is a directory",
            _ => "it is not a regular file",
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    };
    check(fs::metadata(path)?)?;
    let file = open_without_waiting(path)?;
    check(file.metadata()?)?;
    Ok(file)
}

/// Removes a directory with all that is in it, however deep it is and whatever its modes are, as far as this user can. Links
/// are removed and not followed. A directory that is not there is no error.
///
/// # Errors
/// What the system says of the first entry that stays.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    platform::remove_tree(path)
}

/// Locks a file until it is closed, or the process ends in whatever way. `false` if somebody else has locked it.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] on Windows, and what the system says.
pub fn lock_file(file: &File) -> io::Result<bool> {
    platform::lock(file)
}

/// Makes a directory that only this user can look into.
///
/// # Errors
/// What the system says, also that there is one.
pub fn private_directory(path: &Path) -> io::Result<()> {
    platform::private_directory(path)
}
