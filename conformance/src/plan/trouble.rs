//! What goes wrong around a hook in a run: folders that cannot be written, readers that have gone, programs and services
//! that the hook needs.

use std::fmt;

use hookproof_harness::CommandPattern;
use serde::{Deserialize, Serialize};

/// What the folders of a run do with what is written to them; nothing unusual where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseSpec {
    /// The home folder, with the project in it.
    pub home: Option<Refused>,
    /// The folders where hooks remember: state, session and data of a plugin.
    pub state: Option<Refused>,
    /// The project.
    pub project: Option<Refused>,
    /// The folder for temporary files.
    pub temporary: Option<Refused>,
}

impl RefuseSpec {
    /// Whether nothing is refused.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == RefuseSpec::default()
    }
}

/// Why a folder takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// It is read-only: nothing in it can be made, changed or removed.
    ReadOnly,
    /// Its disk is full: nothing can be made in it.
    Full,
}

/// Whether anybody reads what the hook writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderSpec {
    /// Whether stdout is read.
    #[serde(default)]
    pub stdout: ReaderKind,
    /// Whether stderr is read.
    #[serde(default)]
    pub stderr: ReaderKind,
}

/// What the reader of a stream does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderKind {
    /// It reads to the end.
    #[default]
    Reads,
    /// It has gone before the hook starts, so that the first write fails.
    Gone,
    /// The stream leads to a device without room, as a redirection to a file on a full disk does: every write fails.
    Full,
}

/// Something that goes wrong with the first program that a hook starts, of those that are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelperSpec {
    /// What goes wrong.
    pub what: HelperFault,
    /// The programs, as patterns of command lines.
    pub programs: Vec<CommandPattern>,
}

/// What goes wrong with a program that a hook starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelperFault {
    /// It is not there.
    Missing,
    /// It is killed by SIGKILL before it has done anything.
    Killed,
}

/// What goes wrong with the local service that a hook talks to. Such a scenario is only run with a hook of which somebody
/// has said how it finds the service: see [`LocalService`](crate::subject::LocalService).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceFault {
    /// Nobody listens.
    Refuses,
    /// It takes every connection, and never answers.
    Hangs,
    /// It answers every request with the status 500 of HTTP.
    Fails,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::ReadOnly => "read-only",
            Refused::Full => "on a full disk",
        })
    }
}

impl fmt::Display for RefuseSpec {
    /// The folders and what is wrong with them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folders = [
            ("home", self.home),
            ("state, session and plugin data", self.state),
            ("project", self.project),
            ("temporary files", self.temporary),
        ];
        let told: Vec<String> =
            folders.iter().filter_map(|(name, how)| how.map(|how| format!("{name}: {how}"))).collect();
        f.write_str(&told.join("; "))
    }
}

impl fmt::Display for HelperSpec {
    /// What happens, and to which programs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            HelperFault::Missing => "not there",
            HelperFault::Killed => "killed by SIGKILL",
        };
        let programs: Vec<&str> = self.programs.iter().map(CommandPattern::as_str).collect();
        write!(
            f,
            "the first of these that the hook starts is {what}, then the next ones in turn: {}",
            programs.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scenarios;
    use super::*;

    #[test]
    fn helpers_are_the_same_whatever_happens_to_them() {
        let scenarios = Scenarios::built_in().expect("scenarios");
        let of = |id: &str| scenarios.get(id).and_then(|scenario| scenario.helper.clone()).expect("has helpers");
        let (missing, killed) = (of("helper-missing"), of("helper-killed"));
        assert_eq!(missing.programs, killed.programs);
        assert_eq!((missing.what, killed.what), (HelperFault::Missing, HelperFault::Killed));
        assert!(missing.programs.len() <= hookproof_harness::Watch::MOST_PATTERNS);
    }

    #[test]
    fn what_is_refused_is_told() {
        let spec =
            RefuseSpec { home: Some(Refused::ReadOnly), temporary: Some(Refused::Full), ..RefuseSpec::default() };
        assert_eq!(spec.to_string(), "home: read-only; temporary files: on a full disk");
        assert!(!spec.is_nothing() && RefuseSpec::default().is_nothing());
    }
}
