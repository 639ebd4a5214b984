//! Claude Code: 33 events, each with a typed input and a typed answer.
//!
//! Written from the public documentation of hooks, the type declarations of the published agent SDK 0.3.329, and
//! measurements of Claude Code 2.1.329. Where they disagree, what was measured holds.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Adapter, PayloadError};
use crate::io::Intent;
use crate::run::Notes;
use crate::stdin::Patience;

/// Events at which the hook stays silent, with the type of what they bring.
macro_rules! silent {
    ($($event:ident takes $input:ty;)*) => {$(
        impl Event for $event {
            const NAME: &'static str = stringify!($event);
            type Input = $input;
            type Answer = super::answer::Silence;

            fn answer(_: &Common, _: Self::Input, _: &mut Notes) -> super::answer::Silence {
                super::answer::Silence
            }
        }
    )*};
}

mod answer;
mod input;
mod prompt;
mod session;
mod surroundings;
mod tool;
mod turn;
mod worktree;

use answer::Answer;
use input::Common;

/// The adapter.
pub(super) struct ClaudeCode;

/// One event: its name, what it brings, and what the reference hook says to it.
trait Event {
    /// The name on stdin, in the settings file and in `hookEventName`.
    const NAME: &'static str;
    /// The fields of the payload beside the common ones.
    type Input: DeserializeOwned;
    /// What may be answered at all; an event that takes no answer has one that cannot say anything.
    type Answer: Answer;

    /// The answer to one payload.
    fn answer(common: &Common, input: Self::Input, notes: &mut Notes) -> Self::Answer;
}

type Handler = fn(&Common, &str, &mut Notes) -> Result<Intent, PayloadError>;

fn handle<E: Event>(common: &Common, payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input = serde_json::from_str(payload)?;
    Ok(E::answer(common, input, notes).into_intent()?)
}

const fn row<E: Event>() -> (&'static str, Handler) {
    (E::NAME, handle::<E>)
}

/// Every event, in the order of the documentation.
static EVENTS: &[(&str, Handler)] = &[
    row::<tool::PreToolUse>(),
    row::<tool::PermissionRequest>(),
    row::<tool::PermissionDenied>(),
    row::<tool::PostToolUse>(),
    row::<tool::PostToolUseFailure>(),
    row::<tool::PostToolBatch>(),
    row::<prompt::UserPromptSubmit>(),
    row::<prompt::UserPromptExpansion>(),
    row::<session::SessionStart>(),
    row::<session::Setup>(),
    row::<session::SessionEnd>(),
    row::<turn::Stop>(),
    row::<turn::StopFailure>(),
    row::<turn::SubagentStart>(),
    row::<turn::SubagentStop>(),
    row::<turn::TeammateIdle>(),
    row::<turn::TaskCreated>(),
    row::<turn::TaskCompleted>(),
    row::<session::PreCompact>(),
    row::<session::PostCompact>(),
    row::<session::PreModelSwitch>(),
    row::<session::PostModelSwitch>(),
    row::<surroundings::Notification>(),
    row::<turn::MessageDisplay>(),
    row::<prompt::Elicitation>(),
    row::<prompt::ElicitationResult>(),
    row::<surroundings::ConfigChange>(),
    row::<surroundings::InstructionsLoaded>(),
    row::<surroundings::CwdChanged>(),
    row::<surroundings::FileChanged>(),
    row::<surroundings::DirectoryAdded>(),
    row::<worktree::WorktreeCreate>(),
    row::<worktree::WorktreeRemove>(),
];

impl Adapter for ClaudeCode {
    fn platform(&self) -> &'static str {
        "claude-code"
    }

    fn events(&self) -> Vec<&'static str> {
        EVENTS.iter().map(|(name, _)| *name).collect()
    }

    fn patience(&self, event: Option<&str>) -> Patience {
        // All SessionEnd hooks together have 1.5 s. Nothing is decided there, so giving up early loses nothing; the
        // other budgets are 10 s and more, and a machine under load must not turn a slow pipe into a refusal.
        if event == Some("SessionEnd") {
            return Patience {
                first_byte: Duration::from_millis(400),
                pause: Duration::from_millis(300),
                whole: Duration::from_millis(800),
            };
        }
        Patience {
            first_byte: Duration::from_millis(1_000),
            pause: Duration::from_millis(2_500),
            whole: Duration::from_secs(8),
        }
    }

    fn answer(&self, event: Option<&str>, payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
        let common: Common = serde_json::from_str(payload)?;
        // The payload says what fires; the command line only says what the hook was registered for.
        let name = common.hook_event_name.as_deref().or(event).ok_or(PayloadError::NoEvent)?;
        let Some((_, handler)) = EVENTS.iter().find(|(known, _)| *known == name) else {
            notes.add(format!("claude-code: the event {name:?} is not known, nothing is said"));
            return Ok(Intent::GracefulExit);
        };
        if event.is_some_and(|event| event != name) {
            notes.add(format!("claude-code: registered for {event:?}, answering {name}"));
        }
        handler(&common, payload, notes)
    }

    fn without_judgement(&self, event: Option<&str>, why: &str) -> Intent {
        match event {
            // A gate that cannot see must not wave through. Exit code 2 is the one refusal that needs no payload.
            Some("PreToolUse") => Intent::BlockingError(format!(
                "The reference hook refused this tool call because it could not judge it: it failed to {why}. \
                 Try once more; if that does not help, ask the person to check the hook's settings."
            )),
            // There is no path to give, and only a failure stops the host from taking silence for one.
            Some("WorktreeCreate") => Intent::Failure(format!("reference-hook: failed to {why}")),
            _ => Intent::GracefulExit,
        }
    }
}

#[cfg(test)]
mod tests;
