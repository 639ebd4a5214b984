//! Cline on the command line, and other programs made with its SDK: nine events.
//!
//! Written from Cline's source. A hook is registered by the name of its file (`PreToolUse`), and told another name on stdin
//! (`tool_call`). Only the two tool events are waited for; the others are started and forgotten. The exit code is never
//! looked at: `cancel` is the one refusal.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::Deserialize;

use super::cline_vscode::{Cancel, unjudged};
use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Table};
use super::{PayloadError, cline_tools};
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static CLINE_SDK: Table = Table {
    platform: "cline-sdk",
    event_of,
    events: &[
        ("TaskStart", table::silent::<Run>),
        ("TaskResume", table::silent::<Run>),
        ("TaskCancel", table::silent::<Run>),
        ("TaskComplete", table::silent::<Run>),
        ("TaskError", table::silent::<Failed>),
        ("PreToolUse", pre_tool_use),
        ("PostToolUse", table::silent::<FinishedCall>),
        ("UserPromptSubmit", table::silent::<Submitted>),
        ("SessionShutdown", table::silent::<Run>),
    ],
    unjudged,
};

/// The names on stdin, and the events that they stand for.
const WIRE_NAMES: [(&str, &str); 9] = [
    ("agent_start", "TaskStart"),
    ("agent_resume", "TaskResume"),
    ("agent_abort", "TaskCancel"),
    ("agent_end", "TaskComplete"),
    ("agent_error", "TaskError"),
    ("tool_call", "PreToolUse"),
    ("tool_result", "PostToolUse"),
    ("prompt_submit", "UserPromptSubmit"),
    ("session_shutdown", "SessionShutdown"),
];

/// The fields of every event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Common {
    #[serde(rename = "clineVersion")]
    cline_version: Text,
    #[serde(rename = "hookName")]
    hook_name: Text,
    timestamp: Text,
    #[serde(rename = "taskId")]
    task_id: Text,
    #[serde(rename = "sessionContext")]
    session_context: Raw,
    #[serde(rename = "workspaceRoots")]
    workspace_roots: Lenient<Vec<String>>,
    #[serde(rename = "workspaceInfo")]
    workspace_info: Raw,
    #[serde(rename = "userId")]
    user_id: Text,
    agent_id: Text,
    parent_agent_id: Text,
}

/// The beginnings and ends of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Run {
    reason: Text,
    iteration: Lenient<f64>,
    turn: Raw,
    #[serde(rename = "taskStart")]
    task_start: Raw,
    #[serde(rename = "taskResume")]
    task_resume: Raw,
    #[serde(rename = "taskCancel")]
    task_cancel: Raw,
    #[serde(rename = "taskComplete")]
    task_complete: Raw,
}

/// `TaskError`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failed {
    iteration: Lenient<f64>,
    error: Lenient<Failure>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    name: String,
    message: String,
    stack: Option<String>,
}

/// `PreToolUse`. `preToolUse` tells the same call with every value as text, and is not needed beside `tool_call`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Gate {
    iteration: Lenient<f64>,
    tool_call: ToolCall,
    #[serde(rename = "preToolUse")]
    twin: Raw,
    #[serde(rename = "workspaceRoots")]
    workspace_roots: Lenient<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    id: Text,
    /// What decides which rules apply, so it must be text if it is there; a call without a tool cannot be judged.
    name: Option<String>,
    input: Raw,
}

/// `PostToolUse`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FinishedCall {
    iteration: Lenient<f64>,
    tool_result: Raw,
    #[serde(rename = "postToolUse")]
    twin: Raw,
}

/// `UserPromptSubmit`: nothing that a hook says here is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Submitted {
    #[serde(rename = "userPromptSubmit")]
    user_prompt_submit: Raw,
}

fn event_of(payload: &str) -> Option<String> {
    let name = table::decode::<Common>(payload).ok()?.hook_name.0?;
    let event = WIRE_NAMES.iter().find(|(wire, _)| *wire == name).map(|(_, event)| (*event).to_owned());
    Some(event.unwrap_or(name))
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let gate: Gate = table::decode(payload)?;
    let folder = gate.workspace_roots.get().and_then(|roots| roots.first()).map(String::as_str);
    let refusal = match gate.tool_call.name.as_deref() {
        Some(tool) => cline_tools::refusal(tool, gate.tool_call.input.as_deref(), folder),
        None => Some(table::UNREADABLE.to_owned()),
    };
    let Some(reason) = refusal else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("cline-sdk/PreToolUse: {reason}"));
    table::refuse(&Cancel { cancel: true, error_message: &reason }, reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(payload: &Value) -> Intent {
        CLINE_SDK.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    #[rstest]
    #[case("run_commands", json!({ "commands": ["ls", "rm -rf ~"] }), true)]
    #[case("run_commands", json!({ "commands": [{ "command": "rm", "args": ["-rf", "/"] }] }), true)]
    #[case("run_commands", json!({ "commands": ["cargo test"] }), false)]
    #[case("editor", json!({ "path": "/etc/hosts", "new_text": "" }), true)]
    #[case("search_codebase", json!({ "queries": ["rm -rf /"] }), false)]
    fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        let intent = answer(&json!({
            "hookName": "tool_call", "workspaceRoots": ["/home/dev/project"],
            "tool_call": { "id": "c", "name": tool, "input": input }
        }));
        match intent {
            Intent::Decision { document, reason } if refused => {
                assert_eq!(document.as_str(), json!({ "cancel": true, "errorMessage": reason }).to_string());
            }
            Intent::GracefulExit => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_call_without_a_tool_is_refused() {
        assert!(matches!(answer(&json!({ "hookName": "tool_call" })), Intent::Decision { .. }));
    }

    #[test]
    fn every_event_has_a_name_on_stdin() {
        for event in CLINE_SDK.events() {
            let (wire, _) = WIRE_NAMES.iter().find(|(_, name)| *name == event).expect("a name");
            let payload = json!({ "hookName": wire }).to_string();
            assert_eq!(event_of(&payload).as_deref(), Some(event));
        }
        assert_eq!(event_of(r#"{"hookName":"agent_dream"}"#).as_deref(), Some("agent_dream"));
        assert_eq!(answer(&json!({ "hookName": "agent_dream" })), Intent::GracefulExit);
    }

    #[test]
    fn what_is_forgotten_is_not_answered() {
        let prompt = json!({ "hookName": "prompt_submit", "userPromptSubmit": { "prompt": "AKIAIOSFODNN7EXAMPLE" } });
        assert_eq!(answer(&prompt), Intent::GracefulExit);
        for event in CLINE_SDK.events() {
            let intent = CLINE_SDK.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::Decision { .. }), event == "PreToolUse", "{event}");
        }
    }
}
