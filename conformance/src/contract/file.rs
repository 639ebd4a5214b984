//! The contract file: parsing, and errors that name file, line and key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::check;
use super::config::Dialect;
use super::event::{Failure, HeldPipes, StrictKeys};
use super::evidence::Evidence;
use super::exit_table::ExitRow;
use super::field::FieldEntries;
use super::inherit;
use super::model::{HandlerOption, Limits, Matching, Notice, PlatformInfo, Process, Transcript, Variable};
use super::outcome::{EventKind, Moment, Outcome, OutcomeName, Reader};
use super::phantom::{Phantom, UnsentNames};
use super::reading::{Fact, Reading, ReadingRule};
use super::variable_names::VariableNames;
use super::version::Version;

/// A contract file, parsed and checked.
#[derive(Debug, Clone)]
pub struct ContractFile {
    pub(super) path: PathBuf,
    pub(super) value: toml::Table,
    pub(super) parsed: Parsed,
}

/// What is wrong with a contract file.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The file is no TOML, or a key is unknown, missing or of the wrong type.
    #[error("failed to read the contract {}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The file is readable, and says something that cannot be.
    #[error("failed to accept the contract {}:{line}:{column}: `{key}`: {message}", path.display())]
    Meaning {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The key, with dots.
        key: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A change leads to something that is no contract.
    #[error("failed to apply the change `{change}` of the contract {}: {message}", path.display())]
    Change {
        /// The file.
        path: PathBuf,
        /// The change's id.
        change: String,
        /// What is wrong.
        message: String,
    },
    /// The platform had no hooks yet.
    #[error("failed to select {platform} {version}: its first version with hooks is {first}")]
    BeforeFirst {
        /// The platform.
        platform: String,
        /// The version asked for.
        version: Version,
        /// The first version with hooks.
        first: Version,
    },
}

/// The file as it is spelled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parsed {
    pub(super) platform: PlatformInfo,
    pub(super) sources: BTreeMap<String, String>,
    pub(super) reading: Reading,
    pub(super) process: Process,
    pub(super) transcript: Option<Transcript>,
    pub(super) notice: Notice,
    pub(super) matching: Matching,
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, Variable>,
    pub(super) variables: Option<VariableNames>,
    #[serde(default)]
    pub(super) handler: BTreeMap<String, HandlerOption>,
    #[serde(default)]
    pub(super) tool: BTreeMap<String, ToolEntry>,
    #[serde(default)]
    pub(super) common: Common,
    pub(super) exits: BTreeMap<String, Vec<ExitRow>>,
    pub(super) event: IndexMap<String, EventEntry>,
    /// Events that are announced only.
    #[serde(default)]
    pub(super) planned: IndexMap<String, PlannedEvent>,
    /// Places that hooks look at although nothing is ever there.
    #[serde(default)]
    pub(super) phantom: Vec<Phantom>,
    pub(super) unsent_names: Option<UnsentNames>,
    pub(super) config: Option<Dialect>,
    #[serde(default)]
    pub(super) change: Vec<Change>,
}

/// Fields that every event has.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Common {
    #[serde(default)]
    pub(super) input: FieldEntries,
    #[serde(default)]
    pub(super) output: FieldEntries,
}

/// A tool as the file spells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolEntry {
    #[serde(default)]
    pub(super) input: FieldEntries,
    #[serde(default)]
    pub(super) output: FieldEntries,
    pub(super) evidence: Evidence,
    pub(super) source: Vec<String>,
}

/// An event as the file spells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventEntry {
    pub(super) kind: EventKind,
    pub(super) fires: String,
    pub(super) since: Option<Version>,
    pub(super) until: Option<Version>,
    pub(super) matcher: Option<String>,
    #[serde(default)]
    pub(super) handlers: Vec<String>,
    pub(super) timeout_s: Option<Fact<f64>>,
    pub(super) exits: String,
    #[serde(default)]
    pub(super) text: Vec<Reader>,
    #[serde(default)]
    pub(super) failure: Failure,
    #[serde(default)]
    pub(super) outcome: BTreeMap<OutcomeName, Outcome>,
    pub(super) held: Option<HeldPipes>,
    pub(super) strict_keys: Option<StrictKeys>,
    #[serde(default)]
    pub(super) input: FieldEntries,
    #[serde(default)]
    pub(super) output: FieldEntries,
    /// Common output fields that are accepted here and do nothing.
    #[serde(default)]
    pub(super) discard: Vec<String>,
    /// How well it is known that they do nothing; the event's own evidence if absent.
    pub(super) discard_evidence: Option<Evidence>,
    pub(super) moment: Option<Moment>,
    pub(super) reading: Option<ReadingRule>,
    #[serde(default)]
    pub(super) also_named: Vec<String>,
    /// Common input fields that are not sent here.
    #[serde(default)]
    pub(super) without: Vec<String>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    pub(super) evidence: Evidence,
    pub(super) source: Vec<String>,
}

/// An event that the platform has announced and does not fire.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedEvent {
    /// When it will happen, in words.
    pub fires: String,
    /// Where it was announced.
    pub planned: String,
    /// How well that is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// What held before a newer rule.
///
/// The file describes the newest version; a change says what was different up to `until`. Between `until` and
/// `since` nobody looked: there the newer rule is taken, and called disputed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its id.
    pub id: String,
    /// What changed, in a sentence.
    pub title: String,
    /// Last version for which the older rule is known to hold.
    pub until: Version,
    /// First version for which the newer rule is known to hold.
    pub since: Version,
    /// The older rule, as edits of this file.
    pub set: Vec<ChangeSet>,
    /// How well the older rule is known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// One edit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSet {
    /// The path of keys, joined by `/`; the last one may be new.
    pub at: String,
    /// The older value; absent if the key did not exist.
    pub value: Option<toml::Value>,
}

impl ContractFile {
    /// Parses and checks `text`; `path` is only named in errors.
    ///
    /// # Errors
    /// [`ContractError::Syntax`] and [`ContractError::Meaning`] name line and column, also of a change whose edits lead
    /// nowhere.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ContractError> {
        let file = ContractFile::read(path, text)?;
        for change in &file.parsed.change {
            for version in [&change.until, &change.since] {
                file.select(version).map_err(|error| check::placed(&file, text, error))?;
            }
        }
        file.select(&file.parsed.platform.version)?;
        Ok(file)
    }

    /// The same without trying every change, for files of which a test has done so.
    pub(super) fn read(path: &Path, text: &str) -> Result<Self, ContractError> {
        let syntax = |error: &toml::de::Error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            ContractError::Syntax { path: path.to_owned(), line, column, message: error.message().to_owned() }
        };
        let mut value: toml::Table = toml::from_str(text).map_err(|error| syntax(&error))?;
        let parsed: Parsed = if inherit::fill(&mut value) {
            toml::Value::Table(value.clone()).try_into().map_err(|error: toml::de::Error| {
                let (line, column) = position(text, inherit::place(text, &error));
                ContractError::Syntax { path: path.to_owned(), line, column, message: error.message().to_owned() }
            })?
        } else {
            toml::from_str(text).map_err(|error| syntax(&error))?
        };
        let file = ContractFile { path: path.to_owned(), value, parsed };
        check::check(&file, text)?;
        Ok(file)
    }

    /// The platform that the file describes.
    pub fn platform(&self) -> &PlatformInfo {
        &self.parsed.platform
    }
}

/// Line and column, from 1, of a byte offset.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}
