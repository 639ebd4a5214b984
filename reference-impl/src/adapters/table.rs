//! A platform as a table: its events, each with the function that answers it. The functions of a platform stand in its
//! own file, with typed payloads and answers.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Adapter, PayloadError};
use crate::guard;
use crate::io::{Document, Intent};
use crate::run::Notes;
use crate::stdin::Patience;

/// Answers one payload.
pub(super) type Handler = fn(&str, &mut Notes) -> Result<Intent, PayloadError>;

/// A platform.
pub(super) struct Table {
    /// Its id.
    pub(super) platform: &'static str,
    /// The event that a payload names; `None` where no field does.
    pub(super) event_of: fn(&str) -> Option<String>,
    /// Its events in its own spelling.
    pub(super) events: &'static [(&'static str, Handler)],
    /// What is said at an event where there is nothing to judge by; the text finishes the sentence "failed to ...".
    pub(super) unjudged: fn(Option<&str>, &str) -> Intent,
}

impl Adapter for Table {
    fn platform(&self) -> &'static str {
        self.platform
    }

    fn events(&self) -> Vec<&'static str> {
        self.events.iter().map(|(name, _)| *name).collect()
    }

    fn patience(&self, _: Option<&str>) -> Patience {
        PATIENCE
    }

    fn answer(&self, event: Option<&str>, payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
        let named = (self.event_of)(payload);
        // The payload says what fires; the command line only says what the hook was registered for.
        let name = named.as_deref().or(event).ok_or(PayloadError::NoEvent)?;
        let Some((_, handler)) = self.events.iter().find(|(known, _)| *known == name) else {
            notes.add(format!("{}: the event {name:?} is not known, nothing is said", self.platform));
            return Ok(Intent::GracefulExit);
        };
        // The event is known here and not to the caller, who would take a gate for something harmless.
        handler(payload, notes).or_else(|error| {
            notes.add(format!("{}/{name}: failed to {error}", self.platform));
            Ok((self.unjudged)(Some(name), &error.to_string()))
        })
    }

    fn without_judgement(&self, event: Option<&str>, why: &str) -> Intent {
        (self.unjudged)(event, why)
    }
}

/// Long enough for a machine under load, and shorter than the shortest time limit of tool hooks, 10 s.
const PATIENCE: Patience = Patience {
    first_byte: Duration::from_millis(1_000),
    pause: Duration::from_millis(2_500),
    whole: Duration::from_secs(8),
};

/// What a gate says of a call that it cannot see.
pub(super) fn unjudged(why: &str) -> String {
    format!(
        "The reference hook refused this step because it could not judge it: it failed to {why}. Try once more; if \
         that does not help, ask the person to check the hook's settings."
    )
}

/// Why a call is refused whose input has a form that nobody can read.
pub(super) const UNREADABLE: &str = "The reference hook refused this tool call because its input has a form that it \
     cannot read, so it cannot be judged. Repeat the call with the tool's documented parameters.";

/// The payload as a type.
///
/// # Errors
///
/// Returns [`PayloadError::Undecodable`] for text that is not such a document.
pub(super) fn decode<T: DeserializeOwned>(payload: &str) -> Result<T, PayloadError> {
    Ok(serde_json::from_str(payload)?)
}

/// A decision against the step, in the platform's own document.
///
/// # Errors
///
/// Returns [`PayloadError::Unanswerable`] if the answer has no JSON form.
pub(super) fn refuse(answer: &impl Serialize, reason: String) -> Result<Intent, PayloadError> {
    Ok(Intent::Decision { document: Document::new(answer)?, reason })
}

/// Text for the model, in the platform's own document.
///
/// # Errors
///
/// Returns [`PayloadError::Unanswerable`] if the answer has no JSON form.
pub(super) fn context(answer: &impl Serialize) -> Result<Intent, PayloadError> {
    Ok(Intent::ModelContext(Document::new(answer)?))
}

/// Nothing, whatever the payload brings; it must be a document of the type all the same.
pub(super) fn silent<T: DeserializeOwned>(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    decode::<T>(payload).map(|_| Intent::GracefulExit)
}

/// What a tool does, as far as the guard judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does<'a> {
    /// Runs a command line that stands in this argument.
    Run(&'a str),
    /// Changes a file whose path stands in this argument.
    Change(&'a str),
    /// Nothing that the guard judges.
    Other,
}

/// Why a tool call is refused, or `None` where the guard has no opinion.
pub(super) fn tool_call(does: Does<'_>, input: Option<&RawValue>, folder: Option<&str>) -> Option<String> {
    let folder = folder.unwrap_or_default();
    let (name, judge): (_, fn(&str, &str) -> Option<guard::Rule>) = match does {
        Does::Run(name) => (name, guard::command),
        Does::Change(name) => (name, guard::file),
        Does::Other => return None,
    };
    // A call without the argument runs nothing and names no file, so there is nothing to refuse.
    match argument(input?, name) {
        Ok(text) => judge(&text?, folder).map(|rule| rule.reason().to_owned()),
        Err(Unreadable) => Some(UNREADABLE.to_owned()),
    }
}

/// Why a command line is refused.
pub(super) fn command(line: &str, folder: Option<&str>) -> Option<String> {
    guard::command(line, folder.unwrap_or_default()).map(|rule| rule.reason().to_owned())
}

/// Why a change of a file is refused.
pub(super) fn file(path: &str, folder: Option<&str>) -> Option<String> {
    guard::file(path, folder.unwrap_or_default()).map(|rule| rule.reason().to_owned())
}

/// The input is there, but what a decision needs of it is not text.
struct Unreadable;

fn argument(input: &RawValue, name: &str) -> Result<Option<String>, Unreadable> {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(input.get()).map_err(|_| Unreadable)?;
    match members.get(name) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Unreadable),
    }
}
