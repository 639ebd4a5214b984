//! Judges that compare runs.

use hookproof_harness::{Ending, Limit};

use super::gist::{Gist, shown};
use super::security::lets_pass_anyway;
use super::{Finding, Material, Verdict, ending};
use crate::activity::PayloadKind;
use crate::contract::{Decision, EventKind};
use crate::oracle::{HookStatus, interpret};
use crate::quantity;
use crate::requirement::Requirement;
use crate::run::{Run, facts};

/// Every run ends in the same decision as the same document at the baseline.
pub(super) fn same_decision(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    compared(material, |run, baseline| Gist::of(run) == Gist::of(baseline))
}

/// The same, where a hook that cannot do its work may fail aloud, as long as the step comes out as at the baseline. An
/// approval that is lost is what `keeps-approval` is about.
pub(super) fn keeps_decision(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let verdict = compared(material, |run, baseline| {
        let (gist, wanted) = (Gist::of(run), Gist::of(baseline));
        let aloud = run.effect.hook_status == HookStatus::Failed && !run.effect.passes_unheard();
        gist == wanted || (aloud && gist.is_as_good_as(&wanted)) || loses_approval(material, run, baseline)
    })?;
    Some(match verdict {
        Verdict::Fail(finding) => Verdict::Fail(with_unheard_failure(material, finding)),
        Verdict::Note(finding) => Verdict::Note(with_unheard_failure(material, finding)),
        other => other,
    })
}

/// A hook that answers for the user does so in spite of a fault. One that does not leaves the question to the user.
pub(super) fn keeps_approval(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let baseline = material.baseline?;
    // To allow what is dangerous is a defect of its own.
    let threat = PayloadKind::of(material.case.payload).is_threat();
    if material.event.kind != EventKind::Request || baseline.effect.decision != Some(Decision::Allow) || threat {
        return None;
    }
    Some(match material.runs.iter().find(|run| loses_approval(material, run, baseline)) {
        Some(run) => {
            let observed = format!(
                "{}: the hook no longer allows the step, and the user is asked, which is the safe side ({})",
                material.case.scenario.title,
                shown(run)
            );
            material.fail_by_baseline(run, observed)
        }
        None => Verdict::Pass,
    })
}

/// Whether a hook that allowed the step in the user's place decides nothing any more, so that the user is asked.
fn loses_approval(material: &Material<'_>, run: &Run, baseline: &Run) -> bool {
    material.event.kind == EventKind::Request
        && baseline.effect.decision == Some(Decision::Allow)
        && run.effect.decision.is_none()
        && !run.effect.stops_the_step()
}

/// The finding with the reason why a hook that failed did not fail aloud.
fn with_unheard_failure(material: &Material<'_>, mut finding: Finding) -> Finding {
    let failed = |run: &&Run| run.effect.hook_status == HookStatus::Failed && run.effect.passes_unheard() && ended(run);
    if let Some(run) = material.runs.iter().find(failed) {
        finding.observed.push_str(&format!(
            "; a hook without objection may fail where somebody is told, but at {} {} tells neither the user nor the model of \
             its {}",
            material.event.name,
            material.contract.platform.title,
            ending(run)
        ));
    }
    finding
}

fn ended(run: &Run) -> bool {
    matches!(run.observation.ending, Ending::Exited { .. } | Ending::Signaled { .. })
}

/// What the hook stops is stopped as well with quotes, a backslash, a tab and a second line beside it, which change nothing
/// of its meaning. An answer that is no JSON any more is reported by the rules of JSON.
pub(super) fn stops_odd_text(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if let Some(reason) = lets_pass_anyway(material) {
        return Some(Verdict::Skip { reason });
    }
    let is_broken = |run: &Run| run.effect.problems.iter().any(|problem| problem.requirement.starts_with("json."));
    if material.runs.iter().any(is_broken) {
        return Some(Verdict::Skip { reason: "the answer is no JSON, which is reported by itself".to_owned() });
    }
    Some(match material.runs.iter().find(|run| !run.effect.stops_the_step()) {
        Some(run) => {
            let baseline = material.baseline.map(shown).unwrap_or_default();
            let observed = format!("{}: {}; at the baseline: {baseline}", material.case.scenario.title, shown(run));
            material.fail_by_baseline(run, observed)
        }
        None => Verdict::Pass,
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
