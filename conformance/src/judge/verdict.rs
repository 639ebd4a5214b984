//! Verdicts: what a requirement says of a case.

use serde::{Deserialize, Serialize};

use super::{Material, cause};
use crate::requirement::{Level, Requirement};
use crate::subject::FilePlace;

/// A failed requirement, told to a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What has to be fixed in the hook, as far as runs show it: findings with the same cause are one for a user, whichever
    /// rule, event or scenario they belong to. For comparison only; `None` where findings are told apart by their texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether it is a doubt because the sandbox refused something to the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandboxed: bool,
    /// How it is fixed at this event of this platform, where that is more than what the requirement says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether a denial, or a question, is lost by it: of places with the same cause such a one is shown first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loses_denial: bool,
    /// The place in a file that it is about, if it is not about a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<FilePlace>,
}

impl Finding {
    /// The finding as a doubt, for this reason.
    pub(crate) fn doubted(self, because: impl Into<String>) -> Verdict {
        Verdict::Note(Finding { doubt: Some(because.into()), ..self })
    }
}

impl Verdict {
    /// The verdict with a change to its finding, if it has one.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Finding)) -> Self {
        if let Verdict::Fail(finding) | Verdict::Note(finding) = &mut self {
            change(finding);
        }
        self
    }

    /// The verdict with the cause of its finding.
    pub(super) fn with_cause(mut self, requirement: &Requirement, material: &Material<'_>) -> Self {
        if let Verdict::Fail(finding) | Verdict::Note(finding) = &mut self {
            let failure = finding.cause.take();
            finding.cause = Some(cause::of(requirement, material, failure, &finding.observed));
        }
        self
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
