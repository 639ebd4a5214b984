//! What the oracle needs to know of a run.

use std::collections::BTreeMap;

/// How a run ended, as far as a platform can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By a signal, or by a crash.
    Signal(i32),
    /// The platform's time limit passed.
    TimedOut,
    /// It never ran.
    NotStarted,
}

/// What the oracle needs to know of a run.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output.
    pub stdout: &'a [u8],
    /// Its standard error.
    pub stderr: &'a [u8],
    /// Whether somebody still held stdout open when the process had ended.
    pub stdout_held: bool,
    /// Whether a shell stands between the platform and the command, so that a code above 128 is the shell's word for a
    /// command that a signal ended.
    pub through_shell: bool,
    /// The tool that the event was about.
    pub tool: Option<&'a str>,
    /// Options of the handler's configuration, such as `onFailure`.
    pub handler: BTreeMap<String, String>,
}

impl<'a> Facts<'a> {
    /// A run that ended so, with these streams and nothing else to tell.
    pub fn new(ended: Ended, stdout: &'a [u8], stderr: &'a [u8]) -> Self {
        Facts { ended, stdout, stderr, stdout_held: false, through_shell: false, tool: None, handler: BTreeMap::new() }
    }
}

impl Facts<'_> {
    /// The signal that ended the command, as far as it can be told: by the ending itself, or by the code with which a
    /// shell reports it. Which of the two a platform sees depends on the shell, and on as little as a redirection.
    pub fn signal(&self) -> Option<i32> {
        match self.ended {
            Ended::Signal(signal) => Some(signal),
            Ended::Exit(code) if self.through_shell => reported_signal(code),
            _ => None,
        }
    }
}

/// Signals that end a process, by the numbers that all Unix systems share.
const ENDING: &[i32] = &[1, 2, 3, 4, 6, 8, 9, 11, 13, 14, 15];

/// The signal that a shell reports with an exit code.
pub(crate) fn reported_signal(code: i32) -> Option<i32> {
    let signal = code.checked_sub(128)?;
    ENDING.contains(&signal).then_some(signal)
}

/// SIGPIPE: a write to a pipe that nobody reads any more.
pub(crate) const BROKEN_PIPE_SIGNAL: i32 = 13;

/// What a code says with which a shell reports a signal. SIGPIPE mostly ends a part of a pipeline in the hook, and a shell
/// with `pipefail` makes that code its own; nobody killed the hook then.
pub(crate) fn say_signal(code: i32) -> String {
    match code - 128 {
        BROKEN_PIPE_SIGNAL => format!(
            "exit code {code} is signal {BROKEN_PIPE_SIGNAL}: what the hook runs wrote to a pipe whose reader had ended"
        ),
        signal => {
            format!("the hook was killed by signal {signal}, which the shell in between reports as exit code {code}")
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Ended, Facts};

    #[rstest]
    #[case(Ended::Signal(9), false, Some(9))]
    #[case(Ended::Exit(137), true, Some(9))]
    #[case(Ended::Exit(130), true, Some(2))]
    #[case::no_shell(Ended::Exit(137), false, None)]
    #[case::no_signal(Ended::Exit(255), true, None)]
    #[case::not_found(Ended::Exit(127), true, None)]
    #[case::code(Ended::Exit(2), true, None)]
    #[case::least(Ended::Exit(i32::MIN), true, None)]
    fn a_kill_has_two_faces(#[case] ended: Ended, #[case] through_shell: bool, #[case] signal: Option<i32>) {
        assert_eq!(Facts { through_shell, ..Facts::new(ended, b"", b"") }.signal(), signal);
    }
}
