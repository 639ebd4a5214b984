//! The plain form in which claude-mem is called where no platform has one of its own: seven events.
//!
//! Written from claude-mem's source. The payload has camelCase fields (snake_case is taken as well) and does not name its
//! event: only the command line does. The answer is claude-mem's own result object, and there is one also where there is
//! nothing to say. What a caller makes of a refusal in it is laid down nowhere; the forms are those of Claude Code.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::{Deserialize, Serialize};

use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Does, Table};
use super::{PayloadError, prompt_secret};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static RAW: Table = Table {
    platform: "raw",
    event_of: |_| None,
    events: &[
        ("context", context),
        ("session-init", session_init),
        ("observation", watched),
        ("summarize", watched),
        ("user-message", watched),
        ("file-edit", watched),
        ("file-context", file_context),
    ],
    unjudged,
};

/// A field that may be spelled in two ways; the first one counts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    #[serde(rename = "sessionId")]
    session_id: Text,
    #[serde(rename = "session_id")]
    session_id_snake: Text,
    cwd: Text,
    prompt: Text,
    #[serde(rename = "toolName")]
    tool_name: Text,
    #[serde(rename = "tool_name")]
    tool_name_snake: Text,
    #[serde(rename = "toolInput")]
    tool_input: Raw,
    #[serde(rename = "tool_input")]
    tool_input_snake: Raw,
    #[serde(rename = "toolResponse")]
    tool_response: Raw,
    #[serde(rename = "tool_response")]
    tool_response_snake: Raw,
    #[serde(rename = "transcriptPath")]
    transcript_path: Text,
    #[serde(rename = "transcript_path")]
    transcript_path_snake: Text,
    #[serde(rename = "filePath")]
    file_path: Text,
    #[serde(rename = "file_path")]
    file_path_snake: Text,
    edits: Lenient<Vec<Box<serde_json::value::RawValue>>>,
}

/// The result object; only the fields that this hook uses.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
    goes_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppress_output: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook_specific_output: Option<Specific<'a>>,
}

/// `additionalContext` is no option in the result object, so it is there also when it says nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Specific<'a> {
    hook_event_name: &'static str,
    additional_context: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_decision_reason: Option<&'a str>,
}

/// The argument that the guard looks at; the tools are those of Claude Code.
fn does(tool: &str) -> Does<'static> {
    match tool {
        "Bash" => Does::Run("command"),
        "Write" | "Edit" | "MultiEdit" => Does::Change("file_path"),
        "NotebookEdit" => Does::Change("notebook_path"),
        _ => Does::Other,
    }
}

/// What claude-mem itself prints where it has nothing to say.
fn nothing() -> Result<Intent, PayloadError> {
    table::context(&Output { goes_on: Some(true), suppress_output: Some(true), ..Output::default() })
}

fn watched(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    table::decode::<Payload>(payload)?;
    nothing()
}

fn context(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let payload: Payload = table::decode(payload)?;
    let text = guard::notice::for_session(payload.cwd.0.as_deref());
    table::context(&Output {
        hook_specific_output: Some(Specific {
            hook_event_name: "SessionStart",
            additional_context: &text,
            permission_decision: None,
            permission_decision_reason: None,
        }),
        ..Output::default()
    })
}

fn session_init(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let payload: Payload = table::decode(payload)?;
    let Some(reason) = payload.prompt.0.as_deref().and_then(prompt_secret::refusal) else {
        return nothing();
    };
    notes.add(format!("raw/session-init: {reason}"));
    table::refuse(&Output { decision: Some("block"), reason: Some(&reason), ..Output::default() }, reason.clone())
}

/// The moment before a tool call. A call without a tool is a file that is about to be read: nothing to refuse.
fn file_context(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let payload: Payload = table::decode(payload)?;
    let tool = payload.tool_name.0.or(payload.tool_name_snake.0).unwrap_or_default();
    let input = payload.tool_input.or(payload.tool_input_snake);
    let Some(reason) = table::tool_call(does(&tool), input.as_deref(), payload.cwd.0.as_deref()) else {
        return nothing();
    };
    notes.add(format!("raw/file-context: {reason}"));
    let answer = Output {
        hook_specific_output: Some(Specific {
            hook_event_name: "PreToolUse",
            additional_context: "",
            permission_decision: Some("deny"),
            permission_decision_reason: Some(&reason),
        }),
        ..Output::default()
    };
    table::refuse(&answer, reason.clone())
}

fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        Some("file-context") => Intent::BlockingError(table::unjudged(why)),
        _ => Intent::GracefulExit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::Adapter;
    use rstest::rstest;
    use serde_json::{Value, json};

    const NOTHING: &str = "{\"continue\":true,\"suppressOutput\":true}";

    fn answer(event: &str, payload: &Value) -> Intent {
        RAW.answer(Some(event), &payload.to_string(), &mut Notes::default()).expect("an answer")
    }

    #[rstest]
    #[case(json!({ "toolName": "Bash", "toolInput": { "command": "rm -rf ~" } }), true)]
    #[case(json!({ "tool_name": "Bash", "tool_input": { "command": "rm -rf ~" } }), true)]
    #[case(json!({ "toolName": "Bash", "toolInput": { "command": "ls" }, "tool_input": { "command": "rm -rf ~" } }), false)]
    #[case(json!({ "toolName": "Write", "toolInput": { "file_path": "/home/dev/.ssh/config" } }), true)]
    #[case(json!({ "toolName": "Read", "toolInput": { "file_path": "/etc/hosts" } }), false)]
    #[case(json!({ "filePath": "/etc/hosts" }), false)]
    fn before_tools(#[case] payload: Value, #[case] refused: bool) {
        match answer("file-context", &payload) {
            Intent::Decision { document, reason } if refused => assert_eq!(
                document.as_str(),
                format!(
                    "{{\"hookSpecificOutput\":{{\"hookEventName\":\"PreToolUse\",\"additionalContext\":\"\",\
                     \"permissionDecision\":\"deny\",\"permissionDecisionReason\":{}}}}}",
                    json!(reason)
                )
            ),
            Intent::ModelContext(document) => assert!(!refused && document.as_str() == NOTHING),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("observation")]
    #[case("summarize")]
    #[case("user-message")]
    #[case("file-edit")]
    fn where_there_is_nothing_to_say_it_is_said(#[case] event: &str) {
        let Intent::ModelContext(document) = answer(event, &json!({ "sessionId": "s" })) else { panic!("no document") };
        assert_eq!(document.as_str(), NOTHING);
    }

    #[test]
    fn a_session_is_told_and_a_secret_is_stopped() {
        let Intent::ModelContext(document) = answer("context", &json!({ "cwd": "/home/dev/project" })) else {
            panic!("no context");
        };
        assert!(document.as_str().starts_with(
            "{\"hookSpecificOutput\":{\"hookEventName\":\"SessionStart\",\"additionalContext\":\"Project: \\\"project\\\". "
        ));
        let secret = answer("session-init", &json!({ "prompt": "use AKIAIOSFODNN7EXAMPLE" }));
        let Intent::Decision { document, .. } = secret else { panic!("{secret:?}") };
        assert!(document.as_str().starts_with("{\"decision\":\"block\",\"reason\":\"The prompt holds"));
        let quiet = answer("session-init", &json!({ "prompt": "hello" }));
        let Intent::ModelContext(document) = quiet else { panic!("{quiet:?}") };
        assert_eq!(document.as_str(), NOTHING);
    }

    #[test]
    fn only_the_command_line_names_the_event() {
        let payload = json!({ "hook_event_name": "PreToolUse", "toolName": "Bash" }).to_string();
        let result = RAW.answer(None, &payload, &mut Notes::default());
        assert!(matches!(result, Err(PayloadError::NoEvent)));
        for event in RAW.events() {
            let intent = RAW.without_judgement(Some(event), "read a payload: stdin is empty");
            assert_eq!(matches!(intent, Intent::BlockingError(_)), event == "file-context", "{event}");
        }
    }
}
