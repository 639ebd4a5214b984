//! A document that the platform does not see because of what is around it, with its own faults.

use serde_json::Value;

use super::Problems;
use super::stream::{amount, name, shorten};
use super::words::is_meant;
use crate::contract::{Contract, Event, ReadingRule, StreamName};
use crate::oracle::reading::{Reading, sets_output_field};
use crate::oracle::{Facts, Run, Said, interpret};

/// How many opening braces are tried when looking for a document inside other text.
const TRIES: usize = 256;
/// How many documents are looked at by themselves.
const LOOKED_AT: usize = 4;
/// What is wrong with a document itself, and not with its surroundings, besides `schema.*` and `json.*`.
const OF_THE_DOCUMENT: [&str; 3] = ["exit.answer-not-read", "exit.two-beside-allow", "exit.two-beside-ask"];

pub(super) fn lint(problems: &mut Problems<'_>) {
    let run = problems.run;
    match run.heard.reading {
        Reading::Text | Reading::Broken(_) => around_the_document(problems),
        Reading::Document(_) => beside_the_document(problems),
        Reading::Empty | Reading::Announced => {}
    }
}

/// A strategy that takes one document of several: what the others say is lost.
fn beside_the_document(problems: &mut Problems<'_>) {
    let run = problems.run;
    let rule = run.event.reading.unwrap_or(run.contract.reading.rule);
    if !matches!(rule, ReadingRule::LastObject | ReadingRule::ControlLine) {
        return;
    }
    let Reading::Document(read) = &run.heard.reading else { return };
    let on = name(run.heard.stream);
    let lost = objects(&run.heard.text)
        .into_iter()
        .find(|object| object.value != read.value && is_meant(run.contract, run.event, &object.value));
    if lost.is_some() {
        let which = if rule == ReadingRule::LastObject { "the last one" } else { "the one on the last control line" };
        let basis = [run.contract.reading.basis()];
        problems.add_on(
            &basis,
            "stream.two-documents",
            format!("{on} holds more than one JSON document; only {which} is read"),
        );
    }
}

fn around_the_document(problems: &mut Problems<'_>) {
    let run = problems.run;
    let text = run.heard.trimmed();
    let on = name(run.heard.stream);
    let basis = run.contract.reading.basis_of(run.contract.reading.broken.as_ref());
    let meant = |value: &Value| is_meant(run.contract, run.event, value);
    let glued = documents(text);
    if glued.len() >= 2 && (matches!(run.said, Said::Broken(_)) || glued.iter().any(|object| meant(&object.value))) {
        problems.add_on(
            &[basis],
            "stream.two-documents",
            format!("{on} holds more than one JSON document; none of them is read"),
        );
        for object in glued.iter().filter(|object| meant(&object.value)).take(LOOKED_AT) {
            alone(problems, &text[object.start..object.end]);
        }
        return;
    }
    // Text that is JSON as a whole has no noise around a document: its brackets and quotes are the fault.
    let whole = serde_json::from_str::<Value>(text);
    match &whole {
        Ok(Value::Array(_)) if embedded(run, text).is_some() => {
            problems.add("stream.not-an-object", format!("{on} is a JSON array; only an object is read as an answer"));
            return;
        }
        Ok(Value::String(word)) if decides(run.contract, word) || embedded(run, word).is_some() => {
            problems.add(
                "stream.not-an-object",
                format!("{on} is the JSON string {:?}; only an object is read as an answer", shorten(word)),
            );
            return;
        }
        _ => {}
    }
    if let Some(object) = embedded(run, text) {
        let (before, after) = (text[..object.start].trim(), text[object.end..].trim());
        noise(problems, before, after);
        alone(problems, &text[object.start..object.end]);
        return;
    }
    if whole.is_err_and(|error| error.is_eof()) && text.starts_with('{') && names_a_field(run.event, text) {
        problems.add(
            "stream.unfinished-json",
            format!("{on} begins a JSON document and ends before it does, so that all of it is plain text"),
        );
        return;
    }
    // A document with noise around it that is no JSON either.
    if let (Some(start), Some(end)) = (text.find('{'), text.rfind('}'))
        && start < end
        && (start, end + 1) != (0, text.len())
        && names_a_field(run.event, &text[start..=end])
    {
        noise(problems, text[..start].trim(), text[end + 1..].trim());
        alone(problems, &text[start..=end]);
    }
}

/// What stands before and after a document.
fn noise(problems: &mut Problems<'_>, before: &str, after: &str) {
    let on = name(problems.run.heard.stream);
    if !before.is_empty() {
        problems.add(
            "stream.noise-before-json",
            format!("{} before the JSON document on {on}, so that all of it is plain text", amount(before)),
        );
    }
    if after.is_empty() {
        return;
    }
    if documents_from(after).next().is_some_and(|object| object.value.is_object()) {
        problems.add("stream.two-documents", format!("{on} holds more than one JSON document; none of them is read"));
    } else {
        problems.add(
            "stream.noise-after-json",
            format!("{} after the JSON document on {on}, so that all of it is plain text", amount(after)),
        );
    }
}

/// Notes the faults of a document as if it had been printed alone, so that noise hides none of them.
fn alone(problems: &mut Problems<'_>, document: &str) {
    let run = problems.run;
    // The document alone would be read as it was: it is no part of other text.
    if document.len() >= run.heard.trimmed().len() {
        return;
    }
    let facts = match run.heard.stream {
        StreamName::Stdout => Facts { stdout: document.as_bytes(), ..run.facts.clone() },
        StreamName::Stderr => Facts { stderr: document.as_bytes(), ..run.facts.clone() },
    };
    for mut problem in interpret(run.contract, run.event, &facts).problems {
        let id = problem.requirement.as_str();
        let is_own = id.starts_with("schema.") || id.starts_with("json.") || OF_THE_DOCUMENT.contains(&id);
        if is_own && !problems.found.iter().any(|known| known.requirement == problem.requirement) {
            problem.message.push_str(" (in the document itself)");
            problems.found.push(problem);
        }
    }
}

/// A JSON object inside of a text.
pub(super) struct Object {
    /// Its first byte.
    pub(super) start: usize,
    /// The byte behind it.
    pub(super) end: usize,
    /// What it says.
    pub(super) value: Value,
}

/// The first JSON object inside `text` that was meant as an answer; rather one that sets a field of the event.
fn embedded(run: &Run<'_>, text: &str) -> Option<Object> {
    let mut found = objects(text);
    let own = found.iter().position(|object| sets_output_field(run.event, &object.value));
    let index = own.or_else(|| found.iter().position(|object| is_meant(run.contract, run.event, &object.value)))?;
    Some(found.swap_remove(index))
}

/// The JSON objects inside a text, the outermost ones, in their order; in a long text only the first and the last ones.
pub(super) fn objects(text: &str) -> Vec<Object> {
    let starts: Vec<usize> = text.match_indices('{').map(|(at, _)| at).collect();
    let cut = starts.len().saturating_sub(TRIES);
    let mut found: Vec<Object> = Vec::new();
    for (index, start) in starts.into_iter().enumerate() {
        let is_inside = found.last().is_some_and(|object| start < object.end);
        if is_inside || (index >= TRIES && index < cut) {
            continue;
        }
        found.extend(
            documents_from(&text[start..]).next().filter(|object| object.value.is_object()).map(|object| Object {
                start,
                end: start + object.end,
                value: object.value,
            }),
        );
    }
    found
}

/// The documents that stand one behind the other, until something else comes.
fn documents_from(text: &str) -> impl Iterator<Item = Object> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    std::iter::from_fn(move || {
        let before = stream.byte_offset();
        let value = stream.next()?.ok()?;
        let end = stream.byte_offset();
        let start = before + text[before..end].len() - text[before..end].trim_start().len();
        Some(Object { start, end, value })
    })
}

/// The JSON objects that stand one behind the other and fill the text; none if something else is among them.
pub(super) fn documents(text: &str) -> Vec<Object> {
    let found: Vec<Object> = documents_from(text).take_while(|object| object.value.is_object()).collect();
    let filled = found.last().is_some_and(|last| text[last.end..].trim().is_empty());
    if filled { found } else { Vec::new() }
}

/// Whether the word is a value of some decision field.
fn decides(contract: &Contract, word: &str) -> bool {
    use crate::contract::Role;
    contract
        .events
        .values()
        .any(|event| event.fields_with(Role::Decision).any(|(_, field)| field.map.contains_key(word)))
}

/// Whether a field of the event stands in the text, in quotes of either kind.
fn names_a_field(event: &Event, text: &str) -> bool {
    event.output.keys().any(|path| {
        let path = crate::contract::plain_path(path);
        let name = path.rsplit('.').next().unwrap_or(path);
        text.contains(&format!("\"{name}\"")) || text.contains(&format!("'{name}'"))
    })
}
