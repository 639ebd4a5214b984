//! `hookproof explain`.

use std::io::{self, Write};

use clap::Args;
use hookproof::contract::{Contract, OutcomeName};
use hookproof::plan::{DoubtSpec, Scenario, Scenarios};
use hookproof::requirement::{Catalogue, Requirement};
use hookproof::{probe, quantity};

use super::known::Known;
use super::{CliError, Exit, unknown};

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// Id of a requirement (stream.noise-before-json) or a scenario (stdin-held-open), how such ids begin (stream.), or
    /// the name of an event (PreToolUse)
    what: String,
    /// Platform for events, with or without a version
    #[arg(long, default_value = "claude-code")]
    platform: String,
}

pub(crate) fn run(arguments: &ExplainArguments, known: &Known) -> Result<Exit, CliError> {
    let catalogue = Catalogue::built_in().map_err(CliError::harness)?;
    let scenarios = Scenarios::built_in().map_err(CliError::harness)?;
    let mut out = io::stdout().lock();
    if let Some(found) = catalogue.get(&arguments.what) {
        requirement(&mut out, found)?;
    } else if let Some(found) = scenarios.get(&arguments.what) {
        scenario(&mut out, found, catalogue)?;
    } else {
        let contract = known.contract(&arguments.platform)?;
        if contract.events.contains_key(&arguments.what) {
            event(&mut out, &contract, &arguments.what)?;
        } else {
            if beginning(&mut out, &arguments.what, catalogue, scenarios)? {
                return Ok(Exit::Conforms);
            }
            let mut known: Vec<&str> = catalogue.iter().map(|requirement| requirement.id.as_str()).collect();
            known.extend(scenarios.iter().map(|scenario| scenario.id.as_str()));
            known.extend(contract.events.keys().map(String::as_str));
            return Err(unknown("requirement, scenario or event", &arguments.what, &known));
        }
    }
    Ok(Exit::Conforms)
}

/// Lists the requirements and scenarios whose ids begin so; says whether there are any.
fn beginning(
    out: &mut impl Write,
    start: &str,
    catalogue: &Catalogue,
    scenarios: &Scenarios,
) -> Result<bool, io::Error> {
    let requirements: Vec<&Requirement> =
        catalogue.iter().filter(|requirement| requirement.id.starts_with(start)).collect();
    let scenarios: Vec<&Scenario> = scenarios.iter().filter(|scenario| scenario.id.starts_with(start)).collect();
    let ids = requirements.iter().map(|one| one.id.len()).chain(scenarios.iter().map(|one| one.id.len()));
    let Some(width) = ids.max() else { return Ok(false) };
    for one in requirements {
        writeln!(out, "{:<width$}  {:<8}  {}", one.id, one.level.to_string(), one.title)?;
    }
    for one in scenarios {
        writeln!(out, "{:<width$}  scenario  {}", one.id, one.title)?;
    }
    Ok(true)
}

fn requirement(out: &mut impl Write, requirement: &Requirement) -> io::Result<()> {
    writeln!(out, "{}  ({})\n{}\n", requirement.id, requirement.level, requirement.title)?;
    section(out, "Rule", &requirement.rule)?;
    section(out, "Why", &requirement.why)?;
    section(out, "How to mend", &requirement.mend)?;
    if let Some(example) = &requirement.example {
        writeln!(out, "Example\n")?;
        for line in example.lines() {
            writeln!(out, "    {line}")?;
        }
        writeln!(out)?;
    }
    let mut judged = Vec::new();
    for (label, list) in [
        ("platforms", &requirement.platforms),
        ("events", &requirement.events),
        ("scenarios", &requirement.scenarios),
        ("steps", &requirement.steps),
        ("payloads labelled", &requirement.labels),
    ] {
        if !list.is_empty() {
            judged.push(format!("{label} {}", list.join(", ")));
        }
    }
    let judged = if judged.is_empty() { "everywhere".to_owned() } else { judged.join("; ") };
    section(out, "Judged", &judged)?;
    if !requirement.budget.is_empty() {
        writeln!(out, "Budgets\n")?;
        for (name, budget) in &requirement.budget {
            let text = format!("{name}: {} {}. {} ({})", budget.is, budget.unit, budget.why, budget.source.join("; "));
            for line in wrapped(&text, 92) {
                writeln!(out, "    {line}")?;
            }
        }
        writeln!(out)?;
    }
    section(out, "Evidence", &format!("{}: {}", requirement.evidence, requirement.source.join("; ")))
}

fn scenario(out: &mut impl Write, scenario: &Scenario, catalogue: &Catalogue) -> io::Result<()> {
    writeln!(out, "{}\n{}\n", scenario.id, scenario.title)?;
    section(out, "Why", &scenario.why)?;
    if scenario.is_story() {
        writeln!(out, "Steps\n")?;
        for (number, step) in (1..).zip(&scenario.step) {
            for line in wrapped(&format!("{number}. {step}"), 92) {
                writeln!(out, "    {line}")?;
            }
        }
        writeln!(out)?;
        if scenario.step.iter().any(|step| step.age.is_some()) {
            let time = "What the hook has left is made older: its files, and the times that stand in small ones. Where nothing \
                        heavy is started after that, one run is made with the hook's clock put forward in place of it, \
                        where the system allows that: some times are in a form that nobody else reads.";
            section(out, "Time", time)?;
        }
        let needed = "Only told of a hook whose heavy commands are named, by --heavy or in hookproof.toml.";
        section(out, "Needs", needed)?;
    }
    let limits: Vec<String> = scenario
        .limits
        .iter()
        .map(|(limit, value)| format!("{}: {}", probe::title(limit), quantity::shown(limit, value)))
        .collect();
    if !limits.is_empty() {
        section(out, "Limits", &limits.join(", "))?;
    }
    if !scenario.refuse.is_nothing() {
        section(out, "Refused", &scenario.refuse.to_string())?;
    }
    if let Some(clock) = &scenario.clock {
        section(out, "Clock", &clock.to_string())?;
    }
    if let Some(helper) = &scenario.helper {
        section(out, "Broken", &helper.to_string())?;
    }
    if let Some(DoubtSpec { runs, seconds, bytes }) = scenario.in_doubt {
        let on = format!(
            "Where a requirement would fail by these runs, up to {runs} in all are made in the same folders, as long as it \
             would fail by all that there are: for {seconds} s at most, and until {} MiB lie there.",
            bytes / (1024 * 1024)
        );
        section(out, "Goes on", &on)?;
    }
    if scenario.count_processes {
        let seen = "Every process below the hook. Only the requirements below are judged, because what is traced for that \
                    gets no privileges by set-user-id programs, and can trace nobody itself.";
        section(out, "Counted", seen)?;
    }
    if scenario.worker.is_some() {
        let needed = "Only run with a hook whose local service is named, by --worker or in hookproof.toml.";
        section(out, "Needs", needed)?;
    }
    let judged: Vec<&str> = catalogue
        .iter()
        .filter(|requirement| requirement.scenarios.contains(&scenario.id))
        .map(|requirement| requirement.id.as_str())
        .collect();
    section(out, "Requirements of its own", &judged.join(", "))
}

fn event(out: &mut impl Write, contract: &Contract, name: &str) -> io::Result<()> {
    let event = &contract.events[name];
    writeln!(out, "{name}  ({} {})\nfires {}\n", contract.platform.title, contract.version, event.fires)?;
    writeln!(out, "Exit codes")?;
    for row in &event.exits {
        let on: Vec<String> = row.on.iter().map(ToString::to_string).collect();
        let answers = serde_json::to_value(&row.answer).unwrap_or_default();
        let answers: Vec<&str> = answers.as_array().into_iter().flatten().filter_map(|item| item.as_str()).collect();
        let with = if answers.is_empty() { String::new() } else { format!(" with stdout {}", answers.join(" or ")) };
        let with = match &row.stderr_matches {
            Some(pattern) => format!("{with}, stderr matching /{pattern}/"),
            None => with,
        };
        let then = serde_json::to_value(row.then).unwrap_or_default();
        writeln!(out, "    {}{with}: {}  [{}]", on.join(", "), then.as_str().unwrap_or_default(), row.evidence)?;
    }
    writeln!(out, "\nOutcomes")?;
    for name in [
        OutcomeName::Nothing,
        OutcomeName::Allow,
        OutcomeName::Deny,
        OutcomeName::Ask,
        OutcomeName::Defer,
        OutcomeName::InputUpdate,
        OutcomeName::OutputUpdate,
        OutcomeName::Context,
        OutcomeName::StopRun,
        OutcomeName::StopRunAndDeny,
        OutcomeName::Failed,
    ] {
        if let Some(outcome) = event.outcome(name) {
            let label = serde_json::to_value(name).unwrap_or_default();
            let label = label.as_str().unwrap_or_default().to_owned();
            let ends = if outcome.turn_ended { ", and the turn ends" } else { "" };
            writeln!(out, "    {label:<18} {}{ends}", outcome.action)?;
        }
    }
    for (title, fields) in [("stdin", &event.input), ("stdout", &event.output)] {
        writeln!(out, "\nFields on {title}")?;
        for (path, field) in fields {
            let types: Vec<String> = field.types.iter().map(ToString::to_string).collect();
            let required = if field.required { ", required" } else { "" };
            let values = if field.values.is_empty() { String::new() } else { format!(": {}", field.values.join(", ")) };
            writeln!(out, "    {path}  {}{required}{values}  [{}]", types.join(" or "), field.basis.evidence)?;
        }
    }
    writeln!(out, "\nEvidence\n    {}: {}", event.basis.evidence, event.basis.source.join(", "))
}

fn section(out: &mut impl Write, title: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{title}\n")?;
    for line in wrapped(text, 92) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out)
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
