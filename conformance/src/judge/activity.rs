//! Judges of hooks that stop nothing, or everything.

use super::whole_event::{BaselineRun, EventMaterial, is_reported};
use super::{Verdict, exit, tool_name};
use crate::activity::{EventActivity, PayloadKind, Response};
use crate::contract::{EventKind, Evidence, Moment};
use crate::requirement::Requirement;

/// Input above this size, in bytes, does not fit into a pipe: a hook that does not read it is seen.
const PIPE: u64 = 64 * 1024;
const UNHEARD: [Response; 2] = [Response::Silent, Response::NoEffect];

/// A hook at an event where dangerous payloads can be stopped says something about at least one payload.
pub(super) fn never_spoke(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    let own = material.own().filter(|own| own.guards())?;
    if !is_unheard(own) {
        return Some(Verdict::Pass);
    }
    // A command that is run at every event may be about others: then it spoke there.
    let of_the_hook = || material.activity.events.iter().filter(|entry| entry.subject == own.subject);
    if material.subject.event.is_none() && !of_the_hook().all(is_unheard) {
        return None;
    }
    // Where a finding says why an answer is lost, nothing is to be said of the silence that follows.
    let problems = material.runs.iter().flat_map(|one| &one.run.effect.problems);
    if problems.map(|problem| problem.requirement.as_str()).any(is_reported) {
        return None;
    }
    let shown = material.runs.iter().find(|one| one.kind().is_threat()).or(material.runs.first())?;
    let written = material.runs.iter().filter(|one| one.response(material.event) == Response::NoEffect).count();
    let total = material.runs.len();
    let what = match written {
        0 => format!("the hook had no answer to any of {total} payloads, {} among them", threats(own)),
        _ => format!(
            "the hook had no effect with any of {total} payloads, {} among them, although it wrote something for {written} of \
             the {total}",
            threats(own)
        ),
    };
    let unread = if reads_nothing(material.runs) { "; it does not read its input" } else { "" };
    let names = tool_name::unknown(material.contract, material.subject)
        .map_or_else(String::new, |names| format!("; its text has names of tools that no tool has here: {names}"));
    Some(material.fail(shown.run, format!("{what}{unread}{names}"), weakest(material.runs)))
}

/// Harmless payloads that have to be blocked before it is said that all are.
const ENOUGH: usize = 3;

/// Whether the hook is run for everything that happens at the event, and blocks all of it. What a matcher leaves out, or an
/// event of one tool alone, shows a tool that somebody wants to be off.
fn blocks_all(material: &EventMaterial<'_>) -> bool {
    let Some(own) = material.own() else { return false };
    let is_everything = own.payloads.values().all(|counts| counts.not_run == 0)
        && matches!(material.event.moment, Some(Moment::BeforeTool | Moment::Prompt));
    let harmless = || material.runs.iter().filter(|one| one.kind() == PayloadKind::Harmless);
    is_everything
        && !exit::fails_everywhere(material)
        && harmless().count() >= ENOUGH
        && material
            .runs
            .iter()
            .filter(|one| one.kind() != PayloadKind::Hostile)
            .all(|one| one.response(material.event) == Response::Blocked)
}

/// A hook leaves the agent something that it can do.
pub(super) fn blocks_everything(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    material.own().filter(|own| own.can_block)?;
    if !blocks_all(material) {
        return Some(Verdict::Pass);
    }
    let harmless: Vec<&BaselineRun<'_>> =
        material.runs.iter().filter(|one| one.kind() == PayloadKind::Harmless).collect();
    let shown = harmless.first()?;
    let unread = if reads_nothing(material.runs) { "; it does not read its input" } else { "" };
    let observed = format!(
        "the hook blocked all {} payloads, {} harmless ones among them{unread}: the agent can do nothing at {}",
        material.runs.len(),
        harmless.len(),
        material.event.name
    );
    Some(material.fail(shown.run, observed, weakest(material.runs)))
}

/// A hook does not decide the same about harmless payloads as about dangerous ones.
pub(super) fn same_answer(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    let own = material.own().filter(|own| own.guards())?;
    // That is no answer, and has a requirement of its own.
    if exit::fails_everywhere(material) || blocks_all(material) {
        return None;
    }
    // Whether hostile payloads are stopped is open.
    let runs: Vec<&BaselineRun<'_>> = material.runs.iter().filter(|one| one.kind() != PayloadKind::Hostile).collect();
    let harmless = runs.iter().filter(|one| one.kind() == PayloadKind::Harmless).count();
    let (first, rest) = runs.split_first()?;
    if harmless == 0 {
        return None;
    }
    let response = first.response(material.event);
    let texts = |one: &BaselineRun<'_>| (one.run.effect.model_sees.clone(), one.run.effect.user_sees.clone());
    let same = match response {
        Response::Blocked | Response::Asked | Response::Allowed => {
            rest.iter().all(|one| one.response(material.event) == response)
        }
        // To add the same text to every prompt is what many hooks are for.
        Response::Context | Response::Message
            if matches!(material.event.kind, EventKind::Gate | EventKind::Request) =>
        {
            rest.iter().all(|one| one.response(material.event) == response && texts(one) == texts(first))
        }
        _ => false,
    };
    if !same {
        return Some(Verdict::Pass);
    }
    let did = match response {
        Response::Blocked => "blocked all",
        Response::Asked => "asked about all",
        Response::Allowed => "allowed all",
        _ => "said the same about all",
    };
    let shown = runs.iter().find(|one| one.kind() == PayloadKind::Harmless)?;
    let unread = if reads_nothing(material.runs) { "; it does not read its input" } else { "" };
    let observed = format!("the hook {did} {} payloads, {harmless} harmless and {}{unread}", runs.len(), threats(own));
    Some(material.fail(shown.run, observed, weakest(material.runs)))
}

fn is_unheard(entry: &EventActivity) -> bool {
    entry.payloads.values().flat_map(|counts| counts.responses.keys()).all(|response| UNHEARD.contains(response))
}

/// How many threats were run, such as "12 dangerous and 1 secret".
fn threats(own: &EventActivity) -> String {
    let parts = PayloadKind::THREATS.iter().filter_map(|kind| {
        let counts = own.payloads.get(kind).filter(|counts| counts.run > 0)?;
        Some(format!("{} {kind}", counts.run))
    });
    parts.collect::<Vec<_>>().join(" and ")
}

/// Whether input that does not fit into a pipe was refused each time. Smaller input tells nothing.
fn reads_nothing(runs: &[BaselineRun<'_>]) -> bool {
    let mut large = runs.iter().map(|one| &one.run.observation.stdin).filter(|stdin| stdin.planned > PIPE).peekable();
    large.peek().is_some() && large.all(|stdin| stdin.refused && stdin.written <= PIPE)
}

fn weakest(runs: &[BaselineRun<'_>]) -> Evidence {
    runs.iter().map(|one| one.run.effect.evidence).max().unwrap_or(Evidence::Unconfirmed)
}
