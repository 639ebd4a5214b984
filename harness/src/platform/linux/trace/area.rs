//! What harness and spawner share about a watched run. The harness writes the plan before the start and reads the rest
//! when everything of the run has ended; between the two it belongs to the spawner. Plain numbers only, for which zero
//! is a valid value, because the memory begins as zeros and is touched only by watched runs.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, AtomicU32};

use super::log::Log;
use super::tracees::Tracees;
use crate::platform::unix::{ChildLimit, MOST_LIMITS};
use crate::watch::{CommandPattern, Watch};

/// Bytes of a command line that are looked at.
pub(super) const LONGEST_LINE: usize = 64 * 1024;
/// Bytes of a command line that are written down.
pub(super) const LONGEST_SHOWN: usize = 4096;
/// Bytes of a script that says a line: see [`say_instead`](super::saying::say_instead) for why there are so few.
pub(super) const LONGEST_SCRIPT: usize = 256;
const MOST_PATTERNS: usize = Watch::MOST_PATTERNS;
const PATTERN_TEXT: usize = MOST_PATTERNS * CommandPattern::LONGEST;

/// All of it.
#[repr(C)]
pub(in super::super) struct WatchArea {
    pub(super) entrance: Entrance,
    pub(super) plan: Plan,
    pub(super) faulted: Faulted,
    pub(super) clock: Clock,
    pub(super) tracees: Tracees,
    pub(super) log: Log,
    /// The command line that is being looked at, as the system runs it.
    pub(super) run: Words,
    /// The same, as it was called.
    pub(super) called: Words,
    /// Room for a path.
    pub(super) path: PathRoom,
}

/// What child and spawner say to each other before the exec.
#[repr(C)]
pub(super) struct Entrance {
    /// A [`Gate`](super::Gate): the child waits until it is open.
    pub(super) gate: AtomicU32,
    /// Why the kernel refused to let the child be traced, or 0.
    pub(super) refused: AtomicI32,
    /// Why the kernel refused the filter, or 0.
    pub(super) filter_refused: AtomicI32,
    /// 1 if the child had to give up privileges of set-user-id programs for the filter.
    pub(super) no_new_privileges: AtomicI32,
}

/// Which pattern, in the text of all of them.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct PatternAt {
    pub(super) at: u32,
    pub(super) length: u32,
}

/// What is to be broken, as numbers.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Nothing = 0,
    Kill = 1,
    FailExec = 2,
    Cap = 3,
    Exit = 4,
    Say = 5,
}

/// What is looked for.
#[repr(C)]
pub(super) struct Plan {
    pub(super) pattern_count: u32,
    pub(super) patterns: [PatternAt; MOST_PATTERNS],
    pub(super) text: [u8; PATTERN_TEXT],
    /// An [`Action`].
    pub(super) action: i32,
    /// Patterns that the fault is about, a bit each.
    pub(super) aim: u64,
    /// From 1.
    pub(super) nth: u32,
    /// 1 if later starts of the same program are broken as well.
    pub(super) every: u32,
    /// 1 if the target is below a match, 0 if it matches.
    pub(super) below: u32,
    /// `Kill`: the signal. `FailExec`: the error.
    pub(super) number: c_int,
    /// `Kill`: nanoseconds that the target runs.
    pub(super) after: i64,
    /// `Kill`: nanoseconds that the target stands still.
    pub(super) held: i64,
    /// `Kill`: 1 if it is about the hook itself as well.
    pub(super) hook: u32,
    /// `Cap`.
    pub(super) limits: [ChildLimit; MOST_LIMITS],
    pub(super) limit_count: u32,
    /// `Say`: what a shell is told to do.
    pub(super) script: [u8; LONGEST_SCRIPT],
    pub(super) script_length: u32,
}

impl Plan {
    /// Whether calls of `execve` have to be seen before they happen.
    pub(super) fn needs_entries(&self) -> bool {
        [Action::FailExec, Action::Cap, Action::Exit, Action::Say].iter().any(|action| self.action == *action as i32)
    }

    pub(super) fn script(&self) -> &[u8] {
        self.script.get(..self.script_length as usize).unwrap_or_default()
    }

    pub(super) fn pattern(&self, index: usize) -> Option<&[u8]> {
        let PatternAt { at, length } = *self.patterns.get(index).filter(|_| index < self.pattern_count as usize)?;
        self.text.get(at as usize..)?.get(..length as usize)
    }
}

/// How far the fault has come.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The target has not been seen.
    Waiting = 0,
    /// It has, and its time has not come.
    Chosen = 1,
    /// It has, and stands still until its time comes.
    Held = 5,
    Done = 2,
    /// It had ended before its time had come.
    TooLate = 3,
    /// The kernel did not let it be done.
    Failed = 4,
}

/// What became of the fault.
#[repr(C)]
pub(super) struct Faulted {
    /// A [`Stage`].
    pub(super) stage: i32,
    /// How many fitted the target so far.
    pub(super) counted: u32,
    pub(super) pid: i32,
    /// The hook's own process.
    pub(super) hook: i32,
    /// What names the arguments of the exec that fails.
    pub(super) attempt: u64,
    /// What names the program that was broken, or 0, and its later starts that were broken as well.
    pub(super) program: u64,
    pub(super) repeated: u32,
    /// When its time comes, and when it was done; `CLOCK_MONOTONIC` in nanoseconds.
    pub(super) due: i64,
    pub(super) at: i64,
    /// 0 not asked, 1 default, 2 handled, 3 ignored, 4 blocked.
    pub(super) disposition: i32,
    /// The system's answer to each limit: 0 or an `errno`.
    pub(super) answers: [c_int; MOST_LIMITS],
    /// 1 if the program was loaded after the fault.
    pub(super) began: i32,
    /// 1 if the process has ended, with this status at that time.
    pub(super) ended: i32,
    pub(super) status: i32,
    pub(super) ended_at: i64,
    pub(super) length: u32,
    pub(super) line: [u8; LONGEST_SHOWN],
    /// Processes whose origin could not be found out.
    pub(super) lost: u32,
    /// Calls of `execve` that could not be looked at.
    pub(super) unread: u32,
}

impl Faulted {
    /// As it is before a run.
    pub(super) fn clear(&mut self) {
        self.stage = Stage::Waiting as i32;
        self.counted = 0;
        self.pid = 0;
        self.hook = 0;
        self.attempt = 0;
        self.program = 0;
        self.repeated = 0;
        self.disposition = 0;
        self.answers = [0; MOST_LIMITS];
        self.began = 0;
        self.ended = 0;
        self.length = 0;
        self.lost = 0;
        self.unread = 0;
    }
}

/// The moved clock.
#[repr(C)]
pub(super) struct Clock {
    /// Seconds; 0 if it is not moved.
    pub(super) shift: i64,
    /// Questions that were answered.
    pub(super) answered: u64,
    /// Waits that were made with the system's time.
    pub(super) waits: u64,
    /// Programs that still read the system's clock.
    pub(super) left_out: u32,
}

/// Words that end in NUL each, the last one perhaps not.
#[repr(C)]
pub(super) struct Words {
    length: usize,
    bytes: [u8; LONGEST_LINE],
}

impl Words {
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// What there is no room for is left out.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let count = bytes.len().min(room.len());
        if let (Some(room), Some(bytes)) = (room.get_mut(..count), bytes.get(..count)) {
            room.copy_from_slice(bytes);
        }
        self.length += count;
    }

    /// The room behind the words, to be filled; then call [`Words::grow`].
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.length..).unwrap_or_default()
    }

    pub(super) fn grow(&mut self, count: usize) {
        self.length = (self.length + count).min(self.bytes.len());
    }
}

/// A path that ends in NUL.
#[repr(C)]
pub(super) struct PathRoom {
    pub(super) bytes: [u8; 8192],
}
