//! Payloads: the documents that arrive on a hook's stdin.
//!
//! A payload is a file, `fixtures/payloads/<platform>/<Event>/<name>.json`, or it is made when the suite starts, from a
//! situation (`fixtures/situations/*.toml`) and a template of the platform (`fixtures/payloads/<platform>/templates.toml`).
//! All of them are built into the suite.

mod expectation;
mod file;
mod library;
mod own;
mod place;
mod situation;
mod template;

pub use expectation::{Expectation, Expected, TextPattern};
pub use file::PayloadError;
pub use library::Payloads;
pub(crate) use own::named;
pub use own::{Own, OwnDocument, Placed};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a payload comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenanceKind {
    /// A real platform sent it.
    Recorded,
    /// It was written from the contract.
    Synthetic,
}

/// Where a payload comes from, in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Recorded or synthetic.
    pub kind: ProvenanceKind,
    /// The platform.
    pub platform: String,
    /// Its version.
    pub version: String,
    /// How it was recorded, or what it was written from.
    pub source: String,
}

/// One document that a platform sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The platform.
    pub platform: String,
    /// The event.
    pub event: String,
    /// Its name within the event: the name of its file.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// What it is good for: `typical`, `minimal`, `hostile`, `benign`, `dangerous`, `secret`, `stop-active`, ...
    pub labels: BTreeSet<String>,
    /// The document, with long values filled in.
    pub stdin: Value,
    /// Whether it was made from a situation and a template. Scenarios other than the baseline use such a payload only
    /// where it shows more of the hook than the platform's own payloads.
    pub made: bool,
    /// What is known of it if a user gave it.
    pub own: Option<Own>,
}

impl Payload {
    /// Whether it carries this label.
    pub fn is(&self, label: &str) -> bool {
        self.labels.contains(label)
    }

    /// Whether a rule about payloads with this label is about it. One that a hook is expected to block takes the place of
    /// a dangerous one, whatever is in it.
    pub fn counts_as(&self, label: &str) -> bool {
        self.is(label) || (label == "dangerous" && self.own.as_ref().is_some_and(Own::is_to_be_blocked))
    }
}
