//! Hooks of which more runs would show nothing new: they do not start, run into their time limit again and again, or fail
//! whatever they are given. What is known is reported; the cases that are left are not run.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use hookproof_harness::{Ending, Invocation};

use super::Run;
use super::whole_event::WholeEvent;
use crate::oracle::HookStatus;
use crate::plan::Case;
use crate::report::{CutShort, CutShortBecause};
use crate::subject::Subject;

/// A hook that runs into its time limit at the baseline is given two more tries in all.
const TRIES: usize = 3;

/// A hook, and the event if it is about one event only.
type Place = (String, Option<String>);

/// What is known so far. Workers share it, so that none starts what the others have learned to be in vain.
#[derive(Default)]
pub(super) struct Enough(Mutex<Known>);

#[derive(Default)]
struct Known {
    reasons: HashMap<Place, CutShortBecause>,
    late: HashMap<String, usize>,
    /// Cases that were not run, by place.
    left: HashMap<Place, usize>,
    /// Cases that are counted already.
    counted: HashSet<String>,
    /// Whether a finding is enough, and there is one.
    stopped: bool,
}

impl Enough {
    /// Takes note of the runs of a case.
    pub(super) fn saw(&self, case: &Case<'_>, runs: &[Run]) {
        if !case.scenario.is_baseline() {
            return;
        }
        let Some(run) = runs.first() else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (subject, event) = (case.id.subject.clone(), case.id.event.clone());
        if matches!(run.observation.ending, Ending::NotStarted { .. }) && is_the_same_everywhere(case.subject) {
            known.reasons.insert((subject.clone(), None), CutShortBecause::NotStarted);
        } else if run.launch_fault.is_some() {
            known.reasons.insert((subject.clone(), Some(event)), CutShortBecause::NotStarted);
        }
        if matches!(run.observation.ending, Ending::TimedOut { .. }) {
            let late = known.late.entry(subject.clone()).or_default();
            *late += 1;
            if *late >= TRIES {
                known.reasons.entry((subject, None)).or_insert(CutShortBecause::TimeLimit);
            }
        }
    }

    /// Takes note of all baseline runs of a hook at an event.
    pub(super) fn saw_all(&self, whole: &WholeEvent<'_>) {
        let failed = |run: &Run| run.effect.hook_status == HookStatus::Failed && !run.effect.stops_the_step();
        if whole.runs.len() > 1 && whole.runs.iter().all(|one| failed(one.run)) {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let place = (whole.subject.to_owned(), Some(whole.event.to_owned()));
            known.reasons.entry(place).or_insert(CutShortBecause::AlwaysFails);
        }
    }

    /// Whether the case would show nothing new; it is counted then.
    pub(super) fn of(&self, case: &Case<'_>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = case.id.subject.clone();
        let everywhere = (subject.clone(), None);
        let here = (subject, Some(case.id.event.clone()));
        let counts = |place: &Place| match known.reasons.get(place) {
            // What the user expects for a payload of their own is judged by its own run.
            Some(CutShortBecause::TimeLimit) => !(case.scenario.is_baseline() && case.payload.own.is_some()),
            other => other.is_some(),
        };
        let place = [everywhere, here].into_iter().find(counts);
        let place = if known.stopped { Some((case.id.subject.clone(), None)) } else { place };
        let Some(place) = place else { return false };
        if known.counted.insert(case.id.to_string()) {
            *known.left.entry(place).or_default() += 1;
        }
        true
    }

    /// Has nothing more run.
    pub(super) fn stop(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
    }

    /// What was left out, by hook and event.
    pub(super) fn told(&self) -> Vec<CutShort> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told: Vec<CutShort> = known
            .left
            .iter()
            .map(|(place, cases)| {
                let because = known.reasons.get(place).copied().unwrap_or(CutShortBecause::FailFast);
                CutShort { subject: place.0.clone(), event: place.1.clone(), because, cases: *cases }
            })
            .collect();
        told.sort_by(|a, b| (&a.subject, &a.event).cmp(&(&b.subject, &b.event)));
        told
    }
}

/// Whether the same program is started at every event.
fn is_the_same_everywhere(subject: &Subject) -> bool {
    match &subject.invocation {
        Invocation::Program { program, .. } => subject.event.is_none() && !program.to_string_lossy().contains('{'),
        Invocation::Shell { .. } => false,
    }
}
