//! How much of what was run a finding concerns.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Group, Place};
use crate::activity::PayloadKind;
use crate::report::CaseFinished;
use crate::report::text::count;

/// The scenario in which nothing is unusual.
const BASELINE: &str = "baseline";

/// Runs at the baseline, by event and kind of payload.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline(BTreeMap<(String, PayloadKind), usize>);

impl Baseline {
    pub(super) fn add(&mut self, case: &CaseFinished) {
        if case.case.scenario == BASELINE
            && let Some(kind) = case.kind
        {
            *self.0.entry((case.case.event.clone(), kind)).or_default() += 1;
        }
    }
}

impl Findings {
    /// How much a group concerns, in a few words: `12 of 30 dangerous payloads`, `3 scenarios`.
    pub fn concern(&self, group: &Group) -> String {
        if group.places.iter().all(|place| place.kind.is_none()) {
            return match &group.places[..] {
                [one] if one.case.scenario == BASELINE => format!("all payloads of {}", one.case.event),
                [one] => one.case.subject.clone(),
                several if several[0].case.scenario == BASELINE => count(several.len(), "event"),
                several => count(several.len(), "place"),
            };
        }
        let run: BTreeSet<(&str, &str, &str, PayloadKind)> = group
            .places
            .iter()
            .filter(|place| place.case.scenario == BASELINE)
            .filter_map(|Place { case, kind, .. }| Some((&*case.subject, &*case.event, &*case.payload, (*kind)?)))
            .collect();
        if run.is_empty() {
            let scenarios: BTreeSet<&str> = group.places.iter().map(|place| &*place.case.scenario).collect();
            return match scenarios.first() {
                Some(one) if scenarios.len() == 1 => format!("scenario {one}"),
                _ => count(scenarios.len(), "scenario"),
            };
        }
        let events: BTreeSet<&str> = run.iter().map(|(_, event, ..)| *event).collect();
        let of_kind = |wanted: &dyn Fn(PayloadKind) -> bool| {
            let all = self.baseline.0.iter().filter(|((event, kind), _)| events.contains(&**event) && wanted(*kind));
            (run.iter().filter(|(.., kind)| wanted(*kind)).count(), all.map(|(_, count)| count).sum::<usize>())
        };
        // Where most of them are threats, how many of the threats there are says most.
        let threat = PayloadKind::THREATS.into_iter().find(|&kind| 2 * of_kind(&|other| other == kind).0 > run.len());
        let (some, all, kind) = match threat {
            Some(kind) => {
                let (some, all) = of_kind(&|other| other == kind);
                (some, all, format!("{kind} payload"))
            }
            None => {
                let (some, all) = of_kind(&|_| true);
                (some, all, "payload".to_owned())
            }
        };
        let at = if events.len() > 1 { format!(" at {}", count(events.len(), "event")) } else { String::new() };
        format!("{some} of {}{at}", count(all, &kind))
    }
}
