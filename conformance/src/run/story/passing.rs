//! What comes and goes in the folders of a run while it is under way.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::state::walk;
use super::super::surroundings::Surroundings;

/// Time between two looks. A lock that guards heavy work is there for longer.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks at folders again and again, in a thread of its own.
pub(super) struct Passing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
}

impl Passing {
    /// Begins to look. The folders for temporary files are left out: what comes and goes is what they are for.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn watch(surroundings: &Surroundings) -> io::Result<Self> {
        let base = surroundings.base().to_owned();
        let without: Vec<PathBuf> = surroundings.temporary().map(PathBuf::from).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::Builder::new().spawn(move || {
            let without: Vec<_> = without.iter().map(PathBuf::as_path).collect();
            let mut seen = BTreeSet::new();
            while !asked.load(Ordering::SeqCst) {
                walk(&base, &without, &mut |path, _| {
                    if let Ok(path) = path.strip_prefix(&base) {
                        seen.insert(path.display().to_string());
                    }
                });
                thread::sleep(PAUSE);
            }
            seen
        })?;
        Ok(Passing { stop, thread })
    }

    /// Stops, and tells everything that was there at some time, as paths below the folder of the run.
    pub(super) fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_default()
    }
}
