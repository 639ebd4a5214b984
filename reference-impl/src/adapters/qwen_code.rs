//! Qwen Code: 22 events.
//!
//! Written from measurements of Qwen Code 0.24.4 and the readable sources of that release. A tool call, a prompt, a
//! subagent and a task list can be stopped; a task list only by `decision: "block"`, which this hook has no use for.

use serde::{Deserialize, Serialize};

use super::lenient::{Raw, Text};
use super::table::{self, Does, Handler, Table, context, decode, refuse, silent};
use super::{PayloadError, prompt_secret};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static QWEN_CODE: Table = Table { platform: "qwen-code", event_of, events: EVENTS, unjudged };

/// Every event, in the order of the sources.
static EVENTS: &[(&str, Handler)] = &[
    ("PreToolUse", pre_tool_use),
    ("PostToolUse", silent::<FinishedCall>),
    ("PostToolUseFailure", silent::<FinishedCall>),
    ("PostToolBatch", silent::<Batch>),
    ("Notification", silent::<Notification>),
    ("UserPromptSubmit", user_prompt_submit),
    ("UserPromptExpansion", user_prompt_expansion),
    ("SessionStart", session_start),
    ("Stop", stop),
    ("MessageDisplay", silent::<Message>),
    ("SubagentStart", subagent_start),
    ("SubagentStop", stop),
    ("PreCompact", silent::<Compaction>),
    ("PostCompact", silent::<Compaction>),
    ("SessionEnd", silent::<SessionEnd>),
    ("SessionDelete", silent::<SessionEnd>),
    ("PermissionRequest", permission_request),
    ("PermissionDenied", silent::<FinishedCall>),
    ("StopFailure", silent::<StopFailure>),
    ("TodoCreated", silent::<Todo>),
    ("TodoCompleted", silent::<Todo>),
    ("InstructionsLoaded", silent::<Instructions>),
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

/// A tool call before it runs. A name that is there must be text, since it decides which rules apply.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    cwd: Text,
    tool_name: Option<String>,
    tool_input: Raw,
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
    /// `PostToolUse`, `PostToolUseFailure`, `PermissionDenied`.
    FinishedCall { tool_name, tool_input, tool_response, tool_use_id, error, is_interrupt, reason, duration_ms }
    /// `PostToolBatch`.
    Batch { tool_calls }
    /// `Notification`.
    Notification { message, notification_type, title }
    /// `MessageDisplay`.
    Message { message_id, displayed_text, is_final }
    /// `PreCompact`, `PostCompact`.
    Compaction { trigger, custom_instructions, compact_summary }
    /// `SessionEnd`, `SessionDelete`.
    SessionEnd { reason, deleted_session_id }
    /// `StopFailure`.
    StopFailure { error, error_details, last_assistant_message }
    /// `TodoCreated`, `TodoCompleted`.
    Todo { todo_id, todo_content, todo_status, previous_status, all_todos, phase }
    /// `InstructionsLoaded`.
    Instructions { file_path, memory_type, load_reason, trigger_file_path, parent_file_path }
}

/// `SessionStart`, `SubagentStart`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    cwd: Text,
}

/// `UserPromptSubmit`, `UserPromptExpansion`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt {
    cwd: Text,
    prompt: Option<String>,
    command_args: Text,
}

/// `Stop`, `SubagentStop`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stop {
    /// A value that is no boolean counts as true: a doubt must not start a loop.
    stop_hook_active: Raw,
    last_assistant_message: Text,
}

/// The answer of prompts and stops.
#[derive(Serialize)]
struct Block<'a> {
    decision: &'static str,
    reason: &'a str,
}

/// The answer of the others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    hook_specific_output: Specific<'a>,
}

#[derive(Serialize)]
#[serde(tag = "hookEventName", rename_all_fields = "camelCase")]
enum Specific<'a> {
    PreToolUse { permission_decision: &'static str, permission_decision_reason: &'a str },
    PermissionRequest { decision: Permission<'a> },
    SessionStart { additional_context: &'a str },
    UserPromptSubmit { additional_context: &'a str },
    SubagentStart { additional_context: &'a str },
}

#[derive(Serialize)]
struct Permission<'a> {
    behavior: &'static str,
    message: &'a str,
}

/// Why a tool call is refused, or `None` where the guard has no opinion.
fn refusal(call: &ToolCall) -> Option<String> {
    let folder = call.cwd.get().map(String::as_str);
    let input = call.tool_input.as_deref();
    let does = match call.tool_name.as_deref() {
        Some("run_shell_command") => {
            let own = call.tool_input.as_deref().and_then(|input| serde_json::from_str::<Folder>(input.get()).ok());
            let own = own.and_then(|own| own.directory.0).filter(|own| !own.is_empty());
            return table::tool_call(Does::Run("command"), input, own.as_deref().or(folder));
        }
        Some("write_file" | "edit") => Does::Change("file_path"),
        Some("notebook_edit") => Does::Change("notebook_path"),
        Some(_) => Does::Other,
        None => return Some(table::UNREADABLE.to_owned()),
    };
    table::tool_call(does, input, folder)
}

/// The folder that a shell call names for itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Folder {
    directory: Text,
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal(&decode(payload)?) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("qwen-code/PreToolUse: {reason}"));
    let specific = Specific::PreToolUse { permission_decision: "deny", permission_decision_reason: &reason };
    refuse(&Output { hook_specific_output: specific }, reason.clone())
}

fn permission_request(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal(&decode(payload)?) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("qwen-code/PermissionRequest: {reason}"));
    let specific = Specific::PermissionRequest { decision: Permission { behavior: "deny", message: &reason } };
    refuse(&Output { hook_specific_output: specific }, reason.clone())
}

/// Why the prompt is stopped, or `None` if it holds nothing that looks like a secret.
fn secret_in(prompt: &Prompt) -> Option<String> {
    let texts = [prompt.prompt.as_ref(), prompt.command_args.get()];
    texts.into_iter().flatten().find_map(|text| prompt_secret::refusal(text))
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let prompt: Prompt = decode(payload)?;
    if let Some(reason) = secret_in(&prompt) {
        notes.add("qwen-code/UserPromptSubmit: a prompt with a secret was stopped");
        return refuse(&Block { decision: "block", reason: &reason }, reason.clone());
    }
    // It fires again, with an empty prompt, before each request that carries results of tools. Nobody has said anything
    // then, and to tell the model the same once more is noise.
    if prompt.prompt.as_deref().is_some_and(|text| text.trim().is_empty()) {
        return Ok(Intent::GracefulExit);
    }
    let text = guard::notice::for_prompt(prompt.cwd.get().map(String::as_str));
    context(&Output { hook_specific_output: Specific::UserPromptSubmit { additional_context: &text } })
}

fn user_prompt_expansion(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = secret_in(&decode(payload)?) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add("qwen-code/UserPromptExpansion: a command with a secret was stopped");
    refuse(&Block { decision: "block", reason: &reason }, reason.clone())
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let start: Start = decode(payload)?;
    let text = guard::notice::for_session(start.cwd.get().map(String::as_str));
    context(&Output { hook_specific_output: Specific::SessionStart { additional_context: &text } })
}

fn subagent_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let start: Start = decode(payload)?;
    let text = guard::notice::for_session(start.cwd.get().map(String::as_str));
    context(&Output { hook_specific_output: Specific::SubagentStart { additional_context: &text } })
}

/// Holds the agent back once for work that it has itself marked as unfinished.
fn stop(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let stop: Stop = decode(payload)?;
    let first = stop.stop_hook_active.as_deref().is_none_or(|active| matches!(active.get(), "false" | "null"));
    let message = stop.last_assistant_message.get().filter(|_| first);
    let Some(item) = message.and_then(|message| guard::unfinished(message)) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("qwen-code/Stop: held back for {item:?}"));
    let reason =
        format!("The last message marks work as unfinished: \"{item}\". Do it now, or say plainly why it stays open.");
    refuse(&Block { decision: "block", reason: &reason }, reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(payload: &Value) -> Intent {
        QWEN_CODE.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
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
    #[case("run_shell_command", json!({ "command": "rm -rf ~", "is_background": false }), true)]
    #[case("run_shell_command", json!({ "command": "npm test" }), false)]
    #[case("run_shell_command", json!({ "command": "rm -rf *", "directory": "/home/dev" }), true)]
    #[case("run_shell_command", json!({ "command": "rm -rf *", "directory": "/home/dev/project/target" }), false)]
    #[case("run_shell_command", json!({ "command": 7 }), true)]
    #[case("write_file", json!({ "file_path": "/etc/hosts", "content": "" }), true)]
    #[case("edit", json!({ "file_path": "/home/dev/.ssh/config" }), true)]
    #[case("edit", json!({ "file_path": "/home/dev/project/a" }), false)]
    #[case("notebook_edit", json!({ "notebook_path": "/etc/a.ipynb" }), true)]
    #[case("read_file", json!({ "file_path": "/etc/hosts" }), false)]
    fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        for event in ["PreToolUse", "PermissionRequest"] {
            let payload =
                json!({ "hook_event_name": event, "cwd": "/home/dev/project", "tool_name": tool, "tool_input": input });
            let intent = answer(&payload);
            assert_eq!(matches!(intent, Intent::Decision { .. }), refused, "{event}");
            assert!(refused || intent == Intent::GracefulExit);
        }
    }

    #[test]
    fn documents_have_the_shape_of_the_contract() {
        let reason = guard::command("rm -rf /", "").expect("a rule").reason();
        let call = |event: &str| {
            let input = json!({ "command": "rm -rf /" });
            json!({ "hook_event_name": event, "tool_name": "run_shell_command", "tool_input": input })
        };
        assert_eq!(
            document(&answer(&call("PreToolUse"))),
            json!({ "hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason
            }})
        );
        assert_eq!(
            document(&answer(&call("PermissionRequest"))),
            json!({ "hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": { "behavior": "deny", "message": reason }
            }})
        );
        for event in ["SessionStart", "UserPromptSubmit", "SubagentStart"] {
            let output = document(&answer(&json!({ "hook_event_name": event, "cwd": "/home/dev/project" })));
            let specific = output["hookSpecificOutput"].as_object().expect("an object");
            assert_eq!(specific.keys().collect::<Vec<_>>(), ["hookEventName", "additionalContext"]);
            assert_eq!(specific["hookEventName"], event);
        }
    }

    #[rstest]
    #[case("UserPromptSubmit", json!({ "prompt": "use AKIAIOSFODNN7EXAMPLE" }), true)]
    #[case("UserPromptExpansion", json!({ "prompt": "/x", "command_args": "AKIAIOSFODNN7EXAMPLE" }), true)]
    #[case("UserPromptExpansion", json!({ "prompt": "/x", "command_args": "y" }), false)]
    #[case("UserPromptSubmit", json!({ "prompt": "" }), false)]
    fn prompts(#[case] event: &str, #[case] mut payload: Value, #[case] stopped: bool) {
        payload["hook_event_name"] = event.into();
        let intent = answer(&payload);
        if stopped {
            let output = document(&intent);
            assert_eq!(output["decision"], "block");
            assert!(!output.to_string().contains("AKIA"), "the secret is not repeated");
        } else {
            assert_eq!(intent, Intent::GracefulExit);
        }
    }

    #[rstest]
    #[case(json!({ "stop_hook_active": false, "last_assistant_message": "TODO(before-stop): test" }), true)]
    #[case(json!({ "stop_hook_active": true, "last_assistant_message": "TODO(before-stop): test" }), false)]
    #[case(json!({ "stop_hook_active": "no", "last_assistant_message": "TODO(before-stop): test" }), false)]
    #[case(json!({ "stop_hook_active": false, "last_assistant_message": "" }), false)]
    fn stops(#[case] mut payload: Value, #[case] held: bool) {
        for event in ["Stop", "SubagentStop"] {
            payload["hook_event_name"] = event.into();
            let intent = answer(&payload);
            assert_eq!(matches!(intent, Intent::Decision { .. }), held);
            assert!(!held || document(&intent)["decision"] == "block");
        }
    }

    #[test]
    fn only_the_gate_fails_closed() {
        assert_eq!(QWEN_CODE.events().len(), 22);
        for event in QWEN_CODE.events() {
            let intent = QWEN_CODE.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "PreToolUse", "{event}");
        }
    }
}
