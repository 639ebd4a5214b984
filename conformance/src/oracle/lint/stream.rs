//! What stands on which stream, and who reads it.

use serde_json::Value;

use super::{Problems, answered};
use crate::contract::{Contract, Event, EventKind, ExitThen, Reader, Role, StreamName};
use crate::oracle::answer::at;
use crate::oracle::exit::Ruling;
use crate::oracle::reading::{Reading, sets_output_field};
use crate::oracle::texts::{applies, units};
use crate::oracle::{Ended, Run, Said};

/// Of text that is called broken JSON it is not said again that nobody reads it.
const NO_JSON: [&str; 3] = ["json.syntax", "json.raw-control-character", "json.bare-word"];

/// How many opening braces are tried when looking for a document inside other text.
const TRIES: usize = 256;

pub(super) fn lint(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let reads_answers = run.event.exits.iter().any(|row| row.then == ExitThen::Answer);
    if reads_answers && matches!(run.heard.reading, Reading::Text | Reading::Broken(_)) {
        around_the_document(problems);
    }
    if ruling.then == ExitThen::LastLine {
        result_path(problems);
    } else if !reads_answers && let Some(said) = telling_json(run) {
        problems.add_on(
            &unread_basis(run, ruling),
            "stream.json-never-read",
            format!("`{said}` stands in JSON on stdout, and {} never reads JSON", run.event.name),
        );
    } else if matches!(run.said, Said::Text) && run.facts.ended == Ended::Exit(0) && ruling.then == ExitThen::Failed {
        problems.add_on(
            &ruling.basis,
            "stream.text-refused",
            format!(
                "{} on {}, where only JSON is taken: the hook counts as failed",
                amount(run.heard.trimmed()),
                name(run.heard.stream)
            ),
        );
    } else if matches!(run.said, Said::Text) && !problems.any("stream.") && !NO_JSON.iter().any(|id| problems.any(id)) {
        unread_text(problems, ruling);
    }
    silence(problems, ruling);
    on_stderr(problems);
    over_limit(problems, ruling);
}

/// What an event that reads no JSON rests on.
fn unread_basis(run: &Run<'_>, ruling: &Ruling) -> Vec<crate::contract::Basis> {
    let mut basis = vec![run.contract.reading.basis(), run.event.basis.clone()];
    basis.extend(ruling.basis.iter().cloned());
    basis
}

/// The first key in a JSON object on stdout whose value asks for something or tells somebody something.
fn telling_json(run: &Run<'_>) -> Option<String> {
    fn telling(value: &Value) -> Option<String> {
        value.as_object()?.iter().find_map(|(key, value)| {
            let tells = match value {
                Value::String(text) => {
                    let names_event = key.to_ascii_lowercase().ends_with("eventname");
                    !names_event && !text.trim().is_empty() && !["allow", "approve"].contains(&text.as_str())
                }
                Value::Bool(value) => key == "continue" && !value,
                Value::Object(_) => return telling(value),
                _ => false,
            };
            tells.then(|| key.clone())
        })
    }
    let text = String::from_utf8_lossy(run.facts.stdout);
    telling(&serde_json::from_str(text.trim().trim_start_matches('\u{feff}')).ok()?)
}

/// No word at a gate at which it is not settled what that means.
fn silence(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let is_gate = matches!(run.event.kind, EventKind::Gate | EventKind::Request);
    let doubted = ruling.basis.iter().any(|basis| !run.contract.weigh(basis).is_settled());
    if is_gate && doubted && matches!(run.said, Said::Nothing) && run.facts.ended == Ended::Exit(0) {
        problems.add_on(
            &ruling.basis,
            "stream.silence-at-gate",
            format!(
                "nothing on stdout at {}, where it is not settled that silence lets the step go ahead",
                run.event.name
            ),
        );
    }
}

/// Looks for a document that the platform does not see because of what stands around it.
fn around_the_document(problems: &mut Problems<'_>) {
    let run = problems.run;
    let text = run.heard.trimmed();
    let on = name(run.heard.stream);
    let basis = run.contract.reading.basis_of(run.contract.reading.broken.as_ref());
    if documents(text) >= 2 && (0..TRIES).zip(stream(text)).any(|(_, value)| sets_output_field(run.event, &value)) {
        problems.add_on(
            &[basis],
            "stream.two-documents",
            format!("{on} holds more than one JSON document; none of them is read"),
        );
        return;
    }
    // Text that is JSON as a whole has no noise around a document: its brackets and quotes are the fault.
    let whole = serde_json::from_str::<Value>(text);
    match &whole {
        Ok(Value::Array(_)) if embedded(run.event, text).is_some() => {
            problems.add("stream.not-an-object", format!("{on} is a JSON array; only an object is read as an answer"));
            return;
        }
        Ok(Value::String(word)) if decides(run.contract, word) || embedded(run.event, word).is_some() => {
            problems.add(
                "stream.not-an-object",
                format!("{on} is the JSON string {:?}; only an object is read as an answer", shorten(word)),
            );
            return;
        }
        _ => {}
    }
    if let Some((start, end)) = embedded(run.event, text) {
        let (before, after) = (text[..start].trim(), text[end..].trim());
        if !before.is_empty() {
            problems.add(
                "stream.noise-before-json",
                format!("{} before the JSON document on {on}, so that all of it is plain text", amount(before)),
            );
        }
        if !after.is_empty() {
            if stream(after).next().is_some_and(|value| value.is_object()) {
                problems.add(
                    "stream.two-documents",
                    format!("{on} holds more than one JSON document; none of them is read"),
                );
            } else {
                problems.add(
                    "stream.noise-after-json",
                    format!("{} after the JSON document on {on}, so that all of it is plain text", amount(after)),
                );
            }
        }
        return;
    }
    if whole.is_err_and(|error| error.is_eof()) && text.starts_with('{') && names_a_field(run.event, text) {
        problems.add(
            "stream.unfinished-json",
            format!("{on} begins a JSON document and ends before it does, so that all of it is plain text"),
        );
    }
}

/// Plain text that nobody reads.
fn unread_text(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let text = run.heard.trimmed();
    let read = (ruling.then == ExitThen::Text && !run.event.text.is_empty())
        || run.shows_streams().is_some()
        // What a hook in the background prints is not what the event is about.
        || ruling.then == ExitThen::Background;
    // Nobody has to read what a hook writes into its log.
    let is_log = run.heard.stream == StreamName::Stderr;
    if !read && !is_log && matches!(run.facts.ended, Ended::Exit(_)) && !text.is_empty() {
        let why = match run.facts.ended {
            Ended::Exit(0) => format!("{} drops plain text on stdout", run.event.name),
            _ => "plain text on stdout is not read at this exit code".to_owned(),
        };
        problems.add("stream.text-reaches-nobody", format!("{} on stdout, but {why}", amount(text)));
    }
}

fn result_path(problems: &mut Problems<'_>) {
    let run = problems.run;
    let last = run.heard.text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if !super::super::decide::is_absolute(last) {
        problems.add(
            "stream.result-path",
            format!("the last line of stdout is taken as a path, and {:?} is no absolute path", shorten(last)),
        );
    }
}

/// Answers and texts for the model on the stream that nobody reads.
fn on_stderr(problems: &mut Problems<'_>) {
    let run = problems.run;
    let stderr = run.stderr();
    let stderr = stderr.trim();
    if stderr.is_empty() || run.heard.stream == StreamName::Stderr || answered(run) || run.facts.ended == Ended::Exit(2)
    {
        return;
    }
    let decision = braces(stderr).find_map(|start| {
        let value = stream(&stderr[start..]).next()?;
        speaks(run.event, &value).then_some(())
    });
    if decision.is_some() {
        problems.add("stream.decision-on-stderr", "an answer stands on stderr, where it is not read");
    } else if run.facts.ended == Ended::Exit(0)
        && run.event.text.contains(&Reader::Model)
        && matches!(run.said, Said::Nothing)
        && !run.event.failure.stderr.contains(&Reader::Model)
    {
        problems.add(
            "stream.model-text-on-stderr",
            format!("{} on stderr and nothing on stdout; at exit 0 nobody reads stderr", amount(stderr)),
        );
    }
}

/// Texts that are longer than the platform passes on.
fn over_limit(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let Some(limit) = &run.contract.limits.text else { return };
    let basis = crate::contract::Basis { evidence: limit.evidence, source: limit.source.clone() };
    let mut check = |role: Option<Role>, name: &str, text: &str| {
        let length = units(text);
        if applies(limit, role) && length > limit.units {
            problems.add_on(
                std::slice::from_ref(&basis),
                "stream.over-limit",
                format!(
                    "{name} is {length} UTF-16 units long; above {} only {} of them are read",
                    limit.units, limit.preview
                ),
            );
        }
    };
    match run.said {
        Said::Answer(_) => {
            if let Reading::Document(document) = &run.heard.reading {
                for (path, field) in &run.event.output {
                    if let (Some(role), Some(text)) = (field.role, at(&document.value, path).and_then(Value::as_str)) {
                        check(Some(role), &format!("`{path}`"), text);
                    }
                }
            }
        }
        Said::Text if ruling.then == ExitThen::Text && !run.event.text.is_empty() => {
            check(None, &format!("the text on {}", name(run.heard.stream)), run.heard.trimmed());
        }
        _ => {}
    }
}

/// Start and end of the first JSON object inside `text` that sets an output field.
fn embedded(event: &Event, text: &str) -> Option<(usize, usize)> {
    braces(text).find_map(|start| {
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        let value = stream.next()?.ok()?;
        sets_output_field(event, &value).then(|| (start, start + stream.byte_offset()))
    })
}

/// Places of opening braces, from the front; in a long text only the first and the last ones.
fn braces(text: &str) -> impl Iterator<Item = usize> {
    let all: Vec<usize> = text.match_indices('{').map(|(at, _)| at).collect();
    let cut = all.len().saturating_sub(TRIES);
    all.into_iter().enumerate().filter(move |(index, _)| *index < TRIES || *index >= cut).map(|(_, at)| at)
}

/// The documents that stand one behind the other, until something else comes.
fn stream(text: &str) -> impl Iterator<Item = Value> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok)
}

/// How many JSON objects stand one behind the other and fill the text.
pub(super) fn documents(text: &str) -> usize {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut count = 0;
    for document in documents.by_ref() {
        match document {
            Ok(Value::Object(_)) => count += 1,
            _ => return 0,
        }
    }
    count
}

/// Whether a document on the wrong stream says something that somebody should have read.
fn speaks(event: &Event, value: &Value) -> bool {
    let telling = [Role::Decision, Role::ModelContext, Role::InputUpdate, Role::OutputUpdate];
    event.output.iter().any(|(path, field)| {
        field.role.is_some_and(|role| telling.contains(&role))
            && at(value, path).is_some_and(|found| {
                field.values.is_empty() || found.as_str().is_some_and(|word| field.values.iter().any(|v| v == word))
            })
    })
}

/// Whether the word is a value of some decision field.
fn decides(contract: &Contract, word: &str) -> bool {
    contract
        .events
        .values()
        .any(|event| event.fields_with(Role::Decision).any(|(_, field)| field.map.contains_key(word)))
}

fn names_a_field(event: &Event, text: &str) -> bool {
    event.output.keys().any(|path| {
        let name = path.rsplit('.').next().unwrap_or(path);
        text.contains(&format!("\"{name}\""))
    })
}

fn name(stream: StreamName) -> &'static str {
    match stream {
        StreamName::Stdout => "stdout",
        StreamName::Stderr => "stderr",
    }
}

fn amount(text: &str) -> String {
    match text.lines().count() {
        0 | 1 => format!("the text {:?} stands", shorten(text)),
        count => format!("{count} lines, beginning with {:?}, stand", shorten(text.lines().next().unwrap_or_default())),
    }
}

/// At most 60 characters of a text.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(57).chain("...".chars()).collect() }
}

impl Run<'_> {
    /// Whether anything but white space stands on stdout.
    pub(super) fn has_stdout(&self) -> bool {
        !String::from_utf8_lossy(self.facts.stdout).trim().is_empty()
    }
}
