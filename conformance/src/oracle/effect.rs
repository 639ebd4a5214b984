//! What the platform would do with a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::{Action, AnswerClass, Decision, Evidence, Question};

/// How the platform records the hook itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookStatus {
    /// It did its work, whatever it decided.
    Ok,
    /// It failed; the platform goes on as it does after a failure.
    Failed,
    /// The platform gave up on it.
    Cancelled,
    /// It goes on in the background.
    Background,
}

/// Something about a run that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The requirement that it breaks.
    pub requirement: String,
    /// What was seen, in a sentence.
    pub message: String,
    /// How well the contract facts behind it are known.
    #[serde(skip)]
    pub evidence: Option<Evidence>,
    /// Whether a denial, or a question to the user, is lost by it.
    #[serde(skip)]
    pub loses_denial: bool,
}

/// What the platform would do with a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// What becomes of the step.
    pub action: Action,
    /// Whether the whole run ends after the step.
    pub turn_ended: bool,
    /// What was decided; `None` if nothing was.
    pub decision: Option<Decision>,
    /// For `allow`: what becomes of the platform's own permission question; `None` if the contract does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub question: Option<Question>,
    /// How the platform records the hook itself.
    pub hook_status: HookStatus,
    /// How the platform read what the hook printed.
    #[serde(default = "unread")]
    pub read_as: AnswerClass,
    /// The text that goes with the decision.
    pub reason: Option<String>,
    /// Texts of the hook that the model reads. The platform's own wrapping words are left out.
    pub model_sees: Vec<String>,
    /// Texts of the hook that the person reads.
    pub user_sees: Vec<String>,
    /// The step's new input.
    pub updated_input: Option<Value>,
    /// Where the hook was asked for a result on stdout: that result.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<String>,
    /// Rules that this run alone shows to be broken.
    pub problems: Vec<Problem>,
    /// How well the weakest fact behind this effect is known.
    pub evidence: Evidence,
}

/// How an effect stored by an older version was read: it does not say.
fn unread() -> AnswerClass {
    AnswerClass::Empty
}

impl Effect {
    /// Whether the step does not happen as it was about to, on the hook's word.
    pub fn stops_the_step(&self) -> bool {
        matches!(self.action, Action::Blocked | Action::Denied) || self.turn_ended
    }

    /// Whether the step goes ahead as it was about to, and nobody is told anything. A question to the user is not silent.
    pub fn passes_unheard(&self) -> bool {
        let asks = self.action == Action::Prompted;
        !self.stops_the_step() && !asks && self.model_sees.is_empty() && self.user_sees.is_empty()
    }
}
