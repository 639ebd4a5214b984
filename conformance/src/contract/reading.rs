//! How stdout becomes an answer, as a contract says it.

use serde::{Deserialize, Serialize};

use super::evidence::{Basis, Evidence};

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
