//! What a hook did with one payload, by what the platform makes of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::{Action, Decision, Event, EventKind};
use crate::oracle::{Effect, HookStatus};

/// What a hook did with one payload. It is the platform's view: a denial that the platform drops is
/// [`NoEffect`](Response::NoEffect), and not [`Blocked`](Response::Blocked).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// The action does not happen, or the agent that wanted to stop has to continue.
    Blocked,
    /// The user is asked because the hook wants it.
    Asked,
    /// The hook answered `allow`.
    Allowed,
    /// The input or the output of a tool was replaced.
    Rewrote,
    /// The hook gave the result that the platform asked it for.
    Result,
    /// The turn ends, at an event at which no action is stopped by that.
    TurnEnded,
    /// Nothing was decided, and the model is given a text of the hook.
    Context,
    /// Nothing was decided, and only the user is shown a text of the hook.
    Message,
    /// The hook wrote something, and the platform does nothing with it.
    NoEffect,
    /// The hook wrote nothing, or a document that says nothing.
    Silent,
    /// The platform treats the hook as failed, and nothing is blocked.
    Failed,
}

impl Response {
    /// What a hook did at `event`.
    pub(crate) fn of(event: &Event, effect: &Effect, stdout: &[u8], stderr: &[u8]) -> Self {
        let stops_something = matches!(event.kind, EventKind::Gate | EventKind::Prompt | EventKind::Request);
        match effect.action {
            Action::Blocked | Action::Denied | Action::Continued => return Response::Blocked,
            _ if effect.turn_ended && stops_something => return Response::Blocked,
            _ if effect.turn_ended => return Response::TurnEnded,
            _ => {}
        }
        if matches!(effect.hook_status, HookStatus::Failed | HookStatus::Cancelled) {
            return Response::Failed;
        }
        match (effect.action, effect.decision) {
            (Action::Prompted, Some(Decision::Ask | Decision::Defer)) => return Response::Asked,
            (Action::InputRewritten | Action::OutputReplaced, _) => return Response::Rewrote,
            _ if effect.updated_input.is_some() => return Response::Rewrote,
            (_, Some(Decision::Allow)) => return Response::Allowed,
            _ => {}
        }
        if effect.result.is_some() {
            Response::Result
        } else if !effect.model_sees.is_empty() {
            Response::Context
        } else if !effect.user_sees.is_empty() {
            Response::Message
        } else if says_something(stdout) || says_something(stderr) {
            Response::NoEffect
        } else {
            Response::Silent
        }
    }
}

/// Whether what a hook wrote on a stream says anything: text, or a JSON document with more in it than the name of the
/// event and the words by which hooks say that they have no objection.
fn says_something(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim().trim_start_matches('\u{feff}').trim();
    match serde_json::from_str::<Value>(text) {
        _ if text.is_empty() => false,
        Ok(value @ Value::Object(_)) => has_content(&value),
        _ => true,
    }
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| match value {
            Value::String(text) => {
                let names_event = key.to_ascii_lowercase().ends_with("eventname");
                !names_event && !text.trim().is_empty() && !["allow", "approve"].contains(&text.as_str())
            }
            Value::Bool(value) => key == "continue" && !value,
            other => has_content(other),
        }),
        Value::Array(items) => items.iter().any(has_content),
        Value::String(text) => !text.trim().is_empty(),
        _ => false,
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Response::Blocked => "blocked",
            Response::Asked => "asked",
            Response::Allowed => "allowed",
            Response::Rewrote => "rewritten",
            Response::Result => "result given",
            Response::TurnEnded => "turn ended",
            Response::Context => "context added",
            Response::Message => "message shown",
            Response::NoEffect => "ignored",
            Response::Silent => "silent",
            Response::Failed => "failed",
        })
    }
}
