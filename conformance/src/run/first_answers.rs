//! The first answers of a hook of which nothing says for which events it is written: one or two payloads of each event.

use std::collections::BTreeSet;
use std::time::Duration;

use hookproof_harness::{Ending, Harness};
use serde_json::Value;

use super::pool::{CheckError, CheckOptions, Checker};
use super::worker::Worker;
use crate::payload::{Payload, Payloads};
use crate::plan::{Case, CaseId, Scenario};
use crate::subject::Subject;

/// How long a hook may take for its first answer. One that takes longer is not asked at every event.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a hook did when it was first asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstAnswers {
    /// Events that its JSON names as the one that it answers, such as `hookEventName`.
    pub named: BTreeSet<String>,
    /// Events at which it printed something, or did not end with exit code 0.
    pub responded: BTreeSet<String>,
    /// Those of them at which it did so for some payloads and not for others.
    pub told_apart: BTreeSet<String>,
    /// Events that were tried.
    pub tried: usize,
    /// Whether it could not be asked at every event, because it does not start or does not end.
    pub given_up: bool,
}

impl Checker<'_> {
    /// Runs a hook with the typical payload of each event, and with dangerous and secret ones until it responds to one.
    ///
    /// # Errors
    /// [`CheckError`] if no harness can be set up or a run could not be made.
    pub fn first_answers(
        &self,
        subject: &Subject,
        payloads: &Payloads,
        baseline: &Scenario,
    ) -> Result<FirstAnswers, CheckError> {
        let _running = self.interrupter.running();
        let harness = Harness::new()?;
        self.interrupter.watch(&harness);
        let options = CheckOptions { patience: self.options.patience.min(PATIENCE), ..self.options.clone() };
        let checker = Checker { options, interrupter: self.interrupter.clone(), ..*self };
        let mut worker = Worker::new(&checker, harness);
        let mut answers = FirstAnswers::default();
        for event in self.contract.events.values() {
            answers.tried += 1;
            let mut quiet = 0;
            for payload in telling(payloads, &self.contract.platform.id, &event.name) {
                let id = CaseId {
                    subject: subject.name.clone(),
                    platform: self.contract.platform.id.clone(),
                    version: self.contract.version.to_string(),
                    event: event.name.clone(),
                    payload: payload.name.clone(),
                    scenario: baseline.id.clone(),
                };
                let case = Case { id, subject, payload, scenario: baseline };
                let runs = worker.run(&case, None).map_err(CheckError::Run)?;
                let Some(run) = runs.first() else {
                    answers.given_up = true;
                    return Ok(answers);
                };
                let observation = &run.observation;
                let is_at_fault = matches!(observation.ending, Ending::NotStarted { .. } | Ending::TimedOut { .. });
                if is_at_fault || run.launch_fault.is_some() {
                    answers.given_up = true;
                    return Ok(answers);
                }
                let is_quiet = observation.stdout.total == 0
                    && observation.stderr.total == 0
                    && matches!(observation.ending, Ending::Exited { code: 0 });
                if let Ok(document) = serde_json::from_slice(&observation.stdout.bytes) {
                    names(&document, &mut |name| {
                        if self.contract.events.contains_key(name) {
                            answers.named.insert(name.to_owned());
                        }
                    });
                }
                if is_quiet {
                    quiet += 1;
                    continue;
                }
                answers.responded.insert(event.name.clone());
                if quiet > 0 {
                    answers.told_apart.insert(event.name.clone());
                }
                break;
            }
        }
        Ok(answers)
    }
}

/// The typical payload, and then what guards are there for.
fn telling<'p>(payloads: &'p Payloads, platform: &str, event: &str) -> impl Iterator<Item = &'p Payload> {
    let all: Vec<&Payload> = payloads.of(platform, event).collect();
    let typical = all.iter().copied().find(|payload| payload.is("typical"));
    let threats = all.into_iter().filter(|payload| payload.is("dangerous") || payload.is("secret"));
    typical.into_iter().chain(threats)
}

/// The values of keys that name an event, at any depth.
fn names(value: &Value, on: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key.to_lowercase().contains("event")
                    && let Some(name) = value.as_str()
                {
                    on(name);
                }
                names(value, on);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, on)),
        _ => {}
    }
}
