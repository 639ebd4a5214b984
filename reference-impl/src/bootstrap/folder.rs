//! The state folder: what lies in it, under which names, and what may be cleared away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::clock::Seconds;
use crate::platform;

/// What is put aside or half done is called after what it was, this, and its maker.
const ASIDE: &str = "guard-index.aside-";
/// A build under way is called this and its maker.
const BUILDING: &str = "guard-index.building-";

/// The paths of everything that the bootstrap keeps.
#[derive(Debug, Clone)]
pub(crate) struct StateFolder {
    root: PathBuf,
}

impl StateFolder {
    /// In this folder, which need not exist yet.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the folder.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    pub(crate) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.root)
    }

    /// The finished index.
    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("guard-index")
    }

    /// The marker of the cooldown.
    pub(crate) fn marker(&self) -> PathBuf {
        self.root.join("guard-index.cooldown")
    }

    /// The lock of whoever builds.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("guard-index.lock")
    }

    /// Where this process builds: beside the index, so that putting it in place is one rename.
    pub(crate) fn building(&self) -> PathBuf {
        self.root.join(format!("{BUILDING}{}", own_mark()))
    }

    /// A name that nobody else uses, for something that is put aside or not whole yet.
    pub(crate) fn aside(&self, what: &str) -> PathBuf {
        self.root.join(format!("{ASIDE}{}.{what}", own_mark()))
    }

    /// Clears away what builds left behind whose process has gone. Only for the owner of the lock.
    pub(crate) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let maker = name.to_str().and_then(|name| name.strip_prefix(BUILDING).or_else(|| name.strip_prefix(ASIDE)));
            if maker.is_some_and(has_gone) {
                // What cannot be removed now is found again next time.
                let _ = remove(&entry.path());
            }
        }
    }
}

/// Removes a file, a link, or a folder with what is in it.
///
/// # Errors
///
/// Returns the system's error; that nothing is there is none.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// This process, as it stands in names: its number and a short form of its identity, which keeps a successor with the same
/// number from being taken for it.
fn own_mark() -> String {
    let pid = std::process::id();
    mark(pid, &platform::identity(pid).unwrap_or_default())
}

fn mark(pid: u32, identity: &str) -> String {
    let short = identity.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{pid}-{short:08x}")
}

/// Whether the maker with this mark, perhaps followed by more, has gone. A name that nobody here has made stays.
fn has_gone(maker: &str) -> bool {
    let maker = maker.split('.').next().unwrap_or_default();
    let Some(pid) = maker.split_once('-').and_then(|(pid, _)| pid.parse().ok()) else { return false };
    platform::identity(pid).is_none_or(|identity| mark(pid, &identity) != maker)
}

/// When this was written last, if the system tells.
pub(crate) fn modified(metadata: &fs::Metadata) -> Option<Seconds> {
    metadata.modified().ok().map(Seconds::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_is_cleared_away_and_nothing_else() {
        let root = tempfile::tempdir().expect("a folder");
        let state = StateFolder::new(root.path());
        let nobody = mark(u32::MAX, "never");
        let successor = mark(std::process::id(), "another start");
        let gone = [
            root.path().join(format!("{BUILDING}{nobody}")),
            root.path().join(format!("{BUILDING}{successor}")),
            root.path().join(format!("{ASIDE}{nobody}.lock")),
        ];
        let stays =
            [state.building(), state.aside("lock"), state.index(), root.path().join("guard-index.building-notes")];
        for path in gone.iter().chain(&stays) {
            fs::create_dir(path).expect("made");
            fs::write(path.join("a"), "b").expect("written");
        }
        state.sweep();
        assert!(gone.iter().all(|path| !path.exists()), "{gone:?}");
        assert!(stays.iter().all(|path| path.join("a").exists()), "{stays:?}");
    }

    #[test]
    fn removing_what_is_not_there_is_no_error() {
        let root = tempfile::tempdir().expect("a folder");
        remove(&root.path().join("nothing")).expect("nothing to do");
    }
}
