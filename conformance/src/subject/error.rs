//! Why no hooks could be looked for.

use std::path::PathBuf;

/// Why no hooks could be looked for. What is merely wrong with a hook's entry is a
/// [`ConfigNotice`](super::ConfigNotice), never an error.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The path, or a file below it, cannot be read.
    #[error("failed to read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Something else than a file stands where a file is expected.
    #[error("failed to read {}: it is no regular file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is no JSON.
    #[error("failed to read {}:{line}:{column}: {message}; {help}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// There is more than this program looks at.
    #[error("failed to read {}: {what}", path.display())]
    TooMuch {
        /// The file, or the path that was asked for.
        path: PathBuf,
        /// What there is too much of, as a sentence with the bound.
        what: String,
    },
    /// The file is JSON, and no object.
    #[error("failed to find hooks in {}: it must hold a JSON object with the key {key:?}, and holds {found}", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// The key that is looked for.
        key: String,
        /// What it holds.
        found: &'static str,
    },
    /// The folder holds nothing that configures hooks.
    #[error("failed to find hooks in {}: there is none of {looked_for}{hint}", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
        /// What was looked for.
        looked_for: String,
        /// What else to try; empty if nothing comes to mind.
        hint: String,
    },
    /// Nobody has described how the platform's configuration is laid out.
    #[error("failed to read a configuration of {platform}: its layout is not known; give the hook's command instead")]
    NoDialect {
        /// The platform's id.
        platform: String,
    },
}
