//! What `interpret` and `check` say of answers that a platform reads in part or not at all.

#[cfg(unix)]
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use serde_json::Value;

use crate::hookproof;

const ASK: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"ask"}}"#;

/// The requirements that `interpret` names for a run.
fn named(platform: &str, event: &str, exit: &str, stdout: &str, stderr: &str, handler: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    std::fs::write(&out, stdout).expect("a file");
    std::fs::write(&err, stderr).expect("a file");
    let mut command = hookproof(&["interpret", "--platform", platform, "--event", event, "--exit", exit]);
    command.args(["--format", "json", "--stdout"]).arg(&out).arg("--stderr").arg(&err);
    for option in handler {
        command.args(["--handler", option]);
    }
    let output = command.assert().success();
    let effect: Value = serde_json::from_slice(&output.get_output().stdout).expect("the effect is JSON");
    let problems = effect["problems"].as_array().expect("a list").iter();
    problems.map(|problem| problem["requirement"].as_str().unwrap_or_default().to_owned()).collect()
}

#[rstest]
#[case::banner("claude-code", "PreToolUse", "0", "checking\n{\"permissionDecision\":\"deny\"}\n", "", &[], &["stream.noise-before-json", "schema.misplaced-field"])]
#[case::ask_on_stderr("claude-code", "PreToolUse", "2", "", ASK, &[], &["stream.decision-on-stderr"])]
#[case::foreign_word("claude-code", "PreToolUse", "0", "{\"approve\":false}", "", &[], &["schema.decision-not-read"])]
#[case::harmless("claude-code", "PreToolUse", "0", "{\"systemMessage\":\"ok\",\"action\":\"logged\",\"status\":\"ok\"}", "", &[], &["schema.extra-keys"])]
#[case::shown("windsurf", "pre_run_command", "0", "checked\n", "", &["show_output=true"], &[])]
#[case::not_shown("windsurf", "pre_run_command", "0", "checked\n", "", &[], &["stream.text-reaches-nobody"])]
#[case::never_shown("windsurf", "post_cascade_response", "0", "checked\n", "", &["show_output=true"], &["stream.text-reaches-nobody"])]
#[case::nothing_to_deny("gemini-cli", "SessionStart", "127", "", "jq: not found\n", &[], &["exit.failure", "exit.reserved-code"])]
fn interpret_names(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] exit: &str,
    #[case] stdout: &str,
    #[case] stderr: &str,
    #[case] handler: &[&str],
    #[case] expected: &[&str],
) {
    assert_eq!(named(platform, event, exit, stdout, stderr, handler), expected);
}

#[rstest]
#[case(
    "claude-code",
    "PreToolUse",
    r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#,
    "goes on without asking the person"
)]
#[case("gemini-cli", "BeforeTool", r#"{"decision":"allow"}"#, "goes on by its own permission rules")]
#[case("antigravity", "PreToolUse", r#"{"decision":"allow"}"#, "goes on by its own permission rules")]
fn an_allow_is_told_as_the_platform_takes_it(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] stdout: &str,
    #[case] told: &str,
) {
    hookproof(&["interpret", "--platform", platform, "--event", event, "--stdout", "-"])
        .write_stdin(stdout)
        .assert()
        .success()
        .stdout(contains(told));
}

#[test]
#[cfg(unix)]
fn an_allow_that_skips_no_question_is_no_danger() {
    let check = |platform: &str, event: &str, answer: &str| {
        let line = format!("cat >/dev/null; printf '%s' '{answer}'");
        let command = [
            "check",
            "-v",
            "--platform",
            platform,
            "--event",
            event,
            "--scenario",
            "baseline",
            "--",
            "sh",
            "-c",
            &line,
        ];
        hookproof(&command).assert()
    };
    let dangerous = contains("security.allows-dangerous");
    check("gemini-cli", "BeforeTool", r#"{"decision":"allow"}"#).stdout(dangerous.clone().not());
    let nested = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#;
    check("claude-code", "PreToolUse", nested).stdout(dangerous);
}

#[test]
#[cfg(unix)]
fn both_faults_of_a_banner_before_a_misplaced_denial_are_reported() {
    let line = r#"cat >/dev/null; echo checking; echo '{"permissionDecision":"deny"}'"#;
    let said = checked("claude-code", "PreToolUse", "baseline", line);
    assert!(
        contains("error[stream.noise-before-json]").and(contains("error[schema.misplaced-field]")).eval(&said),
        "{said}"
    );
}

#[test]
#[cfg(unix)]
fn a_decision_that_is_none_does_not_keep_the_agent_from_stopping() {
    let line = r#"cat >/dev/null; echo '{"decision":"deny"}'"#;
    let said = checked("claude-code", "Stop", "baseline", line);
    assert!(contains("error[schema.value]").and(contains("input.stop-hook-active").not()).eval(&said), "{said}");
}

/// What `check` says of a shell hook at one event, in one scenario beside the baseline.
#[cfg(unix)]
fn checked(platform: &str, event: &str, scenario: &str, line: &str) -> String {
    let scenarios = ["--scenario", "baseline", "--scenario", scenario];
    let output = hookproof(&["check", "-v", "--platform", platform, "--event", event])
        .args(scenarios)
        .args(["--", "sh", "-c", line])
        .assert();
    String::from_utf8_lossy(&output.get_output().stdout).into_owned()
}

#[rstest]
#[case::event(
    "SessionStart",
    r#"case "$(cat)" in *'"hookEventName":"SessionStart"'*) echo 'Mind the style.';; esac"#,
    "`hookEventName`",
    true
)]
#[case::windsurf(
    "SessionStart",
    r#"case "$(cat)" in *'"agent_action_name":'*) echo 'Mind the style.';; esac"#,
    "`agent_action_name`",
    true
)]
#[case::tool(
    "PreToolUse",
    r#"case "$(cat)" in *'"toolName":"Bash"'*) echo 'not here' >&2; exit 2;; esac"#,
    "`toolName`",
    true
)]
#[case::other_words(
    "PreToolUse",
    r#"case "$(cat)" in *'"toolName":"Bash"'*) w=fast;; *) w=slow;; esac
    echo "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"additionalContext\":\"$w\"}}""#,
    "`toolName`",
    true
)]
#[case::both(
    "SessionStart",
    r#"case "$(cat)" in *'"hookEventName":'*|*'"hook_event_name":'*) echo 'Mind the style.';; esac"#,
    "",
    false
)]
#[case::logger("SessionStart", "cat", "", false)]
#[case::silent("SessionStart", "cat >/dev/null", "", false)]
#[cfg(unix)]
fn a_hook_that_reads_another_platforms_name_is_reported(
    #[case] event: &str,
    #[case] line: &str,
    #[case] field: &str,
    #[case] expected: bool,
) {
    let told = checked("claude-code", event, "misnamed", line);
    assert_eq!(told.contains("input.foreign-name"), expected, "{told}");
    assert!(!expected || told.contains(field), "{told}");
}

#[rstest]
#[case::text(r#"case "$(cat)" in *'"user_prompt":'*) echo 'Mind the style.';; esac"#, true)]
#[case::real(r#"case "$(cat)" in *'"prompt":'*) echo 'Mind the style.';; esac"#, false)]
#[case::copy("cat", false)]
#[cfg(unix)]
fn texts_of_a_hook_that_reads_an_unsent_field_count(#[case] line: &str, #[case] expected: bool) {
    let told = checked("claude-code", "UserPromptSubmit", "misplaced", line);
    assert_eq!(told.contains("input.deaf"), expected, "{told}");
}
