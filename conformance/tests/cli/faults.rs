//! What goes wrong around a hook, with hooks that are shell scripts: the careless ones are found, and the careful ones are
//! not accused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hookproof::judge::Verdict;
use hookproof::report::ReportEvent;
use predicates::str::contains;
use rstest::rstest;

use crate::check::replayed;
use crate::hookproof;

/// Stands for a program that may be missing: it denies what is dangerous, by itself.
const JQ: &str = r#"#!/bin/sh
case $(cat) in
*"rm -rf"*) echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}' ;;
esac
"#;
/// The same as a function of the script.
const GUARD: &str = r#"
guard() {
    case $1 in
    *"rm -rf"*) echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}' ;;
    esac
}
"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Passed,
    Broken,
    Skipped,
}
use Expected::{Broken, Passed, Skipped};

/// What is said of a script by the requirement, of all its documents: broken, if any is.
fn said(script: &str, scenario: &str, requirement: &str, more: &[&str]) -> Expected {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("may be executed");
        path
    };
    fs::create_dir(folder.path().join("bin")).expect("a folder");
    write("bin/jq", JQ);
    let hook = write("hook.sh", &format!("{GUARD}{script}\n"));
    let path = format!("PATH={}:/usr/bin:/bin", Path::join(folder.path(), "bin").display());
    let mut command = hookproof(&["check", "--event", "PreToolUse", "--format", "jsonl", "--env", &path]);
    let output = command.args(["--scenario", scenario]).args(more).args(["--", "sh"]).arg(hook).output();
    let (events, _) = replayed(&output.expect("runs").stdout);
    let cases = events.iter().filter_map(|event| match event {
        ReportEvent::CaseFinished(case) if case.case.scenario == scenario => Some(case),
        _ => None,
    });
    let all: Vec<&Verdict> = cases
        .flat_map(|case| &case.judgements)
        .filter(|judgement| judgement.requirement == requirement)
        .map(|judgement| &judgement.verdict)
        .collect();
    assert!(!all.is_empty(), "{requirement} was not judged");
    if all.iter().any(|verdict| matches!(verdict, Verdict::Fail(_) | Verdict::Note(_))) {
        Broken
    } else if all.contains(&&Verdict::Pass) {
        Passed
    } else {
        Skipped
    }
}

#[rstest]
#[case::careless("jq .; true", Broken)]
#[case::a_substitution("answer=$(jq . 2>/dev/null); printf '%s' \"$answer\"", Broken)]
#[case::only_the_second_call_decides(
    "in=$(cat); s=$(printf '%s' \"$in\" | jq .s >/dev/null || :); answer=$(printf '%s' \"$in\" | jq .); printf '%s' \"$answer\"",
    Broken
)]
#[case::only_the_second_call_has_to_work(
    "in=$(cat); s=$(printf '%s' \"$in\" | jq .s >/dev/null || :); printf '%s' \"$in\" | jq . || { echo 'no jq' >&2; exit 2; }",
    Passed
)]
#[case::another_program_comes_first(
    "in=$(cat); b=$(git --version 2>/dev/null); answer=$(printf '%s' \"$in\" | jq .); printf '%s' \"$answer\"",
    Broken
)]
#[case::both_are_needed(
    "in=$(cat); git --version >/dev/null || { echo 'no git' >&2; exit 2; }; printf '%s' \"$in\" | jq . || { echo 'no jq' >&2; exit 2; }",
    Passed
)]
#[case::only_the_second_is_careless(
    "in=$(cat); git --version >/dev/null || { echo 'no git' >&2; exit 2; }; answer=$(printf '%s' \"$in\" | jq .); printf '%s' \"$answer\"",
    Broken
)]
#[case::by_its_path("in=$(cat); jq . </dev/null; printf '%s' \"$in\" | \"$(command -v jq)\" .; true", Broken)]
#[case::blocks("answer=$(jq .) || { echo 'no jq' >&2; exit 2; }; printf '%s' \"$answer\"", Passed)]
#[case::looks_first(
    "command -v jq >/dev/null || { echo 'no jq' >&2; exit 2; }; answer=$(jq .); printf '%s' \"$answer\"",
    Passed
)]
#[case::has_another_way("if command -v jq >/dev/null; then jq . || :; else guard \"$(cat)\"; fi; true", Passed)]
#[case::fails_aloud("jq . || { echo 'no jq' >&2; exit 1; }", Passed)]
#[case::in_its_place("exec jq .", Skipped)]
#[case::in_its_place_unheard("exec 2>/dev/null; exec jq .", Skipped)]
#[case::needs_none("guard \"$(cat)\"", Skipped)]
#[case::stops_nothing("jq . >/dev/null; true", Skipped)]
#[cfg_attr(not(target_os = "linux"), ignore = "starts are only refused on Linux")]
fn a_guard_whose_program_is_missing(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "helper-missing", "security.helper-missing", &[]), expected);
}

#[rstest]
#[case::careless("answer=$(jq .); printf '%s' \"$answer\"", Broken)]
#[case::only_the_second_call_decides(
    "in=$(cat); s=$(jq .s </dev/null >/dev/null || :); answer=$(printf '%s' \"$in\" | jq .); printf '%s' \"$answer\"",
    Broken
)]
#[case::another_program_comes_first(
    "in=$(cat); b=$(git --version 2>/dev/null || :); answer=$(printf '%s' \"$in\" | jq .); printf '%s' \"$answer\"",
    Broken
)]
#[case::fails_aloud("jq . || { echo 'jq has died' >&2; exit 1; }", Passed)]
#[case::blocks("answer=$(jq .) || { echo 'jq has died' >&2; exit 2; }; printf '%s' \"$answer\"", Passed)]
#[case::in_its_place("exec jq .", Skipped)]
#[case::needs_none("guard \"$(cat)\"", Skipped)]
#[cfg_attr(not(target_os = "linux"), ignore = "starts are only seen in time on Linux")]
fn a_guard_whose_program_is_killed(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "helper-killed", "security.helper-killed", &[]), expected);
}

#[rstest]
#[case::memory("guard \"$(cat)\"", Passed)]
#[case::a_log_that_does_not_matter("guard \"$(cat)\"; { echo seen >\"$HOME/log\"; } 2>/dev/null || :", Passed)]
#[case::fails_aloud_without_objection(
    "in=$(cat); a=$(guard \"$in\"); [ -n \"$a\" ] && { echo \"$a\"; exit 0; }; { echo seen >\"$HOME/log\"; } 2>/dev/null || { echo 'no log' >&2; exit 1; }",
    Passed
)]
#[case::a_log_comes_first("in=$(cat); { echo seen >\"$HOME/log\"; } 2>/dev/null || exit 0; guard \"$in\"", Broken)]
#[case::dies_of_a_log("in=$(cat); set -e; { echo seen >\"$HOME/log\"; } 2>/dev/null; guard \"$in\"", Broken)]
#[case::blocks_everything(
    "in=$(cat); { echo seen >\"$HOME/log\"; } 2>/dev/null || { echo no >&2; exit 2; }; guard \"$in\"",
    Broken
)]
#[cfg_attr(not(target_os = "linux"), ignore = "writes are only refused on Linux")]
fn a_guard_that_cannot_write(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "home-read-only", "consistency.home-read-only", &[]), expected);
    assert_eq!(said(script, "disk-full", "consistency.disk-full", &[]), expected);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "writes are only refused on Linux")]
fn a_guard_with_a_temporary_file_needs_room_and_no_home() {
    let script = "in=$(mktemp 2>/dev/null) || exit 0; cat >\"$in\"; guard \"$(cat \"$in\")\"";
    assert_eq!(said(script, "disk-full", "consistency.disk-full", &[]), Broken);
    assert_eq!(said(script, "home-read-only", "consistency.home-read-only", &[]), Passed);
}

#[rstest]
#[case::says_nothing("guard \"$(cat)\"", Passed)]
#[case::killed_by_the_first_word("in=$(cat); echo looking >&2; guard \"$in\"", Broken)]
#[case::ignores_it("trap '' PIPE; in=$(cat); echo looking >&2 || :; guard \"$in\"", Passed)]
#[case::blocks_by_its_code("trap '' PIPE; [ -z \"$(guard \"$(cat)\")\" ] || { echo 'not here' >&2; exit 2; }", Passed)]
fn a_guard_whose_stderr_nobody_reads(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "stderr-closed", "consistency.stderr-closed", &[]), expected);
}

#[rstest]
#[case::killed("guard \"$(cat)\"", Passed)]
#[case::tries_for_ever("trap '' PIPE; in=$(cat); until echo \"$in\" 2>/dev/null; do sleep 0.1; done", Broken)]
fn a_guard_whose_stdout_nobody_reads(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "stdout-closed", "timing.stdout-closed", &["--deadline", "2"]), expected);
}

#[rstest]
#[case::waits_for_the_end("guard \"$(cat)\"", Passed)]
#[case::gives_up_soon("exec 3<&0; in=$(cat <&3 & sleep 0.1; kill $!); guard \"$in\"", Broken)]
#[case::gives_up_later("exec 3<&0; in=$(cat <&3 & sleep 0.8; kill $!); guard \"$in\"", Broken)]
#[case::blocks_half_a_document(
    "in=$(head -c 100); case $in in *'}') guard \"$in\" ;; *) echo '{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\",\"permissionDecisionReason\":\"no\"}}' ;; esac",
    Passed
)]
fn a_guard_and_a_pause_inside_the_document(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "stdin-pause", "input.stdin-pause", &[]), expected);
}

#[rstest]
#[case::looks_at_all_of_it("guard \"$(cat)\"", Passed)]
#[case::looks_at_the_beginning("guard \"$(head -c 16384)\"", Broken)]
#[case::looks_at_the_end("guard \"$(cat | tail -c 16384)\"", Broken)]
#[case::hands_it_on_as_an_argument("in=$(cat); guard \"$(env printf %s \"$in\")\"", Broken)]
#[case::stops_nothing("cat >/dev/null", Passed)]
fn a_guard_and_a_long_text(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "large-text", "consistency.large-text", &[]), expected);
}

#[rstest]
#[case::once_over_it("guard \"$(cat)\"", Passed)]
#[case::from_the_start_for_each_character(
    "in=$(cat); s=$in; while [ -n \"$s\" ]; do s=${s#?}; done; guard \"$in\"",
    Broken
)]
#[case::waits("in=$(cat); [ \"${#in}\" -lt 200000 ] || sleep 6; guard \"$in\"", Skipped)]
fn a_guard_that_takes_its_time_over_a_long_text(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "growth-text", "resource.time-growth", &["--deadline", "4"]), expected);
}

#[rstest]
#[case::ends_with_0_all_the_same("guard \"$(cat)\"; exit 0", Broken)]
#[case::ends_with_0_and_hides_the_message("{ guard \"$(cat)\"; } 2>/dev/null; exit 0", Broken)]
#[case::ends_as_the_write_did("guard \"$(cat)\"", Passed)]
#[case::blocks_where_it_cannot_answer(
    "a=$(guard \"$(cat)\"); [ -z \"$a\" ] || echo \"$a\" 2>/dev/null || { echo 'not here' >&2; exit 2; }",
    Passed
)]
#[case::blocks_by_its_code("a=$(guard \"$(cat)\"); [ -z \"$a\" ] || { echo no; echo 'not here' >&2; exit 2; }", Passed)]
#[case::does_not_come_to_its_code(
    "set -e; a=$(guard \"$(cat)\"); [ -z \"$a\" ] || { echo no; echo 'not here' >&2; exit 2; }",
    Broken
)]
#[case::stops_nothing("cat >/dev/null; echo '{}'; exit 0", Skipped)]
#[cfg_attr(not(target_os = "linux"), ignore = "other systems have no device that is always full")]
fn a_guard_whose_stdout_has_no_room(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "stdout-full", "security.stdout-full", &[]), expected);
}

#[rstest]
#[case::is_killed_unheard("guard \"$(cat)\"", Broken)]
#[case::ends_with_0_all_the_same("trap '' PIPE; guard \"$(cat)\"; exit 0", Broken)]
#[case::blocks_where_it_cannot_answer(
    "trap '' PIPE; a=$(guard \"$(cat)\"); [ -z \"$a\" ] || echo \"$a\" 2>/dev/null || { echo 'not here' >&2; exit 2; }",
    Passed
)]
#[case::is_killed_before_its_code(
    "[ -z \"$(guard \"$(cat)\")\" ] || { echo no; echo 'not here' >&2; exit 2; }",
    Broken
)]
fn a_guard_whose_answer_nobody_reads(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "stdout-closed", "security.stdout-gone", &[]), expected);
}

#[rstest]
#[case::says_nothing_there("guard \"$(cat)\"", Passed)]
#[case::blocks_by_its_code("[ -z \"$(guard \"$(cat)\")\" ] || { echo 'not here' >&2; exit 2; }", Passed)]
#[case::does_not_come_to_its_code("set -e; [ -z \"$(guard \"$(cat)\")\" ] || { echo 'not here' >&2; exit 2; }", Broken)]
#[case::ends_only_after_it_has_spoken(
    "[ -z \"$(guard \"$(cat)\")\" ] || { echo 'not here' >&2 && exit 2; }; :",
    Broken
)]
#[case::dies_before_it_answers("set -e; in=$(cat); echo looking >&2; guard \"$in\"", Broken)]
#[case::the_remedy("set -e; [ -z \"$(guard \"$(cat)\")\" ] || { echo 'not here' >&2 || :; exit 2; }", Passed)]
#[case::stops_nothing("cat >/dev/null; echo looking >&2", Skipped)]
#[cfg_attr(not(target_os = "linux"), ignore = "other systems have no device that is always full")]
fn a_guard_whose_stderr_has_no_room(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "stderr-full", "security.stderr-full", &[]), expected);
}

#[rstest]
#[case::does_not_ask("guard \"$(cat)\"", Passed)]
#[case::dies_of_it("set -u; : \"$HOME\"; guard \"$(cat)\"", Broken)]
fn a_guard_without_a_home(#[case] script: &str, #[case] expected: Expected) {
    assert_eq!(said(script, "no-home", "consistency.no-home", &[]), expected);
}

#[rstest]
#[case::does_not_ask("guard \"$(cat)\"", Passed)]
#[case::writes_it_down("in=$(cat); date >>\"$HOME/log\"; guard \"$in\"", Passed)]
#[case::has_run_out("in=$(cat); [ \"$(date +%s)\" -lt 2147483647 ] || exit 0; guard \"$in\"", Broken)]
#[case::has_not_begun("in=$(cat); [ \"$(date +%Y)\" -ge 2020 ] || exit 0; guard \"$in\"", Broken)]
#[case::a_built_in_command(
    "in=$(cat); bash -c '[ \"$(printf \"%(%Y)T\" -1)\" -lt 2038 ]' || exit 0; guard \"$in\"",
    Broken
)]
#[cfg_attr(not(target_os = "linux"), ignore = "the clock is only moved on Linux")]
fn a_guard_whose_clock_is_wrong(#[case] script: &str, #[case] expected: Expected) {
    let both = ["clock-ahead", "clock-behind"].map(|scenario| said(script, scenario, "consistency.clock", &[]));
    assert_eq!(if both.contains(&Broken) { Broken } else { both[0] }, expected, "{both:?}");
}

#[test]
fn a_service_that_nobody_asks_says_nothing_of_a_hook() {
    let worker = ["--worker", "MY_WORKER_PORT=port"];
    let script = "guard \"$(cat)\"";
    assert_eq!(said(script, "worker-hangs", "worker.in-time", &worker), Skipped);
    assert_eq!(said(script, "worker-500", "worker.no-silent-allow", &worker), Skipped);
    assert_eq!(said(script, "worker-refuses", "worker.survived", &worker), Passed);
    let port = "guard \"$(cat)\"; case ${MY_WORKER_PORT-} in *[!0-9]*) exit 9 ;; esac";
    assert_eq!(said(port, "worker-refuses", "worker.no-silent-allow", &worker), Passed);
    let no_form = ["check", "--worker", "X=socket", "--", "true"];
    hookproof(&no_form).assert().code(2).stderr(contains("expected url, port or host-port"));
}
