//! What a user expects of a hook for a payload of their own.

use std::fmt;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// What the platform is to do because of the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// The action does not happen, or the agent that wants to stop continues.
    Block,
    /// The user is asked because the hook wants it.
    Ask,
    /// The hook answers `allow`. A hook that has no objection and says nothing is `silent`.
    Allow,
    /// The hook decides nothing, and nothing that it writes reaches the model or the user.
    Silent,
    /// Nothing is blocked, and the model is given a text.
    Context,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expected::Block => "block",
            Expected::Ask => "ask",
            Expected::Allow => "allow",
            Expected::Silent => "silent",
            Expected::Context => "context",
        })
    }
}

/// Bytes of a compiled pattern.
const COMPILED: usize = 128 * 1024;

/// A regular expression that has to be found in a text.
#[derive(Debug, Clone)]
pub struct TextPattern(Regex);

impl TextPattern {
    /// Reads a regular expression, without look-around and back-references.
    ///
    /// # Errors
    /// Says why it is not one.
    pub fn new(text: &str) -> Result<Self, String> {
        // A compiled pattern can be a thousand times as large as its text.
        let compiled = regex_lite::RegexBuilder::new(text).size_limit(COMPILED).build();
        compiled.map(TextPattern).map_err(|error| format!("{text:?} is not a regular expression: {error}"))
    }

    /// Whether it is found in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The regular expression.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TextPattern {}

/// What a user expects of the hooks that are run with a payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// What the platform is to do.
    pub decision: Option<Expected>,
    /// What the reason of the decision has to match.
    pub reason: Option<TextPattern>,
    /// What a text for the model has to match.
    pub context: Option<TextPattern>,
}
