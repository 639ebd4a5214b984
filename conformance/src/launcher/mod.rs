//! Hooks that never start: what shells and interpreters say when they cannot read a command line or do not find what it
//! names (`launchers/*.toml`), and how a run is recognised as such.
//!
//! The words alone accuse no hook. The sentence has to be a launcher's own, from the start of the stream, and has to name
//! what the command line starts; and the same has to happen with an empty stdin, which the worker tries.

mod recognise;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

use hookproof_harness::{Ending, Invocation, Observation};

pub(crate) use recognise::Started;
pub(crate) use table::Launchers;

use crate::contract::{Contract, Evidence};
use crate::subject::{Host, Origin, Shebang, ShellLine, Subject, begins, is_shell};

/// What keeps a hook from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LaunchFaultKind {
    /// The shell cannot read the command line, or the interpreter the script.
    Syntax,
    /// The script that an interpreter is given does not exist.
    NoScript,
    /// The program does not exist.
    NoProgram,
    /// The program may not be executed.
    NoPermission,
    /// The interpreter that a script names does not exist.
    NoInterpreter,
    /// The shell or interpreter does not know an option that it is given.
    BadOption,
}

/// A hook that did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchFault {
    /// What is wrong, in a sentence.
    pub observed: String,
    /// Why it is not the hook's fault, if it is not.
    pub excused: Option<String>,
    /// How well the launcher's sentence is known.
    pub evidence: Evidence,
}

/// The directories of a run that stand for the user's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand<'a> {
    /// Where the hook started.
    pub(crate) cwd: &'a Path,
    /// The run's home.
    pub(crate) home: &'a Path,
    /// The run's project.
    pub(crate) project: &'a Path,
}

impl LaunchFault {
    /// Whether it is worth to look closer at a run: one that ended well has started.
    pub(crate) fn is_possible(invocation: &Invocation, run: &Observation) -> bool {
        let of_another_system = || Started::of(invocation, Path::new("/")).of_another_system().is_some();
        match &run.ending {
            Ending::NotStarted { .. } => true,
            Ending::Exited { code } => *code != 0 || of_another_system(),
            _ => false,
        }
    }

    /// What kept this run from starting; `None` if it started, or if that cannot be told.
    pub(crate) fn of(
        contract: &Contract,
        subject: &Subject,
        invocation: &Invocation,
        run: &Observation,
        stand: Stand<'_>,
    ) -> Option<Self> {
        let started = Started::of(invocation, stand.cwd);
        if let Some(name) = started.of_another_system() {
            let observed = format!("`{name}` is for another system");
            let excused = Some(format!("`{name}` is a script of another system, which this one cannot run"));
            return Some(LaunchFault { observed, excused, evidence: Evidence::Documented });
        }
        match &run.ending {
            Ending::NotStarted { error } => {
                let observed = format!("the command could not be started ({}: {})", error.step, error.message);
                let program = match invocation {
                    Invocation::Program { program, .. } => program.to_string_lossy().into_owned(),
                    Invocation::Shell { shell, .. } => shell.first()?.to_string_lossy().into_owned(),
                };
                let excused = is_elsewhere(&program).or_else(|| beyond(subject, &program, stand));
                Some(LaunchFault { observed, excused, evidence: Evidence::Measured })
            }
            Ending::Exited { code } if *code != 0 => {
                let found = started.recognise(*code, &run.stdout.bytes, &run.stderr.bytes)?;
                let excused = is_elsewhere(&found.name).or_else(|| match found.kind {
                    LaunchFaultKind::NoPermission => made_executable(contract, subject, &found.name),
                    LaunchFaultKind::Syntax => None,
                    LaunchFaultKind::BadOption => other_version(subject, &found),
                    LaunchFaultKind::NoProgram => {
                        not_installed(subject, &found.name).or_else(|| beyond(subject, &found.name, stand))
                    }
                    _ => beyond(subject, &found.name, stand),
                });
                Some(LaunchFault { observed: found.in_words(*code), excused, evidence: found.evidence })
            }
            _ => None,
        }
    }
}

/// Why a program that belongs to another system is not missed here.
fn is_elsewhere(name: &str) -> Option<String> {
    let all = Launchers::built_in().ok()?;
    (Host::current() != Host::Windows && all.is_elsewhere(name))
        .then(|| format!("`{name}` is not installed on this machine, and the hook is written for it"))
}

/// Why a bare name that a configuration uses is missing on this machine only.
fn not_installed(subject: &Subject, name: &str) -> Option<String> {
    let configured = matches!(subject.origin, Origin::Config { .. });
    let bare = !name.contains(['/', '\\']) && !subject_names_file(name);
    (configured && bare).then(|| format!("`{name}` is not installed here: `PATH` does not have it"))
}

/// Why an option that an interpreter does not know may be right elsewhere: which options there are depends on its version, and a
/// configuration was written for another machine. Shells have the same options for decades, and whoever types a command means the
/// interpreter of this machine.
fn other_version(subject: &Subject, found: &recognise::Recognised) -> Option<String> {
    let configured = matches!(subject.origin, Origin::Config { .. });
    let bare = !found.name.contains(['/', '\\']);
    (configured && bare && !is_shell(&found.name)).then(|| {
        format!("`{}` does not know an option here ({}): its version may be too old", found.name, found.said.trim())
    })
}

/// Why a script that may not be executed starts all the same.
fn made_executable(contract: &Contract, subject: &Subject, name: &str) -> Option<String> {
    let scripts = contract.config.as_ref()?.scripts.as_ref()?;
    let Invocation::Shell { line, .. } = &subject.invocation else { return None };
    let line = ShellLine::read(line.to_str()?);
    let first = begins(&line).filter(|_| scripts.makes_executable)?;
    let same = Path::new(first).file_name() == Path::new(name).file_name();
    let title = &contract.platform.title;
    same.then(|| {
        format!("{title} makes `{name}` executable, and hookproof changes nothing outside of the project's copy")
    })
}

/// Why a file is missing in the run's directories only: the user's own have it.
fn beyond(subject: &Subject, name: &str, stand: Stand<'_>) -> Option<String> {
    if !name.contains('/') && !subject_names_file(name) {
        return None;
    }
    let path = stand.cwd.join(name);
    let (own, real, what) = if let Ok(rest) = path.strip_prefix(stand.project) {
        let project = subject.project.clone().or_else(|| std::env::current_dir().ok())?;
        let what = match subject.project {
            Some(_) => "is in the project, but not in the copy of it that hooks are run in",
            None => "is in the current directory; hooks are run in a scratch project, so give an absolute path",
        };
        (rest.to_owned(), project, what)
    } else {
        let rest = path.strip_prefix(stand.home).ok()?;
        (rest.to_owned(), std::env::home_dir()?, "is in your home directory; hooks are run with an empty one")
    };
    real.join(&own).exists().then(|| format!("`{}` {what}", own.display()))
}

fn subject_names_file(name: &str) -> bool {
    Path::new(name).extension().is_some()
}

/// The interpreter that the first line of a file names.
fn interpreter_of(path: &Path) -> Option<String> {
    Shebang::of(path).map(|shebang| shebang.interpreter().to_owned())
}
