//! The events of a session's life: start, setup, compaction, change of model, end.

use super::Event;
use super::answer::SessionContext;
use super::input::{self, Common};
use crate::guard;
use crate::run::Notes;

/// A session begins, resumes, was cleared, compacted or forked.
pub(super) struct SessionStart;
/// `--init` and `--maintenance`. Claude Code 2.1.329 ignores all output here.
pub(super) struct Setup;
/// The session ends; 1.5 s for all hooks together.
pub(super) struct SessionEnd;
/// Before compaction. Any accepted stdout, JSON as well, becomes instructions for the summary, so there is none.
pub(super) struct PreCompact;
/// After compaction. Stdout reaches the next request to the model as text, so there is none.
pub(super) struct PostCompact;
/// Before a change of model; fails closed when a hook is late.
pub(super) struct PreModelSwitch;
/// After a change of model.
pub(super) struct PostModelSwitch;

impl Event for SessionStart {
    const NAME: &'static str = "SessionStart";
    type Input = input::SessionStart;
    type Answer = SessionContext;

    fn answer(common: &Common, _: Self::Input, _: &mut Notes) -> SessionContext {
        SessionContext(guard::notice::for_session(common.cwd.0.as_deref()))
    }
}

silent! {
    Setup takes input::Trigger;
    SessionEnd takes input::SessionEnd;
    PreCompact takes input::Trigger;
    PostCompact takes input::Trigger;
    PreModelSwitch takes input::ModelSwitch;
    PostModelSwitch takes input::ModelSwitch;
}
