//! How well a fact is known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How well a fact is known, from best to worst. A fact that is disputed or unconfirmed never fails a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Seen on the real platform by running it.
    Measured,
    /// Read in the platform's source or in its published types.
    Source,
    /// Said by the platform's documentation.
    Documented,
    /// Two sources disagree, or it changed somewhere between two known versions.
    Disputed,
    /// Said by somebody, seen by nobody here.
    Unconfirmed,
}

impl Evidence {
    /// Whether a requirement may fail a hook on the strength of this fact.
    pub fn is_settled(self) -> bool {
        self <= Evidence::Documented
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Evidence::Measured => "measured",
            Evidence::Source => "source",
            Evidence::Documented => "documented",
            Evidence::Disputed => "disputed",
            Evidence::Unconfirmed => "unconfirmed",
        })
    }
}

/// What a fact rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// How well it is known.
    pub evidence: Evidence,
    /// Keys into the contract's `[sources]`, with details behind a colon.
    pub source: Vec<String>,
}
