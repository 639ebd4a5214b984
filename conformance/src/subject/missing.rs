//! `config.program-missing`: programs and scripts that a configuration names and that do not exist. The hook cannot start,
//! which can be told once and before anything is run.
//!
//! A path that does not exist is a fault of the configuration. A bare name that is not on `PATH` says something about this
//! machine only.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hookproof_harness::Invocation;

use super::discover::Discovery;
use super::host::Host;
use super::notice::ConfigNotice;
use super::program::{self, bare, is_shell};
use super::{Origin, PLUGIN_DATA_AT_RUN, PROJECT_AT_RUN, ShellLine, Subject, executable, plugin};
use crate::contract::{Contract, Evidence, StartsIn};
use crate::launcher::{self, Launchers};
use crate::oracle::{Ended, Facts, interpret, tell};
use crate::requirement::Level;

/// The code with which a shell ends where it does not find a program.
const NOT_FOUND: i32 = 127;

/// Words of shells that `PATH` need not have, besides the ones that only prepare for the program.
const BUILTINS: &[&str] = &[
    "eval",
    "alias",
    "wait",
    "let",
    "case",
    "for",
    "function",
    "select",
    "declare",
    "typeset",
    "readonly",
    "mapfile",
    "readarray",
    "pushd",
    "popd",
    "jobs",
    "kill",
    "ulimit",
    "getopts",
    "shift",
    "break",
    "continue",
    "times",
    "disown",
    "enable",
    "print",
    "zmodload",
    "autoload",
    "emulate",
];

/// Commands whose outcome decides whether the rest of the line runs.
const GUARDS: &[&str] =
    &["[", "[[", "test", "if", "elif", "case", "while", "until", "for", "which", "type", "hash", "command", "trap"];

/// What an interpreter may add to the name of a script.
const IMPLIED: &[(&str, &[&str])] = &[("node", &["js", "mjs", "cjs", "json"]), ("nodejs", &["js", "json"])];

/// Entries of one directory that are looked through for a file with a similar name.
const LOOKED_AT: usize = 2000;

/// Directories below those nearby that are looked through.
const DIRECTORIES: usize = 50;

/// Something that does not exist.
#[derive(Debug, PartialEq, Eq)]
struct Missing {
    /// As the command spells it.
    text: String,
    /// Where it should be; `None` for a program that `PATH` should have.
    path: Option<PathBuf>,
    /// The interpreter that is given it.
    by: Option<String>,
    /// Whether the line ends well all the same (`|| true`).
    tolerated: bool,
}

impl Discovery {
    /// Takes out the hooks that cannot start: those whose program or script does not exist, each with a notice of
    /// `config.program-missing`, and those whose script a notice calls not executable already. A run would show the same defect
    /// again. A bare name is looked for on this machine's `PATH`, and its notice fails nobody.
    pub fn set_aside_missing(&mut self, contract: &Contract) {
        let look = Look {
            contract,
            host: Host::current(),
            home: std::env::home_dir(),
            has: executable::is_there,
            listed: RefCell::default(),
        };
        let mut told: Vec<ConfigNotice> = Vec::new();
        let notices = &self.notices;
        self.subjects.retain(|subject| !has_notice(subject, notices, &["config.not-executable"]));
        self.subjects.retain(|subject| match look.notice(subject) {
            Some(notice) => {
                // Where the shell reads another path than the one that is meant, the line has to be mended, and not the file.
                if !has_notice(subject, notices, &["config.unquoted-backslash", "config.other-shell"]) {
                    told.push(notice);
                }
                false
            }
            None => true,
        });
        // What is said of the missing file once need not be said of its permissions and its line again.
        told.dedup();
        self.notices.extend(told);
    }
}

/// Whether one of these rules is broken, for sure, by the line of the configuration that holds the hook's command.
fn has_notice(subject: &Subject, notices: &[ConfigNotice], rules: &[&str]) -> bool {
    let Origin::Config { file, line, .. } = &subject.origin else { return false };
    let spelled = serde_json::Value::from(subject.display.lines().next().unwrap_or_default()).to_string();
    let spelled = spelled.trim_matches('"');
    notices.iter().any(|notice| {
        rules.contains(&notice.requirement.as_str())
            && notice.evidence.is_settled()
            && notice.file == *file
            && notice.line >= *line
            && notice.excerpt.contains(spelled)
    })
}

/// What is asked of the surroundings.
struct Look<'a> {
    contract: &'a Contract,
    host: Host,
    home: Option<PathBuf>,
    has: fn(&str) -> bool,
    /// The entries of directories that were looked through.
    listed: RefCell<HashMap<PathBuf, Rc<Vec<PathBuf>>>>,
}

impl Look<'_> {
    fn notice(&self, subject: &Subject) -> Option<ConfigNotice> {
        let Origin::Config { file, line, column } = &subject.origin else { return None };
        let missing = self.missing(subject)?;
        let title = &self.contract.platform.title;
        let name = &missing.text;
        let (level, message, consequence, help) = match &missing.path {
            Some(path) => {
                let shown = path.display();
                let what = match &missing.by {
                    Some(interpreter) => {
                        format!("the script {shown}, which is given to `{interpreter}`, does not exist")
                    }
                    None => format!("the program {shown} does not exist"),
                };
                let help = match self.near(path, file) {
                    Some(near) => format!("{} exists: write that path, or move the file", near.display()),
                    None => "create the file, or correct the path".to_owned(),
                };
                let (level, outcome) = match missing.tolerated {
                    true => (Level::Should, ", and the line ends with exit code 0 all the same".to_owned()),
                    false => (Level::Must, self.outcome(subject, missing.by.as_deref())),
                };
                (Some(level), what, format!("{title} never runs the hook{outcome}"), help)
            }
            None => (
                None,
                format!("`{name}` is not installed here: `PATH` does not have it"),
                "the hook cannot start on this machine, and is not checked here".to_owned(),
                format!("install `{name}`, or check the hook on a machine that has it"),
            ),
        };
        Some(ConfigNotice {
            requirement: "config.program-missing".to_owned(),
            level,
            evidence: Evidence::Measured,
            message,
            consequence,
            help,
            file: file.clone(),
            line: *line,
            column: *column,
            excerpt: subject.display.lines().next().unwrap_or_default().to_owned(),
        })
    }

    /// What becomes of each step, as the end of a sentence.
    fn outcome(&self, subject: &Subject, interpreter: Option<&str>) -> String {
        let Some(event) = subject.event.as_ref().and_then(|name| self.contract.events.get(name)) else {
            return String::new();
        };
        let code = interpreter.and_then(code_without_script).unwrap_or(NOT_FOUND);
        let code = if matches!(subject.invocation, Invocation::Shell { .. }) || interpreter.is_some() {
            Ended::Exit(code)
        } else {
            Ended::NotStarted
        };
        let facts = Facts { handler: subject.handler.clone(), ..Facts::new(code, b"", b"not found\n") };
        let effect = interpret(self.contract, event, &facts);
        if !effect.evidence.is_settled() {
            return String::new();
        }
        let said = tell(self.contract, event, &effect);
        let denies = if effect.stops_the_step() { " denies every call" } else { "" };
        match code {
            Ended::Exit(code) if denies.is_empty() => format!("; at exit code {code}, {said}"),
            Ended::Exit(code) => format!("; exit code {code}{denies}: {said}"),
            _ if denies.is_empty() => format!("; {said}"),
            _ => format!("; this{denies}: {said}"),
        }
    }

    fn missing(&self, subject: &Subject) -> Option<Missing> {
        if self.host == Host::Windows {
            // Which endings a name may have there is the system's affair.
            return None;
        }
        match &subject.invocation {
            Invocation::Shell { shell, line } => {
                let posix = shell.first().is_some_and(|shell| is_shell(&shell.to_string_lossy()));
                if posix { self.in_line(subject, line.to_str()?, 0) } else { None }
            }
            Invocation::Program { program, args } => {
                let words: Option<Vec<&str>> =
                    std::iter::once(program.to_str()).chain(args.iter().map(|arg| arg.to_str())).collect();
                self.in_words(subject, &words?, false, 0)
            }
        }
    }

    /// What is missing for the command that a line is about; `None` where another command may take its place.
    fn in_line(&self, subject: &Subject, line: &str, depth: usize) -> Option<Missing> {
        let parts = ShellLine::read(line);
        let heads = parts.commands.iter().filter_map(|command| command.first());
        let guarded = heads.clone().any(|word| GUARDS.contains(&word.text.as_str()));
        let (line, tolerated) = without_tolerance(line);
        // A function, an alternative, a here-document or a redirection may be what makes the file.
        let quiet = ["2>&1", ">&2", "&>/dev/null", ">/dev/null", "> /dev/null"];
        let line = quiet.iter().fold(line.to_owned(), |line, quiet| line.replace(quiet, ""));
        if guarded || line.contains("()") || line.contains("||") || line.contains("<<") || line.contains('>') {
            return None;
        }
        let mut moved = false;
        for command in &parts.commands {
            let words: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
            let Some(head) = program::without_prefixes(&words).first() else { continue };
            moved |= ["cd", "pushd"].contains(head);
            if program::prepares(head) {
                continue;
            }
            let missing = self.in_words(subject, &words, moved, depth)?;
            return Some(Missing { tolerated: missing.tolerated || tolerated, ..missing });
        }
        None
    }

    fn in_words(&self, subject: &Subject, words: &[&str], moved: bool, depth: usize) -> Option<Missing> {
        let words = program::without_prefixes(words);
        let (head, rest) = words.split_first()?;
        if head.contains('/') {
            let path = self.path(subject, head, moved)?;
            if !path.exists() {
                return Some(Missing { text: (*head).to_owned(), path: Some(path), by: None, tolerated: false });
            }
        } else {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
            let own = subject.environment.contains_key("PATH");
            if head.is_empty() || !head.chars().all(plain) || BUILTINS.contains(head) || program::prepares(head) {
                return None;
            }
            if !own && !(self.has)(head) {
                return Some(Missing { text: (*head).to_owned(), path: None, by: None, tolerated: false });
            }
        }
        if is_shell(head)
            && let Some(at) = rest.iter().position(|word| word.starts_with('-') && word.ends_with('c'))
        {
            // What a login shell's start-up files set is not known.
            let login = rest[at].contains('l');
            let inner = (depth < 3 && !moved).then(|| self.in_line(subject, rest.get(at + 1)?, depth + 1)).flatten();
            return inner.filter(|missing| missing.path.is_some() || !login);
        }
        let script = program::of_words(words).filter(|about| about.is_path && !about.itself)?;
        let text = script.text.as_str();
        if text.contains("://") || !(text.contains('/') || program::looks_like_script(text)) {
            return None;
        }
        // A script without a separator is looked for on `PATH` as well by shells.
        if is_shell(head) && !text.contains('/') && (self.has)(text) {
            return None;
        }
        let path = self.path(subject, text, moved)?;
        let name = bare(head);
        let implied = IMPLIED.iter().filter(|(interpreter, _)| *interpreter == name).flat_map(|(_, endings)| *endings);
        let found = path.exists() || implied.clone().any(|ending| with_ending(&path, ending).exists());
        (!found).then(|| Missing {
            text: text.to_owned(),
            path: Some(path),
            by: Some((*head).to_owned()),
            tolerated: false,
        })
    }

    /// The path that a word leads to, if that can be told without running anything.
    fn path(&self, subject: &Subject, text: &str, moved: bool) -> Option<PathBuf> {
        let text = match text.strip_prefix("~/") {
            Some(rest) => self.home.as_ref()?.join(rest).to_str()?.to_owned(),
            None => self.expanded(subject, text)?,
        };
        if text.contains(['$', '`', '~', '*', '?', '[', '{', '%', '\\', '\n']) {
            return None;
        }
        let path = Path::new(&text);
        if path.is_absolute() {
            return Some(plugin::resolve(Path::new(""), path));
        }
        let base = if moved { None } else { self.start(subject) };
        Some(plugin::resolve(&base?, path))
    }

    /// The text with the values of variables that are known before a run.
    fn expanded(&self, subject: &Subject, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let (name, behind) = match after.strip_prefix('{') {
                Some(inner) => inner.split_once('}')?,
                None => {
                    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                    after.split_at(end)
                }
            };
            out.push_str(&self.value(subject, name)?);
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }

    fn value(&self, subject: &Subject, name: &str) -> Option<String> {
        let project = || Some(subject.project.as_ref()?.to_str()?.to_owned());
        match subject.environment.get(name).map(String::as_str) {
            Some(PROJECT_AT_RUN) => project(),
            Some(PLUGIN_DATA_AT_RUN) => None,
            Some(value) => Some(value.to_owned()),
            None if name == "HOME" => Some(self.home.as_ref()?.to_str()?.to_owned()),
            None => {
                let variable = self.contract.environment.get(name)?;
                (variable.exists && variable.value.as_deref() == Some("{project}")).then(project)?
            }
        }
    }

    /// The directory in which the hook starts, where that is settled.
    fn start(&self, subject: &Subject) -> Option<PathBuf> {
        if let Some(folder) = &subject.folder {
            let folder = self.expanded(subject, folder.to_str()?)?;
            return Some(subject.project.as_ref().map_or_else(|| PathBuf::from(&folder), |base| base.join(&folder)))
                .filter(|folder| folder.is_absolute());
        }
        let scripts = self.contract.config.as_ref()?.scripts.as_ref();
        let settled = scripts.is_none_or(|scripts| self.contract.weigh(&scripts.basis()).is_settled());
        match scripts.map(|scripts| scripts.starts_in).unwrap_or_default() {
            StartsIn::Home => self.home.clone(),
            StartsIn::Unknown => None,
            _ => subject.project.clone(),
        }
        .filter(|_| settled)
    }
}

impl Look<'_> {
    /// A file that somebody may have meant: of the same name in a directory nearby, or with another case or ending beside it.
    fn near(&self, path: &Path, config: &Path) -> Option<PathBuf> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let stem = path.file_stem()?.to_str()?.to_lowercase();
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in [path.parent(), path.parent().and_then(Path::parent), config.parent()].into_iter().flatten() {
            // The top of a file system is nobody's neighbourhood.
            if folder.parent().is_some() && !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
        let below = folders.iter().flat_map(|folder| self.entries(folder).to_vec());
        let below: Vec<PathBuf> = below.filter(|path| path.is_dir()).take(DIRECTORIES).collect();
        folders.extend(below);
        let files: Vec<PathBuf> = folders.iter().flat_map(|folder| self.entries(folder).to_vec()).collect();
        let is = |found: Option<&std::ffi::OsStr>, wanted: &str| {
            found.and_then(|found| found.to_str()).is_some_and(|found| found.to_lowercase() == wanted)
        };
        let same = files.iter().find(|file| is(file.file_name(), &name) && file.is_file());
        let stem_is = |file: &&PathBuf| file.parent() == path.parent() && is(file.file_stem(), &stem) && file.is_file();
        let beside = || files.iter().find(stem_is);
        same.or_else(beside).cloned()
    }

    /// The entries of a directory, which are looked up once.
    fn entries(&self, folder: &Path) -> Rc<Vec<PathBuf>> {
        let mut listed = self.listed.borrow_mut();
        Rc::clone(listed.entry(folder.to_owned()).or_insert_with(|| Rc::new(entries(folder))))
    }
}

/// A line without an end that makes every failure a success, and whether it has one.
fn without_tolerance(line: &str) -> (&str, bool) {
    let line = line.trim_end().trim_end_matches(';');
    let Some((before, after)) = line.rsplit_once("||") else { return (line, false) };
    if ["true", ":", "exit 0"].contains(&after.trim()) { (before, true) } else { (line, false) }
}

/// The code with which an interpreter ends where its script does not exist.
fn code_without_script(interpreter: &str) -> Option<i32> {
    let all = Launchers::built_in().ok()?;
    all.code_of(interpreter, launcher::LaunchFaultKind::NoScript)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(".");
    text.push(ending);
    text.into()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().take(LOOKED_AT).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
