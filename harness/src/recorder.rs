//! Keeps one output stream: bounded bytes, an exact count, and when what arrived.

use std::time::Duration;

use crate::observation::{Capture, Chunk};
use crate::reader::ReadPlan;

/// More pieces than this are merged pairwise, so that a program that writes one byte at a time cannot fill memory.
pub(crate) const MAX_CHUNKS: usize = 4096;

/// Records one stream while it arrives.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    bound: usize,
    plan: ReadPlan,
    capture: Capture,
}

impl Recorder {
    /// A recorder that keeps at most `bound` bytes of what the plan lets it read.
    pub(crate) fn new(bound: usize, plan: ReadPlan) -> Self {
        let closed_by_us = plan.is_closed().then_some(Duration::ZERO);
        Recorder { bound, plan, capture: Capture { closed_by_us, ..Capture::default() } }
    }

    /// How many bytes may be read next at most.
    pub(crate) fn wants(&self) -> usize {
        self.plan.wants(self.capture.total)
    }

    /// When our end is to be closed, if that is still a matter of time.
    pub(crate) fn wakes_at(&self) -> Option<Duration> {
        self.plan.closes_at().filter(|_| !self.over())
    }

    /// Whether our end is to be closed now. True at most once.
    pub(crate) fn take_close(&mut self, now: Duration) -> bool {
        let close = !self.over() && self.plan.is_over(self.capture.total, now);
        if close {
            self.capture.closed_by_us = Some(now);
        }
        close
    }

    /// Takes a piece that was read at `at`.
    pub(crate) fn push(&mut self, at: Duration, piece: &[u8]) {
        let room = self.bound - self.capture.bytes.len();
        self.capture.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        self.capture.total += piece.len() as u64;
        if self.capture.chunks.len() == MAX_CHUNKS {
            merge_neighbours(&mut self.capture.chunks);
        }
        self.capture.chunks.push(Chunk { at, len: piece.len() });
    }

    /// The stream ended at `at`.
    pub(crate) fn end(&mut self, at: Duration) {
        self.capture.eof.get_or_insert(at);
    }

    /// Whether there is nothing more to read: the stream has ended, or we have closed it.
    pub(crate) fn over(&self) -> bool {
        self.capture.eof.is_some() || self.capture.closed_by_us.is_some()
    }

    /// What was recorded.
    pub(crate) fn finish(self) -> Capture {
        self.capture
    }
}

/// Halves the number of chunks. A merged chunk carries the later of the two times (by then all of it was there); the
/// first chunk stays as it is, because the time of the first byte is a fact of its own.
fn merge_neighbours(chunks: &mut Vec<Chunk>) {
    let mut kept = 1;
    let mut next = 1;
    while next < chunks.len() {
        let mut merged = chunks[next];
        if let Some(second) = chunks.get(next + 1) {
            merged = Chunk { at: second.at, len: merged.len + second.len };
        }
        chunks[kept] = merged;
        kept += 1;
        next += 2;
    }
    chunks.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[rstest]
    #[case::nothing_is_kept(0, b"")]
    #[case::cut_inside_a_piece(5, b"abcde")]
    #[case::exactly_full(6, b"abcdef")]
    #[case::room_left(100, b"abcdef")]
    fn the_bound_holds_and_the_count_is_exact(#[case] bound: usize, #[case] kept: &[u8]) {
        let mut recorder = Recorder::new(bound, ReadPlan::ToEnd);
        recorder.push(ms(1), b"abcd");
        recorder.push(ms(2), b"ef");
        let capture = recorder.finish();
        assert_eq!(capture.bytes, kept);
        assert_eq!(capture.total, 6);
        assert_eq!(capture.chunks, [Chunk { at: ms(1), len: 4 }, Chunk { at: ms(2), len: 2 }]);
        assert_eq!(capture.eof, None);
    }

    #[test]
    fn many_pieces_are_merged_without_losing_bytes_or_the_first_and_last_time() {
        let mut recorder = Recorder::new(10, ReadPlan::ToEnd);
        let pieces = 100_000;
        for n in 0..pieces {
            recorder.push(ms(n), b"x");
        }
        let capture = recorder.finish();
        assert!(capture.chunks.len() <= MAX_CHUNKS, "{} chunks", capture.chunks.len());
        assert_eq!(capture.chunks.iter().map(|c| c.len as u64).sum::<u64>(), pieces);
        assert_eq!(capture.chunks[0], Chunk { at: ms(0), len: 1 });
        assert_eq!(capture.chunks.last().map(|c| c.at), Some(ms(pieces - 1)));
        assert!(capture.chunks.is_sorted_by_key(|c| c.at));
    }

    #[test]
    fn our_end_is_closed_once_and_only_if_the_stream_has_not_ended() {
        let mut early = Recorder::new(10, ReadPlan::Bytes(3));
        assert!(!early.take_close(ms(1)));
        early.push(ms(1), b"abc");
        assert!(early.take_close(ms(2)) && early.over() && !early.take_close(ms(3)));
        assert_eq!(early.finish().closed_by_us, Some(ms(2)));
        let mut late = Recorder::new(10, ReadPlan::For(ms(5)));
        assert_eq!(late.wakes_at(), Some(ms(5)));
        late.end(ms(4));
        assert!(!late.take_close(ms(6)) && late.wakes_at().is_none());
        let capture = late.finish();
        assert_eq!((capture.eof, capture.closed_by_us), (Some(ms(4)), None));
        let never = Recorder::new(10, ReadPlan::Closed);
        assert!(never.over());
        assert_eq!(never.finish().closed_by_us, Some(ms(0)));
    }

    #[test]
    fn the_first_end_counts() {
        let mut recorder = Recorder::new(1, ReadPlan::ToEnd);
        recorder.end(ms(3));
        recorder.end(ms(9));
        assert_eq!(recorder.finish().eof, Some(ms(3)));
    }
}
