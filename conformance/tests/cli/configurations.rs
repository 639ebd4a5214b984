//! What `hookproof check` makes of a project's configuration: files and programs that do not exist, files that nobody
//! reads, and what the platform itself does to a command before it runs.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use crate::hookproof;

fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn check(platform: &str, folder: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    let path = folder.to_string_lossy();
    let mut arguments = vec!["check", "-v", "--yes", "--scenario", "baseline", "--platform", platform, &path];
    arguments.extend(more);
    hookproof(&arguments).assert()
}

#[test]
fn a_program_that_does_not_exist_is_one_finding_before_a_run() {
    let folder = project(&[(
        ".claude/settings.json",
        r#"{"hooks":{"PreToolUse":[{"hooks":[{"type":"command","command":"/nowhere/guard.sh"}]}]}}"#,
    )]);
    check("claude-code", folder.path(), &[])
        .code(1)
        .stdout(contains("error[config.program-missing]"))
        .stdout(contains("/nowhere/guard.sh does not exist"))
        .stdout(contains("never runs the hook"))
        .stdout(contains("exit.not-started").not())
        .stdout(contains("1 MUST broken (1 rule)"));
}

#[test]
fn a_program_that_this_machine_lacks_fails_nobody() {
    let folder = project(&[(
        ".claude/settings.json",
        r#"{"hooks":{"PreToolUse":[{"hooks":[{"type":"command","command":"no-such-program-of-any-machine"}]}]}}"#,
    )]);
    check("claude-code", folder.path(), &[])
        .code(0)
        .stdout(contains("note[config.program-missing]"))
        .stdout(contains("hookproof does not run this hook here"))
        .stdout(contains("is not settled").not());
}

#[test]
fn a_variable_that_the_user_sets_is_not_told() {
    let command = "test -n $CLAUDE_SESSION_ID; cat >/dev/null";
    let text = format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{{"type":"command","command":"{command}"}}]}}]}}}}"#);
    let folder = project(&[(".claude/settings.json", &text)]);
    check("claude-code", folder.path(), &[]).stdout(contains("error[config.unsubstituted-placeholder]"));
    check("claude-code", folder.path(), &["--env", "CLAUDE_SESSION_ID=x"])
        .stdout(contains("config.unsubstituted-placeholder").not());
}

#[test]
fn hooks_that_nobody_reads_are_a_finding_and_those_of_another_platform_are_named() {
    let folder = project(&[(
        ".gemini/hooks.json",
        r#"{"hooks":{"BeforeTool":[{"hooks":[{"type":"command","command":"true"}]}]}}"#,
    )]);
    check("gemini-cli", folder.path(), &[]).code(1).stdout(contains("error[config.file-not-read]"));
    let folder = project(&[(".cursor/hooks.json", r#"{"version":1,"hooks":{"stop":[{"command":"true"}]}}"#)]);
    check("claude-code", folder.path(), &[]).code(2).stderr(contains("holds hooks of Cursor: try --platform cursor"));
}

#[test]
fn the_project_directory_is_quoted_where_the_platform_quotes_it() {
    let line = "sh $GEMINI_PROJECT_DIR/.gemini/g.sh";
    let text = format!(
        r#"{{"hooks":{{"BeforeTool":[{{"matcher":"run_shell_command","hooks":[{{"type":"command","command":"{line}"}}]}}]}}}}"#
    );
    let script = "cat >/dev/null\necho '{}'\n";
    let folder = project(&[(".gemini/settings.json", &text), (".gemini/g.sh", script)]);
    let path = folder.path().to_string_lossy();
    // The directories of these runs have blanks and quotes in their names.
    hookproof(&["check", "-v", "--yes", "--platform", "gemini-cli", "--scenario", "odd-path", &path])
        .assert()
        .code(0)
        .stdout(contains("exit.").not());
}

#[test]
fn a_missing_permission_is_one_finding_with_its_place() {
    let hooks = r#"{"hooks": {"PreToolUse": [{"hooks": [
        {"type": "command", "command": "\"$CLAUDE_PROJECT_DIR\"/hooks/guard.sh"}]}]}}"#;
    let folder = project(&[(".claude/settings.json", hooks), ("hooks/guard.sh", "#!/bin/sh\ncat >/dev/null\n")]);
    let assert = check("claude-code", folder.path(), &[]).code(1);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(text.contains("error[config.not-executable]") && text.contains("settings.json:2:"), "{text}");
    assert!(!text.contains("exit.not-started") && text.contains("1 MUST"), "{text}");
}

#[test]
fn a_line_for_another_shell_is_one_finding() {
    for (command, rule) in [
        (r"node C:\\tools\\guard.js", "config.unquoted-backslash"),
        (r#"& \"C:/x/node.exe\" \"C:/x/guard.js\""#, "config.other-shell"),
    ] {
        let hooks =
            format!(r#"{{"hooks":{{"PreToolUse":[{{"hooks":[{{"type":"command","command":"{command}"}}]}}]}}}}"#);
        let folder = project(&[(".claude/settings.json", &hooks)]);
        let assert = check("claude-code", folder.path(), &[]).code(1).stdout(contains(format!("error[{rule}]")));
        assert.stdout(contains("config.program-missing").not()).stdout(contains("1 MUST"));
    }
}

#[test]
fn a_script_that_the_platform_makes_executable_runs() {
    let script = "#!/bin/sh\ncat >/dev/null\n";
    let hooks =
        |line: &str| format!(r#"{{"version":1,"hooks":{{"agentStop":[{{"type":"command","bash":"{line}"}}]}}}}"#);
    let first = hooks(".github/hooks/x.sh");
    let folder = project(&[(".github/hooks/h.json", &first), (".github/hooks/x.sh", script)]);
    check("copilot-cli", folder.path(), &[]).code(0).stdout(contains("not-executable").not());
    let behind = hooks("exec .github/hooks/x.sh");
    let folder = project(&[(".github/hooks/h.json", &behind), (".github/hooks/x.sh", script)]);
    check("copilot-cli", folder.path(), &[]).code(1).stdout(contains("error[config.not-executable]"));
}

#[test]
fn a_file_without_hooks_needs_no_version_of_theirs() {
    let hooks = r#"{"version":1,"hooks":{"agentStop":[{"type":"command","bash":"cat >/dev/null"}]}}"#;
    let bare = r#"{"hooks":{"agentStop":[{"type":"command","bash":"cat >/dev/null"}]}}"#;
    let folder = project(&[(".github/hooks/h.json", hooks), (".github/hooks/config/bar.json", r#"{"refresh":5}"#)]);
    check("copilot-cli", folder.path(), &[]).code(0).stdout(contains("version-missing").not());
    let folder = project(&[(".github/hooks/h.json", hooks), (".github/hooks/more/h.json", bare)]);
    check("copilot-cli", folder.path(), &[]).code(0).stdout(contains("advice[config.version-missing]"));
}
