//! What hooks take and leave, with hooks that are shell scripts: the careless ones are found and told what to mend, and
//! the thrifty ones are not accused.

use std::fs;

use hookproof::judge::Verdict;
use hookproof::report::ReportEvent;
use rstest::rstest;

use crate::check::replayed;
use crate::hookproof;

/// What is said of a script by the requirement in the scenario, of its documents the first that is no pass.
fn said(script: &str, scenario: &str, requirement: &str, more: &[&str]) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let hook = folder.path().join("hook.sh");
    fs::write(&hook, format!("cat >/dev/null\n{script}\n")).expect("is written");
    let mut command = hookproof(&["check", "--event", "PreToolUse", "--scenario", scenario, "--format", "jsonl"]);
    let output = command.args(more).args(["--", "sh"]).arg(hook).output().expect("runs");
    let (events, _) = replayed(&output.stdout);
    let cases = events.iter().filter_map(|event| match event {
        ReportEvent::CaseFinished(case) if case.case.scenario == scenario => Some(case),
        _ => None,
    });
    let judgements = cases.flat_map(|case| &case.judgements).filter(|judgement| judgement.requirement == requirement);
    let mut verdicts: Vec<Verdict> = judgements.map(|judgement| judgement.verdict.clone()).collect();
    verdicts.sort_by_key(|verdict| *verdict == Verdict::Pass);
    verdicts.into_iter().next().expect("it was judged")
}

#[track_caller]
fn assert_found(verdict: &Verdict, words: &[&str]) {
    let Verdict::Fail(finding) = verdict else { panic!("{verdict:?}") };
    for word in words {
        assert!(finding.observed.contains(word), "{word:?} is not in {:?}", finding.observed);
    }
}

/// Keeps the last so many of its files.
fn keeps(count: usize) -> String {
    format!(
        "dir=$HOME/.cache/guard; mkdir -p \"$dir\"\n\
         last=$(cat \"$dir/.last\" 2>/dev/null || echo 0); now=$((last + 1)); echo $now >\"$dir/.last\"\n\
         : >\"$dir/$now\"; rm -f \"$dir/$((now - {count}))\""
    )
}

#[rstest]
#[case::fifty_files(&keeps(50))]
#[case::a_hundred_files(&keeps(100))]
#[case::a_log_that_is_begun_anew_after_a_hundred_runs(
    "log=$HOME/log; printf '%020000d' 0 >>\"$log\"; [ \"$(wc -c <\"$log\")\" -lt 2000000 ] || : >\"$log\""
)]
fn who_keeps_the_last_of_something_is_not_accused(#[case] script: &str) {
    assert_eq!(said(script, "many-runs", "resource.state-bounded", &[]), Verdict::Pass);
}

#[test]
fn who_keeps_everything_is_told_where() {
    let script = "mkdir -p \"$HOME/.guard\"; mktemp -d \"$HOME/.guard/XXXXXX\" >/dev/null; echo seen >>\"$HOME/log\"";
    let verdict = said(script, "many-runs", "resource.state-bounded", &[]);
    assert_found(
        &verdict,
        &["1.0 further files or folders", "last 500 of 1000 runs", "500 files or folders, 0 bytes, in `home/.guard`"],
    );
}

/// Sixty pipes make a subshell each for the substitution and for `echo`, and start `tr`.
const A_LOOP: &str = "i=0; while [ $i -lt 60 ]; do x=$(echo $i | /usr/bin/tr a b); i=$((i+1)); done";

#[rstest]
#[case::held(&[])]
#[case::free(&["--sandbox", "off"])]
#[cfg_attr(not(target_os = "linux"), ignore = "processes are not counted on other systems with scripts")]
fn a_loop_around_a_program_is_counted(#[case] more: &[&str]) {
    let verdict = said(A_LOOP, "counted", "resource.descendants", more);
    assert_found(&verdict, &["more than 100", "tr 60 times", "without a program of their own"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "processes are not counted on other systems with scripts")]
fn a_few_programs_are_nothing_to_speak_of() {
    let script = A_LOOP.replace("60", "20");
    assert_eq!(said(&script, "counted", "resource.descendants", &[]), Verdict::Pass);
}

#[test]
#[cfg_attr(target_os = "linux", ignore = "processes are counted here")]
fn what_is_not_counted_is_skipped() {
    assert!(matches!(said(A_LOOP, "counted", "resource.descendants", &[]), Verdict::Skip { .. }));
}
