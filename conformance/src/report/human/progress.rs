//! The line that tells how far a run is.

use std::time::{Duration, Instant};

use super::text::count;

/// Least time between two drawings: more are not seen and slow down a terminal at the end of a long line.
const PAUSE: Duration = Duration::from_millis(60);

/// How far a run is.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    done: usize,
    started: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    pub(super) fn new(total: usize) -> Progress {
        Progress { total, done: 0, started: Instant::now(), drawn: None }
    }

    /// Counts a case; gives the line to draw when it is time for it.
    pub(super) fn advance(&mut self, event: &str, failing: usize, harness_errors: usize) -> Option<String> {
        self.done += 1;
        let now = Instant::now();
        if self.drawn.is_some_and(|drawn| now.duration_since(drawn) < PAUSE) {
            return None;
        }
        self.drawn = Some(now);
        Some(self.line(now.duration_since(self.started), event, failing, harness_errors))
    }

    fn line(&self, elapsed: Duration, event: &str, failing: usize, harness_errors: usize) -> String {
        let Progress { total, done, .. } = self;
        let percent = (done * 100).checked_div(*total).unwrap_or(100);
        let mut line = format!("{done}/{total}  {percent} %  {}  {event}", time(elapsed));
        if failing > 0 {
            line.push_str(&format!("  {failing} failing"));
        }
        if harness_errors > 0 {
            line.push_str(&format!("  {}", count(harness_errors, "harness error")));
        }
        line
    }
}

/// A span of time as people write it.
pub(super) fn time(span: Duration) -> String {
    let seconds = span.as_secs();
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else if seconds < 60 {
        format!("{}.{} s", seconds, span.subsec_millis() / 100)
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 ms")]
    #[case(999, "999 ms")]
    #[case(1999, "1.9 s")]
    #[case(59_999, "59.9 s")]
    #[case(125_000, "2 min 5 s")]
    fn times_read_well(#[case] milliseconds: u64, #[case] expected: &str) {
        assert_eq!(time(Duration::from_millis(milliseconds)), expected);
    }

    #[rstest]
    #[case(320, 0, 0, "120/320  37 %  1.2 s  PreToolUse")]
    #[case(320, 3, 0, "120/320  37 %  1.2 s  PreToolUse  3 failing")]
    #[case(120, 3, 1, "120/120  100 %  1.2 s  PreToolUse  3 failing  1 harness error")]
    #[case(0, 0, 0, "120/0  100 %  1.2 s  PreToolUse")]
    fn the_line_says_it_all(#[case] total: usize, #[case] failing: usize, #[case] harness: usize, #[case] line: &str) {
        let progress = Progress { done: 120, ..Progress::new(total) };
        assert_eq!(progress.line(Duration::from_millis(1234), "PreToolUse", failing, harness), line);
    }

    #[test]
    fn it_is_not_drawn_for_every_case() {
        let mut progress = Progress::new(1000);
        let drawn = (0..1000).filter(|_| progress.advance("Stop", 0, 0).is_some()).count();
        assert!((1..100).contains(&drawn), "{drawn}");
        assert_eq!(progress.done, 1000);
    }
}
