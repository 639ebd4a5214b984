//! A program that is really not there: `PATH` without it.
//!
//! A start that fails is only half of being missing: a hook that looks for its program first (`command -v jq`) still finds
//! it. So, where a hook does badly because a start has failed, it is run again without the program on its `PATH`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hookproof_harness::{CommandPattern, HookCommand};

use super::trouble;
use crate::plan::{HelperFault, HelperSpec};

/// The program that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Absent {
    program: OsString,
    pattern: CommandPattern,
}

impl Absent {
    /// The program of a command line that a scenario is about. Of a script that is what it was called, or its interpreter.
    pub(super) fn among(line: &[String], helper: &HelperSpec) -> Option<Self> {
        let is_meant = |word: &&String| helper.programs.iter().any(|pattern| pattern.matches([word]));
        let program = Path::new(line.iter().find(is_meant)?).file_name()?;
        Some(Absent { program: program.to_owned(), pattern: program.to_str()?.parse().ok()? })
    }

    /// The command where the program is not on `PATH`, and where no start of it by its path succeeds either. What the hook
    /// starts in place of it is left alone.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn from(&self, command: HookCommand, scratch: &Path) -> io::Result<HookCommand> {
        let path = path_without(&path_of(&command), &self.program, scratch)?;
        let missing = HelperSpec { what: HelperFault::Missing, programs: vec![self.pattern.clone()] };
        Ok(command.env("PATH", path).watch(trouble::watch(&missing)))
    }
}

/// The `PATH` that a command is given.
pub(super) fn path_of(command: &HookCommand) -> OsString {
    let resolved = command.environment.resolve();
    resolved.into_iter().find(|(name, _)| name == "PATH").map(|(_, value)| value).unwrap_or_default()
}

/// `path` without a program of this name: each folder that has one is replaced by one below `scratch` with links to
/// everything else in it.
///
/// # Errors
/// What the file system says, also where it knows no links.
pub(super) fn path_without(path: &OsStr, program: &OsStr, scratch: &Path) -> io::Result<OsString> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for (number, folder) in env::split_paths(path).enumerate() {
        // What is relative depends on where the hook goes, and what is not there finds nobody.
        if !folder.is_absolute() || fs::symlink_metadata(folder.join(program)).is_err() {
            folders.push(folder);
            continue;
        }
        let replaced = scratch.join(number.to_string());
        fs::create_dir_all(&replaced)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name() != program {
                link(&entry.path(), &replaced.join(entry.file_name()))?;
            }
        }
        folders.push(replaced);
    }
    env::join_paths(folders).map_err(io::Error::other)
}

#[cfg(unix)]
fn link(original: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "links need rights here that programs do not have"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_among_its_words() {
        let programs = ["python*", "npx", "node"].map(|pattern| pattern.parse().unwrap()).to_vec();
        let helper = HelperSpec { what: HelperFault::Missing, programs };
        let among = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            Absent::among(&words, &helper).map(|absent| absent.program)
        };
        assert_eq!(among(&["/usr/bin/python3", "-c", "1"]), Some("python3".into()));
        assert_eq!(among(&["/bin/sh", "/opt/bin/npx", "x"]), Some("npx".into()));
        assert_eq!(among(&["/bin/sh", "x"]), None);
    }

    #[test]
    fn only_the_program_is_gone() {
        let base = tempfile::tempdir().unwrap();
        let folder = |name: &str, files: &[&str]| {
            let folder = base.path().join(name);
            fs::create_dir(&folder).unwrap();
            files.iter().for_each(|file| fs::write(folder.join(file), name).unwrap());
            folder
        };
        let folders = [folder("one", &["jq", "sed"]), folder("two", &["sed"]), folder("three", &["jq", "awk"])];
        let path = env::join_paths(folders.iter().chain([&base.path().join("none")])).unwrap();
        let scratch = base.path().join("scratch");
        let without = path_without(&path, OsStr::new("jq"), &scratch).unwrap();
        let found =
            |name: &str| env::split_paths(&without).find_map(|folder| fs::read_to_string(folder.join(name)).ok());
        assert_eq!(found("jq"), None);
        assert_eq!((found("sed").as_deref(), found("awk").as_deref()), (Some("one"), Some("three")));
        let same: Vec<PathBuf> = env::split_paths(&without).collect();
        assert_eq!(same.len(), 4, "the order of the folders stays");
        assert_eq!((&same[1], &same[3]), (&folders[1], &base.path().join("none")));
    }
}
