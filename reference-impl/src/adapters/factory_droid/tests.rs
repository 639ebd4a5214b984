use super::*;
use crate::adapters::Adapter;
use rstest::rstest;
use serde_json::{Value, json};

fn answer(event: &str, payload: &Value) -> Intent {
    FACTORY_DROID.answer(Some(event), &payload.to_string(), &mut Notes::default()).expect("an answer")
}

fn text(intent: &Intent) -> &str {
    match intent {
        Intent::Decision { document, .. } | Intent::ModelContext(document) => document.as_str(),
        other => panic!("no document: {other:?}"),
    }
}

#[test]
fn all_9_events_are_there_once() {
    let mut names = FACTORY_DROID.events();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 9);
    assert_eq!(EVENTS.len(), 9);
}

#[rstest]
#[case("Execute", json!({ "command": "rm -rf ~" }), true)]
#[case("Execute", json!({ "command": "cd build && rm -rf /" }), true)]
#[case("Execute", json!({ "command": ["rm", "-rf", "/"] }), true)]
#[case("Execute", json!("rm -rf /"), true)]
#[case("Execute", json!({ "command": "ls" }), false)]
#[case("Create", json!({ "file_path": "/home/dev/.ssh/authorized_keys", "content": "x" }), true)]
#[case("Create", json!({ "file_path": "/home/dev/project/a", "content": "rm -rf /" }), false)]
#[case("Edit", json!({ "file_path": "../../../etc/hosts" }), true)]
#[case("ApplyPatch", json!({ "input": "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch" }), false)]
#[case("ApplyPatch", json!({ "input": "*** Begin Patch\n*** Update File: /etc/hosts\n@@\n-a\n+b\n*** End Patch" }), true)]
#[case("ApplyPatch", json!({ "input": "*** Update File: a\r\n*** Move to: /home/dev/.ssh/config\r\n" }), true)]
#[case("ApplyPatch", json!({ "input": "*** Add File: a\n+*** Add File: /etc/hosts" }), false)]
#[case("ApplyPatch", json!({ "input": 7 }), true)]
#[case("ApplyPatch", json!({}), false)]
#[case("Read", json!({ "file_path": "/etc/hosts" }), false)]
#[case("Bash", json!({ "command": "rm -rf /" }), false)]
#[case("mcp__files__write", json!({ "file_path": "/etc/hosts", "command": "rm -rf /" }), false)]
fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
    let payload = json!({ "cwd": "/home/dev/project", "tool_name": tool, "tool_input": input });
    let intent = answer("PreToolUse", &payload);
    if refused {
        let output: Value = serde_json::from_str(text(&intent)).expect("JSON");
        assert_eq!(output["hookSpecificOutput"]["permissionDecision"], "deny");
        let reason = output["hookSpecificOutput"]["permissionDecisionReason"].as_str();
        assert!(reason.is_some_and(|reason| reason.len() > 40));
    } else {
        assert_eq!(intent, Intent::GracefulExit);
    }
}

#[test]
fn a_call_without_a_tool_is_refused() {
    assert!(matches!(answer("PreToolUse", &json!({ "tool_input": { "command": "ls" } })), Intent::Decision { .. }));
}

#[test]
fn documents_have_the_shape_of_the_contract() {
    let denied = deny("r", &mut Notes::default()).expect("an intent");
    assert_eq!(
        text(&denied),
        r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"r"}}"#
    );
    let prompt = answer("UserPromptSubmit", &json!({ "cwd": "/a/b", "prompt": "hello" }));
    assert_eq!(
        text(&prompt),
        r#"{"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"Project: \"b\". Destructive commands are refused; prefer narrow ones."}}"#
    );
    let secret = answer("UserPromptSubmit", &json!({ "prompt": "use AKIAIOSFODNN7EXAMPLE" }));
    assert!(text(&secret).starts_with(r#"{"decision":"block","reason":"The prompt holds what looks like an AWS"#));
    assert!(!text(&secret).contains("AKIA"));
    let start = answer("Stop", &json!({ "hook_event_name": "SessionStart", "source": "startup" }));
    assert!(
        text(&start).starts_with(r#"{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"A "#)
    );
}

#[test]
fn without_a_payload_only_the_gate_refuses() {
    for (event, _) in EVENTS {
        let intent = FACTORY_DROID.without_judgement(Some(event), "read a payload");
        assert_eq!(matches!(intent, Intent::BlockingError(_)), *event == "PreToolUse", "{event}");
    }
    assert_eq!(FACTORY_DROID.without_judgement(None, "read a payload"), Intent::GracefulExit);
}

#[test]
fn fields_that_no_decision_needs_may_be_anything() {
    for (event, _) in EVENTS {
        let payload = json!({
            "hook_event_name": event, "session_id": 7, "cwd": null, "permission_mode": {}, "tool_name": "Grep",
            "tool_input": [], "tool_response": "x", "stop_hook_active": "yes", "message": 1, "new": { "a": 1 }
        });
        assert!(!matches!(answer("Stop", &payload), Intent::BlockingError(_) | Intent::Decision { .. }), "{event}");
    }
}
