//! Reports: one stream of events, many consumers.
//!
//! A run is told as [`ReportEvent`]s. A [`Reporter`] writes them down in one format, into the writer that it was given:
//! nothing here prints by itself. A further format is one further file beside `json_lines.rs`; what several formats
//! need stands in [`tally`](Tally), [`findings`](Findings) and [`matrix`](Matrix).

mod event;
mod findings;
mod human;
mod json_lines;
mod matrix;
mod plain_json;
mod port;
mod probe_page;
mod probe_words;
mod strip;
mod tally;
mod text;

pub use event::{
    CaseFinished, Confined, CutShort, CutShortBecause, ReportEvent, ReportedRun, RunStarted, SubjectInfo, Summary,
};
pub use findings::{Findings, Group, Place};
pub use human::{Human, Look, ProbeText, Rules, activity_text};
pub use json_lines::JsonLines;
pub use matrix::{Cell, Matrix, Row};
pub use plain_json::{json_line, json_page, write_json_line};
pub use port::PortTable;
pub use probe_page::ProbePage;
pub use tally::{Conformance, Tally};
pub use text::visible;

use std::io;

/// A consumer of the events of a run.
pub trait Reporter {
    /// Takes the next event.
    ///
    /// # Errors
    /// What the writer underneath answers. The reporter may be given further events afterwards.
    fn on(&mut self, event: &ReportEvent) -> io::Result<()>;
}

impl<R: Reporter + ?Sized> Reporter for Box<R> {
    fn on(&mut self, event: &ReportEvent) -> io::Result<()> {
        (**self).on(event)
    }
}

/// Several reporters as one: each is told everything, also when one of them fails; the first failure is returned.
impl<R: Reporter> Reporter for Vec<R> {
    fn on(&mut self, event: &ReportEvent) -> io::Result<()> {
        let mut result = Ok(());
        for reporter in self {
            let answer = reporter.on(event);
            result = result.and(answer);
        }
        result
    }
}

#[cfg(test)]
mod probe_samples;
#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what it is told and fails on demand.
    struct Counter<'a>(&'a std::cell::Cell<usize>, bool);

    impl Reporter for Counter<'_> {
        fn on(&mut self, _: &ReportEvent) -> io::Result<()> {
            self.0.set(self.0.get() + 1);
            if self.1 { Err(io::Error::other("full")) } else { Ok(()) }
        }
    }

    #[test]
    fn a_reporter_that_fails_silences_no_other() {
        let told = std::cell::Cell::new(0);
        let mut all: Vec<Box<dyn Reporter + '_>> =
            vec![Box::new(Counter(&told, true)), Box::new(Counter(&told, false))];
        let answer = all.on(&ReportEvent::RunFinished(Summary::default()));
        assert_eq!(told.get(), 2);
        assert!(answer.is_err_and(|error| error.to_string() == "full"));
    }
}
