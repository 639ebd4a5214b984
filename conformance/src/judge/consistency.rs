//! Judges that compare runs.

use hookproof_harness::{Ending, Limit};

use super::gist::{Gist, shown};
use super::{Material, Verdict};
use crate::oracle::{HookStatus, interpret};
use crate::quantity;
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

/// The decision is the same whatever the length of a text in a field that hooks read. A short text of the same form is what
/// the others are compared with, so that only the length is judged.
pub(super) fn same_at_any_size(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let sizes = &material.case.scenario.sizes;
    let (short, long) = material.runs.split_first()?;
    if let Some(reason) = incomparable(material.baseline) {
        return Some(Verdict::Skip { reason });
    }
    if material.baseline.is_some_and(|baseline| Gist::of(baseline) != Gist::of(short)) {
        return Some(Verdict::Skip {
            reason: "a short text of the same form in the same field already changes the decision".to_owned(),
        });
    }
    let changed = sizes[1..].iter().zip(long).find(|(_, run)| Gist::of(run) != Gist::of(short));
    Some(match changed {
        Some((size, run)) => {
            let with = |size: usize| quantity::shown(Limit::Memory, size as u64);
            let observed = format!(
                "with {} of harmless text around what matters, in the same field: {}; with {}: {}",
                with(*size),
                shown(run),
                with(sizes[0]),
                shown(short),
            );
            material.fail(run, observed, run.effect.evidence.max(short.effect.evidence))
        }
        None => Verdict::Pass,
    })
}

/// Why nothing can be compared with the baseline.
fn incomparable(baseline: Option<&Run>) -> Option<String> {
    let reason = match baseline.map(|run| &run.observation.ending) {
        None => "the document was not run at the baseline",
        Some(Ending::TimedOut { .. }) => "the hook does not end at the baseline",
        Some(Ending::NotStarted { .. }) => "the hook does not start at the baseline",
        Some(_) => return None,
    };
    Some(reason.to_owned())
}

fn compared(material: &Material<'_>, is_same: impl Fn(&Run, &Run) -> bool) -> Option<Verdict> {
    if let Some(reason) = incomparable(material.baseline) {
        return Some(Verdict::Skip { reason });
    }
    let baseline = material.baseline?;
    Some(match material.runs.iter().find(|run| !is_same(run, baseline)) {
        Some(run) => material.fail_by_both(
            run,
            baseline,
            format!("{}: {}; at the baseline: {}", material.case.scenario.title, shown(run), shown(baseline)),
        ),
        None => Verdict::Pass,
    })
}
