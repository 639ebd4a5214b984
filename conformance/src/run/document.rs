//! The document on stdin: the payload, moved into the folders of the run, and edited by the scenario.

use std::collections::BTreeMap;
use std::path::Path;

use hookproof_harness::StdinPlan;
use serde_json::Value;

use super::spelling;
use crate::contract::{Contract, Event, with_names};
use crate::payload::Payload;
use crate::plan::{DEFAULT_PAUSE_MS, DEFAULT_PIECES, Edit, Scenario, StdinKind};

/// Folders of payloads as they are stored; they stand for the ones of the run.
const STORED_HOME: &str = "/home/dev";
const STORED_PROJECT: &str = "/home/dev/project";

/// The folders of a run that a document names.
pub(super) struct Folders<'a> {
    pub(super) home: &'a Path,
    pub(super) project: &'a Path,
    pub(super) cwd: &'a Path,
}

/// What one run of a case is given.
pub(super) struct Given {
    /// The bytes of the document.
    pub(super) bytes: Vec<u8>,
    /// Variables of the environment that belong to the document.
    pub(super) environment: BTreeMap<String, String>,
}

/// What the runs of a case are given: the same to all if it is one item, and otherwise an item a run. Beside it, how many
/// items are needed if the first two make no difference. `size` takes the place of the lengths of edits, and is what surrounds
/// texts.
pub(super) fn given(
    contract: &Contract,
    event: &Event,
    payload: &Payload,
    scenario: &Scenario,
    size: Option<usize>,
    folders: &Folders<'_>,
) -> (Vec<Given>, usize) {
    if let Some(raw) = &scenario.raw {
        let bytes = raw.replace("{event}", &payload.event).into_bytes();
        return (vec![Given { bytes, environment: BTreeMap::new() }], 1);
    }
    let mut document = payload.stdin.clone();
    relocate(&mut document, folders);
    if let Some(field) = &contract.platform.folder_field
        && let Some(value) = document.pointer_mut(&pointer(field))
    {
        *value = Value::String(folders.cwd.to_string_lossy().into_owned());
    }
    for edit in &scenario.edit {
        apply(contract, &mut document, edit, size);
    }
    for pad in &scenario.pad {
        pad.apply(&mut document, size.unwrap_or_default());
    }
    let spelled = |document: &Value| spelling::bytes(document, scenario.spelling, &contract.process.stdin_suffix);
    if scenario.misplaced {
        let phantoms = contract.phantoms_of(event, &document);
        let all = phantoms.documents(&document).into_iter();
        let all = all.map(|one| Given { bytes: spelled(&one.document), environment: one.environment });
        return (all.collect(), phantoms.needed());
    }
    if scenario.misnamed {
        let names = contract.foreign_names(event, &document);
        let all = with_names(&document, &names).into_iter();
        let all = all.map(|document| Given { bytes: spelled(&document), environment: BTreeMap::new() });
        return (all.collect(), 1);
    }
    (vec![Given { bytes: spelled(&document), environment: BTreeMap::new() }], 1)
}

/// The plan by which the bytes arrive.
pub(super) fn stdin(scenario: &Scenario, bytes: &[u8]) -> StdinPlan {
    let bytes = bytes.to_vec();
    match scenario.stdin.plan {
        StdinKind::Whole => StdinPlan::Whole(bytes),
        StdinKind::HeldOpen => StdinPlan::HeldOpen(bytes),
        StdinKind::Empty => StdinPlan::Empty,
        StdinKind::Closed => StdinPlan::Closed,
        StdinKind::Truncated => {
            let at = bytes.len() / 2;
            StdinPlan::Truncated { bytes, at }
        }
        StdinKind::Slow => {
            let pieces = scenario.stdin.pieces.unwrap_or(DEFAULT_PIECES).max(1);
            let piece = bytes.len().div_ceil(pieces).max(1);
            let pause = std::time::Duration::from_millis(scenario.stdin.pause_ms.unwrap_or(DEFAULT_PAUSE_MS));
            StdinPlan::Slow { bytes, piece, pause }
        }
    }
}

/// Puts the folders of the run in place of the stored ones.
fn relocate(value: &mut Value, folders: &Folders<'_>) {
    match value {
        Value::String(text) if text.contains(STORED_HOME) => {
            *text = relocated(text, folders.home, folders.project);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| relocate(item, folders)),
        Value::Object(map) => map.values_mut().for_each(|item| relocate(item, folders)),
        _ => {}
    }
}

/// `text` with the folders of the run in place of the stored ones.
pub(super) fn relocated(text: &str, home: &Path, project: &Path) -> String {
    text.replace(STORED_PROJECT, &project.to_string_lossy()).replace(STORED_HOME, &home.to_string_lossy())
}

fn apply(contract: &Contract, document: &mut Value, edit: &Edit, size: Option<usize>) {
    let platform = &contract.platform;
    let named = match edit.at.as_str() {
        "{event-field}" => Some(platform.event_field.as_ref()),
        "{tool-field}" => Some(platform.tool_field.as_ref()),
        _ => None,
    };
    let (at, must_exist) = match named {
        None => (edit.at.clone(), false),
        Some(Some(field)) => (pointer(field), true),
        Some(None) => return,
    };
    let value = match (&edit.set, &edit.fill) {
        (Some(value), _) => value.clone(),
        (None, Some(unit)) if !unit.is_empty() => {
            Value::String(unit.repeat(size.or(edit.bytes).unwrap_or(0).div_ceil(unit.len())))
        }
        _ => return,
    };
    let Some((parent, key)) = at.rsplit_once('/') else { return };
    if let Some(Value::Object(map)) = document.pointer_mut(parent)
        && (!must_exist || map.contains_key(key))
    {
        if edit.front {
            map.shift_insert(0, key.to_owned(), value);
        } else {
            map.insert(key.to_owned(), value);
        }
    }
}

/// The JSON pointer to a field that a contract names with dots.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}
