//! From a map of events to the commands in it. What is malformed is told and left out, as the platform does it.

use super::host::Host;
use super::lint;
use super::malformed;
use super::node::{Kind, Node};
use super::notice::Notices;
use super::sheet::{Command, Form, Group, Handler, Scope, Sheet};
use super::shell_line::ShellLine;
use crate::contract::{Event, MapShape};

/// The commands of a map of events, in its order; everything else becomes notices.
pub(crate) fn commands<'a>(sheet: Sheet<'a>, notices: &mut Notices) -> Vec<Command<'a>> {
    let mut found = Vec::new();
    match sheet.scope.dialect.layout.shape {
        MapShape::Groups | MapShape::Flat => events(sheet, &mut found, notices),
        MapShape::Named => {
            for member in sheet.map.members().into_iter().flatten() {
                let inner = Sheet { map: &member.value, ..sheet };
                if member.value.members().is_none() {
                    lint::wrapper::unnamed(&sheet, member, notices);
                } else if is_on(&inner, &member.value, notices) {
                    events(inner, &mut found, notices);
                }
            }
        }
        MapShape::List => {
            for node in sheet.map.items().into_iter().flatten() {
                if let Some(event) = malformed::event_of(&sheet, node, notices) {
                    entry(sheet, event, node, &mut found, notices);
                }
            }
        }
        // These have no map; their files are read elsewhere.
        MapShape::EventFiles => {}
    }
    found
}

fn events<'a>(sheet: Sheet<'a>, found: &mut Vec<Command<'a>>, notices: &mut Notices) {
    let dialect = sheet.scope.dialect;
    for member in sheet.map.members().into_iter().flatten() {
        if !notices.may_look(sheet.source, 1) {
            return;
        }
        let is_switch = dialect.layout.shape == MapShape::Named && dialect.keys.enabled.as_ref() == Some(&member.key);
        if is_switch || dialect.events.other_keys.contains(&member.key) {
            continue;
        }
        let Some(event) = sheet.scope.event(&member.key) else {
            if !sheet.bare {
                lint::unknown_event::check(&sheet, member, notices);
            }
            continue;
        };
        let Some(items) = member.value.items() else {
            malformed::groups(&sheet, event, &member.value, notices);
            continue;
        };
        for node in items {
            entry(sheet, event, node, found, notices);
        }
    }
}

/// One item of an event's list: a group, or a handler with its own matcher.
fn entry<'a>(sheet: Sheet<'a>, event: &'a Event, node: &'a Node, found: &mut Vec<Command<'a>>, notices: &mut Notices) {
    let dialect = sheet.scope.dialect;
    let layout = &dialect.layout;
    if !notices.may_look(sheet.source, 1 + keys_beyond(node)) {
        return;
    }
    let nested = dialect.keys.handlers.as_ref().is_some_and(|key| node.get(key).is_some());
    let grouped = match layout.shape {
        MapShape::Groups => true,
        MapShape::Named => layout.grouped_at.contains(&event.name),
        MapShape::Flat => layout.groups_too && nested,
        MapShape::List | MapShape::EventFiles => false,
    };
    let group = Group { sheet, event, node, flat: !grouped };
    if grouped {
        if let Some(handlers) = malformed::handlers_of(&group, notices) {
            lint::group(&group, notices);
            found.extend(handlers.iter().filter_map(|node| command(group, node, notices)));
        }
        return;
    }
    if lint::nesting::check(&group, notices) {
        // The platform runs none of them; they are subjects all the same, to be checked before the file is mended. What
        // else is wrong with them can be told when they stand where they belong.
        let mut unheard = Notices::default();
        let handlers = node.get(lint::nesting::NESTED).and_then(Node::items).into_iter().flatten();
        found.extend(handlers.filter_map(|node| command(Group { flat: false, ..group }, node, &mut unheard)));
        return;
    }
    if !is_on(&sheet, node, notices) {
        return;
    }
    lint::group(&group, notices);
    found.extend(command(group, node, notices));
}

/// Keys beyond those that a group or a handler can well have: each is compared with all that are known.
fn keys_beyond(node: &Node) -> usize {
    const USUAL: usize = 20;
    node.members().map_or(0, |members| members.count().saturating_sub(USUAL))
}

/// Whether an entry is switched on.
fn is_on(sheet: &Sheet<'_>, node: &Node, notices: &mut Notices) -> bool {
    let switch = sheet.scope.dialect.keys.enabled.as_ref().and_then(|key| Some((key, node.get(key)?)));
    let Some((key, value)) = switch.filter(|(_, value)| value.kind == Kind::Bool(false)) else {
        return true;
    };
    lint::disabled::entry(sheet, key, value, notices);
    false
}

/// The command of a handler, if it is in order and runs one.
fn command<'a>(group: Group<'a>, node: &'a Node, notices: &mut Notices) -> Option<Command<'a>> {
    let scope = group.scope();
    let keys = &scope.dialect.keys;
    if !notices.may_look(group.sheet.source, 1 + keys_beyond(node)) {
        return None;
    }
    let action = keys.action.as_ref().and_then(|key| node.get(key));
    let kind = malformed::kind_of(&group, node, action, notices)?;
    let handler = Handler { group, node, action, kind };
    lint::handler(&handler, notices);
    if kind != keys.runs {
        return None;
    }
    let (key, text) = text_of(scope, &handler, notices)?;
    let form = form(&handler, key, text);
    if let Form::OtherShell(program) = &form
        && !(scope.has)(&program[0])
    {
        lint::handler_type::no_shell(&handler, &program[0], notices);
        return None;
    }
    let command = Command { handler, text, key, form };
    lint::command(&command, notices);
    Some(command)
}

/// The command for this system, with its key.
fn text_of<'a>(scope: &'a Scope<'a>, handler: &Handler<'a>, notices: &mut Notices) -> Option<(&'a str, &'a str)> {
    let keys = &scope.dialect.keys;
    let here = scope.host.systems().iter().filter_map(|system| keys.command_on.get(system)).flatten();
    let all = keys.program.iter().chain(here).chain([&keys.command]);
    let found = all.into_iter().find_map(|key| Some((key.as_str(), handler.get(key)?.text()?)));
    if found.is_none() {
        let elsewhere = keys.command_on.values().flatten().find(|key| handler.get(key).is_some());
        malformed::no_command(handler, elsewhere, notices);
    }
    found
}

/// How the command is started. A version that does not know the list of arguments runs the line in a shell.
fn form<'a>(handler: &Handler<'a>, key: &str, text: &str) -> Form<'a> {
    let scope = handler.scope();
    let keys = &scope.dialect.keys;
    let args = |items: &'a [Node]| items.iter().filter_map(Node::text).collect();
    let given = keys.args.as_ref().and_then(|key| handler.get(key)).and_then(Node::items);
    if keys.program.as_deref() == Some(key) {
        return Form::Exec(given.map_or_else(Vec::new, args));
    }
    let knows =
        keys.program.is_none() && keys.args.as_ref().is_some_and(|key| scope.contract.handler.contains_key(key));
    if let Some(items) = given.filter(|_| knows) {
        return Form::Exec(args(items));
    }
    let path_only = scope.dialect.scripts.as_ref().is_some_and(|scripts| scripts.path_only);
    if path_only || scope.host.shell(&scope.contract.process).is_empty() {
        return Form::Exec(Vec::new());
    }
    let shell = scope.dialect.shell.as_ref();
    let chosen = shell.and_then(|shell| {
        let shells = if scope.host == Host::Windows { &shell.windows } else { &shell.unix };
        shells.get(handler.get(&shell.key)?.text()?)
    });
    chosen.map_or_else(|| Form::Shell(ShellLine::read(text)), |chosen| Form::OtherShell(&chosen.program))
}
