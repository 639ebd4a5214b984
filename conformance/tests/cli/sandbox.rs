//! What hooks may write and reach while they are checked.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::*;
#[cfg(target_os = "linux")]
use serde_json::Value;

use super::hookproof;

/// A hook that says that all is well after it has run a line.
fn hook(folder: &Path, line: &str) -> PathBuf {
    let file = folder.join("hook.sh");
    fs::write(&file, format!("cat > /dev/null\n{line}\nexit 0\n")).unwrap();
    file
}

fn check(options: &[&str], hook: &Path) -> assert_cmd::Command {
    let mut command = hookproof(&["check", "--event", "Notification", "--scenario", "baseline"]);
    command.args(options).arg("--").arg("sh").arg(hook);
    command
}

/// The findings of a requirement, from the lines of a JSON report.
#[cfg(target_os = "linux")]
fn findings(output: &[u8], requirement: &str) -> Vec<String> {
    let lines = String::from_utf8_lossy(output).into_owned();
    let cases = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let judgements = cases.flat_map(|case| case["judgements"].as_array().cloned().unwrap_or_default());
    judgements
        .filter(|judgement| judgement["requirement"] == requirement)
        .filter_map(|judgement| judgement.to_string().contains("tried to").then(|| judgement.to_string()))
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_written_outside_is_refused_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let hook = hook(folder.path(), &format!("echo x 2>/dev/null > {}", trace.display()));
    let output = check(&["--format", "jsonl"], &hook).assert().code(1).get_output().stdout.clone();
    let found = findings(&output, "security.writes-outside");
    assert!(!found.is_empty() && found.iter().all(|text| text.contains(&trace.display().to_string())), "{found:?}");
    assert!(found[0].contains("--allow-write PATH"), "{found:?}");
    assert!(!trace.exists());
    let last = String::from_utf8_lossy(&output).lines().last().unwrap().to_owned();
    let summary: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(summary["confined"]["files"]["kind"], "enforced");
    assert_eq!(summary["confined"]["network"]["kind"], "enforced");

    check(&["-v", "--allow-write", &folder.path().display().to_string()], &hook)
        .assert()
        .success()
        .stdout(predicate::str::contains("sandbox: writing only in scratch folders, held by Landlock"));
    assert!(trace.exists());
}

/// It finds its home as the system tells it, which the sandbox does not let it write to: that is no defect of the hook.
#[cfg(target_os = "linux")]
#[test]
fn what_the_sandbox_does_is_not_held_against_a_hook_without_a_home() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().display();
    let line = format!("echo seen >\"${{HOME-{elsewhere}}}/log\" || {{ echo 'no log' >&2; exit 3; }}");
    let hook = hook(folder.path(), &line);
    for scenario in ["no-home", "bare-environment"] {
        let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", scenario, "--", "sh"]);
        // The write goes to a copy.
        command.arg(&hook).assert().success().stdout(predicate::str::contains("conforms to"));
        assert!(!folder.path().join("log").exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn temporary_files_have_their_folder_in_a_bare_environment() {
    let folder = tempfile::tempdir().unwrap();
    let hook = hook(folder.path(), "mktemp >/dev/null || exit 3");
    let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", "bare-environment", "--", "sh"]);
    command.arg(&hook).assert().success().stdout(predicate::str::contains("conforms"));
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_sandbox_nothing_is_seen_and_the_report_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let hook = hook(folder.path(), &format!("echo x > {}", trace.display()));
    check(&["--sandbox", "off"], &hook).assert().success().stdout(predicate::str::contains("sandbox: none"));
    assert!(trace.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_beyond_this_machine_is_advice() {
    let folder = tempfile::tempdir().unwrap();
    if !Path::new("/usr/bin/python3").exists() {
        return;
    }
    let line = "python3 -c \"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('203.0.113.1', 9))\" 2>/dev/null";
    let hook = hook(folder.path(), line);
    let output = check(&["--format", "jsonl"], &hook).assert().success().get_output().stdout.clone();
    let found = findings(&output, "security.uses-network");
    assert!(!found.is_empty() && found[0].contains("203.0.113.1:9"), "{found:?}");
    let output = check(&["--format", "jsonl", "--allow-net"], &hook).assert().success().get_output().stdout.clone();
    assert_eq!(findings(&output, "security.uses-network"), [""; 0]);
}

#[test]
fn a_path_that_is_not_there_cannot_be_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let hook = hook(folder.path(), "");
    check(&["--allow-write", "/surely/not/there"], &hook)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("failed to read --allow-write"));
}

#[cfg(not(target_os = "linux"))]
#[test]
fn what_cannot_be_held_is_not_started_if_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let hook = hook(folder.path(), "");
    check(&["--sandbox", "strict"], &hook).assert().code(3);
}
