//! Where scratch folders are made.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use hookproof_harness::{lock_file, open_regular, private_directory, remove_tree};
use regex_lite::Regex;

/// Beginnings of the names, in the cache folder and in the one for temporary files.
const PREFIXES: [&str; 2] = ["run-", "hookproof-"];
/// Letters and digits that make a name unique.
const UNIQUE: usize = 8;

/// Behind the name of a directory: the file that its owner has locked, and the directory for copies of what hooks write
/// elsewhere.
const OWNER: &str = ".owner";
const COPIES: &str = ".copies";
/// A file that is about to become an owner's.
const YOUNG: &str = ".new";

/// A directory of this process, gone when the value is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// Locked as long as the process lives, whatever ends it; `None` where files cannot be locked.
    owner: Option<File>,
}

impl Scratch {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Locks a file of that name first, so that there is no directory without an owner.
    fn new_in(parent: &Path, prefix: &str) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let young = builder.prefix(prefix).suffix(YOUNG).rand_bytes(UNIQUE).tempfile_in(parent)?;
        let path = young.path().with_extension("");
        let owner = match lock_file(young.as_file()) {
            Ok(_) => Some(young.persist_noclobber(with(&path, OWNER)).map_err(|error| error.error)?),
            // Nobody will know whether it is in use, so it is never taken for somebody else's.
            Err(_) => None,
        };
        let scratch = Scratch { path, owner };
        private_directory(&scratch.path)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The name goes before the lock does. What stays is tried again at the next start.
        if remove(&self.path) && self.owner.is_some() {
            let _ = fs::remove_file(with(&self.path, OWNER));
        }
    }
}

/// Directories that could not be removed, and why.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A sentence for each directory of this process, or of one that is gone, that could not be removed.
#[must_use]
pub fn left_behind() -> Vec<String> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Removes a directory and the one for copies. What resists is remembered.
fn remove(path: &Path) -> bool {
    [path.to_owned(), copies_of(path)].iter().fold(true, |whole, path| match remove_tree(path) {
        Ok(()) => whole,
        Err(error) => {
            let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
            left.push(format!("`{}` could not be removed: {error}", path.display()));
            false
        }
    })
}

/// The directory that belongs to one of these, for copies of what hooks write elsewhere.
pub(super) fn copies_of(path: &Path) -> PathBuf {
    with(path, COPIES)
}

/// `path` with something behind its name.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A new directory that is gone when the value is dropped.
///
/// It lies in the user's cache directory rather than in the one for temporary files: guards trust the latter more
/// than a home or a project, and would answer otherwise than they do in earnest.
pub(super) fn folder() -> io::Result<Scratch> {
    static SWEPT: Once = Once::new();
    if let Some(cache) = cache()
        && fs::create_dir_all(&cache).is_ok()
    {
        SWEPT.call_once(|| sweep(&cache));
        if let Ok(folder) = Scratch::new_in(&cache, PREFIXES[0]) {
            return Ok(folder);
        }
    }
    Scratch::new_in(&std::env::temp_dir(), PREFIXES[1])
}

/// Removes the directories of processes that were killed: those whose owner's file nobody has locked. Everything else stays,
/// such as a directory without that file.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(OWNER)) else {
            continue;
        };
        if !name.strip_prefix(PREFIXES[0]).is_some_and(|rest| rest.len() == UNIQUE && !rest.contains('.')) {
            continue;
        }
        // Neither a link nor what is no file is an owner's.
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = open_regular(&path) else {
            continue;
        };
        // Whoever has just ended has removed it.
        let is_there = || path.symlink_metadata().is_ok_and(|facts| facts.is_file());
        if matches!(lock_file(&file), Ok(true)) && is_there() && remove(&parent.join(name)) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// `text` with the names of scratch folders replaced, so that texts of several runs can be compared.
pub(crate) fn without_name(text: &str) -> String {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        let prefixes = PREFIXES.join("|");
        Regex::new(&format!(r"\b(?:{prefixes})[A-Za-z0-9]{{{UNIQUE}}}\b")).expect("the pattern is a constant")
    });
    NAME.replace_all(text, "{run}").into_owned()
}

/// The suite's part of the person's cache folder.
fn cache() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = if cfg!(windows) {
        of("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        of("HOME")?.join("Library").join("Caches")
    } else {
        of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")))?
    };
    Some(cache.join("hookproof"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_owns_any_more_is_swept() {
        let parent = tempfile::tempdir().expect("a directory");
        let parent = parent.path();
        let living = Scratch::new_in(parent, PREFIXES[0]).expect("a directory");
        let at = |name: &str| parent.join(name);
        let outside = at("outside");
        fs::create_dir(&outside).expect("a directory");
        fs::write(outside.join("file"), "x").expect("a file");
        for name in ["run-deaddead", "run-deaddead.copies", "run-unowned0", "run-toolongname", "other-00"] {
            fs::create_dir(at(name)).expect("a directory");
            fs::write(at(name).join("file"), "x").expect("a file");
        }
        for name in ["run-deaddead.owner", "run-toolongname.owner", "other-00.owner"] {
            fs::write(at(name), "").expect("a file");
        }
        sweep(parent);
        let left = ["run-deaddead", "run-deaddead.copies", "run-deaddead.owner"].map(|name| at(name).exists());
        assert_eq!(left, [!cfg!(unix); 3]);
        for name in ["run-unowned0/file", "run-toolongname/file", "other-00/file", "outside/file"] {
            assert!(at(name).exists(), "{name}");
        }
        assert!(living.path().is_dir());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists() && !with(&path, OWNER).exists());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_resists_removal_is_told_with_its_path() {
        // A directory of our own that nobody can remove.
        let path = Path::new("/proc/self/fdinfo");
        assert!(!remove(path));
        let told = format!("`{}` could not be removed: ", path.display());
        assert!(left_behind().iter().any(|text| text.starts_with(&told)), "{:?}", left_behind());
    }

    #[test]
    #[cfg(unix)]
    fn links_are_not_followed() {
        let parent = tempfile::tempdir().expect("a directory");
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("file"), "x").expect("a file");
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, parent.path().join(name)).expect("a link");
        link(outside.path(), "run-aaaaaaaa");
        fs::write(parent.path().join("run-aaaaaaaa.owner"), "").expect("a file");
        fs::create_dir(parent.path().join("run-bbbbbbbb")).expect("a directory");
        link(&outside.path().join("file"), "run-bbbbbbbb.owner");
        sweep(parent.path());
        assert!(outside.path().join("file").exists() && parent.path().join("run-bbbbbbbb").exists());
    }

    #[test]
    fn texts_of_two_runs_are_the_same_without_the_names_of_their_folders() {
        let texts: Vec<String> = (0..2)
            .map(|_| {
                let folder = folder().expect("a folder");
                format!("guarding {}/home; not run-1", folder.path().display())
            })
            .collect();
        assert_ne!(texts[0], texts[1]);
        assert_eq!(without_name(&texts[0]), without_name(&texts[1]));
        assert!(without_name(&texts[0]).ends_with("{run}/home; not run-1"));
    }
}
