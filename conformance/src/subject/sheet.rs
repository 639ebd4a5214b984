//! What a lint looks at: a map of events, a group of it, a handler of that, and a handler's command.

use std::collections::BTreeMap;

use super::host::Host;
use super::node::Node;
use super::notice::{Notices, Remark};
use super::shell_line::ShellLine;
use super::source::Source;
use crate::contract::Dialect;
use crate::contract::{Basis, Contract, Event, Evidence};

/// Where a map of events stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// In settings.
    Settings,
    /// In a plugin.
    Plugin,
}

/// What holds for all maps of events of one settings folder or plugin.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) dialect: &'a Dialect,
    pub(crate) host: Host,
    pub(crate) home: Home,
    /// Values of the placeholders that exist here.
    pub(crate) variables: BTreeMap<String, String>,
    /// Variables that the configuration sets itself.
    pub(crate) environment: BTreeMap<String, String>,
    /// The project that the configuration belongs to.
    pub(crate) project: Option<std::path::PathBuf>,
}

/// A map of events in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sheet<'a> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) source: &'a Source,
    pub(crate) map: &'a Node,
    /// Whether the map stands at the top of the file, between other keys: unknown keys are then no events.
    pub(crate) bare: bool,
}

/// A group of handlers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    pub(crate) sheet: Sheet<'a>,
    pub(crate) event: &'a Event,
    pub(crate) node: &'a Node,
}

/// A handler whose keys are in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handler<'a> {
    pub(crate) group: Group<'a>,
    pub(crate) node: &'a Node,
    /// Its type.
    pub(crate) kind: &'a str,
}

/// A handler that runs a command.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    pub(crate) handler: Handler<'a>,
    /// The value of `command`.
    pub(crate) text: &'a str,
    pub(crate) form: Form<'a>,
}

/// How a command is started.
#[derive(Debug)]
pub(crate) enum Form<'a> {
    /// As a line for a POSIX shell.
    Shell(ShellLine),
    /// As a line for another shell, which is named by the program and the flags that start it.
    OtherShell(&'a [String]),
    /// Without a shell, with these arguments.
    Exec(Vec<&'a str>),
}

impl Scope<'_> {
    /// The platform's name for people.
    pub(crate) fn platform(&self) -> &str {
        &self.contract.platform.title
    }

    /// How well something is known at the contract's version.
    pub(crate) fn weigh(&self, basis: &Basis) -> Evidence {
        self.contract.weigh(basis)
    }
}

impl<'a> Sheet<'a> {
    /// Puts a remark at the place of a node.
    pub(crate) fn remark(&self, notices: &mut Notices, node: &Node, remark: Remark) {
        notices.add(self.source, node.start, remark);
    }
}

impl<'a> Group<'a> {
    /// What surrounds it.
    pub(crate) fn scope(&self) -> &'a Scope<'a> {
        self.sheet.scope
    }

    /// The matcher, with its place.
    pub(crate) fn matcher(&self) -> Option<(&'a Node, &'a str)> {
        let node = self.node.get(&self.scope().dialect.keys.matcher)?;
        Some((node, node.text()?))
    }
}

impl<'a> Handler<'a> {
    /// What surrounds it.
    pub(crate) fn scope(&self) -> &'a Scope<'a> {
        self.group.sheet.scope
    }

    /// Puts a remark at the value of a key, or at the handler if it has no such key.
    pub(crate) fn remark(&self, notices: &mut Notices, key: &str, remark: Remark) {
        self.group.sheet.remark(notices, self.node.get(key).unwrap_or(self.node), remark);
    }
}
