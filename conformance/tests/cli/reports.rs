//! Whole reports on small hooks, as users read them. Linux only: other systems skip scenarios, and say so.
//!
//! What differs from run to run and from machine to machine is replaced by a name in brackets. After a change that was meant,
//! `INSTA_UPDATE=always cargo test -p hookproof --test cli reports` writes the snapshots anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::hookproof;

/// What is replaced, in this order: a pattern, and the name that takes its place.
const NORMALISERS: &[(&str, &str)] = &[
    // The folders of the hooks and of the interpreters.
    (r"/tmp/hooks-\w{6}/", "[HOOKS]/"),
    (r"(?m)^  interpreter: .*(\n {3,}.*)*\n", ""),
    // What is left of a line that is cut depends on the time that stands at its end.
    (r"(?m)^   \| (not started): .*….*, after \d+ ms$", "   | $1: [CUT], after [TIME]"),
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

/// Compares the report on a hook, and the exit code, with the snapshot of this name. The hook is started by `interpreter`, or
/// directly if that is empty. If the interpreter is not installed, a line says so.
#[expect(clippy::print_stdout, reason = "a test that does not run says so")]
fn compare(name: &str, code: i32, interpreter: &str, file: &str) {
    if !interpreter.is_empty() && Command::new(interpreter).arg("--version").output().is_err() {
        println!("skipped: there is no {interpreter}");
        return;
    }
    // The name of the folder is always of the same length, because lines are broken and cut.
    let folder = tempfile::Builder::new().prefix("hooks-").tempdir_in("/tmp").expect("a folder");
    let hook = folder.path().join(file);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/reports/hooks").join(file);
    fs::copy(source, &hook).expect("the hook is copied");
    let mut check = hookproof(&["check", "--event", "PreToolUse"]);
    check.args(SCENARIOS.map(|scenario| format!("--scenario={scenario}"))).arg("--");
    if !interpreter.is_empty() {
        check.arg(interpreter);
    }
    let assert = check.arg(hook).assert().code(code).stderr("");
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

/// Scenarios that show something of most hooks, and in which nothing depends on how busy the machine is.
const SCENARIOS: [&str; 6] = ["escapes", "malformed-json", "misplaced", "odd-text", "stdin-empty", "whitespace"];

#[test]
fn a_guard_with_a_banner() {
    compare("banner", 1, "", "banner.sh");
}

#[test]
fn a_guard_that_exits_with_1() {
    compare("exits_one", 1, "python3", "exits_one.py");
}

#[test]
fn a_guard_that_reads_what_is_not_sent() {
    compare("never_speaks_node", 1, "node", "never_speaks.js");
}

#[test]
fn a_hook_that_never_speaks() {
    compare("never_speaks", 0, "sh", "never_speaks.sh");
}

#[test]
fn a_hook_that_is_not_started() {
    compare("not_started", 1, "", "not_started.sh");
}

#[test]
fn a_clean_guard() {
    // Without `jq` this guard blocks everything.
    if Command::new("jq").arg("--version").output().is_ok() {
        compare("clean", 0, "", "clean.sh");
    }
}
