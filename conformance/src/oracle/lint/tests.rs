//! The same hooks on several platforms: what each of them is told.

use rstest::rstest;

use crate::contract::{Library, Question};
use crate::oracle::{Ended, Facts, interpret};

/// A denial as Claude Code and its kin spell it, for no event in particular.
const NESTED: &str =
    r#"{"hookSpecificOutput":{"hookEventName":"X","permissionDecision":"deny","permissionDecisionReason":"no"}}"#;
/// The same without the object around it.
const FLAT: &str = r#"{"permissionDecision":"deny","permissionDecisionReason":"no"}"#;
const BLOCK: &str = r#"{"decision":"block","reason":"no"}"#;

/// The problems of a run, each once, in order.
fn told(platform: &str, event: &str, exit: i32, stdout: &str, stderr: &str) -> Vec<String> {
    let contract = Library::built_in().unwrap().select(platform).unwrap();
    let facts = Facts::new(Ended::Exit(exit), stdout.as_bytes(), stderr.as_bytes());
    let effect = interpret(&contract, &contract.events[event], &facts);
    let mut ids: Vec<String> = effect.problems.into_iter().map(|problem| problem.requirement).collect();
    ids.sort();
    ids.dedup();
    ids
}

#[rstest]
#[case::nested_where_flat("gemini-cli", "BeforeTool", NESTED, &["schema.decision-not-read", "schema.unknown-field"])]
#[case::nested_where_flat("cursor", "beforeShellExecution", NESTED, &["schema.decision-not-read"])]
#[case::nested_where_flat("cline-vscode", "PreToolUse", BLOCK, &["schema.decision-not-read", "schema.unknown-field"])]
#[case::of_another_event("cursor", "preToolUse", BLOCK, &["schema.decision-not-read", "schema.foreign-field"])]
#[case::another_word("crush", "PreToolUse", r#"{"permission":"deny"}"#, &["schema.decision-not-read"])]
#[case::flat_where_nested("qwen-code", "PreToolUse", FLAT, &["schema.misplaced-field"])]
#[case::flat_where_nested("factory-droid", "PreToolUse", FLAT, &["schema.misplaced-field"])]
#[case::flat_where_nested("augment", "Stop", BLOCK, &["schema.misplaced-field"])]
#[case::its_own_form("copilot-cli", "preToolUse", FLAT, &[])]
#[case::its_own_form("gemini-cli", "BeforeTool", BLOCK, &[])]
#[case::never_read("windsurf", "pre_run_command", BLOCK, &["stream.json-never-read"])]
#[case::never_read("kiro-cli", "preToolUse", BLOCK, &["stream.json-never-read"])]
#[case::never_read("kiro-v3", "PreToolUse", BLOCK, &["stream.json-never-read"])]
#[case::asks_for_nothing("windsurf", "pre_run_command", r#"{"continue":true}"#, &["stream.text-reaches-nobody"])]
#[case::a_word_that_is_ignored("augment", "PreToolUse", r#"{"hookSpecificOutput":{"permissionDecision":"ask"}}"#, &["schema.value"])]
#[case::a_text_that_is_needed("vscode-copilot", "Stop", r#"{"hookSpecificOutput":{"hookEventName":"Stop","decision":"block"}}"#, &["schema.needed-text"])]
#[case::silence("windsurf", "pre_run_command", "", &[])]
#[case::silence("cursor", "beforeShellExecution", "", &["stream.silence-at-gate"])]
#[case::consent("cursor", "beforeShellExecution", r#"{"permission":"allow"}"#, &[])]
#[case::only_json("codex", "Stop", "all is well", &["stream.text-refused"])]
#[case::text_is_read("codex", "SessionStart", "all is well", &[])]
fn an_answer_at_exit_zero(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] stdout: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(told(platform, event, 0, stdout, ""), expected);
}

#[rstest]
#[case::no_text("codex", "PreToolUse", 2, "", &["exit.two-needs-stderr"])]
#[case::no_text("gemini-cli", "BeforeTool", 2, "", &["exit.two-needs-stderr"])]
#[case::no_text("kiro-v3", "PreToolUse", 2, "", &["exit.two-needs-stderr"])]
#[case::no_text("claude-code", "PreToolUse", 2, "", &["exit.two-without-reason"])]
#[case::text("codex", "PreToolUse", 2, "not here", &[])]
#[case::no_effect("cline-vscode", "PreToolUse", 2, "not here", &["exit.two-where-nothing-blocks"])]
#[case::error_denies("copilot-cli", "preToolUse", 1, "Traceback", &["exit.denies-by-accident"])]
#[case::error_denies("gemini-cli", "BeforeTool", 127, "no jq", &["exit.denies-by-accident", "exit.reserved-code"])]
#[case::nothing_to_deny("gemini-cli", "SessionStart", 127, "no jq", &["exit.failure", "exit.reserved-code"])]
#[case::nothing_to_deny("gemini-cli", "SessionEnd", 3, "Traceback", &["exit.failure"])]
#[case::nothing_to_deny("gemini-cli", "AfterModel", 127, "no jq", &["exit.failure", "exit.reserved-code"])]
#[case::nothing_to_deny("gemini-cli", "SessionStart", 2, "not today", &["exit.two-where-nothing-blocks"])]
#[case::what_is_done_is_told("gemini-cli", "AfterTool", 2, "look again", &[])]
#[case::what_is_done_is_told("claude-code", "PostToolUse", 2, "look again", &[])]
#[case::its_own_code("crush", "PreToolUse", 49, "stop here", &[])]
#[case::error("crush", "PreToolUse", 1, "Traceback", &["exit.failure"])]
#[case::error("claude-code", "PreToolUse", 1, "Traceback", &["exit.failure"])]
fn an_exit_code(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] exit: i32,
    #[case] stderr: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(told(platform, event, exit, "", stderr), expected);
}

#[rstest]
#[case::not_read("codex", "PreToolUse", &["exit.answer-not-read"])]
#[case::read("claude-code", "PreToolUse", &["exit.code-beside-answer"])]
fn an_answer_beside_an_error(#[case] platform: &str, #[case] event: &str, #[case] expected: &[&str]) {
    assert_eq!(told(platform, event, 1, &NESTED.replace("\"X\"", &format!("{event:?}")), ""), expected);
}

#[test]
fn an_answer_that_names_another_event_is_told_although_only_a_part_of_it_is_dropped() {
    let ids = told("vscode-copilot", "PreToolUse", 0, &NESTED.replace("\"X\"", "\"PostToolUse\""), "");
    assert_eq!(ids, ["schema.event-name-wrong"]);
}

/// The same with an option of the handler.
fn told_with(platform: &str, event: &str, option: &str, exit: i32, stdout: &str, stderr: &str) -> Vec<String> {
    let contract = Library::built_in().unwrap().select(platform).unwrap();
    let mut facts = Facts::new(Ended::Exit(exit), stdout.as_bytes(), stderr.as_bytes());
    facts.handler.insert(option.to_owned(), "true".to_owned());
    let effect = interpret(&contract, &contract.events[event], &facts);
    effect.problems.into_iter().map(|problem| problem.requirement).collect()
}

const ANNOUNCED: &str = "{\"async\":true}\n";
const DENY: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}"#;
const GRANT: &str = r#"{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}"#;
const LATER: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","additionalContext":"tests pass"}}"#;

#[rstest]
#[case::exit_two("claude-code", "PreToolUse", 2, "", "no", true)]
#[case::a_denial("claude-code", "PreToolUse", 0, DENY, "", true)]
#[case::a_stop("claude-code", "Stop", 2, "", "not yet", true)]
#[case::a_permission("claude-code", "PermissionRequest", 0, GRANT, "", true)]
#[case::a_prompt("claude-code", "UserPromptSubmit", 2, "", "no", true)]
#[case::context_comes_later("claude-code", "PreToolUse", 0, LATER, "", false)]
#[case::a_failure("claude-code", "PreToolUse", 1, "", "oh", false)]
#[case::nothing_to_block("claude-code", "PostToolUse", 2, "", "tests failed", false)]
#[case::silence("claude-code", "PreToolUse", 0, "", "", false)]
#[case::elsewhere("codex", "PreToolUse", 2, "", "no", true)]
#[case::elsewhere("qwen-code", "PreToolUse", 2, "", "no", true)]
#[case::without_the_option("cursor", "preToolUse", 2, "", "no", false)]
fn a_decision_in_the_background_comes_too_late(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] exit: i32,
    #[case] stdout: &str,
    #[case] stderr: &str,
    #[case] found: bool,
) {
    let ids = told_with(platform, event, "async", exit, stdout, stderr);
    assert_eq!(ids.contains(&"security.background-decision".to_owned()), found, "{ids:?}");
}

#[rstest]
#[case::exit_two(2, "", true)]
#[case::a_line_behind_it(0, DENY, true)]
#[case::context_behind_it(0, LATER, false)]
#[case::nothing_behind_it(0, "", false)]
fn a_decision_behind_an_announcement_comes_too_late(#[case] exit: i32, #[case] rest: &str, #[case] found: bool) {
    let ids = told("claude-code", "PreToolUse", exit, &format!("{ANNOUNCED}{rest}"), "no");
    assert_eq!(ids.contains(&"security.background-decision".to_owned()), found, "{ids:?}");
}

#[test]
fn a_decision_in_one_document_with_the_announcement_comes_too_late() {
    let both = r#"{"async":true,"decision":"block","reason":"no"}"#;
    assert!(told("claude-code", "Stop", 0, both, "").contains(&"security.background-decision".to_owned()));
}

/// The effect of a run with options of its handler.
fn effect_with(platform: &str, event: &str, stdout: &str, handler: &[(&str, &str)]) -> crate::oracle::Effect {
    let contract = Library::built_in().unwrap().select(platform).unwrap();
    let mut facts = Facts::new(Ended::Exit(0), stdout.as_bytes(), b"");
    facts.handler = handler.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    interpret(&contract, &contract.events[event], &facts)
}

#[rstest]
#[case::shown("pre_run_command", &[("show_output", "true")], &[], &["checked"])]
#[case::not_asked_for("pre_run_command", &[], &["stream.text-reaches-nobody"], &[])]
#[case::not_asked_for("pre_run_command", &[("show_output", "false")], &["stream.text-reaches-nobody"], &[])]
#[case::does_not_apply("post_cascade_response", &[("show_output", "true")], &["stream.text-reaches-nobody"], &[])]
#[case::does_not_apply("pre_user_prompt", &[("show_output", "true")], &["stream.text-reaches-nobody"], &[])]
fn text_that_an_option_shows(
    #[case] event: &str,
    #[case] handler: &[(&str, &str)],
    #[case] expected: &[&str],
    #[case] shown: &[&str],
) {
    let effect = effect_with("windsurf", event, "checked\n", handler);
    let ids: Vec<&str> = effect.problems.iter().map(|problem| problem.requirement.as_str()).collect();
    assert_eq!(
        (ids.as_slice(), effect.user_sees.as_slice()),
        (expected, &shown.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()[..])
    );
}

#[rstest]
#[case(
    "claude-code",
    "PreToolUse",
    r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#,
    Some(Question::Skipped)
)]
#[case("copilot-cli", "PreToolUse", r#"{"permissionDecision":"allow"}"#, Some(Question::Skipped))]
#[case("gemini-cli", "BeforeTool", r#"{"decision":"allow"}"#, Some(Question::Kept))]
#[case("qwen-code", "PreToolUse", r#"{"decision":"approve"}"#, Some(Question::Kept))]
#[case("antigravity", "PreToolUse", r#"{"decision":"allow"}"#, Some(Question::Kept))]
#[case("antigravity", "PreToolUse", r#"{"decision":"deny","reason":"no"}"#, None)]
#[case("claude-code", "PreToolUse", "", None)]
fn what_an_allow_means(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] stdout: &str,
    #[case] expected: Option<Question>,
) {
    assert_eq!(effect_with(platform, event, stdout, &[]).question, expected);
}
