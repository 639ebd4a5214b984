//! Files of strangers: what they may do, and that nothing waits for them or is deceived by them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::hookproof;

/// Everything here takes a fraction of this; a machine under load is slow.
const SOON: Duration = Duration::from_secs(20);

fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("is written");
    }
    folder
}

fn settings(command: &str) -> String {
    serde_json::json!({"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": command}]}]}}).to_string()
}

fn check(folder: &Path, more: &[&str]) -> assert_cmd::Command {
    let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", "baseline"]);
    command.args(more).current_dir(folder).env_remove("CI").write_stdin("").timeout(SOON);
    command
}

/// Writes what the hook was given to a file that the sandbox lets it write.
const TELLS: &str = "cat >/dev/null; echo \"$STRANGER\" >> told";

#[test]
fn a_file_in_the_current_directory_applies_to_a_typed_command_only_if_it_is_named_or_consented_to() {
    let folder = project(&[("hookproof.toml", "environment = { STRANGER = \"was-here\" }\n"), ("told", "")]);
    let told = folder.path().join("told");
    let run = |more: &[&str]| {
        fs::write(&told, "").expect("is written");
        let line = format!("cat >/dev/null; echo \"[$STRANGER]\" >> {}", told.display());
        let allow = told.display().to_string();
        let all: Vec<&str> = more.iter().copied().chain(["--allow-write", &allow, "--", "sh", "-c", &line]).collect();
        let stderr = String::from_utf8_lossy(&check(folder.path(), &all).output().expect("ends").stderr).into_owned();
        (fs::read_to_string(&told).expect("is there"), stderr)
    };
    let (without, stderr) = run(&[]);
    assert!(without.contains("[]") && !without.contains("was-here"), "{without} {stderr}");
    assert!(
        stderr.contains("hookproof.toml is not applied") && stderr.contains("--settings hookproof.toml"),
        "{stderr}"
    );
    for more in [&["--settings", "hookproof.toml"][..], &["--yes"]] {
        let (with, stderr) = run(more);
        assert!(with.contains("[was-here]") && !with.contains("[]") && stderr.is_empty(), "{with} {stderr}");
    }
}

#[test]
fn the_question_shows_what_the_file_does_and_marks_what_runs_other_code() {
    let toml = "heavy = [\"pip *\"]\nenvironment = { LD_PRELOAD = \"/x.so\", B = \"\\u001b[2J\" }\n\
                [[case]]\nname = \"mine\"\nevent = \"PreToolUse\"\npayload = {}\n";
    let folder = project(&[("hookproof.toml", toml), (".claude/settings.json", &settings(TELLS))]);
    check(folder.path(), &["."])
        .assert()
        .code(2)
        .stderr(contains("LD_PRELOAD=/x.so   <- loads code into programs"))
        .stderr(contains(r"B=\u{1b}[2J"))
        .stderr(contains("the command pip *"))
        .stderr(contains("runs the hooks with `mine`"))
        .stderr(contains("there is no terminal"));
}

/// Puts something that is no file at `path`.
fn place(kind: &str, path: &Path) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let _ = fs::remove_file(path);
    match kind {
        "fifo" => assert!(Command::new("mkfifo").arg(path).status().expect("runs").success()),
        "sparse" => fs::File::create(path).and_then(|file| file.set_len(1 << 42)).expect("is made"),
        "directory" => fs::create_dir(path).expect("is made"),
        "loop" => symlink(path, path).expect("is made"),
        device => symlink(device, path).expect("is made"),
    }
}

#[rstest]
fn nothing_that_is_no_file_is_waited_for(
    #[values("fifo", "/dev/zero", "/dev/tty", "/proc/kmsg", "sparse", "loop", "directory")] kind: &str,
    #[values(
        ".claude/settings.json",
        ".claude/agents/a.md",
        "hookproof.toml",
        ".claude-plugin/plugin.json",
        "hooks/hooks.json",
        "script.sh",
        "payload.json"
    )]
    name: &str,
) {
    let toml = "[[case]]\nevent = \"PreToolUse\"\npayload = \"payload.json\"\n";
    let mut files = vec![("payload.json", "{}"), ("hookproof.toml", toml), ("script.sh", "#!/bin/sh\n")];
    let own = settings("$CLAUDE_PROJECT_DIR/script.sh");
    if name.contains("plugin") || name.starts_with("hooks") {
        files.push((".claude-plugin/plugin.json", "{\"name\": \"x\"}"));
    } else {
        files.push((".claude/settings.json", &own));
    }
    let folder = project(&files);
    place(kind, &folder.path().join(name));
    for path in [".", name] {
        // `interrupted` would mean that the time was over.
        let output = check(folder.path(), &[path]).output().expect("it ends");
        assert!(matches!(output.status.code(), Some(0..=2)), "{path}: {:?}", output.status);
    }
}

#[rstest]
#[case(&["check", "--with-payload", "FILE", "--", "true"])]
#[case(&["check", "--settings", "FILE", "--", "true"])]
#[case(&["interpret", "--platform", "claude-code", "--event", "Stop", "--stdout", "FILE"])]
#[case(&["interpret", "--platform", "claude-code", "--event", "Stop", "--stderr", "FILE"])]
fn no_option_waits_for_what_is_no_file(
    #[case] arguments: &[&str],
    #[values("fifo", "/dev/zero", "sparse")] kind: &str,
) {
    let folder = project(&[]);
    place(kind, &folder.path().join("FILE"));
    let output =
        hookproof(arguments).current_dir(folder.path()).write_stdin("").timeout(SOON).output().expect("it ends");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// What the shell hands over is what the user has meant.
#[test]
fn a_pipe_of_the_caller_is_read() {
    let line = format!(
        "{} interpret --platform claude-code --event PreToolUse --exit 2 --stderr <(printf 'not this one')",
        env!("CARGO_BIN_EXE_hookproof")
    );
    let output = Command::new("bash").args(["-c", &line]).output().expect("bash");
    assert!(String::from_utf8_lossy(&output.stdout).contains("not this one"), "{output:?}");
}

const EVIL: &str = "\u{1b}]0;x\u{7}\u{202e}\u{9b}2J";

#[rstest]
#[case::a_path(&["check", "/no/such/EVIL"])]
#[case::a_platform(&["check", "--platform", "EVIL", "--reference"])]
#[case::an_event(&["check", "--event", "EVIL", "--reference"])]
#[case::a_scenario(&["check", "--scenario", "EVIL", "--reference"])]
#[case::a_variable(&["check", "--env", "=EVIL", "--reference"])]
#[case::a_payload(&["check", "--with-payload", "EVIL", "--reference"])]
#[case::an_output(&["check", "-o", "/no/such/EVIL", "--reference"])]
#[case::a_writable_path(&["check", "--allow-write", "/no/such/EVIL", "--reference"])]
#[case::a_flag(&["check", "--EVIL"])]
#[case::a_value(&["check", "--deadline", "EVIL", "--reference"])]
#[case::a_command(&["EVIL"])]
#[case::a_requirement(&["explain", "EVIL"])]
#[case::contracts(&["list", "platforms", "--contracts", "/no/such/EVIL"])]
#[case::a_file(&["interpret", "--platform", "claude-code", "--event", "Stop", "--stdout", "EVIL"])]
#[case::a_handler(&["interpret", "--platform", "claude-code", "--event", "Stop", "--handler", "EVIL"])]
fn nothing_of_the_command_line_reaches_the_terminal_raw(#[case] arguments: &[&str]) {
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("EVIL", EVIL)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = hookproof(&arguments).write_stdin("").output().expect("ends");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    is_plain(&output.stderr);
    is_plain(&output.stdout);
}

fn is_plain(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
}

#[rstest]
#[case::a_key("\"EVIL\" = 1")]
#[case::a_key_of_a_case("[[case]]\n\"EVIL\" = 1\npayload = {}")]
#[case::syntax("heavy = EVIL")]
#[case::a_time("window = \"EVIL\"")]
#[case::an_event("[[case]]\nevent = \"EVIL\"\npayload = {}")]
#[case::a_platform("[[case]]\nevent = \"PreToolUse\"\nplatform = \"EVIL\"\npayload = {}")]
#[case::a_file("[[case]]\nevent = \"PreToolUse\"\npayload = \"EVIL\"")]
#[case::a_pattern("[[case]]\nevent = \"PreToolUse\"\npayload = {}\nreason = \"(EVIL\"")]
#[case::a_variable("environment = { \"=EVIL\" = \"x\" }")]
fn nothing_of_a_settings_file_reaches_the_terminal_raw(#[case] toml: &str) {
    let escaped = r"\u001b]0;x\u0007\u202e\u009b2J";
    for text in [toml.replace("EVIL", escaped), toml.replace("EVIL", EVIL)] {
        let folder = project(&[("hookproof.toml", &text)]);
        let output = check(folder.path(), &["--settings", "hookproof.toml", "--", "true"]).output().expect("ends");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        is_plain(&output.stderr);
    }
}

#[rstest]
#[case::an_event(r#"{"hooks": {"EVIL": [{"hooks": [{"type": "command", "command": "true"}]}]}}"#)]
#[case::a_type(r#"{"hooks": {"Stop": [{"hooks": [{"type": "EVIL", "command": "true"}]}]}}"#)]
#[case::a_matcher(r#"{"hooks": {"PreToolUse": [{"matcher": "(EVIL", "hooks": []}]}}"#)]
#[case::an_option(r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true", "timeouEVIL": 1}]}]}}"#)]
#[case::twice(r#"{"EVIL": 1, "EVIL": 2, "hooks": {"Stop": [{"hooks": [{"type": "command"}]}]}}"#)]
#[case::a_command(r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "/no/EVIL"}]}]}}"#)]
#[case::syntax(r#"{"hooks": EVIL"#)]
fn nothing_of_a_configuration_reaches_the_terminal_raw(#[case] json: &str, #[values("human", "jsonl")] format: &str) {
    let escaped = r"\u001b]0;x\u0007\u202e\u009b2J";
    let folder = project(&[(".claude/settings.json", &json.replace("EVIL", escaped))]);
    let mut command = hookproof(&["check", "--yes", "--format", format, "--verbose", "."]);
    let output = command.current_dir(folder.path()).timeout(SOON).output().expect("ends");
    assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
    is_plain(&output.stdout);
    is_plain(&output.stderr);
}

#[rstest]
#[case(&["check", "--reference", "--event", "Stop", "--scenario", "baseline", "--verbose"])]
#[case(&["check", "--reference", "--event", "Stop", "--scenario", "baseline", "--format", "jsonl"])]
#[case(&["list", "requirements"])]
#[case(&["schema", "--output", "claude-code", "PreToolUse"])]
fn a_reader_that_has_gone_is_no_failure_of_the_harness(#[case] arguments: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hookproof"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut out = BufReader::with_capacity(16, child.stdout.take().expect("piped"));
    out.read_until(b'\n', &mut Vec::new()).expect("a line");
    drop(out);
    let output = child.wait_with_output().expect("ends");
    // What was written before the reader went may have been all of it.
    assert!(matches!(output.status.code(), Some(0 | 141)), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn too_much_is_refused_with_the_bound() {
    let group = r#"{"hooks": [{"type": "command", "command": "true"}]}"#;
    let of = |count: usize| format!(r#"{{"hooks": {{"Stop": [{}]}}}}"#, vec![group; count].join(","));
    let folder = project(&[(".claude/settings.json", &of(5000))]);
    let refused = contains("settings.json: it ").and(contains("more than"));
    check(folder.path(), &["."]).assert().code(2).stderr(refused);
}

/// A check in a namespace of its own, with something else in the place of `/proc`; `None` where that cannot be had.
#[cfg(target_os = "linux")]
fn without_proc(arguments: &str) -> Option<String> {
    let line = format!("mount -t tmpfs none /proc || exit 99; exec {} {arguments}", env!("CARGO_BIN_EXE_hookproof"));
    let output = Command::new("unshare").args(["-m", "sh", "-c", &line]).output().ok()?;
    // 1 is what `unshare` itself ends with where it may not.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code() != Some(99) && !text.is_empty()).then_some(text)
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_not_seen_without_proc_is_skipped_with_the_reason() {
    // No other process has such an argument.
    const PAUSE: &str = "47.1381";
    let line = format!("check -v --event Stop --scenario baseline -- sh -c 'cat >/dev/null; sleep {PAUSE} &'");
    let Some(text) = without_proc(&line) else { return };
    let is_left = |entry: &fs::DirEntry| {
        fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == format!("sleep\0{PAUSE}\0").as_bytes())
    };
    let left = fs::read_dir("/proc").expect("Linux has it").flatten().filter(is_left).count();
    assert_eq!(left, 0, "processes of the hook's group are killed, seen or not");
    assert!(text.contains("processes that outlive the hook cannot be seen here"), "{text}");
    assert!(text.contains("started by: posix") && text.contains("linux-spawner"), "{text}");
}

/// Root has no such limit, so that a user is needed who does nothing else.
#[cfg(target_os = "linux")]
#[rstest]
fn a_machine_that_starts_no_more_processes_is_a_message(#[values(1, 2, 3, 5, 8, 12)] most: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("hookproof");
    fs::copy(env!("CARGO_BIN_EXE_hookproof"), &program).expect("is copied");
    let line = format!(
        "chmod -R a+rwX {0} && exec setpriv --reuid 65533 --regid 65533 --clear-groups prlimit --nproc={most} {0}/hookproof check \
         --reference --event Stop --scenario baseline",
        folder.path().display()
    );
    let output = Command::new("sh").args(["-c", &line]).env("HOME", folder.path()).output().expect("a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("setpriv") || stderr.contains("prlimit") {
        return;
    }
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}
