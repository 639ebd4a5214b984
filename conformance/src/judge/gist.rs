//! What must be the same in runs that mean the same.

use serde_json::Value;

use super::ending;
use crate::contract::{Action, Decision};
use crate::oracle::{Effect, HookStatus};
use crate::run::{Run, without_scratch};

/// The decision of a run, whatever the platform and the words: what becomes of the step, and of the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gist {
    action: Action,
    turn_ended: bool,
    decision: Option<Decision>,
    status: HookStatus,
    rewritten: bool,
}

impl Gist {
    /// The one of this run.
    pub(crate) fn of(run: &Run) -> Self {
        Self::of_effect(&run.effect)
    }

    /// The one of this effect.
    pub(super) fn of_effect(effect: &Effect) -> Self {
        Gist {
            action: effect.action,
            turn_ended: effect.turn_ended,
            decision: effect.decision,
            status: effect.hook_status,
            rewritten: effect.updated_input.is_some(),
        }
    }

    /// Whether the same becomes of the step, although the hook may have failed where the other had nothing against it.
    pub(super) fn is_as_good_as(self, other: &Gist) -> bool {
        self.action == other.action && self.turn_ended == other.turn_ended && self.rewritten == other.rewritten
    }
}

/// What a run does altogether: its decision, and the texts and the input that reach somebody. Words that hold digits count
/// as equal, because times and numbers of processes differ from run to run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deed {
    gist: Gist,
    texts: Vec<String>,
    input: Option<Value>,
}

impl Deed {
    /// The one of this run. A text that names one of `places` in quotes is left out: it is a copy of the document.
    pub(crate) fn of(run: &Run, places: &[String]) -> Self {
        let effect = &run.effect;
        let is_copy = |text: &str| places.iter().any(|place| text.contains(&format!("\"{place}\"")));
        let texts = effect.model_sees.iter().chain(&effect.user_sees).filter(|text| !is_copy(text));
        Deed {
            gist: Gist::of(run),
            texts: texts.map(|text| steady(&without_scratch(text))).collect(),
            input: effect.updated_input.clone(),
        }
    }
}

/// The text without what differs from run to run.
fn steady(text: &str) -> String {
    let words = text.split_whitespace();
    words.map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Whether the hook does something in this run that is no consent and no failure.
pub(crate) fn acts(run: &Run) -> bool {
    let effect = &run.effect;
    effect.hook_status == HookStatus::Ok
        && (!matches!(effect.decision, None | Some(Decision::Allow))
            || effect.updated_input.is_some()
            || !effect.model_sees.is_empty()
            || !effect.user_sees.is_empty())
}

/// Whether the hook ends well in this run and does nothing.
pub(crate) fn idles(run: &Run) -> bool {
    run.effect.hook_status == HookStatus::Ok && !acts(run)
}

/// All that is compared of a run, in words.
pub(super) fn shown(run: &Run) -> String {
    let effect = &run.effect;
    let mut words = vec![effect.decision.map_or_else(|| "no decision".to_owned(), |decision| decision.to_string())];
    words.push(effect.action.to_string());
    words.extend(effect.updated_input.is_some().then(|| "with another input".to_owned()));
    words.extend((!effect.model_sees.is_empty()).then(|| "a text for the model".to_owned()));
    words.extend((!effect.user_sees.is_empty()).then(|| "a text for the user".to_owned()));
    words.extend(effect.turn_ended.then(|| "the turn is ended".to_owned()));
    words.extend(match effect.hook_status {
        HookStatus::Ok => None,
        HookStatus::Failed => Some("the hook has failed".to_owned()),
        HookStatus::Cancelled => Some("the hook is given up".to_owned()),
        HookStatus::Background => Some("the hook goes on in the background".to_owned()),
    });
    format!("{} ({})", words.join(", "), ending(run))
}
