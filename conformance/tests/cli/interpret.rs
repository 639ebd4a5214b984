//! `hookproof interpret` for one run.

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use serde_json::{Value, json};

use crate::hookproof;

const AT: &[&str] = &["interpret", "--platform", "claude-code", "--event", "PreToolUse"];

fn interpret(more: &[&str]) -> assert_cmd::Command {
    hookproof(&[AT, more].concat())
}

fn effect(more: &[&str], stdin: &str) -> Value {
    let output = interpret(&[more, &["--format", "json"]].concat()).write_stdin(stdin).assert().success();
    serde_json::from_slice(&output.get_output().stdout).expect("the effect is JSON")
}

#[test]
fn says_in_words_what_becomes_of_the_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let stderr = folder.path().join("stderr");
    std::fs::write(&stderr, "not here\nnor there\n").expect("a file");
    interpret(&["--exit", "2", "--stderr", &stderr.to_string_lossy()])
        .assert()
        .success()
        .stdout(contains("  action       blocked\n"))
        .stdout(contains("  decision     deny\n"))
        .stdout(contains("  model reads  not here\n               nor there\n"))
        .stdout(contains("  evidence     measured (Claude Code 2.1.329)\n"))
        .stderr("");
}

#[test]
fn reads_both_streams_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    std::fs::write(&out, r#"{"systemMessage":"from stdout"}"#).expect("a file");
    std::fs::write(&err, "from stderr").expect("a file");
    let files = ["--stdout", &out.to_string_lossy(), "--stderr", &err.to_string_lossy()].map(str::to_owned);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let effect = effect(&[&["--exit", "2"], files.as_slice()].concat(), "");
    assert_eq!(effect["model_sees"], json!(["from stderr"]));
    assert!(effect["user_sees"].as_array().is_some_and(|seen| seen.contains(&json!("from stdout"))), "{effect}");
}

#[rstest]
#[case::nothing(&[], "", "proceeds", "ok")]
#[case::a_code(&["--exit", "1"], "", "proceeds", "failed")]
#[case::a_negative_code(&["--exit", "-1"], "", "proceeds", "failed")]
#[case::exit_2(&["--exit", "2"], "", "blocked", "ok")]
#[case::a_signal(&["--signal", "9"], "", "proceeds", "failed")]
#[case::time_ran_out(&["--timed-out"], "", "proceeds", "cancelled")]
#[case::an_answer(&["--stdout", "-"], r#"{"decision":"block","reason":"no"}"#, "blocked", "ok")]
#[case::an_answer_at_a_signal(&["--signal", "15", "--stdout", "-"], r#"{"decision":"block","reason":"no"}"#, "blocked", "ok")]
#[case::an_option(&["--exit", "1", "--handler", "onFailure=block"], "", "blocked", "failed")]
#[case::another_option(&["--exit", "1", "--handler", "onFailure=allow"], "", "proceeds", "failed")]
fn takes_every_ending(#[case] more: &[&str], #[case] stdin: &str, #[case] action: &str, #[case] status: &str) {
    let effect = effect(more, stdin);
    assert_eq!((&effect["action"], &effect["hook_status"]), (&json!(action), &json!(status)));
}

#[test]
fn a_held_pipe_counts() {
    let allow = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#;
    assert_eq!(effect(&["--stdout", "-"], allow)["action"], "proceeds");
    assert_eq!(effect(&["--stdout", "-", "--stdout-held"], allow)["action"], "blocked");
}

#[test]
fn the_tool_counts() {
    let update = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","updatedInput":{"file_path":"/tmp/a"}}}"#;
    assert_eq!(effect(&["--stdout", "-", "--tool", "Read"], update)["action"], "input-rewritten");
    assert_eq!(effect(&["--stdout", "-", "--tool", "Bash"], update)["action"], "blocked");
}

#[test]
fn the_version_counts() {
    let said = |platform: &str| {
        let arguments = ["interpret", "--platform", platform, "--event", "UserPromptSubmit", "--stdout", "-"];
        let output = hookproof(&arguments).args(["--format", "json"]).write_stdin("{\"a\": }").assert().success();
        let effect: Value = serde_json::from_slice(&output.get_output().stdout).expect("JSON");
        effect["model_sees"].clone()
    };
    assert_eq!(said("claude-code@2.1.247"), json!(["{\"a\": }"]));
    assert_eq!(said("claude-code@2.1.248"), json!([]));
    assert_eq!(said("claude-code"), json!([]));
}

#[rstest]
#[case(&["--platform", "claude-code", "--event", "PreTolUse"], "failed to find the event \"PreTolUse\"; did you mean PreToolUse?")]
#[case(&["--platform", "claude-code", "--event", "sessionstart"], "did you mean SessionStart?")]
#[case(&["--platform", "claude", "--event", "Stop"], "failed to find the platform \"claude\": known are antigravity, ")]
#[case(&["--platform", "claude-code@2.1.x", "--event", "Stop"], "failed to read \"2.1.x\" as a version")]
#[case(&["--platform", "claude-code@1.0.0", "--event", "Stop"], "its first version with hooks is 1.0.38")]
#[case(&["--platform", "claude-code", "--event", "Stop", "--handler", "onFailure"], "failed to read --handler \"onFailure\": expected NAME=VALUE")]
#[case(&["--platform", "claude-code", "--event", "Stop", "--stdout", "no/such/file"], "failed to read no/such/file: ")]
#[case(&["--platform", "claude-code"], "--event <EVENT>")]
#[case(&["--platform", "claude-code", "--event", "Stop", "--exit", "two"], "invalid value 'two' for '--exit <EXIT>'")]
#[case(&["--platform", "claude-code", "--event", "Stop", "--exit", "0", "--signal", "9"], "cannot be used with")]
#[case(&["--batch", "--event", "Stop"], "cannot be used with")]
fn wrong_usage_ends_with_code_2(#[case] arguments: &[&str], #[case] says: &str) {
    hookproof(&["interpret"]).args(arguments).assert().code(2).stdout("").stderr(contains(says));
}

#[test]
fn hostile_texts_do_not_reach_the_terminal() {
    let hostile = "a\u{1b}[2J\u{7}\u{9b}31m\u{202e}b\u{200b}c\rd\u{2028}e";
    let said = json!({"decision": "block", "reason": hostile, "systemMessage": hostile, hostile: 1}).to_string();
    let raw = |c: char| (c.is_control() && c != '\n') || ['\u{202e}', '\u{200b}', '\u{2028}'].contains(&c);
    interpret(&["--stdout", "-"])
        .write_stdin(said)
        .assert()
        .success()
        .stdout(contains("a\\u{1b}[2J"))
        .stdout(predicate::function(|text: &str| !text.contains(raw)));
}
