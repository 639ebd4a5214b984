//! `hookproof schema`.

use std::io::{self, Write};

use clap::Args;
use hookproof::schema;

use super::known::Known;
use super::{CliError, Exit, names};

#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// Platform, with or without a version: claude-code, claude-code@2.1.197
    platform: String,
    /// Event, in the platform's own spelling
    event: String,
    /// The schema of what arrives on stdin
    #[arg(long, conflicts_with = "output")]
    input: bool,
    /// The schema of what is read from stdout
    #[arg(long, required_unless_present = "input")]
    output: bool,
}

pub(crate) fn run(arguments: &SchemaArguments, known: &Known) -> Result<Exit, CliError> {
    let library = &known.library;
    let contract = known.contract(&arguments.platform)?;
    let event = &contract.events[&names::one_event(&contract, library, &arguments.event)?];
    let schema = if arguments.input { schema::input(&contract, event) } else { schema::output(&contract, event) };
    writeln!(io::stdout(), "{schema:#}")?;
    Ok(Exit::Conforms)
}
