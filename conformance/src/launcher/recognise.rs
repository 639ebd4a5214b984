//! What a command line starts, and whether a launcher says that it could not.

use std::path::{Path, PathBuf};

use hookproof_harness::Invocation;

use super::table::{Launcher, Stream};
use super::{LaunchFaultKind, Launchers, interpreter_of};
use crate::contract::Evidence;
use crate::subject::{Host, ShellLine, bare, named, named_in_words};

/// Characters of a sentence that are shown.
const SHOWN: usize = 240;

/// What a command line starts.
#[derive(Debug)]
pub(crate) struct Started {
    /// Shells that are given a line.
    shells: Vec<String>,
    /// Programs and scripts, as the line spells them, with the interpreters that scripts name.
    names: Vec<String>,
    /// Programs and scripts that are started by themselves and name no interpreter.
    alone: Vec<String>,
}

/// A launcher's sentence that was recognised.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) kind: LaunchFaultKind,
    /// What it names; the shell itself for a line that cannot be read.
    pub(crate) name: String,
    /// Whether it is the command line that cannot be read, and no script.
    line: bool,
    /// The sentence.
    pub(crate) said: String,
    pub(crate) evidence: Evidence,
}

impl Started {
    /// What `invocation` starts in the directory `cwd`.
    pub(crate) fn of(invocation: &Invocation, cwd: &Path) -> Started {
        let mut started = Started { shells: Vec::new(), names: Vec::new(), alone: Vec::new() };
        let found = match invocation {
            Invocation::Shell { shell, line } => {
                started.shells.extend(shell.first().map(|shell| shell.to_string_lossy().into_owned()));
                named(&ShellLine::read(&line.to_string_lossy()))
            }
            Invocation::Program { program, args } => {
                let words: Vec<String> = std::iter::once(program.to_string_lossy())
                    .chain(args.iter().map(|arg| arg.to_string_lossy()))
                    .map(std::borrow::Cow::into_owned)
                    .collect();
                named_in_words(&words.iter().map(String::as_str).collect::<Vec<_>>())
            }
        };
        started.shells.extend(found.shells);
        for (name, itself) in found.programs {
            let interpreter = interpreter_of(&cwd.join(&name));
            if itself && interpreter.is_none() {
                started.alone.push(name.clone());
            }
            started.names.push(name);
            started.names.extend(interpreter);
        }
        started
    }

    /// A script of another system that the line starts as if this one could.
    pub(crate) fn of_another_system(&self) -> Option<&str> {
        let all = Launchers::built_in().ok()?;
        let here = Host::current() != Host::Windows;
        self.alone.iter().find(|name| here && all.is_script_of_another_system(name)).map(String::as_str)
    }

    /// The sentence by which a launcher says that it could not start what the line names.
    pub(crate) fn recognise(&self, code: i32, stdout: &[u8], stderr: &[u8]) -> Option<Recognised> {
        let (stdout, stderr) = (plain(stdout), plain(stderr));
        let launchers = Launchers::built_in().ok()?;
        let own = launchers.all.iter().filter(|launcher| self.starts(launcher));
        let mut sentences =
            own.flat_map(|launcher| launcher.sentences.iter().map(move |sentence| (launcher, sentence)));
        sentences.find_map(|(launcher, sentence)| {
            let (text, other) = match sentence.stream {
                Stream::Stdout => (&stdout, &stderr),
                Stream::Stderr => (&stderr, &stdout),
            };
            // What has answered, or said more, has started.
            if !other.trim().is_empty() || code == 0 {
                return None;
            }
            let found = sentence.pattern.captures(text)?;
            let name = found.name("name").map(|name| name.as_str());
            let is = |known: &&String| name.is_none_or(|name| file_name(name) == file_name(known));
            let line = sentence.fault == LaunchFaultKind::Syntax && self.shells.iter().any(|shell| is(&shell));
            let named = match name {
                Some(name) => name.to_owned(),
                None => self.shells.first()?.clone(),
            };
            (line || self.names.iter().any(|known| is(&known))).then(|| Recognised {
                kind: sentence.fault,
                name: named,
                line,
                said: found.name("what").map_or_else(|| text.trim(), |what| what.as_str()).to_owned(),
                evidence: launcher.evidence,
            })
        })
    }

    fn starts(&self, launcher: &Launcher) -> bool {
        let mut all = self.shells.iter().chain(&self.names);
        all.any(|name| launcher.programs.iter().any(|program| bare(program) == bare(name)))
    }
}

impl Recognised {
    /// What was seen, in a sentence.
    pub(crate) fn in_words(&self, code: i32) -> String {
        let name = PathBuf::from(&self.name);
        let name = name.file_name().map_or_else(|| self.name.clone(), |name| name.to_string_lossy().into_owned());
        let what = match (self.kind, self.line) {
            (LaunchFaultKind::Syntax, true) => format!("the shell `{name}` cannot read the command line"),
            (LaunchFaultKind::Syntax, false) => format!("the script `{name}` cannot be read"),
            (LaunchFaultKind::NoScript, _) => format!("the script `{name}` does not exist"),
            (LaunchFaultKind::NoProgram, _) => format!("the program `{name}` does not exist"),
            (LaunchFaultKind::NoPermission, _) => format!("`{name}` cannot be executed"),
            (LaunchFaultKind::NoInterpreter, _) => format!("the interpreter of `{name}` does not exist"),
            (LaunchFaultKind::BadOption, _) => format!("`{name}` does not know an option that it is given"),
        };
        let first = self.said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let shown: String = first.chars().take(SHOWN).collect();
        format!("the hook cannot start: {what} ({shown}); exit code {code} on every input")
    }
}

/// The last part of a path; an address of a file counts as its path.
fn file_name(name: &str) -> &str {
    name.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The text without colours.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.next() == Some('[') {
                chars.by_ref().find(char::is_ascii_alphabetic);
            }
        } else {
            out.push(c);
        }
    }
    out
}
