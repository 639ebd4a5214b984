//! `WorktreeCreate` and `WorktreeRemove`: the two events where the hook does the work itself.
//!
//! A worktree is `<cwd>/.claude/worktrees/<name>`, an empty folder. The cwd is the payload's; if that folder has gone, it
//! is the one that the host started the hook in, as the host itself falls back then.
//! Beside it stands a mark, `.<name>.reference-hook`,
//! which is made first: it tells this hook's folders from others, so that removal touches nothing that was there before.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Event;
use super::answer::{Removal, Worktree};
use super::input::{self, Common};
use crate::guard::worktree_name;
use crate::run::Notes;

/// A worktree is asked for; the last line of stdout is its path.
pub(super) struct WorktreeCreate;
/// A worktree is to go. A non-zero exit makes the host keep it and say so.
pub(super) struct WorktreeRemove;

/// Why a worktree cannot be made or removed. Each message finishes the sentence "failed to ...".
#[derive(Debug, thiserror::Error)]
enum WorktreeError {
    #[error("create a worktree: the payload names none")]
    NoName,
    #[error("create a worktree: neither the payload's cwd nor the hook's own is a folder that one line can tell")]
    NoFolder,
    #[error("create a worktree: {0} is a symbolic link or no folder")]
    Detour(PathBuf),
    #[error("create a worktree: {0} exists and is not this hook's")]
    Foreign(PathBuf),
    #[error("create a worktree at {path}: {source}")]
    Create { path: PathBuf, source: io::Error },
    #[error("remove the worktree at {path}: {source}")]
    Remove { path: PathBuf, source: io::Error },
}

impl Event for WorktreeCreate {
    const NAME: &'static str = "WorktreeCreate";
    type Input = input::WorktreeCreate;
    type Answer = Worktree;

    fn answer(common: &Common, input: Self::Input, notes: &mut Notes) -> Worktree {
        let own = std::env::current_dir().ok();
        let folders = [common.cwd.0.as_deref(), own.as_deref().and_then(Path::to_str)];
        match create(&folders, input.name.0.as_deref()) {
            Ok(path) => Worktree::At(path),
            Err(error) => {
                notes.add(format!("claude-code/WorktreeCreate: failed to {error}"));
                Worktree::Failed(format!("reference-hook: failed to {error}"))
            }
        }
    }
}

impl Event for WorktreeRemove {
    const NAME: &'static str = "WorktreeRemove";
    type Input = input::WorktreeRemove;
    type Answer = Removal;

    fn answer(_: &Common, input: Self::Input, notes: &mut Notes) -> Removal {
        let Some(path) = input.worktree_path.0.as_deref() else {
            return Removal::Done;
        };
        match remove(Path::new(path)) {
            Ok(true) => Removal::Done,
            Ok(false) => {
                notes.add("claude-code/WorktreeRemove: the worktree is not this hook's, it stays");
                Removal::Done
            }
            Err(error) => {
                notes.add(format!("claude-code/WorktreeRemove: failed to {error}"));
                Removal::Failed(format!("reference-hook: failed to {error}"))
            }
        }
    }
}

/// Makes the worktree in the first of `folders` that exists.
fn create(folders: &[Option<&str>], name: Option<&str>) -> Result<String, WorktreeError> {
    let name = name.and_then(worktree_name).ok_or(WorktreeError::NoName)?;
    let root = folders
        .iter()
        .flatten()
        .filter(|folder| !folder.chars().any(char::is_control))
        .filter_map(|folder| normalised(folder))
        .find(|folder| folder.is_dir())
        .ok_or(WorktreeError::NoFolder)?;
    let folder = root.join(".claude").join("worktrees");
    let path = folder.join(&name);
    // The path is made of text, so it is text.
    let told = path.to_str().ok_or(WorktreeError::NoFolder)?.to_owned();
    let failed = |source| WorktreeError::Create { path: path.clone(), source };
    for made in [root.join(".claude"), folder.clone()] {
        make_folder(&made).map_err(failed)?;
        // The host refuses a path through a symbolic link inside the repository, and so do we before following one.
        if !is_real_folder(&made) {
            return Err(WorktreeError::Detour(made));
        }
    }
    let mark = mark_of(&folder, &name);
    // Looking at the folder before the mark is what makes this safe beside other calls for the same name: whoever
    // makes the folder has made the mark before.
    if fs::symlink_metadata(&path).is_ok() && !mark.is_file() {
        return Err(WorktreeError::Foreign(path));
    }
    File::create(&mark).map_err(failed)?;
    make_folder(&path).map_err(failed)?;
    if is_real_folder(&path) { Ok(told) } else { Err(WorktreeError::Foreign(path)) }
}

/// Removes a worktree; `false` when it is not one that this hook made.
fn remove(path: &Path) -> Result<bool, WorktreeError> {
    let Some(path) = path.to_str().and_then(normalised) else {
        return Ok(false);
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(false);
    };
    let mark = mark_of(folder, name);
    if !folder.ends_with(Path::new(".claude").join("worktrees")) || !mark.is_file() {
        return Ok(false);
    }
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|source| WorktreeError::Remove { path: path.clone(), source }),
    };
    if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_dir()) {
        return Ok(false);
    }
    gone(fs::remove_dir_all(&path))?;
    gone(fs::remove_file(&mark))?;
    Ok(true)
}

fn mark_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.reference-hook"))
}

fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether `path` itself, not what it points to, is a folder.
fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// An absolute path without `.` and `..` segments, resolved by the text alone; `None` if `path` is not absolute.
fn normalised(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return None;
    }
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests;
