//! The schemas: committed as they are generated, schemas in the sense of their dialect, and of one mind with the oracle.

#[path = "schemas/comparison.rs"]
mod comparison;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comparison::compare;
use hookproof::contract::{Contract, ContractFile, Library, Mismatch, Version};
use hookproof::schema::{self, Direction, Validator};
use serde_json::{Value, json};

/// Rewrites the committed schemas instead of comparing them.
const BLESS: &str = "HOOKPROOF_BLESS";
const COMMAND: &str = "HOOKPROOF_BLESS=1 cargo test -p hookproof --test schemas";

fn newest() -> Vec<Contract> {
    let library = Library::built_in().unwrap();
    library.files().unwrap().iter().map(|file| file.select(&file.platform().version).unwrap()).collect()
}

/// Every schema of the newest contracts: its path in the crate's folder, and its text.
fn generated() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for contract in newest() {
        for (name, event) in &contract.events {
            for direction in Direction::ALL {
                let text = schema::text(&schema::of(&contract, event, direction));
                all.insert(schema::path(&contract.platform.id, name, direction), text);
            }
        }
    }
    all
}

/// Every file below `schemas/`, by its path in the crate's folder.
fn on_disk(root: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for platform in std::fs::read_dir(root.join("schemas")).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(platform.path()).into_iter().flatten().flatten() {
            let path =
                format!("schemas/{}/{}", platform.file_name().to_string_lossy(), file.file_name().to_string_lossy());
            all.insert(path, std::fs::read_to_string(file.path()).unwrap());
        }
    }
    all
}

#[test]
fn committed_schemas_are_what_the_contracts_say() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let wanted = generated();
    assert!(wanted.len() >= 66, "33 events have two schemas each, found {}", wanted.len());
    if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
        for stale in on_disk(&root).keys().filter(|path| !wanted.contains_key(*path)) {
            std::fs::remove_file(root.join(stale)).unwrap();
        }
        for (path, text) in &wanted {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    let found = on_disk(&root);
    let differing: BTreeSet<&String> =
        wanted.keys().chain(found.keys()).filter(|path| wanted.get(*path) != found.get(*path)).collect();
    assert!(
        differing.is_empty(),
        "{} committed schemas are not what the contracts say (first: {:?}); rewrite them with: {COMMAND}",
        differing.len(),
        differing.first()
    );
}

#[test]
fn committed_schemas_are_built_in() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for contract in newest() {
        for event in contract.events.keys() {
            for direction in Direction::ALL {
                let path = root.join(schema::path(&contract.platform.id, event, direction));
                let built_in = schema::committed(&contract.platform.id, event, direction);
                // A run that rewrites the files was itself built with the older ones.
                if std::env::var_os(BLESS).is_none() {
                    assert_eq!(built_in, std::fs::read_to_string(&path).ok().as_deref(), "{}", path.display());
                }
            }
        }
    }
    assert_eq!(schema::committed("claude-code", "NoSuchEvent", Direction::Input), None);
}

#[test]
fn every_schema_is_one() {
    for (path, text) in generated() {
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{path}");
        if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
            panic!("{path} is no schema: {error}");
        }
        assert!(jsonschema::draft202012::new(&schema).is_ok(), "{path} does not compile");
    }
    assert!(!jsonschema::draft202012::meta::is_valid(&json!({ "type": "text" })));
}

#[test]
fn ids_tell_platform_version_event_and_direction_apart() {
    let library = Library::built_in().unwrap();
    let id = |platform: &str| {
        let contract = library.select(platform).unwrap();
        schema::output(&contract, &contract.events["Stop"])["$id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id("claude-code"), "urn:hookproof:schema:claude-code:Stop:output");
    assert_eq!(id("claude-code@2.1.41"), "urn:hookproof:schema:claude-code@2.1.41:Stop:output");
}

#[test]
fn events_whose_stdout_is_no_json_say_so() {
    let library = Library::built_in().unwrap();
    let contract = library.select("claude-code").unwrap();
    let unread: BTreeSet<&str> =
        contract.events.values().filter(|event| !schema::is_read(event)).map(|event| event.name.as_str()).collect();
    let wanted = ["InstructionsLoaded", "Setup", "StopFailure", "WorktreeCreate", "WorktreeRemove"];
    assert_eq!(unread, BTreeSet::from(wanted));
    let said = |event: &str| schema::output(&contract, &contract.events[event])["description"].to_string();
    assert!(said("WorktreeCreate").contains("stdout is not read as JSON here: its last line"));
    assert!(said("WorktreeRemove").contains("only the exit code counts"));
    assert!(said("StopFailure").contains("thrown away"));
    assert!(!said("Stop").contains("not read as JSON"));
}

#[test]
fn output_schemas_and_the_oracle_agree() {
    for contract in newest() {
        let (accepted, refused) = compare(&contract, 400);
        // A platform that drops what does not fit refuses nothing.
        let id = &contract.platform.id;
        let drops = contract.reading.wrong_type.as_ref().is_some_and(|fact| fact.is == Mismatch::Ignored);
        let reads = contract.events.values().any(schema::is_read);
        assert!(accepted > 100 || !reads, "{id}: {accepted} accepted, {refused} refused");
        assert!(refused > 100 || drops || !reads, "{id}: {accepted} accepted, {refused} refused");
    }
}

#[test]
fn they_agree_on_what_held_before() {
    let library = Library::built_in().unwrap();
    for file in library.files().unwrap() {
        let first = file.select(&file.platform().first).unwrap();
        let versions: BTreeSet<Version> = first.changes.iter().map(|change| change.until.clone()).collect();
        for version in versions {
            compare(&file.select(&version).unwrap(), 20);
        }
    }
}

#[test]
fn they_agree_on_a_platform_of_another_kind() {
    let contract = made_up();
    let (accepted, refused) = compare(&contract, 2000);
    assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused");
}

#[test]
fn input_schemas_know_arrays_conditions_and_formats() {
    let contract = made_up();
    let validator = Validator::new(&schema::input(&contract, &contract.events["before"]));
    let document = |rest: Value| {
        let mut document = json!({ "event": "before", "items": [] });
        document.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        document
    };
    for right in [
        json!({}),
        json!({ "more": 1 }),
        json!({ "items": [{ "kind": "c", "size": null, "tags": ["x"], "more": {} }] }),
        json!({ "run": "423c6d2d-3c63-53f1-9647-97d9ed2177fd" }),
        json!({ "grid": [[{ "cell": 1 }, {}], []] }),
        json!({ "mode": "full", "detail": { "level": 1 } }),
        json!({ "mode": "brief", "detail": 5 }),
    ] {
        assert_eq!(validator.faults(&document(right.clone())), [], "{right}");
    }
    for (wrong, at) in [
        (json!({ "event": "after" }), "/event"),
        (json!({ "event": null }), "/event"),
        (json!({ "items": null }), "/items"),
        (json!({ "items": [{}] }), "/items/0"),
        (json!({ "items": [{ "kind": "a" }, { "kind": 1 }] }), "/items/1/kind"),
        (json!({ "items": [{ "kind": "a", "size": 1.5 }] }), "/items/0/size"),
        (json!({ "items": [{ "kind": "a", "tags": ["x", 1] }] }), "/items/0/tags/1"),
        (json!({ "run": "one" }), "/run"),
        (json!({ "grid": [[{ "cell": "x" }]] }), "/grid/0/0/cell"),
        (json!({ "mode": "full", "detail": 5 }), "/detail"),
        (json!({ "mode": "full", "detail": {} }), "/detail"),
    ] {
        let faults = validator.faults(&document(wrong.clone()));
        assert!(!faults.is_empty() && faults.iter().all(|fault| fault.at == at), "{wrong}: {faults:?}");
    }
    assert!(!validator.is_valid(&json!({ "event": "before" })), "a required field is missing");
}

fn made_up() -> Contract {
    let file = ContractFile::parse(Path::new("made-up.toml"), include_str!("schemas/made-up.toml")).unwrap();
    file.select(&file.platform().version).unwrap()
}
