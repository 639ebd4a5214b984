//! What the sandbox and the machine caused is not held against a hook. Linux only: elsewhere there is no sandbox.

use std::fs;
use std::path::PathBuf;

use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use super::hookproof;

/// A shell script in a directory of its own.
fn script(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hook.sh");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn check(event: &str, scenario: &str, path: &PathBuf) -> assert_cmd::assert::Assert {
    let mut command =
        hookproof(&["check", "-v", "--event", event, "--scenario", scenario, "--level", "must", "--", "sh"]);
    command.arg(path).assert()
}

#[test]
fn a_log_beside_the_script_is_written_to_a_copy_and_the_answer_is_judged() {
    let (folder, path) =
        script("cat >/dev/null\nset -e; echo run >> \"$(dirname \"$0\")/log\"; echo '{\"decision\":\"deny\"}'\n");
    check("Stop", "repeated", &path)
        .code(1)
        .stdout(contains("error[schema.value]"))
        .stdout(contains("warning[security.writes-outside]"))
        .stdout(contains("[input.stop-hook-active]").not().and(contains("[exit.").not()))
        .stdout(contains("does not conform: 1 MUST"));
    assert!(!folder.path().join("log").exists());
}

#[test]
fn files_of_many_kinds_are_written_to_copies() {
    for line in [
        "mkdir \"$D/logs\"; echo run >> \"$D/logs/today\"",
        "echo run > \"$D/state.new\"; mv \"$D/state.new\" \"$D/state\"",
        "tmp=$(mktemp); echo run > \"$tmp\"; mv \"$tmp\" \"$D/state\"",
        "mkdir \"$D/lock\"; rmdir \"$D/lock\"",
        "touch \"$D/last-run\"; rm -f \"$D/hook.sh.old\" \"$D/last-run\"",
    ] {
        let (_folder, path) = script(&format!("cat >/dev/null\nset -e; D=$(dirname \"$0\"); {line}\n"));
        check("PostToolUse", "repeated", &path)
            .success()
            .stdout(contains("warning[security.writes-outside]"))
            .stdout(contains("[exit.").not().and(contains("note[").not()));
    }
}

/// Links have no copy: the failure that follows is a note, and says how to check without it.
#[test]
fn what_follows_from_a_refused_write_is_a_note() {
    let (_folder, path) =
        script("cat >/dev/null\nset -e; ln -s x \"$(dirname \"$0\")/link\"; rm \"$(dirname \"$0\")/link\"\n");
    check("PreToolUse", "repeated", &path)
        .success()
        .stdout(contains("note[exit.failure]"))
        .stdout(contains("the sandbox refused the write to").and(contains("--allow-write")))
        .stdout(contains("warning[exit").not());
}

/// A counter that is written and read again exists only as a copy, which a reader does not see.
#[test]
fn a_copy_that_is_not_found_again_is_a_note() {
    let (_folder, path) =
        script("cat >/dev/null\nset -e; f=$(dirname \"$0\")/count; echo 1 > \"$f\"; n=$(cat \"$f\"); exit 0\n");
    check("PreToolUse", "repeated", &path)
        .success()
        .stdout(contains("note[exit.failure]"))
        .stdout(contains("made to a copy that the hook"));
}
