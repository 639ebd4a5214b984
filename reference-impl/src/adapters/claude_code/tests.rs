use super::*;
use rstest::rstest;
use serde_json::{Value, json};

fn answer(event: Option<&str>, payload: &Value) -> Result<Intent, PayloadError> {
    ClaudeCode.answer(event, &payload.to_string(), &mut Notes::default())
}

fn document(intent: &Intent) -> Value {
    match intent {
        Intent::Decision { document, .. } | Intent::ModelContext(document) | Intent::UserHint(document) => {
            serde_json::from_str(document.as_str()).expect("JSON")
        }
        other => panic!("no document: {other:?}"),
    }
}

#[test]
fn all_33_events_are_there_once() {
    let mut names = ClaudeCode.events();
    assert_eq!(names.len(), 33);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 33);
}

#[test]
fn the_payload_says_what_fires() {
    let payload = json!({ "hook_event_name": "SessionStart", "cwd": "/home/dev/project" });
    let intent = answer(Some("PreToolUse"), &payload).expect("an answer");
    assert_eq!(document(&intent)["hookSpecificOutput"]["hookEventName"], "SessionStart");
    let without = json!({ "cwd": "/home/dev/project" });
    let intent = answer(Some("SessionStart"), &without).expect("an answer");
    assert_eq!(document(&intent)["hookSpecificOutput"]["hookEventName"], "SessionStart");
    assert!(matches!(answer(None, &without), Err(PayloadError::NoEvent)));
}

#[test]
fn an_unknown_event_is_met_with_silence() {
    let payload = json!({ "hook_event_name": "Tomorrow", "tool_name": "Bash" });
    for event in [None, Some("Tomorrow"), Some("PreToolUse")] {
        assert_eq!(answer(event, &payload).expect("an answer"), Intent::GracefulExit);
    }
}

#[rstest]
#[case("Bash", json!({ "command": "rm -rf /" }), true)]
#[case("Bash", json!({ "command": "ls", "unknown": { "a": [1] } }), false)]
#[case("Bash", json!({ "command": ["rm", "-rf", "/"] }), true)]
#[case("Bash", json!({}), false)]
#[case("Bash", json!("rm -rf /"), true)]
#[case("Write", json!({ "file_path": "/etc/hosts", "content": "" }), true)]
#[case("Edit", json!({ "file_path": "/home/dev/.ssh/config" }), true)]
#[case("MultiEdit", json!({ "file_path": "/home/dev/project/a" }), false)]
#[case("NotebookEdit", json!({ "notebook_path": "/etc/a.ipynb" }), true)]
#[case("Read", json!({ "file_path": "/etc/hosts" }), false)]
#[case("mcp__files__write", json!({ "file_path": "/etc/hosts", "command": "rm -rf /" }), false)]
#[case("bash", json!({ "command": "rm -rf /" }), false)]
fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
    let payload = json!({ "cwd": "/home/dev/project", "tool_name": tool, "tool_input": input });
    let gate = answer(Some("PreToolUse"), &payload).expect("an answer");
    let request = answer(Some("PermissionRequest"), &payload).expect("an answer");
    if !refused {
        assert_eq!((gate, request), (Intent::GracefulExit, Intent::GracefulExit));
        return;
    }
    let output = document(&gate);
    let specific = &output["hookSpecificOutput"];
    assert_eq!(specific["permissionDecision"], "deny");
    assert!(specific["permissionDecisionReason"].as_str().is_some_and(|reason| reason.len() > 40));
    let output = document(&request);
    let decision = &output["hookSpecificOutput"]["decision"];
    assert_eq!(decision["behavior"], "deny");
    assert!(decision["message"].as_str().is_some_and(|reason| reason.len() > 40));
}

#[test]
fn a_call_without_a_tool_is_refused() {
    let intent = answer(Some("PreToolUse"), &json!({ "tool_input": { "command": "ls" } })).expect("an answer");
    assert_eq!(document(&intent)["hookSpecificOutput"]["permissionDecision"], "deny");
}

#[test]
fn fields_that_no_decision_needs_may_be_anything() {
    let payload = json!({
        "hook_event_name": "PreToolUse", "session_id": 7, "cwd": null, "effort": "high", "permission_mode": {},
        "tool_name": "Bash", "tool_input": { "command": "rm -rf /" }, "mcp_server": [], "new": { "a": 1 }
    });
    let intent = answer(None, &payload).expect("an answer");
    assert_eq!(document(&intent)["hookSpecificOutput"]["permissionDecision"], "deny");
}

#[test]
fn deep_values_are_skipped_without_recursion() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let payload = format!(
        "{{\"hook_event_name\":\"PreToolUse\",\"x\":{deep},\"tool_name\":\"Bash\",\"permission_suggestions\":{deep},\
         \"tool_input\":{{\"y\":{deep},\"command\":\"rm -rf /\"}}}}"
    );
    let intent = ClaudeCode.answer(None, &payload, &mut Notes::default()).expect("an answer");
    assert_eq!(document(&intent)["hookSpecificOutput"]["permissionDecision"], "deny");
}

#[rstest]
#[case("{\"hook_event_name\":\"PreToolUse\",}")]
#[case("{\"hook_event_name\":7}")]
#[case("{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Read\",\"tool_name\":\"Bash\"}")]
#[case("{\"hook_event_name\":\"PreToolUse\",\"tool_name\":7}")]
#[case("{]")]
#[case("{\"a\":\"raw\nbreak\"}")]
fn what_is_malformed_has_no_answer(#[case] payload: &str) {
    let result = ClaudeCode.answer(Some("PreToolUse"), payload, &mut Notes::default());
    assert!(matches!(result, Err(PayloadError::Undecodable(_))), "{result:?}");
}

#[rstest]
#[case(json!({ "stop_hook_active": false, "last_assistant_message": "TODO(before-stop): test" }), true)]
#[case(json!({ "last_assistant_message": "TODO(before-stop): test" }), true)]
#[case(json!({ "stop_hook_active": true, "last_assistant_message": "TODO(before-stop): test" }), false)]
#[case(json!({ "stop_hook_active": "yes", "last_assistant_message": "TODO(before-stop): test" }), false)]
#[case(json!({ "stop_hook_active": false, "last_assistant_message": "all done" }), false)]
#[case(json!({ "stop_hook_active": false }), false)]
fn stops(#[case] payload: Value, #[case] held: bool) {
    for event in ["Stop", "SubagentStop"] {
        let intent = answer(Some(event), &payload).expect("an answer");
        if held {
            let output = document(&intent);
            assert_eq!(output["decision"], "block");
            assert!(output["reason"].as_str().is_some_and(|reason| reason.contains("\"test\"")));
            assert!(output.get("hookSpecificOutput").is_none());
        } else {
            assert_eq!(intent, Intent::GracefulExit);
        }
    }
}

#[test]
fn prompts_get_context_unless_they_hold_a_secret() {
    let payload = json!({ "cwd": "/home/dev/project", "prompt": "hello" });
    let intent = answer(Some("UserPromptSubmit"), &payload).expect("an answer");
    let output = document(&intent);
    let context = output["hookSpecificOutput"]["additionalContext"].as_str().expect("text");
    assert!(context.contains("\"project\"") && context.encode_utf16().count() < 10_000);
    let secret = json!({ "prompt": "use -----BEGIN PRIVATE KEY-----\nMII" });
    for event in ["UserPromptSubmit", "UserPromptExpansion"] {
        let intent = answer(Some(event), &secret).expect("an answer");
        let output = document(&intent);
        assert_eq!(output["decision"], "block");
        assert!(!output.to_string().contains("MII"), "the secret is not repeated");
    }
    let expansion = answer(Some("UserPromptExpansion"), &json!({ "prompt": "/foo", "command_args": "a" }));
    assert_eq!(expansion.expect("an answer"), Intent::GracefulExit);
}

#[test]
fn small_decisions() {
    let nameless = answer(Some("TaskCreated"), &json!({ "task_id": "1", "task_subject": " " })).expect("an answer");
    assert_eq!(document(&nameless)["decision"], "block");
    let named = answer(Some("TaskCreated"), &json!({ "task_id": "1", "task_subject": "T" })).expect("an answer");
    assert_eq!(named, Intent::GracefulExit);
    let hint = answer(Some("CwdChanged"), &json!({ "old_cwd": "/home/dev/project", "new_cwd": "/" }));
    assert!(document(&hint.expect("an answer"))["systemMessage"].is_string());
    let quiet = answer(Some("CwdChanged"), &json!({ "new_cwd": "/home/dev/project/s" })).expect("an answer");
    assert_eq!(quiet, Intent::GracefulExit);
}

#[test]
fn only_the_gate_fails_closed() {
    for event in ClaudeCode.events() {
        let intent = ClaudeCode.without_judgement(Some(event), "read a payload: stdin is empty");
        match event {
            "PreToolUse" => assert!(matches!(intent, Intent::BlockingError(_))),
            "WorktreeCreate" => assert!(matches!(intent, Intent::Failure(_))),
            _ => assert_eq!(intent, Intent::GracefulExit),
        }
    }
    assert_eq!(ClaudeCode.without_judgement(None, "x"), Intent::GracefulExit);
}

#[test]
fn the_end_of_a_session_is_not_kept_waiting() {
    let patience = ClaudeCode.patience(Some("SessionEnd"));
    assert!(patience.whole + patience.pause < Duration::from_millis(1_300));
}

#[test]
fn typed_inputs_hold_what_was_sent() {
    let common: Common =
        serde_json::from_str(r#"{"session_id":"s","cwd":"/home/dev","effort":{"level":"medium"}}"#).expect("decoded");
    assert_eq!(common.session_id.0.as_deref(), Some("s"));
    assert_eq!(common.effort.0.expect("an effort").level, "medium");
    let batch: input::Batch = serde_json::from_str(
        r#"{"tool_calls":[{"tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t","tool_response":"x"}]}"#,
    )
    .expect("decoded");
    let calls = batch.tool_calls.0.expect("calls");
    assert_eq!(calls[0].tool_name.0.as_deref(), Some("Bash"));
    assert_eq!(calls[0].tool_response.as_ref().expect("a response").get(), "\"x\"");
    let switch: input::ModelSwitch = serde_json::from_str(
        r#"{"from_model":"a","to_model":"b","requested_model":null,"context_tokens":0,"prompt_cache_warm":false}"#,
    )
    .expect("decoded");
    assert_eq!(switch.to_model.0.as_deref(), Some("b"));
    assert_eq!(switch.requested_model.0, None);
    assert_eq!(switch.prompt_cache_warm.0, Some(false));
}
