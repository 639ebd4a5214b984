//! What a layout says of matchers, beyond the contract's rule.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Alias, Elsewhere, Narrow, Server, ToolNames};

/// Matchers, beyond the contract's rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matching {
    /// Former names that still match.
    #[serde(default)]
    pub(crate) alias: BTreeMap<String, Alias>,
    /// Names that other platforms use, which never match here.
    #[serde(default)]
    pub(crate) foreign: BTreeMap<String, Elsewhere>,
    /// Events with fewer name characters.
    pub(crate) narrow: Option<Narrow>,
    /// How tools of servers are called.
    pub(crate) server: Option<Server>,
    /// The matcher for all tools that belong to no server.
    pub(crate) builtin: Option<String>,
    /// Events that look at a part of the field only.
    #[serde(default)]
    pub(crate) part: BTreeMap<String, Part>,
    /// Events whose matchers are compared with names of tools, besides those whose matchers look at the tool's own
    /// field.
    #[serde(default)]
    pub(crate) tool_events: Vec<String>,
    /// The language of patterns.
    #[serde(default)]
    pub(crate) language: Language,
    /// What an invalid pattern does.
    #[serde(default)]
    pub(crate) invalid: InvalidPattern,
    /// Whether a lone `*` is taken as a pattern, and not for everything.
    #[serde(default)]
    pub(crate) star_is_pattern: bool,
    /// Events at which it is.
    #[serde(default)]
    pub(crate) star_is_pattern_at: Vec<String>,
    /// Whether an empty matcher makes the entry malformed.
    #[serde(default)]
    pub(crate) empty_is_malformed: bool,
    /// What names of tools look like.
    pub(crate) names: Option<ToolNames>,
}

/// The language of patterns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Language {
    /// That of JavaScript.
    #[default]
    Javascript,
    /// Without look-around and back-references, as in RE2 and the Rust crate `regex`.
    Linear,
}

/// What an invalid pattern does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvalidPattern {
    /// The hook never runs.
    #[default]
    Never,
    /// It is compared letter by letter.
    Literal,
    /// The whole file is left out.
    VoidsFile,
}

/// A part of a field.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// What stands behind the last separator of a path.
    FileName,
}
