//! Planning: subject x event x payload x scenario -> cases.

mod case;
mod clock;
mod document;
mod doubt;
mod left_out;
mod pad;
mod scenario;
mod step;
mod trouble;

pub use case::CaseId;
pub use clock::{Span, WrongClock};
pub(crate) use document::{DEFAULT_PAUSE_MS, DEFAULT_PIECES};
pub use document::{Edit, Spelling, StdinKind, StdinSpec};
pub use doubt::DoubtSpec;
pub use left_out::{LeftOut, left_out};
pub use pad::PadSpec;
pub use scenario::{EnvironmentSpec, Folder, Patience, Scenario, ScenarioError, Scenarios};
pub use step::{Age, Damage, Fault, FaultKind, Step, Whom};
pub use trouble::{HelperFault, HelperSpec, ReaderKind, ReaderSpec, RefuseSpec, Refused, ServiceFault};

use std::time::Duration;

use crate::contract::{Contract, Event};
use crate::payload::{Payload, Payloads};
use crate::subject::Subject;

/// One thing to run.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// Its stable name.
    pub id: CaseId,
    /// The hook.
    pub subject: &'a Subject,
    /// What arrives on stdin.
    pub payload: &'a Payload,
    /// The circumstances.
    pub scenario: &'a Scenario,
}

/// Which cases are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Events; all if empty.
    pub events: Vec<String>,
    /// Scenarios; all if empty. The baseline is always run.
    pub scenarios: Vec<String>,
}

impl Filter {
    /// Whether the subject is to be checked at this event.
    fn is_about(&self, subject: &Subject, event: &Event) -> bool {
        let wanted = self.events.is_empty() || self.events.contains(&event.name);
        wanted && subject.event.as_ref().is_none_or(|own| *own == event.name)
    }
}

/// All cases for these subjects, in a stable order.
pub fn plan<'a>(
    contract: &'a Contract,
    subjects: &'a [Subject],
    payloads: &'a Payloads,
    scenarios: &'a Scenarios,
    filter: &Filter,
) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for subject in subjects {
        let mut heard_at: Vec<(&Event, Vec<&Payload>)> = Vec::new();
        for event in contract.events.values() {
            if !filter.is_about(subject, event) {
                continue;
            }
            let heard = payloads
                .of(&contract.platform.id, &event.name)
                .filter(|payload| subject.listens(contract, &event.name, &payload.stdin));
            heard_at.push((event, heard.collect()));
        }
        let only = the_one(&heard_at);
        for (event, heard) in heard_at {
            for scenario in scenarios.iter() {
                if scenario.one_event && only.as_ref() != Some(&event.name) {
                    continue;
                }
                if !scenario.is_baseline() && !filter.scenarios.is_empty() && !filter.scenarios.contains(&scenario.id) {
                    continue;
                }
                if scenario.is_story() && subject.heavy.is_none() {
                    continue;
                }
                if scenario.worker.is_some() && subject.worker.is_none() {
                    continue;
                }
                // A document that comes later than the hook may take shows nothing of the hook.
                let limit = subject.timeout.unwrap_or_else(|| Duration::from_secs_f64(event.timeout_s.is));
                if scenario.stdin.pauses() * 2 > limit {
                    continue;
                }
                for payload in scenario.choose(contract, event, &heard) {
                    let id = CaseId {
                        subject: subject.name.clone(),
                        platform: contract.platform.id.clone(),
                        version: contract.version.to_string(),
                        event: event.name.clone(),
                        payload: payload.name.clone(),
                        scenario: scenario.id.clone(),
                    };
                    cases.push(Case { id, subject, payload, scenario });
                }
            }
        }
    }
    cases
}

/// The event of those that are heard at which the scenarios are run that are run at one event only.
fn the_one(heard_at: &[(&Event, Vec<&Payload>)]) -> Option<String> {
    let is_gate = |payloads: &Vec<&Payload>| payloads.iter().any(|payload| payload.is("dangerous"));
    let gate = heard_at.iter().find(|(_, payloads)| is_gate(payloads));
    let any = || heard_at.iter().find(|(_, payloads)| !payloads.is_empty());
    gate.or_else(any).map(|(event, _)| event.name.clone())
}
