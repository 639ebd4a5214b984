//! Launchers: shell scripts on `PATH` that find out which interpreter is meant and start that, as version managers install
//! them.
//!
//! Such a script starts programs, reads its own settings in the home directory and takes time before the hook begins, and
//! none of that is the hook's doing. So the hook is run by the interpreter that the launcher starts, and the report says so.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hookproof_harness::{Harness, HookCommand, Invocation, Network, Sandbox, Watch};
use serde::{Deserialize, Serialize};

use super::scratch;
use crate::subject::{Subject, interpreter_of};

/// How long a launcher may take to start its program.
const PATIENCE: Duration = Duration::from_secs(10);
/// What every interpreter answers at once.
const QUESTION: &str = "--version";
/// Shells that launchers are written for.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

/// A launcher and what it starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Launcher {
    /// The script.
    pub script: PathBuf,
    /// The program of the same name that takes its place.
    pub program: PathBuf,
}

/// The launchers that hooks name. Each is asked once, in a sandbox, what it starts; where the system shows no programs that
/// are started there are none.
pub fn launchers(subjects: &[Subject], path: &OsStr) -> Vec<Launcher> {
    let scripts: BTreeSet<PathBuf> = subjects.iter().flat_map(named).filter_map(|name| script(&name, path)).collect();
    scripts.into_iter().filter_map(|script| Some(Launcher { program: started_by(&script)?, script })).collect()
}

/// `path` with the directories of the programs in front, so that a name leads to them and not to the launchers.
///
/// # Errors
/// Where a directory cannot be part of `PATH`.
pub fn path_through(launchers: &[Launcher], path: &OsStr) -> Result<OsString, env::JoinPathsError> {
    let own: BTreeSet<&Path> = launchers.iter().filter_map(|launcher| launcher.program.parent()).collect();
    env::join_paths(own.into_iter().map(Path::to_path_buf).chain(env::split_paths(path)))
}

/// Starts the program where the hook's command names the launcher by its path.
pub fn start_through(launchers: &[Launcher], subject: &mut Subject) {
    if let Invocation::Program { program, .. } = &mut subject.invocation
        && let Some(launcher) = launchers.iter().find(|launcher| launcher.script == *program)
    {
        program.clone_from(&launcher.program);
    }
}

/// The programs that a command may name: its words, and the interpreters of the scripts among them.
fn named(subject: &Subject) -> Vec<String> {
    let mut words: Vec<String> = match &subject.invocation {
        Invocation::Program { program, args } => {
            std::iter::once(program.as_os_str()).chain(args.iter().map(OsString::as_os_str)).map(text).collect()
        }
        Invocation::Shell { line, .. } => {
            let breaks = |c: char| c.is_whitespace() || "\"';|&()`$<>".contains(c);
            text(line).split(breaks).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    };
    let interpreters: Vec<String> = words.iter().filter_map(|word| interpreter_of(Path::new(word))).collect();
    words.extend(interpreters);
    words
}

fn text(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

/// The shell script in a directory of `PATH` that a word leads to, if that is what is found.
fn script(word: &str, path: &OsStr) -> Option<PathBuf> {
    let mut directories = env::split_paths(path).filter(|directory| directory.is_absolute());
    let found = if word.contains('/') {
        let word = PathBuf::from(word);
        directories.any(|directory| word.parent() == Some(&directory)).then_some(word)?
    } else {
        directories.map(|directory| directory.join(word)).find(|file| file.is_file())?
    };
    let shell = interpreter_of(&found)?;
    let name = shell.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name).then_some(found)
}

/// The program of the same name that a script starts in the end, with the words that it was given.
fn started_by(script: &Path) -> Option<PathBuf> {
    let scratch = scratch::folder().ok()?;
    let sandbox = Sandbox::open().writable(scratch.path()).network(Network::Loopback);
    let mut command = HookCommand::new(script)
        .arg(QUESTION)
        .cwd(scratch.path())
        .deadline(PATIENCE)
        .sandbox(sandbox)
        .watch(Watch::default());
    // Settings of a version manager lie in the user's own home directory.
    if let Some(home) = env::var_os("HOME") {
        command = command.env("HOME", home);
    }
    let observation = Harness::new().ok()?.run(&command).ok()?;
    let seen = observation.watch?.seen;
    let last = seen.iter().rev().map(|seen| &seen.command_line).find(|line| is_of(script, line))?;
    Some(PathBuf::from(&last[0]))
}

/// Whether a command line is that of another program of the same name, asked the same.
fn is_of(script: &Path, line: &[String]) -> bool {
    let [program, words @ ..] = line else { return false };
    let program = Path::new(program);
    words == [QUESTION]
        && program.is_absolute()
        && program != script
        && program.file_name() == script.file_name()
        && interpreter_of(program).is_none()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;
    use crate::subject::from_command;

    fn executable(file: &Path, text: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// `shims/cat`, a launcher of the real one, and `shims/tool`, a script that is none.
    fn machine() -> (TempDir, OsString) {
        let folder = tempfile::tempdir().unwrap();
        let shims = folder.path().join("shims");
        executable(
            &shims.join("cat"),
            "#!/bin/sh\nset -e\nprogram=${0##*/}\nexec sh -c 'exec \"$0\" \"$@\"' \"/bin/$program\" \"$@\"\n",
        );
        executable(&shims.join("tool"), "#!/bin/sh\necho 1.0\n");
        let path = env::join_paths([shims, PathBuf::from("/usr/bin"), PathBuf::from("/bin")]).unwrap();
        (folder, path)
    }

    #[test]
    fn a_launcher_is_known_by_what_it_starts() {
        let (folder, path) = machine();
        let found = |words: &[&str]| {
            let rest: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
            launchers(&[from_command(words[0].as_ref(), &rest)], &path)
        };
        let script = folder.path().join("shims/cat");
        let expected = [Launcher { script: script.clone(), program: "/bin/cat".into() }];
        assert_eq!(found(&["cat", "x"]), expected);
        assert_eq!(found(&[script.to_str().unwrap()]), expected);
        let hook = folder.path().join("hook");
        executable(&hook, "#!/usr/bin/env cat\n");
        assert_eq!(found(&[hook.to_str().unwrap()]), expected);
        assert_eq!(found(&["tool"]), []);
        assert_eq!(found(&["sh", "-c", "exit"]), []);
    }

    #[test]
    fn the_program_takes_the_launchers_place() {
        let (folder, path) = machine();
        let mut subject = from_command(folder.path().join("shims/cat").as_os_str(), &[]);
        let launchers = launchers(std::slice::from_ref(&subject), &path);
        start_through(&launchers, &mut subject);
        assert_eq!(subject.invocation, from_command("/bin/cat".as_ref(), &[]).invocation);
        let through = path_through(&launchers, &path).unwrap();
        assert_eq!(env::split_paths(&through).next(), Some(PathBuf::from("/bin")));
    }
}
