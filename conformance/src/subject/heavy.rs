//! What a hook does that is heavy, and how long it remembers that it went wrong.

use std::time::Duration;

use hookproof_harness::CommandPattern;

/// What is known of the heavy work of a hook, so that the suite can kill it and see whether the hook tries again at
/// once. Nothing of it can be found out from outside; a person says it, on the command line or in `hookproof.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heavy {
    /// The commands that are heavy, as the system starts them.
    pub commands: Vec<CommandPattern>,
    /// The variable that names the folder where the hook keeps what it remembers. Its home is watched in any case.
    pub state_variable: Option<String>,
    /// How long the hook leaves the heavy work alone after it was killed.
    pub window: Duration,
    /// How old a lock of the hook has to be before another run may take it over.
    pub stale_after: Duration,
    /// How long the suite waits for a run that does the heavy work.
    pub patience: Duration,
}

impl Heavy {
    /// One day: the window of hooks that name none.
    pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
    /// One minute: what a run with heavy work is given if nobody says otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// These commands, with the usual times: a window of [`Heavy::WINDOW`], after which locks are stale as well.
    #[must_use]
    pub fn new(commands: Vec<CommandPattern>) -> Self {
        Heavy {
            commands,
            state_variable: None,
            window: Self::WINDOW,
            stale_after: Self::WINDOW,
            patience: Self::PATIENCE,
        }
    }
}
