#![allow(unsafe_code)]
//! What the harness, and with it the program, may do by the ordinary rules of the system.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The user whose rights count.
pub(super) fn own_user() -> u32 {
    // SAFETY: answers with a number and cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether the system lets this be written: owner and mode, and a file system that can be written.
pub(super) fn may_write(path: &Path) -> bool {
    CString::new(path.as_os_str().as_bytes()).is_ok_and(|path| {
        // SAFETY: the path ends in NUL.
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) == 0 }
    })
}
