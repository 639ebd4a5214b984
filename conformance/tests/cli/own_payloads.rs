//! Payloads of the user, and what is expected for them.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::activity::script;
use crate::hookproof;

/// Answers a write to `.env` with a word that Claude Code does not take there.
const ENV_GUARD: &str = "case $(cat) in\n*'.env\"'*) echo '{\"decision\":\"deny\",\"reason\":\"no .env\"}';; esac\n";
const PUSH_GUARD: &str = "case $(cat) in *'push --force'*) echo 'no force push' >&2; exit 2;; esac\n";
const PUSH: &str = r#"{"tool_input":{"command":"git push --force"}}"#;

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the file is written");
    path
}

/// `hookproof check` at the baseline of PreToolUse with this payload.
fn check(hook: &str, payload: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let (folder, path) = script(hook);
    let payload = write(&folder, "mine.json", payload);
    let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", "baseline", "--with-payload"]);
    command.arg(payload).args(more).args(["--", "sh"]).arg(path).assert()
}

#[test]
fn a_guard_with_a_wrong_word_is_found_by_the_users_payload() {
    let payload = r#"{"tool_name":"Write","tool_input":{"file_path":"/home/dev/project/.env","content":"A=1"}}"#;
    check(ENV_GUARD, payload, &[])
        .code(1)
        .stdout(contains("error[schema.value]"))
        .stdout(contains("\n    1 payload of yours: 1 failed\n"));
}

#[rstest]
#[case::blocked(PUSH_GUARD, "block", 0)]
#[case::not_silent(PUSH_GUARD, "silent", 1)]
#[case::silent("cat >/dev/null", "silent", 0)]
#[case::not_blocked("cat >/dev/null", "block", 1)]
#[case::silence_is_no_allow("cat >/dev/null", "allow", 1)]
#[case::a_log_is_silence("cat >/dev/null; echo seen >&2", "silent", 0)]
#[case::exit_one_blocks_nothing("cat >/dev/null; echo no >&2; exit 1", "block", 1)]
fn expectations_are_judged_by_what_the_platform_does(#[case] hook: &str, #[case] expected: &str, #[case] code: i32) {
    let assert = check(hook, PUSH, &["--expect", expected]).code(code);
    let found = String::from_utf8_lossy(&assert.get_output().stdout).contains("error[expect.decision]");
    assert_eq!(found, code == 1);
}

#[test]
fn a_folder_of_payloads_is_read_in_order_and_each_runs_in_all_scenarios() {
    let (folder, path) = script(PUSH_GUARD);
    let payloads = folder.path().join("payloads");
    fs::create_dir(&payloads).expect("a folder");
    fs::write(payloads.join("b.json"), PUSH).expect("a payload");
    fs::write(payloads.join("a.json"), r#"{"tool_input":{"command":"git push --force origin"}}"#).expect("a payload");
    fs::write(payloads.join("notes.txt"), "no payload").expect("a file");
    let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", "whitespace", "-v"]);
    let assert = command.arg("--with-payload").arg(&payloads).args(["--", "sh"]).arg(path).assert();
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in {text}"));
    assert!(at("PreToolUse/a/baseline") < at("PreToolUse/b/baseline"));
    assert!(at("PreToolUse/b/baseline") < at("PreToolUse/b/whitespace"));
    assert!(text.contains("2 payloads of yours: 2 blocked"), "{text}");
}

#[rstest]
#[case::no_json("{\"tool_input\": {\n  'command': 1}}", "mine.json:2:3: ")]
#[case::no_object("[1]", "must be a JSON object")]
#[case::a_key_twice("{\"a\": 1,\n \"a\": 2}", "mine.json:2:7: /a: the key is duplicated")]
#[case::no_such_event("{\"hook_event_name\": \"PreToolUs\"}", "did you mean PreToolUse?")]
#[case::another_event("{\"hook_event_name\": \"Stop\"}", "it is for Stop, which --event leaves out")]
fn a_payload_that_cannot_be_used_is_wrong_usage(#[case] payload: &str, #[case] says: &str) {
    check("cat >/dev/null", payload, &[]).code(2).stdout("").stderr(contains(says));
}

#[test]
fn a_payload_without_an_event_says_what_to_do() {
    let (folder, path) = script("cat >/dev/null");
    let payload = write(&folder, "mine.json", PUSH);
    let mut command = hookproof(&["check", "--with-payload", &payload.to_string_lossy(), "--", "sh"]);
    command.arg(&path).assert().code(2).stderr(contains(
        "nothing says which event it is for; set `hook_event_name` in it, or name the event with --event",
    ));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    let mut command = hookproof(&["check", "--with-payload", &empty.to_string_lossy(), "--", "sh"]);
    command.arg(&path).assert().code(2).stderr(contains("there is no file that ends in .json"));
    hookproof(&["check", "--expect", "block", "--reference"]).assert().code(2).stderr(contains("--with-payload"));
}

/// A project with a hook for `Bash` at PreToolUse, a second that only logs, and these cases.
fn project(hook: &str, cases: &str) -> TempDir {
    let (folder, path) = script(hook);
    let logger = write(&folder, "log.sh", "cat >/dev/null");
    let command = |path: &Path| serde_json::json!({"type": "command", "command": format!("sh {}", path.display())});
    let settings = serde_json::json!({"hooks": {"PreToolUse": [
        {"matcher": "Bash", "hooks": [command(&path), command(&logger)]}]}});
    fs::create_dir(folder.path().join(".claude")).expect("a folder");
    write(&folder, ".claude/settings.json", &settings.to_string());
    write(&folder, "force-push.json", PUSH);
    write(&folder, "hookproof.toml", cases);
    folder
}

fn check_project(hook: &str, cases: &str) -> assert_cmd::assert::Assert {
    let folder = project(hook, cases);
    let path = folder.path().to_string_lossy().into_owned();
    hookproof(&["check", "--yes", "--scenario", "baseline", &path]).assert()
}

const CASE: &str = r#"
[[case]]
event = "PreToolUse"
payload = "force-push.json"
expect = "block"
reason = "(?i)force"

[[case]]
event = "PreToolUse"
payload = { tool_input = { command = "git push" } }
expect = "silent"
"#;

#[test]
fn the_cases_of_a_project_are_met_by_its_hooks_together() {
    check_project(PUSH_GUARD, CASE).success().stdout(contains("expect.").not());
}

#[rstest]
#[case::nothing_is_blocked("cat >/dev/null", CASE, "expect.decision", "expected `block`, and of the 2 hooks")]
#[case::another_reason(
    "case $(cat) in *force*) echo no >&2; exit 2;; esac",
    CASE,
    "expect.text",
    "expected that the reason matches `(?i)force`, and it is \"no\""
)]
#[case::everything_is_blocked("cat >/dev/null; echo force >&2; exit 2", CASE, "expect.decision", "case-2")]
#[case::no_hook_hears_it(
    PUSH_GUARD,
    "[[case]]\nevent = \"Stop\"\npayload = {}\nexpect = \"block\"\n",
    "expect.decision",
    "expected `block`, and no hook is run with it at Stop"
)]
fn a_case_that_is_not_met_fails(#[case] hook: &str, #[case] cases: &str, #[case] id: &str, #[case] says: &str) {
    let assert = check_project(hook, cases).code(1).stdout(contains(format!("error[{id}]")));
    let text = String::from_utf8_lossy(&assert.get_output().stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(says), "{text}");
}

#[rstest]
#[case("[[case]]\nevent = \"PreToolUs\"\npayload = {}\n", ":2:9: ", "did you mean PreToolUse or PreToolUseResult?")]
#[case("[[case]]\nevent = \"Stop\"\nplatform = \"claude\"\npayload = {}\n", ":3:12: ", "platform")]
#[case("[[case]]\npayload = { x = 1 }\n", ":2:11: ", "nothing says which event it is for")]
fn a_case_that_cannot_be_used_is_wrong_usage(#[case] cases: &str, #[case] at: &str, #[case] says: &str) {
    check_project(PUSH_GUARD, cases).code(2).stderr(contains(format!("hookproof.toml{at}"))).stderr(contains(says));
}

#[test]
fn a_case_of_another_platform_is_not_about_this_run() {
    let cases = "[[case]]\nplatform = \"windsurf\"\nevent = \"pre_run_command\"\npayload = {}\nexpect = \"block\"\n";
    check_project(PUSH_GUARD, cases).success();
}
