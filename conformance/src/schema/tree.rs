//! Dotted paths as the tree of objects and arrays that they mean, and that tree as a schema.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{Direction, field};
use crate::contract::{
    Contract, Event, Field, FieldPath, Mismatch, Reading, Role, TagRule, UnknownKeys, ValueType, With, plain_path,
};

/// A place in a document: what the contract says of it, and of what is below it.
#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    /// What the contract says of the place itself; `None` if it only names something below.
    pub(super) field: Option<&'a Field>,
    /// The place as the contract spells it; empty for the whole document.
    pub(super) path: String,
    /// Members of an object.
    pub(super) children: IndexMap<&'a str, Node<'a>>,
    /// Each item of an array.
    pub(super) item: Option<Box<Node<'a>>>,
}

impl<'a> Node<'a> {
    /// The tree of all `fields`.
    pub(super) fn root(fields: &'a IndexMap<FieldPath, Field>) -> Self {
        let mut root = Node::default();
        for (path, field) in fields {
            let node = root.below(plain_path(path));
            // Of several meanings of a field the one that is always looked at says what its values may be.
            if node.field.is_none_or(|known| known.with.is_some() && field.with.is_none()) {
                node.field = Some(field);
            }
        }
        root
    }

    /// The place at `path` below this one.
    fn below(&mut self, path: &'a str) -> &mut Node<'a> {
        let mut here = self;
        for segment in path.split('.') {
            let name = segment.trim_end_matches("[]");
            let path = if here.path.is_empty() { name.to_owned() } else { format!("{}.{name}", here.path) };
            here = here.children.entry(name).or_insert_with(|| Node { path, ..Node::default() });
            for _ in 0..(segment.len() - name.len()) / 2 {
                let path = format!("{}[]", here.path);
                here = here.item.get_or_insert_with(|| Box::new(Node { path, ..Node::default() }));
            }
        }
        here
    }

    /// The condition under which the place is read.
    fn with(&self) -> Option<&'a With> {
        self.field.and_then(|field| field.with.as_ref())
    }
}

/// What turns places into schemas.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) contract: &'a Contract,
    pub(super) event: &'a Event,
    pub(super) direction: Direction,
}

impl<'a> Rules<'a> {
    /// The schema of the whole document.
    pub(super) fn document(&self, root: &Node<'a>) -> Map<String, Value> {
        let mut far = Vec::new();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.extend(self.members(root, &mut far));
        if self.direction == Direction::Output {
            self.between_fields(&mut far);
        }
        if !far.is_empty() {
            let all = schema.entry("allOf").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(all) = all {
                all.append(&mut far);
            }
        }
        schema
    }

    /// A place with all that is known of it.
    fn full(&self, node: &Node<'a>, far: &mut Vec<Value>) -> Value {
        let Some(known) = node.field else {
            return Value::Object(self.constraints(node, far));
        };
        let note = field::annotations(self, known);
        let mut schema = note.before;
        schema.extend(self.constraints(node, far));
        schema.extend(note.after);
        Value::Object(schema)
    }

    /// What a value must be to be taken.
    fn constraints(&self, node: &Node<'a>, far: &mut Vec<Value>) -> Map<String, Value> {
        let mut schema = Map::new();
        if let Some(known) = node.field
            && self.is_checked(node)
        {
            if known.binding {
                schema.insert("if".to_owned(), json!({ "type": "string" }));
                schema.insert("then".to_owned(), Value::Object(self.event_name()));
            } else if self.names_event(node) || self.is_tag(node) {
                schema.insert("type".to_owned(), json!("string"));
                schema.extend(self.event_name());
            } else {
                schema.extend(field::constraints(self, known));
            }
        }
        if self.refuses_union(node) {
            field::refuse_objects(&mut schema);
            if node.field.is_some_and(|known| known.note.is_none()) {
                schema.insert("description".to_owned(), json!(format!("{} takes none.", self.event.name)));
            }
            return schema;
        }
        let kind = node.field.filter(|field| !self.ignores_type(field)).and_then(|field| field.items);
        if let Some(item) = &node.item {
            let mut items = self.full(item, far);
            if let (Some(kind), Value::Object(items)) = (kind, &mut items)
                && item.field.is_none()
                && kind != ValueType::Any
            {
                items.shift_insert(0, "type".to_owned(), json!(kind.to_string()));
            }
            schema.insert("items".to_owned(), items);
        } else if let Some(kind) = kind.filter(|kind| *kind != ValueType::Any) {
            schema.insert("items".to_owned(), json!({ "type": kind.to_string() }));
        }
        schema.extend(self.members(node, far));
        schema
    }

    /// Whether an answer's field of a wrong type costs only itself.
    fn ignores_type(&self, field: &Field) -> bool {
        let fact = self.contract.reading.wrong_type.as_ref();
        self.direction == Direction::Output
            && field.wrong_type.unwrap_or_else(|| Reading::or(fact, Mismatch::Refused)) == Mismatch::Ignored
    }

    /// Members, which of them are required, and conditions between them.
    fn members(&self, node: &Node<'a>, far: &mut Vec<Value>) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut required: Vec<&str> = Vec::new();
        let mut guarded: Vec<(&With, Vec<(&str, &Node<'a>)>)> = Vec::new();
        for (name, child) in &node.children {
            match child.with() {
                // A field whose condition does not hold is not looked at: here it is only described.
                Some(with) => {
                    let note = child.field.map(|known| field::annotations(self, known)).unwrap_or_default();
                    let described = note.before.into_iter().chain(note.after).collect();
                    properties.insert((*name).to_owned(), Value::Object(described));
                    match guarded.iter_mut().find(|(known, _)| *known == with) {
                        Some((_, members)) => members.push((name, child)),
                        None => guarded.push((with, vec![(name, child)])),
                    }
                }
                None => {
                    properties.insert((*name).to_owned(), self.full(child, far));
                    let is_required = child.field.is_some_and(|field| field.required) && self.is_checked(child);
                    if is_required || self.is_tag(child) {
                        required.push(name);
                    }
                }
            }
        }
        let mut schema = Map::new();
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        if self.direction == Direction::Output && self.refuses_unknown_keys() && !node.children.is_empty() {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        let mut near = Vec::new();
        for (with, members) in guarded {
            // What is below a field and depends on something far away depends on the field's own condition as well.
            let mut below = Vec::new();
            let then = self.guarded(&members, &mut below);
            let both = |rule| json!({ "if": condition(&with.field, &with.values), "then": rule });
            far.extend(below.into_iter().map(both));
            let (parent, name) = with.field.rsplit_once('.').unwrap_or(("", &with.field));
            if parent == node.path {
                near.push(json!({ "if": condition(name, &with.values), "then": then }));
            } else {
                far.push(json!({ "if": condition(&with.field, &with.values), "then": nested(&node.path, then) }));
            }
        }
        if !near.is_empty() {
            schema.insert("allOf".to_owned(), Value::Array(near));
        }
        schema
    }

    /// What holds for members whose condition holds.
    fn guarded(&self, members: &[(&str, &Node<'a>)], far: &mut Vec<Value>) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (name, child) in members {
            properties.insert((*name).to_owned(), Value::Object(self.constraints(child, far)));
            if child.field.is_some_and(|field| field.required) && self.is_checked(child) {
                required.push(*name);
            }
        }
        let mut then = Map::new();
        then.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            then.insert("required".to_owned(), json!(required));
        }
        Value::Object(then)
    }

    /// Whether one key that is not known voids the answer.
    pub(super) fn refuses_unknown_keys(&self) -> bool {
        let fact = self.contract.reading.unknown_keys.as_ref();
        Reading::or(fact, UnknownKeys::Dropped) == UnknownKeys::Refused
    }

    /// What the name of the event must be.
    fn event_name(&self) -> Map<String, Value> {
        let any = self.direction == Direction::Output
            && self.contract.reading.union.as_ref().is_some_and(|union| union.rule == TagRule::KnownEvent);
        let mut rule = Map::new();
        if any {
            rule.insert("enum".to_owned(), json!(self.contract.events.keys().collect::<Vec<_>>()));
        } else if self.direction == Direction::Output && !self.event.also_named.is_empty() {
            let names: Vec<&String> = std::iter::once(&self.event.name).chain(&self.event.also_named).collect();
            rule.insert("enum".to_owned(), json!(names));
        } else {
            rule.insert("const".to_owned(), json!(self.event.name));
        }
        rule
    }

    /// Values that are refused for what else stands there, or does not.
    fn between_fields(&self, rules: &mut Vec<Value>) {
        for (path, field) in &self.event.output {
            let path = plain_path(path);
            let mut when = |values: &[String], then: Value| {
                let is = if values.is_empty() { json!({ "not": { "type": "null" } }) } else { literals(values) };
                let mut conditions = vec![member(path, &is)];
                conditions.extend(field.with.iter().map(|with| member(&with.field, &literals(&with.values))));
                let unless = field.unless.iter().map(|with| member(&with.field, &literals(&with.values)));
                conditions.extend(unless.map(|rule| json!({ "not": rule })));
                rules.push(json!({ "if": { "allOf": conditions }, "then": then }));
            };
            for refuse in &field.refuse {
                let there = |path: &FieldPath| member(plain_path(path), &json!({ "not": { "type": "null" } }));
                when(&refuse.values, refuse.without.as_ref().map_or(json!({ "not": {} }), there));
            }
            for need in field.needs.iter().filter(|need| need.otherwise == Mismatch::Refused) {
                when(&need.values, member(&need.field, &json!({ "type": "string", "pattern": "\\S" })));
            }
        }
    }

    /// Whether the place names the event.
    fn names_event(&self, node: &Node<'_>) -> bool {
        match self.direction {
            Direction::Input => self.contract.platform.event_field.as_ref() == Some(&node.path),
            Direction::Output => node.field.is_some_and(|field| field.role == Some(Role::EventName)),
        }
    }

    /// Whether the platform looks at the place: it reads the name of the event of an answer only where the contract
    /// says so.
    fn is_checked(&self, node: &Node<'_>) -> bool {
        let binds = node.field.is_some_and(|field| field.binding);
        self.direction == Direction::Input || !self.names_event(node) || self.is_tag(node) || binds
    }

    /// Whether the place is where an answer must name the firing event.
    fn is_tag(&self, node: &Node<'_>) -> bool {
        self.direction == Direction::Output
            && self.contract.reading.union.as_ref().is_some_and(|union| {
                matches!(union.rule, TagRule::FiringEvent | TagRule::KnownEvent)
                    && node.path == format!("{}.{}", union.container, union.tag)
            })
    }

    /// Whether the place is the object of the union, and this event takes none.
    fn refuses_union(&self, node: &Node<'_>) -> bool {
        self.direction == Direction::Output
            && self.contract.reading.union.as_ref().is_some_and(|union| {
                union.rule == TagRule::FiringEvent
                    && node.path == union.container
                    && !self.event.output.contains_key(&format!("{}.{}", union.container, union.tag))
            })
    }
}

/// That the value at `path` is one of `values`.
fn condition(path: &str, values: &[String]) -> Value {
    member(path, &literals(values))
}

/// That there is something at `path`, and that it fits `rule`.
fn member(path: &str, rule: &Value) -> Value {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let inner = rest.map_or_else(|| rule.clone(), |rest| member(rest, rule));
    json!({ "type": "object", "properties": { name: inner }, "required": [name] })
}

/// One of the values, as contracts write them: booleans stand there as words.
fn literals(values: &[String]) -> Value {
    let mut all: Vec<Value> = values.iter().map(|value| json!(value)).collect();
    all.extend(values.iter().filter_map(|value| value.parse::<bool>().ok()).map(Value::Bool));
    json!({ "enum": all })
}

/// `schema` for the object at `path`, if it is there.
fn nested(path: &str, schema: Value) -> Value {
    if path.is_empty() {
        return schema;
    }
    path.rsplit('.').fold(schema, |inner, segment| {
        let name = segment.trim_end_matches("[]");
        let depth = (segment.len() - name.len()) / 2;
        let inner = (0..depth).fold(inner, |inner, _| json!({ "items": inner }));
        json!({ "properties": { name: inner } })
    })
}
