//! The sentences of launchers, as data.

use std::sync::OnceLock;

use regex_lite::Regex;
use serde::Deserialize;

use super::LaunchFaultKind;
use crate::contract::Evidence;
use crate::embedded;
use crate::subject::bare;

/// A shell or an interpreter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Launcher {
    /// Its name, for readers of the file and for tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the file and for tests"))]
    pub(crate) name: String,
    /// The programs that it is started as, without version and ending.
    pub(crate) programs: Vec<String>,
    /// How well its sentences are known.
    pub(crate) evidence: Evidence,
    /// What they rest on.
    #[expect(dead_code, reason = "for readers of the file, as everywhere in the data")]
    pub(crate) source: Vec<String>,
    /// What it says.
    #[serde(rename = "sentence")]
    pub(crate) sentences: Vec<Sentence>,
}

/// What a launcher says of one fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sentence {
    /// What is wrong.
    pub(crate) fault: LaunchFaultKind,
    /// The codes that it exits with.
    pub(crate) codes: Vec<i32>,
    /// Where it says it.
    #[serde(default)]
    pub(crate) stream: Stream,
    /// The words, with the group `name` for what they name and `what` for what is wrong with it.
    #[serde(deserialize_with = "pattern")]
    pub(crate) pattern: Regex,
}

/// A stream of output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    #[default]
    Stderr,
}

/// What belongs to another system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Elsewhere {
    programs: Vec<String>,
    scripts: Vec<String>,
    #[expect(dead_code, reason = "for readers of the file, as everywhere in the data")]
    evidence: Evidence,
    #[expect(dead_code, reason = "for readers of the file, as everywhere in the data")]
    source: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    launcher: Vec<Launcher>,
    #[serde(default)]
    elsewhere: Vec<Elsewhere>,
}

/// All launchers.
#[derive(Debug)]
pub(crate) struct Launchers {
    pub(crate) all: Vec<Launcher>,
    elsewhere: Vec<Elsewhere>,
}

fn pattern<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

impl Launchers {
    /// Those built into the suite.
    ///
    /// # Errors
    /// A built-in file that cannot be read is a defect of the suite; the message names it.
    pub(crate) fn built_in() -> Result<&'static Launchers, &'static str> {
        static ALL: OnceLock<Result<Launchers, String>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            let mut launchers = Launchers { all: Vec::new(), elsewhere: Vec::new() };
            for (path, text) in embedded::launchers() {
                let file: File = toml::from_str(text).map_err(|error| format!("failed to read {path}: {error}"))?;
                launchers.all.extend(file.launcher);
                launchers.elsewhere.extend(file.elsewhere);
            }
            Ok(launchers)
        });
        all.as_ref().map_err(String::as_str)
    }

    /// Whether a program is one of another system.
    pub(crate) fn is_elsewhere(&self, name: &str) -> bool {
        self.elsewhere.iter().any(|list| list.programs.iter().any(|program| program.eq_ignore_ascii_case(bare(name))))
            || self.is_script_of_another_system(name)
    }

    /// Whether a script is one of another system, by its ending.
    pub(crate) fn is_script_of_another_system(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        self.elsewhere.iter().any(|list| list.scripts.iter().any(|ending| lower.ends_with(ending)))
    }

    /// The first code that a program exits with for a fault; `None` if nothing is known of it.
    pub(crate) fn code_of(&self, program: &str, fault: LaunchFaultKind) -> Option<i32> {
        let own = self.all.iter().filter(|launcher| launcher.programs.iter().any(|known| bare(known) == bare(program)));
        let mut sentences = own.flat_map(|launcher| &launcher.sentences).filter(|sentence| sentence.fault == fault);
        sentences.find_map(|sentence| sentence.codes.first().copied())
    }

    /// Whether stderr begins with what an interpreter that exits with `code` says of a script that does not exist.
    pub(crate) fn says_script_is_missing(&self, code: i32, stderr: &str) -> bool {
        let sentences = self.all.iter().flat_map(|launcher| &launcher.sentences);
        let mut own = sentences.filter(|sentence| {
            sentence.fault == LaunchFaultKind::NoScript
                && sentence.stream == Stream::Stderr
                && sentence.codes.contains(&code)
        });
        own.any(|sentence| sentence.pattern.is_match(stderr))
    }
}
