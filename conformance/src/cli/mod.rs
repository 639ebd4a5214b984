//! The command line: arguments in, exit code out.

mod check;
mod exit;
mod explain;
mod interpret;
mod known;
mod list;
mod names;
mod port;
mod probe;
#[cfg(feature = "reference")]
mod reference;
mod schema;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;
use hookproof::report::visible;
use known::Known;
use names::unknown;

/// Says what an agent platform would do with a hook, which rules the hook breaks, and how to mend it.
#[derive(Debug, Parser)]
#[command(name = "hookproof", version, max_term_width = 100, after_help = exit::HELP)]
struct Arguments {
    #[command(flatten)]
    known: known::KnownArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run hooks and judge what they do
    Check(Box<check::CheckArguments>),
    /// Run one hook with the documents of several platforms and tell what it is worth on each
    Port(Box<port::PortArguments>),
    /// Find the least of memory, time, descriptors or processes that a hook needs, and how it dies below that
    Probe(Box<probe::ProbeArguments>),
    /// Say what a platform would do with a run that you describe
    Interpret(interpret::InterpretArguments),
    /// Print the JSON Schema of an event's stdin or stdout
    Schema(schema::SchemaArguments),
    /// Explain a requirement, a scenario or an event
    Explain(explain::ExplainArguments),
    /// List what the suite knows
    List(list::ListArguments),
    /// The reference hook, as the suite starts it
    #[cfg(feature = "reference")]
    #[command(hide = true, name = reference::SUBCOMMAND)]
    Reference(reference::ReferenceArguments),
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    #[cfg(feature = "reference")]
    if let Some(code) = reference::run_if_asked() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Of an error the words of the command line are a part. Its lines are clap's.
        Err(error) if error.use_stderr() => {
            let text = error.render().to_string();
            let _ =
                writeln!(io::stderr(), "{}", text.trim_end().split('\n').map(visible).collect::<Vec<_>>().join("\n"));
            return Exit::Usage.into();
        }
        Err(help) => help.exit(),
    };
    let done = Known::of(&arguments.known).and_then(|known| run(&arguments.command, &known));
    for sentence in hookproof::run::left_behind() {
        let _ = writeln!(io::stderr(), "hookproof: {}", visible(&sentence));
    }
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = error.exit();
            // A reader of our output that has gone is no failure of ours.
            if exit != Exit::ReaderGone {
                let _ = writeln!(io::stderr(), "hookproof: {}", visible(&error.to_string()));
            }
            exit.into()
        }
    }
}

fn run(command: &Command, known: &Known) -> Result<Exit, CliError> {
    match command {
        Command::Check(arguments) => check::run(arguments, known),
        Command::Port(arguments) => port::run(arguments, known),
        Command::Probe(arguments) => probe::run(arguments, known),
        Command::Interpret(arguments) => interpret::run(arguments, known),
        Command::Schema(arguments) => schema::run(arguments, known),
        Command::Explain(arguments) => explain::run(arguments, known),
        Command::List(arguments) => list::run(arguments, known),
        #[cfg(feature = "reference")]
        Command::Reference(_) => Ok(Exit::Usage),
    }
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// What was asked for cannot be done as it was asked.
    #[error("{0}")]
    Usage(String),
    /// What was named is readable, and holds nothing that a platform runs.
    #[error("{0}")]
    Nothing(String),
    /// Our own output could not be written.
    #[error("failed to write the output: {0}")]
    Output(#[from] io::Error),
    /// The suite itself failed.
    #[error("{0}")]
    Harness(String),
}

impl CliError {
    fn usage(error: impl Error) -> Self {
        CliError::Usage(told(&error))
    }

    fn harness(error: impl Error) -> Self {
        CliError::Harness(told(&error))
    }

    fn exit(&self) -> Exit {
        match self {
            CliError::Usage(_) | CliError::Nothing(_) => Exit::Usage,
            CliError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::ReaderGone,
            CliError::Output(_) | CliError::Harness(_) => Exit::HarnessFailed,
        }
    }
}

/// An error with its causes, as far as it does not name them itself.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
