//! Removing a directory.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Removes a directory with all that is in it. Links are removed and not followed.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Locks no file here.
pub(crate) fn lock(_file: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}
