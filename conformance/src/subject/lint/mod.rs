//! Lints of configurations: one function each, in a file of its own.
//!
//! A new lint is a file here and a line in the list of what it looks at: a group, a handler, or a handler's command.
//! Those that look at a whole file are called where the file is read.

pub(crate) mod backslash;
pub(crate) mod condition;
pub(crate) mod disabled;
pub(crate) mod duplicate_key;
pub(crate) mod group_key;
pub(crate) mod handler_type;
pub(crate) mod line;
pub(crate) mod manifest;
pub(crate) mod matcher;
pub(crate) mod missing_wrapper;
pub(crate) mod nesting;
pub(crate) mod option;
pub(crate) mod other_shell;
pub(crate) mod owner;
pub(crate) mod placeholder;
pub(crate) mod quoting;
pub(crate) mod relative_path;
pub(crate) mod script;
pub(crate) mod syntax;
pub(crate) mod template;
pub(crate) mod tilde;
pub(crate) mod timeout_unit;
pub(crate) mod top;
pub(crate) mod unknown_event;
pub(crate) mod unread_file;
pub(crate) mod variable;
pub(crate) mod wrapper;

use super::notice::Notices;
use super::sheet::{Command, Group, Handler};

const OF_GROUPS: &[fn(&Group<'_>, &mut Notices)] = &[matcher::check, group_key::check];

const OF_HANDLERS: &[fn(&Handler<'_>, &mut Notices)] =
    &[handler_type::check, option::unknown, option::ignored, condition::check, timeout_unit::check];

const OF_COMMANDS: &[fn(&Command<'_>, &mut Notices)] = &[
    line::check,
    placeholder::check,
    quoting::check,
    relative_path::check,
    tilde::check,
    script::check,
    script::inline,
];

/// Looks at a group.
pub(crate) fn group(group: &Group<'_>, notices: &mut Notices) {
    OF_GROUPS.iter().for_each(|lint| lint(group, notices));
}

/// Looks at a handler of any type.
pub(crate) fn handler(handler: &Handler<'_>, notices: &mut Notices) {
    OF_HANDLERS.iter().for_each(|lint| lint(handler, notices));
}

/// Looks at a handler's command.
pub(crate) fn command(command: &Command<'_>, notices: &mut Notices) {
    OF_COMMANDS.iter().for_each(|lint| lint(command, notices));
}
