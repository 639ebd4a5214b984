//! What hooks did: responses to payloads, counted by hook, event and kind of payload.

mod payload_kind;
mod response;

pub use payload_kind::PayloadKind;
pub use response::Response;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{Event, EventKind};

/// How many payloads of one kind there were at an event, and what the hook did with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Payloads that the hook was run with at the baseline.
    #[serde(default)]
    pub run: usize,
    /// Payloads that the hook's matcher leaves out, so that the platform would not run it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_run: usize,
    /// The harmless payloads that the hook blocked, by name; only of harmless ones is it worth to be told which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<String>,
    /// What the hook did, by response; responses that did not occur are left out.
    #[serde(flatten)]
    pub responses: BTreeMap<Response, usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Counts {
    /// How often the hook responded so.
    pub fn of(&self, response: Response) -> usize {
        self.responses.get(&response).copied().unwrap_or(0)
    }
}

/// What one hook did at one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventActivity {
    /// The hook.
    pub subject: String,
    /// The event.
    pub event: String,
    /// Whether a hook can stop something at this event.
    pub can_block: bool,
    /// Whether a hook can do anything at this event that the platform heeds.
    pub can_respond: bool,
    /// The counts, by kind of payload.
    pub payloads: BTreeMap<PayloadKind, Counts>,
}

impl EventActivity {
    /// Whether a payload of an attack or with a secret was run here, at a point where it can be stopped.
    pub fn guards(&self) -> bool {
        let threat = |kind: &PayloadKind| self.payloads.get(kind).is_some_and(|counts| counts.run > 0);
        self.can_block && PayloadKind::THREATS.iter().any(threat)
    }

    fn has_run(&self) -> bool {
        self.payloads.values().any(|counts| counts.run > 0)
    }

    /// Whether all payloads that were run got one of these responses.
    fn all(&self, wanted: &[Response]) -> bool {
        self.payloads.values().flat_map(|counts| counts.responses.keys()).all(|response| wanted.contains(response))
    }
}

/// What all hooks under check did at the baseline, one run for each payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Activity {
    /// By hook and event, in the order of the plan.
    pub events: Vec<EventActivity>,
}

impl Activity {
    /// The counts of a hook at an event; an empty entry is added if there is none.
    pub(crate) fn entry(&mut self, subject: &str, event: &Event) -> &mut EventActivity {
        let is_it = |entry: &EventActivity| entry.subject == subject && entry.event == event.name;
        let index = self.events.iter().position(is_it).unwrap_or_else(|| {
            self.events.push(EventActivity {
                subject: subject.to_owned(),
                event: event.name.clone(),
                can_block: can_block(event),
                can_respond: event.kind != EventKind::Observe,
                payloads: BTreeMap::new(),
            });
            self.events.len() - 1
        });
        &mut self.events[index]
    }

    /// Counts a run.
    pub(crate) fn add(&mut self, subject: &str, event: &Event, kind: PayloadKind, response: Response) {
        let counts = self.entry(subject, event).payloads.entry(kind).or_default();
        counts.run += 1;
        *counts.responses.entry(response).or_default() += 1;
    }

    /// Notes a harmless payload that was blocked.
    pub(crate) fn add_stopped(&mut self, subject: &str, event: &Event, payload: &str) {
        self.entry(subject, event).payloads.entry(PayloadKind::Harmless).or_default().stopped.push(payload.to_owned());
    }

    /// Counts payloads that a hook's matcher leaves out.
    pub(crate) fn add_not_run(&mut self, subject: &str, event: &Event, kind: PayloadKind, count: usize) {
        self.entry(subject, event).payloads.entry(kind).or_default().not_run += count;
    }

    /// How many payloads of this kind were run at events at which something can be stopped, and how many of them were.
    pub fn blocked(&self, kind: PayloadKind) -> (usize, usize) {
        let counts = self.events.iter().filter(|entry| entry.can_block).filter_map(|entry| entry.payloads.get(&kind));
        counts.fold((0, 0), |(blocked, run), counts| (blocked + counts.of(Response::Blocked), run + counts.run))
    }

    /// What has to be said beside "conforms" of hooks that did nothing: `None` if every hook had some effect.
    pub fn reservation(&self) -> Option<String> {
        let of = |name: &str| self.events.iter().filter(|entry| entry.subject == name).collect::<Vec<_>>();
        let told: Vec<Option<&'static str>> = self.subjects().into_iter().map(|name| reservation(&of(name))).collect();
        match told.as_slice() {
            [] => None,
            [one] => one.map(|said| format!("it {said}")),
            _ => {
                let parts = [NEVER_RUN, NEVER_SPOKE, NO_EFFECT, FAILED, ALIKE].into_iter().filter_map(|said| {
                    let count = told.iter().filter(|one| **one == Some(said)).count();
                    (count > 0).then(|| format!("{count} of {} hooks {said}", told.len()))
                });
                let parts: Vec<String> = parts.collect();
                (!parts.is_empty()).then(|| parts.join(", "))
            }
        }
    }

    /// The hooks, in the order of the plan.
    pub fn subjects(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for entry in &self.events {
            if !names.contains(&entry.subject.as_str()) {
                names.push(&entry.subject);
            }
        }
        names
    }
}

const NEVER_RUN: &str = "was never run";
const NEVER_SPOKE: &str = "never spoke";
const NO_EFFECT: &str = "never had an effect";
const FAILED: &str = "failed on every payload";
const ALIKE: &str = "answered everything alike";

/// What one hook did at its events, in a few words, if it did nothing that a hook is for.
fn reservation(events: &[&EventActivity]) -> Option<&'static str> {
    if !events.iter().any(|entry| entry.has_run()) {
        return Some(NEVER_RUN);
    }
    let events: Vec<_> = events.iter().filter(|entry| entry.can_respond && entry.has_run()).collect();
    if events.is_empty() {
        return None;
    }
    let all = |wanted: &[Response]| events.iter().all(|entry| entry.all(wanted));
    if all(&[Response::Silent]) {
        Some(NEVER_SPOKE)
    } else if all(&[Response::Silent, Response::NoEffect]) {
        Some(NO_EFFECT)
    } else if all(&[Response::Failed]) {
        Some(FAILED)
    } else {
        let guarded: Vec<_> = events.iter().filter(|entry| entry.guards()).collect();
        let decided_alike = |response| guarded.iter().all(|entry| entry.all(&[response]) && entry.is_mixed());
        let decisions = [Response::Blocked, Response::Asked, Response::Allowed];
        (!guarded.is_empty() && decisions.into_iter().any(decided_alike)).then_some(ALIKE)
    }
}

impl EventActivity {
    /// Whether both threats and harmless payloads were run, so that they could be told apart.
    fn is_mixed(&self) -> bool {
        self.guards() && self.payloads.get(&PayloadKind::Harmless).is_some_and(|counts| counts.run > 0)
    }
}

/// Whether a hook can stop something at this event. After a tool has run there is nothing left to stop, although the
/// platform may do something with a denial.
pub(crate) fn can_block(event: &Event) -> bool {
    use EventKind::{Gate, Prompt, Request, Stop};
    matches!(event.kind, Gate | Prompt | Request | Stop) && event.can_deny()
}

#[cfg(test)]
mod tests;
