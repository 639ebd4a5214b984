//! The platform's own check of a document.

use indexmap::IndexMap;
use serde_json::Value;

use super::condition::{cost, holds, is_active, is_among, is_read, is_wanting, misfit};
use super::{Fault, Refusal, at, parent};
use crate::contract::{
    Basis, Contract, Event, Field, FieldPath, Mismatch, NonObject, Reading, Role, TagRule, Union, UnknownKeys,
    plain_path,
};
use crate::oracle::reading::names_event;

/// Checks `document` as the platform does.
pub(crate) fn check(contract: &Contract, event: &Event, document: &Value) -> Result<(), Refusal> {
    if !document.is_object() {
        let fact = contract.reading.non_object.as_ref();
        return match Reading::or(fact, NonObject::Nothing) {
            NonObject::Nothing | NonObject::Text => Ok(()),
            NonObject::Refused => Err(Refusal {
                path: String::new(),
                fault: Fault::NotAnObject,
                message: "stdout is JSON and no object".to_owned(),
                basis: contract.reading.basis_of(fact),
            }),
        };
    }
    unknown_keys(contract, event, document)?;
    if let Some(strict) = &event.strict_keys
        && let Some(object) = document.as_object()
        && let Some(key) = object.keys().find(|key| !strict.keys.contains(key))
    {
        return Err(Refusal {
            path: key.clone(),
            fault: Fault::StrictKey,
            message: format!("{} does not take the key `{key}`", event.name),
            basis: Basis { evidence: strict.evidence, source: strict.source.clone() },
        });
    }
    let mut wrong_event = None;
    let mut fields = &event.output;
    let of_other;
    if let Some(union) = &contract.reading.union
        && document.get(&union.container).is_some_and(Value::is_object)
    {
        match union.rule {
            TagRule::FiringEvent => {
                if let Some((refusal, other)) = of_another_event(contract, event, union, document)? {
                    wrong_event = Some(refusal);
                    of_other = other.output.clone();
                    fields = &of_other;
                }
            }
            TagRule::KnownEvent => {
                let (name, refuse) = tag(union, document)?;
                if !contract.events.contains_key(name) {
                    let path = format!("{}.{}", union.container, union.tag);
                    let message = format!("`{path}` is {name:?}, which is no event of {}", contract.platform.title);
                    return Err(refuse(Fault::UnknownEvent, message));
                }
            }
            TagRule::DroppedIfOther | TagRule::Unchecked => {}
        }
    }
    for (path, field) in fields {
        check_field(contract, event, fields, document, path, field)?;
    }
    wrong_event.map_or(Ok(()), Err)
}

/// The name that the tag of the union holds, and what makes refusals of it.
fn tag<'v>(union: &Union, document: &'v Value) -> Result<(&'v str, impl Fn(Fault, String) -> Refusal), Refusal> {
    let path = format!("{}.{}", union.container, union.tag);
    let basis = Basis { evidence: union.evidence, source: union.source.clone() };
    let value = at(document, &path);
    let refuse = move |fault, message| Refusal { path: path.clone(), fault, message, basis: basis.clone() };
    let spelled = format!("{}.{}", union.container, union.tag);
    match value {
        None => Err(refuse(Fault::Missing, format!("`{spelled}` is missing"))),
        Some(Value::String(name)) => Ok((name, refuse)),
        Some(_) => Err(refuse(Fault::Type, format!("`{spelled}` must be a string"))),
    }
}

/// The other event that an answer is for, with the refusal that this is worth; `None` if it is for `event`.
fn of_another_event<'c>(
    contract: &'c Contract,
    event: &Event,
    union: &Union,
    document: &Value,
) -> Result<Option<(Refusal, &'c Event)>, Refusal> {
    let path = format!("{}.{}", union.container, union.tag);
    let (name, refuse) = tag(union, document)?;
    if event.output.contains_key(&path) && names_event(event, name) {
        return Ok(None);
    }
    match contract.events.get(name) {
        Some(other) if name != event.name && other.output.contains_key(&path) => {
            let message = format!("`{path}` is {name:?}, but the event is {:?}", event.name);
            Ok(Some((refuse(Fault::WrongEvent, message), other)))
        }
        _ => {
            let message = if name == event.name {
                format!("{} takes no `{}`", event.name, union.container)
            } else {
                format!("`{path}` is {name:?}, which is no event that takes such an answer")
            };
            Err(refuse(Fault::UnknownEvent, message))
        }
    }
}

/// Refuses keys that the contract does not know, where the platform does.
fn unknown_keys(contract: &Contract, event: &Event, document: &Value) -> Result<(), Refusal> {
    let fact = contract.reading.unknown_keys.as_ref();
    if Reading::or(fact, UnknownKeys::Dropped) == UnknownKeys::Dropped {
        return Ok(());
    }
    let described = |container: &str, key: &str| {
        let path = if container.is_empty() { key.to_owned() } else { format!("{container}.{key}") };
        let below = format!("{path}.");
        event.output.keys().map(|known| plain_path(known)).any(|known| known == path || known.starts_with(&below))
    };
    let containers = event.fields_with(Role::Container).map(|(path, _)| plain_path(path));
    let open = |path: &str| !event.output.keys().any(|known| known.starts_with(&format!("{path}.")));
    for container in std::iter::once("").chain(containers.filter(|path| !open(path))) {
        let object = if container.is_empty() { Some(document) } else { at(document, container) };
        let unknown =
            object.and_then(Value::as_object).and_then(|object| object.keys().find(|key| !described(container, key)));
        if let Some(key) = unknown {
            let path = if container.is_empty() { key.clone() } else { format!("{container}.{key}") };
            let message = format!("{} does not take the key `{path}`", event.name);
            return Err(Refusal { path, fault: Fault::UnknownKey, message, basis: contract.reading.basis_of(fact) });
        }
    }
    Ok(())
}

fn check_field(
    contract: &Contract,
    event: &Event,
    fields: &IndexMap<FieldPath, Field>,
    document: &Value,
    path: &str,
    field: &Field,
) -> Result<(), Refusal> {
    let spelled = plain_path(path);
    let refuse = |fault, message| Err(Refusal { path: spelled.to_owned(), fault, message, basis: field.basis.clone() });
    let parent_there = match parent(spelled) {
        None => true,
        Some(parent) => at(document, parent).is_some_and(Value::is_object) && is_read(fields, document, parent),
    };
    if !parent_there || !is_active(document, field) {
        return Ok(());
    }
    if field.role == Some(Role::EventName) {
        // The name inside of the union was looked at before.
        return match at(document, path).and_then(Value::as_str) {
            Some(name) if field.binding && !names_event(event, name) => {
                refuse(Fault::WrongEvent, format!("`{spelled}` is {name:?}, but the event is {:?}", event.name))
            }
            _ => Ok(()),
        };
    }
    let Some(value) = at(document, path) else {
        return if field.required { refuse(Fault::Missing, format!("`{spelled}` is missing")) } else { Ok(()) };
    };
    if value.is_null() && !field.types.iter().any(|ty| ty.admits(value)) {
        return if Reading::or(contract.reading.null_is_refused.as_ref(), false) {
            refuse(Fault::Null, format!("`{spelled}` is null; leave it out instead"))
        } else if field.required {
            refuse(Fault::Missing, format!("`{spelled}` is null, which counts as missing"))
        } else {
            Ok(())
        };
    }
    if let Some((fault, message)) = misfit(contract, spelled, field, value)
        && cost(contract, field, fault) == Mismatch::Refused
    {
        return refuse(fault, message);
    }
    // What is not read has no meaning that could be refused.
    if field.unless.as_ref().is_some_and(|unless| holds(document, unless)) {
        return Ok(());
    }
    let refused = field.refuse.iter().find(|rule| {
        let there = |path: &FieldPath| at(document, path).is_some_and(|other| !other.is_null());
        is_among(&rule.values, field, value) && !rule.without.as_ref().is_some_and(there)
    });
    if let Some(rule) = refused {
        let beside = rule.without.as_ref().map(|path| format!(" without `{}`", plain_path(path))).unwrap_or_default();
        let told = format!("{} supports no `{spelled}`", event.name);
        let message = if rule.values.is_empty() { told } else { format!("{told} of {value}") };
        return refuse(Fault::Unsupported, format!("{message}{beside}"));
    }
    match field.needs.iter().find(|need| is_wanting(document, field, value, need)) {
        Some(need) if need.otherwise == Mismatch::Refused => {
            refuse(Fault::NeedsText, format!("`{spelled}` of {value} needs a text in `{}`", plain_path(&need.field)))
        }
        _ => Ok(()),
    }
}
