//! A platform that the suite does not know, from a folder: no Rust is touched for it.

use std::fs;
use std::path::Path;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use tempfile::TempDir;

use super::hookproof;

/// A copy of the walk's files: the contract, its payloads, and a hook.
fn walk() -> TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/platform-walk");
    let to = tempfile::tempdir().expect("a scratch folder");
    copy(&from, to.path());
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

fn with(folder: &TempDir) -> assert_cmd::Command {
    let mut command = hookproof(&["--contracts"]);
    command.arg(folder.path());
    command
}

#[test]
fn an_empty_contract_says_what_it_lacks() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    fs::write(folder.path().join("abacus.toml"), "").expect("a file");
    let mut list = with(&folder);
    list.args(["list", "events", "--platform", "abacus"]).assert().code(2).stderr(
        contains("failed to read the contract")
            .and(contains("abacus.toml:1:1"))
            .and(contains("missing field `platform`")),
    );
}

#[test]
fn the_made_up_platform_is_known_everywhere() {
    let folder = walk();
    with(&folder).args(["list", "platforms"]).assert().success().stdout(contains("Abacus: recorded at 1.0"));
    with(&folder).args(["list", "events", "--platform", "abacus"]).assert().success().stdout(contains("before_sum"));
    with(&folder).args(["schema", "abacus", "before_sum", "--input"]).assert().success().stdout(contains("command"));
    with(&folder)
        .args(["interpret", "--platform", "abacus", "--event", "before_sum", "--exit", "2", "--stderr"])
        .arg(folder.path().join("guard.py"))
        .assert()
        .success()
        .stdout(contains("does not go on with the step"));
}

#[allow(clippy::print_stdout, reason = "a test that cannot run has to say so")]
/// The walk's hook is Python, as hooks often are; where there is no Python nothing can be said of it.
fn python() -> Option<&'static str> {
    let runs = |name: &&str| {
        std::process::Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = ["python3", "python"].into_iter().find(runs);
    if found.is_none() {
        println!("skipped: there is no python3 to run the hook with");
    }
    found
}

fn check(folder: &TempDir, python: &str) -> assert_cmd::assert::Assert {
    with(folder).args(["check", "--platform", "abacus", "--", python]).arg(folder.path().join("guard.py")).assert()
}

#[test]
fn a_proper_hook_is_green() {
    let Some(python) = python() else { return };
    check(&walk(), python).success().stdout(contains("conforms to Abacus 1.0"));
}

#[test]
fn a_broken_hook_is_found_out() {
    let Some(python) = python() else { return };
    let folder = walk();
    let path = folder.path().join("guard.py");
    let text = fs::read_to_string(&path).expect("the hook");
    fs::write(&path, text.replace("return 2", "return 1")).expect("the hook");
    check(&folder, python).code(1).stdout(contains("exit.one-where-two-was-meant"));
}

#[test]
fn it_can_be_compared_with_others() {
    let Some(python) = python() else { return };
    let folder = walk();
    with(&folder)
        .args(["port", "--from", "abacus", "--to", "claude-code", "--", python])
        .arg(folder.path().join("guard.py"))
        .assert()
        .code(1)
        .stdout(contains("abacus@1.0").and(contains("LOST")).and(contains("does not find what it looks for")));
}
