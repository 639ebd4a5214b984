//! Augment: five events. Only `PreToolUse` can stop a call, and `Stop` can hold the agent back.
//!
//! Written from the vendor's page. A call is refused by exit code 2 with the reason on stderr, which both the agent and the
//! person read; `allow` and `ask` do not exist. `Stop` says nothing of an earlier hook that held the agent back, so to
//! hold it back could be for ever: the hook stays silent there.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::Deserialize;
use serde_json::value::RawValue;

use super::PayloadError;
use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Does, Table, UNREADABLE};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static AUGMENT: Table = Table {
    platform: "augment",
    event_of,
    events: &[
        ("PreToolUse", pre_tool_use),
        ("PostToolUse", table::silent::<ToolCall>),
        ("Stop", table::silent::<Stop>),
        ("SessionStart", session_start),
        ("SessionEnd", table::silent::<Common>),
    ],
    unjudged,
};

/// The fields of every event; none is a working folder.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Common {
    hook_event_name: Text,
    conversation_id: Text,
    workspace_roots: Lenient<Vec<String>>,
}

/// `PreToolUse`, `PostToolUse`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    /// What decides which rules apply, so it must be text if it is there.
    tool_name: Option<String>,
    tool_input: Raw,
    is_mcp_tool: Lenient<bool>,
    tool_output: Text,
    tool_error: Text,
    file_changes: Lenient<Vec<FileChange>>,
    workspace_roots: Lenient<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileChange {
    path: String,
    change_type: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stop {
    agent_stop_cause: Text,
    conversation: Lenient<Conversation>,
}

/// Sent only where the hook's entry asks for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    #[serde(default)]
    user_prompt: Text,
    #[serde(default)]
    agent_text_response: Text,
}

fn event_of(payload: &str) -> Option<String> {
    serde_json::from_str::<Common>(payload).ok()?.hook_event_name.0
}

fn root(roots: &Lenient<Vec<String>>) -> Option<&str> {
    roots.get()?.first().map(String::as_str)
}

/// Why a call is refused, or `None` where the guard has no opinion.
fn refusal(call: &ToolCall) -> Option<String> {
    let Some(tool) = call.tool_name.as_deref() else {
        return Some(UNREADABLE.to_owned());
    };
    // A tool of an MCP server may have any name.
    if call.is_mcp_tool.0 == Some(true) {
        return None;
    }
    let folder = root(&call.workspace_roots);
    let input = call.tool_input.as_deref();
    match tool {
        "launch-process" => {
            let own = input.and_then(own_folder);
            table::tool_call(Does::Run("command"), input, own.as_deref().or(folder))
        }
        "save-file" | "str-replace-editor" => table::tool_call(Does::Change("path"), input, folder),
        "remove-files" => removal(input?, folder),
        _ => None,
    }
}

/// The folder that a command asks to run in, if it is a whole path.
fn own_folder(input: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Arguments {
        #[serde(default)]
        cwd: Text,
    }
    serde_json::from_str::<Arguments>(input.get())
        .ok()?
        .cwd
        .0
        .filter(|cwd| cwd.starts_with(['/', '\\']) || cwd.as_bytes().get(1) == Some(&b':'))
}

/// Judges every file that is to be removed.
fn removal(input: &RawValue, folder: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    struct Arguments {
        #[serde(default)]
        file_paths: Option<Vec<String>>,
    }
    match serde_json::from_str::<Arguments>(input.get()) {
        Ok(arguments) => arguments.file_paths?.iter().find_map(|path| table::file(path, folder)),
        Err(_) => Some(UNREADABLE.to_owned()),
    }
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal(&table::decode(payload)?) else { return Ok(Intent::GracefulExit) };
    notes.add(format!("augment/PreToolUse: {reason}"));
    Ok(Intent::BlockingError(reason))
}

/// Plain text reaches the agent here, and only here.
fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let common: Common = table::decode(payload)?;
    Ok(Intent::ResultLine(guard::notice::for_session(root(&common.workspace_roots))))
}

fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        Some("PreToolUse") => Intent::BlockingError(table::unjudged(why)),
        _ => Intent::GracefulExit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(payload: &Value) -> Intent {
        AUGMENT.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    fn call(tool: &str, input: &Value) -> Value {
        json!({
            "hook_event_name": "PreToolUse", "conversation_id": "c", "workspace_roots": ["/home/dev/project"],
            "tool_name": tool, "tool_input": input
        })
    }

    #[rstest]
    #[case("launch-process", json!({ "command": "rm -rf ~", "cwd": "/home/dev/project" }), true)]
    #[case("launch-process", json!({ "command": "make && rm -rf /" }), true)]
    #[case("launch-process", json!({ "command": "rm -rf *", "cwd": "/" }), true)]
    #[case("launch-process", json!({ "command": "rm -rf *", "cwd": "/home/dev/project/build" }), false)]
    #[case("launch-process", json!({ "command": "npm test", "wait": true, "max_wait_seconds": 60 }), false)]
    #[case("launch-process", json!({ "command": 7 }), true)]
    #[case("save-file", json!({ "path": "/home/dev/.ssh/authorized_keys", "file_content": "" }), true)]
    #[case("save-file", json!({ "path": "docs/a.md" }), false)]
    #[case("str-replace-editor", json!({ "command": "str_replace", "path": "/etc/hosts" }), true)]
    #[case("remove-files", json!({ "file_paths": ["a", "/etc/hosts"] }), true)]
    #[case("remove-files", json!({ "file_paths": ["a"] }), false)]
    #[case("remove-files", json!({ "file_paths": "a" }), true)]
    #[case("view", json!({ "path": "/etc/hosts" }), false)]
    #[case("Bash", json!({ "command": "rm -rf /" }), false)]
    fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        match answer(&call(tool, &input)) {
            Intent::BlockingError(reason) => assert!(refused && reason.len() > 40, "{reason}"),
            Intent::GracefulExit => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_has_no_tool_is_refused_and_a_servers_tool_is_not_judged() {
        assert!(matches!(answer(&json!({ "hook_event_name": "PreToolUse" })), Intent::BlockingError(_)));
        let mut payload = call("launch-process", &json!({ "command": "rm -rf /" }));
        payload["is_mcp_tool"] = true.into();
        assert_eq!(answer(&payload), Intent::GracefulExit);
    }

    #[test]
    fn a_session_is_told_in_plain_text() {
        let intent = answer(&json!({ "hook_event_name": "SessionStart", "workspace_roots": ["/home/dev/project"] }));
        assert!(matches!(intent, Intent::ResultLine(text) if text.starts_with("Project: \"project\". ")));
    }

    #[rstest]
    #[case("Stop")]
    #[case("SessionEnd")]
    #[case("PostToolUse")]
    #[case("Notification")]
    fn elsewhere_nothing_is_said(#[case] event: &str) {
        let payload = json!({
            "hook_event_name": event, "conversation": { "agentTextResponse": "TODO(before-stop): run the tests" }
        });
        assert_eq!(answer(&payload), Intent::GracefulExit);
    }

    #[test]
    fn only_the_gate_fails_closed() {
        for event in AUGMENT.events() {
            let intent = AUGMENT.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "PreToolUse", "{event}");
        }
        assert_eq!(AUGMENT.events().len(), 5);
    }
}
