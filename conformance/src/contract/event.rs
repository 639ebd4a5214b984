//! Events, as a contract says them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::evidence::{Basis, Evidence};
use super::exit_table::{EndingPattern, ExitRow, ExitThen};
use super::field::{Decision, Field, FieldPath, Role};
use super::outcome::{EventKind, Moment, Outcome, OutcomeName, Reader};
use super::reading::{Fact, ReadingRule};
use super::version::Version;

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
    /// The moment that it shares with events of other platforms.
    pub moment: Option<Moment>,
    /// The strategy that reads answers here, where that differs from the platform's.
    pub reading: Option<ReadingRule>,
    /// Further names that answers for this event may carry.
    pub also_named: Vec<String>,
    /// What more a person should know.
    pub notes: Vec<String>,
    /// What the event itself rests on.
    pub basis: Basis,
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
    pub refuses_decisions: Vec<Decision>,
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
