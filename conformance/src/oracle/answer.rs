//! From a document to an answer: the platform's own check, and what the fields say.

use indexmap::IndexMap;
use serde_json::Value;

use crate::contract::type_names;
use crate::contract::{AnswerClass, Basis, Contract, Decision, Event, Field, FieldPath, Reader, Role, TagRule};

/// Why the platform refuses a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The field.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) fault: Fault,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// What the rule rests on.
    pub(crate) basis: Basis,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It must be there.
    Missing,
    /// It is of another type.
    Type,
    /// It is `null`.
    Null,
    /// Its value is none of those allowed.
    Value,
    /// It names no event, or one without such an answer.
    UnknownEvent,
    /// It names another event.
    WrongEvent,
    /// The event does not take this key.
    StrictKey,
}

/// A decision that the answer makes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    pub(crate) decision: Decision,
    pub(crate) reason: Option<String>,
    pub(crate) basis: Basis,
}

/// What an accepted answer says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) decisions: Vec<Made>,
    pub(crate) contexts: Vec<String>,
    pub(crate) messages: Vec<(Vec<Reader>, String)>,
    pub(crate) input_update: Option<Value>,
    pub(crate) output_update: Option<(Value, Option<Vec<Reader>>)>,
    pub(crate) stop_run: bool,
    pub(crate) stop_reason: Option<String>,
    pub(crate) interrupt: bool,
    /// What the fields that were read rest on.
    pub(crate) basis: Vec<Basis>,
}

impl Answer {
    /// The strongest decision.
    pub(crate) fn decision(&self) -> Option<&Made> {
        let strongest = self.decisions.iter().map(|made| made.decision).max()?;
        let mut of_it = self.decisions.iter().filter(|made| made.decision == strongest);
        of_it.clone().find(|made| made.reason.is_some()).or_else(|| of_it.next())
    }
}

/// The value at a dotted path.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |here, key| here.as_object()?.get(key))
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(parent, _)| parent)
}

/// Checks `document` as the platform does.
pub(crate) fn check(contract: &Contract, event: &Event, document: &Value) -> Result<(), Refusal> {
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
        && union.rule == TagRule::FiringEvent
        && let Some(container) = document.get(&union.container)
        && container.is_object()
    {
        let path = format!("{}.{}", union.container, union.tag);
        let basis = Basis { evidence: union.evidence, source: union.source.clone() };
        let refuse = |fault, message| Refusal { path: path.clone(), fault, message, basis: basis.clone() };
        let name = match container.get(&union.tag) {
            None => return Err(refuse(Fault::Missing, format!("`{path}` is missing"))),
            Some(Value::String(name)) => name,
            Some(_) => return Err(refuse(Fault::Type, format!("`{path}` must be a string"))),
        };
        if !event.output.contains_key(&path) || *name != event.name {
            match contract.events.get(name) {
                Some(other) if *name != event.name && other.output.contains_key(&path) => {
                    let message = format!("`{path}` is {name:?}, but the event is {:?}", event.name);
                    wrong_event = Some(refuse(Fault::WrongEvent, message));
                    of_other = other.output.clone();
                    fields = &of_other;
                }
                _ => {
                    let message = if *name == event.name {
                        format!("{} takes no `{}`", event.name, union.container)
                    } else {
                        format!("`{path}` is {name:?}, which is no event that takes such an answer")
                    };
                    return Err(refuse(Fault::UnknownEvent, message));
                }
            }
        }
    }
    for (path, field) in fields {
        check_field(contract, fields, document, path, field)?;
    }
    wrong_event.map_or(Ok(()), Err)
}

fn check_field(
    contract: &Contract,
    fields: &IndexMap<FieldPath, Field>,
    document: &Value,
    path: &str,
    field: &Field,
) -> Result<(), Refusal> {
    let refuse = |fault, message| Err(Refusal { path: path.to_owned(), fault, message, basis: field.basis.clone() });
    let parent_there = match parent(path) {
        None => true,
        Some(parent) => at(document, parent).is_some_and(Value::is_object) && is_read(fields, document, parent),
    };
    if !parent_there || !is_active(document, field) || field.role == Some(Role::EventName) {
        return Ok(());
    }
    let Some(value) = at(document, path) else {
        return if field.required { refuse(Fault::Missing, format!("`{path}` is missing")) } else { Ok(()) };
    };
    if value.is_null() && !field.types.iter().any(|ty| ty.admits(value)) {
        return if contract.reading.null_is_refused.is {
            refuse(Fault::Null, format!("`{path}` is null; leave it out instead"))
        } else {
            Ok(())
        };
    }
    if !field.types.iter().any(|ty| ty.admits(value)) {
        return refuse(Fault::Type, format!("`{path}` must be {}", type_names(&field.types)));
    }
    if let (Some(items), Some(kind)) = (value.as_array(), field.items)
        && let Some(index) = items.iter().position(|item| !kind.admits(item))
    {
        return refuse(Fault::Type, format!("`{path}[{index}]` must be {kind}"));
    }
    if let Some(text) = value.as_str()
        && !field.values.is_empty()
        && !field.values.iter().any(|allowed| allowed == text)
    {
        return refuse(Fault::Value, format!("`{path}` is {text:?}; allowed are {}", field.values.join(", ")));
    }
    Ok(())
}

/// Whether the field's condition on another field holds.
fn is_active(document: &Value, field: &Field) -> bool {
    field.with.as_ref().is_none_or(|with| {
        at(document, &with.field).and_then(Value::as_str).is_some_and(|value| with.values.iter().any(|v| v == value))
    })
}

/// Whether the object at `path` is read at all: no condition on it or on what holds it fails.
fn is_read(fields: &IndexMap<FieldPath, Field>, document: &Value, path: &str) -> bool {
    std::iter::successors(Some(path), |path| parent(path))
        .all(|path| fields.get(path).is_none_or(|field| is_active(document, field)))
}

/// What an accepted document says at this event.
pub(crate) fn read(event: &Event, document: &Value, tool: Option<&str>) -> Answer {
    let mut answer = Answer::default();
    let reasons: Vec<(&str, &str)> = event
        .fields_with(Role::Reason)
        .filter(|(_, field)| is_active(document, field) && !is_hidden(document, field))
        .filter_map(|(path, field)| Some((field.explains.as_deref()?, at(document, path).and_then(Value::as_str)?)))
        .collect();
    for (path, field) in &event.output {
        let Some(value) = at(document, path) else { continue };
        if !is_active(document, field) || is_hidden(document, field) {
            continue;
        }
        if field.tool_prefix.as_ref().is_some_and(|prefix| !tool.is_some_and(|tool| tool.starts_with(prefix))) {
            continue;
        }
        let text = value.as_str();
        let readers = |default: Reader| field.audience.clone().unwrap_or_else(|| vec![default]);
        let mut used = true;
        match (field.role, text) {
            (Some(Role::Decision), Some(text)) => match field.map.get(text) {
                Some(&decision) => {
                    let reason = reasons.iter().find(|(of, _)| of == path).map(|(_, reason)| (*reason).to_owned());
                    let reason = reason.filter(|reason| !reason.is_empty());
                    answer.decisions.push(Made { decision, reason, basis: field.basis.clone() });
                }
                None => used = false,
            },
            (Some(Role::ModelContext), Some(text)) if !text.is_empty() => answer.contexts.push(text.to_owned()),
            (Some(Role::UserMessage), Some(text)) if !text.is_empty() => {
                answer.messages.push((readers(Reader::User), text.to_owned()));
            }
            (Some(Role::InputUpdate), _) => answer.input_update = Some(value.clone()),
            (Some(Role::OutputUpdate), _) => {
                answer.output_update = Some((value.clone(), field.audience.clone()));
            }
            (Some(Role::StopRun), _) => answer.stop_run = value == &Value::Bool(false),
            (Some(Role::StopReason), Some(text)) => answer.stop_reason = Some(text.to_owned()),
            (Some(Role::Interrupt), _) => answer.interrupt = value == &Value::Bool(true),
            _ => used = false,
        }
        if used {
            answer.basis.push(field.basis.clone());
        }
    }
    answer
}

fn is_hidden(document: &Value, field: &Field) -> bool {
    let there = |path: &FieldPath| at(document, path).is_some();
    field.hidden_by.as_ref().is_some_and(there) && !field.unhidden_by.as_ref().is_some_and(there)
}

/// The class under which exit rows know a refusal.
pub(crate) fn class_of(refusal: &Refusal) -> AnswerClass {
    if refusal.fault == Fault::WrongEvent { AnswerClass::WrongEvent } else { AnswerClass::Invalid }
}
