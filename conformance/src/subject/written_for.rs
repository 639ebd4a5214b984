//! The events that a hook is written for, as far as its command line and its scripts say so.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hookproof_harness::Invocation;

use super::{Origin, ShellLine, Subject, named, named_in_words};
use crate::contract::{Contract, Library, Moment};
use crate::outside;

/// So much of a script is looked at, in bytes.
const MOST_OF_A_SCRIPT: usize = 512 * 1024;

/// The events that a hook is written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFor {
    /// Their names, in the order of the contract; never empty.
    pub events: Vec<String>,
    /// What says so.
    pub clue: Clue,
}

/// What says for which events a hook is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clue {
    /// `{event}` in the command: it takes any of them.
    Placeholder,
    /// A word of the command line is the name of an event.
    CommandLine,
    /// A script that the command names mentions them.
    Script {
        /// The script.
        path: PathBuf,
        /// The platform whose names they are, if it is not the one of the contract: its title.
        of: Option<String>,
    },
}

/// The events of `contract` that a command line ([`Origin::Command`]) is written for; `None` if nothing says so.
///
/// The command line goes before the scripts, and names of the contract's own platform before those of others, which stand for
/// the events at the same moment.
#[must_use]
pub fn written_for(contract: &Contract, library: &Library, subject: &Subject) -> Option<WrittenFor> {
    if subject.origin != Origin::Command {
        return None;
    }
    let words = words(&subject.invocation);
    if words.iter().any(|word| word.contains("{event}")) {
        return Some(WrittenFor { events: contract.events.keys().cloned().collect(), clue: Clue::Placeholder });
    }
    let is_word = |name: &str| words.iter().skip(1).any(|word| word == name || word.ends_with(&format!("={name}")));
    if let Some(events) = some(own(contract, is_word)) {
        return Some(WrittenFor { events, clue: Clue::CommandLine });
    }
    let texts: Vec<(PathBuf, String)> = scripts(&subject.invocation).filter_map(with_text).collect();
    for (path, text) in &texts {
        if let Some(events) = some(own(contract, |name| mentions(text, name))) {
            return Some(WrittenFor { events, clue: Clue::Script { path: path.clone(), of: None } });
        }
    }
    if texts.is_empty() {
        return None;
    }
    let others: Vec<Contract> = library.others(&contract.platform.id).collect();
    texts.iter().find_map(|(path, text)| {
        others.iter().find_map(|other| {
            let mentioned = other.events.values().filter(|event| mentions(text, &event.name));
            let moments: BTreeSet<Moment> = mentioned.filter_map(|event| event.moment).collect();
            let events = some(contract.events_at(&moments))?;
            Some(WrittenFor {
                events,
                clue: Clue::Script { path: path.clone(), of: Some(other.platform.title.clone()) },
            })
        })
    })
}

fn own(contract: &Contract, is_named: impl Fn(&str) -> bool) -> Vec<String> {
    contract.events.keys().filter(|name| is_named(name)).cloned().collect()
}

fn some(events: Vec<String>) -> Option<Vec<String>> {
    (!events.is_empty()).then_some(events)
}

/// The words of a command, a shell's line taken apart.
fn words(invocation: &Invocation) -> Vec<String> {
    match invocation {
        Invocation::Program { program, args } => {
            let program = std::iter::once(program.to_string_lossy());
            program.chain(args.iter().map(|word| word.to_string_lossy())).map(std::borrow::Cow::into_owned).collect()
        }
        Invocation::Shell { line, .. } => {
            let line = ShellLine::read(&line.to_string_lossy());
            line.commands.into_iter().flatten().map(|word| word.text).collect()
        }
    }
}

/// The files that a command names as programs or scripts.
fn scripts(invocation: &Invocation) -> impl Iterator<Item = PathBuf> {
    let words = words(invocation);
    let named = match invocation {
        Invocation::Program { .. } => named_in_words(&words.iter().map(String::as_str).collect::<Vec<_>>()),
        Invocation::Shell { line, .. } => named(&ShellLine::read(&line.to_string_lossy())),
    };
    named.programs.into_iter().map(|(text, _)| PathBuf::from(text)).filter(|path| path.is_absolute())
}

/// A script with its text; `None` for what is none.
fn with_text(path: PathBuf) -> Option<(PathBuf, String)> {
    let bytes = outside::head(&path, MOST_OF_A_SCRIPT).ok()?;
    let is_binary = bytes.contains(&0);
    (!is_binary).then(|| (path, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Whether a text mentions an event. A name that is a plain word, such as `Stop`, means the event only where it is a string
/// or a pattern of `case`.
fn mentions(text: &str, name: &str) -> bool {
    let is_plain_word = !name.contains(['_', '-']) && name.chars().skip(1).all(|c| !c.is_uppercase());
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        if before.is_some_and(is_part) || after.is_some_and(is_part) {
            return false;
        }
        let is_quoted = before.is_some_and(|c| "\"'`".contains(c)) && after == before;
        let is_pattern = after.is_some_and(|c| c == ')' || c == '|') && before.is_none_or(|c| " \t\n|(".contains(c));
        !is_plain_word || is_quoted || is_pattern
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::{Clue, mentions, written_for};
    use crate::contract::Library;
    use crate::subject::from_command;

    #[rstest]
    #[case("if event == \"Stop\":", "Stop", true)]
    #[case("case $event in\n  Stop) exit 0 ;;", "Stop", true)]
    #[case("PreToolUse|Stop) exit 0 ;;", "Stop", true)]
    #[case("# Stop the agent", "Stop", false)]
    #[case("print('Stop it')", "Stop", false)]
    #[case("# a PreToolUse hook", "PreToolUse", true)]
    #[case("MyPreToolUseHook", "PreToolUse", false)]
    #[case("PreToolUseFailure", "PreToolUse", false)]
    #[case("hooks['pre_run_command']", "pre_run_command", true)]
    fn names_of_events(#[case] text: &str, #[case] name: &str, #[case] expected: bool) {
        assert_eq!(mentions(text, name), expected);
    }

    #[rstest]
    #[case::own_names("claude-code", "echo '{\"hookEventName\":\"PreToolUse\"}'", Some(&["PreToolUse"][..]))]
    #[case::names_of_another("gemini-cli", "echo '{\"hookEventName\":\"PreToolUse\"}'", Some(&["BeforeTool"][..]))]
    #[case::the_other_way("claude-code", "# BeforeTool", Some(&["PreToolUse"][..]))]
    #[case::nothing("claude-code", "exit 0", None)]
    fn scripts_are_read(#[case] platform: &str, #[case] script: &str, #[case] expected: Option<&[&str]>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guard.sh");
        fs::write(&path, script).unwrap();
        let library = Library::built_in().unwrap();
        let subject = from_command("sh".as_ref(), &[path.into()]);
        let found = written_for(&library.select(platform).unwrap(), &library, &subject);
        assert_eq!(
            found.map(|found| found.events).as_deref(),
            expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).as_deref()
        );
    }

    #[test]
    fn the_command_line_goes_first() {
        let library = Library::built_in().unwrap();
        let contract = library.select("claude-code").unwrap();
        let of = |args: &[&str]| {
            let args: Vec<_> = args.iter().map(Into::into).collect();
            written_for(&contract, &library, &from_command("guard".as_ref(), &args))
        };
        assert_eq!(of(&["--event=Stop"]).unwrap().events, ["Stop"]);
        assert_eq!(of(&["Stop"]).unwrap().clue, Clue::CommandLine);
        assert_eq!(of(&["{event}"]).unwrap().events.len(), contract.events.len());
        assert_eq!(of(&[]), None);
    }
}
