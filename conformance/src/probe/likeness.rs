//! What must be the same under a limit as without one.

use serde_json::Value;

use crate::judge::{self, Gist};
use crate::run::{Run, without_scratch};

/// What the name of the part is under which stderr is compared.
const STDERR: &str = "stderr";

/// What runs without a limit agree on: the ending, the decision, the class of the answer, and the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Likeness {
    parts: Vec<(&'static str, String)>,
    /// Whether the step does not happen.
    pub(super) stops_the_step: bool,
}

impl Likeness {
    /// What one run shows. Names of scratch folders, which differ from run to run, are left out of texts.
    pub(super) fn of(run: &Run) -> Self {
        let effect = &run.effect;
        let plain = |text: &str| without_scratch(text);
        let all = |texts: &[String]| plain(&texts.join("\n"));
        let document = effect.updated_input.as_ref().map(Value::to_string).unwrap_or_default();
        let mut parts = vec![
            ("the ending", judge::ending(run)),
            ("the decision", format!("{:?}", Gist::of(run))),
            ("the kind of answer", format!("{:?}", effect.read_as)),
            ("the reason", plain(effect.reason.as_deref().unwrap_or_default())),
            ("the text for the model", all(&effect.model_sees)),
            ("the text for the person", all(&effect.user_sees)),
            ("the new input", plain(&document)),
            ("the result", plain(effect.result.as_deref().unwrap_or_default())),
        ];
        // Nobody reads what a hook that ends well writes on stderr. But of one that has nothing to say to the document,
        // a complaint is the only sign that it did not do its work.
        if !speaks(run) && run.observation.stderr.total == 0 {
            parts.push((STDERR, String::new()));
        }
        Likeness { parts, stops_the_step: effect.stops_the_step() }
    }

    /// What both agree on, and the names of what they do not.
    pub(super) fn agreed(self, other: &Likeness) -> (Self, Vec<&'static str>) {
        let (same, other): (Vec<_>, Vec<_>) = self.parts.into_iter().partition(|part| other.parts.contains(part));
        let differing = other.into_iter().map(|(name, _)| name).collect();
        (Likeness { parts: same, stops_the_step: self.stops_the_step }, differing)
    }

    /// Whether it holds what says most.
    pub(super) fn is_enough(&self) -> bool {
        ["the ending", "the decision"].iter().all(|name| self.parts.iter().any(|(own, _)| own == name))
    }

    /// The names of what is otherwise in this run.
    pub(super) fn differs(&self, run: &Run) -> Vec<&'static str> {
        let mut seen = Likeness::of(run).parts;
        seen.retain(|(name, _)| *name != STDERR);
        if run.observation.stderr.total == 0 {
            seen.push((STDERR, String::new()));
        }
        self.parts.iter().filter(|part| !seen.contains(part)).map(|(name, _)| *name).collect()
    }
}

/// Whether a run has something to say that a platform acts on or passes on.
pub(super) fn speaks(run: &Run) -> bool {
    let effect = &run.effect;
    effect.decision.is_some()
        || effect.turn_ended
        || effect.updated_input.is_some()
        || effect.result.is_some()
        || !effect.model_sees.is_empty()
        || !effect.user_sees.is_empty()
}
