//! `hookproof check` on hooks that are written here as shell scripts. Unix only: Windows starts no scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hookproof::report::ReportEvent;
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::check::{replayed, summary};
use crate::{hookproof, sample};

/// A script in a folder of its own.
struct Script {
    folder: TempDir,
}

impl Script {
    fn new(text: &str) -> Self {
        let script = Script { folder: tempfile::tempdir().expect("a folder") };
        fs::write(script.path(), text).expect("the script is written");
        script
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("hook.sh")
    }

    /// `hookproof check MORE -- sh hook.sh` at the baseline of PreToolUse, and in `repeated`, which is cheap.
    fn check(&self, more: &[&str]) -> assert_cmd::Command {
        let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", "repeated"]);
        command.args(more).args(["--", "sh"]).arg(self.path());
        command
    }
}

const NOISY: &str = r#"cat >/dev/null
echo 'Welcome to my shell'
echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}'
"#;

#[test]
fn noise_before_json_is_found_and_shown() {
    Script::new(NOISY)
        .check(&[])
        .assert()
        .code(1)
        .stdout(contains("error[stream.noise-before-json]"))
        .stdout(contains("\"Welcome to my shell\""))
        .stdout(contains("= more: hookproof explain stream.noise-before-json"))
        .stdout(contains("does not conform: 1 MUST"))
        .stderr("");
}

#[test]
fn a_hook_past_its_time_limit_breaks_the_rule_of_time_and_no_other_must() {
    let script = Script::new("cat >/dev/null\nsleep 3\n");
    let mut command = hookproof(&["check", "--event", "SessionEnd", "--scenario", "baseline", "--", "sh"]);
    command
        .arg(script.path())
        .assert()
        .code(1)
        .stdout(contains("error[timing.budget]"))
        .stdout(contains("does not conform: 1 MUST"))
        .stdout(contains("input.hostile-values").not());
}

#[test]
fn a_sound_hook_conforms() {
    let quiet = NOISY.replace("echo 'Welcome to my shell'\n", "");
    let guard = quiet.replace("cat >/dev/null\n", "case $(cat) in *'rm -rf'*) ;; *) exit 0 ;; esac\n");
    let check = Script::new(&guard).check(&["--level", "may"]).assert().success();
    check.stdout(predicate::str::ends_with("conforms to Claude Code 2.1.329 at level MAY\n"));
}

/// The same finding fails the check or not, as the level says; it is told either way.
#[rstest]
#[case::text(SHOULD, "stream.text-reaches-nobody", "must", 0)]
#[case::text(SHOULD, "stream.text-reaches-nobody", "should", 1)]
#[case::text(SHOULD, "stream.text-reaches-nobody", "may", 1)]
#[case::code(MAY, "exit.code-beside-answer", "must", 0)]
#[case::code(MAY, "exit.code-beside-answer", "should", 0)]
#[case::code(MAY, "exit.code-beside-answer", "may", 1)]
#[case::noise(NOISY, "stream.noise-before-json", "must", 1)]
fn the_level_decides(#[case] text: &str, #[case] requirement: &str, #[case] level: &str, #[case] code: i32) {
    Script::new(text).check(&["-v", "--level", level]).assert().code(code).stdout(contains(requirement));
}

const SHOULD: &str = "cat >/dev/null\necho nothing to say\n";
const MAY: &str = "case $(cat) in *'rm -rf'*) ;; *) exit 0 ;; esac\necho '{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\",\"permissionDecisionReason\":\"no\"}}'\nexit 1\n";

#[test]
fn what_a_hook_prints_never_drives_the_terminal() {
    let hostile = "cat >/dev/null\nprintf 'a\\033[2J\\033]0;owned\\007b\\r\\302\\233c\\342\\200\\256d\\000\\377\\n'\nprintf '\\033[31mred\\n' >&2\nexit 3\n";
    let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for more in [&["--color", "never"][..], &["--color", "never", "--verbose"]] {
        Script::new(hostile)
            .check(more)
            .assert()
            .code(1)
            .stdout(contains("\\u{1b}[2J"))
            .stdout(predicate::function(move |text: &str| !text.contains(raw)));
    }
    let assert = Script::new(hostile).check(&["--format", "jsonl"]).assert().code(1);
    let (_, text) = replayed(&assert.get_output().stdout);
    assert!(assert.get_output().stdout.iter().all(|byte| *byte >= b' ' || *byte == b'\n'), "JSON escapes it too");
    assert!(!text.contains(raw));
}

#[test]
fn a_json_report_of_a_broken_hook_can_be_told_again() {
    let script = Script::new(NOISY);
    let file = script.folder.path().join("report.jsonl");
    script.check(&["--format", "jsonl", "-o", &file.to_string_lossy()]).assert().code(1).stdout("");
    let (events, text) = replayed(&fs::read(&file).expect("the report is there"));
    let summary = summary(&events);
    // One case has no run of its own: it is about all runs of the event together.
    let whole_event =
        events.iter().filter(|event| matches!(event, ReportEvent::CaseFinished(case) if case.runs.is_empty()));
    assert!(summary.must > 0 && summary.must == summary.cases - whole_event.count(), "{summary:?}");
    assert!(text.contains("error[stream.noise-before-json]"), "{text}");
}

#[test]
fn the_place_in_the_command_is_filled_in() {
    let script = Script::new("cat >/dev/null\n[ \"$1/$2\" = claude-code/PreToolUse ] && [ \"$MINE\" = yes ]\n");
    let mut command = script.check(&["--env", "MINE=yes"]);
    command.args(["{platform}", "{event}"]).assert().success();
    script.check(&[]).args(["{platform}", "{event}"]).assert().code(1).stdout(contains("exit.silent-failure"));
}

#[test]
fn a_program_that_is_not_there_is_found_out() {
    hookproof(&["check", "--event", "Stop", "--scenario", "repeated", "--", "/no/such/hook"])
        .assert()
        .code(1)
        .stdout(contains("error[exit.not-started]"));
}

#[rstest]
#[case::yes(&["--yes"], None)]
#[case::ci(&[], Some("true"))]
fn a_configuration_is_checked_with_consent(#[case] more: &[&str], #[case] ci: Option<&str>) {
    let mut command = hookproof(&["check", "--scenario", "repeated"]);
    if let Some(ci) = ci {
        command.env("CI", ci);
    }
    // The script that the sample names does not exist, which a shell says with code 127.
    command
        .args(more)
        .arg(sample("settings-folder"))
        .assert()
        .code(1)
        .stdout(contains("exit code 127"))
        .stdout(contains("error[exit.not-started]"))
        .stdout(contains("settings.json:6:11"))
        .stderr("");
}

#[test]
fn a_configuration_of_ones_own_is_checked_event_by_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join(".claude");
    fs::create_dir(&settings).expect("a folder");
    let hook = |text: &str| serde_json::json!([{"hooks": [{"type": "command", "command": text}]}]);
    let text = serde_json::json!({"hooks": {
        "Stop": hook("cat >/dev/null"),
        "PreToolUse": hook("cat >/dev/null; echo banner; echo '{\"decision\":\"approve\"}'"),
    }});
    fs::write(settings.join("settings.json"), format!("{text:#}")).expect("a file");
    let path = folder.path().to_string_lossy();
    hookproof(&["check", "--yes", "--scenario", "repeated", "--event", "Stop", &path]).assert().success();
    hookproof(&["check", "--yes", "--scenario", "repeated", "--matrix", &path]).assert().code(1).stdout(
        contains("error[stream.noise-before-json]").and(contains("\nPreToolUse-1-cat M M\nStop-1-cat       . .\n")),
    );
}

// ---------------------------------------------------------------------------------------------------------------
// Interrupts

/// The first run ends at once; the others write down who they are, and stay.
const STAYS: &str = r#"cat >/dev/null
mkdir "$1/first" 2>/dev/null && exit 0
sleep 120 &
echo "$$ $!" > "$1/$$.new" && mv "$1/$$.new" "$1/$$.pids"
wait
"#;

/// Waits until `done` says so, for at most half a minute.
fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

fn pids(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .expect("the folder is there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pids"))
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether the process runs; one that has ended and that nobody has asked about yet does not.
fn runs(pid: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps is there");
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(killed.success());
}

#[test]
fn an_interrupt_kills_the_hooks_and_reports_what_was_finished() {
    let script = Script::new(STAYS);
    let folder = script.folder.path();
    let child = Command::new(env!("CARGO_BIN_EXE_hookproof"))
        .args([
            "check",
            "--event",
            "PreToolUse",
            "--jobs",
            "2",
            "--deadline",
            "60",
            "--format",
            "jsonl",
            "--allow-write",
        ])
        .arg(folder)
        .args(["--", "sh"])
        .arg(script.path())
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let stuck = wait_for("two hooks at work", || Some(pids(folder)).filter(|pids| pids.len() == 4));
    assert!(stuck.iter().all(|pid| runs(pid)), "{stuck:?}");
    interrupt(&child);
    let begun = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert!(begun.elapsed() < Duration::from_secs(10), "it does not wait for the hooks");
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for pid in &stuck {
        wait_for("the end of every child", || (!runs(pid)).then_some(()));
    }
    let (events, text) = replayed(&output.stdout);
    let summary = summary(&events);
    assert!(summary.interrupted && summary.cases == 1 && summary.planned > 1, "{summary:?}");
    assert!(events.iter().any(|event| matches!(event, ReportEvent::CaseFinished(_))));
    assert!(text.contains("interrupted"), "{text}");
    assert_eq!(pids(folder).len(), 4, "no hook was started after the interrupt");
}
