//! How the streams of a hook become an answer, as a contract says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evidence::{Basis, Evidence};

/// Which strategy turns the bytes of the hook's streams into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingRule {
    /// What starts with `{` and ends with `}` is meant as one JSON document; everything else is plain text.
    BracedJson,
    /// What starts with one of the `openers` is meant as one JSON document; everything else is plain text.
    OpenerJson,
    /// What parses as one JSON value is one; everything else is plain text.
    AnyJson,
    /// The last JSON object anywhere in the text; without one it is plain text.
    LastObject,
    /// What stands behind `control_prefix` on the last line that begins so; without one, as `any-json`.
    ControlLine,
    /// Nothing is JSON: everything is plain text.
    Never,
}

/// A stream of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamName {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How the keys of an answer are compared with those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRule {
    /// Letter by letter.
    Exact,
    /// Without regard to case; of several the last one counts.
    AnyCase,
}

/// What becomes of keys that the contract does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownKeys {
    /// They are dropped, and the rest counts.
    Dropped,
    /// The whole answer is void.
    Refused,
}

/// What a JSON value is that is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonObject {
    /// An answer that says nothing.
    Nothing,
    /// A refused answer.
    Refused,
    /// Plain text.
    Text,
}

/// What a field with a wrong type, or with a value that the platform does not know, costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// The whole answer.
    Refused,
    /// Only itself: the field counts as absent.
    Ignored,
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
    /// It must name an event of the platform, whichever.
    KnownEvent,
    /// The object counts as absent if it names another event.
    DroppedIfOther,
    /// It is not looked at.
    Unchecked,
}

/// How the streams become an answer.
///
/// A fact that the file does not state has the value of [`Reading::or`]'s caller, and rests on what the strategy rests on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The strategy.
    pub rule: ReadingRule,
    /// For `opener-json`: the characters.
    #[serde(default)]
    pub openers: String,
    /// For `control-line`: how such a line begins.
    #[serde(default)]
    pub control_prefix: String,
    /// What is trimmed first.
    pub trim: Fact<Trim>,
    /// Which streams are looked at: the first that is not blank is read. stdout alone if absent.
    pub streams: Option<Fact<Vec<StreamName>>>,
    /// The same for single exit codes.
    #[serde(default)]
    pub streams_at: BTreeMap<String, Fact<Vec<StreamName>>>,
    /// What broken JSON is; plain text if absent.
    pub broken: Option<Fact<BrokenRule>>,
    /// What a JSON value is that is no object; an answer that says nothing if absent.
    pub non_object: Option<Fact<NonObject>>,
    /// Whether a JSON string that holds JSON is read again.
    pub strings_decoded: Option<Fact<bool>>,
    /// Whether lines that report progress (`{"type":"progress",...}`) are taken out first.
    pub progress_lines: Option<Fact<bool>>,
    /// How keys are compared; exactly if absent.
    pub keys: Option<Fact<KeyRule>>,
    /// What unknown keys cost; nothing if absent.
    pub unknown_keys: Option<Fact<UnknownKeys>>,
    /// What a wrong type costs; the answer if absent.
    pub wrong_type: Option<Fact<Mismatch>>,
    /// What an unknown value costs; the answer if absent.
    pub wrong_value: Option<Fact<Mismatch>>,
    /// Whether `null` in an optional field voids the answer.
    pub null_is_refused: Option<Fact<bool>>,
    /// Whether lines that each parse alone, none with an output field, are plain text.
    pub separate_lines_are_text: Option<Fact<bool>>,
    /// Whether a first line that announces a background hook is read by itself.
    pub announcement_line: Option<Fact<bool>>,
    /// Whether anything on stderr at exit 0 makes the run a failure.
    pub stderr_voids_success: Option<Fact<bool>>,
    /// The object whose shape depends on the event that it names.
    pub union: Option<Union>,
    /// How well the strategy is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

impl Reading {
    /// What the strategy rests on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }

    /// The value of a fact, or `default` where the file does not state it.
    pub fn or<T: Clone>(fact: Option<&Fact<T>>, default: T) -> T {
        fact.map_or(default, |fact| fact.is.clone())
    }

    /// What a fact rests on: its own sources, or the strategy's where the file does not state it.
    pub fn basis_of<T>(&self, fact: Option<&Fact<T>>) -> Basis {
        fact.map_or_else(|| self.basis(), Fact::basis)
    }

    /// The streams that are looked at after a hook has ended with `code`, in this order.
    pub fn streams_after(&self, code: Option<i32>) -> (Vec<StreamName>, Basis) {
        let own = code.and_then(|code| self.streams_at.get(&code.to_string()));
        let fact = own.or(self.streams.as_ref());
        (Reading::or(fact, vec![StreamName::Stdout]), self.basis_of(fact))
    }
}

/// One value and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
