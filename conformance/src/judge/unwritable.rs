//! Judges of a step that the hook stops, where one of the hook's streams cannot be written.
//!
//! The machine causes that, not the hook. What is judged is what the hook makes of it: a denial must not become an allow
//! of which nobody hears.

use hookproof_harness::Observation;

use super::security::lets_pass_anyway;
use super::{Material, Verdict, ending};
use crate::oracle::{Effect, Ended, Facts, interpret};
use crate::plan::ReaderKind;
use crate::requirement::Requirement;
use crate::run::facts;

/// What a hook could still say without stdout: a reason on stderr.
const REASON: &[u8] = b"this command is not allowed";

/// With stdout unwritable, a denial by exit code stays one, and a denial in an answer on stdout is not lost unheard.
pub(super) fn without_stdout(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if let Some(reason) = lets_pass_anyway(material) {
        return Some(Verdict::Skip { reason });
    }
    let baseline = material.baseline?;
    let effect_of = |facts: &Facts<'_>| interpret(material.contract, material.event, facts);
    let mut unprinted = facts_of(material, &baseline.observation);
    unprinted.stdout = b"";
    let needs_stdout = !effect_of(&unprinted).stops_the_step();
    let is_lost = |effect: &Effect| if needs_stdout { effect.passes_unheard() } else { !effect.stops_the_step() };
    let Some(run) = material.runs.iter().find(|run| is_lost(&run.effect)) else { return Some(Verdict::Pass) };
    let best = |code: i32| {
        let said = Facts { ended: Ended::Exit(code), stderr: REASON, ..unprinted.clone() };
        !is_lost(&effect_of(&said))
    };
    if ![2, 1].into_iter().any(best) {
        let title = &material.contract.platform.title;
        return Some(Verdict::Skip {
            reason: format!("whatever a hook does without stdout, {title} lets the step go ahead and tells nobody"),
        });
    }
    let observed = format!(
        "stdout {}; {}; here it is lost ({}, {})",
        cause(material.case.scenario.reader.stdout),
        if needs_stdout {
            "at the baseline the hook's answer on stdout stops the step"
        } else {
            "at the baseline the hook's exit code stops the step"
        },
        ending(run),
        if run.observation.stderr.total == 0 { "nothing on stderr" } else { "a text on stderr" },
    );
    Some(material.fail(run, observed, run.effect.evidence.max(baseline.effect.evidence)))
}

/// With stderr unwritable, a step that the hook stops is stopped all the same.
pub(super) fn without_stderr(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if let Some(reason) = lets_pass_anyway(material) {
        return Some(Verdict::Skip { reason });
    }
    let baseline = material.baseline?;
    let heard = |observation: &Observation| {
        // A platform that needs a reason on stderr would have had it but for the scenario.
        let mut facts = facts_of(material, observation);
        facts.stderr = &baseline.observation.stderr.bytes;
        interpret(material.contract, material.event, &facts)
    };
    let lost = material.runs.iter().find_map(|run| {
        let effect = heard(&run.observation);
        (!effect.stops_the_step()).then_some((run, effect))
    });
    Some(match lost {
        Some((run, effect)) => {
            let observed = format!(
                "stderr {}; the hook stops this step at the baseline ({}), and here it does not ({})",
                cause(material.case.scenario.reader.stderr),
                ending(baseline),
                ending(run),
            );
            material.fail(run, observed, effect.evidence.max(baseline.effect.evidence))
        }
        None => Verdict::Pass,
    })
}

fn facts_of<'m>(material: &Material<'m>, observation: &'m Observation) -> Facts<'m> {
    facts(material.contract, observation, material.case.payload, material.case.subject)
}

/// Why a stream cannot be written, as the second half of a sentence.
fn cause(kind: ReaderKind) -> &'static str {
    match kind {
        ReaderKind::Reads => "is read",
        ReaderKind::Gone => "cannot be written because its reader has gone (the scenario's doing)",
        ReaderKind::Full => "cannot be written because its device is full (the scenario's doing)",
    }
}
