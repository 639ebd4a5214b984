//! Names of tools in a hook's own text that the platform does not have.

use std::collections::BTreeSet;
use std::path::Path;

use hookproof_harness::Invocation;

use crate::contract::Contract;
use crate::outside;
use crate::subject::{ShellLine, Subject, named, named_in_words};

/// Longest file that is looked through, in bytes.
const LONGEST: usize = 256 * 1024;
/// Names that are told.
const TOLD: usize = 3;

/// The names of tools that the hook's script has and the platform has not, each with the one that is meant, in words; `None`
/// if there are none. It is a hint and no proof: a script may name tools in its comments.
pub(super) fn unknown(contract: &Contract, subject: &Subject) -> Option<String> {
    let matching = &contract.config.as_ref()?.matching;
    let elsewhere = matching.names.iter().flat_map(|names| &names.elsewhere);
    let foreign = matching
        .foreign
        .iter()
        .filter(|(_, found)| found.events.is_empty())
        .filter(|(_, found)| found.gone_by.as_ref().is_none_or(|version| *version <= contract.version))
        .map(|(name, found)| (name, &found.means));
    let text = text(&subject.invocation);
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let found: Vec<String> = elsewhere
        .chain(foreign)
        // A script for several platforms has the names of each.
        .filter(|(name, means)| words.contains(name.as_str()) && !words.contains(means.as_str()))
        .filter(|(name, _)| {
            is_telling(name) || ['"', '\''].iter().any(|quote| text.contains(&format!("{quote}{name}{quote}")))
        })
        .map(|(name, means)| format!("`{name}` (here: `{means}`)"))
        .take(TOLD)
        .collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// Whether the word is hardly anything else than the name of a tool.
fn is_telling(name: &str) -> bool {
    name.contains('_') || name.chars().skip(1).any(char::is_uppercase)
}

/// The command line of a hook and the scripts that it names.
fn text(invocation: &Invocation) -> String {
    let (mut text, names) = match invocation {
        Invocation::Shell { line, .. } => {
            let line = line.to_string_lossy().into_owned();
            let names = named(&ShellLine::read(&line));
            (line, names)
        }
        Invocation::Program { program, args } => {
            let mut words = vec![program.to_string_lossy().into_owned()];
            words.extend(args.iter().map(|word| word.to_string_lossy().into_owned()));
            let names = named_in_words(&words.iter().map(String::as_str).collect::<Vec<_>>());
            (words.join(" "), names)
        }
    };
    for (name, _) in names.programs {
        if let Ok(script) = outside::text(Path::new(&name), LONGEST) {
            text.push('\n');
            text.push_str(&script);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Library;
    use crate::subject::from_command;

    #[rstest]
    #[case("cline-vscode", "[ \"$t\" = execute_command ]", Some("`execute_command` (here: `run_commands`)"))]
    #[case("claude-code", "[ \"$t\" = MultiEdit ]", Some("`MultiEdit` (here: `Edit`)"))]
    #[case("factory-droid", "case $t in 'Bash') ;; esac", Some("`Bash` (here: `Execute`)"))]
    #[case::of_several("cline-vscode", "case $t in execute_command|run_commands) ;; esac", None)]
    #[case::an_older_version("claude-code@1.0.67", "[ \"$t\" = MultiEdit ]", None)]
    #[case::a_word("claude-code", "replace shell", None)]
    fn names_that_the_platform_does_not_have(
        #[case] platform: &str,
        #[case] script: &str,
        #[case] expected: Option<&str>,
    ) {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), script).unwrap();
        let subject = from_command("sh".as_ref(), &[file.path().as_os_str().to_owned()]);
        assert_eq!(unknown(&contract, &subject).as_deref(), expected);
    }
}
