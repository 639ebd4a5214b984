//! Requirements: every rule that the suite can judge, as data.

mod catalogue;

pub use catalogue::{Catalogue, CatalogueError};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::Evidence;

/// How much a rule matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Advice.
    #[serde(rename = "MAY")]
    May,
    /// The hook works by luck, or hurts people.
    #[serde(rename = "SHOULD")]
    Should,
    /// The platform misreads, ignores or breaks the hook.
    #[serde(rename = "MUST")]
    Must,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Level::May => "MAY",
            Level::Should => "SHOULD",
            Level::Must => "MUST",
        })
    }
}

/// A figure that a judge compares with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The figure.
    pub is: f64,
    /// What it counts: `bytes`, `seconds`, `share of the time limit`, ...
    pub unit: String,
    /// Why it is neither lower nor higher.
    pub why: String,
    /// What it rests on.
    pub source: Vec<String>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its id, `category.name`; never reused or renamed.
    pub id: String,
    /// How much it matters.
    pub level: Level,
    /// What it asks, in a few words.
    pub title: String,
    /// The rule, in a sentence or two.
    pub rule: String,
    /// What goes wrong otherwise.
    pub why: String,
    /// How to mend a hook that breaks it.
    pub mend: String,
    /// An example of what to write instead.
    #[serde(default)]
    pub example: Option<String>,
    /// The judge that decides it.
    pub judge: String,
    /// Scenarios in which it is judged; all if empty.
    #[serde(default)]
    pub scenarios: Vec<String>,
    /// Steps of these scenarios whose runs are judged; only where the scenarios are stories.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Labels of which a payload must carry one; any payload if empty.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Platforms for which it holds; all if empty.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Events for which it holds; all if empty.
    #[serde(default)]
    pub events: Vec<String>,
    /// Figures that the judge compares with, by the names that it knows.
    #[serde(default)]
    pub budget: BTreeMap<String, Budget>,
    /// Whether a failure is only told when further rounds of the scenario, or further runs in the same folders, did not
    /// take it back: for what a busy machine may have caused, and for what may only seem to have no end.
    #[serde(default)]
    pub repeat: bool,
    /// How well it is known that the platforms behave so.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
    /// First version of the suite that has it.
    pub since: String,
}
