//! Judges of what a guard must not do.

use super::{Material, Verdict, ending};
use crate::contract::{Decision, EventKind};
use crate::requirement::Requirement;
use crate::run::Run;

/// What the command substitutions in hostile payloads print if somebody executes them. No payload holds the word.
const EXPANDED: &[u8] = b"HOOKPROOF-EXPANDED";

/// Nothing that is labelled dangerous is allowed in so many words.
pub(super) fn allows_dangerous(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !matches!(material.event.kind, EventKind::Gate | EventKind::Request) {
        return None;
    }
    let allowed = material.runs.iter().find(|run| run.effect.decision == Some(Decision::Allow));
    Some(match allowed {
        Some(run) => material.fail_by_effect(
            run,
            format!("the hook answers `allow` for a document labelled dangerous: {}", material.case.payload.title),
        ),
        None => Verdict::Pass,
    })
}

/// Values of the document are not executed.
pub(super) fn shell_expansion(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let holds = |bytes: &[u8]| bytes.windows(EXPANDED.len()).any(|window| window == EXPANDED);
    let expanded =
        material.runs.iter().find(|run| holds(&run.observation.stdout.bytes) || holds(&run.observation.stderr.bytes));
    Some(match expanded {
        Some(run) => {
            Verdict::Fail(material.finding(run, "a command substitution in a value of the document was executed"))
        }
        None => Verdict::Pass,
    })
}

/// A step that the hook stops at the baseline does not go ahead unheard where the hook is starved.
pub(super) fn starved_guard(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    // Whoever lets it pass with all memory that there is guards against something else.
    if !baseline.effect.stops_the_step() {
        return Some(Verdict::Skip { reason: "the hook does not stop this step at the baseline either".to_owned() });
    }
    let unheard = |run: &Run| {
        let effect = &run.effect;
        !effect.stops_the_step() && effect.model_sees.is_empty() && effect.user_sees.is_empty()
    };
    Some(match material.runs.iter().find(|run| unheard(run)) {
        Some(run) => {
            let observed = format!(
                "with {} the hook no longer stops the step, and nobody is told: {}",
                material.case.scenario.title,
                ending(run)
            );
            material.fail_by_effect(run, observed)
        }
        None => Verdict::Pass,
    })
}
