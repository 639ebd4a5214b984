//! What a lint looks at: a map of events, a group of it, a handler of that, and a handler's command.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use indexmap::IndexMap;

use super::host::Host;
use super::node::{Member, Node};
use super::notice::{Notices, Remark};
use super::shell_line::ShellLine;
use super::source::Source;
use crate::contract::{Basis, Contract, Dialect, Event, Evidence, Spelling, StartsIn};

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
    pub(crate) project: Option<PathBuf>,
    /// The plugin's folder.
    pub(crate) plugin: Option<PathBuf>,
    /// Whether it is the front matter of an agent, a skill or a command: none of the settings or of the plugin's own file.
    pub(crate) in_front_matter: bool,
    /// Whether a program is on this machine.
    pub(crate) has: fn(&str) -> bool,
    /// Names of variables that the user gives the hooks, beside the configuration.
    pub(crate) given: BTreeSet<String>,
    /// Events that become others here.
    pub(crate) renames: BTreeMap<String, String>,
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
    /// Whether it is one handler with its own matcher, and no list of them.
    pub(crate) flat: bool,
}

/// A handler whose keys are in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handler<'a> {
    pub(crate) group: Group<'a>,
    pub(crate) node: &'a Node,
    /// The object in it that holds its type and its command, if that is another one.
    pub(crate) action: Option<&'a Node>,
    /// Its type.
    pub(crate) kind: &'a str,
}

/// A handler that runs a command.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    pub(crate) handler: Handler<'a>,
    /// The command.
    pub(crate) text: &'a str,
    /// The key at which it stands.
    pub(crate) key: &'a str,
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

impl<'a> Scope<'a> {
    /// The platform's name for people.
    pub(crate) fn platform(&self) -> &str {
        &self.contract.platform.title
    }

    /// Whether `${NAME}` is replaced as text before anything runs.
    pub(crate) fn replaces(&self, name: &str) -> bool {
        self.variables.contains_key(name)
            && self.contract.environment.get(name).is_some_and(|variable| variable.placeholder)
    }

    /// The variables that are replaced as text, with their values.
    pub(crate) fn replaced(&self) -> BTreeMap<String, String> {
        let known = self.variables.iter().filter(|(name, _)| self.replaces(name));
        known.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The event that a name in a configuration stands for.
    pub(crate) fn event(&self, name: &str) -> Option<&'a Event> {
        let events: &'a IndexMap<String, Event> = &self.contract.events;
        let plain = |name: &str| match self.dialect.events.spelling {
            Spelling::Exact => name.to_owned(),
            Spelling::AnyCase => name.to_lowercase(),
            Spelling::Loose => name.replace('_', "").to_lowercase(),
        };
        let name = self.renames.get(name).map_or(name, String::as_str);
        events.get(name).or_else(|| {
            let wanted = plain(name);
            events.iter().find(|(known, _)| plain(known) == wanted).map(|(_, event)| event)
        })
    }

    /// The directory in which hooks start.
    pub(crate) fn starts_in(&self) -> StartsIn {
        let scripts = self.dialect.scripts.as_ref();
        let of_plugin = scripts.and_then(|scripts| scripts.plugin_starts_in).filter(|_| self.plugin.is_some());
        of_plugin.or_else(|| Some(scripts?.starts_in)).unwrap_or_default()
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
        let node = self.node.get(self.scope().dialect.keys.matcher.as_ref()?)?;
        Some((node, node.text()?))
    }
}

impl<'a> Handler<'a> {
    /// What surrounds it.
    pub(crate) fn scope(&self) -> &'a Scope<'a> {
        self.group.sheet.scope
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key).or_else(|| self.action?.get(key))
    }

    /// Its keys with their values, those of its action too.
    pub(crate) fn members(&self) -> impl Iterator<Item = &'a Member> {
        let action = self.action.and_then(Node::members).into_iter().flatten();
        self.node.members().into_iter().flatten().chain(action)
    }

    /// Puts a remark at the value of a key, or at the handler if it has no such key.
    pub(crate) fn remark(&self, notices: &mut Notices, key: &str, remark: Remark) {
        self.group.sheet.remark(notices, self.get(key).unwrap_or(self.node), remark);
    }
}

impl Command<'_> {
    /// The variables that the handler gives its command.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let key = self.handler.scope().dialect.keys.environment.as_ref();
        let map = key.and_then(|key| self.handler.get(key)).and_then(Node::members);
        let texts = map.into_iter().flatten().filter_map(|member| Some((member.key.clone(), member.value.scalar()?)));
        texts.collect()
    }
}
