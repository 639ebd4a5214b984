//! From a map of events to the commands in it. What is malformed is told and left out, as the platform does it.

use super::host::Host;
use super::lint;
use super::malformed;
use super::node::Node;
use super::notice::Notices;
use super::sheet::{Command, Form, Group, Handler, Sheet};
use super::shell_line::ShellLine;

/// The commands of a map of events, in its order; everything else becomes notices.
pub(crate) fn commands<'a>(sheet: Sheet<'a>, notices: &mut Notices) -> Vec<Command<'a>> {
    let mut found = Vec::new();
    let Some(members) = sheet.map.members() else {
        return found;
    };
    for member in members {
        let Some(event) = sheet.scope.contract.events.get(&member.key) else {
            if !sheet.bare {
                lint::unknown_event::check(&sheet, member, notices);
            }
            continue;
        };
        let Some(groups) = member.value.items() else {
            malformed::groups(&sheet, event, &member.value, notices);
            continue;
        };
        for node in groups {
            let group = Group { sheet, event, node };
            if let Some(handlers) = malformed::handlers_of(&group, notices) {
                lint::group(&group, notices);
                found.extend(handlers.iter().filter_map(|node| command(group, node, notices)));
            }
        }
    }
    found
}

/// The command of a handler, if it is in order and runs one.
fn command<'a>(group: Group<'a>, node: &'a Node, notices: &mut Notices) -> Option<Command<'a>> {
    let keys = &group.scope().dialect.keys;
    let kind = malformed::kind_of(&group, node, notices)?;
    let handler = Handler { group, node, kind };
    lint::handler(&handler, notices);
    if kind != keys.runs {
        return None;
    }
    let text = node.get(&keys.command)?.text()?;
    let command = Command { handler, text, form: form(&handler, text) };
    lint::command(&command, notices);
    Some(command)
}

/// How the command is started. A version that does not know the list of arguments runs the line in a shell.
fn form<'a>(handler: &Handler<'a>, text: &str) -> Form<'a> {
    let scope = handler.scope();
    let keys = &scope.dialect.keys;
    let args = handler.node.get(&keys.args).and_then(Node::items);
    if let Some(args) = args.filter(|_| scope.contract.handler.contains_key(&keys.args)) {
        return Form::Exec(args.iter().filter_map(Node::text).collect());
    }
    let shell = handler.node.get(&scope.dialect.shell.key).and_then(Node::text);
    match shell.and_then(|shell| scope.dialect.shell.windows.get(shell)) {
        Some(shell) if scope.host == Host::Windows => Form::OtherShell(&shell.program),
        _ => Form::Shell(ShellLine::read(text)),
    }
}
