//! What root may do and others may not, and what belongs to other processes.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::{mem, ptr};

use super::super::{SECRET, answer, here, there};
use super::text;

/// Succeeds if there is any.
pub(super) fn keep_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header(u32, i32);
    let mut header = Header(0x2008_0522, 0);
    let mut sets = [[0_u32; 3]; 2];
    // SAFETY: the kernel fills two sets of three numbers for this version.
    unsafe { answer(libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) as i32)? };
    // Root may open and execute what it may without a sandbox. What it may not write is not a matter of capabilities.
    const OF_FILES: u32 = 1 << 1 | 1 << 2;
    sets[0].iter_mut().for_each(|set| *set &= !OF_FILES);
    if sets == [[0; 3]; 2] { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

pub(super) fn device_of_characters() -> io::Result<()> {
    // As /dev/null.
    // SAFETY: the path ends in NUL.
    unsafe { answer(libc::mknod(text(&here().join("node")).as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(1, 3))) }
}

pub(super) fn device_of_blocks() -> io::Result<()> {
    // Reserved for examples.
    // SAFETY: the path ends in NUL.
    unsafe { answer(libc::mknod(text(&here().join("node")).as_ptr(), libc::S_IFBLK | 0o666, libc::makedev(240, 7))) }
}

/// The same name as before.
pub(super) fn host_name() -> io::Result<()> {
    // SAFETY: the kernel fills the structure and reads as much of it as is said.
    unsafe {
        let mut name: libc::utsname = mem::zeroed();
        libc::uname(&raw mut name);
        answer(libc::sethostname(name.nodename.as_ptr(), libc::strlen(name.nodename.as_ptr())))
    }
}

/// The same flags as before.
pub(super) fn network_interface() -> io::Result<()> {
    // SAFETY: the kernel reads and fills the structure.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        answer(socket)?;
        let mut request: libc::ifreq = mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        // Without an interface there is nothing to be refused.
        if libc::ioctl(socket, libc::SIOCGIFFLAGS, &raw mut request) < 0 {
            return Err(io::Error::last_os_error());
        }
        answer(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request))
    }
}

pub(super) fn root_directory() -> io::Result<()> {
    // SAFETY: the path ends in NUL.
    unsafe { answer(libc::chroot(text(&here()).as_ptr())) }
}

pub(super) fn mount() -> io::Result<()> {
    // SAFETY: all texts end in NUL.
    unsafe { answer(libc::mount(c"x".as_ptr(), text(&here()).as_ptr(), c"tmpfs".as_ptr(), 0, ptr::null())) }
}

pub(super) fn mount_in_own_namespace() -> io::Result<()> {
    // SAFETY: a number.
    unsafe { answer(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS))? };
    mount()
}

/// Whoever is it already tries for another one.
pub(super) fn other_user() -> io::Result<()> {
    // SAFETY: numbers.
    unsafe { answer(libc::setuid(if libc::getuid() == 1 { 2 } else { 1 })) }
}

pub(super) fn immutable_file() -> io::Result<()> {
    const IMMUTABLE: libc::c_int = 0x10;
    let file = File::create(here().join("file"))?;
    // SAFETY: the kernel reads and writes a number.
    unsafe {
        let mut flags: libc::c_int = 0;
        answer(libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut flags))?;
        flags |= IMMUTABLE;
        answer(libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const flags))
    }
}

/// No module at all.
pub(super) fn kernel_module() -> io::Result<()> {
    // SAFETY: the kernel would read one byte.
    let given = unsafe { libc::syscall(libc::SYS_init_module, c"x".as_ptr(), 1, c"".as_ptr()) };
    match io::Error::last_os_error() {
        // Whoever may not is told so before anything is read.
        error if given < 0 && matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS | libc::EACCES)) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

fn parents() -> Vec<i32> {
    let mut all = Vec::new();
    // SAFETY: answers with a number.
    let mut next = unsafe { libc::getppid() };
    while next > 0 && all.len() < 32 {
        all.push(next);
        let stat = fs::read_to_string(format!("/proc/{next}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok());
        next = parent.unwrap_or(0);
    }
    all
}

fn denied() -> io::Result<()> {
    Err(io::ErrorKind::PermissionDenied.into())
}

pub(super) fn variables_of_parents() -> io::Result<()> {
    let secret = |pid: &i32| {
        let all = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        all.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
    };
    if parents().iter().any(secret) { Ok(()) } else { denied() }
}

pub(super) fn memory_of_parents() -> io::Result<()> {
    let opens = |pid: &i32| File::open(format!("/proc/{pid}/mem")).is_ok();
    if parents().iter().any(opens) { Ok(()) } else { denied() }
}

pub(super) fn descriptors_of_parents() -> io::Result<()> {
    // Their numbers are no secret.
    let opens = |path: &String| File::open(path).is_ok() || fs::read_link(path).is_ok();
    let reaches = |pid: &i32| (0..8).map(|number| format!("/proc/{pid}/fd/{number}")).any(|path| opens(&path));
    if parents().iter().any(reaches) { Ok(()) } else { denied() }
}

pub(super) fn trace_parents() -> io::Result<()> {
    // SAFETY: numbers; who is traced goes on.
    let traces = |pid: &i32| unsafe { libc::ptrace(libc::PTRACE_SEIZE, *pid, 0, 0) == 0 };
    if parents().iter().any(traces) { Ok(()) } else { denied() }
}

pub(super) fn outside_file() -> io::Result<()> {
    fs::write(there().join("file"), "after")
}

/// What a hook does with its own files, as whoever it is.
pub(super) fn own_files() -> io::Result<()> {
    let path = |name: &str| here().join(name);
    fs::create_dir_all(path("a/b"))?;
    fs::write(path("a/b/file"), "one")?;
    OpenOptions::new().append(true).open(path("a/b/file"))?;
    symlink("b/file", path("a/link"))?;
    fs::hard_link(path("a/b/file"), path("a/other"))?;
    fs::rename(path("a/other"), path("other"))?;
    let owner = fs::metadata(path("other"))?.uid();
    // SAFETY: answers with a number.
    if owner != unsafe { libc::geteuid() } {
        return Err(io::Error::other("somebody else's file"));
    }
    // SAFETY: the path ends in NUL.
    unsafe { answer(libc::chmod(text(&path("other")).as_ptr(), 0o700))? };
    fs::remove_file(path("other"))
}

/// Every way to change modes, owners, times and attributes of own files: by name, through a link, the link itself, by
/// descriptor, and of what has no name. Each has to come to what it comes to without a sandbox.
pub(super) fn own_facts() -> io::Result<()> {
    let errno = || io::Error::last_os_error().raw_os_error();
    let wrong = |what: &str| Err(io::Error::other(format!("{what} has not come to what it should")));
    let (path, link) = (here().join("facts"), here().join("facts-link"));
    let file = File::create(&path)?;
    symlink("facts", &link)?;
    let (name, link_name, here_name) = (text(&path), text(&link), libc::AT_FDCWD);
    let mode = || fs::metadata(&path).map(|facts| facts.mode() & 0o777);
    let times = || fs::metadata(&path).map(|facts| (facts.atime(), facts.mtime(), facts.mtime_nsec()));
    let (own, group) = (fs::metadata(&path)?.uid(), fs::metadata(&path)?.gid());
    // SAFETY: all texts end in NUL, and all structures live until the call returns.
    unsafe {
        answer(libc::chmod(link_name.as_ptr(), 0o604))?;
        if mode()? != 0o604 {
            return wrong("chmod");
        }
        answer(libc::fchmod(file.as_raw_fd(), 0o640))?;
        answer(libc::chown(link_name.as_ptr(), own, group))?;
        answer(libc::lchown(link_name.as_ptr(), own, u32::MAX))?;
        answer(libc::fchown(file.as_raw_fd(), u32::MAX, group))?;
        if mode()? != 0o640 {
            return wrong("fchmod");
        }
        let at = |second| libc::timespec { tv_sec: second, tv_nsec: 5 };
        let omitted = libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT };
        answer(libc::utimensat(here_name, link_name.as_ptr(), [at(1), at(2)].as_ptr(), 0))?;
        answer(libc::utimensat(here_name, link_name.as_ptr(), [at(3), at(4)].as_ptr(), libc::AT_SYMLINK_NOFOLLOW))?;
        if times()? != (1, 2, 5) || fs::symlink_metadata(&link)?.mtime() != 4 {
            return wrong("utimensat");
        }
        answer(libc::futimens(file.as_raw_fd(), [omitted, at(7)].as_ptr()))?;
        if times()? != (1, 7, 5) {
            return wrong("futimens");
        }
        let old = [libc::timeval { tv_sec: 8, tv_usec: 1 }, libc::timeval { tv_sec: 9, tv_usec: 1 }];
        answer(libc::utimes(name.as_ptr(), old.as_ptr()))?;
        if times()? != (8, 9, 1000) {
            return wrong("utimes");
        }
        answer(libc::utimensat(here_name, name.as_ptr(), ptr::null(), 0))?;
        if times()?.0 < 1000 {
            return wrong("the present time");
        }
        let (key, mut value) = (c"user.hookproof", [0_u8; 4]);
        // Not every file system has attributes.
        if libc::setxattr(link_name.as_ptr(), key.as_ptr(), b"one".as_ptr().cast(), 3, 0) == 0 {
            answer(libc::fsetxattr(file.as_raw_fd(), key.as_ptr(), b"two".as_ptr().cast(), 3, libc::XATTR_REPLACE))?;
            libc::getxattr(name.as_ptr(), key.as_ptr(), value.as_mut_ptr().cast(), 4);
            if &value != b"two\0" {
                return wrong("fsetxattr");
            }
            answer(libc::removexattr(name.as_ptr(), key.as_ptr()))?;
            if libc::fremovexattr(file.as_raw_fd(), key.as_ptr()) == 0 {
                return wrong("removexattr");
            }
        } else if errno() != Some(libc::EOPNOTSUPP) {
            return Err(io::Error::last_os_error());
        }
        for path in [text(&here().join("no-such-file")), CString::default()] {
            if libc::chmod(path.as_ptr(), 0o600) == 0 || errno() != Some(libc::ENOENT) {
                return wrong("a file that is not there");
            }
        }
        if libc::fchmod(77, 0o600) == 0 || errno() != Some(libc::EBADF) {
            return wrong("a descriptor that is not open");
        }
        let nowhere = ptr::without_provenance::<libc::c_char>(8);
        if libc::chmod(nowhere, 0o600) == 0 || errno() != Some(libc::EFAULT) {
            return wrong("an address where nothing is");
        }
        let mut pipe = [0; 2];
        answer(libc::pipe(pipe.as_mut_ptr()))?;
        answer(libc::fchmod(pipe[1], 0o600))
    }
}
