//! `hookproof interpret`.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use hookproof::contract::{Contract, Library};
use hookproof::oracle::{Effect, Ended, Facts, interpret, tell};
use hookproof::outside;
use hookproof::report::visible;
use serde::Deserialize;
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
        Format::Json => writeln!(out, "{:#}", serde_json::to_value(&effect).map_err(CliError::harness)?)?,
        Format::Human => human(&mut out, &contract, name, &effect)?,
    }
    Ok(Exit::Conforms)
}

fn read(path: Option<&Path>) -> Result<Vec<u8>, CliError> {
    let Some(path) = path else { return Ok(Vec::new()) };
    if path == Path::new("-") {
        return outside::whole(io::stdin().lock(), outside::PAYLOAD)
            .map_err(|error| CliError::Usage(format!("failed to read stdin: {error}")));
    }
    outside::read_named(path, outside::PAYLOAD)
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
struct Line {
    platform: String,
    version: Option<String>,
    event: String,
    hook: Hook,
    tool: Option<String>,
    #[serde(default)]
    handler: Option<Map<String, Value>>,
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
        let read = input
            .read_until(b'\n', &mut line)
            .map_err(|error| CliError::Usage(format!("failed to read stdin: {error}")))?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = answer(library, &mut contracts, &line);
        serde_json::to_writer(&mut out, &answer).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        // Whoever talks to us line by line waits for the answer.
        out.flush()?;
    }
    Ok(Exit::Conforms)
}

/// The effect of one line, or the error that stands in its place.
fn answer(library: &Library, contracts: &mut HashMap<String, Contract>, line: &[u8]) -> Map<String, Value> {
    let mut object = Map::new();
    let parsed: Result<Value, _> = serde_json::from_slice(line);
    let id = parsed.as_ref().ok().and_then(|value| value.get("id")).cloned().unwrap_or(Value::Null);
    object.insert("id".to_owned(), id);
    let judged = parsed
        .map_err(|error| format!("failed to read the line as JSON: {error}"))
        .and_then(|value| {
            serde_json::from_value::<Line>(value).map_err(|error| format!("failed to read the line: {error}"))
        })
        .and_then(|line| effect_of(library, contracts, &line));
    match judged {
        Ok(Value::Object(effect)) => object.extend(effect),
        Ok(other) => {
            object.insert("effect".to_owned(), other);
        }
        Err(error) => {
            object.insert("error".to_owned(), Value::String(error));
        }
    }
    object
}

fn effect_of(library: &Library, contracts: &mut HashMap<String, Contract>, line: &Line) -> Result<Value, String> {
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
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        facts.handler.insert(name.clone(), text);
    }
    let effect = interpret(contract, event, &facts);
    serde_json::to_value(&effect).map_err(|error| error.to_string())
}
