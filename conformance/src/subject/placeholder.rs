//! Placeholders such as `${CLAUDE_PLUGIN_ROOT}`: replaced as text in a command before anything runs, and exported as
//! variables of the same name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use hookproof_harness::Invocation;

use super::Subject;

/// Stands in a subject's environment for the project's folder where the configuration belongs to no project: the run
/// chooses one, see [`Subject::placed`].
pub const PROJECT_AT_RUN: &str = "{project}";

/// Stands in a subject's environment for the data folder of a plugin: the run chooses one, see [`Subject::placed`].
pub const PLUGIN_DATA_AT_RUN: &str = "{plugin-data}";

/// The folders that only a run knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolders {
    /// The project that the hook is told of.
    pub project: PathBuf,
    /// The plugin's own data folder.
    pub plugin_data: PathBuf,
}

/// Replaces `${NAME}` by its value, for every name whose value is known already.
pub(crate) fn fill(text: &str, variables: &BTreeMap<String, String>) -> String {
    let known = variables.iter().filter(|(_, value)| !is_open(value));
    replace(text, known.map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Replaces `${NAME}` by what stands for the variable in PowerShell, which reads `${NAME}` as one of its own.
pub(crate) fn fill_for_powershell(text: &str, variables: &BTreeMap<String, String>) -> String {
    let values: Vec<(&str, String)> =
        variables.keys().map(|name| (name.as_str(), format!("${{env:{name}}}"))).collect();
    replace(text, values.iter().map(|(name, value)| (*name, value.as_str())))
}

/// Replaces `$NAME` by its value as a shell quotes it, wherever it stands.
fn fill_quoted(text: &str, variables: &BTreeMap<String, String>) -> String {
    // The longer name first: one may begin like another.
    let mut names: Vec<(&String, &String)> = variables.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match names.iter().find(|(name, _)| rest[1..].starts_with(name.as_str())) {
            Some((name, value)) => {
                out.push_str(&shlex::try_quote(value).unwrap_or(std::borrow::Cow::Borrowed(value)));
                rest = &rest[1 + name.len()..];
            }
            None => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether only a run knows the value.
fn is_open(value: &str) -> bool {
    value == PROJECT_AT_RUN || value == PLUGIN_DATA_AT_RUN
}

/// Replaces in one pass, so that a value which happens to hold a placeholder stays as it is.
fn replace<'a>(text: &str, values: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let values: Vec<(String, &str)> = values.map(|(name, value)| (format!("${{{name}}}"), value)).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find(|(placeholder, _)| rest.starts_with(placeholder.as_str())) {
            Some((placeholder, value)) => {
                out.push_str(value);
                rest = &rest[placeholder.len()..];
            }
            None => {
                out.push_str("${");
                rest = &rest[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

impl Subject {
    /// The subject with the folders of a run filled in: in its environment, and where its command names them as
    /// placeholders. What was known when it was found is filled in already.
    ///
    /// ```
    /// use hookproof::contract::Library;
    /// use hookproof::subject::{RunFolders, discover};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let file = folder.path().join("settings.json");
    /// std::fs::write(&file, r#"{"hooks": {"Stop": [{"hooks": [
    ///     {"type": "command", "command": "node", "args": ["${CLAUDE_PROJECT_DIR}/stop.js"]}]}]}}"#)?;
    /// let contract = Library::built_in()?.select("claude-code")?;
    /// let found = discover(&contract, &file)?;
    /// assert_eq!(found.subjects[0].environment["CLAUDE_PROJECT_DIR"], "{project}");
    ///
    /// let folders = RunFolders { project: "/tmp/p".into(), plugin_data: "/tmp/d".into() };
    /// let placed = found.subjects[0].placed(&folders);
    /// assert_eq!(placed.environment["CLAUDE_PROJECT_DIR"], "/tmp/p");
    /// assert!(format!("{:?}", placed.invocation).contains("/tmp/p/stop.js"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn placed(&self, folders: &RunFolders) -> Subject {
        let mut values = BTreeMap::new();
        for (name, value) in &self.environment {
            let folder = match value.as_str() {
                PROJECT_AT_RUN => &folders.project,
                PLUGIN_DATA_AT_RUN => &folders.plugin_data,
                _ => continue,
            };
            values.insert(name.clone(), folder.to_string_lossy().into_owned());
        }
        let mut placed = self.clone();
        placed.environment.extend(values.clone());
        if values.is_empty() {
            return placed;
        }
        // Only text that came from a configuration can name a placeholder, and that is always UTF-8.
        let filled = |text: &OsStr| match text.to_str() {
            Some(text) => OsString::from(fill(text, &values)),
            None => text.to_owned(),
        };
        placed.invocation = match &self.invocation {
            Invocation::Program { program, args } => Invocation::Program {
                program: Path::new(&filled(program.as_os_str())).to_owned(),
                args: args.iter().map(|arg| filled(arg)).collect(),
            },
            Invocation::Shell { shell, line } => {
                let line = match line.to_str() {
                    Some(text) if self.quotes_placeholders => fill_quoted(text, &values).into(),
                    _ => filled(line),
                };
                Invocation::Shell { shell: shell.clone(), line }
            }
        };
        placed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::{PLUGIN_DATA_AT_RUN, fill, fill_for_powershell, fill_quoted};

    fn variables() -> BTreeMap<String, String> {
        let pairs = [("ROOT", "/plug in"), ("DATA", PLUGIN_DATA_AT_RUN), ("ODD", "${ROOT}$1")];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[rstest]
    #[case("${ROOT}/a", "/plug in/a")]
    #[case("'${ROOT}/a' ${ROOT}", "'/plug in/a' /plug in")]
    #[case::left_to_the_shell("$ROOT/a", "$ROOT/a")]
    #[case::known_at_the_run_only("${DATA}/a", "${DATA}/a")]
    #[case::unknown("${OTHER}", "${OTHER}")]
    #[case::with_more_in_the_braces("${ROOT:-x}", "${ROOT:-x}")]
    #[case::once("${ODD}", "${ROOT}$1")]
    #[case::no_end("${ROOT", "${ROOT")]
    fn fills_in_as_text(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(fill(text, &variables()), expected);
    }

    #[rstest]
    #[case("$ROOT/a", "'/plug in'/a")]
    #[case("\"$ROOT/a\"", "\"'/plug in'/a\"")]
    #[case::left_to_the_shell("${ROOT}/a", "${ROOT}/a")]
    #[case("$ROOTS $OTHER $", "'/plug in'S $OTHER $")]
    fn quotes_what_it_fills_in(#[case] text: &str, #[case] expected: &str) {
        let variables = [("ROOT".to_owned(), "/plug in".to_owned())].into();
        assert_eq!(fill_quoted(text, &variables), expected);
    }

    #[test]
    fn powershell_reads_the_variable_itself() {
        assert_eq!(fill_for_powershell("& '${ROOT}/a.ps1'", &variables()), "& '${env:ROOT}/a.ps1'");
    }
}
