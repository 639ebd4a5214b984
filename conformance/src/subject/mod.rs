//! Subjects: the hooks under check, and where they come from.
//!
//! [`from_command`] makes one from a command line, [`discover`] finds those of a platform's configuration, with what is
//! to be said of it ([`ConfigNotice`]). How a configuration is laid out is data, the `[config]` table of a contract; a
//! lint is a function in a file of its own in `lint/`.

mod bounds;
mod build;
mod command;
mod consent;
mod dialect;
mod discover;
mod error;
mod event_files;
pub(crate) mod executable;
mod front_matter;
mod heavy;
mod host;
mod lint;
mod loader_variable;
mod malformed;
mod matching;
mod missing;
mod name;
mod node;
mod notice;
mod pattern;
mod placeholder;
mod plugin;
mod possible;
mod program;
mod project_case;
mod project_file;
mod regex;
mod relaxed;
mod service;
mod settings;
mod shebang;
mod sheet;
mod shell_line;
mod source;
mod started;
mod timeout;
mod toml_tree;
mod walk;
mod whose;
mod written_for;
mod yaml_tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hookproof_harness::Invocation;
use serde_json::Value;

pub use command::from_command;
pub use consent::{consent_text, settings_text};
pub use discover::{Discovery, discover, discover_given};
pub use error::DiscoverError;
pub use heavy::Heavy;
pub(crate) use host::Host;
pub use matching::{MatchResult, matched_value, matches, matches_at};
pub use notice::ConfigNotice;
pub use placeholder::{PLUGIN_DATA_AT_RUN, PROJECT_AT_RUN, RunFolders};
pub(crate) use program::{bare, begins, is_shell, named, named_in_words};
pub use project_case::{FilePlace, ProjectCase};
pub use project_file::{Pattern, ProjectFile, ProjectFileError, duration};
pub use service::{LocalService, LocalServiceError, ServiceForm};
pub(crate) use shebang::Shebang;
pub(crate) use shell_line::ShellLine;
pub use started::{Started, started};
pub use whose::platforms_at;
pub use written_for::{Clue, WrittenFor, written_for};

use crate::contract::{Contract, Event};
use crate::report::SubjectInfo;

/// The interpreter that the first line of a script names; behind `env`, the name that is looked for. `None` for a file that is
/// no script, or not there.
#[must_use]
pub(crate) fn interpreter_of(path: &std::path::Path) -> Option<String> {
    Some(shebang::Shebang::of(path)?.interpreter().to_owned())
}

/// Where a subject comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A command line.
    Command,
    /// The reference hook that the binary carries.
    Reference,
    /// An entry of a configuration file.
    Config {
        /// The file.
        file: PathBuf,
        /// Line of the entry, from 1.
        line: usize,
        /// Column of the entry in characters, from 1.
        column: usize,
    },
}

/// One hook under check.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its name in case ids: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// How it is started. `{event}` and `{platform}` in arguments of a command line ([`Origin::Command`]) are replaced
    /// for each case; a configuration's commands are taken as they are, see [`Subject::placed`].
    pub invocation: Invocation,
    /// The command as a person would type it, or as the configuration spells it.
    pub display: String,
    /// Variables that its configuration gives it, beyond the platform's own. The folders that only a run knows are
    /// [`PROJECT_AT_RUN`] and [`PLUGIN_DATA_AT_RUN`] until [`Subject::placed`] fills them in.
    pub environment: BTreeMap<String, String>,
    /// Whether the platform puts quoted text in place of `$NAME` before a shell reads the line, and leaves `${NAME}` to the
    /// shell.
    pub quotes_placeholders: bool,
    /// The event that it listens to; every event of the platform if `None`.
    pub event: Option<String>,
    /// The matcher of its group. Where several groups of the event name the same command, which the platform runs once,
    /// it is one matcher that takes what any of theirs takes.
    pub matcher: Option<String>,
    /// The time limit that its configuration sets.
    pub timeout: Option<Duration>,
    /// Options of its handler besides the command and its time limit, as far as they are single values, such as
    /// `onFailure`.
    pub handler: BTreeMap<String, String>,
    /// The project whose configuration it comes from. Each run gets a copy of it to work in.
    pub project: Option<std::path::PathBuf>,
    /// The folder that its configuration has it start in, below the project or absolute.
    pub folder: Option<std::path::PathBuf>,
    /// What it does that is heavy, if somebody has said so.
    pub heavy: Option<Heavy>,
    /// The local service that it talks to, if somebody has said so.
    pub worker: Option<LocalService>,
}

impl Subject {
    /// What is to be said of the line that it gives a shell, where it comes from a command line such as `sh -c '...'`:
    /// variables that nothing sets, templates, spellings of another shell. `event` narrows the fields that are advised;
    /// `given` are names of variables that the user gives it.
    #[must_use]
    pub fn line_notices(
        &self,
        contract: &Contract,
        event: Option<&Event>,
        given: &BTreeSet<String>,
    ) -> Vec<ConfigNotice> {
        if self.origin == Origin::Command { lint::line::of_subject(contract, event, self, given) } else { Vec::new() }
    }

    /// The script in the project at `project` that the platform makes executable before it starts the hook in `cwd`, if
    /// it does so and the script is there.
    pub(crate) fn made_executable(&self, contract: &Contract, project: &Path, cwd: &Path) -> Option<PathBuf> {
        let scripts = contract.config.as_ref()?.scripts.as_ref()?;
        let Invocation::Shell { line, .. } = &self.invocation else { return None };
        let line = ShellLine::read(line.to_str().filter(|_| scripts.makes_executable)?);
        let folder = project.to_string_lossy();
        let mut text = program::begins(&line)?.to_owned();
        for (name, _) in self.environment.iter().filter(|(_, value)| *value == PROJECT_AT_RUN) {
            text = text.replace(&format!("${{{name}}}"), &folder).replace(&format!("${name}"), &folder);
        }
        let script = plugin::resolve(cwd, Path::new(&text));
        (script.starts_with(project) && script.is_file()).then_some(script)
    }

    /// What a report says of it: its name, its command, and the place of its configuration.
    #[must_use]
    pub fn info(&self) -> SubjectInfo {
        let place = match &self.origin {
            Origin::Config { file, line, column } => Some(format!("{}:{line}:{column}", file.display())),
            Origin::Command | Origin::Reference => None,
        };
        SubjectInfo { name: self.name.clone(), command: self.display.clone(), place }
    }

    /// Whether the platform would run it at `event` with this document on stdin, as far as event and matcher say so.
    /// A document without the value that matchers look at is taken by every matcher. Conditions (`if`) are not looked
    /// at: their rules are the platform's permission rules.
    ///
    /// ```
    /// use hookproof::contract::Library;
    /// use hookproof::subject::from_command;
    ///
    /// let contract = Library::built_in()?.select("claude-code")?;
    /// let mut subject = from_command("guard".as_ref(), &[]);
    /// subject.event = Some("PreToolUse".to_owned());
    /// subject.matcher = Some("Edit|Write".to_owned());
    /// let stdin = serde_json::json!({"hook_event_name": "PreToolUse", "tool_name": "Bash"});
    /// assert!(!subject.listens(&contract, "PreToolUse", &stdin));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn listens(&self, contract: &Contract, event: &str, stdin: &Value) -> bool {
        if self.event.as_deref().is_some_and(|own| own != event) {
            return false;
        }
        let Some(event) = contract.events.get(event) else {
            return false;
        };
        let Some(value) = matched_value(contract, event, stdin) else {
            return true;
        };
        matches_at(contract, event, self.matcher.as_deref(), &value).is_match()
    }
}
