//! The rule `braced-json`: what starts with `{` and ends with `}` is meant as one JSON document.

use serde_json::Value;

use super::{Reader, Reading, sets_output_field};
use crate::contract::{Event, Role};
use crate::json;

pub(super) fn read(reader: &mut Reader<'_>, text: &str) -> Reading {
    let (rules, event) = (&reader.contract.reading, reader.event);
    if let Some((first, rest)) = text.split_once('\n')
        && let Some(fact) = &rules.announcement_line
        && !rest.trim().is_empty()
        && json::parse(first.trim()).is_ok_and(|line| announces(event, &line.value))
    {
        reader.basis.push(fact.basis());
        if fact.is {
            return Reading::Announced;
        }
    }
    if !(text.starts_with('{') && text.ends_with('}')) {
        return Reading::Text;
    }
    let separate = rules.separate_lines_are_text.as_ref().filter(|fact| fact.is);
    match json::parse(text) {
        Ok(document) if announces(event, &document.value) => Reading::Announced,
        Ok(document) => reader.document(document),
        Err(error) => match separate {
            Some(fact) if separate_lines(event, text) => {
                reader.basis.push(fact.basis());
                Reading::Text
            }
            _ => reader.broken(error),
        },
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
