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

/// A folder or a file in which there is more than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// Where, below the folders of the run.
    pub place: String,
    /// How many files, folders and links more than before.
    pub entries: u64,
    /// How many bytes more.
    pub bytes: u64,
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

    /// Where there is more in `later`, each place in the words of `told`. What is new, and what has gone, counts for the
    /// nearest folder that is there both times; a file that was there and has grown counts for itself.
    pub(super) fn grown_until(&self, later: &Listing, told: impl Fn(&Path) -> String) -> Vec<Grown> {
        let mut grown: BTreeMap<&Path, (i64, i64)> = BTreeMap::new();
        let mut add = |place, entries: i64, bytes: i64| {
            let (all, length) = grown.entry(place).or_default();
            *all += entries;
            *length += bytes;
        };
        let signed = |length: u64| i64::try_from(length).unwrap_or(i64::MAX);
        for (path, (length, _)) in &later.files {
            match self.files.get(path) {
                Some((before, _)) => add(path.as_path(), 0, signed(*length) - signed(*before)),
                None => add(self.nearest(later, path), 1, signed(*length)),
            }
        }
        for (path, (length, _)) in self.files.iter().filter(|(path, _)| !later.files.contains_key(*path)) {
            add(self.nearest(later, path), -1, -signed(*length));
        }
        let more = |number: i64| u64::try_from(number).unwrap_or(0);
        let grown = grown.into_iter().filter(|(_, (entries, bytes))| *entries > 0 || *bytes > 0);
        grown
            .map(|(place, (entries, bytes))| Grown { place: told(place), entries: more(entries), bytes: more(bytes) })
            .collect()
    }

    /// The nearest folder above a path that is there both times.
    fn nearest<'l>(&'l self, later: &Listing, path: &'l Path) -> &'l Path {
        let in_both = |above: &&Path| self.files.contains_key(*above) && later.files.contains_key(*above);
        path.ancestors().skip(1).find(in_both).unwrap_or(&self.base)
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

    #[test]
    fn what_has_grown_is_told_where_it_was_before() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        for folder in ["state", "tmp", "cache"] {
            fs::create_dir(path(folder)).unwrap();
        }
        for file in ["state/log", "tmp/old", "cache/1", "cache/2"] {
            fs::write(path(file), "1").unwrap();
        }
        let before = Listing::of(base.path(), &[]);
        let told = |path: &std::path::Path| path.strip_prefix(base.path()).unwrap().display().to_string();
        assert_eq!(before.grown_until(&before, told), []);
        fs::write(path("state/log"), "123").unwrap();
        // A new folder counts with what is in it, and what replaces something else is nothing more.
        fs::create_dir(path("tmp/session")).unwrap();
        fs::write(path("tmp/session/file"), "12345").unwrap();
        fs::remove_file(path("cache/1")).unwrap();
        fs::write(path("cache/3"), "1").unwrap();
        let mut grown = before.grown_until(&Listing::of(base.path(), &[]), told);
        for one in &mut grown {
            one.place = one.place.replace('\\', "/");
        }
        let grown: Vec<_> = grown.iter().map(|one| (one.place.as_str(), one.entries, one.bytes)).collect();
        assert_eq!(grown, [("state/log", 0, 2), ("tmp", 2, 5)]);
    }
}
