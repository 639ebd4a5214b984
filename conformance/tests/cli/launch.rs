//! Hooks that never start: reported once, first, and without running every scenario.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;

use crate::hookproof;

/// `hookproof check` of a line for `sh`, at PreToolUse of a platform, in all scenarios.
fn line(platform: &str, event: &str, text: &str) -> assert_cmd::Command {
    hookproof(&["check", "-v", "--platform", platform, "--event", event, "--", "sh", "-c", text])
}

#[rstest]
#[case::open_quote("python3 \"guard.py", "cannot read the command line")]
#[case::python("python3 /no/such/guard.py", "the script `guard.py` does not exist")]
#[case::shell("sh /no/such/guard.sh", "the script `guard.sh` does not exist")]
fn what_denies_everything_is_reported_once_and_first(#[case] text: &str, #[case] what: &str) {
    line("claude-code", "PreToolUse", text)
        .assert()
        .code(1)
        .stdout(contains("error[exit.not-started]"))
        .stdout(contains(what))
        .stdout(contains("does not conform: 1 MUST"))
        .stdout(contains("error[").count(1))
        .stdout(contains("warning[").not())
        .stdout(contains("1 of "));
}

#[test]
fn a_line_for_powershell_is_named_as_one_behind_what_it_does() {
    let check = line("claude-code", "PreToolUse", "& \"C:/x/node.exe\" \"C:/x/guard.js\"").assert().code(1);
    let text = String::from_utf8_lossy(&check.get_output().stdout).into_owned();
    let at = |id: &str| text.find(&format!("error[{id}]")).unwrap_or_else(|| panic!("{id} is missing: {text}"));
    assert!(at("exit.not-started") < at("config.other-shell"), "{text}");
    assert_eq!(text.matches("error[").count(), 2, "{text}");
    assert!(text.contains("cannot read the command line"), "{text}");
}

#[rstest]
#[case("/opt/fmt \"$CLAUDE_FILE_PATHS\"", "`CLAUDE_FILE_PATHS` is never set")]
#[case("/opt/fmt '{{tool_input.file_path}}'", "`{{tool_input.file_path}}`")]
#[case("/opt/fmt '$(.tool_input.file_path)'", "`$(.tool_input.file_path)`")]
fn what_nothing_replaces_in_a_line_is_reported(#[case] text: &str, #[case] words: &str) {
    line("claude-code", "PostToolUse", text)
        .assert()
        .code(1)
        .stdout(contains("error[config.unsubstituted-placeholder]"))
        .stdout(contains(words))
        .stdout(contains("`tool_input.file_path`"));
}

#[rstest]
#[case::missing("claude-code", "PreToolUse", "/no/such/guard", "the program `guard` does not exist")]
#[case::gemini("gemini-cli", "BeforeTool", "/no/such/guard", "the program `guard` does not exist")]
#[case::stop("claude-code", "Stop", "sh /no/such/guard.sh", "the script `guard.sh` does not exist")]
#[case::fallback(
    "claude-code",
    "PreToolUse",
    "python3 /no/such/guard.py || exit 1",
    "the script `guard.py` does not exist"
)]
fn so_is_what_denies_nothing(#[case] platform: &str, #[case] event: &str, #[case] text: &str, #[case] what: &str) {
    line(platform, event, text).assert().code(1).stdout(contains("error[exit.not-started]")).stdout(contains(what));
}

#[rstest]
#[case::a_reason("cat >/dev/null; echo 'no such file or directory' >&2; exit 2")]
#[case::a_launchers_words(
    "cat >/dev/null; echo \"python3: can't open file 'x.py': [Errno 2] No such file\" >&2; exit 2"
)]
#[case::for_some("case $(cat) in *rm*) echo \"sh: 0: cannot open /x: No such file\" >&2; exit 2;; esac")]
fn words_of_a_hooks_own_are_no_launchers(#[case] text: &str) {
    hookproof(&["check", "-v", "--event", "PreToolUse", "--scenario", "repeated", "--", "sh", "-c", text])
        .assert()
        .stdout(contains("exit.not-started").not());
}

#[rstest]
#[case::powershell("powershell -NoProfile -File guard.ps1", "`powershell` is not installed on this machine")]
#[case::cmd("cmd /c guard.bat", "`cmd` is not installed on this machine")]
#[case::script("./guard.ps1", "`./guard.ps1` is a script of another system")]
fn what_is_written_for_another_system_is_skipped(#[case] text: &str, #[case] reason: &str) {
    if ["powershell", "cmd"].iter().any(|program| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
    }) {
        return;
    }
    line("claude-code", "PreToolUse", text)
        .assert()
        .stdout(contains(reason))
        .stdout(contains("error[").not())
        .stdout(contains("warning[").not());
}

#[test]
fn a_file_that_only_the_runs_home_lacks_is_not_the_hooks_fault() {
    let home = tempfile::tempdir().expect("a folder");
    let hook = home.path().join("guard.sh");
    fs::write(&hook, "#!/bin/sh\ncat >/dev/null\n").expect("a file");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a mode");
    line("claude-code", "PreToolUse", "\"$HOME/guard.sh\"")
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.path().join(".cache"))
        .assert()
        .stdout(contains("`guard.sh` is in your home directory"))
        .stdout(contains("error[").not());
}

#[rstest]
#[case::its_own("kill -9 $$", "killed by signal 9")]
#[case::reported("sh -c 'kill -9 $$'; exit $?", "killed by signal 9, which the shell")]
fn a_kill_is_the_same_under_every_shell(#[case] text: &str, #[case] words: &str) {
    hookproof(&["check", "-v", "--event", "PreToolUse", "--scenario", "repeated", "--", "sh", "-c", text])
        .assert()
        .code(1)
        .stdout(contains("error[exit.killed-by-signal]"))
        .stdout(contains(words))
        .stdout(contains("exit.reserved-code").not());
}

/// Which options an interpreter has depends on its version: a configuration that was written for another machine is not accused
/// of this one's. A command that the user types is meant for this machine.
#[test]
fn an_option_that_the_interpreter_of_this_machine_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path().join("bin/node");
    fs::create_dir(folder.path().join("bin")).unwrap();
    fs::write(&node, "#!/bin/sh\necho 'node: bad option: --new' >&2\nexit 9\n").unwrap();
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("guard.js"), "").unwrap();
    let settings = folder.path().join("settings.json");
    let hooks = r#"{"hooks":{"PreToolUse":[{"hooks":[{"type":"command","command":"node --new FILE"}]}]}}"#;
    let script = folder.path().join("guard.js");
    fs::write(&settings, hooks.replace("FILE", &script.to_string_lossy())).unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", folder.path().join("bin").display());
    let check = |what: &[&str]| {
        let mut command = hookproof(&["check", "-v", "--yes", "--event", "PreToolUse", "--env", &path]);
        command.args(what).assert()
    };
    check(&[&settings.to_string_lossy()])
        .stdout(contains("error[").not())
        .stdout(contains("does not know an option here (bad option: --new): its version may be too old"));
    check(&["--", "node", "--new", &script.to_string_lossy()]).code(1).stdout(contains("error[exit.not-started]"));
}
