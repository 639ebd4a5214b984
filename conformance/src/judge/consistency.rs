//! Judges that compare runs.

use hookproof_harness::Ending;

use super::gist::{Gist, shown};
use super::{Material, Verdict};
use crate::requirement::Requirement;

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
    let wanted = Gist::of(baseline);
    let other = material.runs.iter().find(|run| Gist::of(run) != wanted);
    Some(match other {
        Some(run) => Verdict::Fail(material.finding(
            run,
            format!("{}: {}; at the baseline: {}", material.case.scenario.title, shown(run), shown(baseline)),
        )),
        None => Verdict::Pass,
    })
}
