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
#[case::nested_where_flat("gemini-cli", "BeforeTool", NESTED, &["schema.decision-not-read"])]
#[case::nested_where_flat("cursor", "beforeShellExecution", NESTED, &["schema.decision-not-read"])]
#[case::nested_where_flat("cline-vscode", "PreToolUse", BLOCK, &["schema.decision-not-read"])]
#[case::of_another_event("cursor", "preToolUse", BLOCK, &["schema.decision-not-read"])]
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
#[case::silence("antigravity", "PreToolUse", "", &["stream.silence-asks"])]
#[case::consent("antigravity", "PreToolUse", r#"{"decision":"allow"}"#, &[])]
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

const ALLOW: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#;

#[rstest]
#[case(r#"{"approve":false}"#)]
#[case(r#"{"allowed":false,"message":"no"}"#)]
#[case(r#"{"block":true}"#)]
#[case(r#"{"action":"deny","message":"no"}"#)]
#[case(r#"{"permission":"deny","agent_message":"no"}"#)]
#[case(r#"{"permission":"ask"}"#)]
#[case(r#"{"verdict":"blocked"}"#)]
#[case(r#"{"status":"blocked"}"#)]
#[case(r#"{"ok":false}"#)]
#[case(r#"{"result":{"allow":false}}"#)]
#[case(r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","action":"deny"}}"#)]
fn a_decision_in_a_field_of_its_own(#[case] stdout: &str) {
    assert_eq!(told("claude-code", "PreToolUse", 0, stdout, ""), ["schema.decision-not-read"], "{stdout}");
}

#[rstest]
#[case("claude-code", "PreToolUse", r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"},"action":"logged","status":"ok","permission_mode":"default"}"#)]
#[case("claude-code", "PreToolUse", r#"{"action":"logged"}"#)]
#[case("claude-code", "Stop", r#"{"decision":"block","reason":"run the tests","message":"x"}"#)]
#[case("claude-code", "PostToolUse", r#"{"hookSpecificOutput":{"hookEventName":"PostToolUse","additionalContext":"fine"},"allowed":true,"severity":"low"}"#)]
#[case(
    "claude-code",
    "SessionStart",
    r#"{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":"fine","message":"hello"}}"#
)]
#[case("gemini-cli", "BeforeTool", r#"{"decision":"allow","action":"logged"}"#)]
#[case("crush", "PreToolUse", r#"{"decision":"deny","reason":"no","severity":2}"#)]
fn harmless_keys_are_one_advice(#[case] platform: &str, #[case] event: &str, #[case] stdout: &str) {
    let contract = Library::built_in().unwrap().select(platform).unwrap();
    let facts = Facts::new(Ended::Exit(0), stdout.as_bytes(), b"");
    let problems = interpret(&contract, &contract.events[event], &facts).problems;
    let ids: Vec<&str> = problems.iter().map(|problem| problem.requirement.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().filter(|id| *id != "schema.deprecated-field").collect();
    assert_eq!(ids, ["schema.extra-keys"], "{stdout}: {problems:?}");
    assert!(!problems.iter().any(|problem| problem.message.contains("has it")), "{problems:?}");
}

#[rstest]
#[case::banner("claude-code", "PreToolUse", "checking\n{\"permissionDecision\":\"deny\"}\n", &["schema.misplaced-field", "stream.noise-before-json"])]
#[case::after("claude-code", "PreToolUse", "{\"permissionDecision\":\"deny\"}\ndone\n", &["schema.misplaced-field", "stream.noise-after-json"])]
#[case::both("claude-code", "PreToolUse", "a\n{\"decision\":\"deny\"}\nb", &["schema.value", "stream.noise-after-json", "stream.noise-before-json"])]
#[case::foreign("claude-code", "PreToolUse", "checking\n{\"permission\":\"deny\"}\n", &["schema.decision-not-read", "stream.noise-before-json"])]
#[case::refused("codex", "PreToolUse", "checking\n{\"decision\":\"approve\"}", &["schema.refused-value", "stream.noise-before-json"])]
#[case::flat("factory-droid", "PreToolUse", "checking\n{\"permissionDecision\":\"deny\"}", &["schema.misplaced-field", "stream.noise-before-json"])]
#[case::gemini("gemini-cli", "BeforeTool", "checking\n{\"permission\":\"deny\"}", &["schema.decision-not-read", "stream.noise-before-json"])]
#[case::broken_too("claude-code", "PreToolUse", "checking\n{'decision': 'block'}", &["json.syntax", "stream.noise-before-json"])]
#[case::noise_is_found("cline-vscode", "PreToolUse", "checking\n{\"cancel\":true,\"errorMessage\":\"no\"}", &[])]
#[case::last_one_counts("cline-vscode", "PreToolUse", "{\"cancel\":true,\"errorMessage\":\"no\"}{\"cancel\":false}", &["stream.two-documents"])]
#[case::never_read("windsurf", "pre_run_command", "checking\n{\"decision\":\"block\",\"reason\":\"no\"}", &["stream.json-never-read"])]
#[case::glued("claude-code", "PreToolUse", "{\"a\":1}{\"b\":2}", &["stream.two-documents"])]
#[case::glued("claude-code", "PreToolUse", "{\"permissionDecision\":\"deny\"}{\"systemMessage\":\"x\"}", &["schema.misplaced-field", "stream.two-documents"])]
#[case::glued("codex", "PreToolUse", "{}{}", &["stream.two-documents"])]
#[case::glued("gemini-cli", "BeforeTool", "{\"decision\":\"deny\",\"reason\":\"no\"}{}", &["stream.two-documents"])]
#[case::a_log_before("claude-code", "PreToolUse", "{\"level\":\"info\",\"action\":\"deny\"} ok", &["stream.text-reaches-nobody"])]
fn what_is_around_a_document_hides_nothing(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] stdout: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(told(platform, event, 0, stdout, ""), expected, "{stdout}");
}

const NESTED_ASK: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"ask","permissionDecisionReason":"sure?"}}"#;

#[rstest]
#[case::ask("claude-code", "PreToolUse", 2, "", NESTED_ASK, &["stream.decision-on-stderr"])]
#[case::ask("codex", "PreToolUse", 2, "", NESTED_ASK, &["stream.decision-on-stderr"])]
#[case::ask("factory-droid", "PreToolUse", 2, "", NESTED_ASK, &["stream.decision-on-stderr"])]
#[case::foreign_ask("claude-code", "PreToolUse", 2, "", r#"{"permission":"ask"}"#, &["stream.decision-on-stderr"])]
#[case::allow("claude-code", "PreToolUse", 2, "", ALLOW, &["stream.decision-on-stderr"])]
#[case::deny("claude-code", "PreToolUse", 2, "", BLOCK, &["stream.raw-json-reason"])]
#[case::foreign_deny("claude-code", "PreToolUse", 2, "", r#"{"permission":"deny"}"#, &["stream.raw-json-reason"])]
#[case::deny("windsurf", "pre_run_command", 2, "", BLOCK, &["stream.raw-json-reason"])]
#[case::ask("windsurf", "pre_run_command", 2, "", r#"{"permission":"ask"}"#, &["stream.json-never-read"])]
#[case::with_text("claude-code", "PreToolUse", 2, "", "not here", &[])]
#[case::deny_at_zero("claude-code", "PreToolUse", 0, "", BLOCK, &["stream.decision-on-stderr"])]
#[case::foreign_at_zero("claude-code", "PreToolUse", 0, "", r#"{"permission":"deny"}"#, &["stream.decision-on-stderr"])]
#[case::at_one("claude-code", "PreToolUse", 1, "", BLOCK, &["exit.failure", "stream.decision-on-stderr"])]
#[case::beside_text("gemini-cli", "BeforeTool", 0, "checking", BLOCK, &["stream.decision-on-stderr"])]
#[case::read_there("gemini-cli", "BeforeTool", 0, "", BLOCK, &[])]
#[case::read_there("qwen-code", "PreToolUse", 2, "", r#"{"decision":"deny","reason":"no"}"#, &[])]
#[case::not_read_there("qwen-code", "PreToolUse", 2, NESTED_ASK, "careful", &["exit.answer-not-read"])]
#[case::beside_an_answer("claude-code", "PreToolUse", 0, "{}", BLOCK, &["stream.decision-on-stderr"])]
#[case::a_log("claude-code", "PreToolUse", 0, ALLOW, r#"{"level":"info","decision":"deny"}"#, &[])]
#[case::a_log("claude-code", "PreToolUse", 0, "", r#"{"time":"12:00","action":"blocked"}"#, &[])]
fn a_decision_on_stderr(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] exit: i32,
    #[case] stdout: &str,
    #[case] stderr: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(told(platform, event, exit, stdout, stderr), expected, "{stderr}");
}

/// Whatever stands on stdout: a hook that a platform takes for failed because of it has a finding.
#[test]
fn a_failure_by_stdout_alone_is_never_silent() {
    let library = Library::built_in().unwrap();
    let outputs = [
        "{}{}",
        "{",
        "}",
        "{]",
        "[1",
        "[]",
        "[{}]",
        "null",
        "1",
        "\"deny\"",
        "text",
        "{'a': 1}",
        "{\"a\": NaN}",
        "{} x",
        "x {}",
        "{\"decision\": 1}",
        "{\"continue\": \"false\"}",
        "{\"decision\": \"deny\"}",
        "{\"hookSpecificOutput\": []}",
        "{\"a\": 1}",
        "{\"hookSpecificOutput\": {\"hookEventName\": \"Nope\"}}",
        "HOOK_CONTROL\t{",
        "\u{feff}{}",
        "{\"cancel\": 1}",
        "{\"a\":1}\n{\"b\":2}",
    ];
    let mut silent = Vec::new();
    for platform in library.platforms() {
        let contract = library.select(platform).unwrap();
        for (name, event) in &contract.events {
            for stdout in outputs {
                let effect = interpret(&contract, event, &Facts::new(Ended::Exit(0), stdout.as_bytes(), b""));
                let untold = effect.problems.is_empty() && effect.hook_status == crate::oracle::HookStatus::Failed;
                silent.extend(untold.then(|| format!("{platform} {name} {stdout:?}")));
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn a_decision_that_is_none_does_not_hold_the_agent_back() {
    let contract = Library::built_in().unwrap().select("claude-code").unwrap();
    let facts = Facts::new(Ended::Exit(0), br#"{"decision":"deny"}"#, b"");
    let effect = interpret(&contract, &contract.events["Stop"], &facts);
    assert_eq!(effect.action, crate::contract::Action::Ends);
    assert_eq!(
        effect.problems.iter().map(|problem| problem.requirement.as_str()).collect::<Vec<_>>(),
        ["schema.value"]
    );
}
