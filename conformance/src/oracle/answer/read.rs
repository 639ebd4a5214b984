//! What an accepted document says.

use serde_json::Value;

use super::condition::{is_active, is_hidden, is_wanting, misfit, word};
use super::{Answer, Made, at, each_at};
use crate::contract::{Contract, Decision, Event, Evidence, Field, Reader, Role};

/// What an accepted document says at this event.
pub(crate) fn read(contract: &Contract, event: &Event, document: &Value, tool: Option<&str>) -> Answer {
    let mut answer = Answer::default();
    let reasons: Vec<(&str, &str)> = event
        .fields_with(Role::Reason)
        .filter(|(_, field)| is_active(document, field) && !is_hidden(document, field))
        .filter_map(|(path, field)| Some((field.explains.as_deref()?, at(document, path).and_then(Value::as_str)?)))
        .collect();
    for (path, field) in &event.output {
        let texts: Vec<&str> = match field.role {
            Some(Role::ModelContext | Role::UserMessage) => texts_at(contract, document, path, field),
            _ => Vec::new(),
        };
        let Some(value) = at(document, path).or(texts.first().map(|_| &Value::Null)) else { continue };
        if !is_active(document, field) || is_hidden(document, field) {
            continue;
        }
        if field.tool_prefix.as_ref().is_some_and(|prefix| !tool.is_some_and(|tool| tool.starts_with(prefix))) {
            continue;
        }
        let is_absent = value.is_null() && texts.is_empty() && !field.types.iter().any(|ty| ty.admits(value));
        if is_absent || (texts.is_empty() && misfit(contract, path, field, value).is_some()) {
            continue;
        }
        if field.needs.iter().any(|need| is_wanting(document, field, value, need)) {
            continue;
        }
        let text = value.as_str();
        let readers = |default: Reader| field.audience.clone().unwrap_or_else(|| vec![default]);
        let mut used = true;
        match (field.role, text) {
            (Some(Role::Decision), _) => match meaning(field, value) {
                Some(decision) => {
                    let reason = reasons.iter().find(|(of, _)| of == path).map(|(_, reason)| (*reason).to_owned());
                    let reason = reason.filter(|reason| !reason.is_empty());
                    answer.decisions.push(Made { decision, reason, basis: field.basis.clone() });
                }
                None => used = false,
            },
            (Some(Role::Continuation), Some(text)) if !text.trim().is_empty() => {
                let (decision, reason) = (Decision::Deny, Some(text.to_owned()));
                answer.decisions.push(Made { decision, reason, basis: field.basis.clone() });
            }
            (Some(Role::ModelContext), _) => {
                answer.contexts.extend(texts.iter().filter(|text| !text.is_empty()).map(|text| escaped(field, text)));
            }
            (Some(Role::UserMessage), _) => {
                for text in texts.iter().filter(|text| !text.is_empty()) {
                    answer.messages.push((readers(Reader::User), (*text).to_owned()));
                }
            }
            (Some(Role::InputUpdate), _) => answer.input_update = Some(unwrapped(field, value)),
            (Some(Role::OutputUpdate), _) => {
                answer.output_update = Some((value.clone(), field.audience.clone()));
            }
            // A wish to end the run that is a text is made by any text.
            (Some(Role::StopRun), Some(text)) => answer.stop_run |= field.stops_when && !text.trim().is_empty(),
            (Some(Role::StopRun), None) => answer.stop_run |= value == &Value::Bool(field.stops_when),
            (Some(Role::StopReason), Some(text)) => answer.stop_reason = Some(text.to_owned()),
            (Some(Role::Interrupt), _) => answer.interrupt = value == &Value::Bool(true),
            // That a field does nothing is a fact like any other, and sources may contradict each other on it.
            (Some(Role::Ignored), _) => used = field.basis.evidence >= Evidence::Disputed,
            _ => used = false,
        }
        if used {
            answer.basis.push(field.basis.clone());
        }
    }
    answer
}

/// What a value decides.
fn meaning(field: &Field, value: &Value) -> Option<Decision> {
    let word = word(value)?;
    let lower = |text: &str| text.to_lowercase();
    let found = field.map.get(&word);
    found
        .or_else(|| {
            field.map.iter().find(|(known, _)| field.any_case && lower(known) == lower(&word)).map(|(_, made)| made)
        })
        .copied()
}

/// The texts that a field holds: one, those of a list, or those of each item.
fn texts_at<'v>(contract: &Contract, document: &'v Value, path: &str, field: &Field) -> Vec<&'v str> {
    let values = if path.contains("[]") { each_at(document, path) } else { at(document, path).into_iter().collect() };
    let fitting = values.into_iter().filter(|value| misfit(contract, path, field, value).is_none());
    fitting
        .flat_map(|value| match value {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        })
        .collect()
}

/// The text as it is read: some platforms replace characters that could end their own markup.
fn escaped(field: &Field, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' if field.escapes.contains(c) => escaped.push_str("&lt;"),
            '>' if field.escapes.contains(c) => escaped.push_str("&gt;"),
            '&' if field.escapes.contains(c) => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The value, or the JSON that a string holds where the platform looks into it.
fn unwrapped(field: &Field, value: &Value) -> Value {
    let inner = value.as_str().filter(|_| field.unwrap).and_then(|text| serde_json::from_str(text).ok());
    inner.unwrap_or_else(|| value.clone())
}
