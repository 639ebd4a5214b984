//! Copilot in VS Code: eight events. Payloads have Claude Code's common fields and VS Code's own tools; matchers are not
//! applied, so the hook sees every call.
//!
//! Written from the published source of the extension, 0.42.0. The decision of `Stop` and `SubagentStop` is read only in
//! `hookSpecificOutput`, but neither brings a message that could say that work is unfinished.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Does, Table, UNREADABLE};
use super::{PayloadError, prompt_secret};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static VSCODE_COPILOT: Table = Table {
    platform: "vscode-copilot",
    event_of,
    events: &[
        ("SessionStart", session_start),
        ("UserPromptSubmit", user_prompt_submit),
        ("PreToolUse", pre_tool_use),
        ("PostToolUse", table::silent::<ToolCall>),
        ("PreCompact", table::silent::<Common>),
        ("SubagentStart", subagent_start),
        ("SubagentStop", table::silent::<Stop>),
        ("Stop", table::silent::<Stop>),
    ],
    unjudged,
};

/// The fields of every event. The extension sends `hook_event_name`; its documentation says `hookEventName`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Common {
    timestamp: Text,
    hook_event_name: Text,
    #[serde(rename = "hookEventName")]
    documented_event_name: Text,
    session_id: Text,
    transcript_path: Text,
    cwd: Text,
}

/// `PreToolUse`, `PostToolUse`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    /// What decides which rules apply, so it must be text if it is there.
    tool_name: Option<String>,
    tool_input: Raw,
    tool_use_id: Text,
    tool_response: Raw,
    cwd: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompt {
    prompt: Option<String>,
    cwd: Text,
}

/// `SubagentStop`, `Stop`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stop {
    stop_hook_active: Lenient<bool>,
    agent_id: Text,
    agent_type: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    hook_specific_output: Specific<'a>,
}

#[derive(Serialize)]
#[serde(tag = "hookEventName", rename_all_fields = "camelCase")]
enum Specific<'a> {
    PreToolUse { permission_decision: &'static str, permission_decision_reason: &'a str },
    UserPromptSubmit { additional_context: &'a str },
    SessionStart { additional_context: &'a str },
    SubagentStart { additional_context: &'a str },
}

#[derive(Serialize)]
struct Block<'a> {
    decision: &'static str,
    reason: &'a str,
}

fn event_of(payload: &str) -> Option<String> {
    let common: Common = serde_json::from_str(payload).ok()?;
    common.hook_event_name.0.or(common.documented_event_name.0)
}

/// Why a call is refused, or `None` where the guard has no opinion.
fn refusal(call: &ToolCall) -> Option<String> {
    let folder = call.cwd.get().map(String::as_str);
    let input = call.tool_input.as_deref();
    let does = match call.tool_name.as_deref() {
        Some("run_in_terminal") => Does::Run("command"),
        Some("create_file" | "replace_string_in_file" | "insert_edit_into_file" | "edit_notebook_file") => {
            Does::Change("filePath")
        }
        Some("multi_replace_string_in_file") => return replacements(input?, folder),
        Some("apply_patch") => return patch(input?, folder),
        Some(_) => Does::Other,
        None => return Some(UNREADABLE.to_owned()),
    };
    table::tool_call(does, input, folder)
}

/// Judges the file of every replacement.
fn replacements(input: &RawValue, folder: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    struct Arguments {
        #[serde(default)]
        replacements: Option<Vec<Replacement>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Replacement {
        #[serde(default)]
        file_path: Option<String>,
    }
    match serde_json::from_str::<Arguments>(input.get()) {
        Ok(arguments) => arguments
            .replacements?
            .iter()
            .filter_map(|replacement| replacement.file_path.as_deref())
            .find_map(|path| table::file(path, folder)),
        Err(_) => Some(UNREADABLE.to_owned()),
    }
}

/// Judges every file that a patch names: its lines `*** Add File: ...`, and so on.
fn patch(input: &RawValue, folder: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    struct Arguments {
        #[serde(default)]
        input: Option<String>,
    }
    const HEADS: &[&str] = &["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"];
    let Ok(arguments) = serde_json::from_str::<Arguments>(input.get()) else {
        return Some(UNREADABLE.to_owned());
    };
    arguments.input?.lines().find_map(|line| {
        let path = HEADS.iter().find_map(|head| line.trim().strip_prefix(head))?;
        table::file(path.trim(), folder)
    })
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal(&table::decode(payload)?) else { return Ok(Intent::GracefulExit) };
    notes.add(format!("vscode-copilot/PreToolUse: {reason}"));
    let specific = Specific::PreToolUse { permission_decision: "deny", permission_decision_reason: &reason };
    table::refuse(&Output { hook_specific_output: specific }, reason.clone())
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input: Prompt = table::decode(payload)?;
    if let Some(reason) = input.prompt.as_deref().and_then(prompt_secret::refusal) {
        notes.add("vscode-copilot/UserPromptSubmit: a prompt with a secret was stopped");
        return table::refuse(&Block { decision: "block", reason: &reason }, reason.clone());
    }
    let text = guard::notice::for_prompt(input.cwd.get().map(String::as_str));
    told(Specific::UserPromptSubmit { additional_context: &text })
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let common: Common = table::decode(payload)?;
    let text = guard::notice::for_session(common.cwd.get().map(String::as_str));
    told(Specific::SessionStart { additional_context: &text })
}

fn subagent_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let common: Common = table::decode(payload)?;
    let text = guard::notice::for_session(common.cwd.get().map(String::as_str));
    told(Specific::SubagentStart { additional_context: &text })
}

fn told(specific: Specific<'_>) -> Result<Intent, PayloadError> {
    table::context(&Output { hook_specific_output: specific })
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
        VSCODE_COPILOT.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    fn document(intent: &Intent) -> Value {
        match intent {
            Intent::Decision { document, .. } | Intent::ModelContext(document) => {
                serde_json::from_str(document.as_str()).expect("JSON")
            }
            other => panic!("no document: {other:?}"),
        }
    }

    fn patched(path: &str) -> Value {
        json!({ "input": format!("*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+b\n*** End Patch"), "explanation": "" })
    }

    #[rstest]
    #[case("run_in_terminal", json!({ "command": "rm -rf ~", "explanation": "x", "isBackground": false }), true)]
    #[case("run_in_terminal", json!({ "command": "ls; rm -rf /" }), true)]
    #[case("run_in_terminal", json!({ "command": "npm test" }), false)]
    #[case("run_in_terminal", json!({ "command": ["rm"] }), true)]
    #[case("create_file", json!({ "filePath": "/home/dev/.ssh/authorized_keys", "content": "" }), true)]
    #[case("replace_string_in_file", json!({ "filePath": "/home/dev/project/a" }), false)]
    #[case("replace_string_in_file", json!({ "filePath": "/etc/hosts" }), true)]
    #[case("insert_edit_into_file", json!({ "filePath": "/etc/hosts", "code": "" }), true)]
    #[case("multi_replace_string_in_file", json!({ "replacements": [{ "filePath": "a" }, { "filePath": "/etc/hosts" }] }), true)]
    #[case("multi_replace_string_in_file", json!({ "replacements": [{ "filePath": "/home/dev/project/a" }] }), false)]
    #[case("multi_replace_string_in_file", json!({ "replacements": 7 }), true)]
    #[case("apply_patch", patched("/etc/hosts"), true)]
    #[case("apply_patch", patched("/home/dev/project/etc/hosts"), false)]
    #[case("read_file", json!({ "filePath": "/etc/hosts" }), false)]
    #[case("Bash", json!({ "command": "rm -rf /" }), false)]
    #[case("run_in_terminal", Value::Null, false)]
    fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        let intent = answer(&json!({
            "hook_event_name": "PreToolUse", "cwd": "/home/dev/project", "tool_name": tool, "tool_input": input
        }));
        if !refused {
            assert_eq!(intent, Intent::GracefulExit);
            return;
        }
        let Intent::Decision { reason, .. } = &intent else { panic!("{intent:?}") };
        let wanted = json!({ "hookSpecificOutput": {
            "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason
        } });
        assert_eq!(document(&intent), wanted);
    }

    #[test]
    fn a_call_without_a_tool_is_refused() {
        let intent = answer(&json!({ "hook_event_name": "PreToolUse", "tool_input": {} }));
        assert_eq!(document(&intent)["hookSpecificOutput"]["permissionDecision"], "deny");
    }

    #[rstest]
    #[case(json!({ "hook_event_name": "SessionStart" }), "SessionStart")]
    #[case(json!({ "hookEventName": "SessionStart" }), "SessionStart")]
    #[case(json!({ "hook_event_name": "SubagentStart", "agent_id": "a", "agent_type": "Explore" }), "SubagentStart")]
    #[case(json!({ "hook_event_name": "UserPromptSubmit", "prompt": "hello" }), "UserPromptSubmit")]
    fn context_stands_in_the_part_of_the_event(#[case] payload: Value, #[case] event: &str) {
        let document = document(&answer(&payload));
        assert_eq!(document["hookSpecificOutput"]["hookEventName"], event);
        assert!(document["hookSpecificOutput"]["additionalContext"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(document.as_object().expect("an object").len(), 1);
    }

    #[test]
    fn a_prompt_with_a_secret_is_stopped() {
        let intent = answer(&json!({ "hook_event_name": "UserPromptSubmit", "prompt": "use AKIAIOSFODNN7EXAMPLE" }));
        let Intent::Decision { reason, .. } = &intent else { panic!("{intent:?}") };
        assert_eq!(document(&intent), json!({ "decision": "block", "reason": reason }));
        assert!(!reason.contains("AKIA"));
    }

    #[rstest]
    #[case("Stop")]
    #[case("SubagentStop")]
    #[case("PostToolUse")]
    #[case("PreCompact")]
    #[case("Tomorrow")]
    fn elsewhere_nothing_is_said(#[case] event: &str) {
        assert_eq!(answer(&json!({ "hook_event_name": event, "stop_hook_active": false })), Intent::GracefulExit);
    }

    #[test]
    fn only_the_gate_fails_closed() {
        for event in VSCODE_COPILOT.events() {
            let intent = VSCODE_COPILOT.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "PreToolUse", "{event}");
        }
        assert_eq!(VSCODE_COPILOT.events().len(), 8);
    }
}
