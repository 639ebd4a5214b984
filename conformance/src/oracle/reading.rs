//! How stdout becomes an answer.

mod braced_json;

use serde_json::Value;

use crate::contract::{Basis, Contract, Event, ReadingRule, Trim};
use crate::json::{Document, SyntaxError};

/// What stdout was read as.
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

/// stdout, read by the contract's rule.
#[derive(Debug, Clone)]
pub(crate) struct Stdout {
    /// The text, with invalid UTF-8 replaced, as the platform decodes it.
    pub(crate) text: String,
    /// What it was read as.
    pub(crate) reading: Reading,
    /// What that rests on.
    pub(crate) basis: Vec<Basis>,
    trim: Trim,
}

impl Stdout {
    /// Reads the bytes by the rule of the contract.
    pub(crate) fn read(contract: &Contract, event: &Event, bytes: &[u8]) -> Stdout {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut basis = Vec::new();
        let trim_rule = contract.reading.trim.is;
        let reading = match contract.reading.rule {
            ReadingRule::BracedJson => braced_json::read(contract, event, trim(&text, trim_rule), &mut basis),
        };
        Stdout { text, reading, basis, trim: trim_rule }
    }

    /// The text without what the contract trims.
    pub(crate) fn trimmed(&self) -> &str {
        trim(&self.text, self.trim)
    }
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
    value.as_object().is_some_and(|object| object.keys().any(|key| event.output.contains_key(key)))
}
