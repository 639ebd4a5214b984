//! Entries that the platform's own check refuses, and what that costs.

use super::node::Node;
use super::notice::{Notices, Remark};
use super::sheet::{Group, Home, Scope, Sheet};
use crate::contract::{Basis, Event, Evidence};
use crate::requirement::Level;

/// The value of an event is no list of groups.
pub(crate) fn groups(sheet: &Sheet<'_>, event: &Event, value: &Node, notices: &mut Notices) {
    let message = format!("the value of `{}` is {} and must be an array of groups", event.name, value.noun());
    let keys = &sheet.scope.dialect.keys;
    let help = format!("write \"{}\": [{{\"{}\": \"...\", \"{}\": [...]}}]", event.name, keys.matcher, keys.handlers);
    refuse(sheet, event, value, None, message, help, notices);
}

/// The handlers of a group, if the group is in order.
pub(crate) fn handlers_of<'a>(group: &Group<'a>, notices: &mut Notices) -> Option<&'a [Node]> {
    let Group { sheet, event, node } = group;
    let scope = group.scope();
    let keys = &scope.dialect.keys;
    if node.members().is_none() {
        let message = format!("a group of `{}` is {} and must be an object", event.name, node.noun());
        let help = format!("write {{\"{}\": \"...\", \"{}\": [...]}}", keys.matcher, keys.handlers);
        refuse(sheet, event, node, None, message, help, notices);
        return None;
    }
    if let Some(matcher) = node.get(&keys.matcher).filter(|matcher| matcher.text().is_none()) {
        let message = format!("`{}` of this group is {} and must be a string", keys.matcher, matcher.noun());
        let help = "write one string; names in it are separated by |, as in \"Edit|Write\"".to_owned();
        refuse(sheet, event, matcher, None, message, help, notices);
        return None;
    }
    match node.get(&keys.handlers) {
        Some(value) if value.items().is_some() => value.items(),
        Some(value) => {
            let message = format!("`{}` of this group is {} and must be an array", keys.handlers, value.noun());
            refuse(sheet, event, value, None, message, "put square brackets around the handler".to_owned(), notices);
            None
        }
        None => {
            let message = format!("this group of `{}` has no `{}`", event.name, keys.handlers);
            let help = if node.get(&keys.command).is_some() {
                format!(
                    "put the handler into a list: \"{}\": [{{\"{}\": \"{}\", ...}}]",
                    keys.handlers, keys.kind, keys.runs
                )
            } else {
                format!("add \"{}\": [...] with the handlers", keys.handlers)
            };
            refuse(sheet, event, node, None, message, help, notices);
            None
        }
    }
}

/// The type of a handler, if all of its keys are in order.
pub(crate) fn kind_of<'a>(group: &Group<'_>, node: &'a Node, notices: &mut Notices) -> Option<&'a str> {
    let Group { sheet, event, .. } = group;
    let scope = group.scope();
    let key = &scope.dialect.keys.kind;
    let types = types(scope);
    let refuse_here = |at: &Node, basis: Option<Basis>, message: String, help: String, notices: &mut Notices| {
        refuse(sheet, event, at, basis, message, help, notices);
    };
    if node.members().is_none() {
        let message = format!("a handler of `{}` is {} and must be an object", event.name, node.noun());
        refuse_here(node, None, message, format!("write {{\"{key}\": \"{}\", ...}}", types[0]), notices);
        return None;
    }
    let one_of = format!("write one of {}", types.join(", "));
    let Some(kind) = node.get(key) else {
        let message = format!("this handler has no `{key}`");
        refuse_here(node, None, message, one_of, notices);
        return None;
    };
    let Some(name) = kind.text().filter(|name| types.contains(name)) else {
        let shown = kind.text().map_or_else(|| kind.noun().to_owned(), |text| format!("{text:?}"));
        let message = format!("`{key}` of this handler is {shown}, and there is no such type of handler");
        refuse_here(kind, None, message, one_of, notices);
        return None;
    };
    let mut in_order = true;
    for (key, option) in scope.dialect.option.iter().filter(|(_, option)| option.belongs_to(name)) {
        match node.get(key) {
            None if option.required => {
                let message = format!("this handler has no `{key}`, which the type {name} must have");
                refuse_here(node, Some(option.basis()), message, format!("add \"{key}\""), notices);
                in_order = false;
            }
            None => {}
            Some(value) => {
                if let Some(expected) = option.objection(value) {
                    let shown = match value.scalar() {
                        Some(text) if value.text().is_none() || !option.values.is_empty() => {
                            let text = if value.text().is_some() { format!("{text:?}") } else { text };
                            format!("`{key}` of this handler is {text}")
                        }
                        _ => format!("`{key}` of this handler is {}", value.noun()),
                    };
                    let message = format!("{shown} and must be {expected}");
                    let help = format!("write {expected}, or leave \"{key}\" out");
                    let help = if option.required { format!("write {expected}") } else { help };
                    refuse_here(value, Some(option.basis()), message, help, notices);
                    in_order = false;
                }
            }
        }
    }
    in_order.then_some(name)
}

/// All types of handler that the platform has at some event, in the order in which events name them.
pub(crate) fn types<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    let mut types: Vec<&str> = Vec::new();
    for name in scope.contract.events.values().flat_map(|event| &event.handlers) {
        if !types.contains(&name.as_str()) {
            types.push(name);
        }
    }
    types
}

/// Tells of a refused entry, and what it costs. `basis` is what the demand itself rests on.
fn refuse(
    sheet: &Sheet<'_>,
    event: &Event,
    node: &Node,
    basis: Option<Basis>,
    message: String,
    help: String,
    notices: &mut Notices,
) {
    let scope = sheet.scope;
    let malformed = &scope.dialect.malformed;
    let known = scope.weigh(&malformed.basis());
    let (cost, consequence) = match scope.home {
        Home::Settings if malformed.void_at.contains(&event.name) => (
            known,
            format!(
                "{} leaves out the whole settings file, with all its hooks, permissions and variables: at {} one \
                 malformed entry is enough, and hardly anybody is told",
                scope.platform(),
                event.name
            ),
        ),
        Home::Settings if malformed.drop_at.contains(&event.name) => {
            (known, format!("{} drops this entry without a word; the rest of the file works", scope.platform()))
        }
        Home::Settings => (
            known.max(Evidence::Documented),
            format!(
                "{} drops this entry; that the rest of the file works was seen at {}, not at {}",
                scope.platform(),
                malformed.drop_at.join(", "),
                event.name
            ),
        ),
        Home::Plugin => (
            known.max(Evidence::Documented),
            format!(
                "{} does not run this entry; whether the rest of a plugin's file works is not known",
                scope.platform()
            ),
        ),
    };
    let evidence = basis.map_or(cost, |basis| cost.max(scope.weigh(&basis)));
    let requirement = "config.invalid-entry";
    sheet.remark(notices, node, Remark { requirement, level: Some(Level::Must), evidence, message, consequence, help });
}
