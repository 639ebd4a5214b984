//! What a decision means at an event.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::reading::Fact;

/// What the platform does with the step that an event stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The step goes on as if there were no hook.
    Proceeds,
    /// The step does not happen.
    Blocked,
    /// The step happens with the hook's input.
    InputRewritten,
    /// The model gets the hook's text in place of the tool's output.
    OutputReplaced,
    /// The normal permission prompt follows.
    Prompted,
    /// The permission request is decided for.
    Allowed,
    /// The permission request is decided against.
    Denied,
    /// The agent is made to go on.
    Continued,
    /// The turn ends as it was about to.
    Ends,
    /// The whole run ends.
    TurnEnded,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Proceeds => "proceeds",
            Action::Blocked => "blocked",
            Action::InputRewritten => "input-rewritten",
            Action::OutputReplaced => "output-replaced",
            Action::Prompted => "prompted",
            Action::Allowed => "allowed",
            Action::Denied => "denied",
            Action::Continued => "continued",
            Action::Ends => "ends",
            Action::TurnEnded => "turn-ended",
        })
    }
}

/// Who reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// The model, in its next request.
    Model,
    /// The person, on the screen or in the transcript.
    User,
}

/// The kind of an event gives decisions their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Before a step that a hook can stop.
    Gate,
    /// Before a prompt or a request to the model.
    Prompt,
    /// A permission prompt is about to show.
    Request,
    /// A tool has run.
    After,
    /// The agent wants to end.
    Stop,
    /// Session start and the like: a chance to add context.
    Context,
    /// Nothing is decided.
    Observe,
}

/// A moment that several platforms know, each by its own name: what makes events comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before any tool runs.
    BeforeTool,
    /// Before a shell command runs.
    BeforeCommand,
    /// Before a file is changed.
    BeforeWrite,
    /// Before a file is read.
    BeforeRead,
    /// Before a tool of a server (MCP) runs.
    BeforeServerTool,
    /// A permission prompt is about to show.
    Permission,
    /// After a tool has run.
    AfterTool,
    /// A person has sent a prompt.
    Prompt,
    /// A session begins.
    SessionStart,
    /// A session ends.
    SessionEnd,
    /// The agent wants to end its turn.
    Stop,
    /// A subagent begins.
    SubagentStart,
    /// A subagent wants to end.
    SubagentStop,
    /// The conversation is about to be shortened.
    BeforeCompact,
    /// The platform tells the person something.
    Notification,
}

impl Moment {
    /// Whether a tool of any or of some kind is about to run.
    pub(crate) fn is_before_a_tool(self) -> bool {
        use Moment::{BeforeCommand, BeforeRead, BeforeServerTool, BeforeTool, BeforeWrite};
        matches!(self, BeforeTool | BeforeCommand | BeforeWrite | BeforeRead | BeforeServerTool)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Moment::BeforeTool => "before a tool",
            Moment::BeforeCommand => "before a command",
            Moment::BeforeWrite => "before a change of a file",
            Moment::BeforeRead => "before a file is read",
            Moment::BeforeServerTool => "before a tool of a server",
            Moment::Permission => "at a permission prompt",
            Moment::AfterTool => "after a tool",
            Moment::Prompt => "at a prompt",
            Moment::SessionStart => "at the start of a session",
            Moment::SessionEnd => "at the end of a session",
            Moment::Stop => "when the agent stops",
            Moment::SubagentStart => "when a subagent starts",
            Moment::SubagentStop => "when a subagent stops",
            Moment::BeforeCompact => "before compaction",
            Moment::Notification => "at a notification",
        })
    }
}

/// What a hook's answer, or its failure, came down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeName {
    /// No decision.
    Nothing,
    /// Decided for.
    Allow,
    /// Decided against.
    Deny,
    /// The person is to be asked.
    Ask,
    /// Put off.
    Defer,
    /// The step's input was rewritten.
    InputUpdate,
    /// The rewritten input does not fit the step.
    InputMisfit,
    /// The tool's output was replaced.
    OutputUpdate,
    /// Context for the model and nothing else.
    Context,
    /// The hook asked for the whole run to end.
    StopRun,
    /// The hook asked for the whole run to end, and decided against the step.
    StopRunAndDeny,
    /// The hook decided against, and asked that the run be interrupted.
    DenyAndInterrupt,
    /// The hook failed.
    Failed,
}

/// What becomes of the platform's own permission question after an `allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// It is skipped: the step goes on without asking the user.
    Skipped,
    /// It stays: the platform's own rules decide whether the user is asked.
    Kept,
}

/// What an [`OutcomeName`] means at one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// What becomes of the step.
    pub action: Action,
    /// Whether the whole run ends after the step.
    #[serde(default)]
    pub turn_ended: bool,
    /// Who reads the reason of the decision.
    #[serde(default)]
    pub reason: Vec<Reader>,
    /// Whether the model is not asked again, so that no text of this hook reaches it.
    #[serde(default)]
    pub mute: bool,
    /// For `allow`: what becomes of the platform's own permission question; `None` if unknown.
    pub question: Option<Fact<Question>>,
    /// How well this is known, where that differs from the event.
    pub evidence: Option<Evidence>,
    /// What it rests on, where that differs from the event.
    pub source: Option<Vec<String>>,
}

impl Outcome {
    /// This action and nothing else.
    pub fn bare(action: Action) -> Self {
        Outcome {
            action,
            turn_ended: false,
            reason: Vec::new(),
            mute: false,
            question: None,
            evidence: None,
            source: None,
        }
    }

    fn told(action: Action, reason: &[Reader]) -> Self {
        Outcome { reason: reason.to_vec(), ..Outcome::bare(action) }
    }

    /// What `name` means at events of this `kind` unless the contract says otherwise; `None` if it means nothing.
    pub fn of_kind(kind: EventKind, name: OutcomeName) -> Option<Outcome> {
        use Action::{Allowed, Blocked, Continued, Denied, Ends, InputRewritten, Proceeds, Prompted};
        use OutcomeName as N;
        use Reader::{Model, User};
        let outcome = match (kind, name) {
            (EventKind::Request, N::Nothing | N::Failed | N::Ask) => Outcome::bare(Prompted),
            (EventKind::Stop, N::Nothing | N::Failed | N::Allow) => Outcome::bare(Ends),
            (_, N::Nothing | N::Failed) => Outcome::bare(Proceeds),
            (EventKind::Request, N::Allow | N::InputUpdate) => Outcome::bare(Allowed),
            (EventKind::Request, N::Deny) => Outcome::told(Denied, &[Model, User]),
            (EventKind::Stop, N::Deny) => Outcome::told(Continued, &[Model, User]),
            (EventKind::Gate, N::Deny) => Outcome::told(Blocked, &[Model, User]),
            (EventKind::Gate, N::InputMisfit) => Outcome::bare(Blocked),
            (EventKind::Gate, N::Ask) => Outcome::told(Prompted, &[User]),
            (EventKind::Gate, N::InputUpdate) => Outcome::bare(InputRewritten),
            (EventKind::Prompt, N::Deny) => Outcome { mute: true, ..Outcome::told(Blocked, &[User]) },
            (EventKind::After, N::Deny) => Outcome::told(Proceeds, &[Model]),
            (EventKind::After, N::OutputUpdate) => Outcome::bare(Action::OutputReplaced),
            (_, N::Allow) => Outcome::bare(Proceeds),
            _ => return None,
        };
        Some(outcome)
    }
}
