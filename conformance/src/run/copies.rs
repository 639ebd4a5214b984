//! Where writes go that a hook makes elsewhere.

use std::path::{Path, PathBuf};

use hookproof_harness::remove_tree;

use super::scratch;

/// A directory beside those of the run, for copies of what the hook writes elsewhere: a log beside its own script, say. The
/// harness makes it when it is needed; it is gone when the value is dropped.
#[derive(Debug)]
pub(super) struct Copies(PathBuf);

impl Copies {
    /// The one that belongs to the directory of a run.
    pub(super) fn beside(base: &Path) -> Self {
        Copies(scratch::copies_of(base))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        // Most runs write nothing elsewhere.
        let _ = remove_tree(&self.0);
    }
}
