//! Entries that the platform's own check refuses, and what that costs.

use super::node::Node;
use super::notice::{Notices, Remark};
use super::sheet::{Group, Handler, Home, Scope, Sheet};
use super::{lint, pattern};
use crate::contract::{Cost, Event, Evidence, HandlerKey, MapShape};
use crate::requirement::Level;

/// The value of an event is no list of groups.
pub(crate) fn groups(sheet: &Sheet<'_>, event: &Event, value: &Node, notices: &mut Notices) {
    let scope = sheet.scope;
    let keys = &scope.dialect.keys;
    let flat = is_flat(scope, event);
    let noun = if flat { "handlers" } else { "groups" };
    let message = format!("the value of `{}` is {} and must be an array of {noun}", event.name, value.noun());
    let help = if flat {
        format!("write \"{}\": [{{\"{}\": \"...\"}}]", event.name, keys.command)
    } else {
        format!("write \"{}\": [{}]", event.name, group_form(scope))
    };
    refuse(sheet, event, value, None, message, help, notices);
}

/// Whether entries of the event are handlers, and no groups.
fn is_flat(scope: &Scope<'_>, event: &Event) -> bool {
    let layout = &scope.dialect.layout;
    match layout.shape {
        MapShape::Groups => false,
        MapShape::Named => !layout.grouped_at.contains(&event.name),
        MapShape::Flat | MapShape::List | MapShape::EventFiles => true,
    }
}

/// How a group is written.
fn group_form(scope: &Scope<'_>) -> String {
    let keys = &scope.dialect.keys;
    let matcher = keys.matcher.iter().map(|key| format!("\"{key}\": \"...\""));
    let handlers = keys.handlers.iter().map(|key| format!("\"{key}\": [...]"));
    format!("{{{}}}", matcher.chain(handlers).collect::<Vec<_>>().join(", "))
}

/// The event of an entry that names it itself.
pub(crate) fn event_of<'a>(sheet: &Sheet<'a>, node: &Node, notices: &mut Notices) -> Option<&'a Event> {
    let scope = sheet.scope;
    let key = scope.dialect.keys.event.as_deref().unwrap_or("event");
    let named = node.get(key);
    let text = named.and_then(Node::text);
    if let Some(text) = text {
        let event = scope.event(text);
        if event.is_none() {
            lint::unknown_event::named(sheet, text, named.map_or(node.start, |named| named.start), notices);
        }
        return event;
    }
    let message = match named {
        Some(other) => format!("`{key}` of this entry is {} and must be the name of an event", other.noun()),
        None if node.members().is_some() => format!("this entry has no `{key}`"),
        None => format!("this entry is {} and must be an object", node.noun()),
    };
    let help = format!("write {{\"{key}\": \"<event>\", ...}}");
    refuse(sheet, None, named.unwrap_or(node), None, message, help, notices);
    None
}

/// The handlers of a group, if the group is in order.
pub(crate) fn handlers_of<'a>(group: &Group<'a>, notices: &mut Notices) -> Option<&'a [Node]> {
    let Group { sheet, event, node, .. } = *group;
    let scope = group.scope();
    let keys = &scope.dialect.keys;
    let key = keys.handlers.as_deref().unwrap_or("hooks");
    if node.members().is_none() {
        let message = format!("a group of `{}` is {} and must be an object", event.name, node.noun());
        refuse(&sheet, event, node, None, message, format!("write {}", group_form(scope)), notices);
        return None;
    }
    if !matcher_in_order(group, "group", notices) {
        return None;
    }
    match node.get(key) {
        Some(value) if value.items().is_some() => value.items(),
        Some(value) => {
            let message = format!("`{key}` of this group is {} and must be an array", value.noun());
            refuse(&sheet, event, value, None, message, "put square brackets around the handler".to_owned(), notices);
            None
        }
        None => {
            let message = format!("this group of `{}` has no `{key}`", event.name);
            let kind = keys.kind.iter().map(|kind| format!("\"{kind}\": \"{}\", ", keys.runs)).collect::<String>();
            let help = if node.get(&keys.command).is_some() {
                format!("put the handler into a list: \"{key}\": [{{{kind}...}}]")
            } else {
                format!("add \"{key}\": [...] with the handlers")
            };
            refuse(&sheet, event, node, None, message, help, notices);
            None
        }
    }
}

/// Whether the matcher is a string.
fn matcher_in_order(group: &Group<'_>, noun: &str, notices: &mut Notices) -> bool {
    let Group { sheet, event, node, .. } = *group;
    let key = group.scope().dialect.keys.matcher.as_ref();
    let found = key.and_then(|key| Some((key, node.get(key)?)));
    let empty = group.scope().dialect.matching.empty_is_malformed;
    if let Some((key, matcher)) = found.filter(|(_, matcher)| empty && matcher.text() == Some("")) {
        let message = format!("`{key}` of this {noun} is empty, which is no matcher here");
        let help = format!("leave \"{key}\" out to match everything");
        refuse(&sheet, event, matcher, None, message, help, notices);
        return false;
    }
    let Some((key, matcher)) = found.filter(|(_, matcher)| matcher.text().is_none()) else {
        return true;
    };
    let message = format!("`{key}` of this {noun} is {} and must be a string", matcher.noun());
    let help = "write one string; names in it are separated by |, as in \"Edit|Write\"".to_owned();
    refuse(&sheet, event, matcher, None, message, help, notices);
    false
}

/// The type of a handler, if all of its keys are in order.
pub(crate) fn kind_of<'a>(
    group: &Group<'a>,
    node: &'a Node,
    action: Option<&'a Node>,
    notices: &mut Notices,
) -> Option<&'a str> {
    let Group { sheet, event, .. } = *group;
    let scope = group.scope();
    let keys = &scope.dialect.keys;
    let options = &scope.dialect.option;
    let refuse_here = |at: &Node, basis: Option<&HandlerKey>, message: String, help: String, notices: &mut Notices| {
        refuse(&sheet, event, at, basis, message, help, notices);
    };
    if node.members().is_none() {
        let message = format!("a handler of `{}` is {} and must be an object", event.name, node.noun());
        let help = match &keys.kind {
            Some(key) => format!("write {{\"{key}\": \"{}\", ...}}", keys.runs),
            None => format!("write {{\"{}\": \"...\"}}", keys.command),
        };
        refuse_here(node, None, message, help, notices);
        return None;
    }
    let get = |key: &str| node.get(key).or_else(|| action?.get(key));
    let name = match &keys.kind {
        None => keys.runs.as_str(),
        Some(key) => {
            let types = types(scope);
            let one_of = format!("write one of {}", types.join(", "));
            match get(key) {
                None if options.get(key).is_some_and(|option| !option.required) => keys.runs.as_str(),
                None => {
                    let message = format!("this handler has no `{key}`");
                    refuse_here(node, options.get(key), message, one_of, notices);
                    return None;
                }
                Some(kind) => {
                    let Some(name) = kind.text().filter(|name| types.contains(name)) else {
                        let shown = kind.text().map_or_else(|| kind.noun().to_owned(), |text| format!("{text:?}"));
                        let message =
                            format!("`{key}` of this handler is {shown}, and there is no such type of handler");
                        refuse_here(kind, options.get(key), message, one_of, notices);
                        return None;
                    };
                    name
                }
            }
        }
    };
    let mut in_order = !group.flat || matcher_in_order(group, "handler", notices);
    for (key, option) in options.iter().filter(|(_, option)| option.belongs_to(name)) {
        match get(key) {
            None if option.required => {
                let type_too = keys.kind.iter().map(|_| format!(", which the type {name} must have"));
                let message = format!("this handler has no `{key}`{}", type_too.collect::<String>());
                refuse_here(node, Some(option), message, format!("add \"{key}\""), notices);
                in_order = false;
            }
            None => {}
            Some(value) => {
                if let Some(expected) = option.objection(value) {
                    let shown = match value.scalar() {
                        Some(text) if value.text().is_none() || !option.values.is_empty() || text.is_empty() => {
                            let text = if value.text().is_some() { format!("{text:?}") } else { text };
                            format!("`{key}` of this handler is {text}")
                        }
                        _ => format!("`{key}` of this handler is {}", value.noun()),
                    };
                    let message = format!("{shown} and must be {expected}");
                    let help = format!("write {expected}, or leave \"{key}\" out");
                    let help = if option.required { format!("write {expected}") } else { help };
                    refuse_here(value, Some(option), message, help, notices);
                    in_order = false;
                }
            }
        }
    }
    in_order.then_some(name)
}

/// A handler that runs commands, and has none for this system.
pub(crate) fn no_command(handler: &Handler<'_>, elsewhere: Option<&String>, notices: &mut Notices) {
    let scope = handler.scope();
    let keys = &scope.dialect.keys;
    let Some(other) = elsewhere else {
        let message = format!("this handler has no `{}`", keys.command);
        let help = format!("add \"{}\"", keys.command);
        refuse(&handler.group.sheet, handler.group.event, handler.node, None, message, help, notices);
        return;
    };
    let remark = Remark {
        requirement: "config.unsupported-handler",
        level: None,
        evidence: scope.weigh(&keys.basis()),
        message: format!("this handler has a command at `{other}` only"),
        consequence: format!(
            "{} runs it on another system than this one; nothing is said of it here",
            scope.platform()
        ),
        help: format!("to check it here, add \"{}\"", keys.command),
    };
    handler.remark(notices, other, remark);
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

/// Tells of a refused entry, and what it costs. `key` is what the demand itself rests on.
pub(crate) fn refuse<'a>(
    sheet: &Sheet<'_>,
    event: impl Into<Option<&'a Event>>,
    node: &Node,
    key: Option<&HandlerKey>,
    message: String,
    help: String,
    notices: &mut Notices,
) {
    let scope = sheet.scope;
    let (cost, consequence) = cost(sheet, event.into(), key.and_then(|key| key.costs));
    let evidence = match key {
        // What the key itself says of its cost rests on what the key rests on.
        Some(key) if key.costs.is_some() => scope.weigh(&key.basis()),
        Some(key) => cost.max(scope.weigh(&key.basis())),
        None => cost,
    };
    let requirement = "config.invalid-entry";
    sheet.remark(notices, node, Remark { requirement, level: Some(Level::Must), evidence, message, consequence, help });
}

/// What a malformed entry costs, and how well that is known. `own` is what the key itself says of it.
pub(crate) fn cost(sheet: &Sheet<'_>, event: Option<&Event>, own: Option<Cost>) -> (Evidence, String) {
    let scope = sheet.scope;
    let platform = scope.platform();
    let malformed = &scope.dialect.malformed;
    let known = scope.weigh(&malformed.basis());
    let at = |events: &[String]| event.is_some_and(|event| events.contains(&event.name));
    let quietly = if malformed.told { "" } else { " without a word" };
    let file = |evidence| {
        let quietly = if malformed.told { "" } else { ", without a word" };
        let voids = format!("{platform} leaves out the whole file, with {}{quietly}", malformed.file_holds);
        (evidence, voids)
    };
    let entry = |evidence| (evidence, format!("{platform} drops this entry{quietly}; the rest of the file works"));
    match own {
        Some(Cost::File) => return file(known),
        Some(Cost::Entry) => return entry(known),
        Some(Cost::Group) => {
            return (known, format!("{platform} drops the group{quietly}; the rest of the file works"));
        }
        Some(Cost::Unknown) | None => {}
    }
    if scope.home == Home::Settings && !scope.in_front_matter {
        if let Some(event) = event.filter(|_| at(&malformed.void_at)) {
            let name = &event.name;
            let told = if malformed.told { "" } else { ", and hardly anybody is told" };
            let holds = &malformed.file_holds;
            let voids = format!("{platform} leaves out the whole settings file, with {holds}");
            return (known, format!("{voids}: at {name} one malformed entry is enough{told}"));
        }
        if at(&malformed.drop_at) {
            return entry(known);
        }
        if pattern::any(&malformed.void_files, &sheet.source.path) {
            return file(known);
        }
    }
    match (malformed.otherwise, event) {
        (Cost::File, _) => file(known),
        (Cost::Entry, _) => entry(known),
        (Cost::Group, _) => (known, format!("{platform} drops the group{quietly}; the rest of the file works")),
        (Cost::Unknown, Some(event)) if scope.home == Home::Settings && !malformed.drop_at.is_empty() => (
            known.max(Evidence::Documented),
            format!(
                "{platform} drops this entry; that the rest of the file works was seen at {}, not at {}",
                malformed.drop_at.join(", "),
                event.name
            ),
        ),
        (Cost::Unknown, _) => (
            known.max(Evidence::Documented),
            format!("{platform} does not run this entry; whether the rest of the file works is not known"),
        ),
    }
}
