#![allow(unsafe_code)]
//! Removing a directory whose content resists: no rights on the way, paths longer than the system takes, flags of the file
//! system.
//!
//! Every directory is moved up to the first level before its own are looked at, so no path is longer than two names, and no
//! more than three descriptors are open.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::c_int;

/// Names that are taken in at once.
const BATCH: usize = 1024;

/// Removes a directory with all that is in it. Links are removed and not followed; another file system that is mounted in it is
/// not entered.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let name = CString::new(name.as_bytes())?;
    let parent = open(libc::AT_FDCWD, &CString::new(parent.as_os_str().as_bytes())?)?;
    let top = match enter(parent.as_raw_fd(), &name) {
        Ok(top) => top,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let device = facts_of(&top)?.st_dev;
    let mut moved = 0_u64;
    loop {
        let names = some_names(&top)?;
        if names.is_empty() {
            break;
        }
        for name in &names {
            if !is_directory(top.as_raw_fd(), name)? {
                unlink(&top, name, 0)?;
                continue;
            }
            let directory = enter(top.as_raw_fd(), name)?;
            if facts_of(&directory)?.st_dev != device {
                return Err(io::Error::from_raw_os_error(libc::EXDEV));
            }
            empty(&directory, &top, &mut moved)?;
            drop(directory);
            unlink(&top, name, libc::AT_REMOVEDIR)?;
        }
    }
    drop(top);
    unlink(&parent, &name, libc::AT_REMOVEDIR)
}

/// Removes the files of a directory, and moves its directories to the first level.
fn empty(directory: &OwnedFd, top: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    loop {
        let names = some_names(directory)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in &names {
            if !is_directory(directory.as_raw_fd(), name)? {
                unlink(directory, name, 0)?;
                continue;
            }
            // Moving a directory writes its own entry for the one above.
            drop(enter(directory.as_raw_fd(), name)?);
            loop {
                *moved += 1;
                let new = CString::new(format!("hookproof-moved-{moved}"))?;
                if exists(top.as_raw_fd(), &new) {
                    continue;
                }
                // SAFETY: both names end in NUL, and both descriptors are open.
                let rename = || unsafe {
                    answer(libc::renameat(directory.as_raw_fd(), name.as_ptr(), top.as_raw_fd(), new.as_ptr()))
                };
                rename().or_else(|error| {
                    free(directory, name, &error)?;
                    rename()
                })?;
                break;
            }
        }
    }
}

fn answer(number: c_int) -> io::Result<()> {
    if number < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn open(directory: RawFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name ends in NUL; nobody else knows the descriptor.
    unsafe {
        let opened = libc::openat(directory, name.as_ptr(), flags);
        answer(opened)?;
        Ok(OwnedFd::from_raw_fd(opened))
    }
}

/// Opens a directory in which everything can be removed.
fn enter(directory: RawFd, name: &CStr) -> io::Result<OwnedFd> {
    let opened = open(directory, name).or_else(|error| {
        if error.kind() != io::ErrorKind::PermissionDenied || !is_directory(directory, name)? {
            return Err(error);
        }
        // SAFETY: the name ends in NUL. It is a directory, so there is no link to follow; not every system can be told.
        unsafe { answer(libc::fchmodat(directory, name.as_ptr(), 0o700, 0))? };
        open(directory, name)
    })?;
    if facts_of(&opened)?.st_mode & 0o700 != 0o700 {
        // SAFETY: an open descriptor.
        let allow = || unsafe { answer(libc::fchmod(opened.as_raw_fd(), 0o700)) };
        if allow().is_err() {
            clear_flags(&opened);
            allow()?;
        }
    }
    Ok(opened)
}

fn facts_of(file: &OwnedFd) -> io::Result<libc::stat> {
    // SAFETY: the kernel fills a plain structure.
    unsafe {
        let mut facts: libc::stat = mem::zeroed();
        answer(libc::fstat(file.as_raw_fd(), &raw mut facts))?;
        Ok(facts)
    }
}

fn mode(directory: RawFd, name: &CStr) -> io::Result<libc::mode_t> {
    // SAFETY: the name ends in NUL; the kernel fills a plain structure.
    unsafe {
        let mut facts: libc::stat = mem::zeroed();
        answer(libc::fstatat(directory, name.as_ptr(), &raw mut facts, libc::AT_SYMLINK_NOFOLLOW))?;
        Ok(facts.st_mode & libc::S_IFMT)
    }
}

fn is_directory(directory: RawFd, name: &CStr) -> io::Result<bool> {
    Ok(mode(directory, name)? == libc::S_IFDIR)
}

fn exists(directory: RawFd, name: &CStr) -> bool {
    mode(directory, name).is_ok()
}

/// Removes an entry.
fn unlink(directory: &OwnedFd, name: &CStr, flags: c_int) -> io::Result<()> {
    // SAFETY: the name ends in NUL, and the descriptor is open.
    let unlink = || unsafe { answer(libc::unlinkat(directory.as_raw_fd(), name.as_ptr(), flags)) };
    unlink().or_else(|error| {
        free(directory, name, &error)?;
        unlink()
    })
}

/// Takes the flags away that keep an entry from being removed, if it is those.
fn free(directory: &OwnedFd, name: &CStr, error: &io::Error) -> io::Result<()> {
    if !matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES)) {
        return Err(io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(libc::EIO)));
    }
    clear_flags(directory);
    let kind = mode(directory.as_raw_fd(), name)?;
    if kind == libc::S_IFREG || kind == libc::S_IFDIR {
        let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: the name ends in NUL; nobody else knows the descriptor.
        unsafe {
            let opened = libc::openat(directory.as_raw_fd(), name.as_ptr(), flags);
            if opened >= 0 {
                clear_flags(&OwnedFd::from_raw_fd(opened));
            }
        }
    }
    Ok(())
}

/// Immutable and append-only. Only root may, and only some file systems know them; whether it helped is seen afterwards.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn clear_flags(file: &OwnedFd) {
    /// `FS_IMMUTABLE_FL` and `FS_APPEND_FL`.
    const KEEPING: c_int = 0x10 | 0x20;
    // SAFETY: the kernel reads and writes a number.
    unsafe {
        let mut flags: c_int = 0;
        if libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETFLAGS as _, &raw mut flags) == 0 && flags & KEEPING != 0 {
            flags &= !KEEPING;
            libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS as _, &raw const flags);
        }
    }
}

/// Immutable and append-only.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn clear_flags(file: &OwnedFd) {
    // SAFETY: an open descriptor and a number.
    unsafe { libc::fchflags(file.as_raw_fd(), 0) };
}

/// Names of entries, some of them if there are many.
fn some_names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    // SAFETY: the stream owns a descriptor of its own and is closed; a name that it gives ends in NUL and is copied.
    unsafe {
        let own =
            libc::openat(directory.as_raw_fd(), c".".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
        answer(own)?;
        let own = OwnedFd::from_raw_fd(own);
        let stream = libc::fdopendir(own.as_raw_fd());
        if stream.is_null() {
            return Err(io::Error::last_os_error());
        }
        let _ = own.into_raw_fd();
        let mut names = Vec::new();
        while names.len() < BATCH {
            let entry = libc::readdir(stream);
            if entry.is_null() {
                break;
            }
            let name = CStr::from_ptr((&raw const (*entry).d_name).cast());
            if name != c"." && name != c".." {
                names.push(name.to_owned());
            }
        }
        libc::closedir(stream);
        Ok(names)
    }
}

/// Locks a file for the process until it is closed. `false` if somebody else has locked it.
pub(crate) fn lock(file: &File) -> io::Result<bool> {
    // SAFETY: an open descriptor.
    match unsafe { answer(libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB)) } {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_resists_is_removed_and_nothing_else() {
        let outer = tempfile::tempdir().expect("a directory");
        let (kept, gone) = (outer.path().join("kept"), outer.path().join("gone"));
        fs::create_dir(&kept).expect("a directory");
        fs::write(kept.join("file"), "x").expect("a file");
        fs::create_dir_all(gone.join("closed/inner")).expect("directories");
        fs::write(gone.join("closed/inner/file"), "x").expect("a file");
        symlink(&kept, gone.join("link")).expect("a link");
        symlink(&kept, gone.join("closed/link")).expect("a link");
        fs::create_dir(gone.join("hookproof-moved-1")).expect("a directory");
        for name in (0..BATCH + 7).map(|number| format!("many-{number}")) {
            fs::write(gone.join(name), "").expect("a file");
        }
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("is ours");
        mode(&gone.join("closed/inner"), 0o000);
        mode(&gone.join("closed"), 0o500);
        mode(&gone, 0o000);
        remove_tree(&gone).expect("is removed");
        assert!(!gone.exists() && kept.join("file").exists());
        remove_tree(&gone).expect("was removed");
    }

    #[test]
    fn a_path_longer_than_the_system_takes_is_removed() {
        let outer = tempfile::tempdir().expect("a directory");
        let gone = outer.path().join("gone");
        fs::create_dir(&gone).expect("a directory");
        let name = CString::new("long".to_owned()).expect("no NUL");
        let mut at =
            open(libc::AT_FDCWD, &CString::new(gone.as_os_str().as_bytes()).expect("no NUL")).expect("is there");
        for _ in 0..1200 {
            // SAFETY: the name ends in NUL.
            unsafe { answer(libc::mkdirat(at.as_raw_fd(), name.as_ptr(), 0o700)).expect("room") };
            at = open(at.as_raw_fd(), &name).expect("is there");
        }
        drop(at);
        remove_tree(&gone).expect("is removed");
        assert!(!gone.exists());
    }

    /// Where this user and this file system can set it.
    #[test]
    #[cfg(target_os = "linux")]
    fn an_immutable_file_is_removed() {
        let outer = tempfile::tempdir().expect("a directory");
        let gone = outer.path().join("gone");
        fs::create_dir_all(gone.join("a")).expect("directories");
        fs::write(gone.join("a/file"), "x").expect("a file");
        for path in ["a/file", "a", ""].map(|path| gone.join(path)) {
            let file = File::open(path).expect("is there");
            let flags: c_int = 0x10;
            // SAFETY: the kernel reads a number.
            unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS as _, &raw const flags) };
        }
        remove_tree(&gone).expect("is removed");
        assert!(!gone.exists());
    }
}
