//! The keys of a handler, and what they take.

use serde::Deserialize;

use super::choice::Cost;
use crate::contract::evidence::{Basis, Evidence};

/// What a key of a handler takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Takes {
    /// A string.
    Text,
    /// A string that is not empty.
    FilledText,
    /// An array of strings.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A number above zero.
    PositiveNumber,
    /// A number without a fraction.
    WholeNumber,
    /// A number without a fraction, not below zero.
    Count,
    /// An object of strings.
    TextMap,
    /// Anything.
    Any,
}

/// A key of a handler.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandlerKey {
    /// What it takes.
    pub(crate) takes: Takes,
    /// The values it takes; any if empty.
    #[serde(default)]
    pub(crate) values: Vec<String>,
    /// Whether a handler of those types must have it.
    #[serde(default)]
    pub(crate) required: bool,
    /// Types of handler that have it; all if empty.
    #[serde(default)]
    pub(crate) handlers: Vec<String>,
    /// Whether it is accepted in settings files and does nothing there.
    #[serde(default)]
    pub(crate) ignored_in_settings: bool,
    /// Whether it only labels the handler, so that nothing is lost where it is not known.
    #[serde(default)]
    pub(crate) label: bool,
    /// What a wrong value costs, where that is another thing than what malformed entries cost.
    pub(crate) costs: Option<Cost>,
    /// How well this is known.
    pub(crate) evidence: Evidence,
    /// What it rests on.
    pub(crate) source: Vec<String>,
}

impl HandlerKey {
    /// What the key rests on.
    pub(crate) fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }

    /// Whether handlers of that type have the key.
    pub(crate) fn belongs_to(&self, handler: &str) -> bool {
        self.handlers.is_empty() || self.handlers.iter().any(|name| name == handler)
    }
}
