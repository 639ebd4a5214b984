//! JSON Schemas (2020-12) of what a hook is given and of what it may answer, generated from the contract and nothing
//! else.
//!
//! The input schema says what a platform sends. The output schema is the platform's own check: a document that it
//! refuses (and with it everything that the hook wanted to say) is not valid, and one that it takes is, unknown keys
//! included where the platform drops them. Whether an answer is also a good one is the business of requirements.
//!
//! Keys that begin with `x-` are annotations: `x-evidence` and `x-source` say how well a field is known and from where
//! (the keys of the contract's `[sources]`), `x-role` what the platform does with it.

mod announcement;
mod field;
mod output;
mod tree;
#[cfg(feature = "validate")]
mod validator;

use std::fmt;

use serde_json::{Map, Value, json};

use crate::contract::{Contract, Event};
use crate::embedded;
use tree::{Node, Rules};

pub use output::is_read;
#[cfg(feature = "validate")]
pub use validator::{Fault, Validator, Validators};

/// The dialect of every schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Which of a hook's two documents a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What the hook is given on stdin.
    Input,
    /// What it may answer on stdout.
    Output,
}

impl Direction {
    /// Both.
    pub const ALL: [Direction; 2] = [Direction::Input, Direction::Output];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Input => "input",
            Direction::Output => "output",
        })
    }
}

/// The schema of one of an event's documents.
pub fn of(contract: &Contract, event: &Event, direction: Direction) -> Value {
    match direction {
        Direction::Input => input(contract, event),
        Direction::Output => output(contract, event),
    }
}

/// The schema of the document that the platform sends to a hook at `event`.
///
/// ```
/// use hookproof::contract::Library;
///
/// let contract = Library::built_in()?.select("claude-code")?;
/// let schema = hookproof::schema::input(&contract, &contract.events["PreToolUse"]);
/// assert_eq!(schema["$id"], "urn:hookproof:schema:claude-code:PreToolUse:input");
/// assert_eq!(schema["properties"]["tool_name"]["type"], "string");
/// assert!(schema["required"].as_array().unwrap().contains(&"tool_name".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn input(contract: &Contract, event: &Event) -> Value {
    let mut schema = head(contract, event, Direction::Input, &[]);
    let rules = Rules { contract, event, direction: Direction::Input };
    schema.extend(rules.document(&Node::root(&event.input)));
    Value::Object(schema)
}

/// The schema of the answers that the platform takes from a hook at `event`.
///
/// ```
/// use hookproof::contract::Library;
/// use hookproof::schema::Validators;
/// use serde_json::json;
///
/// let contract = Library::built_in()?.select("claude-code")?;
/// let validators = Validators::new(&contract);
/// let answers = validators.output("PreToolUse").expect("the event exists");
/// assert!(answers.is_valid(&json!({"decision": "block", "reason": "not here"})));
/// assert!(!answers.is_valid(&json!({"decision": "deny"})));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn output(contract: &Contract, event: &Event) -> Value {
    output::schema(contract, event)
}

/// The path of the committed schema below the crate's folder.
pub fn path(platform: &str, event: &str, direction: Direction) -> String {
    format!("schemas/{platform}/{event}.{direction}.json")
}

/// The committed schema as it is built in: that of the version which the platform's contract describes.
pub fn committed(platform: &str, event: &str, direction: Direction) -> Option<&'static str> {
    let path = path(platform, event, direction);
    embedded::schemas().iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// A schema as a file holds it: indented, with a line end at its end.
pub fn text(schema: &Value) -> String {
    // A value with string keys always serialises.
    format!("{schema:#}\n")
}

/// What stands at the top of every schema; `more` are further sentences for the description.
fn head(contract: &Contract, event: &Event, direction: Direction, more: &[String]) -> Map<String, Value> {
    let platform = &contract.platform;
    let mut id = format!("urn:hookproof:schema:{}", platform.id);
    if contract.version != platform.version {
        id = format!("{id}@{}", contract.version);
    }
    let what = match direction {
        Direction::Input => "what a hook is given on stdin",
        Direction::Output => "what a hook may answer on stdout",
    };
    let mut sentences = vec![format!("Fires: {}.", event.fires.trim_end_matches('.'))];
    sentences.extend(more.iter().cloned());
    let comment = format!(
        "Generated from the contract of {} {}; x-source names keys of the contract's [sources].",
        platform.title, contract.version
    );
    let head = json!({
        "$schema": DIALECT,
        "$id": format!("{id}:{}:{direction}", event.name),
        "$comment": comment,
        "title": format!("{} {}: {what}", platform.title, event.name),
        "description": sentences.join(" "),
    });
    match head {
        Value::Object(head) => head,
        _ => Map::new(),
    }
}
