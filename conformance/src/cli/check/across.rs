//! A check against several platforms: one report each where there is something to tell, and a table of all.

use std::io::Write;
use std::sync::PoisonError;
use std::time::Duration;

use hookproof::contract::Contract;
use hookproof::report::Summary;
use hookproof::requirement::Level;

use super::{CliError, Exit, Format, Found, Output, Session, exit, subjects};

/// One platform's part of the table.
struct Row {
    title: String,
    events: usize,
    /// `None` if there was nothing to check.
    summary: Option<Summary>,
}

pub(super) fn run(session: &Session<'_>, contracts: &[Contract], output: &Output) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    let mut worst = Exit::Conforms;
    for contract in contracts {
        let found = found(session, contract)?;
        let whole = session.arguments.verbose || session.arguments.format == Format::Jsonl;
        let summary = if whole {
            session.check(contract, found, &mut *output.reporter(session.arguments, session.catalogue))?
        } else {
            quiet(session, contract, found, output)?
        };
        if let Some(summary) = &summary {
            worst = worse(worst, exit(summary, session.level()));
        }
        let interrupted = summary.as_ref().is_some_and(|summary| summary.interrupted);
        let title = format!("{} {}", contract.platform.id, contract.version);
        rows.push(Row { title, events: contract.events.len(), summary });
        if interrupted {
            break;
        }
    }
    if rows.iter().all(|row| row.summary.is_none()) {
        return Err(CliError::Usage("failed to find anything to check on any of these platforms".to_owned()));
    }
    if session.arguments.format == Format::Human {
        let mut writer = output.clone();
        table(&mut writer, &rows, session.level())?;
        writer.flush()?;
    }
    Ok(worst)
}

/// The hooks for one of several platforms; a configuration that this platform does not read holds none.
fn found(session: &Session<'_>, contract: &Contract) -> Result<Found, CliError> {
    match subjects(session.arguments, contract) {
        Err(CliError::Usage(_)) if session.arguments.path.is_some() => {
            Ok(Found { subjects: Vec::new(), notices: Vec::new() })
        }
        found => found,
    }
}

/// Checks, and passes the report on only if it tells of findings.
fn quiet(
    session: &Session<'_>,
    contract: &Contract,
    found: Found,
    output: &Output,
) -> Result<Option<Summary>, CliError> {
    let (memory, bytes) = Output::memory();
    let summary = session.check(contract, found, &mut *memory.reporter(session.arguments, session.catalogue))?;
    if summary.as_ref().is_some_and(|summary| exit(summary, session.level()) != Exit::Conforms) {
        let mut writer = output.clone();
        writer.write_all(&bytes.lock().unwrap_or_else(PoisonError::into_inner))?;
        writeln!(writer)?;
    }
    Ok(summary)
}

/// A broken MUST on one platform counts, however well the hook does on the others.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Conforms => 0,
        Exit::Findings => 1,
        Exit::HarnessFailed => 2,
        _ => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn table(writer: &mut impl Write, rows: &[Row], level: Level) -> std::io::Result<()> {
    let width = rows.iter().map(|row| row.title.len()).max().unwrap_or(0).max("platform".len());
    writeln!(writer, "{:<width$}  events  cases  processes  verdict at level {level}", "platform")?;
    let mut total = (0, 0, 0, Duration::ZERO);
    for row in rows {
        let Some(summary) = &row.summary else {
            writeln!(writer, "{:<width$}  {:>6}  {:>5}  {:>9}  nothing to check", row.title, row.events, "-", "-")?;
            continue;
        };
        total = (total.0 + row.events, total.1 + summary.cases, total.2 + summary.spawns, total.3 + summary.wall);
        let (events, cases, spawns) = (row.events, summary.cases, summary.spawns);
        writeln!(writer, "{:<width$}  {events:>6}  {cases:>5}  {spawns:>9}  {}", row.title, verdict(summary, level))?;
    }
    let (events, cases, spawns, wall) = total;
    writeln!(writer, "{:<width$}  {events:>6}  {cases:>5}  {spawns:>9}  {:.1} s", "together", wall.as_secs_f64())
}

fn verdict(summary: &Summary, level: Level) -> String {
    let counts = [(summary.must, "MUST"), (summary.should, "SHOULD"), (summary.may, "MAY")];
    let broken: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    match exit(summary, level) {
        Exit::Conforms if broken.is_empty() => "conforms".to_owned(),
        Exit::Conforms => format!("conforms (below: {})", broken.join(", ")),
        Exit::Interrupted => "interrupted".to_owned(),
        Exit::HarnessFailed => format!("{} failures of the suite itself", summary.harness_errors),
        _ => format!("breaks {}", broken.join(", ")),
    }
}
