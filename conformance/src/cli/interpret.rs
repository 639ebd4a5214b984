//! `hookproof interpret`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use hookproof::contract::{Contract, Library};
use hookproof::oracle::{Effect, Ended, Facts, interpret, tell};
use hookproof::outside;
use hookproof::report::{json_line, json_page, visible};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::known::Known;
use super::{CliError, Exit, unknown};

#[derive(Debug, Args)]
pub(crate) struct InterpretArguments {
    /// Platform, with or without a version: claude-code, claude-code@2.1.197
    #[arg(long, required_unless_present = "batch")]
    platform: Option<String>,
    /// Event, in the platform's own spelling
    #[arg(long, required_unless_present = "batch")]
    event: Option<String>,
    /// Exit code of the hook (0 if nothing is said)
    #[arg(long, conflicts_with_all = ["signal", "timed_out"], allow_negative_numbers = true)]
    exit: Option<i32>,
    /// Signal that killed the hook
    #[arg(long, conflicts_with = "timed_out")]
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

pub(crate) fn run(arguments: &InterpretArguments, known: &Known) -> Result<Exit, CliError> {
    let library = &known.library;
    if arguments.batch {
        return batch(library);
    }
    let platform = arguments.platform.as_deref().unwrap_or_default();
    let contract = library.select(platform).map_err(CliError::usage)?;
    let name = arguments.event.as_deref().unwrap_or_default();
    let event = contract.events.get(name).ok_or_else(|| {
        let known: Vec<_> = contract.events.keys().map(String::as_str).collect();
        unknown("event", name, &known)
    })?;
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

/// One line of `--batch`.
#[derive(Debug, Deserialize)]
struct Line<'l> {
    platform: String,
    version: Option<String>,
    event: String,
    hook: Hook,
    tool: Option<String>,
    #[serde(default, borrow)]
    handler: Option<BTreeMap<String, &'l RawValue>>,
}

/// The part of a line that comes back as it was, whatever the rest is.
#[derive(Debug, Deserialize)]
struct Identity<'l> {
    #[serde(borrow)]
    id: Option<&'l RawValue>,
}

/// A line of the answer.
#[derive(Debug, Serialize)]
struct Row<'l> {
    id: Option<&'l RawValue>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    exit: Option<i32>,
    signal: Option<i32>,
    timed_out: Option<bool>,
    stdout: Option<String>,
    stderr: Option<String>,
    stdout_base64: Option<String>,
    stderr_base64: Option<String>,
    stdout_held: Option<bool>,
}

fn batch(library: &Library) -> Result<Exit, CliError> {
    let mut contracts: HashMap<String, Contract> = HashMap::new();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let fail = |error| CliError::Usage(format!("failed to read stdin: {error}"));
        let read = input.by_ref().take(outside::ROW as u64 + 1).read_until(b'\n', &mut line).map_err(fail)?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = if read > outside::ROW && line.last() != Some(&b'\n') {
            skip_line(&mut input).map_err(fail)?;
            let message = format!("failed to read the line: it is larger than {} KiB", outside::ROW / 1024);
            json_line(&Row { id: None, rest: error_row(message) })
        } else {
            answer(library, &mut contracts, &line)
        };
        writeln!(out, "{}", answer.map_err(io::Error::from)?)?;
        // Whoever talks to us line by line waits for the answer.
        out.flush()?;
    }
    Ok(Exit::Conforms)
}

/// Passes over the rest of a line.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (length, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if ends {
            return Ok(());
        }
    }
}

fn error_row(message: String) -> Map<String, Value> {
    Map::from_iter([("error".to_owned(), Value::String(message))])
}

/// The effect of one line, or the error that stands in its place.
///
/// The id is never read as a number, so that one of any size comes back as it was; what the line has besides is passed over
/// without being kept.
fn answer(library: &Library, contracts: &mut HashMap<String, Contract>, line: &[u8]) -> serde_json::Result<String> {
    let text = std::str::from_utf8(line);
    // A list would do for a struct.
    let object = text.ok().filter(|text| text.trim_start().starts_with('{'));
    let id = object.and_then(|text| serde_json::from_str::<Identity<'_>>(text).ok()?.id);
    let judged = text
        .map_err(|error| format!("failed to read the line as JSON: {error}"))
        .and_then(|text| match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) if object.is_none() => Err("failed to read the line: it must be an object".to_owned()),
            Ok(_) => {
                serde_json::from_str::<Line<'_>>(text).map_err(|error| format!("failed to read the line: {error}"))
            }
            Err(error) => Err(format!("failed to read the line as JSON: {error}")),
        })
        .and_then(|line| effect_of(library, contracts, &line));
    let rest = match judged {
        Ok(Value::Object(effect)) => effect,
        Ok(other) => Map::from_iter([("effect".to_owned(), other)]),
        Err(error) => error_row(error),
    };
    json_line(&Row { id, rest })
}

fn effect_of(library: &Library, contracts: &mut HashMap<String, Contract>, line: &Line<'_>) -> Result<Value, String> {
    let name = match &line.version {
        Some(version) => format!("{}@{version}", line.platform),
        None => line.platform.clone(),
    };
    if !contracts.contains_key(&name) {
        let contract = library.select(&name).map_err(|error| error.to_string())?;
        contracts.insert(name.clone(), contract);
    }
    let contract = &contracts[&name];
    let event = contract
        .events
        .get(&line.event)
        .ok_or_else(|| format!("failed to find the event {:?} of {name}", line.event))?;
    let hook = &line.hook;
    let ended = match (hook.timed_out, hook.signal, hook.exit) {
        (Some(true), _, _) => Ended::TimedOut,
        (_, Some(signal), _) => Ended::Signal(signal),
        (_, None, Some(code)) => Ended::Exit(code),
        (_, None, None) => {
            return Err("failed to judge the line: `hook` needs one of `exit`, `signal` and `timed_out`".to_owned());
        }
    };
    let bytes = |text: &Option<String>, encoded: &Option<String>, which: &str| match encoded {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|error| format!("failed to decode `{which}_base64`: {error}"))
        }
        None => Ok(text.clone().unwrap_or_default().into_bytes()),
    };
    let stdout = bytes(&hook.stdout, &hook.stdout_base64, "stdout")?;
    let stderr = bytes(&hook.stderr, &hook.stderr_base64, "stderr")?;
    let mut facts = Facts::new(ended, &stdout, &stderr);
    facts.tool = line.tool.as_deref();
    facts.stdout_held = hook.stdout_held.unwrap_or(false);
    for (name, value) in line.handler.iter().flatten() {
        let text = serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
        facts.handler.insert(name.clone(), text);
    }
    let effect = interpret(contract, event, &facts);
    serde_json::to_value(&effect).map_err(|error| error.to_string())
}
