//! The contract of one platform at one version, with everything inherited filled in.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};

use super::evidence::{Basis, Evidence};
use super::field::{Field, FieldPath, Role, ValueType};
use super::file::Change;
use super::outcome::{EventKind, Outcome, OutcomeName, Reader};
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
    /// What a person is told of a failed hook.
    pub notice: Notice,
    /// How matchers work.
    pub matching: Matching,
    /// Bounds on what a hook may say and take.
    pub limits: Limits,
    /// Variables of the hook's environment, by name.
    pub environment: BTreeMap<String, Variable>,
    /// Keys of a handler's configuration that change the meaning of its runs.
    pub handler: BTreeMap<String, HandlerOption>,
    /// Tools whose inputs and outputs are known, by name.
    pub tools: BTreeMap<String, Tool>,
    /// Events of the platform, in its own order and spelling.
    pub events: IndexMap<String, Event>,
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

/// Which strategy turns the bytes of stdout into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingRule {
    /// What starts with `{` and ends with `}` is meant as one JSON document; everything else is plain text.
    BracedJson,
}

/// Which characters around the text do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trim {
    /// What JavaScript's `String.prototype.trim` removes: white space, line ends and the byte-order mark.
    Javascript,
    /// What Unicode calls white space; a byte-order mark stays.
    Unicode,
}

/// What a text is that was meant as JSON and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokenRule {
    /// The hook failed.
    Failed,
    /// Plain text.
    Text,
}

/// How the platform checks the field that names the event of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagRule {
    /// It must name the firing event; another known event and an unknown one are different errors.
    FiringEvent,
    /// It is not looked at.
    Unchecked,
}

/// How stdout becomes an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The strategy.
    pub rule: ReadingRule,
    /// What is trimmed first.
    pub trim: Fact<Trim>,
    /// What broken JSON is.
    pub broken: Fact<BrokenRule>,
    /// Whether `null` in an optional field voids the answer.
    pub null_is_refused: Fact<bool>,
    /// Whether lines that each parse alone, none with an output field, are plain text.
    pub separate_lines_are_text: Fact<bool>,
    /// Whether a first line that announces a background hook is read by itself.
    pub announcement_line: Fact<bool>,
    /// Whether anything on stderr at exit 0 makes the run a failure.
    pub stderr_voids_success: Fact<bool>,
    /// The object whose shape depends on the event that it names.
    pub union: Option<Union>,
    /// How well the strategy is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// One value and what it rests on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact<T> {
    /// The value.
    pub is: T,
    /// How well it is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

impl<T> Fact<T> {
    /// What the fact rests on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }
}

/// An object whose shape depends on the event that it names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Union {
    /// The object, for example `hookSpecificOutput`.
    pub container: String,
    /// The field in it that names the event.
    pub tag: String,
    /// How that name is checked.
    pub rule: TagRule,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
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
    /// Whether the hook can reach the person's terminal.
    pub terminal: bool,
    /// Whether a hook may end without reading its stdin.
    pub tolerates_unread_stdin: bool,
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
}

/// How matchers work.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// The strategy.
    pub rule: MatchRule,
    /// Characters, besides letters and digits, that keep a matcher a name or a list.
    pub name_characters: String,
    /// Characters that separate names.
    pub separators: String,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// The only top-level keys that an event takes; others void the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrictKeys {
    /// The keys.
    pub keys: Vec<String>,
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
        let Some(object) = value.as_object() else { return Some("it is no object".to_owned()) };
        for (name, field) in fields {
            match object.get(name) {
                None if field.required => return Some(format!("the field `{name}` is missing")),
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

/// One lifecycle moment of a platform.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name in the platform's own spelling.
    pub name: String,
    /// What decisions mean here.
    pub kind: EventKind,
    /// When it happens, in words.
    pub fires: String,
    /// First version that has it.
    pub since: Option<Version>,
    /// The input field that a matcher looks at; `None` if matchers are ignored.
    pub matcher: Option<String>,
    /// Kinds of handler that may listen.
    pub handlers: Vec<String>,
    /// How long a hook may take here by default, in seconds.
    pub timeout_s: Fact<f64>,
    /// What an ending means, first match wins.
    pub exits: Vec<ExitRow>,
    /// Who reads plain text on stdout at success.
    pub text: Vec<Reader>,
    /// Who reads what of a failed hook.
    pub failure: Failure,
    /// What decisions mean here where that differs from the kind.
    pub outcomes: BTreeMap<OutcomeName, Outcome>,
    /// What becomes of an answer whose pipe somebody still held open.
    pub held: Option<HeldPipes>,
    /// The only top-level keys that it takes, if unknown ones are not simply dropped.
    pub strict_keys: Option<StrictKeys>,
    /// Fields of the document on stdin.
    pub input: IndexMap<FieldPath, Field>,
    /// Fields of the document on stdout.
    pub output: IndexMap<FieldPath, Field>,
    /// What more a person should know.
    pub notes: Vec<String>,
    /// What the event itself rests on.
    pub basis: Basis,
}

impl Contract {
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

impl Event {
    /// What `name` means here; `None` if it means nothing.
    pub fn outcome(&self, name: OutcomeName) -> Option<Outcome> {
        self.outcomes.get(&name).cloned().or_else(|| Outcome::of_kind(self.kind, name))
    }

    /// Whether a decision against the step has any effect here.
    pub fn can_deny(&self) -> bool {
        let nothing = self.outcome(OutcomeName::Nothing).map(|outcome| outcome.action);
        self.outcome(OutcomeName::Deny).is_some_and(|deny| Some(deny.action) != nothing)
    }

    /// Whether exit code 2 decides against the step here.
    pub fn exit_two_denies(&self) -> bool {
        self.exits.iter().any(|row| row.then == ExitThen::Deny && row.on.contains(&EndingPattern::Exactly(2)))
    }

    /// Whether some output field or plain text reaches the model here.
    pub fn takes_context(&self) -> bool {
        self.text.contains(&Reader::Model) || self.output.values().any(|field| field.role == Some(Role::ModelContext))
    }

    /// The output fields with this role, with their paths.
    pub fn fields_with(&self, role: Role) -> impl Iterator<Item = (&FieldPath, &Field)> {
        self.output.iter().filter(move |(_, field)| field.role == Some(role))
    }
}

/// Who reads what of a failed hook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Readers of its stderr.
    #[serde(default)]
    pub stderr: Vec<Reader>,
    /// Readers of an answer that did not pass the platform's check.
    #[serde(default)]
    pub answer: Vec<Reader>,
}

/// What becomes of an answer if, after the hook has ended, somebody else still holds stdout open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldPipes {
    /// Roles that are refused; an answer with one of them counts as `then`.
    pub refuses: Vec<Role>,
    /// Decisions that are refused.
    #[serde(default)]
    pub refuses_decisions: Vec<super::Decision>,
    /// Whether text that begins like JSON and is none is refused too.
    #[serde(default)]
    pub refuses_unfinished: bool,
    /// What the refused answer counts as.
    pub then: ExitThen,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// How stdout was read, as far as exit rows tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerClass {
    /// Nothing but white space.
    Empty,
    /// Plain text.
    Text,
    /// An accepted answer.
    Valid,
    /// Meant as JSON, and none.
    Broken,
    /// JSON that the platform's check refuses.
    Invalid,
    /// An answer for another event.
    WrongEvent,
    /// The hook sent itself to the background.
    Announced,
}

/// Whether a stream holds anything but white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamState {
    /// Nothing but white space.
    Empty,
    /// Something.
    NonEmpty,
}

/// What an ending counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitThen {
    /// Decided against the step.
    Deny,
    /// The answer decides.
    Answer,
    /// stdout is plain text.
    Text,
    /// The last line of stdout is the path that the platform asked for.
    LastLine,
    /// The hook failed.
    Failed,
    /// The hook goes on in the background.
    Background,
    /// Nothing at all.
    Nothing,
}

/// Where the text of a denial comes from; the first that is not empty is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonSource {
    /// The reason of a deciding answer.
    Answer,
    /// stderr.
    Stderr,
    /// Words of the platform's own.
    Host,
}

/// Which endings an exit row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndingPattern {
    /// Every ending.
    Any,
    /// This exit code.
    Exactly(i32),
    /// This exit code and higher ones.
    AtLeast(i32),
    /// Every exit code but 0.
    NonZero,
    /// Killed by a signal, or crashed.
    Signal,
    /// Killed by the platform's own time limit.
    Timeout,
    /// Never ran.
    NotStarted,
}

impl fmt::Display for EndingPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndingPattern::Any => f.write_str("any ending"),
            EndingPattern::Exactly(code) => write!(f, "exit {code}"),
            EndingPattern::AtLeast(code) => write!(f, "exit {code} and above"),
            EndingPattern::NonZero => f.write_str("any exit but 0"),
            EndingPattern::Signal => f.write_str("a signal"),
            EndingPattern::Timeout => f.write_str("a timeout"),
            EndingPattern::NotStarted => f.write_str("a failed start"),
        }
    }
}

impl<'de> Deserialize<'de> for EndingPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "any" => EndingPattern::Any,
            "nonzero" => EndingPattern::NonZero,
            "signal" => EndingPattern::Signal,
            "timeout" => EndingPattern::Timeout,
            "not-started" => EndingPattern::NotStarted,
            other => {
                let parsed = match other.strip_prefix(">=") {
                    Some(code) => code.parse().map(EndingPattern::AtLeast),
                    None => other.parse().map(EndingPattern::Exactly),
                };
                parsed.map_err(|_| {
                    serde::de::Error::custom(format!(
                        "{other:?} is no ending: expected an exit code such as \"2\", \">=3\", \"nonzero\", \"signal\", \
                         \"timeout\", \"not-started\" or \"any\""
                    ))
                })?
            }
        })
    }
}

/// One row of an exit table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitRow {
    /// Endings that it is for.
    pub on: Vec<EndingPattern>,
    /// Readings of stdout that it is for; all if empty.
    #[serde(default)]
    pub answer: Vec<AnswerClass>,
    /// Decisions of the answer that it is for; all if empty.
    #[serde(default)]
    pub decision: Vec<super::Decision>,
    /// State of stdout that it is for.
    pub stdout: Option<StreamState>,
    /// State of stderr that it is for.
    pub stderr: Option<StreamState>,
    /// What stderr must match, as a regular expression.
    pub stderr_matches: Option<String>,
    /// What the ending counts as.
    pub then: ExitThen,
    /// Whether nobody is told of the failure.
    #[serde(default)]
    pub silent: bool,
    /// Events that the row is for; all that name the table if empty.
    #[serde(default)]
    pub events: Vec<String>,
    /// First version that the row is for.
    pub since: Option<Version>,
    /// Last version that the row is for.
    pub until: Option<Version>,
    /// Where the text of a denial comes from.
    #[serde(default)]
    pub reason: Vec<ReasonSource>,
    /// Whether the other fields of an accepted answer count all the same.
    #[serde(default)]
    pub fields: bool,
    /// How well this is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

impl ExitRow {
    /// What the row rests on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }
}
