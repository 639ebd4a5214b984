//! What attempts are made at.

use std::ffi::CString;
use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::ptr;

use tempfile::{NamedTempFile, TempDir};

use super::is_own;

/// Files, a socket and a terminal outside, and what exists of all that is not in a directory.
pub(super) struct Canaries {
    folder: TempDir,
    _socket: UnixListener,
    /// Master and slave. The terminal controls no session.
    master: OwnedFd,
    _slave: OwnedFd,
    terminal: PathBuf,
    /// In `/dev/shm`.
    shared_file: Option<NamedTempFile>,
    /// Of System V.
    shared_memory: SharedMemory,
    objects: Vec<String>,
}

impl Canaries {
    pub(super) fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let outside = folder.path().join("outside");
        fs::create_dir(folder.path().join("inside"))?;
        fs::create_dir(&outside)?;
        fs::create_dir(outside.join("directory"))?;
        fs::write(outside.join("file"), "before")?;
        fs::set_permissions(outside.join("file"), fs::Permissions::from_mode(0o640))?;
        let socket = UnixListener::bind(outside.join("socket"))?;
        let (master, slave, terminal) = terminal()?;
        let shared_file = NamedTempFile::new_in("/dev/shm").ok();
        let shared_memory = SharedMemory::new()?;
        let objects = objects();
        Ok(Canaries { folder, _socket: socket, master, _slave: slave, terminal, shared_file, shared_memory, objects })
    }

    /// May be written.
    pub(super) fn inside(&self) -> PathBuf {
        self.folder.path().join("inside")
    }

    /// May not.
    pub(super) fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    pub(super) fn terminal(&self) -> &Path {
        &self.terminal
    }

    pub(super) fn shared_file(&self) -> &Path {
        self.shared_file.as_ref().map_or(Path::new("/dev/shm/none"), NamedTempFile::path)
    }

    pub(super) fn shared_memory(&self) -> i32 {
        self.shared_memory.0
    }

    /// All that could change outside.
    pub(super) fn state(&self) -> Vec<String> {
        let mut state: Vec<String> = fs::read_dir(self.outside())
            .expect("a directory")
            .flatten()
            .map(|entry| {
                let facts = entry.metadata().expect("is there");
                let content = if facts.is_file() { fs::read(entry.path()).unwrap_or_default() } else { Vec::new() };
                let content = String::from_utf8_lossy(&content).into_owned();
                let name = entry.file_name();
                format!("{name:?} {:o} {} {} {content}", facts.mode(), facts.uid(), facts.mtime())
            })
            .collect();
        state.sort();
        state.push(format!("{:?}", self.shared_file.as_ref().map(|file| fs::read(file.path()).ok())));
        state.push(format!("{}", self.shared_memory.first_byte()));
        let mut waiting: libc::c_int = 0;
        // SAFETY: the kernel writes a number, and fills plain structures.
        unsafe {
            libc::ioctl(self.master.as_raw_fd(), libc::FIONREAD, &raw mut waiting);
            let mut modes: libc::termios = mem::zeroed();
            libc::tcgetattr(self.master.as_raw_fd(), &raw mut modes);
            state.push(format!("terminal {waiting} {:o} {:o}", modes.c_lflag, modes.c_iflag));
            let mut name: libc::utsname = mem::zeroed();
            libc::uname(&raw mut name);
            state.push(format!("{:?}", name.nodename.map(libc::c_char::cast_unsigned)));
        }
        state
    }

    /// Something that exists now and did not before.
    pub(super) fn left_behind(&self) -> Option<String> {
        let name = queue(&self.inside());
        // SAFETY: the name ends in NUL.
        if unsafe { libc::mq_unlink(name.as_ptr()) } == 0 {
            return Some(format!("the queue {name:?}"));
        }
        objects().into_iter().find(|object| !self.objects.contains(object))
    }
}

/// A page, gone when the value is dropped.
struct SharedMemory(i32);

impl SharedMemory {
    fn new() -> io::Result<Self> {
        // SAFETY: numbers.
        let number = unsafe { libc::shmget(libc::IPC_PRIVATE, 4096, libc::IPC_CREAT | 0o600) };
        if number < 0 { Err(io::Error::last_os_error()) } else { Ok(SharedMemory(number)) }
    }

    /// -1 if it is gone.
    fn first_byte(&self) -> i32 {
        // SAFETY: the page is as long as it was made, and nobody holds a reference to it.
        unsafe {
            let memory = libc::shmat(self.0, ptr::null(), libc::SHM_RDONLY).cast::<u8>();
            if memory.addr() == usize::MAX {
                return -1;
            }
            let byte = memory.read_volatile();
            libc::shmdt(memory.cast());
            byte.into()
        }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: a number.
        unsafe { libc::shmctl(self.0, libc::IPC_RMID, ptr::null_mut()) };
    }
}

/// The name of the queue that an attempt makes, by the directory that it may write.
pub(super) fn queue(inside: &Path) -> CString {
    let canaries = inside.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    CString::new(format!("/hookproof-escape{canaries}")).expect("no NUL")
}

/// Objects that are in no directory of ours.
fn objects() -> Vec<String> {
    let mut all = Vec::new();
    for place in ["/dev/shm", "/dev/mqueue"] {
        let entries = fs::read_dir(place).into_iter().flatten().flatten();
        all.extend(
            entries.map(|entry| entry.path()).filter(|path| is_own(path)).map(|path| path.display().to_string()),
        );
    }
    for kind in ["shm", "sem", "msg"] {
        let list = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let identity =
            |line: &str| line.split_ascii_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ");
        all.extend(list.lines().skip(1).map(|line| format!("{kind} {}", identity(line))));
    }
    all
}

fn terminal() -> io::Result<(OwnedFd, OwnedFd, PathBuf)> {
    let (mut master, mut slave) = (-1, -1);
    let mut name = [0_u8; 64];
    // SAFETY: the call fills both numbers; the name has room for any that the system gives.
    unsafe {
        if libc::openpty(&raw mut master, &raw mut slave, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
        libc::ptsname_r(master, name.as_mut_ptr().cast(), name.len());
        for descriptor in [master, slave] {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        let name: String = name.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        Ok((OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave), name.into()))
    }
}
