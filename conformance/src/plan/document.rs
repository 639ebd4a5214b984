//! The document of a run: how it arrives on stdin, how it is written, and what is changed in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Pieces of a slow document where a scenario names no number.
pub(crate) const DEFAULT_PIECES: usize = 8;
/// Milliseconds between two of them, likewise.
pub(crate) const DEFAULT_PAUSE_MS: u64 = 10;

/// What arrives on stdin, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StdinKind {
    /// The whole document, then end of file.
    #[default]
    Whole,
    /// The whole document; the pipe stays open.
    HeldOpen,
    /// The document in pieces.
    Slow,
    /// End of file at once.
    Empty,
    /// The descriptor is not open.
    Closed,
    /// Half the document, then end of file.
    Truncated,
}

/// How stdin is fed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StdinSpec {
    /// The way.
    pub plan: StdinKind,
    /// For `slow`: how many pieces.
    pub pieces: Option<usize>,
    /// For `slow`: pause between two of them, in milliseconds.
    pub pause_ms: Option<u64>,
}

impl StdinSpec {
    /// How long the document takes to arrive because of its pauses.
    #[must_use]
    pub fn pauses(&self) -> Duration {
        match self.plan {
            StdinKind::Slow => {
                let pauses = self.pieces.unwrap_or(DEFAULT_PIECES).saturating_sub(1);
                Duration::from_millis(self.pause_ms.unwrap_or(DEFAULT_PAUSE_MS)) * u32::try_from(pauses).unwrap_or(0)
            }
            _ => Duration::ZERO,
        }
    }
}

/// How the document is written. All ways but the byte-order mark mean the same by RFC 8259, section 9 and appendix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// On one line, without spaces, with the keys in the platform's order.
    #[default]
    Compact,
    /// The keys of every object in the opposite order.
    Reversed,
    /// On many lines, with every kind of white space that JSON knows between its parts.
    Spaced,
    /// Every character of every text as `\uXXXX`; keys as they are.
    Escaped,
    /// Line ends in texts, and behind the document, are CR LF.
    Crlf,
    /// A byte-order mark stands before the document.
    Marked,
}

/// One edit of the document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// JSON pointer; `{event-field}` and `{tool-field}` stand for the fields that name the event and the tool. Where the
    /// platform has no such field, nothing is edited.
    pub at: String,
    /// Whether a new field comes before all others of its object.
    #[serde(default)]
    pub front: bool,
    /// The new value.
    pub set: Option<Value>,
    /// Text that is repeated until `bytes` are reached.
    pub fill: Option<String>,
    /// Length of a filled value in bytes.
    pub bytes: Option<usize>,
}
