//! How the streams of a hook become an answer.

mod any_json;
mod braced_json;
mod last_object;
mod opener_json;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{Ended, Facts};
use crate::contract::{
    Basis, BrokenRule, Contract, Event, KeyRule, NonObject, Reading as Rules, ReadingRule, StreamName, TagRule, Trim,
    plain_path,
};
use crate::json::{self, Document, SyntaxError};

/// What the text was read as.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    /// Nothing but white space.
    Empty,
    /// Plain text.
    Text,
    /// A document meant as an answer.
    Document(Document),
    /// Meant as an answer, and no JSON.
    Broken(SyntaxError),
    /// The hook sent itself to the background.
    Announced,
}

/// What the platform heard of the hook: one of its streams, read by the contract's rule.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// The text, with invalid UTF-8 replaced, as the platform decodes it.
    pub(crate) text: String,
    /// The stream that it stands on.
    pub(crate) stream: StreamName,
    /// What it was read as.
    pub(crate) reading: Reading,
    /// The other event that the answer names, where that makes a part of it count as absent.
    pub(crate) dropped: Option<String>,
    /// What that rests on.
    pub(crate) basis: Vec<Basis>,
    trim: Trim,
}

impl Heard {
    /// Reads the streams by the rule of the contract.
    pub(crate) fn read(contract: &Contract, event: &Event, facts: &Facts<'_>) -> Heard {
        let rules = &contract.reading;
        let trim_rule = rules.trim.is;
        let code = match facts.ended {
            Ended::Exit(code) => Some(code),
            _ => None,
        };
        let (streams, streams_basis) = rules.streams_after(code);
        let text_of = |stream: StreamName| match stream {
            StreamName::Stdout => String::from_utf8_lossy(facts.stdout).into_owned(),
            StreamName::Stderr => String::from_utf8_lossy(facts.stderr).into_owned(),
        };
        let mut told = streams.iter().map(|stream| (*stream, text_of(*stream)));
        let (stream, mut text) = told
            .find(|(_, text)| !trim(text, trim_rule).is_empty())
            .unwrap_or_else(|| (streams.first().copied().unwrap_or(StreamName::Stdout), String::new()));
        let mut basis = Vec::new();
        if stream != StreamName::Stdout || streams.len() > 1 {
            basis.push(streams_basis);
        }
        if let Some(fact) = rules.progress_lines.as_ref().filter(|fact| fact.is)
            && let Some(rest) = without_progress(&text)
        {
            basis.push(fact.basis());
            text = rest;
        }
        let mut reader = Reader { contract, event, basis };
        let mut reading = reader.read(trim(&text, trim_rule));
        let mut dropped = None;
        if let Reading::Document(document) = &mut reading {
            dropped = reader.prepare(&mut document.value);
        }
        Heard { text, stream, reading, dropped, basis: reader.basis, trim: trim_rule }
    }

    /// The text without what the contract trims.
    pub(crate) fn trimmed(&self) -> &str {
        trim(&self.text, self.trim)
    }
}

/// What strategies share: the rules, and what was used of them.
struct Reader<'a> {
    contract: &'a Contract,
    event: &'a Event,
    basis: Vec<Basis>,
}

impl Reader<'_> {
    fn rules(&self) -> &Rules {
        &self.contract.reading
    }

    fn read(&mut self, text: &str) -> Reading {
        self.basis.push(self.rules().basis());
        if text.is_empty() {
            return Reading::Empty;
        }
        match self.event.reading.unwrap_or(self.rules().rule) {
            ReadingRule::BracedJson => braced_json::read(self, text),
            ReadingRule::OpenerJson => opener_json::read(self, text),
            ReadingRule::AnyJson => any_json::read(self, text),
            ReadingRule::LastObject => last_object::read(self, text),
            ReadingRule::ControlLine => any_json::read_control_line(self, text),
            ReadingRule::Never => Reading::Text,
        }
    }

    /// A JSON value that was meant as an answer: an object is one, and the contract says what another value is.
    fn document(&mut self, document: Document) -> Reading {
        let rules = &self.contract.reading;
        if let Value::String(inner) = &document.value
            && let Some(fact) = rules.strings_decoded.as_ref().filter(|fact| fact.is)
        {
            self.basis.push(fact.basis());
            return match json::parse(inner) {
                Ok(inner) => self.object(inner),
                Err(_) => Reading::Text,
            };
        }
        self.object(document)
    }

    fn object(&mut self, document: Document) -> Reading {
        let fact = self.contract.reading.non_object.as_ref();
        if !document.value.is_object() {
            self.basis.push(self.contract.reading.basis_of(fact));
            if Rules::or(fact, NonObject::Nothing) == NonObject::Text {
                return Reading::Text;
            }
        }
        Reading::Document(document)
    }

    /// What was meant as JSON and is none.
    fn broken(&mut self, error: SyntaxError) -> Reading {
        let fact = self.contract.reading.broken.as_ref();
        self.basis.push(self.contract.reading.basis_of(fact));
        match Rules::or(fact, BrokenRule::Text) {
            BrokenRule::Failed => Reading::Broken(error),
            BrokenRule::Text => Reading::Text,
        }
    }

    /// Gives keys the contract's spelling where the platform takes every case, and takes away an object that is for
    /// another event where the platform does. Returns that event's name.
    fn prepare(&mut self, value: &mut Value) -> Option<String> {
        let rules = &self.contract.reading;
        if let Some(fact) = rules.keys.as_ref().filter(|fact| fact.is == KeyRule::AnyCase) {
            self.basis.push(fact.basis());
            respell(self.event, "", value);
        }
        let union = rules.union.as_ref().filter(|union| union.rule == TagRule::DroppedIfOther)?;
        let named = value.get(&union.container)?.get(&union.tag)?.as_str()?.to_owned();
        if names_event(self.event, &named) {
            return None;
        }
        self.basis.push(Basis { evidence: union.evidence, source: union.source.clone() });
        value.as_object_mut()?.shift_remove(&union.container);
        Some(named)
    }
}

/// Whether an answer with this name is for `event`.
pub(crate) fn names_event(event: &Event, name: &str) -> bool {
    event.name == name || event.also_named.iter().any(|other| other == name)
}

/// Gives the keys of `value` the contract's spelling; of several spellings the last one counts.
fn respell(event: &Event, at: &str, value: &mut Value) {
    let Value::Object(members) = value else { return };
    let mut respelled = Map::new();
    for (key, mut member) in std::mem::take(members) {
        let known = event.output.iter().find_map(|(path, field)| {
            let path = plain_path(path);
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            let same = if field.exact_key { name == key } else { name.to_lowercase() == key.to_lowercase() };
            (parent == at && same).then(|| (name.to_owned(), path.to_owned()))
        });
        match known {
            Some((name, path)) => {
                respell(event, &path, &mut member);
                respelled.insert(name, member);
            }
            None => {
                respelled.insert(key, member);
            }
        }
    }
    *members = respelled;
}

/// The text without lines that report progress; `None` if there are none.
fn without_progress(text: &str) -> Option<String> {
    let is_progress = |line: &str| {
        json::parse(line.trim()).is_ok_and(|line| line.value.get("type").and_then(Value::as_str) == Some("progress"))
    };
    let (progress, rest): (Vec<&str>, Vec<&str>) = text.split_inclusive('\n').partition(|line| is_progress(line));
    (!progress.is_empty()).then(|| rest.concat())
}

/// `text` without the white space around it, as `rule` counts white space.
pub(crate) fn trim(text: &str, rule: Trim) -> &str {
    match rule {
        Trim::Unicode => text.trim(),
        // ECMA-262 WhiteSpace and LineTerminator: Unicode's, with the byte-order mark and without U+0085.
        Trim::Javascript => text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{FEFF}'),
    }
}

/// Whether `value` is an object that sets one of the event's top-level output fields.
pub(crate) fn sets_output_field(event: &Event, value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.keys().any(|key| event.output.keys().any(|path| plain_path(path) == key)))
}
