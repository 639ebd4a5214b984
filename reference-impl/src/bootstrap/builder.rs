//! The heavy program: `build-index --into FOLDER`, which starts `index-part --into FOLDER --part PART` for each part.
//!
//! Both hold on to their parent by stdin. The builder waits there for one byte before it begins, so that whoever starts it
//! can first make sure that it can be ended with all that it starts; afterwards the end of stdin says that the parent has
//! gone, and both give up. Nothing stands on stdout; stderr has the reason of a failure, for people. Programs read the
//! exit code, which is one of [`ending`](super::ending).

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::ending::{self, Verdict};
use super::index::{self, IndexError};
use super::settings;
use crate::platform::{Ending, die_of_faults, lifeline_is_cut};

/// The builder's name on the command line.
pub(crate) const BUILD: &str = "build-index";
/// The name of what it starts.
pub(crate) const PART: &str = "index-part";

/// How long the builder waits between two looks at what it has started: short at first, then longer.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(20);

/// The builder: makes the folder that its arguments name an index. `own` starts this program again.
pub(crate) fn build(own: &Own, arguments: &[OsString]) -> ExitCode {
    die_of_faults();
    let [into, folder] = arguments else { return wrong(BUILD) };
    if into != "--into" {
        return wrong(BUILD);
    }
    // The end of stdin in place of the byte: whoever started it has gone already.
    if !matches!(io::stdin().lock().read(&mut [0]), Ok(1)) {
        return ExitCode::from(ending::ABANDONED);
    }
    let folder = Path::new(folder);
    for part in index::parts() {
        if let Err(code) = part_of(own, folder, part) {
            return ExitCode::from(code);
        }
    }
    outcome(index::seal(folder))
}

/// Runs one part; the error is the code to end with.
fn part_of(own: &Own, folder: &Path, part: &str) -> Result<(), u8> {
    let mut command = own.command(PART);
    command.arg("--into").arg(folder).arg("--part").arg(part);
    // The unused end of the pipe is what the part holds on to.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        say(&format!("failed to start {PART}: {error}"));
        code_of(Verdict::of_start(&error))
    })?;
    let mut look = SHORTEST_LOOK;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(error) => {
                say(&format!("failed to wait for {PART}: {error}"));
                return Err(ending::FAILED);
            }
        }
        if lifeline_is_cut(look) {
            give_up(&mut child);
            return Err(ending::ABANDONED);
        }
        look = (look * 2).min(LONGEST_LOOK);
    };
    let verdict = Verdict::of(Ending::from(status));
    if verdict != Verdict::Built {
        say(&format!("failed to build the part {part}: {PART} ended with {status}"));
        return Err(code_of(verdict));
    }
    Ok(())
}

fn give_up(child: &mut Child) {
    // It gives up by itself as well; this is for one that does not look.
    let _ = child.kill().and_then(|()| child.wait());
}

/// One part: what the builder starts.
pub(crate) fn part(arguments: &[OsString]) -> ExitCode {
    die_of_faults();
    let [into, folder, flag, part] = arguments else { return wrong(PART) };
    let (Some(part), true) = (part.to_str(), into == "--into" && flag == "--part") else { return wrong(PART) };
    // What takes long is made to here, before there is anything to see of the part; the rest is a matter of milliseconds.
    let begun = Instant::now();
    let share = settings::build_time() / u32::try_from(index::parts().count()).unwrap_or(1);
    loop {
        let left = share.saturating_sub(begun.elapsed());
        if lifeline_is_cut(left.min(LONGEST_LOOK)) {
            return ExitCode::from(ending::ABANDONED);
        }
        if left.is_zero() {
            break;
        }
    }
    outcome(index::build(Path::new(folder), part))
}

/// The code that tells the builder's caller what has come of something below it.
fn code_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Built => ending::DONE,
        Verdict::Killed(_) => ending::KILLED,
        Verdict::Stopped => ending::STOPPED,
        Verdict::Failed(_) => ending::FAILED,
    }
}

fn outcome(result: Result<(), IndexError>) -> ExitCode {
    let code = match result {
        Ok(()) => ending::DONE,
        Err(error) => {
            say(&format!("failed to {error}"));
            if error.is_no_memory() { ending::KILLED } else { ending::FAILED }
        }
    };
    ExitCode::from(code)
}

fn wrong(name: &str) -> ExitCode {
    let more = if name == PART { " --part PART" } else { "" };
    say(&format!("usage: {name} --into FOLDER{more}"));
    ExitCode::from(ending::FAILED)
}

/// The one place where the builder speaks. It is a program of its own, and the hook's streams are none of its business:
/// what it says is what its caller makes of it.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// How this program starts itself again.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    program: PathBuf,
    /// What stands before our own arguments: a program that carries this one has a word for it.
    before: Vec<OsString>,
}

impl Own {
    /// This process's program, of whose arguments `ours` are meant for us.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it does not tell where the program lies.
    pub(crate) fn of_process(ours: usize) -> io::Result<Self> {
        let all: Vec<OsString> = std::env::args_os().skip(1).collect();
        let before = all.len().saturating_sub(ours);
        Ok(Self { program: std::env::current_exe()?, before: all.into_iter().take(before).collect() })
    }

    /// Any program, for tests.
    #[cfg(test)]
    #[cfg_attr(windows, allow(dead_code, reason = "the tests that need one are shell scripts"))]
    pub(crate) fn of(program: impl Into<PathBuf>, before: &[&str]) -> Self {
        Self { program: program.into(), before: before.iter().map(OsString::from).collect() }
    }

    /// This program with this word for what it is to be.
    pub(crate) fn command(&self, role: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.before).arg(role);
        command
    }
}
