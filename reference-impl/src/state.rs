//! The state directory: the only place where the hook may leave a file, and only if the person named one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The environment variable that names the state directory.
pub(crate) const STATE_VARIABLE: &str = "HOOKPROOF_REFERENCE_STATE";

/// A log never grows beyond this many bytes before it is put aside, so two files bound it at twice the size.
const LOG_LIMIT: u64 = 256 * 1024;

/// One line of the log never takes more than this many characters.
const LINE_LIMIT: usize = 2_000;

/// A bounded log file in the state directory.
#[derive(Debug)]
pub(crate) struct StateLog {
    directory: PathBuf,
}

impl StateLog {
    /// The log in the directory that [`STATE_VARIABLE`] names, or none: without a directory diagnostics are dropped.
    pub(crate) fn from_environment() -> Option<Self> {
        std::env::var_os(STATE_VARIABLE).filter(|directory| !directory.is_empty()).map(Self::in_directory)
    }

    /// The log in `directory`, which is created with the first line.
    pub(crate) fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Appends `lines`, all in one write so that calls running at the same time do not mix within a line.
    ///
    /// # Errors
    ///
    /// Returns the operating system's error; the caller drops it, since a hook must not fail for want of a log.
    pub(crate) fn append(&self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.directory)?;
        let log = self.directory.join("reference-hook.log");
        put_aside(&log)?;
        let mut text = String::new();
        for line in lines {
            text.extend(line.chars().take(LINE_LIMIT).map(|c| if c.is_control() { ' ' } else { c }));
            text.push('\n');
        }
        OpenOptions::new().create(true).append(true).open(log)?.write_all(text.as_bytes())
    }
}

/// Renames a full log to `.old`. When two processes do it at once, the second finds nothing to rename, which is fine.
fn put_aside(log: &Path) -> io::Result<()> {
    let full = fs::metadata(log).is_ok_and(|meta| meta.len() >= LOG_LIMIT);
    if !full {
        return Ok(());
    }
    match fs::rename(log, log.with_extension("log.old")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_without_control_characters() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = StateLog::in_directory(folder.path().join("not yet there"));
        log.append(&["one\ntwo\u{1b}[0m".into()]).expect("written");
        log.append(&["three".into()]).expect("written");
        let text = fs::read_to_string(folder.path().join("not yet there/reference-hook.log")).expect("a log");
        assert_eq!(text, "one two [0m\nthree\n");
    }

    #[test]
    fn nothing_to_say_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        StateLog::in_directory(folder.path().join("state")).append(&[]).expect("nothing to do");
        assert!(!folder.path().join("state").exists());
    }

    #[test]
    fn the_log_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = StateLog::in_directory(folder.path());
        let long = vec!["x".repeat(50_000); 20];
        for _ in 0..40 {
            log.append(&long).expect("written");
        }
        let total: u64 = fs::read_dir(folder.path())
            .expect("listed")
            .map(|entry| entry.expect("an entry").metadata().expect("metadata").len())
            .sum();
        assert!(total <= 2 * (LOG_LIMIT + 20 * (LINE_LIMIT as u64 + 1)), "{total} bytes");
        assert!(total > LOG_LIMIT, "the older half is kept: {total} bytes");
    }
}
