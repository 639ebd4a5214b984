//! Judges that compare runs.

use hookproof_harness::Ending;

use super::{Material, Verdict, ending};
use crate::contract::{Action, Decision};
use crate::oracle::HookStatus;
use crate::requirement::Requirement;
use crate::run::Run;

/// What must be the same.
#[derive(PartialEq)]
struct Gist {
    action: Action,
    turn_ended: bool,
    decision: Option<Decision>,
    status: HookStatus,
    rewritten: bool,
}

fn gist(run: &Run) -> Gist {
    let effect = &run.effect;
    Gist {
        action: effect.action,
        turn_ended: effect.turn_ended,
        decision: effect.decision,
        status: effect.hook_status,
        rewritten: effect.updated_input.is_some(),
    }
}

fn shown(run: &Run) -> String {
    let effect = &run.effect;
    let decision = effect.decision.map_or_else(|| "no decision".to_owned(), |decision| decision.to_string());
    format!("{decision}, {} ({})", effect.action, ending(run))
}

/// Every run ends in the same decision as the same document at the baseline.
pub(super) fn same_decision(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    match baseline.observation.ending {
        Ending::TimedOut { .. } => {
            return Some(Verdict::Skip { reason: "the hook does not end at the baseline".to_owned() });
        }
        Ending::NotStarted { .. } => {
            return Some(Verdict::Skip { reason: "the hook does not start at the baseline".to_owned() });
        }
        _ => {}
    }
    let wanted = gist(baseline);
    let other = material.runs.iter().find(|run| gist(run) != wanted);
    Some(match other {
        Some(run) => Verdict::Fail(material.finding(
            run,
            format!("{}: {}; at the baseline: {}", material.case.scenario.title, shown(run), shown(baseline)),
        )),
        None => Verdict::Pass,
    })
}
