//! The rule `braced-json`: what starts with `{` and ends with `}` is meant as one JSON document.

use serde_json::Value;

use super::{Reading, sets_output_field};
use crate::contract::{Basis, BrokenRule, Contract, Event, Role};
use crate::json;

pub(super) fn read(contract: &Contract, event: &Event, text: &str, basis: &mut Vec<Basis>) -> Reading {
    let rules = &contract.reading;
    basis.push(Basis { evidence: rules.evidence, source: rules.source.clone() });
    if text.is_empty() {
        return Reading::Empty;
    }
    if let Some((first, rest)) = text.split_once('\n')
        && !rest.trim().is_empty()
        && json::parse(first.trim()).is_ok_and(|line| announces(event, &line.value))
    {
        basis.push(rules.announcement_line.basis());
        if rules.announcement_line.is {
            return Reading::Announced;
        }
    }
    if !(text.starts_with('{') && text.ends_with('}')) {
        return Reading::Text;
    }
    match json::parse(text) {
        Ok(document) if announces(event, &document.value) => Reading::Announced,
        Ok(document) => Reading::Document(document),
        Err(_) if rules.separate_lines_are_text.is && separate_lines(event, text) => {
            basis.push(rules.separate_lines_are_text.basis());
            Reading::Text
        }
        Err(error) => {
            basis.push(rules.broken.basis());
            match rules.broken.is {
                BrokenRule::Failed => Reading::Broken(error),
                BrokenRule::Text => Reading::Text,
            }
        }
    }
}

/// Whether the document sends the hook to the background.
fn announces(event: &Event, value: &Value) -> bool {
    event.fields_with(Role::Background).any(|(path, _)| value.get(path) == Some(&Value::Bool(true)))
}

/// Two or more lines that each parse alone, none of which sets an output field.
fn separate_lines(event: &Event, text: &str) -> bool {
    let mut count = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match json::parse(line) {
            Ok(document) if !sets_output_field(event, &document.value) => count += 1,
            _ => return false,
        }
    }
    count >= 2
}
