//! Kiro IDE 1.x and Kiro CLI v3: eleven triggers in PascalCase.
//!
//! Written from live probes of the IDE that others have published and from Kiro's page. Stdout is plain text, which the
//! model reads at `SessionStart` and `UserPromptSubmit`. Exit code 2 stops a tool call, a prompt or a task only if stderr
//! says why; a reason on stdout stops nothing.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::Deserialize;

use super::lenient::{Raw, Text};
use super::table::{self, Does, Table};
use super::{PayloadError, prompt_secret};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static KIRO_V3: Table = Table {
    platform: "kiro-v3",
    event_of,
    events: &[
        ("SessionStart", session_start),
        ("UserPromptSubmit", user_prompt_submit),
        ("PreToolUse", pre_tool_use),
        ("PostToolUse", table::silent::<FinishedCall>),
        ("PreTaskExec", table::silent::<Moment>),
        ("PostTaskExec", table::silent::<Moment>),
        ("Stop", table::silent::<Moment>),
        ("PostFileCreate", table::silent::<Moment>),
        ("PostFileSave", table::silent::<Moment>),
        ("PostFileDelete", table::silent::<Moment>),
        ("Manual", table::silent::<Moment>),
    ],
    unjudged,
};

/// The fields of every event; most have no others that are known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Moment {
    session_id: Text,
    hook_event_name: Text,
    cwd: Text,
}

/// `UserPromptSubmit`; one release sent an empty prompt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Submitted {
    session_id: Text,
    hook_event_name: Text,
    cwd: Text,
    prompt: Option<String>,
}

/// `PreToolUse`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    session_id: Text,
    hook_event_name: Text,
    cwd: Text,
    /// What decides which rules apply, so it must be text if it is there; a call without a tool cannot be judged.
    tool_name: Option<String>,
    tool_input: Raw,
}

/// `PostToolUse`: the input is often empty, and the response is prose.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FinishedCall {
    session_id: Text,
    hook_event_name: Text,
    cwd: Text,
    tool_name: Text,
    tool_input: Raw,
    tool_response: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    hook_event_name: Text,
}

fn event_of(payload: &str) -> Option<String> {
    table::decode::<Named>(payload).ok()?.hook_event_name.0
}

/// The argument that the guard looks at.
fn does(tool: &str) -> Does<'static> {
    match tool {
        "execute_bash" | "execute_pwsh" | "shell" => Does::Run("command"),
        "fs_write" | "fs_append" | "str_replace" | "write" => Does::Change("path"),
        _ => Does::Other,
    }
}

fn stopped(event: &str, reason: String, notes: &mut Notes) -> Intent {
    notes.add(format!("kiro-v3/{event}: {reason}"));
    Intent::BlockingError(reason)
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let moment: Moment = table::decode(payload)?;
    Ok(Intent::ResultLine(guard::notice::for_session(moment.cwd.0.as_deref())))
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let submitted: Submitted = table::decode(payload)?;
    Ok(match submitted.prompt.as_deref().and_then(prompt_secret::refusal) {
        Some(reason) => stopped("UserPromptSubmit", reason, notes),
        None => Intent::ResultLine(guard::notice::for_prompt(submitted.cwd.0.as_deref())),
    })
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let call: ToolCall = table::decode(payload)?;
    let refusal = match call.tool_name.as_deref() {
        Some(tool) => table::tool_call(does(tool), call.tool_input.as_deref(), call.cwd.0.as_deref()),
        None => Some(table::UNREADABLE.to_owned()),
    };
    Ok(refusal.map_or(Intent::GracefulExit, |reason| stopped("PreToolUse", reason, notes)))
}

/// Nothing that `PreTaskExec` brings is ever judged, so that nothing is lost where it cannot be read.
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
        KIRO_V3.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    #[rstest]
    #[case("execute_bash", json!({ "command": "rm -rf ~" }), true)]
    #[case("execute_pwsh", json!({ "command": "true; rm -rf /" }), true)]
    #[case("execute_bash", json!({ "command": "ls", "run_in_background": false }), false)]
    #[case("execute_bash", json!({}), false)]
    #[case("execute_bash", json!([]), true)]
    #[case("fs_write", json!({ "path": "/home/dev/.ssh/config", "text": "" }), true)]
    #[case("fs_append", json!({ "path": "../../../etc/hosts", "text": "" }), true)]
    #[case("str_replace", json!({ "path": "src/a.rs" }), false)]
    #[case("fs_read", json!({ "path": "/etc/hosts" }), false)]
    #[case("mcp_files_write", json!({ "path": "/etc/hosts", "command": "rm -rf /" }), false)]
    fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        let intent = answer(&json!({
            "session_id": "s", "hook_event_name": "PreToolUse", "cwd": "/home/dev/project", "tool_name": tool,
            "tool_input": input
        }));
        match intent {
            Intent::BlockingError(reason) => assert!(refused && reason.len() > 40),
            Intent::GracefulExit => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("", false)]
    #[case("hello", false)]
    #[case("use AKIAIOSFODNN7EXAMPLE", true)]
    fn prompts(#[case] prompt: &str, #[case] refused: bool) {
        let intent =
            answer(&json!({ "hook_event_name": "UserPromptSubmit", "cwd": "/home/dev/project", "prompt": prompt }));
        match intent {
            Intent::BlockingError(reason) => assert!(refused && !reason.contains("AKIA")),
            Intent::ResultLine(line) => assert!(!refused && line.starts_with("Project: \"project\". ")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_session_is_told_in_plain_text() {
        let intent = answer(&json!({ "hook_event_name": "SessionStart", "cwd": "/home/dev/project" }));
        let Intent::ResultLine(line) = intent else { panic!("{intent:?}") };
        assert!(line.starts_with("Project: \"project\". A guard watches"));
    }

    #[test]
    fn only_the_gate_of_tools_fails_closed() {
        for event in KIRO_V3.events() {
            let intent = KIRO_V3.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "PreToolUse", "{event}");
        }
        assert_eq!(KIRO_V3.events().len(), 11);
    }
}
