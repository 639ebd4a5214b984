//! Small programs in front of `PATH` that stand for the heavy ones: where the system does not tell what a hook starts.
//!
//! They see what is looked up in `PATH`, and nothing else: absolute paths, a `PATH` of the hook's own and interpreters that
//! start themselves again go past them. The report says so.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hookproof_harness::{CommandPattern, Coverage, FaultDone, FaultReport, SeenCommand, WatchReport};

use crate::outside;
use crate::plan::{Fault, FaultKind, Whom};
use crate::subject::Heavy;

/// Programs that start others by their arguments, which a pattern with `*` in front may mean.
const LAUNCHERS: [&str; 12] =
    ["python*", "pip*", "node", "npm", "npx", "pnpm", "yarn", "bun", "deno", "uv", "uvx", "cargo"];

/// The shims of one run.
#[derive(Debug)]
pub(super) struct Shims {
    folder: PathBuf,
    asked: Option<Fault>,
    impossible: Option<&'static str>,
}

impl Shims {
    /// Writes a shim for every program in `path` that a heavy command may begin with into `folder`, which is made.
    pub(super) fn make(folder: &Path, path: &OsStr, heavy: &Heavy, fault: Option<&Fault>) -> io::Result<Self> {
        fs::create_dir_all(folder.join("bin"))?;
        let impossible = fault.and_then(impossible);
        let fault = fault.cloned();
        let act = fault.as_ref().filter(|_| impossible.is_none()).map(act).unwrap_or_default();
        for program in programs(path, heavy) {
            let Some(name) = program.file_name() else { continue };
            let shim = folder.join("bin").join(name);
            if !shim.exists() {
                executable(&shim, &script(folder, &program, &heavy.commands, &act))?;
            }
        }
        Ok(Shims { folder: folder.to_owned(), asked: fault, impossible })
    }

    /// `path` with the shims in front.
    pub(super) fn in_front_of(&self, path: &OsStr) -> OsString {
        let folders = std::iter::once(self.folder.join("bin")).chain(std::env::split_paths(path));
        // A folder with a separator in its name cannot be in front; then nothing is seen, and the report says nothing else.
        std::env::join_paths(folders).unwrap_or_else(|_| path.to_owned())
    }

    /// What they have seen, and done.
    pub(super) fn report(&self) -> WatchReport {
        let seen: Vec<SeenCommand> = outside::text(&self.folder.join("log"), outside::PAYLOAD)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| {
                let (pid, words) = line.split_once(' ')?;
                Some(SeenCommand {
                    at: Duration::ZERO,
                    pid: pid.parse().ok()?,
                    parent: 0,
                    command_line: words.split(' ').map(str::to_owned).collect(),
                    pattern: Some(0),
                    form: None,
                    below: None,
                    ended: None,
                })
            })
            .collect();
        let fault = self.asked.as_ref().map(|_| match (self.impossible, seen.first()) {
            (Some(because), _) => FaultReport::Impossible { because: because.to_owned() },
            (None, None) => FaultReport::NotReached { matching_seen: 0 },
            (None, Some(first)) => FaultReport::Done(FaultDone {
                pid: first.pid,
                of_the_hook: false,
                at: first.at,
                command_line: first.command_line.clone(),
                repeated: 0,
                disposition: None,
                limits: Vec::new(),
                began: true,
                ended: None,
            }),
        });
        let coverage = Coverage::Partial {
            means: "programs in front of PATH".to_owned(),
            because: "what is started by its path, or with a PATH of its own, is not seen".to_owned(),
        };
        WatchReport { coverage, seen, dropped: 0, undecided: 0, created: None, fault, clock: None }
    }
}

/// Why a shim cannot do this.
fn impossible(fault: &Fault) -> Option<&'static str> {
    match (fault.whom, fault.what) {
        (Whom::Below, _) => Some("programs in front of PATH cannot tell what a heavy command starts"),
        (Whom::Hook, _) => Some("programs in front of PATH do not know which process is the hook"),
        (_, FaultKind::NoMemory) => Some("programs in front of PATH cannot take memory from the loader"),
        (_, FaultKind::NotFound | FaultKind::Denied) => {
            Some("programs in front of PATH cannot make the one behind them go away")
        }
        _ => None,
    }
}

/// What the first matching shim of a run does, as a shell script; `real` is the program and `$@` its arguments.
fn act(fault: &Fault) -> String {
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let says = |stream: &str| format!("printf '%s\\n' '{}'{stream}\nexit 1", FaultKind::REASON);
    let end = match fault.what {
        FaultKind::Kill => "kill -KILL $$".to_owned(),
        FaultKind::Segv => "kill -SEGV $$".to_owned(),
        FaultKind::Abort => "kill -ABRT $$".to_owned(),
        FaultKind::Term => "kill -TERM $$".to_owned(),
        FaultKind::Int => "kill -INT $$".to_owned(),
        FaultKind::FailOnStdout => says(""),
        FaultKind::FailOnStderr => says(" >&2"),
        _ => "exit 1".to_owned(),
    };
    let mut script = String::new();
    if fault.held_ms > 0 {
        script += &format!("sleep {}\n", seconds(fault.held_ms));
    }
    if fault.after_ms > 0 {
        let time = seconds(fault.after_ms);
        script += &format!("\"$real\" \"$@\" <&0 &\nchild=$!\nsleep {time}\nkill -KILL $child 2>/dev/null\n");
    }
    script + &end + "\n"
}

fn script(folder: &Path, program: &Path, patterns: &[CommandPattern], act: &str) -> String {
    let quoted = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"));
    let arms: Vec<String> = patterns.iter().map(|pattern| format!("{}\\ *", glob(pattern.as_str()))).collect();
    let first = if act.is_empty() {
        String::new()
    } else {
        format!("if mkdir {} 2>/dev/null; then\n{act}fi\n", quoted(&folder.join("done")))
    };
    format!(
        "#!/bin/sh\nreal={}\nline=\"${{0##*/}} $* \"\ncase $line in\n{})\nprintf '%s %s\\n' \"$$\" \"$line\" >>{}\n{first};;\nesac\nexec \"$real\" \"$@\"\n",
        quoted(program),
        arms.join("|"),
        quoted(&folder.join("log")),
    )
}

/// A pattern for commands as one of the shell: everything but `*` and `?` is taken literally.
fn glob(pattern: &str) -> String {
    let special = |c: char| !(c.is_alphanumeric() || matches!(c, '*' | '?' | '/' | '.' | '-' | '_'));
    pattern.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The programs in `path` that a heavy command may begin with, the first of each name.
fn programs(path: &OsStr, heavy: &Heavy) -> Vec<PathBuf> {
    let mut firsts: Vec<CommandPattern> = Vec::new();
    for pattern in &heavy.commands {
        let first = pattern.as_str().split(' ').next().unwrap_or_default();
        firsts.extend(first.parse());
        if first.starts_with('*') {
            firsts.extend(LAUNCHERS.iter().filter_map(|name| name.parse().ok()));
        }
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in std::env::split_paths(path) {
        let entries = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            let name = entry.file_name();
            let is_wanted = name.to_str().is_some_and(|name| firsts.iter().any(|first| first.matches([name])));
            if is_wanted && !found.iter().any(|program| program.file_name() == Some(&name)) {
                found.push(entry.path());
            }
        }
    }
    found
}

#[cfg(unix)]
fn executable(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path, _: &str) -> io::Result<()> {
    Err(io::Error::other("programs in front of PATH need a system with `#!`"))
}

#[cfg(all(test, unix))]
mod tests {
    use hookproof_harness::{Ending, Harness, HookCommand};
    use rstest::rstest;

    use super::*;

    const WELL: Ending = Ending::Exited { code: 0 };

    /// Runs a line of a shell with shims for a program `tool`, which prints its arguments. The harness starts the shell, as
    /// it starts a hook, with the default action of every signal: whoever started this test may ignore some.
    fn run(line: &str, pattern: &str, fault: Option<&Fault>) -> (Ending, String, WatchReport) {
        let base = tempfile::tempdir().unwrap();
        let tools = base.path().join("tools");
        fs::create_dir(&tools).unwrap();
        executable(&tools.join("tool"), "#!/bin/sh\necho \"$*\"\n").unwrap();
        let path = std::env::join_paths([tools, "/usr/bin".into(), "/bin".into()]).unwrap();
        let heavy = Heavy::new(vec![pattern.parse().unwrap()]);
        let shims = Shims::make(&base.path().join("it's here"), &path, &heavy, fault).unwrap();
        let command = HookCommand::new("/bin/sh").args(["-c", line]).env("PATH", shims.in_front_of(&path));
        let observation = Harness::new().unwrap().run(&command).unwrap();
        (observation.ending, String::from_utf8(observation.stdout.bytes).unwrap(), shims.report())
    }

    fn fault(what: FaultKind) -> Fault {
        Fault { what, held_ms: 0, after_ms: 0, whom: Whom::Heavy }
    }

    #[test]
    fn what_matches_is_seen_and_everything_runs() {
        let (ending, said, report) = run("tool build --all; tool builder; tool list; tool build", "tool build", None);
        assert_eq!(ending, WELL);
        assert_eq!(said, "build --all\nbuilder\nlist\nbuild\n");
        assert_eq!(report.matching().count(), 2);
        assert!(matches!(report.coverage, Coverage::Partial { .. }));
    }

    #[rstest]
    #[case(FaultKind::Kill, 9)]
    #[case(FaultKind::Segv, 11)]
    #[case(FaultKind::Abort, 6)]
    #[case(FaultKind::Term, 15)]
    #[case(FaultKind::Int, 2)]
    fn the_first_is_killed_and_the_second_is_not(#[case] what: FaultKind, #[case] signal: i32) {
        let (ending, said, report) = run("tool build; echo $?; exec tool build", "tool b*", Some(&fault(what)));
        assert_eq!(said, format!("{}\nbuild\n", 128 + signal));
        assert_eq!(ending, WELL);
        assert!(matches!(report.fault, Some(FaultReport::Done(_))));
        let (ending, ..) = run("exec tool build", "tool build", Some(&fault(what)));
        assert!(matches!(ending, Ending::Signaled { signal: by, .. } if by == signal), "{ending:?}");
    }

    #[rstest]
    #[case(FaultKind::FailOnStdout, "", FaultKind::REASON)]
    #[case(FaultKind::FailOnStderr, FaultKind::REASON, "")]
    #[case(FaultKind::Exit, "", "")]
    fn who_fails_says_why_where_it_is_to(#[case] what: FaultKind, #[case] err: &str, #[case] out: &str) {
        let line = "err=$( { tool build >out; echo $?; } 2>&1 ); echo \"$err/$(cat out)\"";
        let (_, said, report) = run(&format!("cd \"$(mktemp -d)\"; {line}; rm out"), "tool b*", Some(&fault(what)));
        let code = if err.is_empty() { "1".to_owned() } else { format!("{err}\n1") };
        assert_eq!(said, format!("{code}/{out}\n"));
        assert!(matches!(report.fault, Some(FaultReport::Done(_))));
    }

    #[test]
    fn what_it_cannot_do_it_says() {
        let below = Fault { whom: Whom::Below, ..fault(FaultKind::Kill) };
        let (_, said, report) = run("tool build", "tool build", Some(&below));
        assert_eq!(said, "build\n");
        assert!(matches!(report.fault, Some(FaultReport::Impossible { .. })));
        let (ending, _, report) = run("exec tool x", "other", Some(&fault(FaultKind::Exit)));
        assert_eq!(ending, WELL);
        assert_eq!(report.fault, Some(FaultReport::NotReached { matching_seen: 0 }));
    }
}
