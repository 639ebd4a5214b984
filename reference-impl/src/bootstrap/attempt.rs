//! One attempt: the builder is started, watched, and judged by its end; what it has built is put in place.

use std::fs;
use std::io::{self, PipeReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::builder::{BUILD, Own};
use super::ending::{Killed, Verdict};
use super::folder::{StateFolder, remove};
use super::index::{self, IndexError};
use crate::platform::{Signals, Tree, Waited, last_words};

/// How long a builder that is asked to end may take before it is killed.
const GRACE: Duration = Duration::from_millis(400);

/// What came of an attempt. The index is in place only with [`Attempt::Built`].
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The index is in place, with so many entries.
    Built(u64),
    /// The builder, or what it started, was killed or died for want of memory.
    Killed(Killed),
    /// A person ended the builder.
    Stopped,
    /// This process was asked to end, by this signal.
    Asked(i32),
    /// The builder took too long and was ended by us. That is no death by the system: a machine that is slow now is
    /// not slow for a day, and each attempt costs no more than its limit. So there is no cooldown.
    TimedOut,
    /// An ordinary failure.
    Failed(Failure),
}

/// Why there is no index although nobody was killed. Each message finishes the sentence "failed to ...".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The state folder cannot be used.
    #[error("use the state folder: {0}")]
    State(io::Error),
    /// The lock cannot be made.
    #[error("make the lock: {0}")]
    Lock(io::Error),
    /// The program cannot be started.
    #[error("start {BUILD}: {0}")]
    NotStarted(io::Error),
    /// It says that it has failed.
    #[error("build the index: {BUILD} ended with {}", told(*.code, .words))]
    Builder {
        /// Its exit code, if it had one.
        code: Option<u32>,
        /// The last line that it said, on whichever stream.
        words: String,
    },
    /// What it has built is no index.
    #[error("{0}")]
    Unusable(#[from] IndexError),
    /// The index cannot be put in place.
    #[error("put the index in place: {0}")]
    Place(io::Error),
}

fn told(code: Option<u32>, words: &str) -> String {
    let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
    if words.is_empty() { code } else { format!("{code}: {words}") }
}

/// Builds the index and puts it in place. Only for the owner of the lock.
///
/// When it returns, no process that it started runs any more. What is half built is left to [`clear`].
pub(crate) fn run(state: &StateFolder, own: &Own, limit: Duration, signals: &Signals) -> Attempt {
    let building = state.building();
    if let Err(error) = remove(&building).and_then(|()| fs::create_dir(&building)) {
        return Attempt::Failed(Failure::State(error));
    }
    match build(&building, own, limit, signals) {
        Attempt::Built(entries) => match put_in_place(state, &building) {
            Ok(()) => Attempt::Built(entries),
            Err(error) => Attempt::Failed(Failure::Place(error)),
        },
        other => other,
    }
}

/// Removes what an attempt of this process left half built. What cannot be removed is swept by a later one, and until then
/// has a name that nobody looks for.
pub(super) fn clear(state: &StateFolder) {
    let _ = remove(&state.building());
}

fn build(building: &Path, own: &Own, limit: Duration, signals: &Signals) -> Attempt {
    let until = Instant::now() + limit;
    let mut command = own.command(BUILD);
    command.arg("--into").arg(building);
    let mut words = match words_of(&mut command) {
        Ok(words) => words,
        Err(error) => return Attempt::Failed(Failure::NotStarted(error)),
    };
    let started = Tree::start(&mut command);
    // Its ends of the pipe are the child's alone from now on.
    drop(command);
    let mut tree = match started {
        Ok(tree) => tree,
        Err(error) => {
            return match Verdict::of_start(&error) {
                Verdict::Killed(killed) => Attempt::Killed(killed),
                _ => Attempt::Failed(Failure::NotStarted(error)),
            };
        }
    };
    // Kept until the end: it is what the builder holds on to. One that has died already does not hear the word.
    let mut lifeline = tree.take_stdin();
    if let Some(lifeline) = &mut lifeline {
        let _ = lifeline.write_all(b"\n");
    }
    let waited = tree.wait(until, signals);
    if let Ok(Waited::Asked(signal)) = waited {
        tree.ask(signal, GRACE);
    }
    let ending = tree.finish();
    drop(lifeline);
    match (waited, ending) {
        (Ok(Waited::Asked(signal)), _) => Attempt::Asked(signal),
        (Ok(Waited::TimedOut), _) => Attempt::TimedOut,
        (Err(error), _) | (_, Err(error)) => Attempt::Failed(Failure::NotStarted(error)),
        (Ok(Waited::Ended), Ok(ending)) => match Verdict::of(ending) {
            Verdict::Built => match index::check(building) {
                Ok(entries) => Attempt::Built(entries),
                Err(error) => Attempt::Failed(error.into()),
            },
            Verdict::Killed(killed) => Attempt::Killed(killed),
            Verdict::Stopped => Attempt::Stopped,
            Verdict::Failed(code) => {
                Attempt::Failed(Failure::Builder { code, words: last_line(&last_words(&mut words)) })
            }
        },
    }
}

/// Gives the command one pipe for both of its streams, and returns the other end: some programs say on stdout why they
/// fail, and their lines stay in the order in which they were said.
fn words_of(command: &mut Command) -> io::Result<PipeReader> {
    let (words, said) = io::pipe()?;
    command.stdin(Stdio::piped()).stdout(said.try_clone()?).stderr(said);
    Ok(words)
}

/// The last line that is not blank, without control characters, and cut.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Puts a finished index where the next session looks for it. Whoever looks meanwhile sees the old one, none, or the new
/// one, and never a part.
fn put_in_place(state: &StateFolder, building: &Path) -> io::Result<()> {
    let (index, aside) = (state.index(), state.aside("index"));
    match fs::rename(&index, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let placed = fs::rename(building, &index);
    let _ = remove(&aside);
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_short_and_clean() {
        assert_eq!(last_line("one\n two\u{1b}[0m\t \n\n"), "two[0m");
        assert_eq!(last_line(&"x".repeat(1_000)).len(), 200);
        assert_eq!(last_line(""), "");
    }
}
