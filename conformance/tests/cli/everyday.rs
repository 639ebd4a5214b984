//! Hooks that fail in everyday ways: what is said of them, and what is not said of careful ones. Unix only: Windows starts no
//! scripts.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;

use crate::hookproof;

/// The report on a script in `sh` at an event of a platform, at the baseline and in `scenario`.
fn report(script: &str, platform: &str, event: &str, scenario: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hook.sh");
    fs::write(&path, script).expect("is written");
    let arguments = ["check", "-v", "--platform", platform, "--event", event, "--scenario", scenario, "--", "sh"];
    let output = hookproof(&arguments).arg(path).output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("is text");
    // Lines of a report are broken.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const FIELD: &str = r#"document=$(cat)
command=$(printf '%s' "$document" | sed -n 's/.*"command":"\(.*\)".*/\1/p')
"#;

#[rstest]
#[case("cursor", "beforeShellExecution", r#"{\"permission\":\"deny\",\"user_message\":\"blocked: $c\"}"#)]
#[case("gemini-cli", "BeforeTool", r#"{\"decision\":\"deny\",\"reason\":\"blocked: $c\"}"#)]
#[case("qwen-code", "PreToolUse", r#"{\"decision\":\"deny\",\"reason\":\"blocked: $c\"}"#)]
fn a_denial_that_repeats_the_command_as_text_is_no_json(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] answer: &str,
) {
    let script = |c: &str| format!("{FIELD}c={c}\ncase $document in *'rm -rf'*) printf '%s\\n' \"{answer}\" ;; esac\n");
    let careless = report(&script("$(printf '%b' \"$command\")"), platform, event, "odd-text");
    assert!(contains("/odd-text json.").eval(&careless), "{careless}");
    let careful = report(&script("'not here'"), platform, event, "odd-text");
    assert!(contains("odd-text json.").not().eval(&careful), "{careful}");
}

#[test]
fn a_denial_that_a_quote_in_a_comment_takes_away_is_found() {
    let script = "c=$(cat)\ncase $c in *\"'\"*) exit 0;; *'rm -rf'*) echo no >&2; exit 2;; esac\n";
    let text = report(script, "claude-code", "PreToolUse", "odd-text");
    assert!(contains("[consistency.odd-text]").eval(&text), "{text}");
    let script = "case $(cat) in *'rm -rf'*) echo no >&2; exit 2;; esac\n";
    let text = report(script, "claude-code", "PreToolUse", "odd-text");
    assert!(contains("consistency.odd-text").not().eval(&text), "{text}");
}

#[test]
fn a_rewrite_that_loses_fields_names_them() {
    let answer = |input: &str| {
        format!(
            "case $(cat) in *'\"Bash\"'*) ;; *) exit 0;; esac; echo '{{\"hookSpecificOutput\":{{\"hookEventName\":\"PreToolUse\",\"updatedInput\":{input}}}}}'"
        )
    };
    let text = report(&answer(r#"{"command":"ls"}"#), "claude-code", "PreToolUse", "baseline");
    assert!(contains("lacks `description`, `timeout`, `run_in_background` of the call").eval(&text), "{text}");
    assert_eq!(text.matches("[schema.rewrite-loses-fields]: ").count(), 1, "{text}");
    // What is merged loses nothing.
    let merged = answer(r#"{"command":"ls"}"#);
    let text = report(&merged, "factory-droid", "PreToolUse", "baseline");
    assert!(contains("rewrite-loses-fields").not().eval(&text), "{text}");
}

#[rstest]
#[case::an_option("cat | grep -q --force && exit 2; exit 0", true)]
#[case::a_test("cat >/dev/null; n=; [ \"$n\" -gt 1 ] && exit 2; exit 0", true)]
#[case::a_pattern("cat | grep -q 'a[' && exit 2; exit 0", true)]
#[case::where_it_comes_so_far(
    "c=$(cat); case $c in *git*) echo \"$c\" | grep -q '--hard' && exit 2;; esac; exit 0",
    true
)]
#[case::with_dashes("cat | grep -q -- --force && { echo no >&2; exit 2; }; exit 0", false)]
#[case::a_log("cat >/dev/null; echo 'hook: checked, option --force is fine' >&2; exit 0", false)]
#[case::a_file_of_the_user("cat >/dev/null; cat \"$HOME/.guard.conf\" ; exit 0", false)]
fn what_a_program_complains_of_is_told(#[case] script: &str, #[case] told: bool) {
    let text = report(script, "claude-code", "PreToolUse", "baseline");
    assert_eq!(contains("[stream.helper-complains]").eval(&text), told, "{text}");
}

#[test]
fn a_program_that_may_be_elsewhere_is_a_doubt() {
    let text = report("cat >/dev/null; no-such-program; exit 0", "claude-code", "PreToolUse", "baseline");
    assert!(contains("note[stream.helper-complains]").eval(&text), "{text}");
}

#[test]
fn a_hook_that_fails_at_everything_and_denies_by_that_is_told_once_and_first() {
    let script = "set -e; document=$(cat); word=$(printf '%s' \"$document\" | grep -o toolInput); exit 0";
    let text = report(script, "copilot-cli", "preToolUse", "baseline");
    assert!(contains("error[exit.denies-everything]").eval(&text), "{text}");
    assert!(contains("[security.same-answer]").not().eval(&text), "{text}");
    assert_eq!(text.matches("[exit.denies-by-accident]").count(), 0, "it is the same thing: {text}");
    // One that fails for some payloads only.
    let script = "case $(cat) in *'rm -rf'*) exit 1;; esac";
    let text = report(script, "copilot-cli", "preToolUse", "baseline");
    assert!(contains("exit.denies-everything").not().eval(&text), "{text}");
    // Where a failure lets the step go ahead nothing is denied.
    let text = report("cat >/dev/null; exit 1", "claude-code", "PreToolUse", "baseline");
    assert!(contains("exit.denies-everything").not().eval(&text), "{text}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "writes are only refused on Linux")]
fn an_approval_that_is_lost_is_on_the_safe_side_and_a_denial_is_not() {
    let answer = |behavior: &str| {
        format!(
            "cat >/dev/null; {{ echo x >>\"$HOME/log\"; }} 2>/dev/null || exit 0; echo \
             '{{\"hookSpecificOutput\":{{\"hookEventName\":\"PermissionRequest\",\"decision\":{{\"behavior\":\"{behavior}\"}}}}}}'"
        )
    };
    let text = report(&answer("allow"), "claude-code", "PermissionRequest", "home-read-only");
    assert!(
        contains("advice[consistency.approval-lost]").eval(&text) && contains("the safe side").eval(&text),
        "{text}"
    );
    assert!(contains("[consistency.home-read-only]").not().eval(&text), "{text}");
    let text = report(&answer("deny"), "claude-code", "PermissionRequest", "home-read-only");
    assert!(contains("warning[consistency.home-read-only]").eval(&text), "{text}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "writes are only refused on Linux")]
fn a_failure_that_nobody_is_told_of_is_called_that() {
    let script = "set -e; mkdir -p \"$HOME/x/y\"; cat >/dev/null";
    let text = report(script, "copilot-cli", "userPromptSubmitted", "home-read-only");
    assert!(contains("tells neither the user nor the model of its exit code 1").eval(&text), "{text}");
}

#[test]
fn where_harm_is_done_is_shown_first() {
    let deny = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny"}}"#;
    let script = format!("cat >/dev/null; echo '{deny}' >&2");
    let text = report(&script, "claude-code", "PreToolUse", "baseline");
    let shown = text.split("[stream.decision-on-stderr]:").nth(1).expect("a finding");
    let payload = shown.split("payload ").nth(1).and_then(|rest| rest.split(',').next()).expect("a payload");
    assert!(payload.contains("dangerous") || payload.contains("rm"), "{payload}: {text}");
}
