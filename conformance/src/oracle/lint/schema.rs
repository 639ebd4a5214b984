//! Fields of the answer: refused, misplaced, unknown, deprecated, without effect.

use serde_json::Value;

use super::Problems;
use super::keys::is_lost;
use super::words::{Wish, said};
use crate::contract::{Contract, Decision, Event, EventKind, ExitThen, Field, OutcomeName, Role, Tool, plain_path};
use crate::oracle::Said;
use crate::oracle::answer::{Answer, Fault, Refusal, at, is_wanting, misfit};
use crate::oracle::effect::Effect;
use crate::oracle::exit::Ruling;
use crate::oracle::reading::Reading;

pub(super) fn lint(problems: &mut Problems<'_>, ruling: &Ruling, effect: &Effect) {
    let run = problems.run;
    let Reading::Document(document) = &run.heard.reading else { return };
    if !run.event.exits.iter().any(|row| row.then == ExitThen::Answer) {
        return;
    }
    match run.said {
        Said::Refused(refusal) => refused(problems, refusal),
        Said::Answer(answer) => accepted(problems, answer, ruling, effect, &document.value),
        _ => {}
    }
    // Of a refused answer nothing is read, so that its other keys are no further fault.
    if let Said::Answer(answer) = run.said {
        super::keys::lint(problems, answer, &document.value, effect);
    }
}

fn refused(problems: &mut Problems<'_>, refusal: &Refusal) {
    let run = problems.run;
    let tag = run.contract.reading.union.as_ref().map(|union| format!("{}.{}", union.container, union.tag));
    let is_tag = tag.as_deref() == Some(refusal.path.as_str());
    let requirement = match refusal.fault {
        Fault::Missing if is_tag => "schema.event-name-missing",
        Fault::Missing => "schema.required-field",
        Fault::Type => "schema.wrong-type",
        Fault::Null => "schema.null",
        Fault::Value => "schema.value",
        Fault::UnknownEvent if !run.event.output.contains_key(&refusal.path) && names(run.event, run, refusal) => {
            "schema.answer-where-none-is-taken"
        }
        Fault::UnknownEvent | Fault::WrongEvent => "schema.event-name-wrong",
        Fault::StrictKey => "schema.unknown-field",
        Fault::UnknownKey => "schema.refused-key",
        Fault::Unsupported => "schema.refused-value",
        Fault::NeedsText => "schema.needed-text",
        Fault::NotAnObject => "stream.not-an-object",
    };
    problems.add_on(
        std::slice::from_ref(&refusal.basis),
        requirement,
        format!("{}: the answer is refused", refusal.message),
    );
}

/// Whether the document names the firing event itself.
fn names(event: &Event, run: &crate::oracle::Run<'_>, refusal: &Refusal) -> bool {
    match &run.heard.reading {
        Reading::Document(document) => {
            at(&document.value, &refusal.path).and_then(Value::as_str) == Some(event.name.as_str())
        }
        _ => false,
    }
}

fn accepted(problems: &mut Problems<'_>, answer: &Answer, ruling: &Ruling, effect: &Effect, document: &Value) {
    let run = problems.run;
    let event = run.event;
    if let Some(other) = &run.heard.dropped
        && let Some(union) = &run.contract.reading.union
    {
        let basis = crate::contract::Basis { evidence: union.evidence, source: union.source.clone() };
        problems.add_on(
            &[basis],
            "schema.event-name-wrong",
            format!("`{}` names {other}, and {} has fired: nothing in it is read", union.container, event.name),
        );
    }
    for (path, field) in &event.output {
        let Some(value) = at(document, path) else { continue };
        without_effect(problems, document, path, field, value);
        let path = plain_path(path);
        if let Some(instead) = &field.deprecated
            && (field.deprecated_values.is_empty()
                || value.as_str().is_some_and(|value| field.deprecated_values.iter().any(|old| old == value)))
        {
            problems.add_on(
                std::slice::from_ref(&field.basis),
                "schema.deprecated-field",
                format!("`{path}` is deprecated at {}; `{instead}` takes its place", event.name),
            );
        }
        if field.role == Some(Role::Ignored)
            && let Some(said) = said(path.rsplit('.').next().unwrap_or(path), value)
            && is_lost(event, effect, said.wish)
        {
            problems.add_on(
                std::slice::from_ref(&field.basis),
                "schema.decision-not-read",
                format!(
                    "`{path}{}: {}` {}: {} accepts the field and does not look at it",
                    said.below,
                    said.word,
                    if said.wish == Wish::Deny { "denies nothing" } else { "asks nobody" },
                    event.name
                ),
            );
        } else if is_discarded(run.contract, event, path, field) && !is_neutral(value) {
            problems.add_on(
                std::slice::from_ref(&field.basis),
                "schema.discarded-field",
                format!("`{path}` is accepted at {} and has no effect", event.name),
            );
        }
    }
    if answer.stop_run && event.outcome(OutcomeName::StopRun).is_none() {
        let path = event.fields_with(Role::StopRun).next();
        if let Some((path, field)) = path {
            problems.add_on(
                std::slice::from_ref(&field.basis),
                "schema.discarded-field",
                format!("`{path}: false` is accepted at {} and has no effect", event.name),
            );
        }
    }
    let made = answer.decision();
    let denies = made.is_some_and(|made| made.decision == Decision::Deny);
    let readers = event.outcome(OutcomeName::Deny).map(|outcome| outcome.reason).unwrap_or_default();
    if denies
        && ruling.then != ExitThen::Failed
        && effect.reason.as_deref().is_none_or(|reason| reason.trim().is_empty())
        && !readers.is_empty()
    {
        problems.add("schema.deny-without-reason", "a denial without a reason");
    }
    if let Some(tool) = run.tool.and_then(|tool| run.contract.tools.get(tool))
        && let Some(input) = &answer.input_update
        && let Some(misfit) = tool_misfit(event, &tool.input, input)
        && !denies
    {
        problems.add(
            "schema.input-misfit",
            format!("the rewritten input does not fit the tool {}: {misfit}", run.tool.unwrap_or_default()),
        );
    }
    if let Some(tool) = run.tool.and_then(|tool| run.contract.tools.get(tool))
        && !tool.output.is_empty()
        && let Some((output, _)) = &answer.output_update
        && event.fields_with(Role::OutputUpdate).any(|(path, field)| {
            field.shape == Some(crate::contract::Shape::ToolOutput) && at(document, path) == Some(output)
        })
        && let Some(misfit) = Tool::misfit(&tool.output, output)
    {
        problems.add(
            "schema.output-misfit",
            format!(
                "the new output does not fit the tool {}: {misfit}; the old one stays",
                run.tool.unwrap_or_default()
            ),
        );
    }
    let stop = event.outcome(OutcomeName::StopRun);
    let nothing = event.outcome(OutcomeName::Nothing);
    if answer.stop_run
        && !denies
        && ruling.then == ExitThen::Answer
        && event.can_deny()
        && event.kind == EventKind::Gate
        && stop.map(|outcome| outcome.action) == nothing.map(|outcome| outcome.action)
    {
        problems.add(
            "schema.continue-false-alone",
            format!(
                "`continue: false` without a denial ends the turn only after the step that {} stands before",
                event.name
            ),
        );
    }
}

/// How a new input does not fit the tool; one that is merged into the old input may leave fields out.
fn tool_misfit(event: &Event, fields: &indexmap::IndexMap<String, Field>, input: &Value) -> Option<String> {
    let merges = event.fields_with(Role::InputUpdate).any(|(_, field)| field.merges);
    if merges { Tool::misfit_of_part(fields, input) } else { Tool::misfit(fields, input) }
}

/// A value that the platform takes for absent: it does not fit, or lacks the text that it needs.
fn without_effect(problems: &mut Problems<'_>, document: &Value, path: &str, field: &Field, value: &Value) {
    let telling = [Role::Decision, Role::ModelContext, Role::InputUpdate, Role::OutputUpdate, Role::StopRun];
    let run = problems.run;
    let absent = value.is_null() && !field.types.iter().any(|kind| kind.admits(value));
    if absent || path.contains('#') || !field.role.is_some_and(|role| telling.contains(&role)) {
        return;
    }
    let basis = std::slice::from_ref(&field.basis);
    let ignored = format!("{} takes the field for absent", run.contract.platform.title);
    if let Some((fault, message)) = misfit(run.contract, path, field, value) {
        let requirement = if fault == Fault::Type { "schema.wrong-type" } else { "schema.value" };
        problems.add_on(basis, requirement, format!("{message}: {ignored}"));
    } else if let Some(need) = field.needs.iter().find(|need| is_wanting(document, field, value, need)) {
        let beside = plain_path(&need.field);
        problems.add_on(
            basis,
            "schema.needed-text",
            format!("`{path}` of {value} needs a text in `{beside}`: {ignored}"),
        );
    }
}

/// Whether the field does nothing here although it does something at other events.
fn is_discarded(contract: &Contract, event: &Event, path: &str, field: &Field) -> bool {
    let counts = |field: &Field| !matches!(field.role, Some(Role::Ignored | Role::Container | Role::EventName) | None);
    let elsewhere = || contract.events.values().filter_map(|other| other.output.get(path)).any(counts);
    match field.role {
        Some(Role::Ignored) => elsewhere(),
        Some(Role::Decision) => {
            let meanings = [OutcomeName::Deny, OutcomeName::Ask, OutcomeName::Defer];
            meanings.iter().all(|name| event.outcome(*name).is_none())
        }
        _ => false,
    }
}

/// Values that ask for nothing.
fn is_neutral(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(true) => true,
        Value::String(text) => text.trim().is_empty() || text == "approve",
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
