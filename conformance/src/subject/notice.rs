//! What is to be said of a configuration, before anything is run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bounds;
use super::source::Source;
use crate::contract::Evidence;
use crate::requirement::Level;

/// Something to be said of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigNotice {
    /// The requirement's id, `config.<name>`.
    pub requirement: String,
    /// How much it matters; `None` for what is only said and fails nobody, such as a handler that is not checked.
    pub level: Option<Level>,
    /// How well it is known that the platform behaves so, at the contract's version. A notice whose evidence is not
    /// settled is a doubt, and fails nobody.
    pub evidence: Evidence,
    /// What stands there, in a sentence.
    pub message: String,
    /// What the platform makes of it, in a sentence.
    pub consequence: String,
    /// What to write instead.
    pub help: String,
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line itself, without indentation.
    pub excerpt: String,
}

impl ConfigNotice {
    /// `file:line:column`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file.display(), self.line, self.column)
    }

    /// Whether the notice may fail a run at `level`.
    #[must_use]
    pub fn counts_at(&self, level: Level) -> bool {
        self.evidence.is_settled() && self.level.is_some_and(|own| own >= level)
    }
}

/// A notice before it is put in its place.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) requirement: &'static str,
    pub(crate) level: Option<Level>,
    pub(crate) evidence: Evidence,
    pub(crate) message: String,
    pub(crate) consequence: String,
    pub(crate) help: String,
}

/// The notices of a discovery, as they come.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    list: Vec<ConfigNotice>,
    /// Entries that were looked at.
    entries: usize,
    /// Why no more is looked at: the file, and a sentence.
    too_much: Option<(PathBuf, String)>,
}

impl Notices {
    /// Puts a remark at a byte offset of a file.
    pub(crate) fn add(&mut self, source: &Source, offset: usize, remark: Remark) {
        if self.list.len() >= bounds::NOTICES {
            self.refuse(source, format!("more than {} things are wrong with it", bounds::NOTICES));
            return;
        }
        let place = source.place(offset);
        let Remark { requirement, level, evidence, message, consequence, help } = remark;
        self.list.push(ConfigNotice {
            requirement: requirement.to_owned(),
            level,
            evidence,
            message: bounds::shortened(message),
            consequence: bounds::shortened(consequence),
            help: bounds::shortened(help),
            file: source.path.clone(),
            line: place.line,
            column: place.column,
            excerpt: source.line(offset),
        });
    }

    /// Counts entries before they are looked at; whether they still may be.
    pub(crate) fn may_look(&mut self, source: &Source, entries: usize) -> bool {
        self.entries = self.entries.saturating_add(entries);
        if self.entries > bounds::ENTRIES {
            self.refuse(
                source,
                format!("it has more than {} events, groups, handlers and unknown keys", bounds::ENTRIES),
            );
        }
        self.too_much.is_none()
    }

    /// Notes that there is more than is looked at.
    pub(crate) fn refuse(&mut self, source: &Source, what: String) {
        self.too_much.get_or_insert_with(|| (source.path.clone(), what));
    }

    /// What there is too much of.
    pub(crate) fn too_much(&mut self) -> Option<(PathBuf, String)> {
        self.too_much.take()
    }

    /// Takes notices that are in their place already.
    pub(crate) fn extend(&mut self, notices: impl IntoIterator<Item = ConfigNotice>) {
        self.list.extend(notices);
    }

    /// All, each once, file by file in the order given and from top to bottom.
    pub(crate) fn finish(mut self, files: &[PathBuf]) -> Vec<ConfigNotice> {
        let mut places: HashMap<&Path, usize> = HashMap::new();
        for (at, file) in files.iter().enumerate() {
            places.entry(file).or_insert(at);
        }
        let rank = |notice: &ConfigNotice| {
            (places.get(notice.file.as_path()).copied().unwrap_or(files.len()), notice.line, notice.column)
        };
        self.list.sort_by_key(rank);
        self.list.dedup();
        self.list
    }
}
