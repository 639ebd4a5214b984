//! Payloads that a user gives: parts of documents, merged over those of the suite.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Expectation, Expected, Payload, PayloadError, Payloads, Provenance, ProvenanceKind, place};
use crate::contract::{Contract, Event};
use crate::json;
use crate::outside;

/// What is known of a payload because a user gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The file that it comes from.
    pub file: PathBuf,
    /// Line of the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What the user expects.
    pub expectation: Option<Expectation>,
}

impl Own {
    /// Whether the hook is expected to block.
    pub(super) fn is_to_be_blocked(&self) -> bool {
        self.expectation.as_ref().is_some_and(|expectation| expectation.decision == Some(Expected::Block))
    }
}

/// A document that a user gives, as a whole or in part.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnDocument {
    /// What it is called in case ids: a-z, 0-9 and hyphens.
    pub name: String,
    /// The event, if it was named beside the document.
    pub event: Option<String>,
    /// Ids of the platforms that it is for; all if empty.
    pub platforms: Vec<String>,
    /// The document.
    pub value: Map<String, Value>,
    /// Where it comes from, and what is expected.
    pub own: Own,
}

/// What a document is on one platform.
#[derive(Debug, Clone, PartialEq)]
pub enum Placed {
    /// These payloads, one for each event.
    Payloads(Vec<Payload>),
    /// The platform has no event of this name, or the document is for other platforms.
    Elsewhere(String),
    /// Nothing says which event it is for. Holds the field that would, if the platform has one.
    NoEvent(Option<String>),
}

impl OwnDocument {
    /// Reads the JSON object in a file.
    ///
    /// # Errors
    /// [`PayloadError`] names file, line and column.
    pub fn read(path: &Path) -> Result<Self, PayloadError> {
        let bytes = outside::read_named(path, outside::PAYLOAD)
            .map_err(|error| PayloadError::Path { path: path.to_owned(), message: error.to_string() })?;
        let syntax = |line: usize, column: usize, message: String| PayloadError::Syntax {
            path: path.to_owned(),
            line,
            column,
            message,
        };
        let text = String::from_utf8(bytes).map_err(|_| syntax(1, 1, "the file is not UTF-8".to_owned()))?;
        let document = json::parse(&text).map_err(|error| {
            let position = format!("line {}, column {}: ", error.line, error.column);
            let message = error.to_string().trim_start_matches(&position).to_owned();
            syntax(error.line, error.column, message)
        })?;
        if let Some((at, offset)) = place::of_duplicate(&text) {
            let (line, column) = place::line_and_column(&text, offset);
            return Err(syntax(line, column, format!("{at}: the key is duplicated; remove one")));
        }
        let Value::Object(value) = document.value else {
            return Err(syntax(1, 1, "a payload must be a JSON object, or a part of one".to_owned()));
        };
        let name = path.file_stem().map_or_else(String::new, |stem| named(&stem.to_string_lossy()));
        let own = Own { file: path.to_owned(), line: 1, column: 1, expectation: None };
        Ok(OwnDocument { name, event: None, platforms: Vec::new(), value, own })
    }

    /// What the document is on this platform: merged over the payload of the suite that it is a part of. `events` are
    /// those that the user chose; they count if the document names none.
    pub fn on(&self, contract: &Contract, payloads: &Payloads, events: &[String]) -> Placed {
        let platform = &contract.platform.id;
        if !self.platforms.is_empty() && !self.platforms.contains(platform) {
            return Placed::Elsewhere(platform.clone());
        }
        let field = contract.platform.event_field.as_deref();
        let named = field.and_then(|field| self.value.get(field)).and_then(Value::as_str);
        let wanted: Vec<&str> = match (self.event.as_deref().or(named), contract.events.keys().next()) {
            (Some(event), _) => vec![event],
            (None, _) if !events.is_empty() => events.iter().map(String::as_str).collect(),
            (None, Some(only)) if contract.events.len() == 1 => vec![only],
            (None, _) => return Placed::NoEvent(field.map(str::to_owned)),
        };
        let known: Vec<&Event> = wanted.iter().filter_map(|name| contract.events.get(*name)).collect();
        if known.is_empty() {
            return Placed::Elsewhere(wanted.join(", "));
        }
        Placed::Payloads(known.into_iter().map(|event| self.at(contract, event, payloads)).collect())
    }

    fn at(&self, contract: &Contract, event: &Event, payloads: &Payloads) -> Payload {
        let platform = &contract.platform.id;
        let known: Vec<&Payload> = payloads.of(platform, &event.name).collect();
        let tool = contract.platform.tool_field.as_deref();
        let given = Value::Object(self.value.clone());
        let own_tool = tool.and_then(|field| json::at(&given, field));
        let base = base(&known, &given, tool);
        let mut stdin = base.map_or_else(|| Value::Object(Map::new()), |payload| payload.stdin.clone());
        // The input of another tool has fields that this one does not have.
        let same_tool = own_tool.is_none() || tool.and_then(|field| json::at(&stdin, field)) == own_tool;
        merge(&mut stdin, &given, same_tool);
        if let (Some(field), Some(object)) = (&contract.platform.event_field, stdin.as_object_mut()) {
            object.insert(field.clone(), Value::String(event.name.clone()));
        }
        let taken: std::collections::BTreeSet<&str> = known.iter().map(|payload| payload.name.as_str()).collect();
        let numbered = (2..).map(|number| format!("{}-{number}", self.name));
        let name = std::iter::once(self.name.clone())
            .chain(numbered)
            .find(|name| !taken.contains(name.as_str()))
            .unwrap_or_default();
        Payload {
            platform: platform.clone(),
            event: event.name.clone(),
            name,
            title: format!("{}, given by the user", self.own.file.display()),
            provenance: Provenance {
                kind: ProvenanceKind::Synthetic,
                platform: platform.clone(),
                version: contract.version.to_string(),
                source: format!("{}:{}:{}", self.own.file.display(), self.own.line, self.own.column),
            },
            labels: std::collections::BTreeSet::new(),
            stdin,
            made: false,
            own: Some(self.own.clone()),
        }
    }
}

/// `text` as a part of case ids.
pub(crate) fn named(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "payload".to_owned() } else { parts.join("-") }
}

/// The payload that a part of a document is merged over: the typical one, unless the part is about another tool or has
/// fields that only another payload has.
fn base<'p>(known: &[&'p Payload], given: &Value, tool: Option<&str>) -> Option<&'p Payload> {
    let rank = |payload: &Payload| match () {
        () if payload.is("typical") => 0,
        () if payload.made => 3,
        () if payload.is("benign") => 1,
        () => 2,
    };
    let mut usable: Vec<&Payload> =
        known.iter().copied().filter(|payload| payload.own.is_none() && !payload.is("hostile")).collect();
    usable.sort_by_key(|payload| rank(payload));
    if let Some(field) = tool
        && let Some(wanted) = json::at(given, field)
        && usable.iter().any(|payload| json::at(&payload.stdin, field) == Some(wanted))
    {
        usable.retain(|payload| json::at(&payload.stdin, field) == Some(wanted));
    }
    usable.iter().copied().find(|payload| has_keys(&payload.stdin, given)).or_else(|| usable.first().copied())
}

/// Whether `document` has every key that `part` has, at the same places.
fn has_keys(document: &Value, part: &Value) -> bool {
    match (document, part) {
        (Value::Object(document), Value::Object(part)) => {
            part.iter().all(|(key, value)| document.get(key).is_some_and(|own| has_keys(own, value)))
        }
        (_, Value::Object(_)) => false,
        _ => true,
    }
}

/// Merges as by RFC 7396: objects key by key, `null` removes a key, everything else replaces. If `deep` is not set,
/// objects inside of the document are replaced, too.
fn merge(document: &mut Value, part: &Value, deep: bool) {
    let Value::Object(part) = part else {
        document.clone_from(part);
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Some(document) = document.as_object_mut() else { return };
    for (key, value) in part {
        if value.is_null() {
            document.shift_remove(key);
        } else if deep || !value.is_object() {
            merge(document.entry(key.clone()).or_insert(Value::Null), value, true);
        } else {
            document.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::contract::Library;

    fn document(value: Value) -> OwnDocument {
        let Value::Object(value) = value else { panic!("an object") };
        let own = Own { file: PathBuf::from("x.json"), line: 1, column: 1, expectation: None };
        OwnDocument { name: "x".to_owned(), event: None, platforms: Vec::new(), value, own }
    }

    fn placed(platform: &str, value: Value, events: &[&str]) -> Placed {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        document(value).on(&contract, Payloads::built_in().unwrap(), &events)
    }

    fn one(platform: &str, value: Value, events: &[&str]) -> Payload {
        match placed(platform, value, events) {
            Placed::Payloads(mut list) if list.len() == 1 => list.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_part_is_merged_over_the_typical_document() {
        let payload = one("claude-code", json!({"tool_input": {"command": "git push --force"}}), &["PreToolUse"]);
        assert_eq!(payload.stdin["tool_input"]["command"], "git push --force");
        assert_eq!(payload.stdin["tool_name"], "Bash");
        assert_eq!(payload.stdin["hook_event_name"], "PreToolUse");
        assert!(payload.stdin["session_id"].is_string() && payload.own.is_some() && payload.labels.is_empty());
    }

    #[test]
    fn a_part_with_the_fields_of_another_tool_is_merged_over_a_payload_of_that_tool() {
        let part = json!({"hook_event_name": "PreToolUse", "tool_input": {"file_path": ".env", "content": "A=1"}});
        let payload = one("claude-code", part, &[]);
        assert_eq!(payload.stdin["tool_name"], "Write");
        assert!(payload.stdin["tool_input"].get("command").is_none());
        let part = json!({"tool_name": "Edit", "tool_input": {"file_path": "a.lock"}});
        let payload = one("claude-code", part, &["PreToolUse"]);
        assert_eq!(payload.stdin["tool_name"], "Edit");
        assert!(payload.stdin["tool_input"]["new_string"].is_string());
    }

    #[test]
    fn the_input_of_an_unknown_tool_keeps_nothing_of_another() {
        let part = json!({"tool_name": "mcp__x__drop", "tool_input": {"table": "users"}});
        let payload = one("claude-code", part, &["PreToolUse"]);
        assert_eq!(payload.stdin["tool_input"], json!({"table": "users"}));
    }

    #[rstest]
    #[case::null_removes(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": null}}), json!({"a": {"c": 2}}))]
    #[case::lists_are_replaced(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}))]
    #[case::an_object_for_a_text(json!({"a": "x"}), json!({"a": {"b": {"c": 1}}}), json!({"a": {"b": {"c": 1}}}))]
    fn documents_are_merged(#[case] mut document: Value, #[case] part: Value, #[case] expected: Value) {
        merge(&mut document, &part, true);
        assert_eq!(document, expected);
    }

    #[test]
    fn the_event_is_taken_from_the_document_then_from_the_user() {
        let stop = json!({"hook_event_name": "Stop"});
        assert_eq!(one("claude-code", stop.clone(), &["PreToolUse"]).event, "Stop");
        assert_eq!(placed("claude-code", json!({}), &[]), Placed::NoEvent(Some("hook_event_name".to_owned())));
        assert_eq!(placed("windsurf", stop, &["Stop"]), Placed::Elsewhere("Stop".to_owned()));
        assert_eq!(one("crush", json!({"tool_input": {"command": "ls"}}), &[]).event, "PreToolUse");
    }

    #[test]
    fn names_are_fit_for_case_ids() {
        assert_eq!(named("Force push (1)"), "force-push-1");
        assert_eq!(named("..."), "payload");
    }
}
