//! The help of a finding names what works at the event, and a hook that follows it has no further finding. Unix only:
//! Windows starts no scripts.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;

use super::hookproof;

/// What `check` at the baseline prints of a script.
fn check(platform: &str, event: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hook.sh");
    fs::write(&path, format!("i=$(cat)\n{text}\n")).unwrap();
    let mut command =
        hookproof(&["check", "--platform", platform, "--event", event, "--scenario", "baseline", "--", "sh"]);
    let output = command.arg(&path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The same without the breaks of lines.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const NESTED: &str = r#"case $i in *"rm -rf"*) echo '{"hookSpecificOutput":{"hookEventName":"preToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}';; esac"#;

#[rstest]
#[case::silence_is_no_answer(
    "cursor",
    "beforeShellExecution",
    r#"echo '{"permission":"allow"}'"#,
    r#"For all others print `{"permission":"ask""#
)]
#[case::stderr_is_not_read(
    "copilot-cli",
    "preToolUse",
    r#"case $i in *"rm -rf"*) echo "no rm -rf" >&2; exit 2;; esac"#,
    r#"help: Print `{"permissionDecision":"deny""#
)]
#[case::nothing_is_read(
    "claude-code",
    "Notification",
    "echo REMINDER",
    "help: Print nothing: no text of a hook is read at Notification"
)]
#[case::own_field(
    "claude-code",
    "PermissionRequest",
    r#"echo '{"hookSpecificOutput":{"hookEventName":"PermissionRequest","permissionDecision":"allow"}}'"#,
    r#""decision":{"behavior":"allow"}"#
)]
#[case::older_form(
    "factory-droid",
    "PreToolUse",
    r#"case $i in *"rm -rf"*) echo '{"decision":"block","reason":"no"}';; esac"#,
    "[schema.decision-not-read]"
)]
#[case::other_spelling("copilot-cli", "preToolUse", NESTED, "error[schema.misplaced-field]")]
#[case::unread_consent(
    "claude-code",
    "PreToolUse",
    r#"echo '{"permissionDecision":"allow"}'"#,
    "help: Print nothing where the hook has no objection. To allow a short list of harmless calls, print"
)]
#[case::unread_consent_in_another_case(
    "claude-code",
    "PreToolUse",
    r#"echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permission_decision":"allow"}}'"#,
    "help: Print nothing where the hook has no objection."
)]
#[case::unread_consent_where_silence_is_open(
    "cursor",
    "beforeShellExecution",
    r#"echo '{"decision":"allow"}'"#,
    "keep that for a short list of harmless calls. To deny, print `{\"permission\":\"deny\""
)]
#[case::unread_denial(
    "claude-code",
    "PreToolUse",
    r#"case $i in *"rm -rf"*) echo '{"permissionDecision":"deny"}';; esac"#,
    "help: Move the field to the place that the message names."
)]
#[case::broken_pipe(
    "claude-code",
    "PreToolUse",
    r#"bash -c 'set -o pipefail; yes | head -n 1 >/dev/null'; exit $?"#,
    "exit code 141 is signal 13: what the hook runs wrote to a pipe whose reader had ended"
)]
#[case::broken_pipe_mended(
    "claude-code",
    "PreToolUse",
    r#"bash -c 'set -o pipefail; yes | head -n 1 >/dev/null'; exit $?"#,
    "put `|| true` behind the pipeline"
)]
fn help_names_what_works_at_the_event(
    #[case] platform: &str,
    #[case] event: &str,
    #[case] text: &str,
    #[case] expected: &str,
) {
    let told = check(platform, event, text);
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    assert!(plain(&told).contains(&plain(expected)), "{told}");
}

/// What the help above says, done.
#[rstest]
#[case::ask("cursor", "beforeShellExecution", r#"echo '{"permission":"ask","agent_message":"is this wanted?"}'"#)]
#[case::json(
    "copilot-cli",
    "preToolUse",
    r#"case $i in *"rm -rf"*) echo '{"permissionDecision":"deny","permissionDecisionReason":"no rm -rf"}';; esac"#
)]
#[case::nested_under_the_other_name("copilot-cli", "PreToolUse", r#"case $i in *"rm -rf"*) echo '{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"no rm -rf"}}';; esac"#)]
#[case::nothing("claude-code", "Notification", ":")]
#[case::droid("factory-droid", "PreToolUse", r#"case $i in *"rm -rf"*) echo '{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"no"}}';; esac"#)]
fn a_hook_that_does_so_has_no_finding(#[case] platform: &str, #[case] event: &str, #[case] text: &str) {
    let told = check(platform, event, text);
    let clean = contains("error[").not().and(contains("warning[").not()).and(contains("SHOULD, in doubt").not());
    assert!(clean.eval(&told), "{told}");
}

/// A decision on stderr is one finding, whatever is decided, and a denial that is lost is shown.
#[test]
fn decisions_on_stderr_are_one_finding_and_the_denial_comes_first() {
    let text = r#"case $i in *"rm -rf"*) d=deny;; *) d=allow;; esac
echo "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"$d\"}}" >&2"#;
    let told = check("claude-code", "PreToolUse", text);
    assert_eq!(told.matches("error[").count(), 1, "{told}");
    assert!(flowing(&told).contains(r#"`hookSpecificOutput.permissionDecision: "deny"` stands on stderr"#), "{told}");
    assert!(told.contains("does not conform: 1 MUST in"), "{told}");
}

/// The finding on `allow` is one, with the payloads that were allowed.
#[test]
fn what_is_allowed_is_listed_once() {
    let text = r#"echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","permissionDecisionReason":"x"}}'"#;
    let told = check("claude-code", "PreToolUse", text);
    assert_eq!(told.matches("[security.allows-dangerous]:").count(), 1, "{told}");
    assert!(contains("more at PreToolUse, baseline: bash-").eval(&told), "{told}");
    assert!(told.matches("\nSHOULD  PreToolUse/").count() <= 5, "{told}");
}

#[rstest]
#[case::exit_two("echo 'guard: config missing' >&2; exit 2", true)]
#[case::json(r#"echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"x"}}'"#, true)]
#[case::reads_are_left(r#"case $i in *'"Read"'*) ;; *) echo no >&2; exit 2;; esac"#, false)]
fn a_hook_that_blocks_everything_is_told(#[case] text: &str, #[case] expected: bool) {
    let told = check("claude-code", "PreToolUse", text);
    assert_eq!(told.contains("warning[security.blocks-everything]"), expected, "{told}");
}
