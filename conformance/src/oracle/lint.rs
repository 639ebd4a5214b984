//! Rules that one run alone shows to be broken.
//!
//! Each finding carries the id of its requirement and the weight of the contract facts behind it; what the requirement
//! is worth, and in which scenarios it counts, is said in `requirements/`.

mod around;
mod background;
mod document;
mod exit;
mod keys;
mod schema;
mod stream;
#[cfg(test)]
mod tests;
mod unread;
pub(super) mod words;

use super::effect::{Effect, Problem};
use super::exit::Ruling;
use super::{Ended, Run, Said};
use crate::contract::{Basis, Evidence, ExitThen};

/// Collects problems.
pub(super) struct Problems<'a> {
    run: &'a Run<'a>,
    found: Vec<Problem>,
}

impl Problems<'_> {
    /// Notes a problem that rests on the event itself.
    fn add(&mut self, requirement: &str, message: impl Into<String>) {
        let basis = self.run.event.basis.clone();
        self.add_on(&[basis], requirement, message);
    }

    /// Notes a problem that rests on these facts.
    fn add_on(&mut self, facts: &[Basis], requirement: &str, message: impl Into<String>) {
        let evidence = facts.iter().map(|basis| self.run.contract.weigh(basis)).max();
        self.found.push(Problem {
            requirement: requirement.to_owned(),
            message: message.into(),
            evidence: Some(evidence.unwrap_or(Evidence::Unconfirmed)),
            loses_denial: false,
        });
    }

    /// Notes of the last problem that a denial, or a question to the user, is lost by it.
    fn loses_denial(&mut self) {
        if let Some(last) = self.found.last_mut() {
            last.loses_denial = true;
        }
    }

    /// Whether something of this category was noted.
    fn any(&self, category: &str) -> bool {
        self.found.iter().any(|problem| problem.requirement.starts_with(category))
    }
}

pub(super) fn problems(run: &Run<'_>, ruling: &Ruling, effect: &Effect) -> Vec<Problem> {
    let mut problems = Problems { run, found: Vec::new() };
    document::lint(&mut problems);
    schema::lint(&mut problems, ruling, effect);
    stream::lint(&mut problems, ruling, effect);
    exit::lint(&mut problems, ruling, effect);
    background::lint(&mut problems, ruling);
    unexplained(&mut problems, ruling);
    problems.found
}

/// Whether stdout held an answer that the platform accepts.
fn answered(run: &Run<'_>) -> bool {
    matches!(run.said, Said::Answer(_) | Said::Announced)
}

/// A run that the platform takes for failed because of its stdout has a finding, whatever the fault is.
fn unexplained(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    if ruling.then != ExitThen::Failed || run.facts.ended != Ended::Exit(0) || !problems.found.is_empty() {
        return;
    }
    match run.said {
        Said::Broken(error) => {
            problems.add_on(&ruling.basis, "json.syntax", format!("stdout is meant as JSON and is none: {error}"));
        }
        Said::Text | Said::Answer(_) if !ruling.held => {
            problems.add_on(
                &ruling.basis,
                "stream.text-refused",
                "what stands on stdout is no answer that the platform takes: the hook counts as failed",
            );
        }
        _ => {}
    }
}
