//! Our schemas of Codex's documents against those that Codex itself carries.
//!
//! Codex's schemas are no part of this project. `HOOKPROOF_CODEX_SCHEMAS` names a folder that holds them
//! (`pre-tool-use.command.input.schema.json`, ...), taken out of the program of version 0.169.0; without it the tests say
//! so and compare nothing.
//!
//! Instances are made from both sides. Where the two do not agree on one, the contract must explain it: `null` counts as
//! absent, an answer may name another event, and some values are taken by the schema and then fail the hook. All three
//! were recorded from the program itself, whose schema does not say them.

#![allow(clippy::print_stdout, reason = "a test that compares nothing has to say so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use hookproof::contract::{AnswerClass, Contract, Event, Library};
use hookproof::oracle::{Ended, Facts, interpret};
use hookproof::payload::Payloads;
use hookproof::schema::Validators;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The folder, or why nothing is compared.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("HOOKPROOF_CODEX_SCHEMAS").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        println!("skipped: HOOKPROOF_CODEX_SCHEMAS names no folder with the schemas of Codex 0.169.0");
    }
    folder.map(PathBuf::from)
}

fn contract() -> Contract {
    Library::built_in().unwrap().select("codex@0.169.0").unwrap_or_else(|error| panic!("{error}"))
}

/// `PreToolUse` -> `pre-tool-use`.
fn file_name(event: &str) -> String {
    let mut name = String::new();
    for c in event.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Codex's schema of one document; `None` if it has none.
fn theirs(folder: &std::path::Path, event: &Event, direction: &str) -> Option<(Value, Validator)> {
    let path = folder.join(format!("{}.command.{direction}.schema.json", file_name(&event.name)));
    let text = fs::read_to_string(&path).ok()?;
    let schema: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some((schema, validator))
}

/// Values that fit a schema, or nearly do: every listed value, every optional member alone, all together, and wrong ones.
struct Maker<'a> {
    root: &'a Value,
}

impl Maker<'_> {
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let reference = schema.get("$ref").or_else(|| schema.get("allOf")?.get(0)?.get("$ref")).and_then(Value::as_str);
        match reference.and_then(|reference| self.root.pointer(reference.trim_start_matches('#'))) {
            Some(target) => self.resolved(target),
            None => schema,
        }
    }

    fn fitting(&self, schema: &Value) -> Vec<Value> {
        let schema = self.resolved(schema);
        if let Some(one) = schema.get("const") {
            return vec![one.clone()];
        }
        if let Some(list) = schema.get("enum").and_then(Value::as_array) {
            return list.clone();
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => vec!["string", "object", "number"],
        };
        types.into_iter().flat_map(|kind| self.of_type(schema, kind)).collect()
    }

    fn of_type(&self, schema: &Value, kind: &str) -> Vec<Value> {
        match kind {
            "string" => vec![json!("text"), json!("")],
            "boolean" => vec![json!(true), json!(false)],
            "integer" => vec![json!(3)],
            "number" => vec![json!(3), json!(0.5)],
            "null" => vec![Value::Null],
            "array" => vec![json!([])],
            "object" => self.objects(schema),
            other => panic!("the maker knows no type {other:?}"),
        }
    }

    fn objects(&self, schema: &Value) -> Vec<Value> {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let mut least = Map::new();
        for name in &required {
            let value = properties.get(*name).and_then(|schema| self.fitting(schema).into_iter().next());
            least.insert((*name).to_owned(), value.unwrap_or(Value::Null));
        }
        let mut made = vec![Value::Object(least.clone())];
        let mut all = least.clone();
        for (name, property) in properties {
            for value in self.fitting(property) {
                let mut one = least.clone();
                one.insert(name.clone(), value.clone());
                made.push(Value::Object(one));
                // Everything else beside it, so that conditions between members are met.
                all.insert(name.clone(), value);
                made.push(Value::Object(all.clone()));
            }
        }
        made
    }

    /// Documents with one thing wrong.
    fn spoiled(document: &Value) -> Vec<Value> {
        let mut made = Vec::new();
        let Some(members) = document.as_object() else { return made };
        let put = |name: &str, value: Value| {
            let mut other = members.clone();
            other.insert(name.to_owned(), value);
            Value::Object(other)
        };
        made.push(put("unheardOf", json!(1)));
        for (name, value) in members {
            for wrong in [json!(7), json!("unheard of"), json!([]), json!({}), json!(true), Value::Null] {
                made.push(put(name, wrong));
            }
            let mut without = members.clone();
            without.remove(name);
            made.push(Value::Object(without));
            if let Some(text) = value.as_str() {
                made.push(put(name, json!(text.to_uppercase())));
            }
            made.extend(Self::spoiled(value).into_iter().map(|inner| put(name, inner)));
        }
        made
    }
}

/// The document without members that are `null`.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The document with this event's own name in place of another event's.
fn with_own_name(contract: &Contract, event: &Event, document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(union) = &contract.reading.union
        && let Some(name) = document.pointer_mut(&format!("/{}/{}", union.container, union.tag))
        && name.as_str().is_some_and(|name| contract.events.contains_key(name))
    {
        *name = json!(event.name);
    }
    document
}

/// Why the contract says something else than Codex's schema; `None` if it does not say.
fn explanation(contract: &Contract, event: &Event, theirs: &Validator, document: &Value) -> Option<&'static str> {
    let bytes = document.to_string();
    let effect = interpret(contract, event, &Facts::new(Ended::Exit(0), bytes.as_bytes(), b""));
    let ours = effect.read_as == AnswerClass::Valid;
    if theirs.is_valid(document) == ours {
        return Some("agreed");
    }
    let plain = without_nulls(document);
    if plain != *document && theirs.is_valid(&plain) == ours {
        return Some("null counts as absent");
    }
    let named = with_own_name(contract, event, &plain);
    if named != plain && theirs.is_valid(&named) == ours {
        return Some("another event may be named");
    }
    let after_reading = ["schema.refused-value", "schema.needed-text"];
    let refused = effect.problems.iter().any(|problem| after_reading.contains(&problem.requirement.as_str()));
    (refused && !ours && theirs.is_valid(&named)).then_some("taken by the schema, and then the hook fails")
}

#[test]
fn answers_are_taken_and_refused_alike() {
    let Some(folder) = folder() else { return };
    let contract = contract();
    let (mut counts, mut faults, mut compared) = (BTreeMap::new(), Vec::new(), 0);
    for event in contract.events.values() {
        let Some((schema, validator)) = theirs(&folder, event, "output") else { continue };
        compared += 1;
        let maker = Maker { root: &schema };
        let ours = hookproof::schema::output(&contract, event);
        let our_maker = Maker { root: &ours };
        let mut documents = maker.fitting(&schema);
        documents.extend(our_maker.fitting(&ours));
        let spoiled: Vec<Value> = documents.iter().flat_map(Maker::spoiled).collect();
        documents.extend(spoiled);
        for other in contract.events.keys() {
            documents.push(json!({"hookSpecificOutput": {"hookEventName": other, "additionalContext": "c"}}));
        }
        documents.sort_by_key(ToString::to_string);
        documents.dedup();
        for document in documents {
            match explanation(&contract, event, &validator, &document) {
                Some(why) => *counts.entry(why).or_insert(0) += 1,
                None => faults.push(format!("{}: {document}", event.name)),
            }
        }
    }
    println!("{compared} events: {counts:?}");
    assert!(faults.is_empty(), "{} of them, such as\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    assert!(compared >= 11, "only {compared} events have a schema of answers in that folder");
    for why in ["null counts as absent", "another event may be named", "taken by the schema, and then the hook fails"] {
        assert!(counts.contains_key(why), "nothing was explained by: {why}");
    }
}

#[test]
fn what_codex_sends_is_what_we_say_it_sends() {
    let Some(folder) = folder() else { return };
    let contract = contract();
    let validators = Validators::new(&contract);
    let payloads = Payloads::built_in().unwrap();
    let (mut faults, mut compared) = (Vec::new(), 0);
    for event in contract.events.values() {
        let Some((schema, validator)) = theirs(&folder, event, "input") else { continue };
        compared += 1;
        let ours = validators.input(&event.name).unwrap();
        for payload in payloads.of("codex", &event.name) {
            if !validator.is_valid(&payload.stdin) {
                faults.push(format!("{}/{}: our payload is none of theirs", event.name, payload.name));
            }
        }
        let maker = Maker { root: &schema };
        for document in maker.fitting(&schema).iter().filter(|document| validator.is_valid(document)) {
            for fault in ours.faults(document) {
                faults.push(format!("{}: theirs sends {document}, ours says {fault}", event.name));
            }
            // A member that they always send is one that we ask for, and the other way round.
            for name in document.as_object().into_iter().flat_map(Map::keys) {
                let mut without = document.clone();
                without.as_object_mut().unwrap().remove(name);
                if validator.is_valid(&without) != ours.is_valid(&without) {
                    faults.push(format!("{}: `{name}` is required by one side only", event.name));
                }
            }
        }
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{} of them, such as\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    assert!(compared >= 12, "only {compared} events have a schema of payloads in that folder");
}
