//! Verdicts: what a requirement says of a case.

use serde::{Deserialize, Serialize};

use crate::requirement::Level;

/// A failed requirement, told to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What happened, in a sentence.
    pub observed: String,
    /// What the platform makes of it, in a sentence.
    pub consequence: String,
    /// Bytes, streams, exit code and times that prove it, ready to print, one line each.
    pub evidence: Vec<String>,
    /// Why it is a doubt, if it is one for another reason than that the platform's facts are not settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Finding {
    /// The finding as a doubt, for this reason.
    pub(crate) fn doubted(self, because: impl Into<String>) -> Verdict {
        Verdict::Note(Finding { doubt: Some(because.into()), ..self })
    }
}

/// What a requirement says of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It is broken.
    Fail(Finding),
    /// It looks broken, but the contract's facts are not settled: a doubt that fails nobody.
    Note(Finding),
    /// It could not be judged here.
    Skip {
        /// Why.
        reason: String,
    },
    /// The harness failed; nothing is said of the hook.
    HarnessError {
        /// What went wrong.
        message: String,
    },
}

/// One verdict on one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The requirement's id.
    pub requirement: String,
    /// Its level.
    pub level: Level,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
}
