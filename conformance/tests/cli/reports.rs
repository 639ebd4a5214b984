//! Whole reports on small hooks, as users read them. Linux only: other systems skip scenarios, and say so.
//!
//! What differs from run to run and from machine to machine is replaced by a name in brackets. After a change that was meant,
//! `INSTA_UPDATE=always cargo test -p hookproof --test cli reports` writes the snapshots anew.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::hookproof;

/// What is replaced, in this order: a pattern, and the name that takes its place.
const NORMALISERS: &[(&str, &str)] = &[
    // The folders of the hooks and of the interpreters.
    (r"/\S*/tests/cli/reports/hooks/", "[HOOKS]/"),
    (r"(?m)^  interpreter: .*(\n {3,}.*)*\n", ""),
    // Times, and what is derived from them.
    (r"\b\d+ min \d+ s\b", "[TIME]"),
    (r"\b\d+(\.\d+)? (ms|s)\b", "[TIME]"),
    (r"\b\d+(\.\d+)? cases a second\b", "[RATE]"),
    // How many processes there are depends on what scenarios the machine can bring about.
    (r"\b\d+ process(es)?\b", "[PROCESSES]"),
    (r"\b\d+ at a time\b", "[JOBS]"),
    // What the machine cannot do is skipped, and not counted as passed.
    (r"(?m)^judgements: \d+ passed", "judgements: [PASSED]"),
    (r"\b\d+\s+skipped\b", "[SKIPPED]"),
    (r"(?m)^  skipped .*(\n {10,}.*)*\n", ""),
    (r"(?m)^sandbox: .*(\n {9}.*)*\n", "[SANDBOX]\n"),
];

/// The folder of the hooks.
fn hooks() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/reports/hooks")
}

/// Compares the report on a command, and the exit code, with the snapshot of this name.
fn compare(name: &str, code: i32, more: &[&str], command: &[OsString]) {
    let mut check = hookproof(&["check", "--event", "PreToolUse"]);
    let assert = check.args(more).arg("--").args(command).assert().code(code).stderr("");
    let report = String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("reports");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, name) in NORMALISERS {
        settings.add_filter(pattern, *name);
    }
    settings.bind(|| insta::assert_snapshot!(name, report));
}

/// A hook of the folder, started directly.
fn direct(file: &str) -> Vec<OsString> {
    vec![hooks().join(file).into()]
}

/// A hook of the folder, started by an interpreter; `None`, and a line that says so, if that is not installed.
fn through(interpreter: &str, file: &str) -> Option<Vec<OsString>> {
    if Command::new(interpreter).arg("--version").output().is_err() {
        println!("skipped: there is no {interpreter}");
        return None;
    }
    Some(vec![interpreter.into(), hooks().join(file).into()])
}

/// Scenarios that show something of most hooks, for hooks that take long to start.
const FEW: &[&str] =
    &["--scenario", "malformed-json", "--scenario", "misplaced", "--scenario", "odd-text", "--scenario", "stdin-empty"];

#[test]
fn a_guard_with_a_banner() {
    compare("banner", 1, &[], &direct("banner.sh"));
}

#[test]
fn a_guard_that_exits_with_1() {
    if let Some(command) = through("python3", "exits_one.py") {
        compare("exits_one", 1, FEW, &command);
    }
}

#[test]
fn a_guard_that_reads_what_is_not_sent() {
    if let Some(command) = through("node", "never_speaks.js") {
        compare("never_speaks_node", 1, FEW, &command);
    }
}

#[test]
fn a_hook_that_never_speaks() {
    if let Some(command) = through("sh", "never_speaks.sh") {
        compare("never_speaks", 0, FEW, &command);
    }
}

#[test]
fn a_hook_that_is_not_started() {
    compare("not_started", 1, &[], &direct("not_started.sh"));
}

#[test]
fn a_clean_guard() {
    if through("jq", "").is_some() {
        compare("clean", 0, FEW, &direct("clean.sh"));
    }
}
