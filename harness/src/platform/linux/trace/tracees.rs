//! The processes that are traced, and what each descends from. Threads are not kept: only processes have ancestors.

use super::log::Place;

/// Processes that are known at the same time at most.
const MOST: usize = 8192;

/// One process.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Tracee {
    pub(super) pid: i32,
    pub(super) parent: i32,
    /// The nearest ancestor that matched a pattern before it created this line of descent, or 0.
    pub(super) nearest: i32,
    /// See the constants.
    pub(super) flags: u32,
    /// Patterns that programs of this process have matched, a bit each.
    pub(super) own: u64,
    /// Patterns that its ancestors had matched when they created this line of descent.
    pub(super) above: u64,
    /// What names the arguments of the last exec that was counted at its entry.
    pub(super) attempt: u64,
    /// Where its last start is written down.
    pub(super) place: Place,
}

impl Tracee {
    /// Its first stop came before its parent told of it.
    pub(super) const EARLY: u32 = 1;
    /// It has ended, and its parent has not told of it yet.
    pub(super) const GONE: u32 = 2;
    /// It has started a program below a match.
    pub(super) const STARTED_BELOW: u32 = 4;
    /// It has executed a program.
    pub(super) const EXECUTED: u32 = 8;

    pub(super) fn new(pid: i32, parent: i32) -> Self {
        Tracee { pid, parent, nearest: 0, flags: 0, own: 0, above: 0, attempt: 0, place: Place::NOWHERE }
    }

    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The process that the next program of this one belongs to: itself if it has matched, else the nearest above.
    pub(super) fn belongs_to(&self) -> i32 {
        if self.own != 0 { self.pid } else { self.nearest }
    }
}

/// All of them, without gaps. Looked through from front to back: trees are small, and entries are near one another.
#[repr(C)]
pub(super) struct Tracees {
    /// Processes that were created since the run began, those that have ended and those that had no room among them.
    pub(super) created: u64,
    /// Those of them that have executed a program.
    pub(super) executed: u64,
    count: u32,
    all: [Tracee; MOST],
}

impl Tracees {
    pub(super) fn clear(&mut self) {
        self.created = 0;
        self.executed = 0;
        self.count = 0;
    }

    fn place(&self, pid: i32) -> Option<usize> {
        self.all.get(..self.count as usize)?.iter().position(|tracee| tracee.pid == pid)
    }

    /// A process that has not ended.
    pub(super) fn alive(&mut self, pid: i32) -> Option<&mut Tracee> {
        self.any(pid).filter(|tracee| !tracee.has(Tracee::GONE))
    }

    fn any(&mut self, pid: i32) -> Option<&mut Tracee> {
        let place = self.place(pid)?;
        self.all.get_mut(place)
    }

    /// Takes in a process. `false` if there is no room.
    pub(super) fn insert(&mut self, tracee: Tracee) -> bool {
        if let Some(old) = self.any(tracee.pid) {
            *old = tracee;
            return true;
        }
        let Some(slot) = self.all.get_mut(self.count as usize) else {
            return false;
        };
        *slot = tracee;
        self.count += 1;
        true
    }

    fn remove(&mut self, pid: i32) {
        if let (Some(place), Some(last)) = (self.place(pid), (self.count as usize).checked_sub(1)) {
            if let Some(moved) = self.all.get(last).copied()
                && let Some(slot) = self.all.get_mut(place)
            {
                *slot = moved;
            }
            self.count -= 1;
        }
    }

    /// A child of `parent`, to which it owes what it descends from. `None` for a parent that is not known.
    pub(super) fn child_of(&mut self, parent: i32, pid: i32) -> Option<Tracee> {
        let parent = self.alive(parent)?;
        let above = parent.own | parent.above;
        Some(Tracee { nearest: parent.belongs_to(), above, ..Tracee::new(pid, parent.pid) })
    }

    /// The parent tells of a child. Returns whether it has been known already.
    pub(super) fn announce(&mut self, pid: i32) -> bool {
        match self.any(pid) {
            Some(tracee) if tracee.has(Tracee::GONE) => {
                self.remove(pid);
                true
            }
            Some(tracee) if tracee.has(Tracee::EARLY) => {
                tracee.flags &= !Tracee::EARLY;
                true
            }
            // An id that was given out anew: the new process is meant.
            _ => false,
        }
    }

    /// A process has ended. It is kept in mind until its parent has told of it.
    pub(super) fn end(&mut self, pid: i32) -> Option<Tracee> {
        let tracee = *self.alive(pid)?;
        if tracee.has(Tracee::EARLY) {
            if let Some(kept) = self.any(pid) {
                kept.flags |= Tracee::GONE;
            }
        } else {
            self.remove(pid);
        }
        Some(tracee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)]
    fn tracees() -> Box<Tracees> {
        // SAFETY: plain numbers, for which zero is a value.
        unsafe { Box::<Tracees>::new_zeroed().assume_init() }
    }

    #[test]
    fn a_child_descends_from_what_its_ancestors_matched() {
        let mut tracees = tracees();
        assert!(tracees.insert(Tracee { own: 0b01, ..Tracee::new(10, 1) }));
        let child = tracees.child_of(10, 11).expect("a parent");
        assert_eq!((child.parent, child.nearest, child.above, child.own), (10, 10, 0b01, 0));
        assert!(tracees.insert(child));
        tracees.alive(11).expect("is there").own = 0b10;
        let grandchild = tracees.child_of(11, 12).expect("a parent");
        assert_eq!((grandchild.nearest, grandchild.above), (11, 0b11));
        assert!(tracees.child_of(99, 13).is_none());
    }

    #[test]
    fn who_comes_before_its_parent_tells_is_kept_until_then() {
        let mut tracees = tracees();
        tracees.insert(Tracee { flags: Tracee::EARLY, ..Tracee::new(20, 1) });
        assert!(tracees.end(20).is_some(), "it ends before anybody has told of it");
        assert!(tracees.alive(20).is_none() && tracees.end(20).is_none());
        assert!(tracees.announce(20), "now its parent tells, and nothing new begins");
        assert!(!tracees.announce(20), "the next one with this id is another");
        tracees.insert(Tracee { flags: Tracee::EARLY, ..Tracee::new(21, 1) });
        assert!(tracees.announce(21));
        assert!(tracees.end(21).is_some() && tracees.count == 0);
    }

    #[test]
    fn there_is_an_end_to_the_room() {
        let mut tracees = tracees();
        assert!((0..MOST as i32).all(|pid| tracees.insert(Tracee::new(pid + 1, 0))));
        assert!(!tracees.insert(Tracee::new(-1, 0)));
        tracees.end(5);
        assert!(tracees.insert(Tracee::new(-1, 0)));
        assert!(tracees.alive(MOST as i32).is_some() && tracees.alive(-1).is_some() && tracees.alive(5).is_none());
    }
}
