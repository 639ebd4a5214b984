//! Where scratch folders are made.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex_lite::Regex;
use tempfile::TempDir;

/// Beginnings of the names, in the cache folder and in the one for temporary files.
const PREFIXES: [&str; 2] = ["run-", "hookproof-"];
/// Letters and digits that make a name unique.
const UNIQUE: usize = 8;

/// A new folder that is gone when the value is dropped.
///
/// It lies in the person's cache folder rather than in the folder for temporary files: guards trust the latter more
/// than a home or a project, and would answer otherwise than they do in earnest.
pub(super) fn folder() -> io::Result<TempDir> {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIXES[0]).rand_bytes(UNIQUE);
        builder
    };
    if let Some(cache) = cache()
        && fs::create_dir_all(&cache).is_ok()
        && let Ok(folder) = builder().tempdir_in(&cache)
    {
        return Ok(folder);
    }
    builder().prefix(PREFIXES[1]).tempdir()
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
