//! From a document to an answer: the platform's own check, and what the fields say.

use indexmap::IndexMap;
use serde_json::Value;

use super::reading::names_event;
use crate::contract::{
    AnswerClass, Basis, Contract, Decision, Event, Field, FieldPath, Mismatch, NonObject, Reader, Reading, Role,
    TagRule, Union, UnknownKeys, With, plain_path, type_names,
};

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
    /// The platform takes no key that it does not know, and does not know this one.
    UnknownKey,
    /// The platform reads the value, and then refuses the answer.
    Unsupported,
    /// The value needs a text in another field.
    NeedsText,
    /// The document is no object.
    NotAnObject,
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
    plain_path(path).split('.').try_fold(value, |here, key| here.as_object()?.get(key))
}

/// The values at a path in which `[]` stands for each item of an array.
fn each_at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    plain_path(path).split('.').fold(vec![value], |here, segment| {
        let name = segment.trim_end_matches("[]");
        let members = here.into_iter().filter_map(|value| value.as_object()?.get(name));
        if segment.ends_with("[]") {
            members.filter_map(Value::as_array).flatten().collect()
        } else {
            members.collect()
        }
    })
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(parent, _)| parent)
}

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

/// What is wrong with a value that the field does not take.
fn misfit(contract: &Contract, path: &str, field: &Field, value: &Value) -> Option<(Fault, String)> {
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
fn cost(contract: &Contract, field: &Field, fault: Fault) -> Mismatch {
    let (own, fact) = match fault {
        Fault::Type => (field.wrong_type, &contract.reading.wrong_type),
        _ => (field.wrong_value, &contract.reading.wrong_value),
    };
    own.unwrap_or_else(|| Reading::or(fact.as_ref(), Mismatch::Refused))
}

/// The value as contracts write it in lists of values.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether the value is one of `values`; any that is not null if there are none.
fn is_among(values: &[String], field: &Field, value: &Value) -> bool {
    let same = |known: &String, word: &String| {
        known == word || (field.any_case && known.to_lowercase() == word.to_lowercase())
    };
    if values.is_empty() {
        return !value.is_null();
    }
    word(value).is_some_and(|word| values.iter().any(|known| same(known, &word)))
}

/// Whether a value needs a text that is not there.
fn is_wanting(document: &Value, field: &Field, value: &Value, need: &crate::contract::Need) -> bool {
    let text = at(document, &need.field).and_then(Value::as_str).unwrap_or_default();
    is_among(&need.values, field, value) && text.trim().is_empty()
}

/// Whether another field has such a value.
fn holds(document: &Value, with: &With) -> bool {
    at(document, &with.field).and_then(word).is_some_and(|word| with.values.contains(&word))
}

/// Whether the platform looks at the field at all.
fn is_active(document: &Value, field: &Field) -> bool {
    field.with.as_ref().is_none_or(|with| holds(document, with))
}

/// Whether the object at `path` is read at all: no condition on it or on what holds it fails.
fn is_read(fields: &IndexMap<FieldPath, Field>, document: &Value, path: &str) -> bool {
    std::iter::successors(Some(path), |path| parent(path))
        .all(|path| fields.get(path).is_none_or(|field| is_active(document, field)))
}

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

/// Whether the field is looked at, and then not used because of another one.
fn is_hidden(document: &Value, field: &Field) -> bool {
    let there = |path: &FieldPath| at(document, path).is_some();
    let hidden = field.hidden_by.as_ref().is_some_and(there) && !field.unhidden_by.as_ref().is_some_and(there);
    hidden || field.unless.as_ref().is_some_and(|unless| holds(document, unless))
}

/// The class under which exit rows know a refusal.
pub(crate) fn class_of(refusal: &Refusal) -> AnswerClass {
    if refusal.fault == Fault::WrongEvent { AnswerClass::WrongEvent } else { AnswerClass::Invalid }
}
