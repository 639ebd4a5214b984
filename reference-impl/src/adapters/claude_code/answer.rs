//! What may be answered, as types: an event can only say what its contract lets it say.

use serde::Serialize;

use crate::io::{Document, EmitError, Intent};

/// A typed answer that knows how it is told to the host.
pub(super) trait Answer {
    /// The intent that carries the answer.
    ///
    /// # Errors
    ///
    /// Returns an [`EmitError`] if the answer has no JSON form.
    fn into_intent(self) -> Result<Intent, EmitError>;
}

/// The answer of events where the reference hook has nothing to say, or nothing would be heard.
pub(super) struct Silence;

impl Answer for Silence {
    fn into_intent(self) -> Result<Intent, EmitError> {
        Ok(Intent::GracefulExit)
    }
}

/// `PreToolUse`: refuse the call, or have no opinion. There is no `allow`: it would override the person's settings.
pub(super) enum ToolCall {
    NoOpinion,
    Deny(String),
}

/// `PermissionRequest`: decide against, or leave it to the person.
pub(super) enum Permission {
    NoOpinion,
    Deny(String),
}

/// The events whose stop is a top-level `decision` of `block`: prompts, stops, tasks.
pub(super) enum Block {
    NoOpinion,
    Because(String),
}

/// `UserPromptSubmit`: stop the prompt, or go on with more context.
pub(super) enum Prompt {
    Context(String),
    Block(String),
}

/// `SessionStart`.
pub(super) struct SessionContext(pub(super) String);

/// `SubagentStart`.
pub(super) struct SubagentContext(pub(super) String);

/// Events that can show a line to the person and nothing more.
pub(super) enum Hint {
    Nothing,
    Text(String),
}

/// `WorktreeCreate`: the path as the last line of stdout, or a failure.
pub(super) enum Worktree {
    At(String),
    Failed(String),
}

/// `WorktreeRemove`: done (or nothing of ours to do), or a failure.
pub(super) enum Removal {
    Done,
    Failed(String),
}

/// The document on stdout. Only the fields that this hook uses.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook_specific_output: Option<Specific<'a>>,
}

/// `hookSpecificOutput`; the tag makes it impossible to forget or to misspell the event's name.
#[derive(Serialize)]
#[serde(tag = "hookEventName", rename_all_fields = "camelCase")]
enum Specific<'a> {
    PreToolUse { permission_decision: &'static str, permission_decision_reason: &'a str },
    PermissionRequest { decision: PermissionDecision<'a> },
    UserPromptSubmit { additional_context: &'a str },
    SessionStart { additional_context: &'a str },
    SubagentStart { additional_context: &'a str },
}

#[derive(Serialize)]
struct PermissionDecision<'a> {
    behavior: &'static str,
    message: &'a str,
}

fn specific(output: Specific<'_>) -> Result<Document, EmitError> {
    Document::new(&Output { hook_specific_output: Some(output), ..Output::default() })
}

fn block(reason: String) -> Result<Intent, EmitError> {
    let document = Document::new(&Output { decision: Some("block"), reason: Some(&reason), ..Output::default() })?;
    Ok(Intent::Decision { document, reason })
}

impl Answer for ToolCall {
    fn into_intent(self) -> Result<Intent, EmitError> {
        let Self::Deny(reason) = self else {
            return Ok(Intent::GracefulExit);
        };
        let document =
            specific(Specific::PreToolUse { permission_decision: "deny", permission_decision_reason: &reason })?;
        Ok(Intent::Decision { document, reason })
    }
}

impl Answer for Permission {
    fn into_intent(self) -> Result<Intent, EmitError> {
        let Self::Deny(reason) = self else {
            return Ok(Intent::GracefulExit);
        };
        let document = specific(Specific::PermissionRequest {
            decision: PermissionDecision { behavior: "deny", message: &reason },
        })?;
        Ok(Intent::Decision { document, reason })
    }
}

impl Answer for Block {
    fn into_intent(self) -> Result<Intent, EmitError> {
        match self {
            Self::NoOpinion => Ok(Intent::GracefulExit),
            Self::Because(reason) => block(reason),
        }
    }
}

impl Answer for Prompt {
    fn into_intent(self) -> Result<Intent, EmitError> {
        match self {
            Self::Block(reason) => block(reason),
            Self::Context(text) => {
                Ok(Intent::ModelContext(specific(Specific::UserPromptSubmit { additional_context: &text })?))
            }
        }
    }
}

impl Answer for SessionContext {
    fn into_intent(self) -> Result<Intent, EmitError> {
        Ok(Intent::ModelContext(specific(Specific::SessionStart { additional_context: &self.0 })?))
    }
}

impl Answer for SubagentContext {
    fn into_intent(self) -> Result<Intent, EmitError> {
        Ok(Intent::ModelContext(specific(Specific::SubagentStart { additional_context: &self.0 })?))
    }
}

impl Answer for Hint {
    fn into_intent(self) -> Result<Intent, EmitError> {
        match self {
            Self::Nothing => Ok(Intent::GracefulExit),
            Self::Text(text) => {
                Ok(Intent::UserHint(Document::new(&Output { system_message: Some(&text), ..Output::default() })?))
            }
        }
    }
}

impl Answer for Worktree {
    fn into_intent(self) -> Result<Intent, EmitError> {
        Ok(match self {
            Self::At(path) => Intent::ResultLine(path),
            Self::Failed(why) => Intent::Failure(why),
        })
    }
}

impl Answer for Removal {
    fn into_intent(self) -> Result<Intent, EmitError> {
        Ok(match self {
            Self::Done => Intent::GracefulExit,
            Self::Failed(why) => Intent::Failure(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: impl Answer) -> String {
        match answer.into_intent().expect("an intent") {
            Intent::Decision { document, .. } | Intent::ModelContext(document) | Intent::UserHint(document) => {
                document.as_str().to_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn documents_have_the_shape_of_the_contract() {
        assert_eq!(
            text(ToolCall::Deny("r".into())),
            r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"r"}}"#
        );
        assert_eq!(
            text(Permission::Deny("r".into())),
            r#"{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"deny","message":"r"}}}"#
        );
        assert_eq!(text(Block::Because("r".into())), r#"{"decision":"block","reason":"r"}"#);
        assert_eq!(text(Prompt::Block("r".into())), r#"{"decision":"block","reason":"r"}"#);
        assert_eq!(
            text(Prompt::Context("c".into())),
            r#"{"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"c"}}"#
        );
        assert_eq!(
            text(SessionContext("c".into())),
            r#"{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"c"}}"#
        );
        assert_eq!(
            text(SubagentContext("c".into())),
            r#"{"hookSpecificOutput":{"hookEventName":"SubagentStart","additionalContext":"c"}}"#
        );
        assert_eq!(text(Hint::Text("h".into())), r#"{"systemMessage":"h"}"#);
    }
}
