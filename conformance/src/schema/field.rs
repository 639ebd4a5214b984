//! One field of the contract: what a value must be, and what a person should know of it.

use serde_json::{Map, Value, json};

use super::Direction;
use super::tree::Rules;
use crate::contract::{Field, Mismatch, Reader, Reading, Role, Shape, ValueType};

/// What a person should know of a field: what goes before the constraints, and what goes behind them.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    pub(super) before: Map<String, Value>,
    pub(super) after: Map<String, Value>,
}

/// What a value of the field must be.
pub(super) fn constraints(rules: &Rules<'_>, field: &Field) -> Map<String, Value> {
    let mut schema = Map::new();
    // A platform that takes null for an absent field takes it for every optional one; what it sends has no such rule.
    let null_is_taken =
        rules.direction == Direction::Output && !Reading::or(rules.contract.reading.null_is_refused.as_ref(), false);
    let output = rules.direction == Direction::Output;
    let ignores = |own: Option<Mismatch>, fact: Option<&crate::contract::Fact<Mismatch>>| {
        output && own.unwrap_or_else(|| Reading::or(fact, Mismatch::Refused)) == Mismatch::Ignored
    };
    // What is ignored if it does not fit may be anything.
    if field.types.contains(&ValueType::Any) || ignores(field.wrong_type, rules.contract.reading.wrong_type.as_ref()) {
        return schema;
    }
    let any_value = field.any_case || ignores(field.wrong_value, rules.contract.reading.wrong_value.as_ref());
    let mut types: Vec<String> = field.types.iter().map(ToString::to_string).collect();
    if null_is_taken && !field.required && !field.types.contains(&ValueType::Null) {
        types.push(ValueType::Null.to_string());
    }
    let only_strings = types == ["string"];
    schema.insert("type".to_owned(), if types.len() == 1 { json!(types[0]) } else { json!(types) });
    if !field.values.is_empty() && !any_value {
        if only_strings {
            schema.insert("enum".to_owned(), json!(field.values));
        } else {
            // The list is of strings; what is of another type is judged by its type alone.
            schema.insert("if".to_owned(), json!({ "type": "string" }));
            schema.insert("then".to_owned(), json!({ "enum": field.values }));
        }
    }
    if field.shape == Some(Shape::Uuid) {
        schema.insert("format".to_owned(), json!("uuid"));
    }
    schema
}

/// Makes objects invalid, whatever else is said in `schema`.
pub(super) fn refuse_objects(schema: &mut Map<String, Value>) {
    let object = ValueType::Object.to_string();
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.retain(|ty| *ty != json!(object)),
        Some(ty) if *ty == json!(object) => {
            schema.remove("type");
            schema.insert("not".to_owned(), json!({}));
        }
        _ => {
            schema.insert("not".to_owned(), json!({ "type": object }));
        }
    }
}

/// What a person should know of the field.
pub(super) fn annotations(rules: &Rules<'_>, field: &Field) -> Annotations {
    let mut note = Annotations::default();
    let description = sentences(rules, field).join(" ");
    if !description.is_empty() {
        note.before.insert("description".to_owned(), json!(description));
    }
    if field.deprecated.is_some() && field.deprecated_values.is_empty() {
        note.before.insert("deprecated".to_owned(), json!(true));
    }
    if !field.known.is_empty() {
        note.after.insert("examples".to_owned(), json!(field.known));
    }
    if let Some(role) = field.role {
        note.after.insert("x-role".to_owned(), json!(role));
    }
    note.after.insert("x-evidence".to_owned(), json!(rules.contract.weigh(&field.basis)));
    note.after.insert("x-source".to_owned(), json!(field.basis.source));
    note
}

fn sentences(rules: &Rules<'_>, field: &Field) -> Vec<String> {
    let mut said: Vec<String> = field.role.and_then(|role| role_sentence(field, role)).into_iter().collect();
    if let Some(note) = &field.note {
        let note = sentence(note);
        if !said.contains(&note) {
            said.push(note);
        }
    }
    match field.shape {
        Some(Shape::AbsolutePath) => said.push("An absolute path.".to_owned()),
        Some(Shape::ToolInput) => said.push("Must fit the input of the tool.".to_owned()),
        Some(Shape::ToolOutput) => said.push("Must fit the output of the tool.".to_owned()),
        Some(Shape::Uuid) | None => {}
    }
    if !field.known.is_empty() {
        said.push("Values seen so far are given as examples; more may come.".to_owned());
    }
    if let Some(with) = &field.with {
        said.push(format!("Read only where `{}` is {}.", with.field, with.values.join(" or ")));
    }
    if let Some(other) = &field.hidden_by {
        let unless = field.unhidden_by.as_ref().map(|path| format!(" without `{path}`")).unwrap_or_default();
        said.push(format!("Not read beside `{other}`{unless}."));
    }
    if let Some(prefix) = &field.tool_prefix {
        said.push(format!("Read only for tools whose name begins with `{prefix}`."));
    }
    if let Some(limit) = &rules.contract.limits.text
        && field.role.is_some_and(|role| limit.roles.contains(&role))
    {
        said.push(format!("Beyond {} UTF-16 units it is not read whole.", limit.units));
    }
    if let Some(instead) = &field.deprecated {
        if field.deprecated_values.is_empty() {
            said.push(format!("Deprecated; use `{instead}`."));
        } else {
            said.push(format!("Deprecated values: {}; use `{instead}`.", field.deprecated_values.join(", ")));
        }
    }
    if let Some(since) = &field.since {
        said.push(format!("Since {since}."));
    }
    if let Some(until) = &field.until {
        said.push(format!("Until {until}."));
    }
    said
}

fn role_sentence(field: &Field, role: Role) -> Option<String> {
    let readers = |default: Reader| {
        let names = field.audience.clone().unwrap_or_else(|| vec![default]);
        let names: Vec<&str> = names
            .iter()
            .map(|reader| match reader {
                Reader::Model => "the model",
                Reader::User => "the person",
            })
            .collect();
        if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") }
    };
    Some(match role {
        Role::Decision => {
            let meanings: Vec<String> =
                field.map.iter().map(|(value, decision)| format!("{value} = {decision}")).collect();
            format!("Decides: {}.", meanings.join(", "))
        }
        Role::Reason => match &field.explains {
            Some(path) => format!("The text that goes with `{path}`."),
            None => "The text that goes with a decision.".to_owned(),
        },
        Role::ModelContext => format!("A text for {}.", readers(Reader::Model)),
        Role::UserMessage => format!("A text for {}.", readers(Reader::User)),
        Role::InputUpdate => "A new input for the step.".to_owned(),
        Role::OutputUpdate => format!("Stands in place of the step's output for {}.", readers(Reader::Model)),
        Role::StopRun if field.stops_when => "True asks that the whole run end.".to_owned(),
        Role::StopRun => "False asks that the whole run end.".to_owned(),
        Role::Continuation => "A text that makes the agent go on.".to_owned(),
        Role::StopReason => "The text that goes with the wish to end the run.".to_owned(),
        Role::Interrupt => "True beside a denial asks that the run be interrupted.".to_owned(),
        Role::EventName => "The event.".to_owned(),
        Role::Background => "True sends the hook to the background.".to_owned(),
        Role::Metrics => "Numbers for the platform's own telemetry.".to_owned(),
        Role::Ignored => "Accepted, without effect.".to_owned(),
        Role::Container | Role::Setting => return None,
    })
}

/// A note of the contract as a sentence.
fn sentence(note: &str) -> String {
    let mut chars = note.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    // A note may begin with a value or a name, which keeps its case.
    let start = note.split(char::is_whitespace).next().unwrap_or_default();
    let is_word = start.chars().all(|c| c.is_ascii_lowercase() || ",;:".contains(c));
    let text = if is_word { format!("{first}{}", chars.as_str()) } else { note.to_owned() };
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
