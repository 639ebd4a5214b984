//! Responses and counts.

use rstest::rstest;

use super::*;
use crate::contract::{Contract, Library};
use crate::oracle::{Ended, Facts, interpret};

fn contract(platform: &str) -> Contract {
    Library::built_in().expect("contracts").select(platform).expect("the platform")
}

fn response(platform: &str, event: &str, code: i32, stdout: &str, stderr: &str) -> Response {
    let contract = contract(platform);
    let event = &contract.events[event];
    let facts = Facts::new(Ended::Exit(code), stdout.as_bytes(), stderr.as_bytes());
    Response::of(event, &interpret(&contract, event, &facts), stdout.as_bytes(), stderr.as_bytes())
}

const DENY: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}"#;
const ASK: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"ask","permissionDecisionReason":"?"}}"#;
const CONTEXT: &str = r#"{"hookSpecificOutput":{"hookEventName":"PostToolUse","additionalContext":"tests failed"}}"#;

#[rstest]
#[case::exit_two("claude-code", "PreToolUse", 2, "", "no", Response::Blocked)]
#[case::deny("claude-code", "PreToolUse", 0, DENY, "", Response::Blocked)]
#[case::ask("claude-code", "PreToolUse", 0, ASK, "", Response::Asked)]
#[case::exit_one_stops_nothing("claude-code", "PreToolUse", 1, "", "no", Response::Failed)]
#[case::a_denial_that_is_refused(
    "claude-code",
    "PreToolUse",
    0,
    r#"{"decision":"deny","reason":"no"}"#,
    "",
    Response::Failed
)]
#[case::a_denial_that_is_dropped(
    "claude-code",
    "PreToolUse",
    0,
    r#"{"permissionDecision":"deny"}"#,
    "",
    Response::NoEffect
)]
#[case::stderr_at_success("claude-code", "PreToolUse", 0, "", "careful", Response::NoEffect)]
#[case::silence("claude-code", "PreToolUse", 0, "", "", Response::Silent)]
#[case::an_empty_document("claude-code", "PreToolUse", 0, "{}", "", Response::Silent)]
#[case::no_objection(
    "claude-code",
    "PreToolUse",
    0,
    r#"{"continue":true,"suppressOutput":true}"#,
    "",
    Response::Silent
)]
#[case::the_end_of_the_turn(
    "claude-code",
    "PreToolUse",
    0,
    r#"{"continue":false,"stopReason":"no"}"#,
    "",
    Response::Blocked
)]
#[case::a_message("claude-code", "PreToolUse", 0, r#"{"systemMessage":"hm"}"#, "", Response::Message)]
#[case::after_a_tool("claude-code", "PostToolUse", 0, CONTEXT, "", Response::Context)]
#[case::nothing_is_blocked_after_a_tool("claude-code", "PostToolUse", 2, "", "tests failed", Response::Context)]
#[case::a_stop_that_is_held_up("claude-code", "Stop", 2, "", "not yet", Response::Blocked)]
#[case::text_for_the_model("claude-code", "SessionStart", 0, "rules", "", Response::Context)]
#[case::permission_is_left_to_the_user("claude-code", "PermissionRequest", 0, "", "", Response::Silent)]
#[case::claudes_words_mean_nothing_there("windsurf", "pre_run_command", 0, DENY, "", Response::NoEffect)]
fn a_response_is_what_the_platform_makes_of_it(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] code: i32,
    #[case] stdout: &str,
    #[case] stderr: &str,
    #[case] expected: Response,
) {
    assert_eq!(response(platform, event, code, stdout, stderr), expected);
}

/// An activity at PreToolUse: hook, kind of payload, response.
fn activity(runs: &[(&str, PayloadKind, Response)]) -> Activity {
    let contract = contract("claude-code");
    let mut activity = Activity::default();
    for (subject, kind, response) in runs {
        activity.add(subject, &contract.events["PreToolUse"], *kind, *response);
    }
    activity
}

#[rstest]
#[case::a_guard(&[("a", PayloadKind::Dangerous, Response::Blocked), ("a", PayloadKind::Harmless, Response::Silent)], None)]
#[case::silent(&[("a", PayloadKind::Dangerous, Response::Silent)], Some("it never spoke"))]
#[case::a_log(&[("a", PayloadKind::Dangerous, Response::NoEffect), ("a", PayloadKind::Harmless, Response::Silent)],
    Some("it never had an effect"))]
#[case::failing(&[("a", PayloadKind::Dangerous, Response::Failed)], Some("it failed on every payload"))]
#[case::all_blocked(&[("a", PayloadKind::Dangerous, Response::Blocked), ("a", PayloadKind::Harmless, Response::Blocked)],
    Some("it answered everything alike"))]
#[case::only_threats_seen(&[("a", PayloadKind::Dangerous, Response::Blocked)], None)]
#[case::one_of_two(&[("a", PayloadKind::Dangerous, Response::Blocked), ("b", PayloadKind::Dangerous, Response::Silent)],
    Some("1 of 2 hooks never spoke"))]
#[case::nothing(&[], None)]
fn a_hook_that_does_nothing_is_not_just_conforming(
    #[case] runs: &[(&str, PayloadKind, Response)],
    #[case] said: Option<&str>,
) {
    assert_eq!(activity(runs).reservation().as_deref(), said);
}

#[test]
fn a_hook_that_no_payload_reaches_was_never_run() {
    let contract = contract("claude-code");
    let mut activity = Activity::default();
    activity.add_not_run("a", &contract.events["PreToolUse"], PayloadKind::Dangerous, 3);
    assert_eq!(activity.reservation().as_deref(), Some("it was never run"));
    assert_eq!(activity.blocked(PayloadKind::Dangerous), (0, 0));
}

#[test]
fn counts_are_stored_and_read_again() {
    let activity = activity(&[
        ("a", PayloadKind::Dangerous, Response::Blocked),
        ("a", PayloadKind::Dangerous, Response::NoEffect),
        ("a", PayloadKind::Harmless, Response::Silent),
    ]);
    assert_eq!(activity.blocked(PayloadKind::Dangerous), (1, 2));
    let text = serde_json::to_string(&activity).expect("writes");
    assert!(text.contains(r#""dangerous":{"run":2,"blocked":1,"no-effect":1}"#), "{text}");
    assert_eq!(serde_json::from_str::<Activity>(&text).expect("reads"), activity);
}
