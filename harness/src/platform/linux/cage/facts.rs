#![allow(unsafe_code)]
//! Changes of modes, owners, times, extended attributes and flags, of which Landlock knows nothing.
//!
//! Were such a call let through, the kernel would read its path or its descriptor again, and another thread could have
//! exchanged either. So the harness reads all arguments once, takes hold of the file by a descriptor of its own, looks at
//! where that is, and changes what it holds, with no more capabilities than the program has.

use std::ffi::{CString, OsStr, c_int, c_long};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{mem, ptr};

use super::calls::{Follow, Place};
use super::judge::{Act, Question};
use super::listener::Answer;
use super::privileges;
use super::target::{Meaning, is_proc_there};

/// The longest value of an attribute (`XATTR_SIZE_MAX`).
const LONGEST_VALUE: u64 = 64 * 1024;
/// Structures that a newer kernel may make longer are taken up to this size, in bytes.
const LONGEST_STRUCTURE: u64 = 256;
/// `FS_IOC_SETFLAGS` in both sizes, whose argument is an `int` in both, and `FS_IOC_FSSETXATTR`.
const SET_FLAGS: [u32; 2] = [0x4008_6602, 0x4004_6602];
const SET_FLAGS_LONG: u32 = 0x401C_5820;
/// What `FS_IOC_FSSETXATTR` reads, in bytes.
const FLAGS_LONG: usize = 28;

/// A change, with all that belongs to it.
#[derive(Debug)]
enum Change {
    Mode(u32),
    /// `u32::MAX` leaves one as it is.
    Owner(u32, u32),
    /// `None` is now.
    Times(Option<[libc::timespec; 2]>),
    Attribute {
        name: CString,
        value: Vec<u8>,
        flags: c_int,
    },
    NoAttribute(CString),
    /// `struct file_attr`.
    FileAttributes(Vec<u8>),
    /// A request with what it reads.
    Request(u32, Vec<u8>),
}

/// What is changed.
enum Held {
    /// The program's own descriptor, as one of ours.
    Descriptor(OwnedFd),
    /// A path, opened without any right (`O_PATH`).
    Path(OwnedFd),
}

impl Held {
    fn number(&self) -> c_int {
        match self {
            Held::Descriptor(file) | Held::Path(file) => file.as_raw_fd(),
        }
    }
}

/// Reads the change that a call asks for, and takes hold of the file. `allows` says whether a path may be changed. What is
/// returned makes the change.
///
/// # Errors
/// What the call is to be answered.
pub(super) fn change(question: &Question<'_>, place: Place, allows: impl Fn(&Path) -> bool) -> Result<Act, c_int> {
    let change = arguments(question)?;
    let held = hold(question, place, &allows)?;
    Ok(Act::new(move || match privileges::with_those_of_programs(|| apply(&held, &change)) {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Fail(number(&error)),
    }))
}

fn number(error: &io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EACCES)
}

/// Reads what the call says beside the file.
fn arguments(question: &Question<'_>) -> Result<Change, c_int> {
    let given = question.arguments;
    let target = question.target;
    let of_memory = |error: io::Error| match error.raw_os_error() {
        Some(libc::ENAMETOOLONG) => libc::ERANGE,
        _ => libc::EFAULT,
    };
    let bytes = |at: u64, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        target.read(at, &mut bytes).map(|()| bytes).map_err(of_memory)
    };
    let name = |at: u64| {
        let name = target.read_text(at).map_err(of_memory)?;
        CString::new(name.as_bytes()).map_err(|_| libc::EINVAL)
    };
    let micro = |pairs: [i64; 4]| {
        let time = |second: i64, part: i64| match part {
            0..1_000_000 => Ok(libc::timespec { tv_sec: second, tv_nsec: part * 1000 }),
            _ => Err(libc::EINVAL),
        };
        Ok::<_, c_int>([time(pairs[0], pairs[1])?, time(pairs[2], pairs[3])?])
    };
    let pairs = |at: u64| target.read_value::<[i64; 4]>(at).map_err(of_memory);
    let attribute = |at: u64, value: u64, length: u64, flags: u64| {
        if length > LONGEST_VALUE {
            return Err(libc::E2BIG);
        }
        Ok(Change::Attribute { name: name(at)?, value: bytes(value, length)?, flags: flags as c_int })
    };
    let owner = |user: usize| {
        let [user, group] = [("uid_map", given[user]), ("gid_map", given[user + 1])]
            .map(|(map, id)| target.outer_id(map, id as u32).ok_or(libc::EINVAL));
        Ok(Change::Owner(user?, group?))
    };
    match question.call.name {
        "chmod" | "fchmod" => Ok(Change::Mode(given[1] as u32)),
        "fchmodat" | "fchmodat2" => Ok(Change::Mode(given[2] as u32)),
        "chown" | "lchown" | "fchown" => owner(1),
        "fchownat" => owner(2),
        "utime" if given[1] == 0 => Ok(Change::Times(None)),
        "utime" => {
            let [access, write] = target.read_value::<[i64; 2]>(given[1]).map_err(of_memory)?;
            micro([access, 0, write, 0]).map(|times| Change::Times(Some(times)))
        }
        "utimes" if given[1] == 0 => Ok(Change::Times(None)),
        "utimes" => micro(pairs(given[1])?).map(|times| Change::Times(Some(times))),
        "futimesat" if given[2] == 0 => Ok(Change::Times(None)),
        "futimesat" => micro(pairs(given[2])?).map(|times| Change::Times(Some(times))),
        "utimensat" if given[2] == 0 => Ok(Change::Times(None)),
        "utimensat" => {
            let [a, b, c, d] = pairs(given[2])?;
            let time = |tv_sec, tv_nsec| libc::timespec { tv_sec, tv_nsec };
            Ok(Change::Times(Some([time(a, b), time(c, d)])))
        }
        "setxattr" | "lsetxattr" | "fsetxattr" => attribute(given[1], given[2], given[3], given[4]),
        "removexattr" | "lremovexattr" | "fremovexattr" => name(given[1]).map(Change::NoAttribute),
        "setxattrat" => {
            // `struct xattr_args`: address, length, flags.
            let [value, rest] = target.read_value::<[u64; 2]>(given[4]).map_err(of_memory)?;
            if given[5] != 16 {
                return Err(if given[5] < 16 { libc::EINVAL } else { libc::E2BIG });
            }
            attribute(given[3], value, rest & 0xFFFF_FFFF, rest >> 32)
        }
        "removexattrat" => name(given[3]).map(Change::NoAttribute),
        "file_setattr" if given[3] > LONGEST_STRUCTURE => Err(libc::E2BIG),
        "file_setattr" => bytes(given[2], given[3]).map(Change::FileAttributes),
        "ioctl" => match given[1] as u32 {
            request if SET_FLAGS.contains(&request) => Ok(Change::Request(request, bytes(given[2], 4)?)),
            SET_FLAGS_LONG => Ok(Change::Request(SET_FLAGS_LONG, bytes(given[2], FLAGS_LONG as u64)?)),
            // Nobody knows what it reads.
            _ => Err(libc::ENOTTY),
        },
        _ => Err(libc::ENOSYS),
    }
}

/// Takes hold of what the call names, if it may be changed.
fn hold(question: &Question<'_>, place: Place, allows: &impl Fn(&Path) -> bool) -> Result<Held, c_int> {
    const EMPTY_PATH: c_int = libc::AT_EMPTY_PATH;
    let folder = place.dir.map_or(libc::AT_FDCWD, |argument| question.number(argument));
    let address = place.path.map_or(0, |argument| question.arguments[argument]);
    if address == 0 {
        return if place.dir.is_some() { descriptor(question, folder, allows) } else { Err(libc::EFAULT) };
    }
    let path = question.target.read_text(address).map_err(|error| match error.raw_os_error() {
        Some(libc::ENAMETOOLONG) => libc::ENAMETOOLONG,
        _ => libc::EFAULT,
    })?;
    let (flags, follow) = match place.follow {
        Follow::Unless(argument, flag) | Follow::If(argument, flag) => {
            let flags = question.number(argument);
            (flags, (flags & flag != 0) == matches!(place.follow, Follow::If(..)))
        }
        Follow::Always => (0, true),
        Follow::Never => (0, false),
    };
    if path.is_empty() {
        return match flags & EMPTY_PATH != 0 {
            true if folder == libc::AT_FDCWD => opened(question, folder, OsStr::new("."), follow, allows),
            true => descriptor(question, folder, allows),
            false => Err(libc::ENOENT),
        };
    }
    opened(question, folder, &path, follow, allows)
}

fn descriptor(question: &Question<'_>, number: c_int, allows: &impl Fn(&Path) -> bool) -> Result<Held, c_int> {
    let own = question.target.duplicate(number).map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF) => libc::EBADF,
        _ => libc::EACCES,
    })?;
    match std::fs::read_link(format!("/proc/self/fd/{}", own.as_raw_fd())) {
        // Such as a pipe.
        Ok(path) if !path.is_absolute() => {}
        Ok(path) if allows(&path) => {}
        // It has no name any more, or never had one.
        Ok(_) if facts(&own).is_ok_and(|facts| facts.st_nlink == 0) => {}
        Ok(_) => return Err(libc::EPERM),
        // Landlock lets nothing else be opened for writing.
        Err(_) if is_writable(&own) => {}
        Err(_) => return Err(libc::EACCES),
    }
    Ok(Held::Descriptor(own))
}

fn opened(
    question: &Question<'_>,
    folder: c_int,
    path: &OsStr,
    follow: bool,
    allows: &impl Fn(&Path) -> bool,
) -> Result<Held, c_int> {
    let path = match question.target.resolve(folder, path, follow) {
        Meaning::There { path, .. } => path,
        Meaning::Free { .. } | Meaning::Nothing => return Err(libc::ENOENT),
        Meaning::Unknown => return Err(libc::EACCES),
    };
    if !allows(&path) {
        return Err(libc::EPERM);
    }
    let name = question.target.our_name(&path);
    privileges::with_those_of_programs(|| without_links(&name)).map(Held::Path).map_err(|error| {
        match error.raw_os_error() {
            // It was exchanged for a link just now.
            Some(libc::ELOOP | libc::ENOTDIR) => libc::EACCES,
            _ => number(&error),
        }
    })
}

/// Opens a path that has no link in it. Whoever exchanges a part of it for a link is told so.
fn without_links(path: &Path) -> io::Result<OwnedFd> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path ends in NUL, and the structure is as long as is said; nobody else knows the descriptor.
    let opened = unsafe {
        let mut how: libc::open_how = mem::zeroed();
        how.flags = (libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC) as u64;
        how.resolve = libc::RESOLVE_NO_SYMLINKS;
        let (at, size) = (&raw const how, size_of::<libc::open_how>());
        match libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, name.as_ptr(), at, size) {
            ..0 => Err(io::Error::last_os_error()),
            number => Ok(OwnedFd::from_raw_fd(number as c_int)),
        }
    };
    match opened {
        // Before Linux 5.6, and where a container's filter does not know the call. Longer paths take several steps.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::ENAMETOOLONG)) => {
            step_by_step(path)
        }
        opened => opened,
    }
}

/// Opens a path that has no link in it, from the root directory on. Whoever exchanges a part of it for a link is told that
/// this is no directory.
fn step_by_step(path: &Path) -> io::Result<OwnedFd> {
    let open = |at: c_int, name: &OsStr, flags: c_int| {
        let name = CString::new(name.as_bytes())?;
        // SAFETY: the path ends in NUL; nobody else knows the descriptor.
        unsafe {
            let file = libc::openat(at, name.as_ptr(), flags | libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC);
            if file < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(file)) }
        }
    };
    let mut at = open(libc::AT_FDCWD, OsStr::new("/"), libc::O_DIRECTORY)?;
    let parts: Vec<PathBuf> = path.components().skip(1).map(|part| PathBuf::from(part.as_os_str())).collect();
    for (place, part) in parts.iter().enumerate() {
        let is_last = place + 1 == parts.len();
        at = open(at.as_raw_fd(), part.as_os_str(), if is_last { 0 } else { libc::O_DIRECTORY })?;
    }
    Ok(at)
}

fn facts(file: &OwnedFd) -> io::Result<libc::stat> {
    // SAFETY: the kernel fills a plain structure.
    unsafe {
        let mut facts: libc::stat = mem::zeroed();
        checked(libc::fstat(file.as_raw_fd(), &raw mut facts).into())?;
        Ok(facts)
    }
}

fn is_writable(file: &OwnedFd) -> bool {
    // SAFETY: asks about a descriptor.
    let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) };
    flags >= 0 && flags & libc::O_PATH == 0 && flags & libc::O_ACCMODE != libc::O_RDONLY
}

fn checked(answer: c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether the kernel does not know a call, or this form of it.
fn is_unknown(outcome: &io::Result<()>, numbers: &[c_int]) -> bool {
    let number = outcome.as_ref().err().and_then(io::Error::raw_os_error);
    number.is_some_and(|number| numbers.contains(&number))
}

/// Attributes of what is held by its path alone can be changed by the link in `/proc` only. Where there is none, it is as on a
/// file system without attributes.
fn by_link(outcome: io::Result<()>) -> io::Result<()> {
    match is_unknown(&outcome, &[libc::ENOENT]) && !is_proc_there() {
        true => Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP)),
        false => outcome,
    }
}

fn apply(held: &Held, change: &Change) -> io::Result<()> {
    let file = held.number();
    // Leads to the very file, links included, wherever it is called so by now.
    let link = CString::new(format!("/proc/self/fd/{file}"))?;
    let (link, empty, here) = (link.as_ptr(), c"".as_ptr(), libc::AT_FDCWD);
    let is_path = matches!(held, Held::Path(_));
    // SAFETY: all texts end in NUL and all structures are as long as is said; the descriptor is open.
    unsafe {
        match change {
            Change::Mode(mode) if !is_path => checked(libc::fchmod(file, *mode).into()),
            Change::Mode(mode) => {
                // Since Linux 6.6.
                let number = super::calls::FCHMODAT2;
                let outcome = checked(libc::syscall(number, file, empty, *mode, libc::AT_EMPTY_PATH));
                match is_unknown(&outcome, &[libc::ENOSYS]) {
                    true => checked(libc::chmod(link, *mode).into()),
                    false => outcome,
                }
            }
            Change::Owner(user, group) => {
                checked(libc::fchownat(file, empty, *user, *group, libc::AT_EMPTY_PATH).into())
            }
            Change::Times(times) => {
                let times = times.as_ref().map_or(ptr::null(), |times| times.as_ptr());
                if !is_path {
                    return checked(libc::futimens(file, times).into());
                }
                // Since Linux 5.8.
                let number = libc::SYS_utimensat;
                let outcome = checked(libc::syscall(number, file, empty, times, libc::AT_EMPTY_PATH));
                match is_unknown(&outcome, &[libc::EINVAL, libc::ENOENT]) {
                    true => checked(libc::utimensat(here, link, times, 0).into()),
                    false => outcome,
                }
            }
            Change::Attribute { name, value, flags } => {
                let (name, bytes, length) = (name.as_ptr(), value.as_ptr(), value.len());
                if !is_path {
                    return checked(libc::fsetxattr(file, name, bytes.cast(), length, *flags).into());
                }
                by_link(checked(libc::setxattr(link, name, bytes.cast(), length, *flags).into()))
            }
            Change::NoAttribute(name) => {
                if !is_path {
                    return checked(libc::fremovexattr(file, name.as_ptr()).into());
                }
                by_link(checked(libc::removexattr(link, name.as_ptr()).into()))
            }
            Change::FileAttributes(bytes) => {
                let number = super::calls::FILE_SETATTR;
                checked(libc::syscall(number, file, empty, bytes.as_ptr(), bytes.len(), libc::AT_EMPTY_PATH))
            }
            Change::Request(request, bytes) => {
                let mut room = [0_u64; 8];
                ptr::copy_nonoverlapping(bytes.as_ptr(), room.as_mut_ptr().cast(), bytes.len().min(size_of_val(&room)));
                checked(libc::ioctl(file, libc::c_ulong::from(*request), room.as_ptr()).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_path_is_opened_only_without_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("is there");
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        std::fs::write(root.join("a/b/file"), "x").expect("a file");
        symlink("a", root.join("link")).expect("a link");
        let inode = |path: &str| root.join(path).symlink_metadata().expect("is there").ino();
        for open in [without_links, step_by_step] {
            let of = |path: &str| open(&root.join(path)).and_then(|file| facts(&file)).map(|facts| facts.st_ino);
            assert_eq!(of("a/b/file").expect("is there"), inode("a/b/file"));
            assert_eq!(of("link").expect("the link itself"), inode("link"));
            for (path, errors) in [("link/b/file", [libc::ELOOP, libc::ENOTDIR]), ("a/no", [libc::ENOENT; 2])] {
                let error = of(path).expect_err("there is a link on the way, or nothing").raw_os_error();
                assert!(error.is_some_and(|error| errors.contains(&error)), "{path}: {error:?}");
            }
        }
    }
}
