//! How a platform's configuration of hooks is laid out: the `[config]` table of a contract.
//!
//! A platform gets along with such a table and no Rust as long as its files have one of the shapes of [`MapShape`].
//! Patterns of paths are relative, with `/` between parts and `*` for any characters within one.

mod choice;
mod handler;
mod matching;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;

pub(crate) use choice::{Cost, MapShape, Spelling, StartsIn, System, TimeUnit};
pub(crate) use handler::{HandlerKey, Takes};
pub(crate) use matching::{InvalidPattern, Language, Matching, Part};

use super::evidence::{Basis, Evidence};
use super::reading::Fact;
use super::version::Version;
use crate::requirement::Level;

/// How a platform's configuration of hooks is laid out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialect {
    pub(crate) layout: Layout,
    pub(crate) settings: Settings,
    pub(crate) syntax: Option<Syntax>,
    /// Keys that may stand beside the map of events.
    pub(crate) top: Option<Top>,
    /// The keys that tell the version of the format, each for some of the files.
    #[serde(default)]
    pub(crate) version: Vec<FormatVersion>,
    pub(crate) keys: Keys,
    pub(crate) events: Events,
    pub(crate) malformed: Malformed,
    pub(crate) plugin: Option<Plugin>,
    pub(crate) project: Option<Project>,
    pub(crate) identity: Option<Identity>,
    pub(crate) condition: Option<Condition>,
    #[serde(default)]
    pub(crate) matching: Matching,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) shell: Option<Shell>,
    pub(crate) scripts: Option<Scripts>,
    /// Files that are hooks themselves.
    pub(crate) event_files: Option<EventFiles>,
    /// Markdown files whose front matter may hold hooks.
    #[serde(default)]
    pub(crate) front_matter: Vec<FrontMatter>,
    /// Keys of handlers that other platforms know.
    pub(crate) foreign: Option<Foreign>,
    pub(crate) placeholders: Option<Placeholders>,
    #[serde(default)]
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
    /// The shape of a map of events.
    Layout {
        /// Which one.
        shape: MapShape,
        /// Whether entries of a flat shape may also be groups.
        #[serde(default)]
        groups_too: bool,
        /// Of the named shape: events whose values are lists of groups; those of the others are flat.
        #[serde(default)]
        grouped_at: Vec<String>,
    }
    /// The files.
    Settings {
        /// Patterns below a project's folder (and the home folder), the stronger last; folders for the shape of files.
        files: Vec<String>,
        /// Patterns below the home folder only.
        #[serde(default)]
        home: Vec<String>,
        /// The key of the map of events; the document is the map itself if absent.
        hooks: Option<String>,
        /// Files among them that are the map itself, without the key.
        #[serde(default)]
        bare: Vec<String>,
        /// The keys, or dotted paths, of the switches for all hooks.
        #[serde(default)]
        disable: Vec<String>,
        /// The value that switches them off.
        #[serde(default = "switched_off")]
        disabled_if: bool,
        /// The key of the variables given to everything that the platform starts.
        environment: Option<String>,
        /// Patterns of files that look like settings and are not read.
        #[serde(default)]
        unread: Vec<String>,
        /// Patterns of files among them that are made for another platform, and only read here, too.
        #[serde(default)]
        shared: Vec<String>,
        /// Files among them that are not read for hooks where one of the other patterns exists in the same place.
        #[serde(default)]
        yields_to: BTreeMap<String, Vec<String>>,
    }
    /// What is accepted beyond strict JSON, and what becomes of duplicate keys.
    Syntax {
        /// `//` and `/* */`.
        #[serde(default)]
        comments: bool,
        /// A comma before a closing bracket.
        #[serde(default)]
        trailing_commas: bool,
        /// Whether of duplicate keys the last one counts.
        #[serde(default)]
        last_key_counts: bool,
    }
    /// Keys that may stand at the top of a file; any other costs the whole file.
    Top {
        /// The keys.
        keys: Vec<String>,
        /// Patterns of the files for which this holds.
        files: Vec<String>,
    }
    /// The version of the format.
    FormatVersion {
        /// The key.
        key: String,
        /// The values that are known, as text.
        values: Vec<String>,
        /// Patterns of the settings files that have it.
        #[serde(default)]
        files: Vec<String>,
        /// Whether the hooks of plugins have it: their files, and what a manifest holds in place of a file.
        #[serde(default)]
        plugins: bool,
        /// What becomes of a file without it.
        missing: String,
        /// How much it matters that the key is missing.
        #[serde(default = "should")]
        missing_level: Level,
        /// What becomes of a file with another value, where that differs.
        other: Option<String>,
        /// How much it matters that the value is another one.
        #[serde(default = "should")]
        other_level: Level,
    }
    /// The keys of groups and handlers that give them their shape.
    Keys {
        /// Of a group (of a flat entry): which moments it listens to.
        matcher: Option<String>,
        /// Of a group: its handlers.
        handlers: Option<String>,
        /// Further keys of groups.
        #[serde(default)]
        of_groups: Vec<String>,
        /// Those among them that only label the group.
        #[serde(default)]
        labels: Vec<String>,
        /// Of a handler: its type.
        kind: Option<String>,
        /// Of a handler that runs a command: the command.
        command: String,
        /// ... and its arguments, which make it start without a shell.
        args: Option<String>,
        /// The program that is started without a shell, in place of the command.
        program: Option<String>,
        /// Commands for one system, which count before the others.
        #[serde(default)]
        command_on: BTreeMap<System, Vec<String>>,
        /// The type of a handler that runs a command.
        #[serde(default = "command")]
        runs: String,
        /// Variables that the handler gives its command.
        environment: Option<String>,
        /// The folder in which the command starts.
        folder: Option<String>,
        /// The switch of a single entry, of which `false` switches it off.
        enabled: Option<String>,
        /// Of the list shape: the event of an entry.
        event: Option<String>,
        /// Of the list shape: the object that holds type and command.
        action: Option<String>,
    }
    /// How events are named.
    Events {
        /// How names are compared.
        #[serde(default)]
        spelling: Spelling,
        /// What a name that is none costs.
        unknown: Cost,
        /// Names that the platform knows and never fires.
        #[serde(default)]
        never_fired: Vec<String>,
        /// Names of other platforms, and the event that is meant.
        #[serde(default)]
        means: BTreeMap<String, String>,
        /// Keys between the events that are none.
        #[serde(default)]
        other_keys: Vec<String>,
        /// Whether a person is told of a name that is none.
        #[serde(default)]
        told: bool,
        /// Whether hooks under two spellings of one event all run.
        both_spellings_run: Option<Fact<bool>>,
    }
    /// What one malformed entry costs.
    Malformed {
        /// Events at which it costs the whole settings file.
        #[serde(default)]
        void_at: Vec<String>,
        /// Events at which it was seen to cost itself only.
        #[serde(default)]
        drop_at: Vec<String>,
        /// Patterns of files that it costs whatever the event is.
        #[serde(default)]
        void_files: Vec<String>,
        /// What it costs at all other events.
        #[serde(default)]
        otherwise: Cost,
        /// What is lost with a whole file.
        #[serde(default = "all_hooks")]
        file_holds: String,
        /// Whether a person is told of it.
        #[serde(default)]
        told: bool,
    }
    /// Plugins.
    Plugin {
        /// The manifest, below the plugin's folder.
        manifest: Option<String>,
        /// A list of plugins, below a folder that is none itself.
        marketplace: Option<String>,
        /// The file of hooks that is read without being named.
        file: String,
        /// The key of the map of events there, and of further hooks in the manifest.
        hooks: String,
        /// The variable that holds the plugin's folder.
        root: Option<String>,
        /// The variable that holds the plugin's own data folder.
        data: Option<String>,
        /// Further names of the plugin's folder.
        #[serde(default)]
        also_root: Vec<String>,
        /// Placeholders for a person's options.
        options: Option<PluginOptions>,
        /// Patterns of the folders, below a project, in which plugins lie.
        #[serde(default)]
        folders: Vec<String>,
        /// Whether a directory without a manifest is no plugin.
        manifest_needed: Option<Fact<bool>>,
        /// Whether hooks that the manifest names or holds take the place of `file`.
        #[serde(default)]
        replaces: bool,
        /// Whether hooks in the manifest have the form of a whole file, with the key of the map in it.
        #[serde(default)]
        inline_file: bool,
    }
    /// Projects.
    Project {
        /// The variable that holds the project's folder.
        root: String,
        /// Further variables that hold it.
        #[serde(default)]
        also_root: Vec<String>,
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
        /// Tools that a rule of another tool's name may hold for, too.
        #[serde(default)]
        covers: BTreeMap<String, Vec<String>>,
    }
    /// The time limit of a handler.
    Timeout {
        /// The keys, the one that counts first.
        keys: Vec<String>,
        /// The unit.
        #[serde(default)]
        unit: TimeUnit,
        /// Seconds above which it looks like a smaller unit.
        suspicious_above_s: Option<f64>,
        /// Seconds below which it looks like a larger unit.
        suspicious_below_s: Option<f64>,
        /// Seconds that a lower limit becomes.
        least_s: Option<f64>,
        /// Events at which it is cut, to these seconds.
        #[serde(default)]
        most_s: BTreeMap<String, f64>,
    }
    /// A former name of a value.
    Alias {
        /// The name that it stands for now.
        means: String,
    }
    /// What names of tools look like.
    ToolNames {
        /// The characters that they may have besides letters and digits, those of MCP tools, too.
        characters: String,
        /// Tools of the platform itself besides those whose input the contract describes.
        #[serde(default)]
        tools: Vec<String>,
        /// Names that other platforms use, and the one that is meant.
        #[serde(default)]
        elsewhere: BTreeMap<String, String>,
    }
    /// A name of other platforms.
    Elsewhere {
        /// The name that is meant.
        means: String,
        /// Events at which it never matches; all if empty.
        #[serde(default)]
        events: Vec<String>,
        /// For a former name of the platform itself: the first version of which it is known that it is gone.
        gone_by: Option<Version>,
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
    /// What a command may be, and what a script needs.
    Scripts {
        /// Whether a command must be the path of a script: no arguments, no line for a shell.
        #[serde(default)]
        path_only: bool,
        /// What the path ends with where it must be one.
        #[serde(default)]
        endings: Vec<String>,
        /// Whether a script that is started itself needs permission to be executed.
        #[serde(default = "needed")]
        executable: bool,
        /// Whether the platform itself makes a script executable, if the command begins with it.
        #[serde(default)]
        makes_executable: bool,
        /// Whether a carriage return at the end of a shebang is taken away.
        #[serde(default)]
        forgives_crlf: bool,
        /// The folder in which hooks start.
        #[serde(default)]
        starts_in: StartsIn,
        /// The folder for hooks of a person's own configuration, where that is another one.
        person_starts_in: Option<StartsIn>,
        /// The directory for hooks of plugins, where that is another one.
        plugin_starts_in: Option<StartsIn>,
    }
    /// Files that are hooks themselves, named after their events.
    EventFiles {
        /// What stands behind the event's name, on systems other than Windows; "" for nothing.
        endings: Vec<String>,
        /// The same on Windows.
        endings_windows: Vec<String>,
        /// Programs that are given the file, by its ending, where no shebang names one.
        #[serde(default)]
        interpreter: BTreeMap<String, Vec<String>>,
        /// Whether the shebang is read by the platform itself, so that no permission to execute is needed.
        #[serde(default)]
        reads_shebang: bool,
    }
    /// Keys of handlers that other platforms know, and this one ignores.
    Foreign {
        /// The keys, and what to do instead; "" for nothing else than to take it away.
        keys: BTreeMap<String, String>,
    }
    /// Markdown files whose front matter may hold hooks, in the form of settings.
    FrontMatter {
        /// What they are, for people.
        what: String,
        /// Patterns below a project's directory and the home directory.
        #[serde(default)]
        files: Vec<String>,
        /// Patterns below a plugin's directory.
        #[serde(default)]
        in_plugins: Vec<String>,
        /// Patterns below a plugin's directory of files whose hooks are not taken.
        #[serde(default)]
        unread_in_plugins: Vec<String>,
        /// Events that become others there.
        #[serde(default)]
        renames: BTreeMap<String, String>,
    }
    /// What becomes of placeholders in lines for a shell.
    Placeholders {
        /// Whether `$NAME` is replaced by text that is quoted already, and `${NAME}` is left to the shell.
        quoted: bool,
    }
}

impl Project {
    /// All variables that hold the project's directory.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.root).chain(&self.also_root)
    }
}

/// Placeholders for options that a person sets for a plugin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginOptions {
    /// How they begin.
    pub(crate) prefix: String,
    /// First version that does not run a line for a shell with such a placeholder.
    pub(crate) never_in_shell_since: Version,
    /// How the variables that hold them begin.
    pub(crate) variable: String,
}

/// The choice of a shell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shell {
    /// The key.
    pub(crate) key: String,
    /// Shells that are started another way on Windows.
    #[serde(default)]
    pub(crate) windows: BTreeMap<String, ShellProgram>,
    /// Shells that are started another way on other systems.
    #[serde(default)]
    pub(crate) unix: BTreeMap<String, ShellProgram>,
}

fn switched_off() -> bool {
    true
}

fn should() -> Level {
    Level::Should
}

fn needed() -> bool {
    true
}

fn command() -> String {
    "command".to_owned()
}

fn all_hooks() -> String {
    "all its hooks".to_owned()
}
