//! Judging what one hook did at one event: all baseline runs together, instead of a case.

use hookproof_harness::Ending;

use super::{Finding, Judgement, Verdict, activity, complaint, evidence, exit, help, rewrite, warning};
use crate::activity::{Activity, EventActivity, PayloadKind, Response};
use crate::contract::{Contract, Event, Evidence};
use crate::oracle::tell;
use crate::payload::Payload;
use crate::requirement::{Catalogue, Level, Requirement};
use crate::run::Run;
use crate::subject::Subject;

/// A run at the baseline.
#[derive(Clone, Copy)]
pub(crate) struct BaselineRun<'a> {
    pub(crate) payload: &'a Payload,
    pub(crate) run: &'a Run,
}

impl BaselineRun<'_> {
    /// What the hook did.
    pub(crate) fn response(&self, event: &Event) -> Response {
        // What denies because it does not start has blocked nothing by its own judgement.
        if self.run.launch_fault.is_some() {
            return Response::Failed;
        }
        let observation = &self.run.observation;
        // That silence makes a hook fail is told only where it is settled.
        let is_silent = observation.ending == (Ending::Exited { code: 0 })
            && [&observation.stdout, &observation.stderr].iter().all(|stream| stream.bytes.is_empty());
        if is_silent && !self.run.effect.evidence.is_settled() {
            return Response::Silent;
        }
        Response::of(event, &self.run.effect, &observation.stdout.bytes, &observation.stderr.bytes)
    }

    pub(crate) fn kind(&self) -> PayloadKind {
        PayloadKind::of(self.payload)
    }
}

/// Everything that a judge of a whole event looks at.
#[derive(Clone, Copy)]
pub(crate) struct EventMaterial<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) event: &'a Event,
    pub(crate) subject: &'a Subject,
    /// The runs of the hook at this event at the baseline, one for each payload.
    pub(crate) runs: &'a [BaselineRun<'a>],
    /// What all hooks did at all events.
    pub(crate) activity: &'a Activity,
}

impl EventMaterial<'_> {
    /// What the hook did at this event.
    pub(crate) fn own(&self) -> Option<&EventActivity> {
        self.activity.events.iter().find(|entry| entry.subject == self.subject.name && entry.event == self.event.name)
    }

    /// A failure that one run shows as well as the others; an inconclusive one where the facts are not settled.
    pub(crate) fn fail(&self, shown: &Run, observed: String, facts: Evidence) -> Verdict {
        let finding = Finding {
            observed,
            consequence: tell(self.contract, self.event, &shown.effect),
            evidence: evidence(shown),
            ..Finding::default()
        };
        if facts.is_settled() { Verdict::Fail(finding) } else { Verdict::Note(finding) }
    }
}

/// Whether a broken requirement of one run is more than advice, so that it says what becomes of the hook's answer.
pub(super) fn is_reported(id: &str) -> bool {
    let found = Catalogue::built_in().ok().and_then(|catalogue| catalogue.get(id));
    found.is_some_and(|requirement| requirement.level >= Level::Should)
}

/// A judge of a whole event: `None` where the requirement has nothing to say of it.
type EventJudge = fn(&Requirement, &EventMaterial<'_>) -> Option<Verdict>;

const JUDGES: &[(&str, EventJudge)] = &[
    ("blocks-everything", activity::blocks_everything),
    ("denies-everything", exit::denies_everything),
    ("helper-complains", complaint::helper_complains),
    ("rewrite-keeps-fields", rewrite::keeps_fields),
    ("never-spoke", activity::never_spoke),
    ("same-answer", activity::same_answer),
    ("warning-discarded", warning::warning_discarded),
];

/// The judge of this name.
pub(super) fn by_name(name: &str) -> Option<EventJudge> {
    JUDGES.iter().find(|(known, _)| *known == name).map(|(_, judge)| *judge)
}

/// What all requirements say that are about a whole event.
pub(crate) fn judge_event(catalogue: &Catalogue, material: &EventMaterial<'_>) -> Vec<Judgement> {
    let is_about = |list: &[String], wanted: &str| list.is_empty() || list.iter().any(|item| item == wanted);
    catalogue
        .iter()
        .filter(|requirement| {
            is_about(&requirement.platforms, &material.contract.platform.id)
                && is_about(&requirement.events, &material.event.name)
        })
        .filter_map(|requirement| {
            let verdict = match by_name(&requirement.judge)?(requirement, material)? {
                Verdict::Fail(finding) if !requirement.evidence.is_settled() => Verdict::Note(finding),
                verdict => verdict,
            };
            let verdict = verdict.with(|finding| {
                let run = material.runs.first().map(|one| one.run);
                finding.help = run.and_then(|run| help::of(requirement, material.contract, material.event, run));
            });
            Some(Judgement { requirement: requirement.id.clone(), level: requirement.level, verdict })
        })
        .collect()
}
