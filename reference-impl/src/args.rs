//! The command line: `reference-hook [bootstrap] <platform> [<Event>]`.

use std::ffi::OsString;

/// The word before the platform that asks for the index to be prepared.
const BOOTSTRAP: &str = "bootstrap";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The platform's name as given; whether an adapter exists is decided later.
    pub(crate) platform: String,
    /// The event's name, if one was given.
    pub(crate) event: Option<String>,
    /// Whether the start of a session prepares the index.
    pub(crate) bootstraps: bool,
}

/// Why a command line cannot be used. Each message finishes the sentence "failed to ...".
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UsageError {
    /// `--help`, `-h`, `--version`: no hook run was asked for.
    #[error("run a hook: help was asked for")]
    Help,
    /// No platform was named.
    #[error("run a hook: no platform is named")]
    NoPlatform,
    /// An option that does not exist.
    #[error("run a hook: the option {0:?} does not exist")]
    UnknownOption(String),
    /// More than two arguments.
    #[error("run a hook: there are more than two arguments")]
    TooManyArguments,
    /// A platform without an adapter.
    #[error("run a hook: no adapter exists for the platform {0:?}")]
    UnknownPlatform(String),
}

impl Invocation {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// Returns a [`UsageError`] when there is no platform, an option, or more than a platform and an event.
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut names = Vec::new();
        let mut bootstraps = false;
        for arg in args {
            // An argument that is not Unicode can name neither a platform nor an event that exists, so the lossy form
            // leads to the same "unknown" answer as any other wrong name.
            let arg = arg.to_string_lossy().into_owned();
            if matches!(arg.as_str(), "-h" | "--help" | "-V" | "--version") {
                return Err(UsageError::Help);
            }
            if arg.starts_with('-') {
                return Err(UsageError::UnknownOption(arg));
            }
            if names.is_empty() && !bootstraps && arg == BOOTSTRAP {
                bootstraps = true;
                continue;
            }
            if names.len() == 2 {
                return Err(UsageError::TooManyArguments);
            }
            names.push(arg);
        }
        let mut names = names.into_iter();
        Ok(Self { platform: names.next().ok_or(UsageError::NoPlatform)?, event: names.next(), bootstraps })
    }
}

/// The text that follows a usage error on stderr.
pub(crate) fn usage(platforms: &[&str]) -> String {
    format!(
        "usage: reference-hook [bootstrap] <platform> [<Event>]\n\
         \n\
         Reads one JSON document on stdin and answers as a hook of that platform. Without <Event>, the event is the\n\
         one that the document names. Set HOOKPROOF_REFERENCE_STATE to a folder to keep a log of diagnostics there.\n\
         With `bootstrap`, the start of a session prepares an index of what the guard knows in HOOKPROOF_STATE_DIR.\n\
         \n\
         platforms: {}",
        platforms.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn parse(args: &[&str]) -> Result<Invocation, UsageError> {
        Invocation::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn a_platform_and_an_event_are_taken_in_order() {
        let invocation = parse(&["claude-code", "Stop"]).expect("valid");
        assert_eq!(invocation.platform, "claude-code");
        assert_eq!(invocation.event.as_deref(), Some("Stop"));
        assert_eq!(parse(&["claude-code"]).expect("valid").event, None);
        assert!(!invocation.bootstraps);
        let invocation = parse(&["bootstrap", "claude-code", "SessionStart"]).expect("valid");
        assert!(invocation.bootstraps);
        assert_eq!(invocation.platform, "claude-code");
        assert_eq!(invocation.event.as_deref(), Some("SessionStart"));
    }

    #[rstest]
    #[case(&[], UsageError::NoPlatform)]
    #[case(&["--help"], UsageError::Help)]
    #[case(&["claude-code", "-h"], UsageError::Help)]
    #[case(&["--version"], UsageError::Help)]
    #[case(&["--what"], UsageError::UnknownOption("--what".into()))]
    #[case(&["a", "b", "c"], UsageError::TooManyArguments)]
    #[case(&["bootstrap"], UsageError::NoPlatform)]
    #[case(&["bootstrap", "a", "b", "c"], UsageError::TooManyArguments)]
    fn anything_else_is_a_usage_error(#[case] args: &[&str], #[case] expected: UsageError) {
        assert_eq!(parse(args), Err(expected));
    }
}
