//! Codex CLI: 14 events.
//!
//! Written from measurements of Codex CLI 0.169.0, the schemas that it carries, and its source. Three things shape the
//! answers: one unknown key voids an answer, a denial without a reason denies nothing, and at exit 0 nothing is ever
//! blocked by mistake, so what cannot be judged is refused by exit code 2 with a text on stderr.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lenient::{Raw, Text};
use super::table::{self, Does, Handler, Table, context, decode, refuse, silent};
use super::{Adapter, PayloadError, prompt_secret};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;
use crate::stdin::Patience;

/// The adapter: a table, with less patience where the host has little.
pub(super) struct Codex;

/// Every event, in the order of the sources.
static EVENTS: &[(&str, Handler)] = &[
    ("PreToolUse", pre_tool_use),
    ("PermissionRequest", permission_request),
    ("PostToolUse", silent::<FinishedCall>),
    ("PreCompact", silent::<Compaction>),
    ("PostCompact", silent::<Compaction>),
    ("SessionStart", session_start),
    ("SessionEnd", silent::<SessionEnd>),
    ("UserPromptSubmit", user_prompt_submit),
    ("SubagentStart", subagent_start),
    ("SubagentStop", stop),
    ("Stop", stop),
    ("Interrupt", silent::<Turn>),
    ("PreModelRequest", silent::<Turn>),
    ("PostModelRequest", silent::<ModelRequest>),
];

static TABLE: Table = Table { platform: "codex", event_of, events: EVENTS, unjudged };

impl Adapter for Codex {
    fn platform(&self) -> &'static str {
        TABLE.platform()
    }

    fn events(&self) -> Vec<&'static str> {
        TABLE.events()
    }

    fn patience(&self, event: Option<&str>) -> Patience {
        // Both have 1 s by default. Nothing is decided there, so giving up early loses nothing.
        if matches!(event, Some("SessionEnd" | "Interrupt")) {
            return Patience {
                first_byte: Duration::from_millis(300),
                pause: Duration::from_millis(200),
                whole: Duration::from_millis(500),
            };
        }
        TABLE.patience(event)
    }

    fn answer(&self, event: Option<&str>, payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
        TABLE.answer(event, payload, notes)
    }

    fn without_judgement(&self, event: Option<&str>, why: &str) -> Intent {
        TABLE.without_judgement(event, why)
    }
}

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
    /// `PostToolUse`.
    FinishedCall { tool_name, tool_input, tool_response, tool_use_id }
    /// `PreCompact`, `PostCompact`.
    Compaction { trigger }
    /// `SessionEnd`.
    SessionEnd { reason }
    /// `Interrupt`, `PreModelRequest`.
    Turn { turn_id, model }
    /// `PostModelRequest`.
    ModelRequest { status, error, token_usage }
}

/// `SessionStart`, `SubagentStart`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    cwd: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt {
    cwd: Text,
    prompt: Option<String>,
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

/// The answer of the others; the tag makes it impossible to forget the event's name, which would void it.
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
    match call.tool_name.as_deref() {
        // Every shell tool goes by this name.
        Some("Bash") => table::tool_call(Does::Run("command"), input, folder),
        Some("apply_patch") => patch(input, folder),
        Some(_) => None,
        None => Some(table::UNREADABLE.to_owned()),
    }
}

/// Lines of a patch that name a file which it creates, changes, removes or moves something to.
const FILE_LINES: &[&str] = &["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"];

/// Judges every file that the patch touches. The patch stands in the argument `command`, as a command line does.
fn patch(input: Option<&RawValue>, folder: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    struct Arguments {
        command: Option<String>,
    }
    let Ok(arguments) = serde_json::from_str::<Arguments>(input?.get()) else {
        return Some(table::UNREADABLE.to_owned());
    };
    arguments.command?.lines().find_map(|line| {
        let line = line.trim();
        let path = FILE_LINES.iter().find_map(|prefix| line.strip_prefix(prefix))?;
        table::file(path.trim(), folder)
    })
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal(&decode(payload)?) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("codex/PreToolUse: {reason}"));
    let specific = Specific::PreToolUse { permission_decision: "deny", permission_decision_reason: &reason };
    refuse(&Output { hook_specific_output: specific }, reason.clone())
}

fn permission_request(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal(&decode(payload)?) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("codex/PermissionRequest: {reason}"));
    let specific = Specific::PermissionRequest { decision: Permission { behavior: "deny", message: &reason } };
    refuse(&Output { hook_specific_output: specific }, reason.clone())
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let prompt: Prompt = decode(payload)?;
    if let Some(reason) = prompt.prompt.as_deref().and_then(prompt_secret::refusal) {
        notes.add("codex/UserPromptSubmit: a prompt with a secret was stopped");
        return refuse(&Block { decision: "block", reason: &reason }, reason.clone());
    }
    let text = guard::notice::for_prompt(prompt.cwd.get().map(String::as_str));
    context(&Output { hook_specific_output: Specific::UserPromptSubmit { additional_context: &text } })
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
    // A block follows a block without an end here, so only the first one may be ours.
    let first = stop.stop_hook_active.as_deref().is_none_or(|active| matches!(active.get(), "false" | "null"));
    let message = stop.last_assistant_message.get().filter(|_| first);
    let Some(item) = message.and_then(|message| guard::unfinished(message)) else {
        return Ok(Intent::GracefulExit);
    };
    notes.add(format!("codex/Stop: held back for {item:?}"));
    let reason =
        format!("The last message marks work as unfinished: \"{item}\". Do it now, or say plainly why it stays open.");
    refuse(&Block { decision: "block", reason: &reason }, reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(payload: &Value) -> Intent {
        Codex.answer(None, &payload.to_string(), &mut Notes::default()).expect("an answer")
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
        json!({ "command": format!("*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n*** Add File: {path}\n+z\n*** End Patch") })
    }

    #[rstest]
    #[case("Bash", json!({ "command": "rm -rf ~" }), true)]
    #[case("Bash", json!({ "command": "cargo test" }), false)]
    #[case("Bash", json!({ "command": ["rm", "-rf", "/"] }), true)]
    #[case("Bash", json!({}), false)]
    #[case("apply_patch", patched("/home/dev/.ssh/authorized_keys"), true)]
    #[case("apply_patch", patched("../../../etc/hosts"), true)]
    #[case("apply_patch", patched("src/etc/hosts"), false)]
    #[case("apply_patch", json!({ "command": "*** Move to: /etc/hosts" }), true)]
    #[case("apply_patch", json!({ "command": "+*** Add File: /etc/hosts" }), false)]
    #[case("apply_patch", json!({ "command": 7 }), true)]
    #[case("mcp__files__write", json!({ "command": "rm -rf /" }), false)]
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
        let call = |event: &str| json!({ "hook_event_name": event, "tool_name": "Bash", "tool_input": { "command": "rm -rf /" } });
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
            assert_eq!(output.as_object().map(serde_json::Map::len), Some(1));
            assert_eq!(specific.keys().collect::<Vec<_>>(), ["hookEventName", "additionalContext"]);
            assert_eq!(specific["hookEventName"], event);
        }
        let secret =
            json!({ "hook_event_name": "UserPromptSubmit", "prompt": "use AKIAIOSFODNN7EXAMPLE for the deployment" });
        let output = document(&answer(&secret));
        assert_eq!(output.as_object().expect("an object").keys().collect::<Vec<_>>(), ["decision", "reason"]);
        assert!(!output.to_string().contains("AKIA"), "the secret is not repeated");
    }

    #[rstest]
    #[case(json!({ "stop_hook_active": false, "last_assistant_message": "TODO(before-stop): test" }), true)]
    #[case(json!({ "stop_hook_active": true, "last_assistant_message": "TODO(before-stop): test" }), false)]
    #[case(json!({ "stop_hook_active": "no", "last_assistant_message": "TODO(before-stop): test" }), false)]
    #[case(json!({ "stop_hook_active": false, "last_assistant_message": null }), false)]
    #[case(json!({ "stop_hook_active": false, "last_assistant_message": "all done" }), false)]
    fn stops(#[case] mut payload: Value, #[case] held: bool) {
        for event in ["Stop", "SubagentStop"] {
            payload["hook_event_name"] = event.into();
            let intent = answer(&payload);
            assert_eq!(matches!(intent, Intent::Decision { .. }), held);
            assert!(!held || document(&intent)["decision"] == "block");
        }
    }

    #[test]
    fn only_the_gate_fails_closed_and_hurried_events_are_not_kept_waiting() {
        for event in Codex.events() {
            let intent = Codex.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "PreToolUse", "{event}");
        }
        assert_eq!(Codex.events().len(), 14);
        let patience = Codex.patience(Some("SessionEnd"));
        assert!(patience.whole + patience.pause < Duration::from_millis(800));
        assert_eq!(answer(&json!({ "hook_event_name": "Tomorrow" })), Intent::GracefulExit);
    }

    #[rstest]
    #[case(r#"{"hook_event_name":"PreToolUse","tool_name":7}"#)]
    #[case(r#"{"hook_event_name":"PreToolUse",}"#)]
    fn what_is_malformed_is_refused_at_a_gate(#[case] payload: &str) {
        let mut notes = Notes::default();
        let intent = Codex.answer(Some("PreToolUse"), payload, &mut notes).expect("an answer");
        assert!(matches!(intent, Intent::BlockingError(_)), "{intent:?}");
    }
}
