//! Judges that compare runs.

use hookproof_harness::Ending;

use super::gist::{Gist, shown};
use super::{Material, Verdict};
use crate::oracle::{HookStatus, interpret};
use crate::requirement::Requirement;
use crate::run::{Run, facts};

/// Every run ends in the same decision as the same document at the baseline.
pub(super) fn same_decision(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    compared(material, |run, baseline| Gist::of(run) == Gist::of(baseline))
}

/// The same, where a hook that cannot do its work may fail aloud, as long as the step comes out as at the baseline.
pub(super) fn keeps_decision(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    compared(material, |run, baseline| {
        let (gist, wanted) = (Gist::of(run), Gist::of(baseline));
        let aloud = run.effect.hook_status == HookStatus::Failed && !run.effect.passes_unheard();
        gist == wanted || (aloud && gist.is_as_good_as(&wanted))
    })
}

/// The decision is the same as far as it does not stand on stderr, which nobody could read.
pub(super) fn same_without_stderr(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    compared(material, |run, baseline| {
        // What the hook would have said on stderr is taken from the baseline: the platforms that need a reason there
        // would have it.
        let mut facts = facts(material.contract, &run.observation, material.case.payload, material.case.subject);
        facts.stderr = &baseline.observation.stderr.bytes;
        let heard = interpret(material.contract, material.event, &facts);
        Gist::of_effect(&heard) == Gist::of(baseline)
    })
}

fn compared(material: &Material<'_>, is_same: impl Fn(&Run, &Run) -> bool) -> Option<Verdict> {
    let skip = |reason: &str| Some(Verdict::Skip { reason: reason.to_owned() });
    let Some(baseline) = material.baseline else {
        return skip("the document was not run at the baseline");
    };
    match baseline.observation.ending {
        Ending::TimedOut { .. } => return skip("the hook does not end at the baseline"),
        Ending::NotStarted { .. } => return skip("the hook does not start at the baseline"),
        _ => {}
    }
    Some(match material.runs.iter().find(|run| !is_same(run, baseline)) {
        Some(run) => Verdict::Fail(material.finding(
            run,
            format!("{}: {}; at the baseline: {}", material.case.scenario.title, shown(run), shown(baseline)),
        )),
        None => Verdict::Pass,
    })
}
