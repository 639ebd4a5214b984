//! The document on stdin: the payload, moved into the folders of the run, and edited by the scenario.

use std::path::Path;

use hookproof_harness::StdinPlan;
use serde_json::Value;

use crate::contract::Contract;
use crate::payload::Payload;
use crate::plan::{Edit, Scenario, StdinKind};

/// Folders of payloads as they are stored; they stand for the ones of the run.
const STORED_HOME: &str = "/home/dev";
const STORED_PROJECT: &str = "/home/dev/project";

/// The folders of a run that a document names.
pub(super) struct Folders<'a> {
    pub(super) home: &'a Path,
    pub(super) project: &'a Path,
    pub(super) cwd: &'a Path,
}

/// The bytes of the document.
pub(super) fn bytes(contract: &Contract, payload: &Payload, scenario: &Scenario, folders: &Folders<'_>) -> Vec<u8> {
    if let Some(raw) = &scenario.raw {
        return raw.replace("{event}", &payload.event).into_bytes();
    }
    let mut document = payload.stdin.clone();
    relocate(&mut document, folders);
    if let Some(field) = &contract.platform.folder_field
        && let Some(value) = document.get_mut(field)
    {
        *value = Value::String(folders.cwd.to_string_lossy().into_owned());
    }
    for edit in &scenario.edit {
        apply(contract, &mut document, edit);
    }
    let mut bytes = document.to_string().into_bytes();
    bytes.extend_from_slice(contract.process.stdin_suffix.as_bytes());
    bytes
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
            let pieces = scenario.stdin.pieces.unwrap_or(8).max(1);
            let piece = bytes.len().div_ceil(pieces).max(1);
            let pause = std::time::Duration::from_millis(scenario.stdin.pause_ms.unwrap_or(10));
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

fn apply(contract: &Contract, document: &mut Value, edit: &Edit) {
    let event_field = contract.platform.event_field.as_deref();
    let pointer = if edit.at == "{event-field}" {
        let Some(field) = event_field else { return };
        format!("/{field}")
    } else {
        edit.at.clone()
    };
    let value = match (&edit.set, &edit.fill) {
        (Some(value), _) => value.clone(),
        (None, Some(unit)) if !unit.is_empty() => {
            Value::String(unit.repeat(edit.bytes.unwrap_or(0).div_ceil(unit.len())))
        }
        _ => return,
    };
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(map)) = document.pointer_mut(parent) {
        map.insert(key.to_owned(), value);
    }
}
