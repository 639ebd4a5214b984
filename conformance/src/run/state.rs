//! What lies in the folders of a run.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// How much lies in folders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Files, folders and links.
    pub entries: u64,
    /// Length of all files together.
    pub bytes: u64,
}

impl State {
    /// What lies below `folder`. What cannot be read is not counted.
    pub(super) fn of(folder: &Path) -> Self {
        let mut state = State::default();
        walk(folder, &[], &mut |_, metadata| {
            state.entries += 1;
            state.bytes += if metadata.is_file() { metadata.len() } else { 0 };
        });
        state
    }
}

/// Files at one time, so that two of these tell what was written in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    base: PathBuf,
    files: BTreeMap<PathBuf, (u64, Option<SystemTime>)>,
}

impl Listing {
    /// Everything below `base` except what lies in the folders `without`.
    pub(super) fn of(base: &Path, without: &[&Path]) -> Self {
        let mut files = BTreeMap::new();
        walk(base, without, &mut |path, metadata| {
            // The time of a folder changes with what is in it, which is listed itself.
            let mark = if metadata.is_dir() { (0, None) } else { (metadata.len(), metadata.modified().ok()) };
            files.insert(path.to_owned(), mark);
        });
        Listing { base: base.to_owned(), files }
    }

    /// What is new or changed in `later`, as paths below the folder.
    pub(super) fn written_until(&self, later: &Listing) -> Vec<String> {
        let is_written = |(path, mark): &(&PathBuf, &(u64, Option<SystemTime>))| self.files.get(*path) != Some(mark);
        let shown = |(path, _): (&PathBuf, _)| path.strip_prefix(&self.base).unwrap_or(path).display().to_string();
        later.files.iter().filter(is_written).map(shown).collect()
    }

    /// Whether something lay at this path below the folder.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.files.contains_key(&self.base.join(path))
    }
}

/// Tells everything below `folder`, and follows no links.
pub(super) fn walk(folder: &Path, without: &[&Path], tell: &mut dyn FnMut(&Path, &Metadata)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    // On Windows nobody can rename a folder while something in it is open, and a hook may want to while we look. So a
    // folder is closed before the next is opened, and what it tells of its entries saves opening them.
    let entries: Vec<_> = entries.filter_map(Result::ok).collect();
    for entry in entries {
        let Ok(metadata) = entry.metadata() else { continue };
        let path = entry.path();
        if without.contains(&path.as_path()) {
            continue;
        }
        tell(&path, &metadata);
        if metadata.is_dir() {
            walk(&path, without, tell);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Listing, State};

    #[test]
    fn what_is_new_or_longer_is_told_and_own_folders_are_not() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        for folder in ["home", "elsewhere"] {
            fs::create_dir(path(folder)).unwrap();
        }
        fs::write(path("elsewhere/old"), "1").unwrap();
        fs::write(path("elsewhere/log"), "1").unwrap();
        let list = || Listing::of(base.path(), &[&path("home")]);
        let before = list();
        assert!(before.written_until(&list()).is_empty());
        fs::write(path("home/state"), "1").unwrap();
        fs::write(path("elsewhere/log"), "12").unwrap();
        fs::create_dir(path("cache")).unwrap();
        fs::write(path("cache/new"), "").unwrap();
        let expected: Vec<String> = ["cache", "cache/new", "elsewhere/log"]
            .map(|name| path(name).strip_prefix(base.path()).unwrap().display().to_string())
            .into();
        let mut written = before.written_until(&list());
        for name in &mut written {
            *name = name.replace('\\', "/");
        }
        assert_eq!(written, expected);
        assert_eq!(State::of(base.path()), State { entries: 7, bytes: 4 });
    }
}
