//! `hookproof interpret`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hookproof::contract::Contract;
use hookproof::oracle::{Effect, Ended, Facts, interpret, tell};
use hookproof::outside;
use hookproof::report::{json_page, visible};

mod batch;

use super::known::Known;
use super::{CliError, Exit, names};

#[derive(Debug, Args)]
pub(crate) struct InterpretArguments {
    /// Platform, with or without a version: claude-code, claude-code@2.1.197
    #[arg(long, required_unless_present = "batch")]
    platform: Option<String>,
    /// Event, in the platform's own spelling
    #[arg(long, required_unless_present = "batch")]
    event: Option<String>,
    /// Exit code of the hook, at most 255; negative ones are those of Windows [default: 0]
    #[arg(long, conflicts_with_all = ["signal", "timed_out"], allow_negative_numbers = true, value_parser = exit_code)]
    exit: Option<i32>,
    /// Signal that killed the hook, by number or name: 9, KILL, SIGKILL
    #[arg(long, conflicts_with = "timed_out", value_parser = signal)]
    signal: Option<i32>,
    /// The platform's time limit passed
    #[arg(long)]
    timed_out: bool,
    /// What stood on stdout (`-` reads our stdin)
    #[arg(long, value_name = "FILE")]
    stdout: Option<PathBuf>,
    /// What stood on stderr
    #[arg(long, value_name = "FILE")]
    stderr: Option<PathBuf>,
    /// Another process still held stdout open when the hook had ended
    #[arg(long)]
    stdout_held: bool,
    /// The tool that the event was about
    #[arg(long)]
    tool: Option<String>,
    /// Option of the handler's configuration, such as onFailure=block
    #[arg(long, value_name = "NAME=VALUE")]
    handler: Vec<String>,
    /// How to print the effect
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Read JSON lines on stdin and print one effect a line
    #[arg(long, conflicts_with_all = ["platform", "event", "exit", "signal", "timed_out", "stdout", "stderr", "tool", "handler", "stdout_held"])]
    batch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

fn exit_code(text: &str) -> Result<i32, String> {
    let code: i64 = text.parse().map_err(|_| "expected a whole number".to_owned())?;
    checked_exit_code(code)
}

/// A process has eight bits for its exit code: `exit 300` arrives as 44. Windows has 32, of which crashes are negative ones.
fn checked_exit_code(code: i64) -> Result<i32, String> {
    match i32::try_from(code) {
        Ok(code) if code <= 255 => Ok(code),
        _ => Err(format!(
            "an exit code is at most 255: a process that exits with {code} is seen to exit with {}",
            code.rem_euclid(256)
        )),
    }
}

/// Signals by name, with the numbers that all systems agree on.
const SIGNALS: [(&str, i32); 14] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("FPE", 8),
    ("KILL", 9),
    ("SEGV", 11),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("XCPU", 24),
    ("XFSZ", 25),
];

fn signal(text: &str) -> Result<i32, String> {
    if let Ok(number) = text.parse::<i32>() {
        let is_one = (1..=64).contains(&number);
        return if is_one { Ok(number) } else { Err("expected a signal from 1 to 64".to_owned()) };
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number).ok_or_else(|| {
        let known: Vec<String> = SIGNALS.iter().map(|(name, _)| format!("SIG{name}")).collect();
        format!("expected a number, or one of {}", known.join(", "))
    })
}

pub(crate) fn run(arguments: &InterpretArguments, known: &Known) -> Result<Exit, CliError> {
    let library = &known.library;
    if arguments.batch {
        return batch::run(library);
    }
    let platform = arguments.platform.as_deref().unwrap_or_default();
    let contract = known.contract(platform)?;
    let name = arguments.event.as_deref().unwrap_or_default();
    let name = names::one_event(&contract, library, name)?;
    let name = name.as_str();
    let event = &contract.events[name];
    let stdout = read(arguments.stdout.as_deref())?;
    let stderr = read(arguments.stderr.as_deref())?;
    let ended = match (arguments.signal, arguments.timed_out) {
        (Some(signal), _) => Ended::Signal(signal),
        (None, true) => Ended::TimedOut,
        (None, false) => Ended::Exit(arguments.exit.unwrap_or(0)),
    };
    let mut facts = Facts::new(ended, &stdout, &stderr);
    facts.stdout_held = arguments.stdout_held;
    facts.tool = arguments.tool.as_deref();
    for option in &arguments.handler {
        let (name, value) = option
            .split_once('=')
            .ok_or_else(|| CliError::Usage(format!("failed to read --handler {option:?}: expected NAME=VALUE")))?;
        facts.handler.insert(name.to_owned(), value.to_owned());
    }
    let effect = interpret(&contract, event, &facts);
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Json => writeln!(out, "{}", json_page(&effect).map_err(CliError::harness)?)?,
        Format::Human => human(&mut out, &contract, name, &effect)?,
    }
    Ok(Exit::Conforms)
}

fn read(path: Option<&Path>) -> Result<Vec<u8>, CliError> {
    let Some(path) = path else { return Ok(Vec::new()) };
    if path == Path::new("-") {
        return outside::whole(io::stdin().lock(), outside::ROW)
            .map_err(|error| CliError::Usage(format!("failed to read stdin: {error}")));
    }
    outside::read_named(path, outside::ROW)
        .map_err(|error| CliError::Usage(format!("failed to read {}: {error}", path.display())))
}

fn human(out: &mut impl Write, contract: &Contract, event: &str, effect: &Effect) -> io::Result<()> {
    writeln!(out, "{}.", tell(contract, &contract.events[event], effect))?;
    writeln!(out)?;
    writeln!(out, "  action       {}{}", effect.action, if effect.turn_ended { ", and the turn ends" } else { "" })?;
    let decision = effect.decision.map_or_else(|| "none".to_owned(), |decision| decision.to_string());
    writeln!(out, "  decision     {decision}")?;
    let status = serde_json::to_value(effect.hook_status).unwrap_or_default();
    writeln!(out, "  hook         {}", status.as_str().unwrap_or_default())?;
    let mut texts = |label: &str, texts: &[String]| -> io::Result<()> {
        for (index, text) in texts.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(out, "  {label:<12} {}", shown(text))?;
        }
        Ok(())
    };
    texts("reason", effect.reason.as_slice())?;
    texts("model reads", &effect.model_sees)?;
    texts("user reads", &effect.user_sees)?;
    texts("result", effect.result.as_slice())?;
    if let Some(input) = &effect.updated_input {
        writeln!(out, "  new input    {}", shown(&input.to_string()))?;
    }
    writeln!(out, "  evidence     {} ({} {})", effect.evidence, contract.platform.title, contract.version)?;
    for problem in &effect.problems {
        writeln!(out, "\n{}: {}", problem.requirement, shown(&problem.message))?;
        writeln!(out, "  more: hookproof explain {}", problem.requirement)?;
    }
    Ok(())
}

/// Text of a stranger's hook, made harmless for a terminal. Its lines stay lines.
fn shown(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n               ")
}
