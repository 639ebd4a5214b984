//! From a document to an answer: the platform's own check, and what the fields say.

mod check;
mod condition;
mod read;

pub(crate) use check::check;
pub(crate) use condition::{is_wanting, misfit};
pub(crate) use read::read;

use serde_json::Value;

use crate::contract::{AnswerClass, Basis, Decision, Reader, plain_path};

/// Why the platform refuses a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The field.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) fault: Fault,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// What the rule rests on.
    pub(crate) basis: Basis,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It must be there.
    Missing,
    /// It is of another type.
    Type,
    /// It is `null`.
    Null,
    /// Its value is none of those allowed.
    Value,
    /// It names no event, or one without such an answer.
    UnknownEvent,
    /// It names another event.
    WrongEvent,
    /// The event does not take this key.
    StrictKey,
    /// The platform takes no key that it does not know, and does not know this one.
    UnknownKey,
    /// The platform reads the value, and then refuses the answer.
    Unsupported,
    /// The value needs a text in another field.
    NeedsText,
    /// The document is no object.
    NotAnObject,
}

/// A decision that the answer makes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    pub(crate) decision: Decision,
    pub(crate) reason: Option<String>,
    pub(crate) basis: Basis,
}

/// What an accepted answer says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) decisions: Vec<Made>,
    pub(crate) contexts: Vec<String>,
    pub(crate) messages: Vec<(Vec<Reader>, String)>,
    pub(crate) input_update: Option<Value>,
    pub(crate) output_update: Option<(Value, Option<Vec<Reader>>)>,
    pub(crate) stop_run: bool,
    pub(crate) stop_reason: Option<String>,
    pub(crate) interrupt: bool,
    /// What the fields that were read rest on.
    pub(crate) basis: Vec<Basis>,
}

impl Answer {
    /// The strongest decision.
    pub(crate) fn decision(&self) -> Option<&Made> {
        let strongest = self.decisions.iter().map(|made| made.decision).max()?;
        let mut of_it = self.decisions.iter().filter(|made| made.decision == strongest);
        of_it.clone().find(|made| made.reason.is_some()).or_else(|| of_it.next())
    }
}

/// The value at a dotted path.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    plain_path(path).split('.').try_fold(value, |here, key| here.as_object()?.get(key))
}

/// The values at a path in which `[]` stands for each item of an array.
fn each_at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    plain_path(path).split('.').fold(vec![value], |here, segment| {
        let name = segment.trim_end_matches("[]");
        let members = here.into_iter().filter_map(|value| value.as_object()?.get(name));
        if segment.ends_with("[]") {
            members.filter_map(Value::as_array).flatten().collect()
        } else {
            members.collect()
        }
    })
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(parent, _)| parent)
}

/// The class under which exit rows know a refusal.
pub(crate) fn class_of(refusal: &Refusal) -> AnswerClass {
    if refusal.fault == Fault::WrongEvent { AnswerClass::WrongEvent } else { AnswerClass::Invalid }
}
