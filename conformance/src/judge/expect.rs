//! Judges of what a user expects for a payload of their own.

use super::{Material, Verdict};
use crate::activity::Response;
use crate::contract::{Decision, Event, EventKind, Evidence};
use crate::oracle::Effect;
use crate::payload::{Expectation, Expected};
use crate::requirement::Requirement;
use crate::run::Run;

/// What one hook did with the payload in the runs of one scenario.
#[derive(Debug, Clone)]
pub struct HookRuns {
    runs: Vec<(Response, Effect)>,
}

impl HookRuns {
    pub(crate) fn of(event: &Event, runs: &[Run]) -> Self {
        let one = |run: &Run| {
            let observation = &run.observation;
            let response = Response::of(event, &run.effect, &observation.stdout.bytes, &observation.stderr.bytes);
            (response, run.effect.clone())
        };
        HookRuns { runs: runs.iter().map(one).collect() }
    }
}

/// What all hooks did that the platform runs with a payload: it combines their answers.
#[derive(Debug, Clone, Default)]
pub struct Together {
    /// In the scenario of the case.
    pub(crate) here: Vec<HookRuns>,
    /// At the baseline; empty if this is the baseline.
    pub(crate) baseline: Vec<HookRuns>,
}

/// What the platform does with the payload is what the user expects.
pub(super) fn decision(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let (expectation, together) = expected(material)?;
    let decision = expectation.decision?;
    if !all_meet(&together.baseline, |effects| meets(material.event, decision, effects)) {
        return None;
    }
    let broken = rounds(&together.here).position(|effects| !meets(material.event, decision, &effects));
    Some(verdict(material, together, broken, |effects| {
        format!("expected `{decision}`, and {}", did(decision, effects))
    }))
}

/// The texts that come with it are what the user expects.
pub(super) fn text(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let (expectation, together) = expected(material)?;
    if expectation.reason.is_none() && expectation.context.is_none() {
        return None;
    }
    let as_expected = |effects: &[&(Response, Effect)]| missing(expectation, effects).is_none();
    // If something else is decided, other texts come with it.
    let decided = |effects: &[&(Response, Effect)]| {
        expectation.decision.is_none_or(|decision| meets(material.event, decision, effects))
    };
    if !all_meet(&together.baseline, |effects| decided(effects) && as_expected(effects))
        || !all_meet(&together.here, decided)
    {
        return None;
    }
    let broken = rounds(&together.here).position(|effects| !as_expected(&effects));
    Some(verdict(material, together, broken, |effects| missing(expectation, effects).unwrap_or_default()))
}

/// What is expected of the payload, if the platform delivers it as it is and all hooks were run.
fn expected<'m>(material: &Material<'m>) -> Option<(&'m Expectation, &'m Together)> {
    let own = material.case.payload.own.as_ref()?;
    let together = material.together?;
    material.is_sound().then_some(())?;
    Some((own.expectation.as_ref()?, together))
}

/// What the hooks did in each run of the scenario.
fn rounds(hooks: &[HookRuns]) -> impl Iterator<Item = Vec<&(Response, Effect)>> {
    let most = hooks.iter().map(|hook| hook.runs.len()).max().unwrap_or(0);
    (0..most).map(|index| hooks.iter().filter_map(|hook| hook.runs.get(index).or(hook.runs.last())).collect())
}

fn all_meet(hooks: &[HookRuns], is_met: impl Fn(&[&(Response, Effect)]) -> bool) -> bool {
    rounds(hooks).all(|effects| is_met(&effects))
}

/// Whether the platform does as expected. Of several answers the strictest one counts.
fn meets(event: &Event, expected: Expected, effects: &[&(Response, Effect)]) -> bool {
    let is = |wanted: Response| effects.iter().any(|(response, _)| *response == wanted);
    // After a tool has run, a block is a text for the model.
    let after = event.kind == EventKind::After;
    let blocked =
        is(Response::Blocked) || (after && effects.iter().any(|(_, effect)| effect.decision == Some(Decision::Deny)));
    match expected {
        Expected::Block => blocked,
        Expected::Ask => !blocked && is(Response::Asked),
        Expected::Allow => !blocked && !is(Response::Asked) && is(Response::Allowed),
        Expected::Context => !is(Response::Blocked) && effects.iter().any(|(_, effect)| !effect.model_sees.is_empty()),
        Expected::Silent => {
            effects.iter().all(|(response, _)| matches!(response, Response::Silent | Response::NoEffect))
        }
    }
}

/// What the hooks did instead, in a clause.
fn did(expected: Expected, effects: &[&(Response, Effect)]) -> String {
    let of = |response: &Response| match response {
        Response::Blocked => "blocked",
        Response::Asked => "asked the user",
        Response::Allowed => "allowed it",
        Response::Rewrote => "rewrote the input or the output",
        Response::Result => "gave a result",
        Response::TurnEnded => "ended the turn",
        Response::Context => "only gave the model a text",
        Response::Message => "only showed the user a text",
        Response::NoEffect => "wrote something that has no effect",
        Response::Silent if expected == Expected::Allow => "had no answer, which leaves the decision to the platform",
        Response::Silent => "had no answer",
        Response::Failed => "failed",
    };
    match effects {
        [(response, _)] => format!("the hook {}", of(response)),
        several => {
            let parts: Vec<&str> = several.iter().map(|(response, _)| of(response)).collect();
            format!("of the {} hooks that are run, each in turn: {}", several.len(), parts.join("; "))
        }
    }
}

/// The pattern that no text matches, in a sentence; `None` if both match.
fn missing(expectation: &Expectation, effects: &[&(Response, Effect)]) -> Option<String> {
    let reasons = || effects.iter().filter_map(|(_, effect)| effect.reason.as_deref());
    let contexts = || effects.iter().flat_map(|(_, effect)| effect.model_sees.iter().map(String::as_str));
    if let Some(pattern) = &expectation.reason
        && !reasons().any(|text| pattern.is_in(text))
    {
        return Some(unmatched("the reason", pattern.as_str(), &reasons().collect::<Vec<_>>()));
    }
    let pattern = expectation.context.as_ref()?;
    (!contexts().any(|text| pattern.is_in(text)))
        .then(|| unmatched("what the model is given", pattern.as_str(), &contexts().collect::<Vec<_>>()))
}

fn unmatched(what: &str, pattern: &str, texts: &[&str]) -> String {
    match texts {
        [] => format!("expected that {what} matches `{pattern}`, and there is no such text"),
        texts => format!("expected that {what} matches `{pattern}`, and it is {:?}", texts.join(" / ")),
    }
}

/// Fails by the round in which the expectation was not met.
fn verdict(
    material: &Material<'_>,
    together: &Together,
    broken: Option<usize>,
    observed: impl Fn(&[&(Response, Effect)]) -> String,
) -> Verdict {
    let Some(index) = broken else { return Verdict::Pass };
    let effects = rounds(&together.here).nth(index).unwrap_or_default();
    let facts = effects.iter().map(|(_, effect)| effect.evidence).max().unwrap_or(Evidence::Unconfirmed);
    let Some(run) = material.runs.get(index).or(material.runs.last()) else { return Verdict::Pass };
    let provenance = &material.case.payload.provenance.source;
    material.fail(run, format!("{} ({provenance}): {}", material.case.payload.name, observed(&effects)), facts)
}
