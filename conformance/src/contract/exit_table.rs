//! Exit tables: what an ending counts as.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::evidence::{Basis, Evidence};
use super::field::Decision;
use super::version::Version;

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
    /// Decided against the step, and the run ends.
    Halt,
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
    /// The plain text that was read.
    Text,
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
    pub decision: Vec<Decision>,
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
