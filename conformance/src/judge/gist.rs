//! What must be the same in runs that mean the same.

use super::ending;
use crate::contract::{Action, Decision};
use crate::oracle::{Effect, HookStatus};
use crate::run::Run;

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

/// All that is compared of a run, in words.
pub(super) fn shown(run: &Run) -> String {
    let effect = &run.effect;
    let mut words = vec![effect.decision.map_or_else(|| "no decision".to_owned(), |decision| decision.to_string())];
    words.push(effect.action.to_string());
    words.extend(effect.updated_input.is_some().then(|| "with another input".to_owned()));
    words.extend(effect.turn_ended.then(|| "the turn is ended".to_owned()));
    words.extend(match effect.hook_status {
        HookStatus::Ok => None,
        HookStatus::Failed => Some("the hook has failed".to_owned()),
        HookStatus::Cancelled => Some("the hook is given up".to_owned()),
        HookStatus::Background => Some("the hook goes on in the background".to_owned()),
    });
    format!("{} ({})", words.join(", "), ending(run))
}
