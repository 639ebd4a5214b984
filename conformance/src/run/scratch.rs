//! Where scratch folders are made.

use std::fs;
use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

/// A new folder that is gone when the value is dropped.
///
/// It lies in the person's cache folder rather than in the folder for temporary files: guards trust the latter more
/// than a home or a project, and would answer otherwise than they do in earnest.
pub(super) fn folder() -> io::Result<TempDir> {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("run-");
        builder
    };
    if let Some(cache) = cache()
        && fs::create_dir_all(&cache).is_ok()
        && let Ok(folder) = builder().tempdir_in(&cache)
    {
        return Ok(folder);
    }
    builder().prefix("hookproof-").tempdir()
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
