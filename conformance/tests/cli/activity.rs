//! What a report says of what hooks did, on hooks that are written here as shell scripts.

use std::fs;
use std::path::PathBuf;

use hookproof::activity::{PayloadKind, Response};
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::check::{replayed, summary};
use crate::hookproof;

/// A script, and the folder that it lies in.
pub(crate) fn script(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hook.sh");
    fs::write(&path, text).expect("the script is written");
    (folder, path)
}

/// `hookproof check MORE -- sh hook.sh` at the baseline of PreToolUse.
fn check(text: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let (_folder, path) = script(text);
    let mut command = hookproof(&["check", "-v", "--event", "PreToolUse", "--scenario", "baseline"]);
    command.args(more).args(["--", "sh"]).arg(path).assert()
}

fn last_line(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).lines().last().unwrap_or_default().to_owned()
}

const SILENT: &str = "cat >/dev/null\n";
const GUARD: &str = "case $(cat) in *'rm -rf /'*) echo 'not allowed' >&2; exit 2;; esac\n";
const LOGGER: &str = "cat >/dev/null; echo 'guard: checked' >&2\n";
const BLOCKS_ALL: &str = "cat >/dev/null; echo 'not allowed' >&2; exit 2\n";
const ASKS_ALL: &str = r#"cat >/dev/null
echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"ask","permissionDecisionReason":"Is this wanted?"}}'
"#;
const BROKEN: &str = "cat >/dev/null; exit 1\n";
const WARNS: &str = "case $(cat) in *'rm -rf /'*) echo 'WARNING: this removes everything' >&2;; esac\n";
const LOGS_COMMANDS: &str = "input=$(cat); printf 'seen %s\\n' \"${input#*command}\" | head -c 200 >&2\n";

#[rstest]
#[case::silent(SILENT, "conforms to Claude Code 2.1.329 at level SHOULD; it never spoke (below SHOULD: 1 MAY)")]
#[case::a_logger(
    LOGGER,
    "conforms to Claude Code 2.1.329 at level SHOULD; it never had an effect (below SHOULD: 1 MAY)"
)]
#[case::a_guard(GUARD, "conforms to Claude Code 2.1.329 at level SHOULD")]
#[case::everything_is_asked(
    ASKS_ALL,
    "conforms to Claude Code 2.1.329 at level SHOULD; it answered everything alike (below SHOULD: 1 MAY)"
)]
fn the_last_line_does_not_just_say_that_a_useless_hook_conforms(#[case] hook: &str, #[case] expected: &str) {
    let assert = check(hook, &[]).success();
    assert_eq!(last_line(&assert), expected);
}

#[test]
fn a_hook_that_blocks_everything_does_not_conform_and_harmless_payloads_are_named() {
    let assert = check(BLOCKS_ALL, &[]).code(1);
    assert!(last_line(&assert).starts_with("does not conform: 1 SHOULD in 1 of "), "{}", last_line(&assert));
    assert.stdout(contains("20 harmless payloads: 20 blocked (agent-flag, "));
}

#[test]
fn the_counts_come_before_the_findings() {
    let assert = check(SILENT, &["--level", "may"]).code(1);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let counts = text.find("what the hook did").expect("counts");
    let finding = text.find("\nadvice[security.never-spoke]").expect("a finding");
    assert!(counts < finding, "{text}");
    let secrets = predicate::str::is_match(r"(?m)^  PreToolUse: blocked 0, allowed 0, silent \d+, failed 0; 0 of")
        .expect("a pattern");
    assert!(secrets.eval(&text), "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let secrets = predicate::str::is_match(r" and 0 of \d+ secret payloads? blocked ").expect("a pattern");
    assert!(secrets.eval(&text), "{text}");
}

#[test]
fn counts_are_those_of_the_platform() {
    let assert = check(GUARD, &["--format", "jsonl"]).success();
    let (events, text) = replayed(&assert.get_output().stdout);
    let activity = &summary(&events).activity;
    let (blocked, run) = activity.blocked(PayloadKind::Dangerous);
    assert!(blocked > 0 && blocked < run, "{blocked} of {run}");
    assert!(text.contains(&format!("; {blocked} of {run} dangerous payloads and 0 of")), "{text}");
    let verbose = check(GUARD, &[]).success();
    let verbose = String::from_utf8_lossy(&verbose.get_output().stdout).into_owned();
    let expected = format!("    {run} dangerous payloads: {blocked} blocked, {} silent\n", run - blocked);
    assert!(verbose.contains(&expected), "{verbose}");
    // A guard that exits with 1 wants to block as often, and never does.
    let exits_one = GUARD.replace("exit 2", "exit 1");
    let assert = check(&exits_one, &["--format", "jsonl"]).code(1);
    let (events, _) = replayed(&assert.get_output().stdout);
    let activity = &summary(&events).activity;
    assert_eq!(activity.blocked(PayloadKind::Dangerous), (0, run));
    assert_eq!(activity.events[0].payloads[&PayloadKind::Dangerous].of(Response::Failed), blocked);
}

#[test]
fn a_hook_that_fails_on_everything_is_counted_as_failed() {
    check(BROKEN, &[])
        .stdout(predicate::str::is_match(r"silent 0, failed [1-9]").expect("a pattern"))
        .stdout(contains("security.never-spoke").not());
}

#[test]
fn a_warning_for_dangerous_payloads_that_no_one_reads_is_found() {
    check(WARNS, &[])
        .code(1)
        .stdout(contains("warning[security.warning-discarded]"))
        .stdout(contains("WARNING: this removes everything"));
}

#[rstest]
#[case::the_same_for_all(LOGGER)]
#[case::with_the_command_in_it(LOGS_COMMANDS)]
#[case::with_a_reason(GUARD)]
fn what_is_written_for_all_payloads_is_no_warning(#[case] hook: &str) {
    check(hook, &[]).stdout(contains("security.warning-discarded").not());
}

#[test]
fn a_warning_that_the_user_is_shown_is_none_that_is_lost() {
    let shown = r#"case $(cat) in *'rm -rf /'*) echo '{"systemMessage":"this removes everything"}';; esac"#;
    check(shown, &[]).success().stdout(contains(", message shown "));
    // The same field means nothing on Windsurf.
    let (_folder, path) = script(shown);
    let mut command = hookproof(&["check", "-v", "--platform", "windsurf", "--event", "pre_run_command"]);
    command
        .args(["--scenario", "baseline", "--", "sh"])
        .arg(path)
        .assert()
        .code(1)
        .stdout(contains("  pre_run_command: blocked 0, "));
}

#[test]
fn payloads_that_a_matcher_leaves_out_are_reported() {
    let (folder, path) = script(GUARD);
    let settings = serde_json::json!({"hooks": {"PreToolUse": [{"matcher": "Read", "hooks": [
        {"type": "command", "command": format!("sh {}", path.display())}]}]}});
    let file = folder.path().join("settings.json");
    fs::write(&file, settings.to_string()).expect("the settings are written");
    hookproof(&["check", "-v", "--yes", "--scenario", "baseline", &file.to_string_lossy()])
        .assert()
        .stdout(contains("dangerous payloads: not run, the matcher leaves them out"))
        .stdout(contains("it never spoke"));
}

#[test]
fn a_hook_in_the_background_denies_nothing() {
    let (folder, path) = script("cat >/dev/null; echo 'not allowed' >&2; exit 2\n");
    let settings = serde_json::json!({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [
        {"type": "command", "command": format!("sh {}", path.display()), "async": true}]}]}});
    let file = folder.path().join("settings.json");
    fs::write(&file, settings.to_string()).expect("the settings are written");
    hookproof(&["check", "-v", "--yes", "--scenario", "baseline", &file.to_string_lossy()])
        .assert()
        .code(1)
        .stdout(contains("error[security.background-decision]: "))
        .stdout(contains("1 error: the hook blocks (exit code 2), but the configuration has"))
        .stdout(contains(", ignored "))
        // The cause is reported; that the hook never had an effect follows from it.
        .stdout(contains("security.never-spoke").not());
}
