//! How a platform's configuration of hooks is laid out: the `[config]` table of a contract.
//!
//! A platform whose configuration maps events to groups of handlers gets along with such a table and no Rust.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;

use super::evidence::{Basis, Evidence};
use super::version::Version;

/// How a platform's configuration of hooks is laid out.
#[derive(Debug, Clone, Deserialize)]
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
        #[derive(Debug, Clone, Deserialize)]
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
#[derive(Debug, Clone, Deserialize)]
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
#[derive(Debug, Clone, Deserialize)]
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
#[derive(Debug, Clone, Deserialize)]
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
}
