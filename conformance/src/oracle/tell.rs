//! Effects in words.

use super::effect::{Effect, HookStatus};
use crate::contract::{Action, Contract, Decision, Event, Question};

/// What the platform does with an effect, as a sentence without a full stop.
pub fn tell(contract: &Contract, event: &Event, effect: &Effect) -> String {
    let step = match effect.action {
        Action::Proceeds if effect.question == Some(Question::Skipped) => "goes on without asking the person",
        Action::Proceeds if effect.question == Some(Question::Kept) => "goes on by its own permission rules",
        Action::Proceeds if effect.decision == Some(Decision::Allow) => "goes on",
        Action::Proceeds => "goes on as if there were no hook",
        Action::Blocked => "does not go on with the step",
        Action::InputRewritten => "goes on with the hook's input",
        Action::OutputReplaced => "gives on the hook's text in place of the output",
        Action::Prompted => "asks the person",
        Action::Allowed => "grants the permission",
        Action::Denied => "refuses the permission",
        Action::Continued => "makes the agent go on",
        Action::Ends => "lets the agent stop",
        Action::TurnEnded => "does not go on with the step",
    };
    let mut parts = vec![format!("{} at {} {step}", contract.platform.title, event.name)];
    match effect.hook_status {
        HookStatus::Ok => {}
        HookStatus::Failed => parts.push("takes the hook for failed".to_owned()),
        HookStatus::Cancelled => parts.push("has killed the hook at its time limit".to_owned()),
        HookStatus::Background => parts.push("leaves the hook in the background".to_owned()),
    }
    if effect.turn_ended {
        parts.push("ends the turn".to_owned());
    }
    match (effect.model_sees.is_empty(), effect.user_sees.is_empty()) {
        (true, true) => {}
        (false, true) => parts.push("gives the hook's text to the model".to_owned()),
        (true, false) => parts.push("shows the hook's text to the person".to_owned()),
        (false, false) => parts.push("gives the hook's text to the model and to the person".to_owned()),
    }
    parts.join(", ")
}
