//! `hookproof port`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hookproof::contract::Contract;
use hookproof::payload::Payloads;
use hookproof::plan::{Case, Filter, Scenarios, plan};
use hookproof::port::{Matrix, Seen, Side, Situation};
use hookproof::report::{PortTable, ReportEvent, ReportedRun, json_page, visible};
use hookproof::requirement::{Catalogue, Level};
use hookproof::run::{CheckError, CheckOptions, Checker, Confinement, Interrupter};
use hookproof::subject::{Subject, from_command};
use hookproof_harness::Ending;

use super::check::{environment, here, reference, seconds, watch_interrupts};
use super::known::Known;
use super::{CliError, Exit};

#[derive(Debug, Args)]
pub(crate) struct PortArguments {
    /// The platform that the hook was written for, with or without a version
    #[arg(long, default_value = "claude-code")]
    from: String,
    /// Platforms to compare with, with commas between them; all others if not given
    #[arg(long, value_delimiter = ',')]
    to: Vec<String>,
    /// How to print the comparison
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the comparison to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Runs at the same time; the number of processors if not given
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Seconds after which the suite gives up on a hook
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    deadline: Duration,
    /// Pass a variable of the environment on to the hook, or set one
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Compare the reference hook that hookproof carries
    #[arg(long, conflicts_with = "hook")]
    reference: bool,
    /// The hook's command and its arguments; `{event}` and `{platform}` in them are filled in
    #[arg(last = true, value_name = "CMD", required_unless_present = "reference")]
    hook: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Markdown,
}

pub(crate) fn run(arguments: &PortArguments, known: &Known) -> Result<Exit, CliError> {
    let home = known.contract(&arguments.from)?;
    let others = others(arguments, known, &home)?;
    let subject = match arguments.hook.split_first() {
        Some((program, rest)) => {
            let program =
                if std::path::Path::new(program).components().count() > 1 { here(program) } else { program.clone() };
            from_command(&program, &rest.iter().map(here).collect::<Vec<_>>())
        }
        None => reference()?,
    };
    let payloads = known.payloads()?;
    let catalogue = Catalogue::built_in().map_err(CliError::harness)?;
    let situations = Situation::all().map_err(CliError::harness)?;
    let interrupter = Interrupter::default();
    watch_interrupts(&interrupter)?;
    let environment = environment(&arguments.env)?;
    let runner = Runner { arguments, payloads: &payloads, catalogue, situations, interrupter, environment };
    let home_side = Side { contract: &home, seen: runner.see(&home, &home, &subject)? };
    let mut sides = Vec::new();
    for contract in &others {
        sides.push(Side { contract, seen: runner.see(&home, contract, &subject)? });
    }
    if runner.interrupter.is_interrupted() {
        return Ok(Exit::Interrupted);
    }
    let matrix = Matrix::of(&subject.display, &home_side, &sides, situations, &payloads, catalogue);
    let mut out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(io::BufWriter::new(
            File::create(path)
                .map_err(|error| CliError::Usage(format!("failed to create {}: {error}", path.display())))?,
        )),
        None => Box::new(io::stdout().lock()),
    };
    match arguments.format {
        Format::Json => writeln!(out, "{}", json_page(&matrix).map_err(CliError::harness)?)?,
        Format::Human => PortTable::new(&matrix).human(&mut out)?,
        Format::Markdown => PortTable::new(&matrix).markdown(&mut out)?,
    }
    out.flush()?;
    Ok(if matrix.loses() { Exit::Findings } else { Exit::Conforms })
}

/// The platforms to compare with.
fn others(arguments: &PortArguments, known: &Known, home: &Contract) -> Result<Vec<Contract>, CliError> {
    let names: Vec<&str> = if arguments.to.is_empty() {
        known.library.platforms().filter(|id| *id != home.platform.id).collect()
    } else {
        arguments.to.iter().map(String::as_str).collect()
    };
    names.into_iter().map(|name| known.contract(name)).collect()
}

/// What the runs on all platforms share.
struct Runner<'a> {
    arguments: &'a PortArguments,
    payloads: &'a Payloads,
    catalogue: &'static Catalogue,
    situations: &'static [Situation],
    interrupter: Interrupter,
    environment: BTreeMap<OsString, OsString>,
}

impl Runner<'_> {
    /// Runs the hook in every situation that the platform knows.
    fn see(&self, home: &Contract, contract: &Contract, subject: &Subject) -> Result<Vec<Seen>, CliError> {
        let scenarios = Scenarios::built_in().map_err(CliError::harness)?;
        let wanted: Vec<(&Situation, &str, &str)> = self
            .situations
            .iter()
            .filter_map(|situation| {
                let at_home = situation.on(home, self.payloads, None).map(|(event, _)| event);
                let (event, payload) = situation.on(contract, self.payloads, at_home)?;
                Some((situation, event.name.as_str(), payload.name.as_str()))
            })
            .collect();
        let subjects = std::slice::from_ref(subject);
        let filter = Filter { events: Vec::new(), scenarios: vec!["baseline".to_owned()] };
        let mut cases = plan(contract, subjects, self.payloads, scenarios, &filter);
        let is_wanted = |case: &Case<'_>| {
            wanted.iter().any(|(_, event, payload)| case.id.event == *event && case.id.payload == *payload)
        };
        cases.retain(is_wanted);
        let checker = Checker {
            contract,
            catalogue: self.catalogue,
            options: CheckOptions {
                slots: None,
                jobs: self
                    .arguments
                    .jobs
                    .map_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get),
                patience: self.arguments.deadline,
                level: Level::Should,
                fail_fast: false,
                environment: self.environment.clone(),
                launchers: Vec::new(),
                confinement: Confinement::default(),
                left_out: Vec::new(),
            },
            interrupter: self.interrupter.clone(),
        };
        let mut seen = Vec::new();
        let collect = |event: &ReportEvent| {
            if let ReportEvent::CaseFinished(case) = event
                && let Some(run) = case.runs.first()
            {
                let of_case = wanted
                    .iter()
                    .filter(|(_, event, payload)| case.case.event == *event && case.case.payload == *payload);
                for (situation, ..) in of_case {
                    let said = said(run);
                    let (situation, effect) = (situation.id.clone(), run.effect.clone());
                    seen.push(Seen { situation, effect, silent: is_silent(run), said });
                }
            }
            Ok(())
        };
        checker.check(subjects, &[], &cases, collect).map_err(|error| match error {
            CheckError::Report(error) => CliError::Output(error),
            other => CliError::harness(other),
        })?;
        Ok(seen)
    }
}

/// Whether the hook ended well and had nothing to say: nothing on either stream, or an answer without a word in it.
fn is_silent(run: &ReportedRun) -> bool {
    let observation = &run.observation;
    let stdout = String::from_utf8_lossy(&observation.stdout.bytes);
    matches!(observation.ending, Ending::Exited { code: 0 })
        && matches!(stdout.trim(), "" | "{}")
        && observation.stderr.bytes.trim_ascii().is_empty()
}

/// How a run ended and what it said, in a few words.
fn said(run: &ReportedRun) -> String {
    let observation = &run.observation;
    let ending = match &observation.ending {
        Ending::Exited { code } => format!("exit {code}"),
        Ending::Signaled { signal, .. } => format!("killed by signal {signal}"),
        Ending::Crashed { status } => format!("crashed with status {status:#x}"),
        Ending::TimedOut { .. } => "ran into the time limit".to_owned(),
        Ending::LimitHit { limit, .. } => format!("ended by the limit `{limit}`"),
        Ending::NotStarted { .. } => "did not start".to_owned(),
    };
    let stream = |name: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        (!text.is_empty()).then(|| {
            let short: String = text.chars().take(80).collect();
            let more = if short.len() < text.len() { "..." } else { "" };
            format!("{name} {}{more}", visible(&short))
        })
    };
    let streams: Vec<String> =
        [stream("stdout", &observation.stdout.bytes), stream("stderr", &observation.stderr.bytes)]
            .into_iter()
            .flatten()
            .collect();
    if streams.is_empty() { format!("{ending}, nothing printed") } else { format!("{ending}, {}", streams.join(", ")) }
}
