//! Kinds of payload, as far as counts tell them apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::payload::Payload;

/// What a payload is, for the counts. Each payload is of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayloadKind {
    /// Labelled `dangerous`.
    Dangerous,
    /// Labelled `secret`, and not dangerous.
    Secret,
    /// Labelled `guarded`: many guards stop it, and a hook that does not has no fault.
    Guarded,
    /// Neither dangerous, secret, guarded nor hostile.
    Harmless,
    /// Labelled `hostile`: valid, and hard to read. Whether a hook should stop it is open.
    Hostile,
    /// Given by the user.
    Own,
}

impl PayloadKind {
    /// The kinds that a guard is there to stop.
    pub const THREATS: [PayloadKind; 2] = [PayloadKind::Dangerous, PayloadKind::Secret];

    /// The kind of a payload.
    pub fn of(payload: &Payload) -> Self {
        if payload.own.is_some() {
            PayloadKind::Own
        } else if payload.is("dangerous") {
            PayloadKind::Dangerous
        } else if payload.is("secret") {
            PayloadKind::Secret
        } else if payload.is("guarded") {
            PayloadKind::Guarded
        } else if payload.is("hostile") {
            PayloadKind::Hostile
        } else {
            PayloadKind::Harmless
        }
    }

    /// Whether a guard is there to stop it.
    pub fn is_threat(self) -> bool {
        Self::THREATS.contains(&self)
    }
}

impl fmt::Display for PayloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PayloadKind::Dangerous => "dangerous",
            PayloadKind::Secret => "secret",
            PayloadKind::Guarded => "guarded",
            PayloadKind::Harmless => "harmless",
            PayloadKind::Hostile => "hostile",
            PayloadKind::Own => "own",
        })
    }
}
