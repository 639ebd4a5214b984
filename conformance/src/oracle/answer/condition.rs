//! What fields ask of values, and of other fields.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Fault, at, parent};
use crate::contract::{Contract, Field, FieldPath, Mismatch, Need, Reading, With, type_names};

/// What is wrong with a value that the field does not take.
pub(crate) fn misfit(contract: &Contract, path: &str, field: &Field, value: &Value) -> Option<(Fault, String)> {
    if !field.types.iter().any(|ty| ty.admits(value)) {
        return Some((Fault::Type, format!("`{path}` must be {}", type_names(&field.types))));
    }
    if let (Some(items), Some(kind)) = (value.as_array(), field.items)
        && let Some(index) = items.iter().position(|item| !kind.admits(item))
    {
        return Some((Fault::Type, format!("`{path}[{index}]` must be {kind}")));
    }
    if let Some(text) = value.as_str()
        && !field.values.is_empty()
        && !is_among(&field.values, field, value)
    {
        let known = &contract.platform.title;
        return Some((Fault::Value, format!("`{path}` is {text:?}; {known} takes {}", field.values.join(", "))));
    }
    None
}

/// What a misfit costs.
pub(super) fn cost(contract: &Contract, field: &Field, fault: Fault) -> Mismatch {
    let (own, fact) = match fault {
        Fault::Type => (field.wrong_type, &contract.reading.wrong_type),
        _ => (field.wrong_value, &contract.reading.wrong_value),
    };
    own.unwrap_or_else(|| Reading::or(fact.as_ref(), Mismatch::Refused))
}

/// The value as contracts write it in lists of values.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether the value is one of `values`; any that is not null if there are none.
pub(super) fn is_among(values: &[String], field: &Field, value: &Value) -> bool {
    let same = |known: &String, word: &String| {
        known == word || (field.any_case && known.to_lowercase() == word.to_lowercase())
    };
    if values.is_empty() {
        return !value.is_null();
    }
    word(value).is_some_and(|word| values.iter().any(|known| same(known, &word)))
}

/// Whether a value needs a text that is not there.
pub(crate) fn is_wanting(document: &Value, field: &Field, value: &Value, need: &Need) -> bool {
    let text = at(document, &need.field).and_then(Value::as_str).unwrap_or_default();
    is_among(&need.values, field, value) && text.trim().is_empty()
}

/// Whether another field has such a value.
pub(super) fn holds(document: &Value, with: &With) -> bool {
    at(document, &with.field).and_then(word).is_some_and(|word| with.values.contains(&word))
}

/// Whether the platform looks at the field at all.
pub(super) fn is_active(document: &Value, field: &Field) -> bool {
    field.with.as_ref().is_none_or(|with| holds(document, with))
}

/// Whether the object at `path` is read at all: no condition on it or on what holds it fails.
pub(super) fn is_read(fields: &IndexMap<FieldPath, Field>, document: &Value, path: &str) -> bool {
    std::iter::successors(Some(path), |path| parent(path))
        .all(|path| fields.get(path).is_none_or(|field| is_active(document, field)))
}

/// Whether the field is looked at, and then not used because of another one.
pub(super) fn is_hidden(document: &Value, field: &Field) -> bool {
    let there = |path: &FieldPath| at(document, path).is_some();
    let hidden = field.hidden_by.as_ref().is_some_and(there) && !field.unhidden_by.as_ref().is_some_and(there);
    hidden || field.unless.as_ref().is_some_and(|unless| holds(document, unless))
}
