//! What becomes of an input that a hook writes anew.

use serde_json::{Map, Value};

use super::Verdict;
use super::whole_event::{BaselineRun, EventMaterial};
use crate::contract::Role;
use crate::requirement::Requirement;

/// A new input that takes the place of the whole one has every field of it. The rewrite that loses most is shown.
pub(super) fn keeps_fields(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    let fields: Vec<_> = material.event.fields_with(Role::InputUpdate).map(|(_, field)| field).collect();
    // Where one of the ways is a merge, nothing is known to be lost.
    if fields.iter().any(|field| field.merges) {
        return None;
    }
    let replaced = fields.iter().find_map(|field| field.replaces.as_ref())?;
    let rewrites: Vec<_> = material.runs.iter().filter_map(|one| Some((one, lost(one, replaced)?))).collect();
    let lossy = || rewrites.iter().filter(|(_, lost)| !lost.is_empty());
    // Of equals the first.
    let (shown, lost) = rewrites.iter().rev().max_by_key(|(_, lost)| lost.len())?;
    if lost.is_empty() {
        return Some(Verdict::Pass);
    }
    let title = &material.contract.platform.title;
    let observed = format!(
        "for {} ({}) the rewritten input lacks {} of the call, and {title} takes it in place of the whole `{replaced}`: the \
         tool uses its defaults for what is not there; {} of {} rewrites lose fields",
        shown.payload.name,
        shown.payload.title,
        lost.join(", "),
        lossy().count(),
        rewrites.len(),
    );
    Some(material.fail(shown.run, observed, shown.run.effect.evidence))
}

/// The fields of the input that its rewrite lacks; `None` if there is none.
fn lost(one: &BaselineRun<'_>, replaced: &str) -> Option<Vec<String>> {
    let new = one.run.effect.updated_input.as_ref()?.as_object()?;
    let old = input(crate::json::at(&one.payload.stdin, replaced)?)?;
    Some(old.keys().filter(|key| !new.contains_key(*key)).map(|key| format!("`{key}`")).collect())
}

/// The input of a tool, which some platforms send as a text.
fn input(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}
