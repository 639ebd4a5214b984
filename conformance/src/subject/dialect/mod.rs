//! How a platform's configuration of hooks is laid out, as data: one TOML file a platform.
//!
//! A platform whose configuration maps events to groups of handlers gets along with such a file and no Rust.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use serde::Deserialize;

use super::node::{Kind, Node};
use crate::contract::{Basis, Contract, Evidence, Version};

/// The layouts that the suite knows: the platform's id and the file.
const FILES: &[(&str, &str)] = &[("claude-code", include_str!("claude-code.toml"))];

/// How a platform's configuration of hooks is laid out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialect {
    pub(crate) settings: Settings,
    pub(crate) keys: Keys,
    pub(crate) malformed: Malformed,
    pub(crate) plugin: Plugin,
    pub(crate) project: Project,
    pub(crate) identity: Identity,
    pub(crate) condition: Condition,
    pub(crate) matching: Matching,
    pub(crate) timeout: Timeout,
    pub(crate) shell: Shell,
    pub(crate) option: IndexMap<String, HandlerKey>,
}

/// Declares structs for tables of the file, each with its evidence and sources.
macro_rules! tables {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_about])* pub(crate) $field: $ty,)*
            /// How well this is known.
            pub(crate) evidence: Evidence,
            /// What it rests on.
            pub(crate) source: Vec<String>,
        }

        impl $name {
            /// What the table rests on.
            #[allow(dead_code, reason = "every table can say what it rests on; not every lint asks yet")]
            pub(crate) fn basis(&self) -> Basis {
                Basis { evidence: self.evidence, source: self.source.clone() }
            }
        }
    )*};
}

tables! {
    /// Settings files.
    Settings {
        /// The folder of a project (and of the home folder) that holds them.
        folder: String,
        /// Their names, the stronger last.
        files: Vec<String>,
        /// The key of the map of events.
        hooks: String,
        /// The key that switches all hooks off.
        disable: String,
        /// The key of the variables given to everything that the platform starts.
        environment: String,
        /// Files of the folder that look like settings and are not read.
        unread: Vec<String>,
    }
    /// The keys of groups and handlers that give them their shape.
    Keys {
        /// Of a group: which moments it listens to.
        matcher: String,
        /// Of a group: its handlers.
        handlers: String,
        /// Of a handler: its type.
        kind: String,
        /// Of a handler that runs a command: the command.
        command: String,
        /// ... and its arguments, which make it start without a shell.
        args: String,
        /// The type of a handler that runs a command.
        runs: String,
    }
    /// What one malformed entry costs.
    Malformed {
        /// Events at which it costs the whole settings file.
        void_at: Vec<String>,
        /// Events at which it was seen to cost itself only.
        drop_at: Vec<String>,
    }
    /// Plugins.
    Plugin {
        /// The manifest, below the plugin's folder.
        manifest: String,
        /// A list of plugins, below a folder that is none itself.
        marketplace: String,
        /// The file of hooks that is read without being named.
        file: String,
        /// The key of the map of events there, and of further hooks in the manifest.
        hooks: String,
        /// The variable that holds the plugin's folder.
        root: String,
        /// The variable that holds the plugin's own data folder.
        data: String,
        /// How placeholders for a person's options begin.
        option: String,
        /// First version that does not run a line for a shell with such a placeholder.
        option_never_in_shell_since: Version,
        /// How the variables that hold them begin.
        option_variable: String,
    }
    /// Projects.
    Project {
        /// The variable that holds the project's folder.
        root: String,
    }
    /// What makes two handlers of an event the same one.
    Identity {
        /// The keys that are compared.
        keys: Vec<String>,
    }
    /// Conditions on handlers.
    Condition {
        /// The key.
        key: String,
        /// Events at which it is looked at.
        events: Vec<String>,
    }
    /// The time limit of a handler.
    Timeout {
        /// The key.
        key: String,
        /// Seconds from which it looks like milliseconds.
        suspicious_s: f64,
    }
    /// A former name of a value.
    Alias {
        /// The name that it stands for now.
        means: String,
    }
    /// Events with fewer name characters in matchers.
    Narrow {
        /// The events.
        events: Vec<String>,
        /// Their name characters besides letters and digits.
        name_characters: String,
    }
    /// How tools of servers are called.
    Server {
        /// How their names begin.
        prefix: String,
        /// What stands between the server and the tool.
        separator: String,
    }
    /// A shell that is started another way.
    ShellProgram {
        /// The program with the flag that takes the script.
        program: Vec<String>,
    }
}

/// Matchers, beyond the contract's rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matching {
    /// Former names that still match.
    pub(crate) alias: BTreeMap<String, Alias>,
    /// Events with fewer name characters.
    pub(crate) narrow: Narrow,
    /// How tools of servers are called.
    pub(crate) server: Server,
    /// Events that look at a part of the field only.
    pub(crate) part: BTreeMap<String, Part>,
}

/// A part of a field.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// What stands behind the last separator of a path.
    FileName,
}

/// The choice of a shell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shell {
    /// The key.
    pub(crate) key: String,
    /// Shells that are started another way on Windows.
    pub(crate) windows: BTreeMap<String, ShellProgram>,
}

/// What a key of a handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Takes {
    /// A string.
    Text,
    /// An array of strings.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A number above zero.
    PositiveNumber,
    /// Anything.
    Any,
}

/// A key of a handler.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandlerKey {
    /// What it takes.
    pub(crate) takes: Takes,
    /// The values it takes; any if empty.
    #[serde(default)]
    pub(crate) values: Vec<String>,
    /// Whether a handler of those types must have it.
    #[serde(default)]
    pub(crate) required: bool,
    /// Types of handler that have it; all if empty.
    #[serde(default)]
    pub(crate) handlers: Vec<String>,
    /// Whether it is accepted in settings files and does nothing there.
    #[serde(default)]
    pub(crate) ignored_in_settings: bool,
    /// How well this is known.
    pub(crate) evidence: Evidence,
    /// What it rests on.
    pub(crate) source: Vec<String>,
}

impl HandlerKey {
    /// What the key rests on.
    pub(crate) fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }

    /// Whether handlers of that type have the key.
    pub(crate) fn belongs_to(&self, handler: &str) -> bool {
        self.handlers.is_empty() || self.handlers.iter().any(|name| name == handler)
    }

    /// What `value` should be instead; `None` if it is in order.
    pub(crate) fn objection(&self, value: &Node) -> Option<String> {
        let fits = match self.takes {
            Takes::Any => true,
            Takes::Text => value.text().is_some(),
            Takes::Texts => value.items().is_some_and(|items| items.iter().all(|item| item.text().is_some())),
            Takes::Flag => matches!(value.kind, Kind::Bool(_)),
            Takes::PositiveNumber => value.number().is_some_and(|number| number > 0.0),
        };
        let listed =
            self.values.is_empty() || value.text().is_none_or(|text| self.values.iter().any(|known| known == text));
        if fits && listed {
            return None;
        }
        Some(match self.takes {
            Takes::Text if !self.values.is_empty() => {
                let values: Vec<_> = self.values.iter().map(|value| format!("\"{value}\"")).collect();
                values.join(" or ")
            }
            Takes::Text => "a string".to_owned(),
            Takes::Texts => "an array of strings".to_owned(),
            Takes::Flag => "true or false, without quotation marks".to_owned(),
            Takes::PositiveNumber => "a number above 0, without quotation marks".to_owned(),
            Takes::Any => "anything".to_owned(),
        })
    }
}

impl Dialect {
    /// The layout of the contract's platform; `None` if nobody has described it.
    pub(crate) fn of(contract: &Contract) -> Option<&'static Dialect> {
        static ALL: OnceLock<Vec<(&'static str, Option<Dialect>)>> = OnceLock::new();
        // A file that does not parse is a defect of the suite; a test looks at each.
        let all = ALL.get_or_init(|| FILES.iter().map(|(id, text)| (*id, toml::from_str(text).ok())).collect());
        all.iter().find(|(id, _)| *id == contract.platform.id)?.1.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, FILES};
    use crate::contract::Library;

    #[test]
    fn every_file_parses_and_names_only_what_its_contract_knows() {
        let library = Library::built_in().unwrap();
        for (id, text) in FILES {
            let dialect: Dialect = toml::from_str(text).unwrap_or_else(|error| panic!("{id}: {error}"));
            let contract = library.select(id).unwrap();
            let events = dialect.malformed.void_at.iter();
            let events = events.chain(&dialect.malformed.drop_at).chain(&dialect.condition.events);
            let events = events.chain(&dialect.matching.narrow.events).chain(dialect.matching.part.keys());
            for event in events {
                assert!(contract.events.contains_key(event), "{id}: {event} is no event");
            }
            for variable in [&dialect.plugin.root, &dialect.plugin.data, &dialect.project.root] {
                let known = contract.environment.get(variable).is_some_and(|variable| variable.placeholder);
                assert!(known, "{id}: {variable} is no placeholder");
            }
            let types: Vec<_> = contract.events.values().flat_map(|event| &event.handlers).collect();
            for (key, option) in &dialect.option {
                for handler in &option.handlers {
                    assert!(types.contains(&handler), "{id}: {key}: {handler} is no type of handler");
                }
            }
            let keys = dialect.identity.keys.iter();
            for key in keys.chain([&dialect.condition.key, &dialect.timeout.key, &dialect.shell.key]) {
                assert!(dialect.option.contains_key(key), "{id}: {key} is no key of a handler");
            }
        }
    }
}
