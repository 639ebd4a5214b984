//! What is checked: a command, a script, or a configuration; and by which platforms' contracts.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hookproof::contract::Contract;
use hookproof::subject::{
    ConfigNotice, DiscoverError, Discovery, Started, Subject, consent_text, discover_given, from_command, platforms_at,
    started,
};

use super::super::known::Known;
use super::super::names;
use super::{CheckArguments, CliError, consent, reference};

/// The platform of commands, and of configurations that do not say whose they are.
const USUAL: &str = "claude-code";

/// What is checked.
pub(super) enum Target {
    /// The bundled reference hook.
    Reference,
    /// A command: the program, and its arguments.
    Command(Vec<OsString>),
    /// A settings file, a plugin, or a project.
    Configuration(PathBuf),
}

impl Target {
    /// What the command line asks for, and what has to be said of it.
    pub(super) fn of(arguments: &CheckArguments, known: &Known) -> (Target, Option<String>) {
        if arguments.reference {
            return (Target::Reference, None);
        }
        if !arguments.hook.is_empty() {
            return (Target::Command(typed(&arguments.hook)), None);
        }
        let Some(path) = &arguments.path else { return (Target::Configuration(PathBuf::from(".")), None) };
        let Some(started) = started(path) else { return (Target::Configuration(path.clone()), None) };
        // On some platforms the files that lie at a certain place are hooks, and their names say of which event.
        if !platforms_at(&known.library, path).is_empty() {
            return (Target::Configuration(path.clone()), None);
        }
        let file = std::path::absolute(path).unwrap_or_else(|_| path.clone()).into_os_string();
        match started {
            Started::Itself => (Target::Command(vec![file]), None),
            Started::By { mut interpreter, .. } => {
                let words: Vec<_> = interpreter.iter().map(|word| word.to_string_lossy()).collect();
                let note = format!(
                    "{path} is not executable, and is run as `{words} {path}`; where a configuration names the file itself, \
                     it needs `chmod +x`",
                    path = path.display(),
                    words = words.join(" ")
                );
                interpreter.push(file);
                // On Windows nothing is to be made executable.
                (Target::Command(interpreter), (!cfg!(windows)).then_some(note))
            }
        }
    }

    /// The contracts by which it is judged: those that were asked for, or else those of the platforms whose files lie there;
    /// and what has to be said of the choice.
    pub(super) fn contracts(
        &self,
        asked: Option<&str>,
        known: &Known,
    ) -> Result<(Vec<Contract>, Option<String>), CliError> {
        let library = &known.library;
        let names: Vec<&str> = match asked {
            Some("all") => library.platforms().collect(),
            Some(names) => names.split(',').map(str::trim).collect(),
            None => {
                let found = match self {
                    Target::Configuration(path) => platforms_at(library, path),
                    Target::Reference | Target::Command(_) => Vec::new(),
                };
                let contracts =
                    found.iter().map(|(id, _)| names::contract(library, id)).collect::<Result<Vec<_>, _>>()?;
                if contracts.is_empty() {
                    return Ok((vec![names::contract(library, USUAL)?], None));
                }
                return Ok((contracts, told(&found)));
            }
        };
        let contracts = names.into_iter().map(|name| names::contract(library, name)).collect::<Result<_, _>>()?;
        Ok((contracts, None))
    }

    /// The hooks for one platform, and what the configuration itself gives away. With `events`, hooks of other events are left
    /// out.
    pub(super) fn find(
        &self,
        arguments: &CheckArguments,
        contract: &Contract,
        given: &BTreeSet<String>,
        settings: &str,
        events: Option<&[String]>,
    ) -> Result<Found, CliError> {
        let path = match self {
            Target::Reference => return Ok(Found { subjects: vec![reference()?], notices: Vec::new() }),
            Target::Command(words) => return Ok(command(words, contract, given, events)),
            Target::Configuration(path) => path,
        };
        let mut found = discover_given(contract, path, given).map_err(|error| match error {
            DiscoverError::Nothing { .. } | DiscoverError::NoDialect { .. } => CliError::Nothing(error.to_string()),
            broken => CliError::usage(broken),
        })?;
        if found.subjects.is_empty() && found.notices.is_empty() {
            return Err(CliError::Nothing(format!("failed to find a command hook in {}", path.display())));
        }
        found.set_aside_missing(contract);
        if arguments.no_run {
            return Ok(Found { subjects: Vec::new(), notices: found.notices });
        }
        let is_chosen = |subject: &Subject| match (&subject.event, events) {
            (Some(event), Some(events)) => events.contains(event),
            _ => true,
        };
        let asked_for = Discovery {
            subjects: found.subjects.iter().filter(|subject| is_chosen(subject)).cloned().collect(),
            ..Discovery::default()
        };
        if !asked_for.subjects.is_empty() {
            consent::ask(arguments, path, &format!("{}{settings}", consent_text(&asked_for)))?;
        }
        Ok(Found { subjects: found.subjects, notices: found.notices })
    }
}

/// What to check, and what the configuration itself gave away.
pub(super) struct Found {
    pub(super) subjects: Vec<Subject>,
    pub(super) notices: Vec<ConfigNotice>,
}

fn command(words: &[OsString], contract: &Contract, given: &BTreeSet<String>, events: Option<&[String]>) -> Found {
    let Some((program, rest)) = words.split_first() else {
        return Found { subjects: Vec::new(), notices: Vec::new() };
    };
    let subject = from_command(program, rest);
    let event = match events {
        Some([event]) => contract.events.get(event),
        _ => None,
    };
    let notices = subject.line_notices(contract, event, given);
    Found { subjects: vec![subject], notices }
}

/// The words of a command as they were typed, with the paths of files made absolute.
fn typed(words: &[OsString]) -> Vec<OsString> {
    let Some((program, rest)) = words.split_first() else { return Vec::new() };
    let program = if Path::new(program).components().count() > 1 { here(program) } else { program.clone() };
    std::iter::once(program).chain(rest.iter().map(here)).collect()
}

/// A word of the hook's command: a relative path of a file counts from the folder of whoever typed it, and not from the
/// scratch folder that the hook is started in.
pub(in crate::cli) fn here(word: &OsString) -> OsString {
    let path = Path::new(word);
    match std::path::absolute(path) {
        Ok(absolute) if path.is_relative() && path.is_file() => absolute.into(),
        _ => word.clone(),
    }
}

/// Whose files lie there; nothing of the usual platform alone.
fn told(found: &[(String, PathBuf)]) -> Option<String> {
    if found.len() == 1 && found[0].0 == USUAL {
        return None;
    }
    let here = std::env::current_dir().unwrap_or_default();
    let list: Vec<String> = found
        .iter()
        .map(|(id, file)| format!("{id} ({})", file.strip_prefix(&here).unwrap_or(file).display()))
        .collect();
    let platforms = if found.len() == 1 { "platform" } else { "platforms" };
    Some(format!("{platforms} found here: {}; --platform NAME chooses another", list.join(", ")))
}
