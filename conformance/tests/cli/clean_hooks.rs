//! Hooks as people write them: one that is right is not accused, and one cause is one finding.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;

use super::hookproof;

const LOGGER: &str = "#!/bin/sh\nmkdir -p \"$HOME/.claude\" && { cat; echo; } >> \"$HOME/.claude/hooks.log\"\nexit 0\n";
const GUARD: &str = r#"#!/bin/sh
case $(cat) in
*'rm -rf'*) echo "rm -rf is not allowed here; delete single files" >&2; exit 2 ;;
esac
"#;
const CONTEXT: &str = "#!/bin/sh\ncat >/dev/null\necho 'The tests of this project run with make check.'\n";
const STOP: &str = r#"#!/bin/sh
case $(cat | tr -d ' \n') in *'"stop_hook_active":true'*) exit 0 ;; esac
echo '{"decision":"block","reason":"Run the tests first."}'
"#;

/// `check MORE -- sh hook.sh`, for a script with this text.
fn check(text: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hook.sh");
    fs::write(&path, text).unwrap();
    let mut command = hookproof(&["check", "-v"]);
    command.args(more).args(["--", "sh"]).arg(&path).assert()
}

#[rstest]
#[case::logger(LOGGER, "PostToolUse")]
#[case::guard(GUARD, "PreToolUse")]
#[case::context(CONTEXT, "SessionStart")]
#[case::prompt(CONTEXT, "UserPromptSubmit")]
#[case::stop(STOP, "Stop")]
fn a_clean_hook_is_not_accused(#[case] text: &str, #[case] event: &str) {
    let scenarios = ["repeated", "malformed-json", "stdin-empty", "stdin-truncated", "no-home", "unknown-fields"];
    let mut more = vec!["--event", event];
    more.extend(scenarios.iter().flat_map(|scenario| ["--scenario", scenario]));
    check(text, &more).success().stdout(contains("error[").not().and(contains("warning[").not()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_beside_the_script_is_all_that_is_said_of_it() {
    let beside = "#!/bin/sh\nset -e\ncat >/dev/null\ndate >> \"$(dirname \"$0\")/log\"\n";
    check(beside, &["--event", "PostToolUse", "--scenario", "repeated"])
        .code(1)
        .stdout(contains("warning[security.writes-outside]"))
        .stdout(contains("does not conform: 1 SHOULD"));
}

/// A process number, a time or a path in the message makes no block of it: it fails at every payload alike.
#[test]
fn a_hook_that_fails_at_every_payload_is_broken_and_meant_nothing() {
    let text = "cat >/dev/null\necho \"$(date +%s%N): permission denied, process $$ in $PWD\" >&2\nexit 1\n";
    check(text, &["--event", "PreToolUse", "--scenario", "repeated"])
        .code(1)
        .stdout(contains("warning[exit.failure]").and(contains("does not conform: 1 SHOULD")))
        .stdout(contains("exit.one-where-two-was-meant").not());
}

/// Whatever is random in the message: an id, a name from mktemp, a date.
#[test]
fn a_hook_that_fails_at_every_payload_with_another_text_each_time_meant_nothing() {
    let id = "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n' | tr '0-9' 'g-p')";
    let text =
        format!("cat >/dev/null\necho \"request {id}: access denied on $(date +%A), see $(mktemp -u)\" >&2\nexit 1\n");
    check(&text, &["--event", "PreToolUse", "--scenario", "baseline"])
        .code(1)
        .stdout(contains("exit.failure"))
        .stdout(contains("exit.one-where-two-was-meant").not());
}

/// The wrong exit code is one thing to fix, whichever number is in the message, and so is an error that nobody caught.
#[test]
fn one_cause_is_one_finding() {
    let text = "case $(cat) in *'rm -rf'*) echo \"blocked ($$)\" >&2; exit 1 ;; esac\n";
    check(text, &["--event", "PreToolUse", "--scenario", "repeated"])
        .code(1)
        .stdout(contains("error[exit.one-where-two-was-meant]").count(1))
        .stdout(contains("same cause: exit.failure (SHOULD)"))
        .stdout(contains("does not conform: 1 MUST in"));
    let text = "d=$(cat)\ncase $d in '{'*'}'*) exit 0 ;; esac\necho \"$0: line 3: d: unbound variable\" >&2\nexit 1\n";
    let scenarios = ["malformed-json", "stdin-empty", "stdin-truncated"];
    let mut more = vec!["--event", "PostToolUse"];
    more.extend(scenarios.iter().flat_map(|scenario| ["--scenario", scenario]));
    check(text, &more).code(1).stdout(contains("does not conform: 1 SHOULD in"));
}
