//! A copy of a project, so that a stranger's hooks find their scripts and write nowhere else.

use std::fs;
use std::io;
use std::path::Path;

use crate::outside;

/// Files that are copied at most; a larger project is copied as far as this goes, its hidden folders first.
const FILES: usize = 2000;
/// Bytes that are copied at most.
pub(super) const BYTES: u64 = 32 * 1024 * 1024;
/// Folders that hold no hooks, and much else.
const LEFT_OUT: &[&str] = &[".git", "node_modules", "target", ".venv", "venv", "__pycache__"];

/// Copies `from` into the folder `to`, within bounds. Links are copied as what they point to, except to folders.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut left = Left { files: FILES, bytes: BYTES };
    copy_folder(from, to, &mut left)
}

struct Left {
    files: usize,
    bytes: u64,
}

fn copy_folder(from: &Path, to: &Path, left: &mut Left) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(from)?.filter_map(Result::ok).collect();
    // Hidden folders hold the configuration, and names make the order the same every time.
    entries.sort_by_key(|entry| (!entry.file_name().to_string_lossy().starts_with('.'), entry.file_name()));
    for entry in entries {
        let name = entry.file_name();
        let (source, target) = (entry.path(), to.join(&name));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if LEFT_OUT.iter().any(|known| name == **known) {
                continue;
            }
            fs::create_dir_all(&target)?;
            copy_folder(&source, &target, left)?;
        } else if let Ok(data) = fs::metadata(&source)
            && data.is_file()
            && left.files > 0
            && data.len() <= left.bytes
        {
            left.files -= 1;
            left.bytes -= data.len();
            // A file that cannot be read is not there for the hook either.
            let _ = outside::copy(&source, &target, BYTES);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::copy;

    #[test]
    fn scripts_come_along_and_dependencies_stay() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [".claude/hooks", "node_modules/big", "scripts"] {
            fs::create_dir_all(from.path().join(folder)).unwrap();
        }
        for file in [".claude/hooks/guard.sh", "node_modules/big/x.js", "scripts/check.py"] {
            fs::write(from.path().join(file), file).unwrap();
        }
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::read_to_string(to.path().join(".claude/hooks/guard.sh")).unwrap(), ".claude/hooks/guard.sh");
        assert!(to.path().join("scripts/check.py").exists());
        assert!(!to.path().join("node_modules").exists());
    }
}
