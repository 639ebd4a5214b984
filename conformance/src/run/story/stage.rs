//! Where a story takes place, and when: the folders of its runs, and how time passes in them.

use std::time::{Duration, Instant};

use filetime::FileTime;
use hookproof_harness::ClockShift;

use super::super::state::Listing;
use super::super::surroundings::Surroundings;
use super::super::worker::Worker;
use super::age::{self, Shift};
use crate::plan::{Age, Case};
use crate::subject::Heavy;

/// How far from a boundary of time the suite stays. A step that takes longer than this says nothing of the boundary.
const MARGIN: Duration = Duration::from_secs(60);

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Travel {
    /// What lies in the folders is made older. The hook cannot tell that from time, unless it writes times in a form that
    /// nobody else reads.
    Files,
    /// The hook's clock is put forward. Whatever its times look like, they grow old; but what it has just made has the
    /// file system's time, and looks old to it until its run has ended.
    Clock,
}

/// The folders, and when it is in them.
pub(super) struct Stage {
    pub(super) surroundings: Surroundings,
    /// What lay there at the beginning.
    empty: Listing,
    travel: Travel,
    /// When the first fault had happened, and how much time has been made to pass since.
    fault: Option<(Instant, Duration)>,
    /// How far the clock is ahead.
    ahead: Duration,
}

impl Stage {
    pub(super) fn new(worker: &Worker<'_, '_>, case: &Case<'_>, travel: Travel) -> Result<Self, String> {
        let contract = worker.checker.contract;
        let surroundings = Surroundings::new(&worker.shelf, contract, case.payload, case.scenario, case.subject)
            .map_err(|error| format!("failed to make scratch folders: {error}"))?;
        let empty = surroundings.listing();
        Ok(Stage { surroundings, empty, travel, fault: None, ahead: Duration::ZERO })
    }

    /// What the story has left so far, as paths below the folders' own.
    pub(super) fn left(&self) -> Vec<String> {
        self.empty.written_until(&self.surroundings.listing())
    }

    /// The clock of the next runs, where it is to be moved. It is moved by nothing at first, so that it is known whether
    /// it can be.
    pub(super) fn clock(&self) -> Option<ClockShift> {
        (self.travel == Travel::Clock).then(|| ClockShift::ahead(self.ahead))
    }

    /// How old what the first fault has left seems to be.
    pub(super) fn age(&self) -> Option<Duration> {
        self.fault.map(|(at, moved)| at.elapsed() + moved)
    }

    /// A fault has happened now, perhaps the first.
    pub(super) fn fault_happened(&mut self) {
        self.fault.get_or_insert_with(|| (Instant::now(), Duration::ZERO));
    }

    /// Lets time pass until everything is as old as `age` asks.
    pub(super) fn grow_old(&mut self, age: Age, heavy: &Heavy) {
        let target = match age {
            Age::InsideWindow => heavy.window.saturating_sub(MARGIN),
            Age::OutsideWindow => heavy.window + MARGIN,
            Age::OutsideTwoWindows => 2 * (heavy.window + MARGIN),
            Age::OutsideEverything => heavy.window.max(heavy.stale_after) + MARGIN,
        };
        let by = target.saturating_sub(self.age().unwrap_or_default());
        match self.travel {
            Travel::Files => age::shift_all(self.surroundings.base(), Shift::back(by)),
            Travel::Clock => self.ahead += by,
        }
        let (at, moved) = self.fault.unwrap_or_else(|| (Instant::now(), Duration::ZERO));
        self.fault = Some((at, moved + by));
    }

    /// Gives what runs have written the time of their clock, because the file system has given it its own.
    pub(super) fn stamp(&self, written: &[String]) {
        if self.ahead.is_zero() {
            return;
        }
        for path in written {
            let path = self.surroundings.base().join(path);
            let Ok(modified) = path.symlink_metadata().and_then(|metadata| metadata.modified()) else { continue };
            let time = FileTime::from_system_time(modified + self.ahead);
            // What cannot be touched belongs to somebody else, or is gone by now.
            let _ = filetime::set_symlink_file_times(&path, time, time);
        }
    }
}
