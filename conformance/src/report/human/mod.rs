//! For people: progress while a run goes on, then a line for each finding, what the hooks did, the verdict, and details.

mod activity;
mod case;
mod finding;
mod gutter;
mod matrix;
mod overview;
mod page;
mod probe;
mod progress;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{CaseFinished, Findings, Matrix, ReportEvent, Reporter, RunStarted, SubjectInfo, Summary, Tally, text};
use crate::requirement::{Catalogue, Level, Requirement};
use crate::run::Launcher;
pub use probe::ProbeText;

use page::{BOLD, DIM, Line, PLAIN, Page};
use progress::Progress;

/// How a report for people looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Colours, as ANSI escape sequences. Whether they are wanted (`NO_COLOR`, a terminal) is the caller's business.
    pub color: bool,
    /// The writer is a terminal: progress is one line that is written over.
    pub terminal: bool,
    /// A line for every case; all findings, also of levels that do not count; all places and observations; the matrix.
    pub verbose: bool,
    /// The matrix of events and scenarios, also if the report is not verbose.
    pub matrix: bool,
    /// Columns that a line may take; at least 40 are used.
    pub width: usize,
}

impl Default for Look {
    /// Plain text of 100 columns.
    fn default() -> Self {
        Look { color: false, terminal: false, verbose: false, matrix: false, width: 100 }
    }
}

/// What a report needs to know of the rules: their titles, and how a hook is mended.
pub trait Rules {
    /// The requirement with this id.
    fn rule(&self, id: &str) -> Option<&Requirement>;
}

impl Rules for Catalogue {
    fn rule(&self, id: &str) -> Option<&Requirement> {
        self.get(id)
    }
}

/// Tells a run to people.
///
/// Texts that come from a hook, from its configuration or from a payload never reach the writer as they are: what could
/// drive a terminal is spelled out (`\u{1b}`), and long lines of evidence are cut in the middle.
///
/// ```no_run
/// use hookproof::report::{Human, Look, ReportEvent, Reporter};
/// use hookproof::requirement::Catalogue;
///
/// # fn run(mut each: impl FnMut(&mut dyn Reporter) -> std::io::Result<()>) -> Result<(), Box<dyn std::error::Error>> {
/// let look = Look { width: 80, ..Look::default() };
/// let mut human = Human::new(std::io::stdout(), Catalogue::built_in()?, look);
/// each(&mut human)?;
/// # Ok(())
/// # }
/// ```
pub struct Human<'a, W> {
    page: Page<W>,
    rules: &'a (dyn Rules + Sync),
    run: Told,
    progress: Progress,
    tally: Tally,
    findings: Findings,
    matrix: Matrix,
}

/// What is known of the run from its first event.
#[derive(Debug, Default)]
struct Told {
    /// The platform's name for people.
    title: String,
    version: String,
    level: Option<Level>,
    /// Places of configuration, by the name of the subject.
    places: BTreeMap<String, Option<String>>,
}

impl Told {
    fn of(started: &RunStarted) -> Told {
        let RunStarted { platform, platform_title, .. } = started;
        Told {
            title: if platform_title.is_empty() { platform } else { platform_title }.clone(),
            version: started.version.clone(),
            level: Some(started.level),
            places: started.subjects.iter().map(|subject| (subject.name.clone(), subject.place.clone())).collect(),
        }
    }

    /// The level from which a finding fails the run.
    fn level(&self) -> Level {
        self.level.unwrap_or(Level::Should)
    }

    /// Whether names of subjects are needed to tell cases apart.
    fn several_subjects(&self) -> bool {
        self.places.len() > 1
    }

    /// The short name of a case within the run.
    fn place(&self, case: &crate::plan::CaseId) -> String {
        let short = format!("{}/{}/{}", case.event, case.payload, case.scenario);
        if self.several_subjects() { format!("{}/{short}", case.subject) } else { short }
    }
}

impl<'a, W: Write> Human<'a, W> {
    /// Tells to `out`, with the words of `rules`: the [`Catalogue`] as a rule.
    pub fn new(out: W, rules: &'a (dyn Rules + Sync), look: Look) -> Self {
        Human {
            page: Page::new(out, look),
            rules,
            run: Told::default(),
            progress: Progress::new(0),
            tally: Tally::default(),
            findings: Findings::default(),
            matrix: Matrix::default(),
        }
    }

    fn start(&mut self, started: &RunStarted) -> io::Result<()> {
        const SUBJECTS: usize = 8;
        self.run = Told::of(started);
        self.progress = Progress::new(started.cases);
        self.tally = Tally::new(started.cases);
        let RunStarted { hookproof, version, level, jobs, subjects, .. } = started;
        let (title, cases) = (&self.run.title, text::count(started.cases, "case"));
        let text = format!("hooks of {title} {version} at level {level}, {cases}, {jobs} at a time");
        let width = self.page.width();
        let name = text::cut_end(&text::visible(&format!("hookproof {hookproof}")), width / 2);
        self.page.lines(&Line::new().add(BOLD, &name).plain(": ").hanging(PLAIN, &text, width))?;
        let most = if self.page.look.verbose { usize::MAX } else { SUBJECTS };
        for SubjectInfo { name, command, place } in subjects.iter().take(most) {
            let name = text::cut_middle(&text::visible(name), width / 2);
            let line = Line::new().plain("  ").add(BOLD, &name).plain(": ");
            let command = text::cut_middle(&text::visible(command), width - line.width());
            let line = line.plain(&command);
            // The place of the configuration stands behind the command where there is room, else below it.
            let place = place.as_ref().map_or(String::new(), |place| text::visible(&format!("({place})")));
            if line.width() + 1 + text::width(&place) <= width {
                self.page.line(&line.plain(" ").add(DIM, &place))?;
            } else {
                self.page.line(&line)?;
                self.page.line(&Line::indent(4).add(DIM, &text::cut_middle(&place, width - 4)))?;
            }
        }
        if subjects.len() > most {
            self.page.line(&Line::new().plain(&format!("  and {} more", subjects.len() - most)))?;
        }
        for Launcher { script, program } in &started.launchers {
            let text = format!(
                "{} is a launcher script; the hooks are run by what it starts, {}",
                text::visible(&script.display().to_string()),
                text::visible(&program.display().to_string())
            );
            self.page.lines(&Line::new().plain("  interpreter: ").hanging(PLAIN, &text, width))?;
        }
        for not_copied in &started.not_copied {
            let text = text::visible(&not_copied.told());
            self.page.lines(&Line::new().plain("  project: ").hanging(PLAIN, &text, width))?;
        }
        self.page.flush()
    }

    fn case(&mut self, case: &CaseFinished) -> io::Result<()> {
        self.tally.add(case);
        self.findings.add(case);
        self.matrix.add(case);
        if self.page.look.verbose {
            self.page.line(&case::line(case, &self.run, self.page.width()))?;
        }
        if self.page.look.terminal {
            let failing = self.tally.cases_broken(self.run.level());
            let harness = self.tally.cases_harness_failed();
            if let Some(line) = self.progress.advance(&case.case.event, failing, harness) {
                self.page.overwrite(&line)?;
            }
        }
        self.page.flush()
    }

    /// What a user needs first comes first, and the verdict once more as the last line.
    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let (width, look) = (self.page.width(), self.page.look);
        let verbose = look.verbose;
        let (shown, hidden) = self.findings.chosen(self.run.level(), verbose);
        let verdict = summary::verdict(summary, &self.tally, &self.findings, &self.run, width);
        let mut top = vec![
            overview::lines(&shown, hidden, &self.findings, width),
            activity::lines(&summary.activity, width, verbose),
        ];
        let setting = finding::Setting { rules: self.rules, run: &self.run, width, verbose };
        let matrix = if verbose || look.matrix { matrix::lines(&self.matrix, width) } else { Vec::new() };
        let volume = summary::lines(summary, &self.tally, width, verbose);
        // How many lines a finding may take is known when all others are.
        let used = top.iter().map(|block| block.len() + 1).sum::<usize>() + 2 * verdict.len() + volume.len() + 2;
        let details = finding::blocks(&shown, &self.findings, &setting, used);
        let mut last = verdict.clone();
        if details.is_empty() && matrix.is_empty() {
            top.push(volume);
            last = top.pop().into_iter().flatten().chain(last).collect();
        } else {
            top.push(verdict.into_iter().chain(volume).collect());
        }
        for block in top.into_iter().chain(details).chain([matrix, last]).filter(|block| !block.is_empty()) {
            self.page.blank()?;
            self.page.lines(&block)?;
        }
        self.page.flush()
    }
}

/// What the hooks did, as a report for people shows it; empty if no hook was run.
pub fn activity_text(activity: &crate::activity::Activity, width: usize) -> String {
    activity::lines(activity, width.max(40), false).iter().map(|line| line.render(false) + "\n").collect()
}

impl<W: Write> Reporter for Human<'_, W> {
    fn on(&mut self, event: &ReportEvent) -> io::Result<()> {
        match event {
            ReportEvent::RunStarted(started) => self.start(started),
            ReportEvent::CaseFinished(case) => self.case(case),
            ReportEvent::RunFinished(summary) => self.finish(summary),
        }
    }
}

#[cfg(test)]
mod tests;
