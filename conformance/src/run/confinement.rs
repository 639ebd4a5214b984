//! What hooks may reach while they are checked.

use std::path::{Path, PathBuf};

use hookproof_harness::{Network, Sandbox};

/// Whether hooks are held to anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// As far as the system can; every observation says what holds.
    #[default]
    Auto,
    /// A hook that cannot be held is not started, and its case is a failure of the harness.
    Strict,
    /// Hooks may do what the suite may.
    Off,
}

/// What hooks may reach: the folders of their run, what is allowed besides, and this machine.
///
/// ```
/// use hookproof::run::{Confinement, Mode};
///
/// let usual = Confinement::default();
/// assert!(usual.mode == Mode::Auto && !usual.network && usual.writable.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Whether.
    pub mode: Mode,
    /// Every address may be reached.
    pub network: bool,
    /// Files and folders that may be written besides. They have to exist.
    pub writable: Vec<PathBuf>,
}

impl Confinement {
    /// The sandbox of a run whose folders all lie below `base`. What it writes elsewhere goes to copies below `copies`, or is
    /// refused if there are none.
    pub(super) fn sandbox(&self, base: &Path, copies: Option<&Path>) -> Option<Sandbox> {
        if self.mode == Mode::Off {
            return None;
        }
        let mut sandbox = self.writable.iter().fold(Sandbox::open().writable(base), Sandbox::writable);
        sandbox.network = if self.network { Network::Open } else { Network::Loopback };
        sandbox.copies = copies.map(Path::to_path_buf);
        sandbox.strict = self.mode == Mode::Strict;
        Some(sandbox)
    }
}
