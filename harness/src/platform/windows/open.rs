//! Opening a file without waiting for anybody.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file for reading. What could block here is no path that a file system has.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Makes a directory, with the rights of the one above.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}
