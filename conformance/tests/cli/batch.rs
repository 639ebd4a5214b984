//! `hookproof interpret --batch`: JSON lines in, one answer a line out, in order.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use predicates::str::contains;
use rstest::rstest;
use serde_json::{Value, json};

use crate::hookproof;

/// The answers to `input`, which all have to be there whatever the lines are.
fn batch(input: impl Into<Vec<u8>>) -> Vec<Value> {
    let assert = hookproof(&["interpret", "--batch"]).write_stdin(input).assert().success().stderr("");
    let text = String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "the last answer is a whole line");
    text.lines().map(|line| serde_json::from_str(line).expect("every answer is JSON")).collect()
}

fn line(id: &Value) -> Value {
    json!({"id": id, "platform": "claude-code", "event": "PreToolUse", "hook": {"exit": 2, "stderr": "no"}})
}

#[test]
fn keeps_order_and_ids_of_any_type() {
    let ids = [json!("a"), json!(7), json!(-1.5), json!(null), json!(true), json!([1, {"x": []}]), json!({"k": "v"})];
    let input: String = ids.iter().cycle().take(70).map(|id| format!("{}\n", line(id))).collect();
    let answers = batch(input);
    assert_eq!(answers.len(), 70);
    for (answer, id) in answers.iter().zip(ids.iter().cycle()) {
        assert_eq!(&answer["id"], id);
        assert_eq!((&answer["action"], &answer["model_sees"]), (&json!("blocked"), &json!(["no"])));
    }
}

#[rstest]
#[case("123456789012345678901234567890")]
#[case("-0")]
#[case("1.000000000000000000000001")]
#[case("1e999")]
#[case(r#"{"a":[18446744073709551616,1E5]}"#)]
#[case(r#""\ud800""#)]
fn an_id_of_any_size_comes_back_as_it_was(#[case] id: &str) {
    for rest in [r#""platform":"claude-code","event":"Stop","hook":{"exit":0}"#, r#""platform":7"#] {
        let line = format!("{{\"id\":{id},{rest}}}\n");
        let assert = hookproof(&["interpret", "--batch"]).write_stdin(line).assert().success();
        let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
        assert!(text.starts_with(&format!("{{\"id\":{id},")), "{text}");
    }
}

#[test]
fn a_line_that_is_too_long_is_one_error() {
    let long = format!("{{\"id\":1,\"x\":\"{}\"}}", "a".repeat(17 << 20));
    let answers = batch(format!("{}\n{long}\n{}\n", line(&json!(1)), line(&json!(3))));
    assert_eq!(answers.len(), 3);
    assert!(answers[1]["error"].as_str().is_some_and(|error| error.contains("larger than")), "{}", answers[1]);
    assert_eq!(answers[2]["id"], 3);
}

#[test]
fn a_line_without_id_has_the_id_null() {
    let mut line = line(&Value::Null);
    line.as_object_mut().expect("an object").remove("id");
    assert_eq!(batch(line.to_string())[0]["id"], Value::Null);
}

#[rstest]
#[case::no_json(b"not json", json!(null), "failed to read the line as JSON")]
#[case::half(br#"{"id":1,"platform":"#, json!(null), "failed to read the line as JSON")]
#[case::no_utf8(b"{\"id\":1,\"platform\":\"\xff\"}", json!(null), "failed to read the line as JSON")]
#[case::no_object(b"[1]", json!(null), "failed to read the line")]
#[case::nothing_said(br#"{"id":2}"#, json!(2), "missing field `platform`")]
#[case::no_hook(br#"{"id":3,"platform":"claude-code","event":"Stop"}"#, json!(3), "missing field `hook`")]
#[case::no_ending(br#"{"id":4,"platform":"claude-code","event":"Stop","hook":{}}"#, json!(4), "`hook` needs one of `exit`, `signal` and `timed_out`")]
#[case::wrong_type(br#"{"id":5,"platform":"claude-code","event":"Stop","hook":{"exit":"0"}}"#, json!(5), "invalid type: string")]
#[case::platform(br#"{"id":["x"],"platform":"claude","event":"Stop","hook":{"exit":0}}"#, json!(["x"]), "failed to find the platform \"claude\"")]
#[case::version(br#"{"id":6,"platform":"claude-code","version":"new","event":"Stop","hook":{"exit":0}}"#, json!(6), "failed to read \"new\" as a version")]
#[case::too_old(br#"{"id":7,"platform":"claude-code","version":"1.0","event":"Stop","hook":{"exit":0}}"#, json!(7), "its first version with hooks is")]
#[case::event(br#"{"id":8,"platform":"claude-code","event":"Stopp","hook":{"exit":0}}"#, json!(8), "failed to find the event \"Stopp\"")]
#[case::base64(br#"{"id":9,"platform":"claude-code","event":"Stop","hook":{"exit":0,"stdout_base64":"?"}}"#, json!(9), "failed to decode `stdout_base64`")]
fn a_bad_line_gets_an_error_and_the_rest_goes_on(#[case] bad: &[u8], #[case] id: Value, #[case] says: &str) {
    let good = |id: i32| format!("{}\n", line(&json!(id))).into_bytes();
    let answers = batch([good(100).as_slice(), bad, b"\n", good(101).as_slice()].concat());
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0]["id"], &answers[0]["action"]), (&json!(100), &json!("blocked")));
    assert_eq!((&answers[2]["id"], &answers[2]["action"]), (&json!(101), &json!("blocked")));
    let answer = answers[1].as_object().expect("an object");
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["id", "error"]);
    assert_eq!(answer["id"], id);
    assert!(answer["error"].as_str().is_some_and(|error| error.contains(says)), "{answer:?}");
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let deep = format!("{}{}\n{}\n", "[".repeat(200_000), "]".repeat(200_000), line(&json!(1)));
    let answers = batch(deep);
    assert!(answers[0]["error"].is_string());
    assert_eq!(answers[1]["action"], "blocked");
}

#[test]
fn blank_lines_are_no_lines_and_the_last_needs_no_end() {
    let line = line(&json!("x"));
    assert_eq!(batch(format!("\n  \n{line}\n\t\n\r\n{line}")).len(), 2);
    assert_eq!(batch("").len(), 0);
    assert_eq!(batch("\n").len(), 0);
}

#[test]
fn lines_may_end_as_on_windows() {
    let answers = batch(format!("{}\r\n{}\r\n", line(&json!(1)), line(&json!(2))));
    assert_eq!(answers.iter().map(|answer| &answer["id"]).collect::<Vec<_>>(), [&json!(1), &json!(2)]);
}

#[test]
fn streams_may_be_base64() {
    let hook = json!({
        "exit": 0,
        "stdout_base64": STANDARD.encode(b"{\"decision\":\"block\",\"reason\":\"caf\xe9\"}"),
        "stderr_base64": STANDARD.encode(b"\xff"),
    });
    let line = json!({"id": 1, "platform": "claude-code", "event": "PreToolUse", "hook": hook});
    let answer = &batch(line.to_string())[0];
    assert_eq!((&answer["action"], &answer["model_sees"]), (&json!("blocked"), &json!(["caf\u{fffd}"])));
}

#[test]
fn version_tool_and_options_count() {
    let one = |more: Value| {
        let mut line = json!({"platform": "claude-code", "event": "PreToolUse", "hook": {"exit": 1}});
        let (Some(line_of), Some(more)) = (line.as_object_mut(), more.as_object()) else { panic!("objects") };
        line_of.extend(more.clone());
        batch(line.to_string())[0]["action"].clone()
    };
    assert_eq!(one(json!({})), "proceeds");
    assert_eq!(one(json!({"handler": {"onFailure": "block"}})), "blocked");
    assert_eq!(one(json!({"handler": {"onFailure": "block"}, "version": "2.1.294"})), "proceeds");
    let update = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","updatedInput":{"file_path":"/a"}}}"#;
    assert_eq!(one(json!({"hook": {"exit": 0, "stdout": update}, "tool": "Read"})), "input-rewritten");
    assert_eq!(one(json!({"hook": {"exit": 0, "stdout": update}})), "blocked");
    assert_eq!(one(json!({"hook": {"timed_out": true, "exit": null, "signal": null}})), "proceeds");
}

#[test]
fn a_line_of_5_mb_is_read_whole() {
    let text = "long line ".repeat(500_000);
    let long =
        json!({"id": "long", "platform": "claude-code", "event": "PreToolUse", "hook": {"exit": 2, "stderr": text}});
    let answers = batch(format!("{long}\n{}\n", line(&json!("short"))));
    assert_eq!((&answers[0]["id"], &answers[1]["id"]), (&json!("long"), &json!("short")));
    // What is told to the model at exit 2 has no bound.
    assert_eq!(answers[0]["model_sees"][0].as_str().map(str::len), Some(text.trim_end().len()));
}

/// A program that talks to us line by line must not wait for a full buffer.
#[test]
fn every_line_is_answered_at_once() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hookproof"))
        .args(["interpret", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    for id in 0..3 {
        writeln!(stdin, "{}", line(&json!(id))).expect("it reads");
        let mut answer = String::new();
        stdout.read_line(&mut answer).expect("it answers");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["id"], id);
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hookproof"))
        .args(["interpret", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    writeln!(stdin, "{}", line(&json!(0))).expect("it reads");
    stdout.read_line(&mut String::new()).expect("it answers");
    drop(stdout);
    // It may end before it has read all of this.
    for id in 1..10_000 {
        if writeln!(stdin, "{}", line(&json!(id))).is_err() {
            break;
        }
    }
    drop(stdin);
    let mut said = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut said).expect("text");
    assert_eq!(said, "");
    assert_eq!(child.wait().expect("it ends").code(), Some(141));
}

#[test]
fn takes_no_further_arguments() {
    hookproof(&["interpret", "--batch", "extra"]).assert().code(2).stderr(contains("unexpected argument 'extra'"));
}
