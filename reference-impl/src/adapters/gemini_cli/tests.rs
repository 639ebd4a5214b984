use super::*;
use crate::adapters::Adapter;
use rstest::rstest;
use serde_json::{Value, json};

fn answer(event: Option<&str>, payload: &Value) -> Intent {
    GEMINI_CLI.answer(event, &payload.to_string(), &mut Notes::default()).expect("an answer")
}

fn text(intent: &Intent) -> &str {
    match intent {
        Intent::Decision { document, .. } | Intent::ModelContext(document) => document.as_str(),
        other => panic!("no document: {other:?}"),
    }
}

#[test]
fn all_11_events_are_there_once() {
    let mut names = GEMINI_CLI.events();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 11);
    assert_eq!(EVENTS.len(), 11);
}

#[rstest]
#[case("run_shell_command", json!({ "command": "rm -rf ~" }), true)]
#[case("run_shell_command", json!({ "command": "cd build && rm -rf /", "description": "d" }), true)]
#[case("run_shell_command", json!({ "command": "rm -rf *", "dir_path": "/" }), true)]
#[case("run_shell_command", json!({ "command": "rm -rf *", "dir_path": "../.." }), true)]
#[case("run_shell_command", json!({ "command": "rm -rf *", "dir_path": "build" }), false)]
#[case("run_shell_command", json!({ "command": "ls", "dir_path": 7 }), false)]
#[case("run_shell_command", json!({ "command": ["rm", "-rf", "/"] }), true)]
#[case("run_shell_command", json!("rm -rf /"), true)]
#[case("run_shell_command", json!({}), false)]
#[case("write_file", json!({ "file_path": "/home/dev/.ssh/authorized_keys", "content": "x" }), true)]
#[case("replace", json!({ "file_path": "../../../etc/hosts", "old_string": "", "new_string": "" }), true)]
#[case("write_file", json!({ "file_path": "x.txt", "content": "rm -rf /" }), false)]
#[case("read_file", json!({ "file_path": "/etc/hosts" }), false)]
#[case("mcp_files_write", json!({ "file_path": "/etc/hosts", "command": "rm -rf /" }), false)]
fn tool_calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
    let payload = json!({ "cwd": "/home/dev/project", "tool_name": tool, "tool_input": input });
    let intent = answer(Some("BeforeTool"), &payload);
    if refused {
        let output: Value = serde_json::from_str(text(&intent)).expect("JSON");
        assert_eq!(output["decision"], "deny");
        assert!(output["reason"].as_str().is_some_and(|reason| reason.len() > 40));
    } else {
        assert_eq!(intent, Intent::GracefulExit);
    }
}

#[rstest]
#[case(json!({ "tool_name": "run_shell_command", "tool_input": { "command": "rm -rf /" } }), true)]
#[case(json!({ "tool_input": { "command": "ls" } }), true)]
#[case(json!({ "tool_name": "run_shell_command" }), false)]
fn calls_without_folder_or_name(#[case] payload: Value, #[case] refused: bool) {
    assert_eq!(answer(Some("BeforeTool"), &payload) != Intent::GracefulExit, refused);
}

#[test]
fn documents_have_the_shape_of_the_contract() {
    let mut notes = Notes::default();
    let denied = deny("BeforeTool", "r", &mut notes).expect("an intent");
    assert_eq!(text(&denied), r#"{"decision":"deny","reason":"r"}"#);
    let prompt = answer(None, &json!({ "hook_event_name": "BeforeAgent", "cwd": "/a/b", "prompt": "hello" }));
    assert_eq!(
        text(&prompt),
        r#"{"hookSpecificOutput":{"hookEventName":"BeforeAgent","additionalContext":"Project: \"b\". Destructive commands are refused; prefer narrow ones."}}"#
    );
    let start = answer(Some("SessionEnd"), &json!({ "hook_event_name": "SessionStart", "source": "startup" }));
    assert!(
        text(&start).starts_with(r#"{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"A "#)
    );
}

#[test]
fn a_prompt_with_a_secret_is_refused_and_not_repeated() {
    let payload = json!({ "hook_event_name": "BeforeAgent", "prompt": "use AKIAIOSFODNN7EXAMPLE" });
    let intent = answer(None, &payload);
    assert!(text(&intent).starts_with(r#"{"decision":"deny","reason":"The prompt holds what looks like an AWS"#));
    assert!(!text(&intent).contains("AKIA"));
}

#[rstest]
#[case(json!(false), "TODO(before-stop): run the tests", true)]
#[case(json!(null), "TODO(before-stop): run the tests", true)]
#[case(json!(true), "TODO(before-stop): run the tests", false)]
#[case(json!("yes"), "TODO(before-stop): run the tests", false)]
#[case(json!(false), "all done", false)]
fn unfinished_work_is_held_back_once(#[case] active: Value, #[case] message: &str, #[case] held: bool) {
    let payload = json!({ "hook_event_name": "AfterAgent", "prompt_response": message, "stop_hook_active": active });
    assert_eq!(answer(None, &payload) != Intent::GracefulExit, held);
}

#[rstest]
#[case(Some("BeforeTool"), true)]
#[case(Some("BeforeAgent"), false)]
#[case(Some("AfterModel"), false)]
#[case(None, false)]
fn without_a_payload_only_the_gate_refuses(#[case] event: Option<&str>, #[case] refuses: bool) {
    let intent = GEMINI_CLI.without_judgement(event, "read a payload");
    assert_eq!(matches!(intent, Intent::BlockingError(_)), refuses);
}

#[test]
fn fields_that_no_decision_needs_may_be_anything() {
    for (event, _) in EVENTS {
        let payload = json!({
            "hook_event_name": event, "session_id": 7, "cwd": null, "timestamp": [], "tool_name": "read_file",
            "llm_request": 1, "details": "x", "prompt_response": {}, "new": { "a": 1 }
        });
        assert!(!matches!(answer(None, &payload), Intent::BlockingError(_) | Intent::Decision { .. }), "{event}");
    }
}
