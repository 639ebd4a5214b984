//! `hookproof list`.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use hookproof::contract::{Contract, Evidence, Library};
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
            let contract = library.select(&arguments.platform).map_err(CliError::usage)?;
            for event in contract.events.values() {
                let kind = serde_json::to_value(event.kind).map_err(CliError::harness)?;
                writeln!(out, "{:<20} {:<8} {}", event.name, kind.as_str().unwrap_or_default(), event.fires)?;
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
            let contract = library.select(&arguments.platform).map_err(CliError::usage)?;
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

/// Platforms with the share of facts by evidence.
fn platforms(out: &mut impl Write, library: &Library) -> Result<(), CliError> {
    for file in library.files().map_err(CliError::harness)? {
        let platform = file.platform();
        let contract = library.select(&platform.id).map_err(CliError::harness)?;
        let measured: Vec<String> = platform.measured.iter().map(ToString::to_string).collect();
        writeln!(out, "{}  {} {}", platform.id, platform.title, platform.version)?;
        writeln!(out, "    events        {}", contract.events.len())?;
        writeln!(out, "    measured at   {}", measured.join(", "))?;
        let (counts, total) = shares(&contract);
        let shares: Vec<String> = counts
            .iter()
            .map(|(evidence, count)| format!("{evidence} {:.0} %", 100.0 * f64::from(*count) / f64::from(total.max(1))))
            .collect();
        writeln!(out, "    facts         {total}: {}", shares.join(", "))?;
    }
    Ok(())
}

fn shares(contract: &Contract) -> (Vec<(Evidence, u32)>, u32) {
    let all = [Evidence::Measured, Evidence::Source, Evidence::Documented, Evidence::Disputed, Evidence::Unconfirmed];
    let mut counts = all.map(|evidence| (evidence, 0));
    let mut total = 0;
    let mut add = |evidence: Evidence| {
        total += 1;
        for (known, count) in &mut counts {
            if *known == evidence {
                *count += 1;
            }
        }
    };
    for event in contract.events.values() {
        add(contract.weigh(&event.basis));
        event.exits.iter().for_each(|row| add(contract.weigh(&row.basis())));
        event.input.values().chain(event.output.values()).for_each(|field| add(contract.weigh(&field.basis)));
    }
    (counts.into_iter().filter(|(_, count)| *count > 0).collect(), total)
}
