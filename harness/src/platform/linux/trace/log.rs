//! The starts of programs, written down as they happen. Those that match have room of their own, so that no number of
//! others displaces them.

use super::area::LONGEST_SHOWN;

/// Starts of each kind that are written down at most.
const MOST: usize = 4096;
/// Bytes of command lines of each kind.
const TEXT: usize = 2 * 1024 * 1024;

/// One start. The numbers are those of the kernel.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Place in the order of all starts.
    pub(super) order: u64,
    pub(super) at: i64,
    pub(super) ended_at: i64,
    pub(super) pid: i32,
    pub(super) parent: i32,
    /// Id of the nearest process that had matched before, or 0.
    pub(super) below: i32,
    /// Index, or -1.
    pub(super) pattern: i32,
    /// 1 as it was called, 0 as the system runs it.
    pub(super) called: i32,
    /// 1 if the process has ended, with this status.
    pub(super) ended: i32,
    pub(super) status: i32,
    line_at: u32,
    line_length: u32,
}

/// Starts of one kind.
#[repr(C)]
struct Starts {
    count: u32,
    text_length: u32,
    starts: [Start; MOST],
    text: [u8; TEXT],
}

/// All starts.
#[repr(C)]
pub(super) struct Log {
    order: u64,
    dropped: u64,
    matched: Starts,
    other: Starts,
}

/// Where a start was written down. 0 is nowhere.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(i32);

impl Log {
    pub(super) fn clear(&mut self) {
        self.order = 0;
        self.dropped = 0;
        for starts in [&mut self.matched, &mut self.other] {
            starts.count = 0;
            starts.text_length = 0;
        }
    }

    /// Writes a start down, with the beginning of its command line.
    pub(super) fn write(&mut self, start: Start, line: &[u8]) -> Place {
        let matched = start.pattern >= 0;
        let order = self.order;
        self.order += 1;
        let starts = if matched { &mut self.matched } else { &mut self.other };
        match starts.push(Start { order, ..start }, line) {
            Some(index) if matched => Place(index + 1),
            Some(index) => Place(-index - 1),
            None => {
                self.dropped += 1;
                Place(0)
            }
        }
    }

    /// The process of this start has ended.
    pub(super) fn end(&mut self, place: Place, status: i32, at: i64) {
        let starts = if place.0 > 0 { &mut self.matched } else { &mut self.other };
        let index = place.0.unsigned_abs() as usize;
        if let Some(start) = index.checked_sub(1).and_then(|index| starts.starts.get_mut(index)) {
            start.ended = 1;
            start.status = status;
            start.ended_at = at;
        }
    }

    /// Starts for which there was no room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Every start with its command line, in no particular order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Start, &[u8])> {
        self.matched.all().chain(self.other.all())
    }
}

impl Starts {
    fn push(&mut self, start: Start, line: &[u8]) -> Option<i32> {
        let line = line.get(..LONGEST_SHOWN).unwrap_or(line);
        let begin = self.text_length as usize;
        let room = self.text.get_mut(begin..)?.get_mut(..line.len())?;
        let slot = self.starts.get_mut(self.count as usize)?;
        room.copy_from_slice(line);
        *slot = Start { line_at: self.text_length, line_length: line.len() as u32, ..start };
        self.text_length += line.len() as u32;
        self.count += 1;
        Some(self.count as i32 - 1)
    }

    fn all(&self) -> impl Iterator<Item = (&Start, &[u8])> {
        let starts = self.starts.get(..self.count as usize).unwrap_or_default();
        starts.iter().map(|start| {
            let line = self.text.get(start.line_at as usize..).and_then(|text| text.get(..start.line_length as usize));
            (start, line.unwrap_or_default())
        })
    }
}

impl Start {
    /// A start that matches nothing.
    pub(super) fn new(at: i64, pid: i32, parent: i32, below: i32) -> Self {
        Start {
            order: 0,
            at,
            ended_at: 0,
            pid,
            parent,
            below,
            pattern: -1,
            called: 0,
            ended: 0,
            status: 0,
            line_at: 0,
            line_length: 0,
        }
    }
}

impl Place {
    pub(super) const NOWHERE: Place = Place(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Too large for a test's stack.
    #[allow(unsafe_code)]
    fn log() -> Box<Log> {
        // SAFETY: plain numbers, for which zero is a value.
        unsafe { Box::<Log>::new_zeroed().assume_init() }
    }

    fn start(pid: i32, pattern: i32) -> Start {
        Start { pattern, ..Start::new(5, pid, 1, 0) }
    }

    #[test]
    fn who_matches_has_room_when_there_are_too_many_others() {
        let mut log = log();
        for pid in 0..MOST as i32 + 10 {
            log.write(start(pid, -1), b"other");
        }
        assert_eq!(log.dropped(), 10);
        let place = log.write(start(7, 3), b"python3\0-m\0venv");
        log.end(place, 9, 77);
        let (found, line) = log.all().find(|(start, _)| start.pattern == 3).expect("was written");
        assert_eq!((found.order, found.ended, found.status, found.ended_at), (MOST as u64 + 10, 1, 9, 77));
        assert_eq!(line, b"python3\0-m\0venv");
        log.end(Place::NOWHERE, 1, 1);
        assert!(log.all().filter(|(start, _)| start.ended == 1).count() == 1, "nowhere is nobody");
        log.clear();
        assert_eq!((log.all().count(), log.dropped()), (0, 0));
    }

    #[test]
    fn long_lines_are_cut_and_do_not_use_up_all_room() {
        let mut log = log();
        let line = vec![b'x'; 100_000];
        for pid in 0..600 {
            log.write(start(pid, 0), &line);
        }
        assert_eq!(log.all().count(), TEXT / LONGEST_SHOWN);
        assert!(log.all().all(|(_, line)| line.len() == LONGEST_SHOWN));
        assert_eq!(log.dropped(), 600 - (TEXT / LONGEST_SHOWN) as u64);
    }
}
