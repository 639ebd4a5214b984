//! Devin CLI: 8 events.
//!
//! Written from the vendor's pages on hooks. Its form is Claude Code's with differences: tools have short lowercase
//! names, a decision stands at the top of the answer, and no payload names a folder, so paths are judged without one.

use serde::{Deserialize, Serialize};

use super::lenient::Raw;
use super::table::{self, Does, Handler, Table, context, decode, refuse, silent};
use super::{PayloadError, prompt_secret};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static DEVIN_CLI: Table = Table { platform: "devin-cli", event_of, events: EVENTS, unjudged };

/// Every event, in the order of the documentation. `Stop` brings no message, so there is nothing to hold the agent
/// back for.
static EVENTS: &[(&str, Handler)] = &[
    ("SessionStart", session_start),
    ("UserPromptSubmit", user_prompt_submit),
    ("PreToolUse", tool_call),
    ("PostToolUse", silent::<FinishedCall>),
    ("PermissionRequest", tool_call),
    ("Stop", silent::<Stop>),
    ("PostCompaction", silent::<Compaction>),
    ("SessionEnd", silent::<SessionEnd>),
];

fn event_of(payload: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        hook_event_name: String,
    }
    serde_json::from_str(payload).ok().map(|named: Named| named.hook_event_name)
}

/// Only the gate is closed: a permission request that gets no answer is put to the person.
fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        Some("PreToolUse") => Intent::BlockingError(table::unjudged(why)),
        _ => Intent::GracefulExit,
    }
}

/// `PreToolUse`, `PermissionRequest`. A name that is there must be text, since it decides which rules apply.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    tool_name: Option<String>,
    tool_input: Raw,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt {
    prompt: Option<String>,
}

/// The fields of events at which nothing is decided: they may be anything.
macro_rules! unread {
    ($($(#[$doc:meta])* $name:ident { $($field:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        #[allow(dead_code, reason = "the type says what the event brings")]
        struct $name { $($field: Raw),* }
    )*};
}

unread! {
    /// `SessionStart`.
    Start { source }
    /// `PostToolUse`.
    FinishedCall { tool_name, tool_input, tool_response }
    /// `Stop`.
    Stop { stop_hook_active }
    /// `PostCompaction`.
    Compaction { summary }
    /// `SessionEnd`.
    SessionEnd { reason }
}

/// A decision against the step.
#[derive(Serialize)]
struct Block<'a> {
    decision: &'static str,
    reason: &'a str,
}

/// Text for the model.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    hook_specific_output: Specific<'a>,
}

#[derive(Serialize)]
#[serde(tag = "hookEventName", rename_all_fields = "camelCase")]
enum Specific<'a> {
    SessionStart { additional_context: &'a str },
    UserPromptSubmit { additional_context: &'a str },
}

fn tool_call(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let call: ToolCall = decode(payload)?;
    let does = match call.tool_name.as_deref() {
        Some("exec") => Does::Run("command"),
        Some("write" | "edit") => Does::Change("file_path"),
        Some("notebook_edit") => Does::Change("notebook_path"),
        Some(_) => Does::Other,
        None => return block(table::UNREADABLE, notes),
    };
    match table::tool_call(does, call.tool_input.as_deref(), None) {
        Some(reason) => block(&reason, notes),
        None => Ok(Intent::GracefulExit),
    }
}

fn block(reason: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    notes.add(format!("devin-cli: {reason}"));
    refuse(&Block { decision: "block", reason }, reason.to_owned())
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let prompt: Prompt = decode(payload)?;
    if let Some(reason) = prompt.prompt.as_deref().and_then(prompt_secret::refusal) {
        return block(&reason, notes);
    }
    let text = guard::notice::for_prompt(None);
    context(&Output { hook_specific_output: Specific::UserPromptSubmit { additional_context: &text } })
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    decode::<Start>(payload)?;
    let text = guard::notice::for_session(None);
    context(&Output { hook_specific_output: Specific::SessionStart { additional_context: &text } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(payload: &Value) -> Intent {
        DEVIN_CLI.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    fn document(intent: &Intent) -> Value {
        match intent {
            Intent::Decision { document, .. } | Intent::ModelContext(document) => {
                serde_json::from_str(document.as_str()).expect("JSON")
            }
            other => panic!("no document: {other:?}"),
        }
    }

    #[rstest]
    #[case("exec", json!({ "command": "rm -rf ~", "shell_id": "main" }), true)]
    #[case("exec", json!({ "command": "cargo test", "shell_id": "main" }), false)]
    #[case("exec", json!("rm -rf /"), true)]
    #[case("write", json!({ "file_path": "/home/dev/.ssh/authorized_keys" }), true)]
    #[case("edit", json!({ "file_path": "/etc/hosts" }), true)]
    #[case("edit", json!({ "file_path": "src/main.rs" }), false)]
    #[case("read", json!({ "file_path": "/etc/hosts" }), false)]
    #[case("mcp__files__write", json!({ "file_path": "/etc/hosts" }), false)]
    fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        for event in ["PreToolUse", "PermissionRequest"] {
            let payload = json!({ "hook_event_name": event, "tool_name": tool, "tool_input": input });
            let intent = answer(&payload);
            if refused {
                let output = document(&intent);
                assert_eq!(output["decision"], "block");
                assert!(output["reason"].as_str().is_some_and(|reason| reason.len() > 40));
                assert_eq!(output.as_object().map(serde_json::Map::len), Some(2));
            } else {
                assert_eq!(intent, Intent::GracefulExit);
            }
        }
    }

    #[test]
    fn context_has_the_shape_of_the_contract() {
        for event in ["SessionStart", "UserPromptSubmit"] {
            let output = document(&answer(&json!({ "hook_event_name": event, "prompt": "hello" })));
            let specific = output["hookSpecificOutput"].as_object().expect("an object");
            assert_eq!(specific.keys().collect::<Vec<_>>(), ["hookEventName", "additionalContext"]);
            assert_eq!(specific["hookEventName"], event);
        }
        let secret = json!({ "hook_event_name": "UserPromptSubmit", "prompt": "key AKIAIOSFODNN7EXAMPLE" });
        let output = document(&answer(&secret));
        assert_eq!(output["decision"], "block");
        assert!(!output.to_string().contains("AKIA"), "the secret is not repeated");
    }

    #[test]
    fn only_the_gate_fails_closed_and_the_rest_is_silent() {
        assert_eq!(DEVIN_CLI.events().len(), 8);
        for event in DEVIN_CLI.events() {
            let intent = DEVIN_CLI.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "PreToolUse", "{event}");
        }
        for event in ["PostToolUse", "Stop", "PostCompaction", "SessionEnd"] {
            assert_eq!(answer(&json!({ "hook_event_name": event })), Intent::GracefulExit);
        }
    }
}
