//! The contract of one platform at one version, with everything inherited filled in.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::config::{Dialect, StartsIn};
use super::event::Event;
use super::evidence::{Basis, Evidence};
use super::field::{Field, FieldPath, Role, ValueType};
use super::file::{Change, PlannedEvent};
use super::outcome::Moment;
use super::phantom::{Phantom, UnsentNames};
use super::reading::{Fact, Reading};
use super::variable_names::VariableNames;
use super::version::Version;

/// What a platform, at a version, promises and demands of hooks.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Who the platform is.
    pub platform: PlatformInfo,
    /// The version that this contract was selected for.
    pub version: Version,
    /// What the keys in every `source` stand for.
    pub sources: BTreeMap<String, String>,
    /// How stdout becomes an answer.
    pub reading: Reading,
    /// How a hook is started and stopped.
    pub process: Process,
    /// The record of the session that a document names.
    pub transcript: Option<Transcript>,
    /// What a person is told of a failed hook.
    pub notice: Notice,
    /// How matchers work.
    pub matching: Matching,
    /// Bounds on what a hook may say and take.
    pub limits: Limits,
    /// Variables of the hook's environment, by name.
    pub environment: BTreeMap<String, Variable>,
    /// Names of further variables, set by users or by nothing.
    pub variables: Option<VariableNames>,
    /// Keys of a handler's configuration that change the meaning of its runs.
    pub handler: BTreeMap<String, HandlerOption>,
    /// Tools whose inputs and outputs are known, by name.
    pub tools: BTreeMap<String, Tool>,
    /// Events of the platform, in its own order and spelling.
    pub events: IndexMap<String, Event>,
    /// Events that are announced and not fired.
    pub planned: IndexMap<String, PlannedEvent>,
    /// Places that hooks look at although nothing is ever there.
    pub phantoms: Vec<Phantom>,
    /// Fields by which hooks of other platforms learn the event and the tool.
    pub unsent_names: Option<UnsentNames>,
    /// How its configuration of hooks is laid out, if somebody has described it.
    pub(crate) config: Option<Dialect>,
    /// Changes between versions that touch this selection.
    pub changes: Vec<Change>,
}

/// Who the platform is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformInfo {
    /// Its id, for example `claude-code`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The version that the file describes; what `--platform` means without `@VERSION`.
    pub version: Version,
    /// First version that had hooks.
    pub first: Version,
    /// Versions whose behaviour was recorded.
    pub measured: Vec<Version>,
    /// The tool assumed where nobody says which one an event is about.
    pub default_tool: Option<String>,
    /// The input field that names the event.
    pub event_field: Option<String>,
    /// The input field that names the working folder.
    pub folder_field: Option<String>,
    /// The input field that names the tool.
    pub tool_field: Option<String>,
}

/// How a hook is started and stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The shell of the shell form, with the flag that takes the script (Unix).
    pub shell: Vec<String>,
    /// The same on Windows.
    pub shell_windows: Vec<String>,
    /// What follows the document on stdin.
    pub stdin_suffix: String,
    /// Time between the polite and the final signal, in milliseconds.
    pub kill_grace_ms: u64,
    /// How long streams may stay open when the hook has ended before that counts against its answer, in milliseconds.
    pub pipe_grace_ms: u64,
    /// Whether the hook can reach the person's terminal.
    pub terminal: bool,
    /// Whether a hook may end without reading its stdin.
    pub tolerates_unread_stdin: bool,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// The record of the session that a document names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The input field that names the file.
    pub field: String,
    /// Lines of a small one.
    pub lines: Vec<String>,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// What a person is told of a failed hook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Whether the first line of stderr is shown.
    pub shows_stderr: Fact<bool>,
}

/// How a matcher is compared with the field that it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchRule {
    /// Made of name characters only: an exact name or a list of names; everything else: an unanchored pattern.
    NameListOrPattern,
    /// A pattern that may match anywhere.
    UnanchoredPattern,
    /// A pattern that must match the whole.
    AnchoredPattern,
    /// A name with `*` for any characters and `?` for one.
    Glob,
    /// The whole, letter by letter.
    Exact,
    /// A matcher is accepted and does nothing.
    Ignored,
    /// There are no matchers.
    None,
}

/// How matchers work at one event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchingAt {
    /// The strategy.
    pub rule: MatchRule,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// How matchers work.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// The strategy.
    pub rule: MatchRule,
    /// Characters, besides letters and digits, that keep a matcher a name or a list.
    #[serde(default)]
    pub name_characters: String,
    /// Characters that separate names.
    #[serde(default)]
    pub separators: String,
    /// Events at which they work another way.
    #[serde(default)]
    pub at: BTreeMap<String, MatchingAt>,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// Bounds on what a hook may say and take.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How long a text may be.
    pub text: Option<TextLimit>,
    /// How long a hook may take by default, in seconds.
    pub timeout_s: Fact<f64>,
    /// How often in a row a hook may keep the agent from stopping.
    pub stop_blocks: Option<Fact<u32>>,
}

/// What happens to a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverLimit {
    /// Only a preview is read; the whole is put into a file that nobody has to open.
    Preview,
    /// The rest is cut off.
    Cut,
}

/// How long a text may be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextLimit {
    /// UTF-16 code units.
    pub units: usize,
    /// What happens above.
    pub over: OverLimit,
    /// UTF-16 code units of the preview.
    pub preview: usize,
    /// Roles whose texts are bounded.
    pub roles: Vec<Role>,
    /// Whether plain text on stdout is bounded too.
    pub plain_text: bool,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// A variable of the hook's environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it holds.
    pub meaning: String,
    /// A value to set in a run; `{project}`, `{session}`, `{home}` and `{plugin}` are filled in.
    pub value: Option<String>,
    /// Events at which it is set; all if empty.
    #[serde(default)]
    pub events: Vec<String>,
    /// Whether it tells programs which agent has started them.
    #[serde(default)]
    pub names_agent: bool,
    /// `false` for a variable that hooks often read although the platform never sets it.
    #[serde(default = "yes")]
    pub exists: bool,
    /// Whether `${NAME}` in a command is replaced before it runs.
    #[serde(default)]
    pub placeholder: bool,
    /// First version that sets it.
    pub since: Option<Version>,
    /// Last version that sets it.
    pub until: Option<Version>,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

fn yes() -> bool {
    true
}

/// A key of a handler's configuration that changes the meaning of its runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandlerOption {
    /// The value that turns a failure into a denial.
    pub failure_denies: Option<String>,
    /// The value that sends the hook to the background, where it decides nothing.
    pub backgrounds: Option<String>,
    /// The value that shows the hook's streams to the user as they are.
    pub shows_streams: Option<String>,
    /// Events that ignore it.
    #[serde(default)]
    pub ignored_at: Vec<String>,
    /// First version that knows it.
    pub since: Option<Version>,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

impl HandlerOption {
    /// What the option rests on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }
}

/// The known part of a tool's input and output.
#[derive(Debug, Clone, Default)]
pub struct Tool {
    /// Input fields.
    pub input: IndexMap<FieldPath, Field>,
    /// Fields of the structured output; empty if unknown.
    pub output: IndexMap<FieldPath, Field>,
}

impl Tool {
    /// The first way in which `value` does not fit `fields`, as a sentence; `None` if it fits.
    pub fn misfit(fields: &IndexMap<FieldPath, Field>, value: &serde_json::Value) -> Option<String> {
        Tool::misfit_of(fields, value, true)
    }

    /// The same for a part of an input that is merged into the rest: nothing is missing from it.
    pub fn misfit_of_part(fields: &IndexMap<FieldPath, Field>, value: &serde_json::Value) -> Option<String> {
        Tool::misfit_of(fields, value, false)
    }

    fn misfit_of(fields: &IndexMap<FieldPath, Field>, value: &serde_json::Value, whole: bool) -> Option<String> {
        let Some(object) = value.as_object() else { return Some("it is no object".to_owned()) };
        for (name, field) in fields {
            match object.get(name) {
                None if field.required && whole => return Some(format!("the field `{name}` is missing")),
                Some(value) if !field.types.iter().any(|ty| ty.admits(value)) => {
                    return Some(format!("the field `{name}` must be {}", type_names(&field.types)));
                }
                _ => {}
            }
        }
        None
    }
}

/// `string`, `string or null`, ...
pub(crate) fn type_names(types: &[ValueType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

impl Contract {
    /// Whether it is settled that a hook may be started outside of the project's root.
    pub(crate) fn starts_elsewhere(&self) -> bool {
        let Some(config) = &self.config else { return false };
        config.scripts.as_ref().is_none_or(|scripts| {
            matches!(scripts.starts_in, StartsIn::Session | StartsIn::Home)
                && self.weigh(&scripts.basis()) < Evidence::Disputed
        })
    }

    /// The names of the events at these moments. A moment before a tool runs stands for its parts, and a part for the whole,
    /// where the platform has no event of its own for it.
    #[must_use]
    pub fn events_at(&self, moments: &BTreeSet<Moment>) -> Vec<String> {
        let at = |is_meant: &dyn Fn(Moment) -> bool| -> Vec<String> {
            let events = self.events.values().filter(|event| event.moment.is_some_and(is_meant));
            events.map(|event| event.name.clone()).collect()
        };
        let found = at(&|moment| moments.contains(&moment));
        if found.is_empty() && moments.iter().any(|moment| moment.is_before_a_tool()) {
            return at(&Moment::is_before_a_tool);
        }
        found
    }

    /// How matchers work at `event`.
    pub fn match_rule(&self, event: &str) -> MatchRule {
        self.matching.at.get(event).map_or(self.matching.rule, |at| at.rule)
    }

    /// How well a fact is known at the selected version: what was measured at other versions only counts for what its
    /// further sources make it.
    pub fn weigh(&self, basis: &Basis) -> Evidence {
        let measured = &self.platform.measured;
        let inside = measured.iter().min().is_none_or(|low| *low <= self.version)
            && measured.iter().max().is_none_or(|high| self.version <= *high);
        if basis.evidence != Evidence::Measured || inside {
            return basis.evidence;
        }
        let recorded = |source: &String| {
            source.split(':').next().unwrap_or(source).strip_prefix('M').is_some_and(|rest| rest.parse::<u32>().is_ok())
        };
        if basis.source.iter().all(recorded) { Evidence::Unconfirmed } else { Evidence::Documented }
    }
}
