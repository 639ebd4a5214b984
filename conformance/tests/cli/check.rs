//! `hookproof check` where no shell is needed: the reference hook, consent, usage, reports.

use hookproof::judge::Verdict;
use hookproof::report::{Human, Look, ReportEvent, Reporter, Summary};
use hookproof::requirement::Catalogue;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use rstest::rstest;

use crate::{hookproof, sample};

#[test]
fn the_reference_hook_conforms() {
    hookproof(&["check", "--reference", "--event", "PreToolUse", "--level", "may", "--matrix"])
        .assert()
        .success()
        .stdout(contains("conforms to Claude Code 2.1.329 at level MAY"))
        .stdout(contains("PreToolUse . . ."))
        .stderr("");
}

#[rstest]
#[case(&["check", "--reference", "--event", "PreToolUs"], "did you mean PreToolUse?")]
#[case(&["check", "--reference", "--event", "Foo"], "failed to find the event \"Foo\"; known are PreToolUse, ")]
#[case(&["check", "--reference", "--scenario", "ten-at-onc"], "did you mean ten-at-once?")]
#[case(&["check", "--reference", "--platform", "claude-code@0.1"], "its first version with hooks is")]
#[case(&["check", "--reference", "--platform", "nobody"], "known are antigravity, ")]
#[case(&["check", "--reference", "--deadline", "0"], "expected more than 0")]
#[case(&["check", "--reference", "--deadline", "soon"], "expected a number of seconds")]
#[case(&["check", "--reference", "--jobs", "0"], "invalid value '0'")]
#[case(&["check", "--reference", "--level", "could"], "must, should, may")]
#[case(&["check", "--reference", "--format", "xml"], "human, jsonl")]
#[case(&["check", "--reference", "--env", "=x"], "expected NAME or NAME=VALUE")]
#[case(&["check", "--reference", "--event", "Stop", "-o", "no/such/folder/report"], "failed to create no/such/folder/report")]
#[case(&["check", "--reference", "settings.json"], "cannot be used with")]
#[case(&["check", "no/such/thing"], "failed to read no/such/thing: ")]
fn wrong_usage_ends_with_code_2(#[case] arguments: &[&str], #[case] says: &str) {
    hookproof(arguments).assert().code(2).stdout("").stderr(contains(says));
}

#[test]
fn a_strangers_commands_are_not_run_without_consent() {
    let path = sample("settings-folder");
    hookproof(&["check", &path.to_string_lossy()])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("${CLAUDE_PROJECT_DIR}/stop.sh"))
        .stderr(contains("settings.json:6:11"))
        .stderr(contains("there is no terminal; add --yes if you trust them"));
    // Wrong usage is told before anybody is asked.
    hookproof(&["check", &path.to_string_lossy(), "--event", "Stpo"])
        .assert()
        .code(2)
        .stderr(contains("did you mean Stop?").and(contains("stop.sh").not()));
}

#[test]
fn an_empty_ci_is_no_consent() {
    for value in ["", "false"] {
        hookproof(&["check", &sample("settings-folder").to_string_lossy()])
            .env("CI", value)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("add --yes"));
    }
}

#[test]
fn nothing_to_check_is_wrong_usage() {
    hookproof(&["check", "--yes", &sample("nothing").to_string_lossy()])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("failed to find"));
}

#[test]
fn a_harness_that_fails_ends_with_code_3_and_says_nothing_of_the_hook() {
    let mut command = hookproof(&["check", "--reference", "--event", "Stop", "--scenario", "baseline"]);
    // Without a cache folder, scratch folders lie in the one for temporary files.
    for name in ["HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"] {
        command.env_remove(name);
    }
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, sample("no-such-folder"));
    }
    command
        .assert()
        .code(3)
        .stdout(contains("failed to make scratch folders"))
        .stdout(contains("no verdict: the harness failed"))
        .stdout(contains("conforms to").not());
}

#[test]
fn a_report_in_a_file_leaves_the_screen_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.txt");
    hookproof(&["check", "--reference", "--event", "Stop", "--scenario", "baseline", "-o", &file.to_string_lossy()])
        .assert()
        .success()
        .stdout(is_empty())
        .stderr(is_empty());
    let report = std::fs::read_to_string(&file).expect("the report is there");
    assert!(report.contains("conforms to Claude Code"), "{report}");
    assert!(!report.contains('\u{1b}'), "a file has no colours");
}

#[test]
fn colours_are_there_when_asked_for() {
    let run = |color: &str| {
        let arguments = ["check", "--reference", "--event", "Stop", "--scenario", "baseline", "--color", color];
        let assert = hookproof(&arguments).assert().success();
        String::from_utf8_lossy(&assert.get_output().stdout).contains('\u{1b}')
    };
    assert!(run("always") && !run("never") && !run("auto"));
}

/// The events of a JSON report, and the text that they make when they are told again.
pub(crate) fn replayed(report: &[u8]) -> (Vec<ReportEvent>, String) {
    let text = std::str::from_utf8(report).expect("UTF-8");
    let events: Vec<ReportEvent> =
        text.lines().map(|line| ReportEvent::from_line(line).expect("every line is an event")).collect();
    let mut out = Vec::new();
    let look = Look { matrix: true, ..Look::default() };
    let mut human = Human::new(&mut out, Catalogue::built_in().expect("the catalogue"), look);
    for event in &events {
        human.on(event).expect("it is told");
    }
    drop(human);
    (events, String::from_utf8(out).expect("UTF-8"))
}

/// The summary at the end, after it has been counted again from the cases before it.
pub(crate) fn summary(events: &[ReportEvent]) -> &Summary {
    assert!(matches!(events.first(), Some(ReportEvent::RunStarted(_))), "the first line says what follows");
    let Some(ReportEvent::RunFinished(summary)) = events.last() else { panic!("the last line sums up") };
    let mut cases = 0;
    let mut passed = 0;
    for event in events {
        if let ReportEvent::CaseFinished(case) = event {
            cases += 1;
            passed += case.judgements.iter().filter(|judgement| judgement.verdict == Verdict::Pass).count();
        }
    }
    assert_eq!((summary.cases, summary.passed), (cases, passed));
    summary
}

#[test]
fn a_json_report_can_be_told_again() {
    let arguments = ["check", "--reference", "--event", "Stop", "--event", "SessionEnd", "--format", "jsonl"];
    let assert = hookproof(&arguments).assert().success().stderr("");
    let (events, text) = replayed(&assert.get_output().stdout);
    let summary = summary(&events);
    assert_eq!(summary.cases, summary.planned);
    assert!((summary.must, summary.should, summary.may, summary.harness_errors) == (0, 0, 0, 0) && summary.passed > 0);
    assert!(text.contains("conforms to Claude Code 2.1.329 at level SHOULD"), "{text}");
    assert!(text.contains("\nStop ") && text.contains("\nSessionEnd "), "{text}");
}

#[test]
fn the_events_asked_for_are_run_and_no_others() {
    let arguments = ["check", "--reference", "--event", "Stop", "--scenario", "stdin-slow", "--format", "jsonl"];
    let assert = hookproof(&arguments).assert().success();
    let (events, _) = replayed(&assert.get_output().stdout);
    let mut scenarios = std::collections::BTreeSet::new();
    for event in &events {
        if let ReportEvent::CaseFinished(case) = event {
            assert_eq!(case.case.event, "Stop");
            scenarios.insert(case.case.scenario.clone());
        }
    }
    assert_eq!(scenarios.into_iter().collect::<Vec<_>>(), ["baseline", "stdin-slow"]);
}

/// A hook that ends a little too late, and one that does not end: a busy machine may be the cause of the first only.
#[rstest]
#[case::in_time("sleep 0.1", "conforms to Claude Code", 0)]
#[case::near_the_limit("sleep 1.9", "note[timing.budget]", 0)]
#[case::far_beyond_it("sleep 9", "error[timing.budget]", 1)]
#[cfg_attr(windows, ignore = "`sleep` is a program of Unix")]
fn a_must_does_not_rest_on_time_near_a_limit(#[case] line: &str, #[case] said: &str, #[case] code: i32) {
    let arguments =
        ["check", "--event", "SessionEnd", "--scenario", "baseline", "--level", "must", "--", "sh", "-c", line];
    hookproof(&arguments).assert().code(code).stdout(contains(said));
}
