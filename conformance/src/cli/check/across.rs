//! A check against several platforms: one report each where there is something to tell, and a table of all.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::mem;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use hookproof::activity::PayloadKind;
use hookproof::contract::Contract;
use hookproof::report::{Summary, activity_text, visible};
use hookproof::requirement::Level;

use super::{CliError, Exit, Format, Found, Output, Session, exit};

/// One platform's part of the table.
struct Row {
    title: String,
    events: usize,
    outcome: Outcome,
}

/// What became of the check on one platform.
enum Outcome {
    Checked(Box<Summary>),
    NothingToCheck,
    /// The hooks could not be read, or may not be run.
    Failed,
}

/// So many platforms are checked at the same time: while one waits for its last cases, the next one is at work.
const AT_ONCE: usize = 2;

pub(super) fn run(session: &Session<'_>, contracts: &[Contract], output: &Output) -> Result<Exit, CliError> {
    let mut errors = Errors::default();
    let mut worst = Exit::Conforms;
    // Everything is read, and consent is asked for, before anything runs.
    let mut plans = Vec::new();
    for contract in contracts {
        match found(session, contract) {
            Ok(found) => plans.push((contract, Some(found))),
            Err(CliError::Usage(message)) => {
                errors.add(message, &contract.platform.id);
                worst = worse(worst, Exit::Usage);
                plans.push((contract, None));
            }
            Err(other) => return Err(other),
        }
    }
    let rows = rows(session, plans, output)?;
    for row in &rows {
        if let Outcome::Checked(summary) = &row.outcome {
            worst = worse(worst, exit(summary, session.level()));
        }
    }
    errors.report();
    if rows.iter().all(|row| matches!(row.outcome, Outcome::NothingToCheck)) {
        return Err(CliError::Usage("failed to find anything to check on any of these platforms".to_owned()));
    }
    if session.arguments.format == Format::Human {
        let mut writer = output.clone();
        table(&mut writer, &rows, session.level())?;
        writer.flush()?;
    }
    Ok(worst)
}

/// Checks the hooks on each platform, and reports in the order of the platforms. After an interrupt the rows end.
fn rows(session: &Session<'_>, plans: Vec<(&Contract, Option<Found>)>, output: &Output) -> Result<Vec<Row>, CliError> {
    let whole = session.arguments.verbose || session.arguments.format == Format::Jsonl;
    // A whole report is too long to be kept in memory until it is its turn.
    let at_once = if whole { 1 } else { AT_ONCE };
    let mut plans = plans.into_iter();
    thread::scope(|scope| {
        let mut rows = Vec::new();
        let mut running = VecDeque::new();
        loop {
            while running.len() < at_once
                && let Some((contract, found)) = plans.next()
            {
                let check = move || -> Result<(Outcome, Vec<u8>), CliError> {
                    match found {
                        None => Ok((Outcome::Failed, Vec::new())),
                        Some(found) if whole => Ok((checked(session, contract, found, output)?, Vec::new())),
                        Some(found) => quiet(session, contract, found, output.width()),
                    }
                };
                let thread = thread::Builder::new().spawn_scoped(scope, check).map_err(|error| {
                    session.interrupter.interrupt();
                    CliError::Harness(format!("failed to start a thread: {error}"))
                })?;
                running.push_back((contract, thread));
            }
            let Some((contract, thread)) = running.pop_front() else { return Ok(rows) };
            let ended = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let (outcome, report) = match ended {
                Ok(ended) => ended,
                Err(error) => {
                    session.interrupter.interrupt();
                    return Err(error);
                }
            };
            output.clone().write_all(&report)?;
            let interrupted = matches!(&outcome, Outcome::Checked(summary) if summary.interrupted);
            let title = format!("{} {}", contract.platform.id, contract.version);
            rows.push(Row { title, events: contract.events.len(), outcome });
            if interrupted {
                return Ok(rows);
            }
        }
    })
}

/// Errors of single platforms, each with the platforms that it is about: the same file is read for several.
#[derive(Default)]
struct Errors(Vec<(String, Vec<String>)>);

impl Errors {
    fn add(&mut self, message: String, platform: &str) {
        match self.0.iter_mut().find(|(known, _)| *known == message) {
            Some((_, platforms)) => platforms.push(platform.to_owned()),
            None => self.0.push((message, vec![platform.to_owned()])),
        }
    }

    fn report(&self) {
        for (message, platforms) in &self.0 {
            // Nothing is left to be told if stderr cannot be written.
            let _ = writeln!(io::stderr(), "hookproof: {} ({})", visible(message), platforms.join(", "));
        }
    }
}

/// The hooks for one of several platforms; a configuration that this platform does not read holds none.
fn found(session: &Session<'_>, contract: &Contract) -> Result<Found, CliError> {
    if session.asked.at(contract).is_some_and(<[String]>::is_empty) {
        return Ok(Found { subjects: Vec::new(), notices: Vec::new() });
    }
    match session.find(contract) {
        Err(CliError::Nothing(_)) => Ok(Found { subjects: Vec::new(), notices: Vec::new() }),
        found => found,
    }
}

fn checked(session: &Session<'_>, contract: &Contract, found: Found, output: &Output) -> Result<Outcome, CliError> {
    let mut reporter = output.reporter(session.arguments, session.catalogue);
    let summary = session.check(contract, found, &mut *reporter)?;
    Ok(summary.map_or(Outcome::NothingToCheck, |summary| Outcome::Checked(Box::new(summary))))
}

/// Checks, and gives the report only if it has findings; otherwise only what the hooks did. `width` is that of the lines.
fn quiet(
    session: &Session<'_>,
    contract: &Contract,
    found: Found,
    width: usize,
) -> Result<(Outcome, Vec<u8>), CliError> {
    let (memory, bytes) = Output::memory();
    let outcome = checked(session, contract, found, &memory)?;
    let Outcome::Checked(summary) = &outcome else { return Ok((outcome, Vec::new())) };
    let mut report = Vec::new();
    if exit(summary, session.level()) == Exit::Conforms {
        let activity = activity_text(&summary.activity, width);
        if !activity.is_empty() {
            writeln!(report, "{} {}: {activity}", contract.platform.title, contract.version)?;
        }
    } else {
        report = mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
        writeln!(report)?;
    }
    Ok((outcome, report))
}

/// A failure on one platform counts, however well the hook does on the others.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Conforms => 0,
        Exit::Findings => 1,
        Exit::Usage => 2,
        Exit::HarnessFailed => 3,
        Exit::Interrupted | Exit::ReaderGone => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn table(writer: &mut impl Write, rows: &[Row], level: Level) -> io::Result<()> {
    let width = rows.iter().map(|row| row.title.len()).max().unwrap_or(0).max("platform".len());
    writeln!(writer, "{:<width$}  events  cases  processes    blocked  verdict at level {level}", "platform")?;
    let mut total = (0, 0, 0, Duration::ZERO);
    for row in rows {
        let (title, events) = (&row.title, row.events);
        let summary = match &row.outcome {
            Outcome::Checked(summary) => summary,
            Outcome::NothingToCheck => {
                writeln!(writer, "{title:<width$}  {events:>6}  {:>5}  {:>9}  {:>9}  nothing to check", "-", "-", "-")?;
                continue;
            }
            Outcome::Failed => {
                writeln!(writer, "{title:<width$}  {events:>6}  {:>5}  {:>9}  {:>9}  not checked", "-", "-", "-")?;
                continue;
            }
        };
        total = (total.0 + events, total.1 + summary.cases, total.2 + summary.spawns, total.3 + summary.wall);
        let (cases, spawns, verdict) = (summary.cases, summary.spawns, verdict(summary, level));
        let blocked = blocked(summary);
        writeln!(writer, "{title:<width$}  {events:>6}  {cases:>5}  {spawns:>9}  {blocked:>9}  {verdict}")?;
    }
    let (events, cases, spawns, wall) = total;
    writeln!(
        writer,
        "{:<width$}  {events:>6}  {cases:>5}  {spawns:>9}  {:>9}  {:.1} s",
        "together",
        "",
        wall.as_secs_f64()
    )
}

/// How many of the dangerous payloads and secrets were blocked, at events at which they can be.
fn blocked(summary: &Summary) -> String {
    let counts = PayloadKind::THREATS.map(|kind| summary.activity.blocked(kind));
    let (blocked, run) = counts.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    if run == 0 { "-".to_owned() } else { format!("{blocked} of {run}") }
}

fn verdict(summary: &Summary, level: Level) -> String {
    let counts = [(summary.must, "MUST"), (summary.should, "SHOULD"), (summary.may, "MAY")];
    let broken: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    match exit(summary, level) {
        Exit::Conforms => {
            let but = summary.activity.reservation().map_or(String::new(), |said| format!("; {said}"));
            let below = if broken.is_empty() { String::new() } else { format!(" (below: {})", broken.join(", ")) };
            format!("conforms{but}{below}")
        }
        Exit::Interrupted => "interrupted".to_owned(),
        Exit::HarnessFailed => format!("{} failures of the suite itself", summary.harness_errors),
        _ => format!("breaks {}", broken.join(", ")),
    }
}
