//! Cline in VS Code: six events.
//!
//! Written from Cline's source. No exit code stops anything, and at any but 0 stdout is not read: the one refusal is
//! `cancel`, which ends the whole run. Context at the start of a task is thrown away, so none is given.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Table};
use super::{PayloadError, cline_tools, prompt_secret};
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static CLINE_VSCODE: Table = Table {
    platform: "cline-vscode",
    event_of,
    events: &[
        ("TaskStart", table::silent::<Task>),
        ("UserPromptSubmit", user_prompt_submit),
        ("PreToolUse", pre_tool_use),
        ("PostToolUse", table::silent::<FinishedCall>),
        ("TaskComplete", table::silent::<Task>),
        ("TaskCancel", table::silent::<Task>),
    ],
    unjudged,
};

/// The fields of every event.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Common {
    cline_version: Text,
    hook_name: Text,
    /// Milliseconds, as text.
    timestamp: Text,
    task_id: Text,
    /// Left out when empty.
    workspace_roots: Lenient<Vec<String>>,
    user_id: Text,
    model: Lenient<Model>,
}

#[derive(Debug, Deserialize)]
struct Model {
    provider: String,
    slug: String,
}

/// `TaskStart`, `TaskComplete`, `TaskCancel`: only one of the three is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Task {
    task_start: Lenient<Metadata>,
    task_complete: Lenient<Metadata>,
    task_cancel: Lenient<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    task_metadata: Lenient<BTreeMap<String, String>>,
}

/// `UserPromptSubmit`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Submitted {
    user_prompt_submit: Prompt,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt {
    prompt: Option<String>,
    attachments: Lenient<Vec<String>>,
}

/// `PreToolUse`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Gate {
    pre_tool_use: ToolCall,
    workspace_roots: Lenient<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToolCall {
    /// What decides which rules apply, so it must be text if it is there; a call without a tool cannot be judged.
    tool_name: Option<String>,
    /// Every value is text; what is no text in the tool's own input is sent as the text of its JSON.
    parameters: Raw,
}

/// `PostToolUse`; a `success` that is missing means a failure, since values that are a default are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FinishedCall {
    post_tool_use: Lenient<Finished>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Finished {
    tool_name: Text,
    parameters: Raw,
    result: Text,
    success: Lenient<bool>,
    execution_time_ms: Raw,
}

/// The only refusal.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancel<'a> {
    pub(super) cancel: bool,
    pub(super) error_message: &'a str,
}

fn event_of(payload: &str) -> Option<String> {
    table::decode::<Common>(payload).ok()?.hook_name.0
}

fn cancelled(event: &str, reason: Option<String>, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = reason else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("cline-vscode/{event}: {reason}"));
    table::refuse(&Cancel { cancel: true, error_message: &reason }, reason.clone())
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let submitted: Submitted = table::decode(payload)?;
    let prompt = submitted.user_prompt_submit.prompt.unwrap_or_default();
    cancelled("UserPromptSubmit", prompt_secret::refusal(&prompt), notes)
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let gate: Gate = table::decode(payload)?;
    let folder = gate.workspace_roots.get().and_then(|roots| roots.first()).map(String::as_str);
    let refusal = match gate.pre_tool_use.tool_name.as_deref() {
        Some(tool) => cline_tools::refusal(tool, gate.pre_tool_use.parameters.as_deref(), folder),
        None => Some(table::UNREADABLE.to_owned()),
    };
    cancelled("PreToolUse", refusal, notes)
}

/// No exit code stops a tool call, so that the refusal is a document here as well.
pub(super) fn unjudged(event: Option<&str>, why: &str) -> Intent {
    if event != Some("PreToolUse") {
        return Intent::GracefulExit;
    }
    let reason = table::unjudged(why);
    table::refuse(&Cancel { cancel: true, error_message: &reason }, reason.clone())
        .unwrap_or(Intent::BlockingError(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(event: &str, mut payload: Value) -> Intent {
        payload["hookName"] = event.into();
        payload["workspaceRoots"] = json!(["/home/dev/project"]);
        CLINE_VSCODE.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    #[rstest]
    #[case("run_commands", json!({ "commands": "[\"rm -rf ~\"]" }), true)]
    #[case("run_commands", json!({ "commands": "[\"cargo test\"]" }), false)]
    #[case("run_commands", json!({ "commands": "[\"rm -rf ..\"]" }), true)]
    #[case("execute_command", json!({ "command": "true; rm -rf /" }), true)]
    #[case("editor", json!({ "path": "/home/dev/.ssh/config" }), true)]
    #[case("read_files", json!({ "files": "[{\"path\":\"/etc/hosts\"}]" }), false)]
    #[case("use_mcp_tool", json!({ "arguments": "{\"command\":\"rm -rf /\"}" }), false)]
    fn tool_calls(#[case] tool: &str, #[case] parameters: Value, #[case] refused: bool) {
        let call = json!({ "preToolUse": { "toolName": tool, "parameters": parameters } });
        match answer("PreToolUse", call) {
            Intent::Decision { document, reason } if refused => {
                assert_eq!(document.as_str(), json!({ "cancel": true, "errorMessage": reason }).to_string());
                assert!(reason.len() > 40);
            }
            Intent::GracefulExit => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_call_without_a_tool_is_refused() {
        assert!(matches!(answer("PreToolUse", json!({})), Intent::Decision { .. }));
        assert!(matches!(answer("PreToolUse", json!({ "preToolUse": {} })), Intent::Decision { .. }));
    }

    #[rstest]
    #[case("use AKIAIOSFODNN7EXAMPLE", true)]
    #[case("", false)]
    fn prompts(#[case] prompt: &str, #[case] refused: bool) {
        let intent = answer("UserPromptSubmit", json!({ "userPromptSubmit": { "prompt": prompt } }));
        match intent {
            Intent::Decision { document, .. } if refused => {
                assert!(document.as_str().starts_with("{\"cancel\":true,") && !document.as_str().contains("AKIA"));
            }
            Intent::GracefulExit => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_gate_fails_closed_by_a_document() {
        for event in CLINE_VSCODE.events() {
            let intent = CLINE_VSCODE.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::Decision { .. }), event == "PreToolUse", "{event}: {intent:?}");
        }
        assert_eq!(CLINE_VSCODE.events().len(), 6);
    }
}
