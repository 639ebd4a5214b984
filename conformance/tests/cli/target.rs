//! What is checked, at which events, and when a check ends early. Unix only: Windows starts no scripts.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::hookproof;

const DENY: &str = r#"case $(cat) in *"rm -rf"*) echo "not here" >&2; exit 2 ;; esac"#;
const SETTINGS: &str = r#"{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "true"}]}]}}"#;

/// A folder with these files; what begins with `#!` is executable.
fn folder(files: &[(&str, &str)]) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("is made");
        fs::write(&path, text).expect("is written");
        if text.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("is made executable");
        }
    }
    folder
}

/// Exit code, stdout and stderr of a check in a folder, at the baseline unless scenarios are named.
fn check(at: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = hookproof(&["check", "--yes"]).args(arguments).current_dir(at).output().expect("runs");
    let text =
        |bytes: Vec<u8>| String::from_utf8(bytes).expect("is text").split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const QUICK: [&str; 2] = ["--scenario", "baseline"];

#[rstest]
#[case::script("guard.sh", &format!("#!/bin/sh\n{DENY}\n"), &["./guard.sh"], "")]
#[case::without_a_slash("guard.sh", &format!("#!/bin/sh\n{DENY}\n"), &["guard.sh"], "")]
#[case::not_executable("guard.bash", DENY, &["./guard.bash"], "./guard.bash is not executable, and is run as `bash ./guard.bash`")]
#[case::as_typed("guard.sh", DENY, &["--", "sh", "./guard.sh"], "")]
fn a_script_is_run_as_the_hook(#[case] name: &str, #[case] text: &str, #[case] words: &[&str], #[case] told: &str) {
    let folder = folder(&[(name, text)]);
    let (code, stdout, stderr) = check(folder.path(), &[&QUICK[..], &["--event", "PreToolUse"], words].concat());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(contains("; 12 of 30 dangerous payloads and 0 of").eval(&stdout), "{stdout}");
    assert!(contains(told).eval(&stderr), "{stderr}");
}

#[test]
fn a_file_of_settings_stays_one() {
    let folder = folder(&[("settings.json", SETTINGS), (".clinerules/hooks/PreToolUse", "#!/bin/sh\nexit 0\n")]);
    let (_, stdout, _) = check(folder.path(), &[&QUICK[..], &["settings.json"]].concat());
    assert!(contains("PreToolUse-1-true").eval(&stdout), "{stdout}");
    // Cline's hooks are files with the names of events.
    let (_, stdout, stderr) =
        check(folder.path(), &[&QUICK[..], &["--platform", "cline-vscode", ".clinerules/hooks/PreToolUse"]].concat());
    assert!(contains(".clinerules/hooks/PreToolUse").eval(&stdout), "{stdout}{stderr}");
}

#[test]
fn without_a_path_it_is_the_current_directory() {
    let here = folder(&[(".claude/settings.json", SETTINGS)]);
    let (code, stdout, stderr) = check(here.path(), &QUICK);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(contains("PreToolUse-1-true").eval(&stdout), "{stdout}");
    let (code, _, stderr) = check(folder(&[]).path(), &QUICK);
    assert_eq!(code, Some(2));
    assert!(contains("there is none of .claude/settings.json").eval(&stderr), "{stderr}");
}

const GEMINI: &str = r#"{"hooks": {"BeforeTool": [{"hooks": [{"type": "command", "command": "true"}]}]}}"#;
const CURSOR: &str = r#"{"version": 1, "hooks": {"beforeShellExecution": [{"command": "true"}]}}"#;

#[rstest]
#[case::one(&[(".gemini/settings.json", GEMINI)], &["."], &["platform found here: gemini-cli (.gemini/settings.json)"], &["Gemini CLI"])]
#[case::the_file(&[(".gemini/settings.json", GEMINI)], &[".gemini/settings.json"], &["gemini-cli"], &["Gemini CLI"])]
#[case::several(
    &[(".gemini/settings.json", GEMINI), (".cursor/hooks.json", CURSOR)],
    &[],
    &["platforms found here: cursor (.cursor/hooks.json), gemini-cli (.gemini/settings.json)"],
    &["cursor", "gemini-cli"],
)]
#[case::named(&[(".gemini/settings.json", GEMINI), (".cursor/hooks.json", CURSOR)], &["--platform", "cursor"], &[], &["Cursor"])]
fn the_platform_is_found(
    #[case] files: &[(&str, &str)],
    #[case] arguments: &[&str],
    #[case] told: &[&str],
    #[case] titles: &[&str],
) {
    let folder = folder(files);
    let (_, stdout, stderr) = check(folder.path(), &[&QUICK[..], arguments].concat());
    for text in told {
        assert!(contains(*text).eval(&stderr), "{stderr}");
    }
    assert_eq!(told.is_empty(), stderr.is_empty(), "{stderr}");
    for title in titles {
        assert!(contains(*title).eval(&stdout), "{stdout}");
    }
}

#[rstest]
#[case::mentioned("# for PostToolUse and Stop\ncat > /dev/null", "events: PostToolUse (mentioned in hook.sh)")]
#[case::several("case $1 in PreToolUse|Stop) ;; esac", "events: PreToolUse, Stop (mentioned in hook.sh)")]
#[case::of_another_platform("# BeforeTool", "events: PreToolUse (hook.sh mentions Gemini CLI's names for them)")]
#[case::named_in_an_answer(
    r#"printf '{"hookSpecificOutput":{"hookEventName":"Session%s","additionalContext":"x"}}' Start"#,
    "events: SessionStart (named in the answers of hook.sh)"
)]
#[case::a_guard(DENY, "events: PreToolUse (hook.sh tells payloads apart there)")]
#[case::responds_at_one(
    r#"case $(cat) in *'"prompt"'*) echo hello ;; esac"#,
    "hook.sh responds there and at no other event)"
)]
#[case::silent("cat > /dev/null", "events: PreToolUse (nothing says which hook.sh is for, and it responds at none)")]
#[case::always("cat > /dev/null; exit 1", "and it responds at 33 of 33)")]
fn the_events_are_guessed(#[case] script: &str, #[case] told: &str) {
    let folder = folder(&[("hook.sh", &format!("#!/bin/sh\n{script}\n"))]);
    let (_, stdout, stderr) = check(folder.path(), &[&QUICK[..], &["./hook.sh"]].concat());
    assert!(contains(told).eval(&stderr), "{stderr}{stdout}");
    assert!(contains("--event all: every event of Claude Code").eval(&stderr), "{stderr}");
}

#[test]
fn an_event_of_the_command_line_is_the_one() {
    let folder = folder(&[("hook.sh", "#!/bin/sh\n# PreToolUse\n")]);
    let (_, _, stderr) = check(folder.path(), &[&QUICK[..], &["--", "./hook.sh", "--event=Stop"]].concat());
    assert!(contains("events: Stop (named in the command)").eval(&stderr), "{stderr}");
    // What takes every event is checked at every event.
    let (_, stdout, stderr) = check(folder.path(), &[&QUICK[..], &["--matrix", "--", "./hook.sh", "{event}"]].concat());
    assert_eq!(stderr, "");
    assert!(contains("SessionEnd").eval(&stdout), "{stdout}");
}

#[rstest]
#[case(&["--event", "BeforeTool"], "BeforeTool is Gemini CLI's name for PreToolUse of Claude Code", 0)]
#[case(&["--event", "all"], "", 0)]
#[case(&["--event", "BeforeModel"], "it is an event of Gemini CLI, and Claude Code has none at that moment", 2)]
#[case(&["--event", "pretooluse"], "did you mean PreToolUse?", 2)]
#[case(&["--event", "Pre"], "did you mean PreCompact, PreToolUse or PreModelSwitch?", 2)]
#[case(&["--scenario", "held"], "or stdin-held-open?", 2)]
#[case(&["--platform", "gemini"], "did you mean gemini-cli?", 2)]
#[case(&["--platform", "claude-code@9.9.9", "--event", "Stop"], "claude-code@9.9.9: the newest version that is known is 2.", 0)]
#[case(&["--jobs", "0"], "at least 1", 2)]
fn names_are_understood(#[case] arguments: &[&str], #[case] told: &str, #[case] code: i32) {
    let folder = folder(&[("hook.sh", "#!/bin/sh\ncat > /dev/null\n")]);
    let (found, _, stderr) = check(folder.path(), &[&QUICK[..], arguments, &["./hook.sh"]].concat());
    assert!(contains(told).eval(&stderr), "{stderr}");
    assert_eq!(found, Some(code), "{stderr}");
}

#[test]
fn events_of_several_platforms_are_those_at_the_same_moment() {
    let folder = folder(&[("hook.sh", "#!/bin/sh\ncat > /dev/null\n")]);
    let arguments = ["--platform", "claude-code,gemini-cli,windsurf", "--event", "PreToolUse", "-v", "./hook.sh"];
    let (_, stdout, stderr) = check(folder.path(), &[&QUICK[..], &arguments].concat());
    for event in ["PreToolUse", "BeforeTool", "pre_run_command"] {
        assert!(contains(event).eval(&stdout), "{stdout}{stderr}");
    }
    assert!(!contains("SessionStart").eval(&stdout), "{stdout}");
}

#[test]
fn what_is_guessed_for_many_platforms_is_told_once() {
    let folder = folder(&[("hook.sh", "#!/bin/sh\n# PreToolUse\ncat > /dev/null\n")]);
    let arguments = ["--platform", "claude-code,gemini-cli", "./hook.sh"];
    let (_, _, stderr) = check(folder.path(), &[&QUICK[..], &arguments].concat());
    assert_eq!(stderr.matches("hookproof: ").count(), 1, "{stderr}");
    let (_, _, stderr) = check(folder.path(), &[&QUICK[..], &["-v"], &arguments].concat());
    let told = contains("claude-code: events: PreToolUse (mentioned in hook.sh)")
        .and(contains("gemini-cli: events: BeforeTool (hook.sh mentions Claude Code's names for them)"));
    assert!(told.eval(&stderr), "{stderr}");
}

/// How many cases there were, and how many were planned.
fn volume(stdout: &str) -> (usize, usize) {
    let words: Vec<&str> = stdout.split(' ').collect();
    let number = |at: usize| words[at].parse().expect("is a number");
    // `5 of 226 cases, 4 processes`, or `226 cases, 226 processes`.
    let is_told = |pair: &[&str]| ["cases,", "case,"].contains(&pair[0]) && pair[1] != "2";
    let at = words.windows(2).rposition(is_told).expect("is told");
    let planned = number(at - 1);
    if words[at - 2] == "of" { (number(at - 3), planned) } else { (planned, planned) }
}

#[rstest]
#[case::not_started("--", "no-such-program-anywhere", "it does not start", 2)]
#[case::hangs("#!/bin/sh\ncat > /dev/null\nsleep 60\n", "", "it reached its time limit three times", 8)]
#[case::always_fails("#!/bin/sh\ncat > /dev/null\necho broken >&2\nexit 1\n", "", "it fails at every payload", 120)]
fn a_hook_of_which_nothing_new_is_learned_is_not_run_on(
    #[case] script: &str,
    #[case] command: &str,
    #[case] because: &str,
    #[case] most: usize,
) {
    let folder = folder(&[("hook.sh", script)]);
    let hook: PathBuf = folder.path().join("hook.sh");
    let hook = hook.to_string_lossy();
    let words = if command.is_empty() { vec!["--", &*hook] } else { vec!["--", command] };
    let arguments = [&["--event", "all", "--deadline", "1"][..], &words].concat();
    let (code, stdout, stderr) = check(folder.path(), &arguments);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(contains(because).eval(&stdout), "{stdout}");
    let (run, planned) = volume(&stdout);
    // A hook that fails is known to fail at an event only when it was seen there.
    let most = if because.contains("payload") { planned / 2 } else { most };
    assert!(run <= most && run < planned, "{run} of {planned}");
}

#[test]
fn an_expectation_is_judged_however_late_the_hook_is() {
    let folder = folder(&[
        ("hook.sh", "#!/bin/sh\ncat > /dev/null\nsleep 60\n"),
        ("push.json", r#"{"tool_input":{"command":"git push --force"}}"#),
    ]);
    let arguments =
        ["--event", "PreToolUse", "--deadline", "1", "--with-payload", "push.json", "--expect", "block", "./hook.sh"];
    let (code, stdout, _) = check(folder.path(), &arguments);
    assert_eq!(code, Some(1));
    // The suite's own patience proves nothing; but it is said that the expectation was looked at.
    assert!(contains("note[expect.decision]: push").eval(&stdout), "{stdout}");
}

#[test]
fn the_first_finding_can_be_the_last() {
    let folder = folder(&[("hook.sh", "#!/bin/sh\necho banner\ncat > /dev/null\necho '{}'\n")]);
    let (code, stdout, _) = check(folder.path(), &["--event", "PreToolUse", "--fail-fast", "./hook.sh"]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(contains("the check ends at its first finding").eval(&stdout), "{stdout}");
    let (run, planned) = volume(&stdout);
    assert!(run < planned / 2, "{run} of {planned}");
}

#[test]
fn a_configuration_can_be_checked_without_running_anything() {
    let marker = "{\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Edit Write\", \"hooks\": [{\"type\": \"command\", \"command\": \"touch ran\"}]}]}}";
    let folder = folder(&[("broken.json", marker), ("sound.json", SETTINGS)]);
    // No consent is needed where nothing runs.
    let output = hookproof(&["check", "--no-run", "broken.json"]).current_dir(folder.path()).output().expect("runs");
    let stdout = String::from_utf8(output.stdout).expect("is text");
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(contains("config.matcher-never-matches").and(contains("0 processes")).eval(&stdout), "{stdout}");
    let (code, stdout, _) = check(folder.path(), &["--no-run", "sound.json"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "no findings in the configuration; no hook was run"));
}

#[test]
fn consent_is_asked_for_hooks_of_the_chosen_events_only() {
    let both = r#"{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "./guard"}]}],
        "Stop": [{"hooks": [{"type": "command", "command": "./ender"}]}]}}"#;
    let folder = folder(&[("settings.json", both)]);
    let output = hookproof(&["check", "--event", "Stop", "settings.json"]).current_dir(folder.path()).output();
    let stderr = String::from_utf8(output.expect("runs").stderr).expect("is text");
    assert!(contains("./ender").and(contains("./guard").not()).eval(&stderr), "{stderr}");
}

#[rstest]
#[case(&["explain", "stream.noise"], "stream.noise-after-json")]
#[case(&["explain", "stream."], "stream.two-documents")]
#[case(&["explain", "stdin-"], "stdin-held-open")]
fn the_beginning_of_an_id_lists_what_begins_so(#[case] arguments: &[&str], #[case] id: &str) {
    hookproof(arguments).assert().success().stdout(contains(id));
}

#[rstest]
#[case(&["--signal", "SIGKILL"], true, "")]
#[case(&["--signal", "kill"], true, "")]
#[case(&["--signal", "9"], true, "")]
#[case(&["--signal", "SIGNONE"], false, "one of SIGHUP")]
#[case(&["--signal", "0"], false, "from 1 to 64")]
#[case(&["--exit", "300"], false, "at most 255")]
#[case(&["--exit", "255"], true, "")]
fn endings_are_named(#[case] arguments: &[&str], #[case] works: bool, #[case] told: &str) {
    let mut command = hookproof(&["interpret", "--platform", "claude-code", "--event", "PreToolUse"]);
    let assert = command.args(arguments).assert().stderr(contains(told));
    if works {
        assert.success()
    } else {
        assert.code(2)
    };
}
