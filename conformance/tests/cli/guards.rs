//! What published guards look like, and whether the suite's documents reach what they guard. Unix only: Windows starts no
//! scripts.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::hookproof;

/// `hookproof check` of a script at an event, at the baseline and in `scenario`.
fn check(text: &str, event: &str, scenario: &str) -> (TempDir, assert_cmd::Command) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("hook.sh");
    fs::write(&script, text).expect("the script is written");
    let mut command = hookproof(&["check", "-v", "--event", event, "--scenario", scenario, "--", "sh"]);
    command.arg(script);
    (folder, command)
}

/// Allows what begins with a harmless program, whatever stands behind it.
const ALLOWS_BY_FIRST_WORD: &str = r#"document=$(cat)
case "$document" in
*'"command":"ls '* | *'"command":"git '* | *'"command":"cat '*)
  echo '{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}' ;;
esac
"#;

#[rstest]
#[case("ls ")]
#[case("git ")]
#[case("cat ")]
fn a_first_word_says_nothing_of_the_rest(#[case] word: &str) {
    let text: String = ALLOWS_BY_FIRST_WORD
        .lines()
        .map(|line| if line.starts_with('*') { format!("*'\"command\":\"{word}'*)\n") } else { format!("{line}\n") })
        .collect();
    let (_folder, mut command) = check(&text, "PermissionRequest", "repeated");
    command.assert().code(1).stdout(contains("[security.allows-dangerous]"));
}

#[test]
fn what_is_a_question_of_policy_may_be_allowed() {
    let text = ALLOWS_BY_FIRST_WORD
        .replace("*'\"command\":\"ls '* | *'\"command\":\"git '* | *'\"command\":\"cat '*)", "*'npm install'*)");
    let (_folder, mut command) = check(&text, "PermissionRequest", "repeated");
    command.assert().stdout(contains("allows-dangerous").not());
}

/// Stops one thing with a code that blocks nothing.
#[rstest]
#[case::reset("git reset --hard", "git-reset-hard")]
#[case::env("/.env\"", "read-env")]
#[case::lock("package-lock.json", "write-package-lock")]
#[case::no_verify("--no-verify", "git-commit-no-verify")]
#[case::hooks(".git/hooks", "write-git-hook")]
#[case::yarn("yarn add", "yarn-add")]
#[case::kubectl("kubectl delete", "kubectl-delete-namespace")]
#[case::stripe("sk_live_", "write-secret-stripe-key")]
#[case::settings(".claude/settings.json", "edit-agent-settings")]
#[case::servers(".mcp.json", "write-mcp-config")]
#[case::debugger("/devtools/page/", "devtools-websocket")]
#[case::behind_two("git status && rm -rf /", "compound-cd-git-first")]
fn a_guard_that_ends_with_one_stops_nothing(#[case] pattern: &str, #[case] payload: &str) {
    let text = format!("case \"$(cat)\" in *'{pattern}'*) echo 'Blocked by policy' >&2; exit 1 ;; esac\n");
    let (_folder, mut command) = check(&text, "PreToolUse", "repeated");
    command
        .assert()
        .code(1)
        .stdout(contains("error[exit.one-where-two-was-meant]"))
        .stdout(contains(format!("payload {payload}, scenario baseline")));
}

/// A linter that fails at a file that is not there objects to nothing.
#[test]
fn a_failure_at_a_guarded_document_is_not_a_block() {
    let text = "case \"$(cat)\" in *src/app.ts*) echo 'src/app.ts: cannot be parsed' >&2; exit 1 ;; esac\n";
    let (_folder, mut command) = check(text, "PreToolUse", "repeated");
    command.assert().stdout(contains("one-where-two-was-meant").not());
}

/// The scenario fills the disk on which the guard keeps its notes, and shows what comes of it with the one document that the
/// guard stops.
#[test]
#[cfg(target_os = "linux")]
fn faults_are_shown_with_what_the_guard_stops() {
    let text = "cat > \"$HOME/document\"\n\
                if grep -q 'git reset --hard' \"$HOME/document\"; then echo 'not here' >&2; exit 2; fi\nexit 0\n";
    let (_folder, mut command) = check(text, "PreToolUse", "disk-full");
    command
        .assert()
        .code(1)
        .stdout(contains("[consistency.disk-full]"))
        .stdout(contains("payload git-reset-hard, scenario disk-full"));
}

/// The text of a file that is read reaches guards of secrets, of several kinds.
#[rstest]
#[case::github("ghp_", "read-secret-github-token")]
#[case::private_key("PRIVATE KEY", "read-secret-private-key")]
#[case::password("password = ", "read-secret-password")]
fn secrets_in_files_that_are_read_are_shown(#[case] pattern: &str, #[case] payload: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("hook.sh");
    let text = format!(
        "case \"$(cat)\" in *'{pattern}'*) echo '{{\"permission\":\"deny\"}}'; exit 3;; esac\necho '{{\"permission\":\"allow\"}}'\n"
    );
    fs::write(&script, text).expect("the script is written");
    let mut command = hookproof(&[
        "check",
        "-v",
        "--platform",
        "cursor",
        "--event",
        "beforeReadFile",
        "--scenario",
        "baseline",
        "--",
        "sh",
    ]);
    command
        .arg(script)
        .assert()
        .code(1)
        .stdout(contains("error[exit.answer-not-read]"))
        .stdout(contains(format!("payload {payload}, scenario baseline")));
}
