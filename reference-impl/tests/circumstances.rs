//! The circumstances a host may run the hook in: streams, environment, folders, other calls at the same time.

mod common;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Answer, binary, dangerous, payload, run};
use predicates::prelude::*;
use rstest::rstest;
use serde_json::json;

fn spawn(event: &str, stdin: Stdio) -> Child {
    Command::new(binary())
        .args(["claude-code", event])
        .env_remove("HOOKPROOF_REFERENCE_STATE")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Waits for the child while its stdin stays open, and says how long it took.
fn wait_with_stdin_open(mut child: Child) -> (Answer, Duration) {
    let begun = Instant::now();
    let stdin = child.stdin.take();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    child.stdout.take().expect("a pipe").read_to_end(&mut out).expect("read");
    child.stderr.take().expect("a pipe").read_to_end(&mut err).expect("read");
    let status = child.wait().expect("ended");
    let took = begun.elapsed();
    drop(stdin);
    let answer = Answer {
        code: status.code(),
        stdout: String::from_utf8(out).expect("text"),
        stderr: String::from_utf8(err).expect("text"),
    };
    (answer, took)
}

fn denied(answer: &Answer) -> bool {
    answer.code == Some(0) && answer.stderr.is_empty() && answer.stdout.contains("\"permissionDecision\":\"deny\"")
}

/// Refused by exit code, with words on stderr and nothing on stdout.
fn refused(answer: &Answer) -> bool {
    answer.code == Some(2) && answer.stdout.is_empty() && answer.stderr.contains("refused this tool call")
}

#[test]
fn an_open_stdin_is_not_waited_for() {
    let mut child = spawn("PreToolUse", Stdio::piped());
    let stdin = child.stdin.as_mut().expect("a pipe");
    stdin.write_all(payload("PreToolUse", &dangerous()).as_bytes()).expect("written");
    stdin.flush().expect("written");
    let (answer, took) = wait_with_stdin_open(child);
    assert!(denied(&answer), "{answer:?}");
    // Waiting for the end of file would have ended in a refusal for silence; the time only bounds a hang.
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn slow_pieces_are_put_together() {
    let mut child = spawn("PreToolUse", Stdio::piped());
    let text = payload("PreToolUse", &json!({ "tool_name": "Bash", "tool_input": { "command": "rm -rf / # 日本 é" } }));
    let mut stdin = child.stdin.take().expect("a pipe");
    for piece in text.as_bytes().chunks(7) {
        stdin.write_all(piece).expect("written");
        stdin.flush().expect("written");
        thread::sleep(Duration::from_millis(20));
    }
    child.stdin = Some(stdin);
    let (answer, _) = wait_with_stdin_open(child);
    assert!(denied(&answer), "{answer:?}");
}

#[rstest]
#[case(b"")]
#[case(b"{\"hook_event_name\":\"PreToolUse\"")]
fn silence_on_an_open_stdin_ends_the_wait(#[case] bytes: &[u8]) {
    for event in ["PreToolUse", "SessionEnd", "Stop"] {
        let mut child = spawn(event, Stdio::piped());
        child.stdin.as_mut().expect("a pipe").write_all(bytes).expect("written");
        let (answer, took) = wait_with_stdin_open(child);
        if event == "PreToolUse" {
            assert!(refused(&answer), "{answer:?}");
        } else {
            assert!(answer.is_silent(), "{event}: {answer:?}");
        }
        let limit = if event == "SessionEnd" { 1_400 } else { 4_000 };
        assert!(took < Duration::from_millis(limit), "{event}: {took:?}");
    }
}

#[rstest]
#[case(b"")]
#[case(b" \n")]
#[case(b"{\"hook_event_name\":\"PreToolUse\",\"tool_")]
#[case(b"not json")]
#[case(b"[]")]
#[case(b"null")]
#[case(b"{'hook_event_name':'PreToolUse'}")]
#[case(b"{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"\xff\xfe\"}")]
#[case(b"\xff\xfe{\0}\0")]
fn what_cannot_be_read_is_refused_at_the_gate_only(#[case] bytes: &[u8]) {
    for event in hookproof_reference::events("claude-code").expect("the platform") {
        let answer = run(event, bytes);
        match event {
            "PreToolUse" => assert!(refused(&answer), "{answer:?}"),
            "WorktreeCreate" => {
                assert_eq!(answer.code, Some(1), "no path to give");
                assert!(answer.stdout.is_empty() && !answer.stderr.is_empty());
            }
            _ => assert!(answer.is_silent(), "{event}: {answer:?}"),
        }
    }
    let mut nameless = assert_cmd::Command::new(binary());
    nameless.arg("claude-code").write_stdin(bytes);
    assert!(Answer::of(&nameless.output().expect("the program runs")).is_silent());
}

#[test]
fn a_byte_order_mark_and_what_follows_the_document_do_no_harm() {
    let text = payload("PreToolUse", &dangerous());
    assert!(denied(&run("PreToolUse", format!("\u{feff}{text}\r\n"))));
    assert!(denied(&run("PreToolUse", format!("{text}\n{{\"second\":1}}"))));
    assert!(denied(&run("PreToolUse", format!("{text}{}", "x".repeat(300_000)))));
}

#[test]
fn large_and_deep_payloads_are_judged() {
    let large =
        json!({ "tool_name": "Bash", "tool_input": { "command": "rm -rf /", "description": "x".repeat(2 << 20) } });
    assert!(denied(&run("PreToolUse", payload("PreToolUse", &large))));
    let harmless =
        json!({ "tool_name": "Bash", "tool_input": { "command": format!("echo {}", "x ".repeat(1 << 17)) } });
    assert!(run("PreToolUse", payload("PreToolUse", &harmless)).is_silent());
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = payload("PreToolUse", &dangerous());
    assert!(denied(&run("PreToolUse", text.replacen('{', &format!("{{\"deep\":{deep},"), 1))));
}

#[test]
fn a_payload_beyond_the_limit_is_refused_and_the_writer_is_not_hung() {
    let text = payload("PreToolUse", &json!({ "tool_name": "Bash", "x": "y".repeat(20 << 20) }));
    let mut child = spawn("PreToolUse", Stdio::piped());
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = thread::spawn(move || {
        // The reader may go before the end; that is an error of the pipe and no hang.
        let _ = stdin.write_all(text.as_bytes());
        stdin
    });
    let (answer, took) = wait_with_stdin_open(child);
    assert!(refused(&answer), "{answer:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    drop(writer.join().expect("ended"));
}

#[test]
fn no_stdin_at_all_is_an_empty_one() {
    let output = spawn("PreToolUse", Stdio::null()).wait_with_output().expect("ended");
    assert!(refused(&Answer::of(&output)));
}

#[cfg(unix)]
#[test]
fn closed_descriptors_do_no_harm() {
    let script = |redirections: &str| {
        let line = format!("\"$0\" claude-code PreToolUse {redirections}");
        let output = Command::new("/bin/sh").args(["-c", &line]).arg(binary()).output().expect("a shell");
        Answer::of(&output)
    };
    assert!(refused(&script("<&-")));
    assert_eq!(script("<&- 2>&-").code, Some(2), "the exit code is left");
    assert_eq!(script("< /").code, Some(2), "a folder cannot be read");
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_gone_loses_no_refusal() {
    use std::os::fd::OwnedFd;
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut child = Command::new(binary())
        .args(["claude-code", "PreToolUse"])
        .stdin(Stdio::piped())
        .stdout(OwnedFd::from(writer))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let text = payload("PreToolUse", &dangerous());
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let answer = Answer::of(&child.wait_with_output().expect("ended"));
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.starts_with("Refused: "), "{answer:?}");
}

#[rstest]
#[case(&[])]
#[case(&[("LC_ALL", "C"), ("LANG", "C")])]
#[case(&[("CLAUDECODE", "1"), ("AI_AGENT", "claude-code_2-1-329_harness"), ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")])]
#[case(&[("RUST_BACKTRACE", "1"), ("RUST_LOG", "trace"), ("FORCE_COLOR", "1")])]
fn the_environment_changes_nothing(#[case] variables: &[(&str, &str)]) {
    let folder = tempfile::Builder::new().prefix("a b ünï 日本 ").tempdir().expect("a folder");
    let context = payload("SessionStart", &json!({ "source": "startup" }));
    for (event, text) in [("PreToolUse", payload("PreToolUse", &dangerous())), ("SessionStart", context)] {
        let expected = run(event, &text);
        let mut command = assert_cmd::Command::new(binary());
        command.args(["claude-code", event]).current_dir(folder.path()).env_clear();
        if cfg!(windows) {
            // Windows looks along these for the libraries that a program cannot start without.
            for kept in ["SystemRoot", "PATH"] {
                command.env(kept, std::env::var_os(kept).unwrap_or_default());
            }
        }
        command.envs(variables.iter().copied()).write_stdin(text);
        assert_eq!(Answer::of(&command.output().expect("the program runs")), expected);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0, "no file was left");
}

#[test]
fn ten_at_once_answer_like_one() {
    let text = payload("PreToolUse", &dangerous());
    let state = tempfile::tempdir().expect("a folder");
    let expected = run("PreToolUse", &text);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut command = assert_cmd::Command::new(binary());
                command
                    .args(["claude-code", "PreToolUse"])
                    .env("HOOKPROOF_REFERENCE_STATE", state.path())
                    .write_stdin(text.clone());
                assert_eq!(Answer::of(&command.output().expect("the program runs")), expected);
            });
        }
    });
    let log = std::fs::read_to_string(state.path().join("reference-hook.log")).expect("a log");
    assert_eq!(log.lines().count(), 10, "{log}");
    assert!(log.lines().all(|line| line.starts_with("claude-code/PreToolUse: Refused")), "{log}");
}

#[test]
fn a_state_directory_that_cannot_be_used_changes_nothing() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text = payload("PreToolUse", &dangerous());
    let mut command = assert_cmd::Command::new(binary());
    command.args(["claude-code", "PreToolUse"]).env("HOOKPROOF_REFERENCE_STATE", file.path()).write_stdin(text.clone());
    assert_eq!(Answer::of(&command.output().expect("the program runs")), run("PreToolUse", text));
}

#[rstest]
#[case(&["--help"], "usage: reference-hook")]
#[case(&[], "no platform is named")]
#[case(&["abacus", "Stop"], "no adapter exists for the platform \"abacus\"")]
#[case(&["claude-code", "Stop", "more"], "more than two arguments")]
#[case(&["--json", "claude-code"], "the option \"--json\" does not exist")]
fn wrong_usage_is_told_on_stderr_with_code_1(#[case] args: &[&str], #[case] message: &str) {
    assert_cmd::Command::new(binary())
        .args(args)
        .assert()
        .code(1)
        .stdout(predicate::str::is_empty())
        .stderr(predicate::str::contains(message).and(predicate::str::contains("usage: ")));
}
