//! A probe, told to people: a strip and a few sentences a limit.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use hookproof_harness::Behaviour;

use super::Look;
use super::page::{BOLD, DIM, GOOD, Line, PLAIN, Page};
use crate::probe::{Baseline, Closing, Found, ProbeEvent};
use crate::report::probe_words as words;
use crate::report::strip::{Strip, mark};
use crate::report::text::{self, count, cut_middle};

/// Columns that a strip takes at most.
const WIDEST: usize = 96;
/// Blanks before everything that belongs to a limit.
const INDENT: usize = 2;

/// Tells a probe to people, as it goes on.
pub struct ProbeText<W> {
    page: Page<W>,
    runs: usize,
}

impl<W: Write> ProbeText<W> {
    /// Tells to `out`.
    pub fn new(out: W, look: Look) -> Self {
        ProbeText { page: Page::new(out, look), runs: 0 }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// What the writer underneath answers.
    pub fn on(&mut self, event: &ProbeEvent) -> io::Result<()> {
        match event {
            ProbeEvent::ProbeStarted(baseline) => self.start(baseline),
            ProbeEvent::RunFinished { limit, point } => self.run(&format!("{limit}"), point.value),
            ProbeEvent::LimitFinished(found) => self.found(found),
            ProbeEvent::ProbeFinished(closing) => self.finish(closing),
        }
    }

    fn start(&mut self, baseline: &Baseline) -> io::Result<()> {
        let width = self.page.width();
        let Baseline { platform_title, version, event, payload, .. } = baseline;
        let head = format!("probe at {event} of {platform_title} {version}, payload {payload}");
        let name = format!("hookproof {}", baseline.hookproof);
        self.page.lines(&Line::new().add(BOLD, &name).plain(": ").hanging(PLAIN, &head, width))?;
        self.page.line(&Line::indent(INDENT).add(BOLD, &cut_middle(&text::visible(&baseline.hook), width - INDENT)))?;
        for sentence in words::baseline(baseline) {
            self.page.lines(&Line::indent(INDENT).hanging(PLAIN, &sentence, width))?;
        }
        self.page.flush()
    }

    fn run(&mut self, limit: &str, value: u64) -> io::Result<()> {
        self.runs += 1;
        if self.page.look.terminal {
            self.page.overwrite(&format!("{}, the last under {limit} {value}", count(self.runs, "run")))?;
        }
        if self.page.look.terminal { self.page.flush() } else { Ok(()) }
    }

    fn found(&mut self, found: &Found) -> io::Result<()> {
        let width = self.page.width();
        self.page.blank()?;
        let runs = count(found.points.len(), "run");
        self.page.line(&Line::new().add(BOLD, found.title()).plain(", ").plain(&runs))?;
        self.page.lines(&Line::indent(INDENT).hanging(DIM, &words::mechanism(found), width))?;
        if found.not_enforced.is_none() && !found.points.is_empty() {
            self.strip(found)?;
            for band in &found.bands {
                let mark = mark(Some(band.behaviour)).to_string();
                let head = format!(" {:<12} ", band.behaviour.to_string());
                let told = format!("{}: {}", words::extent(found, band), words::band(found, band));
                let line = Line::indent(INDENT).add(style(band.behaviour), &mark).plain(&head);
                self.page.lines(&line.hanging(PLAIN, &told, width))?;
            }
        }
        for sentence in words::answer(found) {
            self.page.lines(&Line::indent(INDENT).hanging(BOLD, &sentence, width))?;
        }
        for sentence in
            words::not_monotonic(found).into_iter().chain(words::worst(found)).chain(words::unnoticed(found))
        {
            self.page.lines(&Line::indent(INDENT).hanging(PLAIN, &sentence, width))?;
        }
        self.page.flush()
    }

    /// The range by ratio: how the hook behaves, where it was tried, and what the ends and the floor are.
    fn strip(&mut self, found: &Found) -> io::Result<()> {
        let columns = (self.page.width() - INDENT).min(WIDEST);
        let strip = Strip::of(found, columns);
        let mut line = Line::indent(INDENT);
        for stretch in strip.columns.chunk_by(|a, b| a.behaviour == b.behaviour) {
            let behaviour = stretch[0].behaviour;
            let style = behaviour.map_or(DIM, style);
            line = line.add(style, &mark(behaviour).to_string().repeat(stretch.len()));
        }
        self.page.line(&line)?;
        let tried: String = strip.columns.iter().map(|column| if column.tried { '^' } else { ' ' }).collect();
        self.page.line(&Line::indent(INDENT).add(DIM, &tried))?;
        let mut labels = Labels::new(columns);
        labels.put(0, &found.shown(found.least));
        labels.put_before(columns, &found.shown(found.most));
        if let Some(floor) = found.floor {
            labels.put(strip.place(floor, columns), &found.shown(floor));
        }
        self.page.line(&Line::indent(INDENT).add(DIM, &labels.0.iter().collect::<String>()))
    }

    fn finish(&mut self, closing: &Closing) -> io::Result<()> {
        let width = self.page.width();
        self.page.blank()?;
        for note in &closing.notes {
            self.page.lines(&Line::new().add(BOLD, "note").plain(": ").hanging(PLAIN, note, width))?;
        }
        let interrupted = if closing.interrupted { ", interrupted" } else { "" };
        let told = format!("{}, {:.1} s{interrupted}", count(closing.runs, "run"), closing.wall.as_secs_f64());
        self.page.line(&Line::new().plain(&told))?;
        self.page.flush()
    }
}

fn style(behaviour: Behaviour) -> Style {
    match behaviour {
        Behaviour::Works => GOOD,
        Behaviour::CleanError => AnsiColor::Cyan.on_default(),
        Behaviour::LoudCrash => AnsiColor::Yellow.on_default(),
        Behaviour::SilentDeath => AnsiColor::BrightRed.on_default().bold(),
        Behaviour::Hang => AnsiColor::Magenta.on_default().bold(),
    }
}

/// A line of texts at columns; one that would touch another is left out.
struct Labels(Vec<char>);

impl Labels {
    fn new(columns: usize) -> Self {
        Labels(vec![' '; columns])
    }

    fn put(&mut self, at: usize, text: &str) {
        let letters: Vec<char> = text.chars().collect();
        let at = at.min(self.0.len().saturating_sub(letters.len()));
        let around = at.saturating_sub(1)..(at + letters.len() + 1).min(self.0.len());
        if letters.len() <= self.0.len() && self.0[around].iter().all(|c| *c == ' ') {
            self.0[at..at + letters.len()].copy_from_slice(&letters);
        }
    }

    fn put_before(&mut self, end: usize, text: &str) {
        self.put(end.saturating_sub(text.chars().count()), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Probing;
    use crate::report::probe_samples::probing;
    use crate::report::text::width as columns_of;

    fn told(look: Look) -> String {
        let Probing { baseline, limits, closing } = probing();
        let mut out = Vec::new();
        let mut text = ProbeText::new(&mut out, look);
        text.on(&ProbeEvent::ProbeStarted(baseline)).unwrap();
        for found in limits {
            for point in found.points.clone() {
                text.on(&ProbeEvent::RunFinished { limit: found.limit, point }).unwrap();
            }
            text.on(&ProbeEvent::LimitFinished(found)).unwrap();
        }
        text.on(&ProbeEvent::ProbeFinished(closing)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_limit_is_a_strip_with_its_ends_and_its_floor() {
        let told = told(Look { width: 62, ..Look::default() });
        let lines: Vec<&str> = told.lines().collect();
        let at = lines.iter().position(|line| line.starts_with("  xxx")).expect("a strip");
        assert_eq!(lines[at].len(), 62);
        assert!(lines[at].ends_with("==="));
        assert!(lines[at + 1].trim_start().starts_with('^') && lines[at + 1].ends_with('^'));
        assert!(
            lines[at + 2].starts_with("  1 MiB")
                && lines[at + 2].ends_with("1 GiB")
                && lines[at + 2].contains("14 MiB")
        );
        assert!(told.contains("x silent death 1 MiB to 7 MiB: "), "{told}");
        assert!(told.contains("It needs 14 MiB. Give it 21 MiB or more."));
        assert!(told.contains("not enforced, because the superuser is exempt from it"));
        assert!(told.contains("note: real memory was not probed"));
    }

    #[test]
    fn lines_fit_and_nothing_acts_in_any_width() {
        for width in [40, 62, 80, 100, 200] {
            let told = told(Look { width, ..Look::default() });
            assert!(told.lines().all(|line| columns_of(line) <= width), "{width}");
            assert!(!told.contains('\u{1b}'));
        }
        assert!(told(Look { color: true, ..Look::default() }).contains("\u{1b}["));
    }

    #[test]
    fn progress_is_for_terminals() {
        assert!(!told(Look::default()).contains('\r'));
        assert!(told(Look { terminal: true, ..Look::default() }).contains("\r11 runs, the last under open-files 64"));
    }
}
