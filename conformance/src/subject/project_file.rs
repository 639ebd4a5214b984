//! `hookproof.toml`: what a person knows of a hook and nobody can find out.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hookproof_harness::CommandPattern;
use serde::Deserialize;

use super::bounds;
use super::project_case::{CaseEntry, ProjectCase};
use super::{Heavy, LocalService};
use crate::outside;

/// What stands in a `hookproof.toml`.
///
/// ```
/// use hookproof::subject::ProjectFile;
///
/// let text = r#"
/// heavy = ["python* -m venv", "*pip install*"]
/// state_variable = "MY_HOOK_STATE"
/// window = "24 h"
/// "#;
/// let file = ProjectFile::parse(text, "hookproof.toml".as_ref())?;
/// assert_eq!(file.heavy().expect("has commands").commands.len(), 2);
/// # Ok::<(), hookproof::subject::ProjectFileError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectFile {
    /// Patterns of the commands that are heavy.
    #[serde(default)]
    pub heavy: Vec<Pattern>,
    /// The variable that names the folder for what the hook remembers.
    pub state_variable: Option<String>,
    /// How long the hook leaves the heavy work alone after it was killed, such as `24 h`.
    #[serde(default, deserialize_with = "time")]
    pub window: Option<Duration>,
    /// How old a lock has to be before another run may take it over, such as `5 min`.
    #[serde(default, deserialize_with = "time")]
    pub stale_after: Option<Duration>,
    /// How long the suite waits for a run that does the heavy work, such as `2 min`.
    #[serde(default, deserialize_with = "time")]
    pub patience: Option<Duration>,
    /// The local service that the hook talks to, and how it finds it.
    pub worker: Option<LocalService>,
    /// Variables that the hook is given.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Payloads, and what is expected of the hooks for them, as the file has them.
    #[serde(default)]
    case: Vec<CaseEntry>,
    /// The same, checked.
    #[serde(skip)]
    pub cases: Vec<ProjectCase>,
}

/// A pattern as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub CommandPattern);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Pattern).map_err(|error| serde::de::Error::custom(format!("{text:?} is no pattern: {error}")))
    }
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration(&text).map(Some).map_err(serde::de::Error::custom)
}

/// Reads a time such as `24 h`, `90 s` or `1 day 2 h`.
///
/// # Errors
/// Says what is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err(format!("{text:?} is no time at all")),
        // What is longer cannot be taken from a date.
        Ok(time) if time > Duration::from_secs(3650 * 86_400) => Err(format!("{text:?} is more than ten years")),
        Ok(time) => Ok(time),
        Err(error) => Err(format!("{text:?} is no time, such as \"24 h\" or \"5 min\": {error}")),
    }
}

/// A `hookproof.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectFileError {
    /// It cannot be read.
    #[error("failed to read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is none.
    #[error("failed to read {}:{line}:{column}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl ProjectFile {
    /// Its name.
    pub const NAME: &str = "hookproof.toml";

    /// Reads the text of a file; `path` is what errors name.
    ///
    /// # Errors
    /// Says where it is none: unknown keys are refused, because a misspelt one would be a check that is not made.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProjectFileError> {
        let mut file: ProjectFile = toml::from_str(text).map_err(|error: toml::de::Error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            ProjectFileError::Parse {
                path: path.to_owned(),
                line,
                column,
                message: bounds::shortened(error.message().to_owned()),
            }
        })?;
        let names = file.environment.keys().chain(&file.state_variable);
        if let Some(name) = names.into_iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            let message = format!("{name:?} is no name of a variable");
            return Err(ProjectFileError::Parse { path: path.to_owned(), line: 1, column: 1, message });
        }
        if let Some((name, _)) = file.environment.iter().find(|(_, value)| value.contains('\0')) {
            let message = format!("the value of {name:?} contains a NUL character");
            return Err(ProjectFileError::Parse { path: path.to_owned(), line: 1, column: 1, message });
        }
        let cases = std::mem::take(&mut file.case);
        if cases.len() > bounds::CASES {
            let message = format!("it has more than {} cases", bounds::CASES);
            return Err(ProjectFileError::Parse { path: path.to_owned(), line: 1, column: 1, message });
        }
        let resolved = cases.iter().enumerate().map(|(index, case)| case.resolve(index + 1, text, path));
        file.cases = resolved.collect::<Result<_, _>>()?;
        Ok(file)
    }

    /// Reads the file; `None` if it is not there.
    ///
    /// # Errors
    /// As [`ProjectFile::parse`], and if it cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, ProjectFileError> {
        match outside::text(path, outside::CONFIGURATION) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ProjectFileError::Read { path: path.to_owned(), error }),
        }
    }

    /// What it says of heavy work; `None` if it names no command.
    #[must_use]
    pub fn heavy(&self) -> Option<Heavy> {
        if self.heavy.is_empty() {
            return None;
        }
        let mut heavy = Heavy::new(self.heavy.iter().map(|pattern| pattern.0.clone()).collect());
        heavy.state_variable.clone_from(&self.state_variable);
        heavy.window = self.window.unwrap_or(heavy.window);
        heavy.stale_after = self.stale_after.unwrap_or(heavy.window);
        heavy.patience = self.patience.unwrap_or(heavy.patience);
        Some(heavy)
    }
}

/// Line and column, from 1, of a byte offset; columns count characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::payload::Expected;
    use crate::subject::ServiceForm;

    #[test]
    fn cases_have_a_payload_and_what_is_expected() {
        let text = "[[case]]\nevent = \"PreToolUse\"\nplatform = [\"codex\", \"claude-code\"]\nname = \"Force push\"\n\
            payload = { tool_input = { command = \"git push --force\" } }\nexpect = \"block\"\nreason = \"(?i)force\"\n\
            [[case]]\npayload = { hook_event_name = \"Stop\" }\n";
        let cases = ProjectFile::parse(text, Path::new("h.toml")).unwrap().cases;
        let first = &cases[0].document;
        assert_eq!((first.name.as_str(), first.event.as_deref()), ("force-push", Some("PreToolUse")));
        assert_eq!(first.platforms, ["codex", "claude-code"]);
        assert_eq!(first.value["tool_input"]["command"], "git push --force");
        assert_eq!((first.own.line, first.own.column), (5, 11));
        let expectation = first.own.expectation.as_ref().unwrap();
        assert_eq!(expectation.decision, Some(Expected::Block));
        assert!(expectation.reason.as_ref().is_some_and(|pattern| pattern.is_in("no Force push")));
        assert_eq!((cases[1].document.name.as_str(), &cases[1].document.own.expectation), ("case-2", &None));
    }

    #[rstest]
    #[case("[[case]]\nevent = \"Stop\"", 1, 1, "missing field `payload`")]
    #[case("[[case]]\npayload = 5", 2, 11, "must be a table, or the path of a JSON file")]
    #[case("[[case]]\npayload = \"no/such.json\"", 2, 11, "no/such.json")]
    #[case(
        "[[case]]\npayload = {}\nexpect = \"deny\"",
        3,
        10,
        "unknown variant `deny`, expected one of `block`, `ask`"
    )]
    #[case("[[case]]\npayload = {}\nreason = \"(\"", 3, 10, "is not a regular expression")]
    #[case("[[case]]\npayload = {}\nexpected = \"block\"", 3, 1, "unknown field `expected`")]
    #[case("[[case]]\npayload = {}\nname = \" \"", 3, 8, "`name` must not be empty")]
    fn what_is_wrong_with_a_case_is_named_with_its_place(
        #[case] text: &str,
        #[case] line: usize,
        #[case] column: usize,
        #[case] said: &str,
    ) {
        refused(text, line, column, said);
    }

    /// The text is refused at this place, with these words.
    fn refused(text: &str, line: usize, column: usize, said: &str) {
        let error = ProjectFile::parse(text, Path::new("hookproof.toml")).unwrap_err().to_string();
        assert!(error.starts_with(&format!("failed to read hookproof.toml:{line}:{column}: ")), "{error}");
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn what_is_not_said_is_usual() {
        let file = ProjectFile::parse("heavy = [\"make *\"]\nwindow = \"6 h\"", Path::new("h")).unwrap();
        let heavy = file.heavy().unwrap();
        assert_eq!(heavy.window, Duration::from_secs(6 * 3600));
        assert_eq!(heavy.stale_after, heavy.window);
        assert_eq!((heavy.patience, heavy.state_variable), (Heavy::PATIENCE, None));
        assert_eq!(ProjectFile::parse("", Path::new("h")).unwrap().heavy(), None);
    }

    #[test]
    fn a_worker_has_a_variable_and_a_form() {
        let worker = |text: &str| ProjectFile::parse(text, Path::new("h")).unwrap().worker.unwrap();
        let port = worker("worker = { variable = \"MY_PORT\", form = \"port\" }");
        assert_eq!((port.variable.as_str(), port.form), ("MY_PORT", ServiceForm::Port));
        assert_eq!(worker("worker = { variable = \"MY_URL\" }").form, ServiceForm::Url);
    }

    #[rstest]
    #[case("heavy = [\"x\"]\nwindw = \"1 h\"", 2, 1, "windw")]
    #[case("\nwindow = \"soon\"", 2, 10, "no time")]
    #[case("window = \"0 s\"", 1, 10, "no time at all")]
    #[case("heavy = [\"a\", \"\"]", 1, 9, "no pattern")]
    #[case("heavy = \"x", 1, 11, "")]
    #[case("worker = { variable = \"A=B\" }", 1, 23, "no name of a variable")]
    #[case("worker = { variable = \"A\", form = \"socket\" }", 1, 35, "unknown variant")]
    fn what_is_wrong_is_named_with_its_place(
        #[case] text: &str,
        #[case] line: usize,
        #[case] column: usize,
        #[case] said: &str,
    ) {
        refused(text, line, column, said);
    }
}
