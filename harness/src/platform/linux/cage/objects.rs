#![allow(unsafe_code)]
//! What a program makes that is in no directory of its run: files in `/dev/shm`, shared memory, semaphores and messages of
//! System V. It may have them while it runs; what is left then is removed, and told. Those of others are closed to it, and so are
//! message queues, which Landlock would let it make but not use.
//!
//! Objects of System V are made by the harness in the program's place, since only who makes one knows its number.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr;

use super::permission::own_user;
use crate::platform::remove_tree;

/// Where shared memory and semaphores of POSIX are.
pub(super) const SHARED_MEMORY: &str = "/dev/shm";
/// Objects that are remembered; no program is given more.
const MOST: usize = 1024;

/// Objects of System V.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Memory,
    Semaphores,
    Messages,
}

impl Kind {
    /// The commands of `shmctl`, `semctl` and `msgctl` that change an object.
    fn changing(self) -> &'static [c_int] {
        /// From linux/shm.h and linux/sem.h.
        const SHM_LOCK: c_int = 11;
        const SHM_UNLOCK: c_int = 12;
        const SETVAL: c_int = 16;
        const SETALL: c_int = 17;
        match self {
            Kind::Memory => &[libc::IPC_RMID, libc::IPC_SET, SHM_LOCK, SHM_UNLOCK],
            Kind::Semaphores => &[libc::IPC_RMID, libc::IPC_SET, SETVAL, SETALL],
            Kind::Messages => &[libc::IPC_RMID, libc::IPC_SET],
        }
    }

    /// Whether such a command only asks.
    pub(super) fn only_asks(self, command: c_int) -> bool {
        /// The form of the structures, which is the same on 64-bit systems.
        const IPC_64: c_int = 0x100;
        !self.changing().contains(&(command & !IPC_64))
    }

    /// For people.
    pub(super) fn name(self, number: c_int) -> String {
        match self {
            Kind::Memory => format!("shared memory {number} (System V)"),
            Kind::Semaphores => format!("semaphores {number} (System V)"),
            Kind::Messages => format!("messages {number} (System V)"),
        }
    }
}

/// What a program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Object {
    /// A key, a size in bytes, and flags.
    Memory(c_int, usize, c_int),
    /// A key, a number of semaphores, and flags.
    Semaphores(c_int, c_int, c_int),
    /// A key and flags.
    Messages(c_int, c_int),
}

/// Something that a run has made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    File(PathBuf),
    Number(Kind, c_int),
}

/// Who has made something, and by which call.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    pub(super) process: i32,
    pub(super) program: String,
    pub(super) call: &'static str,
}

/// What is left of it.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) what: String,
    pub(super) maker: Maker,
    /// Whether it could be removed.
    pub(super) removed: io::Result<()>,
}

/// What a run has made.
#[derive(Debug, Default)]
pub(super) struct Objects(BTreeMap<Made, Maker>);

impl Objects {
    fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// Whether an entry of `/dev/shm` is the run's own: made by it, or in a directory that it has made.
    pub(super) fn has(&self, path: &Path) -> bool {
        path.ancestors().any(|path| self.0.contains_key(&Made::File(path.to_owned())))
    }

    /// Remembers an entry of `/dev/shm` that is about to be made.
    pub(super) fn note_file(&mut self, path: &Path, maker: Maker) -> io::Result<()> {
        if self.is_full() {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        self.0.insert(Made::File(path.to_owned()), maker);
        Ok(())
    }

    /// Whether an object was made by the run.
    pub(super) fn owns(&self, kind: Kind, number: c_int) -> bool {
        self.0.contains_key(&Made::Number(kind, number))
    }

    /// Finds an object, or makes it. Returns its number.
    ///
    /// # Errors
    /// What the system answers.
    pub(super) fn get(&mut self, object: &Object, maker: impl FnOnce() -> Maker) -> io::Result<c_int> {
        let full = self.is_full();
        let number = |flags: c_int| {
            // SAFETY: numbers only.
            let number = unsafe {
                match *object {
                    Object::Memory(key, size, _) => libc::shmget(key, size, flags),
                    Object::Semaphores(key, count, _) => libc::semget(key, count, flags),
                    Object::Messages(key, _) => libc::msgget(key, flags),
                }
            };
            if number < 0 { Err(io::Error::last_os_error()) } else { Ok(number) }
        };
        let (key, flags) = match *object {
            Object::Memory(key, _, flags) | Object::Semaphores(key, _, flags) | Object::Messages(key, flags) => {
                (key, flags)
            }
        };
        let found =
            if key == libc::IPC_PRIVATE { None } else { Some(number(flags & !(libc::IPC_CREAT | libc::IPC_EXCL))) };
        let exclusive = flags & libc::IPC_EXCL != 0;
        match found {
            Some(Ok(_)) if flags & libc::IPC_CREAT != 0 && exclusive => Err(io::Error::from_raw_os_error(libc::EEXIST)),
            Some(Ok(known)) => Ok(known),
            Some(Err(error)) if error.raw_os_error() != Some(libc::ENOENT) || flags & libc::IPC_CREAT == 0 => {
                Err(error)
            }
            _ if full => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            _ => {
                let made = number(flags | libc::IPC_CREAT | libc::IPC_EXCL)?;
                let kind = match object {
                    Object::Memory(..) => Kind::Memory,
                    Object::Semaphores(..) => Kind::Semaphores,
                    Object::Messages(..) => Kind::Messages,
                };
                self.0.insert(Made::Number(kind, made), maker());
                Ok(made)
            }
        }
    }

    /// Removes what is still there.
    pub(super) fn remove(&mut self) -> Vec<Left> {
        // What is in a directory comes before it.
        let made = std::mem::take(&mut self.0).into_iter().rev();
        made.filter_map(|(made, maker)| {
            let (what, removed) = match made {
                Made::File(path) => (path.display().to_string(), remove_file(&path)?),
                Made::Number(kind, number) => (kind.name(number), remove_number(kind, number)?),
            };
            Some(Left { what, maker, removed })
        })
        .collect()
    }
}

/// `None` if it is gone, or somebody else's.
fn remove_file(path: &Path) -> Option<io::Result<()>> {
    let facts = path.symlink_metadata().ok().filter(|facts| facts.uid() == own_user())?;
    Some(if facts.is_dir() { remove_tree(path) } else { fs::remove_file(path) })
}

/// `None` if it is gone. A number that a run was given is never given again.
fn remove_number(kind: Kind, number: c_int) -> Option<io::Result<()>> {
    // SAFETY: numbers; nothing is read or written.
    let removed = unsafe {
        match kind {
            Kind::Memory => libc::shmctl(number, libc::IPC_RMID, ptr::null_mut()),
            Kind::Semaphores => libc::semctl(number, 0, libc::IPC_RMID),
            Kind::Messages => libc::msgctl(number, libc::IPC_RMID, ptr::null_mut()),
        }
    };
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        _ if removed >= 0 => Some(Ok(())),
        Some(libc::EINVAL | libc::EIDRM) => None,
        _ => Some(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker() -> Maker {
        Maker { process: 1, program: "x".into(), call: "msgget" }
    }

    #[test]
    fn what_is_made_is_found_again_and_removed() {
        let mut objects = Objects::default();
        let key = std::process::id().cast_signed() | 0x2000_0000;
        let messages = |flags| Object::Messages(key, flags);
        let error = objects.get(&messages(0o600), maker).expect_err("nobody has made it");
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let made = objects.get(&messages(0o600 | libc::IPC_CREAT), maker).expect("room for a queue");
        assert_eq!(objects.get(&messages(0o600 | libc::IPC_CREAT), maker).expect("is there"), made);
        let error =
            objects.get(&messages(0o600 | libc::IPC_CREAT | libc::IPC_EXCL), maker).expect_err("is there already");
        assert_eq!(error.raw_os_error(), Some(libc::EEXIST));
        objects.get(&Object::Memory(libc::IPC_PRIVATE, 4096, 0o600), maker).expect("room for a page");
        assert_eq!(objects.remove().iter().filter(|left| left.removed.is_ok()).count(), 2);
        assert!(objects.get(&messages(0o600), maker).is_err() && objects.remove().is_empty());
    }
}
