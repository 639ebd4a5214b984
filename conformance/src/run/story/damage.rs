//! What a hook has left is damaged, as disks, clocks and people do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::age::{Shift, shift_one};
use crate::outside;
use crate::plan::Damage;

/// A marker or a lock is small; what is larger is what the heavy work has made.
const SMALL: u64 = 4096;
/// A folder that the story has made and that holds more than this is what the heavy work has made.
const FEW: usize = 16;
/// One year in seconds.
const YEAR: i64 = 365 * 86_400;

/// Damages the files among `left`, paths below `base`.
///
/// # Errors
/// Why there is nothing to damage, or it cannot be damaged so.
pub(super) fn damage(base: &Path, left: &[String], kind: Damage) -> Result<(), String> {
    let marks = marks(base, left);
    if marks.is_empty() {
        return Err("the hook has left no small file that could be damaged".to_owned());
    }
    for path in &marks {
        damage_one(path, kind).map_err(|error| format!("{} cannot be damaged: {error}", path.display()))?;
        if kind == Damage::Unreadable && outside::head(path, 1).is_ok() {
            return Err("whoever runs the suite may read every file".to_owned());
        }
    }
    Ok(())
}

/// The small files by which a hook remembers something.
fn marks(base: &Path, left: &[String]) -> Vec<PathBuf> {
    let crowded: Vec<PathBuf> = left
        .iter()
        .map(|path| base.join(path))
        .filter(|path| fs::read_dir(path).is_ok_and(|entries| entries.count() > FEW))
        .collect();
    let is_mark = |path: &PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= SMALL)
            && !crowded.iter().any(|folder| path.starts_with(folder))
    };
    left.iter().map(|path| base.join(path)).filter(is_mark).collect()
}

fn damage_one(path: &Path, kind: Damage) -> io::Result<()> {
    match kind {
        Damage::Future => shift_one(path, &fs::symlink_metadata(path)?, Shift(YEAR)),
        Damage::Empty => {
            let modified = fs::symlink_metadata(path)?.modified()?;
            fs::write(path, "")?;
            filetime::set_file_mtime(path, modified.into())
        }
        Damage::Folder => {
            fs::remove_file(path)?;
            fs::create_dir(path)
        }
        Damage::Unreadable => unreadable(path),
    }
}

#[cfg(unix)]
fn unreadable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o0))
}

#[cfg(not(unix))]
fn unreadable(_: &Path) -> io::Result<()> {
    Err(io::Error::other("this system has no permissions that take reading away from the owner"))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_what_is_small_and_apart_is_damaged() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        fs::create_dir(path("venv")).unwrap();
        let mut left = vec!["venv".to_owned(), "marker".to_owned(), "model".to_owned()];
        for number in 0..20 {
            let name = format!("venv/{number}");
            fs::write(path(&name), "x").unwrap();
            left.push(name);
        }
        fs::write(path("marker"), "1795000000").unwrap();
        fs::write(path("model"), vec![0; 5000]).unwrap();
        damage(base.path(), &left, Damage::Future).unwrap();
        assert!(fs::metadata(path("marker")).unwrap().modified().unwrap() > SystemTime::now());
        assert_ne!(fs::read_to_string(path("marker")).unwrap(), "1795000000");
        assert!(fs::metadata(path("venv/3")).unwrap().modified().unwrap() <= SystemTime::now());
        damage(base.path(), &left, Damage::Empty).unwrap();
        assert_eq!(fs::read_to_string(path("marker")).unwrap(), "");
        damage(base.path(), &left, Damage::Folder).unwrap();
        assert!(path("marker").is_dir() && path("model").is_file());
        assert!(damage(base.path(), &left, Damage::Empty).unwrap_err().contains("no small file"));
    }
}
