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
    /// The tool that the event was about.
    pub tool: Option<&'a str>,
    /// Options of the handler's configuration, such as `onFailure`.
    pub handler: BTreeMap<String, String>,
}

impl<'a> Facts<'a> {
    /// A run that ended so, with these streams and nothing else to tell.
    pub fn new(ended: Ended, stdout: &'a [u8], stderr: &'a [u8]) -> Self {
        Facts { ended, stdout, stderr, stdout_held: false, tool: None, handler: BTreeMap::new() }
    }
}
