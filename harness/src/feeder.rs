//! Plays a stdin plan: which bytes are due now, and when the pipe is to be closed.

use std::time::Duration;

use crate::command::StdinPlan;
use crate::observation::StdinReport;

/// The state of one plan. It never writes itself and never waits: the supervision loop asks what is due.
#[derive(Debug)]
pub(crate) struct Feeder<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Size of a piece and the pause after it; `None` if everything is due at once.
    pace: Option<(usize, Duration)>,
    /// End of the piece that is being delivered.
    piece_end: usize,
    /// When the next piece is due.
    next_at: Duration,
    hold_open: bool,
    open: bool,
    refused: bool,
}

impl<'a> Feeder<'a> {
    /// Starts a plan. Nothing has been delivered yet.
    pub(crate) fn new(plan: &'a StdinPlan) -> Self {
        let (bytes, pace, hold_open, open): (&[u8], _, _, _) = match plan {
            StdinPlan::Whole(bytes) => (bytes, None, false, true),
            StdinPlan::Empty => (&[], None, false, true),
            StdinPlan::Closed => (&[], None, false, false),
            StdinPlan::HeldOpen(bytes) => (bytes, None, true, true),
            StdinPlan::Slow { bytes, piece, pause } => (bytes, Some(((*piece).max(1), *pause)), false, true),
            StdinPlan::Truncated { bytes, at } => (&bytes[..(*at).min(bytes.len())], None, false, true),
        };
        let piece_end = pace.map_or(bytes.len(), |(piece, _)| piece.min(bytes.len()));
        Feeder { bytes, position: 0, pace, piece_end, next_at: Duration::ZERO, hold_open, open, refused: false }
    }

    /// The bytes that may be written now; empty if none are due.
    pub(crate) fn due(&self, now: Duration) -> &'a [u8] {
        if self.open && now >= self.next_at { &self.bytes[self.position..self.piece_end] } else { &[] }
    }

    /// When the next piece is due, if one is waiting for its time.
    pub(crate) fn wakes_at(&self, now: Duration) -> Option<Duration> {
        (self.open && self.position < self.piece_end && now < self.next_at).then_some(self.next_at)
    }

    /// The operating system took `count` bytes.
    pub(crate) fn wrote(&mut self, count: usize, now: Duration) {
        self.position += count;
        if let Some((piece, pause)) = self.pace
            && self.position == self.piece_end
            && self.position < self.bytes.len()
        {
            self.piece_end = (self.piece_end + piece).min(self.bytes.len());
            self.next_at = now + pause;
        }
    }

    /// The reading end is closed. That is a refusal only if something was left to deliver.
    pub(crate) fn refuse(&mut self) {
        self.refused = self.position < self.bytes.len();
        self.open = false;
    }

    /// Whether the pipe is to be closed now. True at most once.
    pub(crate) fn take_close(&mut self) -> bool {
        let close = self.open && !self.hold_open && self.position == self.bytes.len();
        self.open &= !close;
        close
    }

    /// What became of the plan.
    pub(crate) fn report(&self) -> StdinReport {
        StdinReport { planned: self.bytes.len() as u64, written: self.position as u64, refused: self.refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ZERO: Duration = Duration::ZERO;

    #[rstest]
    #[case::whole(StdinPlan::Whole(b"abc".to_vec()), b"abc", true)]
    #[case::held_open(StdinPlan::HeldOpen(b"abc".to_vec()), b"abc", false)]
    #[case::truncated(StdinPlan::Truncated { bytes: b"abc".to_vec(), at: 2 }, b"ab", true)]
    #[case::truncated_behind_the_end(StdinPlan::Truncated { bytes: b"abc".to_vec(), at: 9 }, b"abc", true)]
    #[case::empty(StdinPlan::Empty, b"", true)]
    #[case::closed(StdinPlan::Closed, b"", false)]
    fn everything_at_once(#[case] plan: StdinPlan, #[case] bytes: &[u8], #[case] closes: bool) {
        let mut feeder = Feeder::new(&plan);
        assert_eq!(feeder.due(ZERO), bytes);
        assert_eq!(feeder.wakes_at(ZERO), None);
        feeder.wrote(bytes.len(), ZERO);
        assert_eq!(feeder.take_close(), closes);
        assert!(!feeder.take_close());
        let len = bytes.len() as u64;
        assert_eq!(feeder.report(), StdinReport { planned: len, written: len, refused: false });
    }

    #[test]
    fn slow_pieces_wait_for_their_time() {
        let pause = Duration::from_millis(10);
        let plan = StdinPlan::Slow { bytes: b"abcde".to_vec(), piece: 2, pause };
        let mut feeder = Feeder::new(&plan);
        assert_eq!(feeder.due(ZERO), b"ab");
        feeder.wrote(1, ZERO);
        assert_eq!(feeder.due(ZERO), b"b", "a piece may be taken in parts");
        feeder.wrote(1, ZERO);
        assert_eq!(feeder.due(ZERO), b"");
        assert_eq!(feeder.wakes_at(ZERO), Some(pause));
        assert_eq!(feeder.due(pause), b"cd");
        feeder.wrote(2, pause);
        assert!(!feeder.take_close());
        assert_eq!(feeder.due(pause * 2), b"e");
        feeder.wrote(1, pause * 2);
        assert!(feeder.take_close());
    }

    #[rstest]
    #[case::piece_of_zero(StdinPlan::Slow { bytes: b"ab".to_vec(), piece: 0, pause: ZERO }, b"a")]
    #[case::piece_too_large(StdinPlan::Slow { bytes: b"ab".to_vec(), piece: 9, pause: ZERO }, b"ab")]
    fn odd_pieces(#[case] plan: StdinPlan, #[case] first: &[u8]) {
        assert_eq!(Feeder::new(&plan).due(ZERO), first);
    }

    #[test]
    fn a_refusal_counts_only_while_bytes_are_left() {
        let plan = StdinPlan::HeldOpen(b"abc".to_vec());
        let mut early = Feeder::new(&plan);
        early.wrote(1, ZERO);
        early.refuse();
        assert_eq!(early.report(), StdinReport { planned: 3, written: 1, refused: true });
        assert_eq!(early.due(ZERO), b"");
        let mut late = Feeder::new(&plan);
        late.wrote(3, ZERO);
        late.refuse();
        assert!(!late.report().refused);
    }
}
