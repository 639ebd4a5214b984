//! The lock of whoever builds: a file that is made or not made, with its owner in it.
//!
//! * It is made with `create_new`, so only one process makes it. The owner keeps a hold on the open file, which ends with
//!   the process however it ends.
//! * It is stale if it is older than its limit *and* its owner is dead, by number and start; or if nobody can tell the
//!   owner and it is older than its limit.
//! * A stale lock is taken over by whoever gets the hold on it, by a rename to a name of its own and a look at what was
//!   renamed. Looking and removing would remove the successor's lock if that one was faster.
//! * Only its owner removes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Seconds;
use super::folder::{self, StateFolder, remove};
use crate::platform;

/// What is read of a lock at most.
const LONGEST: u64 = 4 * 1024;
/// How often it is tried where others take the same stale lock at the same moment.
const TRIES: u32 = 12;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(3);

/// What stands in a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    pid: u32,
    /// What tells the process from others with its number.
    start: String,
    since: Seconds,
}

/// A lock that this process owns. It is given back when the value is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    owner: Owner,
    /// The hold.
    file: Option<File>,
}

/// What came of trying to get the lock.
#[derive(Debug)]
pub(crate) enum Acquired {
    /// It is ours.
    Ours(Lock),
    /// It is somebody else's.
    Busy,
}

/// What is seen of a lock from outside.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    owner: Option<Owner>,
    modified: Option<Seconds>,
    is_file: bool,
}

/// What came of a look at a lock that is in the way.
enum Look {
    /// It was stale, and has been taken away.
    Cleared,
    /// It is to be left alone.
    Fresh,
    /// Somebody else was at it: look again.
    Again,
}

impl Lock {
    /// Gets the lock, taking over a stale one; `limit` is the age at which a lock can be stale.
    ///
    /// # Errors
    ///
    /// Returns the system's error if no lock can be made in the folder.
    pub(crate) fn acquire(state: &StateFolder, limit: Duration) -> io::Result<Acquired> {
        let path = state.lock();
        for attempt in 1..=TRIES {
            match Self::create(&path) {
                Ok(lock) => return Ok(Acquired::Ours(lock)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match clear(&path, state, limit) {
                    Ok(Look::Cleared) => continue,
                    Ok(Look::Fresh) => return Ok(Acquired::Busy),
                    Ok(Look::Again) => {}
                    // A lock that may not even be looked at is somebody's.
                    Err(_) if attempt == TRIES => return Ok(Acquired::Busy),
                    Err(_) => {}
                },
                // Windows refuses for a moment to make what was just removed.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied && attempt < TRIES => {}
                Err(error) => return Err(error),
            }
            thread::sleep(PAUSE);
        }
        Ok(Acquired::Busy)
    }

    fn create(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).read(true).create_new(true).open(path)?;
        // Where a file system knows no holds, number and start have to do.
        let _ = platform::try_hold(&file);
        let pid = std::process::id();
        let start = platform::identity(pid).unwrap_or_default();
        let owner = Owner { pid, start, since: Seconds::now() };
        let text = serde_json::to_string(&owner).map_err(io::Error::other)? + "\n";
        if let Err(error) = file.write_all(text.as_bytes()) {
            // Nobody else takes a lock for theirs that was made a moment ago.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        Ok(Self { path: path.to_owned(), owner, file: Some(file) })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Under the hold nobody can take it over between the look and the removal.
        if Seen::at(&self.path).is_ok_and(|seen| seen.owner.as_ref() == Some(&self.owner)) {
            let _ = fs::remove_file(&self.path);
        }
        drop(self.file.take());
    }
}

impl Seen {
    fn at(path: &Path) -> io::Result<Self> {
        let metadata = path.symlink_metadata()?;
        let mut text = String::new();
        if metadata.is_file() {
            // What is no text names no owner.
            let _ = File::open(path)?.take(LONGEST).read_to_string(&mut text);
        }
        Ok(Self {
            owner: serde_json::from_str(&text).ok(),
            modified: folder::modified(&metadata),
            is_file: metadata.is_file(),
        })
    }

    fn is_stale(&self, limit: Duration, now: Seconds) -> bool {
        // A time that cannot have been says nothing, and must not lock out until it comes.
        let is_old = |since: Seconds| since.age(now).is_none_or(|age| age >= limit);
        match &self.owner {
            Some(owner) => is_old(owner.since) && !owner.lives(),
            None => self.modified.is_none_or(is_old),
        }
    }
}

impl Owner {
    fn lives(&self) -> bool {
        platform::identity(self.pid).is_some_and(|identity| identity == self.start)
    }
}

/// Looks at the lock that is in the way, and takes it away if it is stale.
fn clear(path: &Path, state: &StateFolder, limit: Duration) -> io::Result<Look> {
    let seen = match Seen::at(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Again),
        other => other?,
    };
    if !seen.is_stale(limit, Seconds::now()) {
        return Ok(Look::Fresh);
    }
    // Whoever has the hold on this very file is the one who may take it away; a living owner has it as well.
    let file = if seen.is_file { Some(File::open(path)?) } else { None };
    if let Some(file) = &file
        && matches!(platform::try_hold(file), Ok(false))
    {
        return Ok(Look::Fresh);
    }
    let is_what_was_seen = |path: &Path| Seen::at(path).is_ok_and(|now| now == seen);
    let is_that_file = file.as_ref().is_none_or(|file| platform::same_file(file, path).unwrap_or(false));
    if !is_that_file || !is_what_was_seen(path) {
        return Ok(Look::Again);
    }
    let aside = state.aside("lock");
    if let Err(error) = fs::rename(path, &aside) {
        return if error.kind() == io::ErrorKind::NotFound { Ok(Look::Again) } else { Err(error) };
    }
    // By its content: some file systems give a file another number with another name.
    if !is_what_was_seen(&aside) {
        // Only where there are no holds: it was a successor's lock. It goes back, unless there is one again.
        let _ = fs::hard_link(&aside, path);
        let _ = remove(&aside);
        return Ok(Look::Fresh);
    }
    drop(file);
    let _ = remove(&aside);
    Ok(Look::Cleared)
}

#[cfg(test)]
mod tests;
