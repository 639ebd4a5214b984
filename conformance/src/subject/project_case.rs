//! `[[case]]` in `hookproof.toml`: payloads of a project, and what is expected of its hooks.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;

use super::ProjectFileError;
use super::project_file::position;
use crate::payload::{Expectation, Expected, Own, OwnDocument, TextPattern, named};

/// A `[[case]]` as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseEntry {
    name: Option<Spanned<String>>,
    event: Option<Spanned<String>>,
    platform: Option<Spanned<Platforms>>,
    payload: Spanned<Value>,
    expect: Option<Expected>,
    reason: Option<Spanned<String>>,
    context: Option<Spanned<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Platforms {
    One(String),
    Several(Vec<String>),
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl FilePlace {
    /// An error at this place.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> ProjectFileError {
        ProjectFileError::Parse {
            path: self.file.clone(),
            line: self.line,
            column: self.column,
            message: message.into(),
        }
    }
}

/// A `[[case]]` of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectCase {
    /// The payload, and what is expected.
    pub document: OwnDocument,
    /// The place of the event's name, where it is given beside the payload.
    pub event: Option<FilePlace>,
    /// The place of the platforms, where they are given.
    pub platforms: Option<FilePlace>,
}

impl CaseEntry {
    /// Checks the entry, and reads the payload's file if it names one, relative to the folder of `path`.
    pub(super) fn resolve(&self, number: usize, text: &str, path: &Path) -> Result<ProjectCase, ProjectFileError> {
        let at = |offset: usize| {
            let (line, column) = position(text, offset);
            FilePlace { file: path.to_owned(), line, column }
        };
        let of = |spanned: &Spanned<String>| at(spanned.span().start);
        let pattern = |spanned: &Option<Spanned<String>>| {
            let read = |spanned: &Spanned<String>| {
                TextPattern::new(spanned.get_ref()).map_err(|message| of(spanned).error(message))
            };
            spanned.as_ref().map(read).transpose()
        };
        let expectation =
            Expectation { decision: self.expect, reason: pattern(&self.reason)?, context: pattern(&self.context)? };
        let place = at(self.payload.span().start);
        let (value, file_name) = match self.payload.get_ref() {
            Value::Object(value) => (value.clone(), None),
            Value::String(name) => {
                let file = path.parent().unwrap_or(Path::new("")).join(name);
                let read = OwnDocument::read(&file).map_err(|error| place.error(error.to_string()))?;
                (read.value, Some(read.name))
            }
            _ => return Err(place.error("`payload` must be a table, or the path of a JSON file")),
        };
        let name = match &self.name {
            Some(name) if name.get_ref().trim().is_empty() => return Err(of(name).error("`name` must not be empty")),
            Some(name) => named(name.get_ref()),
            None => file_name.unwrap_or_else(|| format!("case-{number}")),
        };
        let platforms = match self.platform.as_ref().map(Spanned::get_ref) {
            None => Vec::new(),
            Some(Platforms::One(name)) => vec![name.clone()],
            Some(Platforms::Several(names)) => names.clone(),
        };
        let expectation = (expectation != Expectation::default()).then_some(expectation);
        let own = Own { file: path.to_owned(), line: place.line, column: place.column, expectation };
        let event = self.event.as_ref().map(|event| event.get_ref().clone());
        Ok(ProjectCase {
            document: OwnDocument { name, event, platforms, value, own },
            event: self.event.as_ref().map(of),
            platforms: self.platform.as_ref().map(|platforms| at(platforms.span().start)),
        })
    }
}
