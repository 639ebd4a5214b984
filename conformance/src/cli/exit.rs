//! Exit codes of `hookproof`.

use std::process::ExitCode;

/// The exit codes, as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0    conforms
  1    findings at or above the chosen level; port: something is lost, or happens elsewhere only;
       probe: the hook does not work without a limit, or needs more than it may have
  2    wrong usage, nothing to check, or no consent
  3    the harness failed; nothing is said of the hook
  130  interrupted; what was finished is reported
  141  the reader of the output has gone (`| head`): the check ended with it, and nothing is said of the hook";

/// How `hookproof` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Conforms,
    /// Findings at or above the chosen level.
    Findings,
    /// Wrong usage, nothing to check, or no consent.
    Usage,
    /// The harness failed.
    HarnessFailed,
    /// Interrupted.
    Interrupted,
    /// Nobody reads the output any more; the code is that of a program which SIGPIPE ends.
    ReaderGone,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Conforms => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::HarnessFailed => 3,
            Exit::Interrupted => 130,
            Exit::ReaderGone => 141,
        })
    }
}
