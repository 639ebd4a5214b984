//! Schema and oracle, asked about the same documents.

use std::collections::BTreeSet;

use hookproof::contract::{AnswerClass, Contract, Event, KeyRule, Mismatch, Reading, Role, TagRule, ValueType};
use hookproof::oracle::{Ended, Facts, HookStatus, interpret};
use hookproof::schema::{self, Validator, Validators};
use serde_json::{Value, json};

/// Values of every type, and the right and nearly right ones of closed lists.
pub(crate) fn pool(values: &[String]) -> Vec<Value> {
    let mut pool = vec![
        json!("text"),
        json!(""),
        json!(7),
        json!(-1.5),
        json!(2.0),
        json!(true),
        json!(false),
        json!({}),
        json!({ "key": [1] }),
        json!([]),
        json!(["text"]),
        json!([1, "text"]),
        json!([{}]),
        json!([null]),
        Value::Null,
    ];
    for value in values {
        pool.extend([json!(value), json!(value.to_uppercase()), json!(format!(" {value}")), json!([value])]);
    }
    pool
}

/// Puts `value` at a dotted path, with objects on the way; what stands in the way makes place.
fn set(document: &mut Value, path: &str, value: Value) {
    let mut here = document;
    for key in path.split('.') {
        if !here.is_object() {
            *here = json!({});
        }
        here = here.as_object_mut().unwrap().entry(key).or_insert(Value::Null);
    }
    *here = value;
}

/// Compares schema and oracle at one event.
struct Comparison<'a> {
    contract: &'a Contract,
    event: &'a Event,
    validator: &'a Validator,
    accepted: usize,
    refused: usize,
}

impl<'a> Comparison<'a> {
    fn new(contract: &'a Contract, event: &'a Event, validators: &'a Validators) -> Self {
        let validator = validators.output(&event.name).unwrap();
        Comparison { contract, event, validator, accepted: 0, refused: 0 }
    }

    fn others(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let own = &self.event.name;
        self.contract.events.keys().filter(move |name| *name != own).map(String::as_str)
    }

    fn tag_path(&self) -> Option<String> {
        self.contract.reading.union.as_ref().map(|union| format!("{}.{}", union.container, union.tag))
    }

    fn takes_union(&self, event: &str) -> bool {
        self.tag_path().is_some_and(|path| self.contract.events[event].output.contains_key(&path))
    }

    /// A document with nothing but the name of an event.
    fn tagged(&self, name: &Value) -> Value {
        let mut document = json!({});
        if let Some(path) = self.tag_path() {
            set(&mut document, &path, name.clone());
        }
        document
    }

    /// How the oracle reads the document, and whether that is a proper answer.
    fn class(&self, document: &Value) -> (AnswerClass, bool) {
        let bytes = document.to_string();
        let effect = interpret(self.contract, self.event, &Facts::new(Ended::Exit(0), bytes.as_bytes(), b""));
        let proper = match effect.read_as {
            AnswerClass::Valid => true,
            // Whether an event knows runs in the background is the exit table's business.
            AnswerClass::Announced => effect.hook_status != HookStatus::Failed,
            _ => false,
        };
        (effect.read_as, proper)
    }

    /// A value that fits the field at `path`, with what must be in it.
    fn fitting(&self, path: &str) -> Value {
        let field = &self.event.output[path];
        if field.role == Some(Role::EventName) {
            return json!(self.event.name);
        }
        match (field.values.first(), field.types[0]) {
            (Some(value), _) => json!(value),
            (None, ValueType::Number | ValueType::Integer) => json!(3),
            (None, ValueType::Boolean) => json!(true),
            (None, ValueType::Object) => {
                let mut object = json!({});
                for (below, field) in &self.event.output {
                    let name = below.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
                    if let Some(name) = name.filter(|name| !name.contains('.') && field.required) {
                        object[name] = self.fitting(below);
                    }
                }
                object
            }
            (None, ValueType::Array) => json!([]),
            (None, ValueType::Null) => Value::Null,
            (None, ValueType::String | ValueType::Any) => json!("text"),
        }
    }

    /// Whether schema and oracle are of one mind on the document; gives their verdict.
    fn agree(&mut self, document: &Value) -> bool {
        let valid = self.validator.is_valid(document);
        let (class, proper) = self.class(document);
        assert_eq!(
            valid,
            proper,
            "{}@{} {}: the schema {} what the oracle calls {class:?}: {document}\n{:?}",
            self.contract.platform.id,
            self.contract.version,
            self.event.name,
            if valid { "takes" } else { "refuses" },
            self.validator.faults(document)
        );
        if valid {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
        valid
    }

    /// The field at `path` with every kind of value: alone, with its neighbours, and under each condition.
    fn field(&mut self, path: &str) {
        let field = &self.event.output[path];
        let union = self.contract.reading.union.as_ref();
        let in_union = union.is_some_and(|union| path.split('.').next() == Some(&union.container));
        let mut backgrounds = vec![json!({})];
        if in_union {
            backgrounds.push(self.tagged(&json!(self.event.name)));
        }
        let mut full = backgrounds.last().cloned().unwrap_or_default();
        for (sibling, _) in self.event.output.iter().filter(|(_, other)| other.required && other.with.is_none()) {
            let parent = sibling.rsplit_once('.').map_or("", |(parent, _)| parent);
            if parent.is_empty() || path.starts_with(&format!("{parent}.")) {
                set(&mut full, sibling, self.fitting(sibling));
            }
        }
        if let Some(with) = &field.with {
            let known = self.event.output.get(&with.field).map(|other| other.values.clone()).unwrap_or_default();
            for value in known.iter().chain(&with.values) {
                let mut document = full.clone();
                set(&mut document, &with.field, json!(value));
                backgrounds.push(document);
            }
        }
        backgrounds.push(full);
        let mut verdicts = BTreeSet::new();
        for background in &backgrounds {
            for value in pool(&field.values).into_iter().chain([self.fitting(path)]) {
                let mut document = background.clone();
                set(&mut document, path, value);
                verdicts.insert(self.agree(&document));
            }
        }
        let name = &self.event.name;
        let top = path.split('.').next().unwrap_or(path).to_owned();
        let is_voided = self.event.strict_keys.as_ref().is_some_and(|strict| !strict.keys.contains(&top));
        let is_refused = union.is_some_and(|union| union.container == path) && !self.takes_union(name);
        let reading = &self.contract.reading;
        let cost = field.wrong_type.unwrap_or_else(|| Reading::or(reading.wrong_type.as_ref(), Mismatch::Refused));
        let anything = field.types.contains(&ValueType::Any)
            || cost == Mismatch::Ignored
            || (field.role == Some(Role::EventName) && (!in_union || union.is_some_and(|union| !checks(union.rule))));
        assert!(is_voided || is_refused || verdicts.contains(&true), "{name}: no value of `{path}` is right");
        assert!(anything || verdicts.contains(&false), "{name}: no value of `{path}` is wrong");
    }

    /// The object whose shape depends on the event, with every kind of name, and what stands beside the fields.
    fn frames(&mut self) {
        assert!(self.agree(&json!({})) || self.event.output.values().any(|field| field.required));
        let mut names = pool(&[self.event.name.clone(), "NoSuchEvent".to_owned()]);
        names.extend(self.others().map(|name| json!(name)));
        for name in &names {
            self.agree(&self.tagged(name));
        }
        if let Some(union) = &self.contract.reading.union {
            for value in pool(&[]) {
                self.agree(&json!({ (&union.container): value }));
            }
            let mut document = self.tagged(&json!(self.event.name));
            if self.event.strict_keys.is_none() && checks(union.rule) {
                assert_eq!(self.agree(&document), self.takes_union(&self.event.name), "{document}");
            }
            document[&union.container]["unheardOf"] = json!([1]);
            self.agree(&document);
        }
        // A schema shows one spelling of a key, also where the platform takes every one.
        let any_case = self.contract.reading.keys.as_ref().is_some_and(|fact| fact.is == KeyRule::AnyCase);
        let spellings: &[&str] = if any_case { &[] } else { &["Decision"] };
        for key in ["unheardOf", "hook_event_name", "permissionDecision", ""].iter().chain(spellings) {
            self.agree(&json!({ (*key): true }));
        }
        for (path, _) in self.event.fields_with(Role::Background) {
            for value in pool(&[]) {
                self.agree(&json!({ (path): value, "decision": 5 }));
                self.agree(&json!({ (path): value, "asyncTimeout": 5000 }));
            }
        }
    }

    /// Documents with several fields at once, drawn from a fixed sequence.
    fn mixtures(&mut self, count: usize) {
        let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut draw = |below: usize| {
            // A linear congruential sequence (Knuth's MMIX constants); its high bits are good enough to mix with.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let others: Vec<&str> = self.others().collect();
        let fields: Vec<_> = self.event.output.iter().filter(|(path, _)| !path.contains(['#', '['])).collect();
        for _ in 0..count {
            let mut document = match draw(10) {
                0 if !others.is_empty() => self.tagged(&json!(others[draw(others.len())])),
                1 => self.tagged(&json!("NoSuchEvent")),
                2 => json!({}),
                _ if self.takes_union(&self.event.name) => self.tagged(&json!(self.event.name)),
                _ => json!({}),
            };
            for _ in 0..=draw(4) {
                let (path, field) = fields[draw(fields.len())];
                if field.role == Some(Role::EventName) {
                    continue;
                }
                // Mostly right, so that what is wrong is mostly wrong alone.
                let value = if draw(3) > 0 {
                    let right = field.values.get(draw(field.values.len().max(1))).map(|value| json!(value));
                    right.unwrap_or_else(|| self.fitting(path))
                } else {
                    let pool = pool(&field.values);
                    pool[draw(pool.len())].clone()
                };
                set(&mut document, path, value);
            }
            self.agree(&document);
        }
    }
}

/// Whether answers are checked for the event that they name.
fn checks(rule: TagRule) -> bool {
    matches!(rule, TagRule::FiringEvent | TagRule::KnownEvent)
}

/// Compares schema and oracle at every event of a contract; gives how many documents were accepted and refused.
pub(crate) fn compare(contract: &Contract, mixtures: usize) -> (usize, usize) {
    let validators = Validators::new(contract);
    let mut total = (0, 0);
    for event in contract.events.values() {
        if !schema::is_read(event) {
            let validator = validators.output(&event.name).unwrap();
            assert!(pool(&[]).iter().all(|value| validator.is_valid(value)), "{}", event.name);
            continue;
        }
        let mut comparison = Comparison::new(contract, event, &validators);
        for path in event.output.keys().filter(|path| !path.contains(['#', '['])) {
            comparison.field(path);
        }
        comparison.frames();
        comparison.mixtures(if event.output.is_empty() { 0 } else { mixtures });
        assert!(comparison.accepted > 0, "{}", event.name);
        total = (total.0 + comparison.accepted, total.1 + comparison.refused);
    }
    total
}
