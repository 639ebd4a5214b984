//! Keys of an accepted answer that the event does not know.

use serde_json::Value;

use super::Problems;
use super::words::{Wish, is_text, said, squash};
use crate::contract::{Basis, Contract, Event, EventKind, Field, Role, plain_path};
use crate::oracle::answer::{Answer, at};
use crate::oracle::effect::Effect;

/// What an unknown key is worth.
enum Worth {
    /// A denial, or a question, that the platform does not read: the words for it.
    Decision(String),
    /// A field at another place or in another spelling: requirement, message, and what it rests on.
    Fault(&'static str, String, Vec<Basis>),
    /// A text that nobody reads.
    Text,
    /// Nothing is lost with it.
    Extra,
}

/// A key that the event does not know.
struct Unknown {
    /// Its path.
    here: String,
    worth: Worth,
}

pub(super) fn lint(problems: &mut Problems<'_>, answer: &Answer, document: &Value, effect: &Effect) {
    let run = problems.run;
    let unknown: Vec<Unknown> = unknown(run.event, document)
        .into_iter()
        .flat_map(|here| worths(run.contract, run.event, document, &here, effect))
        .collect();
    let decides = |unknown: &Unknown| matches!(unknown.worth, Worth::Decision(_) | Worth::Fault(..));
    // Its texts go with a decision that is lost: they are no further fault.
    let lost = unknown.iter().any(decides);
    let good = says_something(answer);
    let mut extra = Vec::new();
    for Unknown { here, worth } in unknown {
        match worth {
            Worth::Decision(message) => {
                problems.add_on(&dropped(problems), "schema.decision-not-read", message);
            }
            Worth::Fault(requirement, message, basis) => problems.add_on(&basis, requirement, message),
            Worth::Text if !good && !lost => match owner(run.contract, run.event, &here) {
                Some(other) => problems.add(
                    "schema.foreign-field",
                    format!("`{here}` is no field of {}; {} has it", run.event.name, other.name),
                ),
                None => {
                    problems.add("schema.unknown-field", format!("`{here}` is no field of any answer and is not read"));
                }
            },
            Worth::Text | Worth::Extra if !lost => extra.push(here),
            Worth::Text | Worth::Extra => {}
        }
    }
    if !extra.is_empty() {
        let names: Vec<String> = extra.iter().map(|here| format!("`{here}`")).collect();
        problems.add_on(
            &dropped(problems),
            "schema.extra-keys",
            format!(
                "{} {} no field of {}",
                names.join(", "),
                if names.len() == 1 { "is" } else { "are" },
                run.event.name
            ),
        );
    }
}

/// What it rests on that unknown keys are dropped.
fn dropped(problems: &Problems<'_>) -> [Basis; 1] {
    let reading = &problems.run.contract.reading;
    [reading.basis_of(reading.unknown_keys.as_ref())]
}

/// Whether the platform reads anything in the answer.
fn says_something(answer: &Answer) -> bool {
    !answer.decisions.is_empty()
        || !answer.contexts.is_empty()
        || !answer.messages.is_empty()
        || answer.input_update.is_some()
        || answer.output_update.is_some()
        || answer.stop_run
}

/// The paths of the keys that the event does not know, in every object that it looks into.
fn unknown(event: &Event, document: &Value) -> Vec<String> {
    let is_below = |known: &str, path: &str| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let known = |path: &str| event.output.keys().any(|known| plain_path(known) == path || is_below(known, path));
    let looks_into = |path: &str| event.output.keys().any(|known| is_below(known, path));
    let mut found = Vec::new();
    let mut open = vec![(String::new(), document)];
    while let Some((path, value)) = open.pop() {
        for (key, value) in value.as_object().into_iter().flatten() {
            let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if !known(&here) {
                found.push(here);
            } else if value.is_object() && looks_into(&here) {
                open.push((here, value));
            }
        }
    }
    found
}

fn worths(contract: &Contract, event: &Event, document: &Value, here: &str, effect: &Effect) -> Vec<Unknown> {
    let one = |worth| vec![Unknown { here: here.to_owned(), worth }];
    let Some(value) = at(document, here) else { return Vec::new() };
    let (container, key) = here.rsplit_once('.').map_or((None, here), |(container, key)| (Some(container), key));
    let wish = said(key, value);
    if value.is_null() {
        return one(Worth::Extra);
    }
    // The same word in another spelling, at the same place.
    let name_of = |path: &str| plain_path(path).rsplit('.').next().unwrap_or(path).to_owned();
    let same_place = |path: &str| path.rsplit_once('.').map(|(parent, _)| parent) == container;
    if let Some((path, field)) =
        event.output.iter().find(|(path, _)| same_place(path) && squash(&name_of(path)) == squash(key))
    {
        // That another spelling is dropped is a fact of its own.
        let other = contract.reading.basis_of(contract.reading.unknown_keys.as_ref());
        let message = format!("`{here}` is not read; the field is spelled `{}`", plain_path(path));
        return one(Worth::Fault("schema.wrong-case", message, vec![field.basis.clone(), other]));
    }
    // A field of this event, at another place.
    if let Some((path, field)) = event.output.iter().find(|(path, field)| {
        squash(&name_of(path)) == squash(key)
            && at(document, path).is_none()
            && is_misplaced(field, value, wish.is_some())
    }) {
        let message = format!("`{here}` is not read; its place is `{}`", plain_path(path));
        return one(Worth::Fault("schema.misplaced-field", message, vec![field.basis.clone()]));
    }
    // Fields of this event, inside an object that it does not know.
    let inside: Vec<Unknown> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(inner, value)| {
            let (path, field) = event.output.iter().find(|(path, field)| {
                name_of(path) == *inner
                    && is_misplaced(field, value, said(inner, value).is_some())
                    && at(document, path).is_none()
            })?;
            let there = format!("{here}.{inner}");
            let message = format!("`{there}` is not read; its place is `{}`", plain_path(path));
            let worth = Worth::Fault("schema.misplaced-field", message, vec![field.basis.clone()]);
            Some(Unknown { here: there, worth })
        })
        .collect();
    if !inside.is_empty() {
        return inside;
    }
    // A decision in words that the platform does not read.
    if let Some(said) = wish
        && is_lost(event, effect, said.wish)
        && (is_early(event.kind) || owner(contract, event, here).is_none())
    {
        let does = if said.wish == Wish::Deny { "denies nothing" } else { "asks nobody" };
        let message = format!("`{here}{}: {}` {does}: {} has no such field", said.below, said.word, event.name);
        return one(Worth::Decision(message));
    }
    let foreign_decision = owner(contract, event, here).is_some_and(|other| {
        other.output.iter().any(|(path, field)| plain_path(path) == here && field.role == Some(Role::Decision))
    });
    one(if is_text(key, value) || foreign_decision { Worth::Text } else { Worth::Extra })
}

/// Whether a value at another place was meant for this field.
fn is_misplaced(field: &Field, value: &Value, decides: bool) -> bool {
    let telling = [
        Role::Continuation,
        Role::Reason,
        Role::ModelContext,
        Role::UserMessage,
        Role::InputUpdate,
        Role::OutputUpdate,
        Role::StopRun,
        Role::Interrupt,
    ];
    let fits = field.types.iter().any(|kind| kind.admits(value));
    match field.role {
        Some(Role::Decision) => decides || value.as_str().is_some_and(|word| field.map.contains_key(word)),
        Some(role) => fits && telling.contains(&role),
        None => false,
    }
}

/// The event of the platform that has a field at just this place.
fn owner<'c>(contract: &'c Contract, event: &Event, here: &str) -> Option<&'c Event> {
    contract.events.values().find(|other| {
        other.name != event.name
            && other.output.iter().any(|(path, field)| {
                plain_path(path) == here && !matches!(field.role, Some(Role::EventName | Role::Ignored))
            })
    })
}

/// Whether a decision that the platform did not read would have counted at this event.
pub(super) fn is_lost(event: &Event, effect: &Effect, wish: Wish) -> bool {
    let is_gate = matches!(event.kind, EventKind::Gate | EventKind::Prompt | EventKind::Stop);
    effect.decision.is_none() && !effect.stops_the_step() && event.can_deny() && (wish == Wish::Deny || is_gate)
}

/// Whether a decision comes in time to keep something from happening.
fn is_early(kind: EventKind) -> bool {
    matches!(kind, EventKind::Gate | EventKind::Request | EventKind::Prompt | EventKind::Stop)
}
