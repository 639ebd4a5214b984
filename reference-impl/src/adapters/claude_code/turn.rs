//! The events of a turn: what agents, subagents and teammates begin, say, finish and fail at.

use serde_json::value::RawValue;

use super::Event;
use super::answer::{Block, SubagentContext};
use super::input::{self, Common};
use crate::guard;
use crate::run::Notes;

/// The agent has finished its turn.
pub(super) struct Stop;
/// The turn ended with an error of the API.
pub(super) struct StopFailure;
/// A subagent begins; it has not seen what `SessionStart` told the main agent.
pub(super) struct SubagentStart;
/// A subagent has finished.
pub(super) struct SubagentStop;
/// A teammate is about to idle.
pub(super) struct TeammateIdle;
/// A task was created.
pub(super) struct TaskCreated;
/// A task was marked as complete.
pub(super) struct TaskCompleted;
/// A piece of the agent's text is about to be shown.
pub(super) struct MessageDisplay;

/// Holds the agent back once for work that it has itself marked as unfinished.
fn unfinished(event: &str, input: &input::Stop, notes: &mut Notes) -> Block {
    // The host says that a stop hook has already kept the agent going: blocking again is how endless turns begin.
    if is_active(input.stop_hook_active.as_deref()) {
        return Block::NoOpinion;
    }
    let Some(item) = input.last_assistant_message.0.as_deref().and_then(guard::unfinished) else {
        return Block::NoOpinion;
    };
    notes.add(format!("claude-code/{event}: held back for {item:?}"));
    Block::Because(format!(
        "The last message marks work as unfinished: \"{item}\". Do it now, or say plainly why it stays open."
    ))
}

fn is_active(value: Option<&RawValue>) -> bool {
    value.is_some_and(|raw| !matches!(raw.get(), "false" | "null"))
}

impl Event for Stop {
    const NAME: &'static str = "Stop";
    type Input = input::Stop;
    type Answer = Block;

    fn answer(_: &Common, input: Self::Input, notes: &mut Notes) -> Block {
        unfinished(Self::NAME, &input, notes)
    }
}

impl Event for SubagentStop {
    const NAME: &'static str = "SubagentStop";
    type Input = input::Stop;
    type Answer = Block;

    fn answer(_: &Common, input: Self::Input, notes: &mut Notes) -> Block {
        unfinished(Self::NAME, &input, notes)
    }
}

impl Event for SubagentStart {
    const NAME: &'static str = "SubagentStart";
    type Input = input::Nothing;
    type Answer = SubagentContext;

    fn answer(common: &Common, _: Self::Input, _: &mut Notes) -> SubagentContext {
        SubagentContext(guard::notice::for_session(common.cwd.0.as_deref()))
    }
}

impl Event for TaskCreated {
    const NAME: &'static str = "TaskCreated";
    type Input = input::Task;
    type Answer = Block;

    fn answer(_: &Common, input: Self::Input, notes: &mut Notes) -> Block {
        match input.task_subject.0.as_deref().map(str::trim) {
            Some("") => {
                notes.add("claude-code/TaskCreated: a task without a subject was refused");
                Block::Because("A task needs a subject that says what is to be done. Create it again with one.".into())
            }
            _ => Block::NoOpinion,
        }
    }
}

silent! {
    StopFailure takes input::StopFailure;
    TeammateIdle takes input::Teammate;
    TaskCompleted takes input::Task;
    MessageDisplay takes input::MessageDisplay;
}
