//! Schemas, compiled once and used often.

use std::fmt;
use std::sync::OnceLock;

use indexmap::IndexMap;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::Direction;
use crate::contract::Contract;

/// The compiled schemas of one contract. Each is compiled when it is first asked for; threads may share them.
///
/// ```
/// use hookproof::contract::Library;
/// use hookproof::payload::Payloads;
/// use hookproof::schema::Validators;
///
/// let contract = Library::built_in()?.select("claude-code")?;
/// let validators = Validators::new(&contract);
/// let documents = validators.input("Stop").expect("the event exists");
/// for payload in Payloads::built_in()?.of("claude-code", "Stop") {
///     assert_eq!(documents.faults(&payload.stdin), []);
/// }
/// let faults = documents.faults(&serde_json::json!({"stop_hook_active": "yes"}));
/// assert!(faults.iter().any(|fault| fault.at == "/stop_hook_active"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Validators {
    contract: Contract,
    compiled: IndexMap<String, [OnceLock<Validator>; 2]>,
}

impl Validators {
    /// The schemas of all events of the contract, none of them compiled yet.
    pub fn new(contract: &Contract) -> Self {
        let compiled = contract.events.keys().map(|name| (name.clone(), Default::default())).collect();
        Validators { contract: contract.clone(), compiled }
    }

    /// What checks documents that the platform sends at `event`; `None` if there is no such event.
    pub fn input(&self, event: &str) -> Option<&Validator> {
        self.of(event, Direction::Input)
    }

    /// What checks answers at `event`; `None` if there is no such event.
    pub fn output(&self, event: &str) -> Option<&Validator> {
        self.of(event, Direction::Output)
    }

    /// What checks the documents of `direction` at `event`; `None` if there is no such event.
    pub fn of(&self, event: &str, direction: Direction) -> Option<&Validator> {
        let slot = &self.compiled.get(event)?[direction as usize];
        let event = self.contract.events.get(event)?;
        Some(slot.get_or_init(|| Validator::new(&super::of(&self.contract, event, direction))))
    }
}

/// One compiled schema.
#[derive(Debug)]
pub struct Validator {
    compiled: Result<Box<jsonschema::Validator>, String>,
}

/// A place where a document does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place in the document as a JSON pointer; empty for the whole.
    pub at: String,
    /// What is wrong, in a sentence that repeats nothing of the document.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() { "the document" } else { &self.at };
        write!(f, "{at}: {}", self.message)
    }
}

impl Validator {
    /// Compiles a schema of the dialect 2020-12. Formats such as `uuid` are checked. What is no schema accepts nothing,
    /// and says so in its only fault.
    pub fn new(schema: &Value) -> Self {
        let compiled = jsonschema::draft202012::options().should_validate_formats(true).build(schema);
        Validator { compiled: compiled.map(Box::new).map_err(|error| format!("failed to compile the schema: {error}")) }
    }

    /// Whether the document fits.
    pub fn is_valid(&self, document: &Value) -> bool {
        self.compiled.as_ref().is_ok_and(|compiled| compiled.is_valid(document))
    }

    /// Every place where the document does not fit; empty if it does.
    pub fn faults(&self, document: &Value) -> Vec<Fault> {
        let compiled = match &self.compiled {
            Ok(compiled) => compiled,
            Err(message) => {
                return vec![Fault { at: String::new(), message: message.clone() }];
            }
        };
        let mut faults = Vec::new();
        for error in compiled.iter_errors(document) {
            tell(&error, &mut faults);
        }
        faults
    }
}

fn tell(error: &jsonschema::ValidationError<'_>, faults: &mut Vec<Fault>) {
    match error.kind() {
        // The first alternative is the usual one: what is wrong with it says more than that none fits.
        ValidationErrorKind::AnyOf { context } if context.first().is_some_and(|first| !first.is_empty()) => {
            for inner in context.iter().take(1).flatten() {
                tell(inner, faults);
            }
        }
        _ => {
            let at = error.instance_path().as_str().to_owned();
            faults.push(Fault { at, message: error.masked_with("the value").to_string() });
        }
    }
}
