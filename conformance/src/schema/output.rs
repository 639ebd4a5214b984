//! The schema of answers: the platform's own check.

use serde_json::{Map, Value, json};

use super::tree::{Node, Rules};
use super::{Direction, announcement, head};
use crate::contract::{AnswerClass, Contract, EndingPattern, Event, ExitThen, KeyRule, ReadingRule, StreamState};

/// Whether the platform checks what a hook of this event prints at exit 0: whether it makes a difference there if a
/// JSON document on stdout is a proper answer.
pub fn is_read(event: &Event) -> bool {
    let valid = at_exit_zero(event, AnswerClass::Valid);
    let parsed = event.reading != Some(ReadingRule::Never);
    parsed && [AnswerClass::Invalid, AnswerClass::Text].iter().any(|other| at_exit_zero(event, *other) != valid)
}

/// What a document of this class on stdout counts as at exit 0, with nothing on stderr. Rows for certain decisions are
/// left out: they tell proper answers apart.
pub(super) fn at_exit_zero(event: &Event, class: AnswerClass) -> Option<ExitThen> {
    let row = event.exits.iter().find(|row| {
        row.on.iter().any(|pattern| match pattern {
            EndingPattern::Any => true,
            EndingPattern::Exactly(code) => *code == 0,
            EndingPattern::AtLeast(code) => *code <= 0,
            _ => false,
        }) && (row.answer.is_empty() || row.answer.contains(&class))
            && row.decision.is_empty()
            && row.stdout != Some(StreamState::Empty)
            && row.stderr != Some(StreamState::NonEmpty)
            && row.stderr_matches.is_none()
    });
    row.map(|row| row.then)
}

pub(super) fn schema(contract: &Contract, event: &Event) -> Value {
    if !is_read(event) {
        let why = match at_exit_zero(event, AnswerClass::Valid) {
            Some(ExitThen::LastLine) => {
                "stdout is not read as JSON here: its last line that is not blank is the path that the platform asked for."
            }
            Some(ExitThen::Text) if event.text.is_empty() => {
                "stdout is not read as JSON here, and nobody reads it: only the exit code counts."
            }
            Some(ExitThen::Text) => "stdout is not read as JSON here, but as plain text.",
            _ => "Whatever stands on stdout here is thrown away.",
        };
        let more = [why.to_owned(), "So every document is valid, and none has an effect as JSON.".to_owned()];
        return Value::Object(head(contract, event, Direction::Output, &more));
    }
    let rules = Rules { contract, event, direction: Direction::Output };
    let mut answer = rules.document(&Node::root(&event.output));
    let keys = match &event.strict_keys {
        Some(strict) => {
            answer.insert("propertyNames".to_owned(), json!({ "enum": strict.keys }));
            "A key that is not listed voids the answer."
        }
        None if rules.refuses_unknown_keys() => "A key that is not listed voids the answer.",
        None => "Keys that are not listed are dropped without a word.",
    };
    let mut more = vec!["Valid is what the platform's own check takes.".to_owned(), keys.to_owned()];
    if contract.reading.keys.as_ref().is_some_and(|fact| fact.is == KeyRule::AnyCase) {
        more.push("Keys are taken in any case; one spelling is shown.".to_owned());
    }
    if at_exit_zero(event, AnswerClass::Valid) == Some(ExitThen::Text) {
        more.push("A document that decides nothing is then read as plain text.".to_owned());
    }
    more.extend(event.notes.iter().cloned());
    let mut schema = head(contract, event, Direction::Output, &more);
    match announcement::schema(event) {
        None => schema.extend(answer),
        Some(announced) => {
            schema.insert("type".to_owned(), json!("object"));
            if at_exit_zero(event, AnswerClass::Announced) == at_exit_zero(event, AnswerClass::Invalid) {
                schema.extend(answer);
                schema.insert("not".to_owned(), announced);
            } else {
                let mut defs = Map::new();
                defs.insert("answer".to_owned(), Value::Object(answer));
                defs.insert("announcement".to_owned(), announced);
                schema.insert(
                    "anyOf".to_owned(),
                    json!([{ "$ref": "#/$defs/answer" }, { "$ref": "#/$defs/announcement" }]),
                );
                schema.insert("$defs".to_owned(), Value::Object(defs));
            }
        }
    }
    Value::Object(schema)
}
