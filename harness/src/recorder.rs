//! Keeps one output stream: bounded bytes, an exact count, and when what arrived.

use std::time::Duration;

use crate::observation::{Capture, Chunk};

/// More pieces than this are merged pairwise, so that a program that writes one byte at a time cannot fill memory.
pub(crate) const MAX_CHUNKS: usize = 4096;

/// Records one stream while it arrives.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    bound: usize,
    capture: Capture,
}

impl Recorder {
    /// A recorder that keeps at most `bound` bytes.
    pub(crate) fn new(bound: usize) -> Self {
        Recorder { bound, capture: Capture::default() }
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

    /// Whether the stream has ended.
    pub(crate) fn ended(&self) -> bool {
        self.capture.eof.is_some()
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
        let mut recorder = Recorder::new(bound);
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
        let mut recorder = Recorder::new(10);
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
    fn the_first_end_counts() {
        let mut recorder = Recorder::new(1);
        recorder.end(ms(3));
        recorder.end(ms(9));
        assert_eq!(recorder.finish().eof, Some(ms(3)));
    }
}
