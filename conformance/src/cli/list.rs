//! `hookproof list`.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use hookproof::contract::{Basis, Contract, Evidence, Library};
use hookproof::plan::Scenarios;
use hookproof::requirement::Catalogue;

use super::known::Known;
use super::{CliError, Exit};

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// Platform, with or without a version, for events and payloads
    #[arg(long, default_value = "claude-code")]
    platform: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Platforms,
    Events,
    Requirements,
    Scenarios,
    Payloads,
}

pub(crate) fn run(arguments: &ListArguments, known: &Known) -> Result<Exit, CliError> {
    let library = &known.library;
    let mut out = io::BufWriter::new(io::stdout().lock());
    match arguments.what {
        What::Platforms => platforms(&mut out, library)?,
        What::Events => {
            let contract = known.contract(&arguments.platform)?;
            let width = contract.events.keys().map(String::len).max().unwrap_or(0).max(20);
            for event in contract.events.values() {
                let kind = serde_json::to_value(event.kind).map_err(CliError::harness)?;
                writeln!(out, "{:<width$} {:<8} {}", event.name, kind.as_str().unwrap_or_default(), event.fires)?;
            }
        }
        What::Requirements => {
            for requirement in Catalogue::built_in().map_err(CliError::harness)?.iter() {
                writeln!(out, "{:<38} {:<6} {}", requirement.id, requirement.level, requirement.title)?;
            }
        }
        What::Scenarios => {
            for scenario in Scenarios::built_in().map_err(CliError::harness)?.iter() {
                writeln!(out, "{:<22} {}", scenario.id, scenario.title)?;
            }
        }
        What::Payloads => {
            let contract = known.contract(&arguments.platform)?;
            let payloads = known.payloads()?;
            for name in contract.events.keys() {
                for payload in payloads.of(&contract.platform.id, name) {
                    let labels: Vec<&str> = payload.labels.iter().map(String::as_str).collect();
                    writeln!(out, "{name}/{:<32} {:<24} {}", payload.name, labels.join(","), payload.title)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(Exit::Conforms)
}

/// Every kind of evidence, the best first.
const EVIDENCE: [Evidence; 5] =
    [Evidence::Measured, Evidence::Source, Evidence::Documented, Evidence::Disputed, Evidence::Unconfirmed];

/// Platforms with the share of facts by evidence.
fn platforms(out: &mut impl Write, library: &Library) -> Result<(), CliError> {
    let percent = "measured  source  documented  disputed  unconfirmed";
    writeln!(out, "{:<15} {:<12} {:>6}  {:>5}  {percent}", "platform", "version", "events", "facts")?;
    let mut notes = Vec::new();
    for id in library.platforms() {
        let contract = library.select(id).map_err(CliError::usage)?;
        let counts = shares(&contract);
        let total: u32 = counts.iter().sum();
        let shares: Vec<String> = counts
            .iter()
            .zip(percent.split("  "))
            .map(|(count, head)| {
                format!("{:>width$.0} %", 100.0 * f64::from(*count) / f64::from(total.max(1)), width = head.len() - 2)
            })
            .collect();
        let (version, events) = (contract.version.to_string(), contract.events.len());
        writeln!(out, "{id:<15} {version:<12} {events:>6}  {total:>5}  {}", shares.join("  "))?;
        notes.push(basis(&contract));
    }
    writeln!(out)?;
    for note in notes {
        writeln!(out, "{note}")?;
    }
    Ok(())
}

/// What a contract rests on: recorded versions, and events that are announced only.
fn basis(contract: &Contract) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let measured = list(contract.platform.measured.iter().map(ToString::to_string).collect());
    let mut told =
        vec![if measured.is_empty() { "nothing recorded by us".to_owned() } else { format!("recorded at {measured}") }];
    if !contract.planned.is_empty() {
        told.push(format!("announced, not fired: {}", list(contract.planned.keys().cloned().collect())));
    }
    format!("{:<15} {}: {}", contract.platform.id, contract.platform.title, told.join("; "))
}

/// How many facts there are of each kind of evidence, as far as it holds at this version.
fn shares(contract: &Contract) -> [u32; 5] {
    let mut counts = [0; 5];
    let mut add = |basis: &Basis| {
        let evidence = contract.weigh(basis);
        if let Some(at) = EVIDENCE.iter().position(|known| *known == evidence) {
            counts[at] += 1;
        }
    };
    let of = |evidence: Evidence, source: &[String]| Basis { evidence, source: source.to_vec() };
    add(&contract.reading.basis());
    add(&of(contract.process.evidence, &contract.process.source));
    add(&of(contract.matching.evidence, &contract.matching.source));
    add(&contract.limits.timeout_s.basis());
    contract.environment.values().for_each(|variable| add(&of(variable.evidence, &variable.source)));
    contract
        .tools
        .values()
        .flat_map(|tool| tool.input.values().chain(tool.output.values()))
        .for_each(|field| add(&field.basis));
    for event in contract.events.values() {
        add(&event.basis);
        event.exits.iter().for_each(|row| add(&row.basis()));
        event.input.values().chain(event.output.values()).for_each(|field| add(&field.basis));
    }
    counts
}
