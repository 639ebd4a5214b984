//! Windsurf Cascade: twelve events in pairs, before and after.
//!
//! Written from the vendor's page. Nothing on stdout is ever read: a hook can stop a step with exit code 2 and a reason on
//! stderr, or watch. After a step there is nothing left to stop, and exit code 2 would only put words before the agent.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::Deserialize;

use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Does, Table};
use super::{PayloadError, prompt_secret};
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static WINDSURF: Table = Table {
    platform: "windsurf",
    event_of,
    events: &[
        ("pre_read_code", table::silent::<Action<Read>>),
        ("post_read_code", table::silent::<Action<Read>>),
        ("pre_write_code", pre_write_code),
        ("post_write_code", table::silent::<Action<Write>>),
        ("pre_run_command", pre_run_command),
        ("post_run_command", table::silent::<Action<Run>>),
        ("pre_mcp_tool_use", table::silent::<Action<McpTool>>),
        ("post_mcp_tool_use", table::silent::<Action<McpTool>>),
        ("pre_user_prompt", pre_user_prompt),
        ("post_cascade_response", table::silent::<Action<Response>>),
        ("post_cascade_response_with_transcript", table::silent::<Action<Transcript>>),
        ("post_setup_worktree", table::silent::<Action<Worktree>>),
    ],
    unjudged,
};

/// A payload; what the event is about stands in `tool_info`.
#[derive(Debug, Deserialize)]
struct Action<T> {
    #[serde(default)]
    agent_action_name: Text,
    #[serde(default)]
    trajectory_id: Text,
    #[serde(default)]
    execution_id: Text,
    #[serde(default)]
    timestamp: Text,
    #[serde(default)]
    model_name: Text,
    #[serde(default = "nothing")]
    tool_info: Lenient<T>,
}

fn nothing<T>() -> Lenient<T> {
    Lenient(None)
}

/// A payload at a gate, where the whole of `tool_info` is judged as it came.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Gate {
    tool_info: Raw,
}

/// `pre_read_code`, `post_read_code`; the path may be a folder.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Read {
    file_path: Text,
}

/// `pre_write_code`, `post_write_code`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Write {
    file_path: Text,
    edits: Lenient<Vec<Edit>>,
}

#[derive(Debug, Deserialize)]
struct Edit {
    old_string: String,
    new_string: String,
}

/// `pre_run_command`, `post_run_command`; the only payloads with a folder.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Run {
    command_line: Text,
    cwd: Text,
}

/// `pre_mcp_tool_use`, `post_mcp_tool_use`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct McpTool {
    mcp_server_name: Text,
    mcp_tool_name: Text,
    mcp_tool_arguments: Raw,
    mcp_result: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    response: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Transcript {
    transcript_path: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Worktree {
    worktree_path: Text,
    root_workspace_path: Text,
}

/// `pre_user_prompt`: the prompt must be text if it is there, because it is what is judged.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Submitted {
    tool_info: Prompt,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt {
    user_prompt: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    agent_action_name: Text,
}

fn event_of(payload: &str) -> Option<String> {
    table::decode::<Named>(payload).ok()?.agent_action_name.0
}

fn stopped(event: &str, reason: Option<String>, notes: &mut Notes) -> Intent {
    let Some(reason) = reason else {
        return Intent::GracefulExit;
    };
    notes.add(format!("windsurf/{event}: {reason}"));
    Intent::BlockingError(reason)
}

/// What is judged is in `tool_info`; a gate without it is a gate that cannot see.
fn judged(payload: &str, does: Does<'_>) -> Result<Option<String>, PayloadError> {
    let gate: Gate = table::decode(payload)?;
    let Some(info) = gate.tool_info.as_deref() else {
        return Ok(Some(table::UNREADABLE.to_owned()));
    };
    let folder = serde_json::from_str::<Run>(info.get()).ok().and_then(|run| run.cwd.0);
    Ok(table::tool_call(does, Some(info), folder.as_deref()))
}

fn pre_run_command(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    Ok(stopped("pre_run_command", judged(payload, Does::Run("command_line"))?, notes))
}

fn pre_write_code(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    Ok(stopped("pre_write_code", judged(payload, Does::Change("file_path"))?, notes))
}

fn pre_user_prompt(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let submitted: Submitted = table::decode(payload)?;
    let prompt = submitted.tool_info.user_prompt.unwrap_or_default();
    Ok(stopped("pre_user_prompt", prompt_secret::refusal(&prompt), notes))
}

/// Every gate of a tool fails closed; a prompt that cannot be read is the person's own and goes on.
fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        Some("pre_read_code" | "pre_write_code" | "pre_run_command" | "pre_mcp_tool_use") => {
            Intent::BlockingError(table::unjudged(why))
        }
        _ => Intent::GracefulExit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(event: &str, info: &Value) -> Intent {
        let payload = json!({ "agent_action_name": event, "trajectory_id": "t", "tool_info": info });
        WINDSURF.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    #[rstest]
    #[case("pre_run_command", json!({ "command_line": "rm -rf ~", "cwd": "/home/dev/project" }), true)]
    #[case("pre_run_command", json!({ "command_line": "true && rm -rf /" }), true)]
    #[case("pre_run_command", json!({ "command_line": "rm -rf ..", "cwd": "/home/dev/project" }), true)]
    #[case("pre_run_command", json!({ "command_line": "ls", "cwd": "/home/dev/project" }), false)]
    #[case("pre_run_command", json!({ "command_line": ["rm"] }), true)]
    #[case("pre_run_command", json!(7), true)]
    #[case("pre_run_command", json!({ "command": "rm -rf /" }), false)]
    #[case("post_run_command", json!({ "command_line": "rm -rf ~" }), false)]
    #[case("pre_write_code", json!({ "file_path": "/home/dev/.ssh/config", "edits": [] }), true)]
    #[case("pre_write_code", json!({ "file_path": "/home/dev/project/a", "edits": [] }), false)]
    #[case("post_write_code", json!({ "file_path": "/etc/hosts", "edits": [] }), false)]
    #[case("pre_read_code", json!({ "file_path": "/etc/hosts" }), false)]
    #[case("pre_mcp_tool_use", json!({ "mcp_server_name": "s", "mcp_tool_arguments": { "a": "rm -rf /" } }), false)]
    #[case("pre_user_prompt", json!({ "user_prompt": "use AKIAIOSFODNN7EXAMPLE" }), true)]
    #[case("pre_user_prompt", json!({ "user_prompt": "run the tests" }), false)]
    #[case("post_cascade_response", json!({ "response": "TODO(before-stop): test" }), false)]
    #[case("pre_dream", json!({ "command_line": "rm -rf /" }), false)]
    fn steps(#[case] event: &str, #[case] info: Value, #[case] refused: bool) {
        match answer(event, &info) {
            Intent::BlockingError(reason) => assert!(refused && reason.len() > 40 && !reason.contains("AKIA")),
            Intent::GracefulExit => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_gate_without_its_subject_is_closed() {
        for event in ["pre_run_command", "pre_write_code"] {
            let intent = WINDSURF.answer(Some(event), "{}", &mut Notes::default()).expect("an answer");
            assert_eq!(intent, Intent::BlockingError(table::UNREADABLE.to_owned()));
        }
    }

    #[test]
    fn only_gates_of_tools_fail_closed() {
        for event in WINDSURF.events() {
            let closed = event.starts_with("pre_") && event != "pre_user_prompt";
            let intent = WINDSURF.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), closed, "{event}");
        }
        assert_eq!(WINDSURF.events().len(), 12);
    }
}
