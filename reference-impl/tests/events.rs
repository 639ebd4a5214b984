//! Every event, from payload to bytes: what is answered is what the contract of that event lets a hook answer.

mod common;

use std::path::Path;

use common::{Answer, dangerous, fixtures, payload, run};
use rstest::rstest;
use serde_json::{Value, json};

/// The events at which this hook never says anything.
const SILENT: &[&str] = &[
    "PermissionDenied",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "Setup",
    "SessionEnd",
    "StopFailure",
    "TeammateIdle",
    "TaskCompleted",
    "PreCompact",
    "PostCompact",
    "PreModelSwitch",
    "PostModelSwitch",
    "Notification",
    "MessageDisplay",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "InstructionsLoaded",
    "FileChanged",
    "DirectoryAdded",
];

/// Checks an answer against what the event allows, field by field.
fn check(event: &str, answer: &Answer) {
    assert_eq!(answer.code, Some(0), "{event}: {answer:?}");
    assert_eq!(answer.stderr, "", "{event}");
    if answer.stdout.is_empty() {
        return;
    }
    assert!(!SILENT.contains(&event), "{event} said {}", answer.stdout);
    if event == "WorktreeCreate" {
        let path = answer.stdout.strip_suffix('\n').expect("a line");
        assert!(Path::new(path).is_absolute() && Path::new(path).is_dir(), "{path}");
        return;
    }
    let document = answer.document();
    let keys: Vec<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_else(|| panic!("{event}: no text in {document}"));
        assert!(!text.trim().is_empty(), "{event}: blank text in {document}");
        assert!(text.encode_utf16().count() < 2_000, "{event}: long text");
    };
    match keys.as_slice() {
        ["decision", "reason"] => {
            let blocks = ["UserPromptSubmit", "UserPromptExpansion", "Stop", "SubagentStop", "TaskCreated"];
            assert!(blocks.contains(&event), "{event} blocked");
            assert_eq!(document["decision"], "block");
            text(&document["reason"]);
        }
        ["systemMessage"] => {
            assert_eq!(event, "CwdChanged");
            text(&document["systemMessage"]);
        }
        ["hookSpecificOutput"] => {
            let specific = &document["hookSpecificOutput"];
            assert_eq!(specific["hookEventName"], event);
            match event {
                "PreToolUse" => {
                    assert_eq!(specific["permissionDecision"], "deny");
                    text(&specific["permissionDecisionReason"]);
                    assert_eq!(specific.as_object().expect("an object").len(), 3);
                }
                "PermissionRequest" => {
                    assert_eq!(specific["decision"]["behavior"], "deny");
                    text(&specific["decision"]["message"]);
                    assert_eq!(specific.as_object().expect("an object").len(), 2);
                }
                "SessionStart" | "SubagentStart" | "UserPromptSubmit" => {
                    text(&specific["additionalContext"]);
                    assert_eq!(specific.as_object().expect("an object").len(), 2);
                }
                other => panic!("{other} takes no hookSpecificOutput of this hook"),
            }
        }
        other => panic!("{event}: {other:?}"),
    }
}

/// Runs a payload in a folder of its own, which stands for the session's folder where that one does not exist.
fn run_in_own_folder(event: &str, payload: &str) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = assert_cmd::Command::new(common::binary());
    command
        .args(["claude-code", event])
        .current_dir(folder.path())
        .env_remove("HOOKPROOF_REFERENCE_STATE")
        .write_stdin(payload);
    let answer = Answer::of(&command.output().expect("the program runs"));
    check(event, &answer);
    if event != "WorktreeCreate" {
        let left = std::fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(left, 0, "{event} left a file");
    }
    answer
}

#[test]
fn every_event_answers_the_common_fields_alone() {
    let events = hookproof_reference::events("claude-code").expect("the platform");
    assert_eq!(events.len(), 33);
    for event in events {
        let payload = payload(event, &json!({}));
        match event {
            "PreToolUse" => {
                let answer = run_in_own_folder(event, &payload);
                assert!(answer.stdout.contains("\"deny\""), "a call without a tool cannot be judged");
            }
            "PermissionRequest" => assert!(run_in_own_folder(event, &payload).stdout.contains("\"deny\"")),
            "WorktreeCreate" => {
                let answer = run(event, &payload);
                assert_eq!(answer.code, Some(1), "no name, no path: {answer:?}");
                assert!(answer.stdout.is_empty() && answer.stderr.contains("failed to create a worktree"));
            }
            _ => {
                run_in_own_folder(event, &payload);
            }
        }
    }
}

#[test]
fn every_payload_of_the_fixtures_is_answered_by_the_contract() {
    let mut seen = std::collections::BTreeSet::new();
    for fixture in fixtures() {
        let at = format!("{}/{}", fixture.event, fixture.name);
        let answer = run_in_own_folder(&fixture.event, &fixture.stdin.to_string());
        let has = |label: &str| fixture.labels.iter().any(|own| own == label);
        match fixture.event.as_str() {
            "PreToolUse" | "PermissionRequest" if has("dangerous") => {
                assert!(answer.stdout.contains("\"deny\""), "{at} passed");
            }
            "PreToolUse" | "PermissionRequest" if has("benign") => {
                assert!(answer.is_silent(), "{at}: {answer:?}");
            }
            "UserPromptSubmit" if has("secret") => {
                assert!(answer.stdout.contains("\"block\""), "{at} passed");
            }
            "UserPromptSubmit" if has("benign") => {
                assert!(!answer.stdout.contains("\"block\""), "{at}: {answer:?}");
            }
            "Stop" | "SubagentStop" if has("stop-active") => {
                assert!(answer.is_silent(), "{at}: {answer:?}");
            }
            "WorktreeCreate" => assert!(!answer.stdout.is_empty(), "{at}: {answer:?}"),
            _ => {}
        }
        // The event may also come from the payload alone.
        let mut command = assert_cmd::Command::new(common::binary());
        if !fixture.event.starts_with("Worktree") {
            command.arg("claude-code").write_stdin(fixture.stdin.to_string());
            assert_eq!(Answer::of(&command.output().expect("the program runs")), answer, "{at}");
        }
        seen.insert(fixture.event);
    }
    let events = hookproof_reference::events("claude-code").expect("the platform");
    assert_eq!(seen.len(), events.len(), "an event without a payload, or a payload without an event: {seen:?}");
}

#[test]
fn a_dangerous_call_is_denied_with_a_way_out() {
    let answer = run("PreToolUse", payload("PreToolUse", &dangerous()));
    check("PreToolUse", &answer);
    let document = answer.document();
    let reason = document["hookSpecificOutput"]["permissionDecisionReason"].as_str().expect("text");
    assert!(reason.contains("Remove only what is meant"), "{reason}");
}

#[test]
fn a_stop_is_held_once() {
    let message = |active: bool| {
        payload(
            "Stop",
            &json!({ "stop_hook_active": active, "last_assistant_message": "TODO(before-stop): run the tests" }),
        )
    };
    let first = run("Stop", message(false));
    check("Stop", &first);
    assert_eq!(first.document()["decision"], "block");
    assert!(run("Stop", message(true)).is_silent());
}

#[test]
fn worktrees_come_and_go() {
    let folder = tempfile::Builder::new().prefix("pro ject ü").tempdir().expect("a folder");
    let cwd = folder.path().to_str().expect("text");
    let create = payload("WorktreeCreate", &json!({ "cwd": cwd, "name": "feature/x" }));
    let first = run("WorktreeCreate", &create);
    check("WorktreeCreate", &first);
    assert_eq!(run("WorktreeCreate", &create), first, "the same again");
    let path = first.stdout.trim_end();
    assert!(Path::new(path).starts_with(cwd));
    let remove = payload("WorktreeRemove", &json!({ "worktree_path": path }));
    assert!(run("WorktreeRemove", &remove).is_silent());
    assert!(!Path::new(path).exists());
    assert!(run("WorktreeRemove", &remove).is_silent(), "nothing left to do");
    let foreign = payload("WorktreeRemove", &json!({ "worktree_path": cwd }));
    assert!(run("WorktreeRemove", &foreign).is_silent());
    assert!(folder.path().is_dir(), "not ours");
}

#[rstest]
#[case("Tomorrow", "Tomorrow")]
#[case("PreToolUse", "Tomorrow")]
#[case("Tomorrow", "")]
#[case("pretooluse", "pretooluse")]
fn an_unknown_event_is_met_with_silence(#[case] argument: &str, #[case] named: &str) {
    assert!(run(argument, payload(named, &dangerous())).is_silent());
}
