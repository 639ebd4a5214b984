//! How findings look.

use super::super::super::samples::{self, broken, case, catalogue, finding, id, judgement, noise, started};
use super::*;
use crate::judge::{Finding, Verdict};
use crate::report::{CaseFinished, SubjectInfo};

fn told_to(width: usize, verbose: bool, run: &Told, cases: impl IntoIterator<Item = CaseFinished>) -> String {
    let mut findings = Findings::default();
    cases.into_iter().for_each(|case| findings.add(&case));
    let setting = Setting { rules: &catalogue(), run, width, verbose };
    let blocks = blocks(&findings.groups(), &findings, &setting, 20).into_iter();
    let text = |block: Vec<Line>| block.iter().map(|line| line.render(false) + "\n").collect::<String>();
    blocks.map(text).collect::<Vec<_>>().join("\n")
}

fn told(cases: impl IntoIterator<Item = CaseFinished>) -> String {
    told_to(100, false, &Told::of(&started(9)), cases)
}

#[test]
fn a_finding_reads_like_a_compilers_message() {
    let told = told([case("PreToolUse", "bash-rm-rf-root", "baseline", vec![noise()])]);
    let expected = r#"
error[stream.noise-before-json]: something stands before the JSON document on stdout   (MUST)
  --> guard.py at PreToolUse, payload bash-rm-rf-root, scenario baseline
   |
 1 | Loading rules...
   | ^^^^^^^^^^^^^^^^ this line makes Claude Code read everything as plain text
 2 | {"hookSpecificOutput":{"hookEventName":"PreToolUse",...
   |
   = effect: the tool call goes ahead; the deny is lost
   = help: print nothing but one JSON document on stdout; send logs to stderr
   = more: hookproof explain stream.noise-before-json
"#;
    assert_eq!(format!("\n{told}"), expected);
}

#[test]
fn all_levels_and_doubts_have_their_word() {
    let judgements = vec![samples::held(), samples::bare_deny(), samples::long(), noise()];
    let told = told([case("Stop", "typical", "baseline", judgements)]);
    let heads: Vec<&str> = told.lines().filter(|line| line.contains("]: ")).collect();
    let expected = [
        "error[stream.noise-before-json]: something stands before the JSON document on stdout   (MUST)",
        "warning[stream.context-limit]: 12,000 characters are for the model   (SHOULD)",
        "advice[schema.deny-reason]: a deny gives no reason   (MAY)",
        "note[timing.stdin-held-open]: the hook waits for the end of stdin   (MUST, in doubt)",
    ];
    assert_eq!(heads, expected);
    assert!(told.contains("   = doubt: what Claude Code does here is not settled, so this never fails the check\n"));
    assert!(told.contains("   = help: say less, or write a file and name it\n"));
    // The catalogue of these tests does not know it.
    assert!(!told.contains("explain timing.stdin-held-open"));
}

#[test]
fn a_doubt_with_a_reason_of_its_own_tells_it() {
    let mut held = samples::held();
    if let Verdict::Note(finding) = &mut held.verdict {
        finding.doubt = Some("there was no time".to_owned());
    }
    let told = told([case("Stop", "typical", "baseline", vec![held])]);
    assert!(told.contains("   = doubt: there was no time, so this never fails the check\n"), "{told}");
}

#[test]
fn few_places_are_named_and_many_are_counted() {
    let cases = |number: usize| {
        let of = |at: usize| case(["Stop", "PreToolUse"][at % 2], &format!("p{at:02}"), "baseline", vec![noise()]);
        (0..number).map(of)
    };
    let first = "  --> guard.py at Stop, payload p00, scenario baseline\n";
    assert!(told(cases(3)).contains(first));
    assert!(told(cases(3)).contains("  ::: also Stop/p02/baseline, PreToolUse/p01/baseline\n"));
    assert!(told(cases(15)).contains("  ::: and 14 more: PreToolUse (7), Stop (7)\n"));
    let all = told_to(100, true, &Told::of(&started(15)), cases(15));
    assert_eq!(all.matches("  ::: ").count(), 14);
    assert!(all.contains("\n  ::: Stop/p14/baseline\n"));
    let one = (0..4).map(|at| case("Stop", "typical", &format!("s{at}"), vec![noise()]));
    assert!(told(one).contains("  ::: and 3 more at Stop: s1, s2, s3\n"));
    let payloads = (0..9).map(|at| case("Stop", &format!("p{at}"), "baseline", vec![noise()]));
    assert!(told(payloads).contains("  ::: and 8 more at Stop, baseline: p1, p2, p3, p4, p5, p6, others (2)\n"));
}

#[test]
fn the_place_of_the_configuration_is_told_and_hooks_are_told_apart() {
    let mut started = started(4);
    let place = Some("/x/settings.json:12:9".to_owned());
    started.subjects = ["Stop-1-a.sh", "Stop-2-b.sh"]
        .map(|name| SubjectInfo { name: name.to_owned(), command: "a".to_owned(), place: place.clone() })
        .into();
    let cases = [0, 1, 0, 1].iter().enumerate().map(|(at, &subject)| {
        let mut case = case("Stop", "typical", "baseline", vec![noise()]);
        case.case = id(&started.subjects[subject].name, "Stop", &format!("p{at}"), "baseline");
        case
    });
    let told = told_to(100, false, &Told::of(&started), cases);
    let expected = "  --> Stop-1-a.sh at Stop, payload p0, scenario baseline
  ::: configured at /x/settings.json:12:9
  ::: and 3 more: Stop-2-b.sh (2), Stop-1-a.sh
";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn different_consequences_name_their_events() {
    let of = |event: &str, consequence: &str| {
        let finding = finding("text on stdout", consequence, &[]);
        case(event, "a", "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
    };
    let one = told([of("Stop", "the turn ends")]);
    assert!(one.ends_with("   |\n   = effect: the turn ends\n"), "{one}");
    let named = told([of("Stop", "Claude Code ends the turn")]);
    assert!(named.ends_with("   |\n   = effect: Claude Code ends the turn\n"), "{named}");
    let two = told([of("Stop", "the turn ends"), of("PreToolUse", "it goes on"), of("SubagentStop", "the turn ends")]);
    let expected = "   = effect at PreToolUse: it goes on\n   = effect at Stop, SubagentStop: the turn ends\n";
    assert!(two.ends_with(expected), "{two}");
    let many = ["a", "b", "c", "d", "e", "f"].map(|consequence| of(consequence, consequence));
    assert!(told(many).ends_with("   = effect at d: d\n   = and 2 more outcomes at other events\n"));
}

#[test]
fn many_observations_of_one_requirement_do_not_flood_the_report() {
    let of = |at: usize| {
        let finding = finding(&format!("it took too long{}", " again".repeat(at)), "", &[]);
        case("Stop", &format!("p{at}"), "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
    };
    let some = told((0..10).map(of));
    assert_eq!(some.matches("it took").count(), 3);
    assert!(some.ends_with("\nerror[x.y]: 7 more observations of this kind in 7 cases\n"), "{some}");
    let all = told_to(100, true, &Told::of(&started(10)), (0..10).map(of));
    assert_eq!(all.matches("it took").count(), 10);
}

#[test]
fn what_gets_through_is_told_first() {
    let lost = |level, id, loses_denial| {
        let finding = Finding { loses_denial, ..finding("the answer is not read", "", &[]) };
        let mut case = case("PreToolUse", "rm", "baseline", vec![judgement(id, level, Verdict::Fail(finding))]);
        (case.harmful, case.unless_stopped) = (true, Some("`rm -rf /` runs".to_owned()));
        told([case])
    };
    let expected = "error[x.y]: `rm -rf /` runs: the answer is not read   (MUST)\n";
    assert!(lost(Level::Must, "x.y", false).starts_with(expected));
    let expected = "warning[security.y]: `rm -rf /` runs: the answer is not read   (SHOULD)\n";
    assert!(lost(Level::Should, "security.y", false).starts_with(expected));
    assert!(lost(Level::Should, "x.y", true).contains(" runs: "));
    // That nothing was stopped is no consequence of, say, a text that no one reads.
    assert!(!lost(Level::Should, "x.y", false).contains(" runs: "));
}

#[test]
fn everything_fits_and_nothing_is_lost_where_all_is_asked_for() {
    let word = "word ".repeat(60);
    let finding = finding(&word, &word, &[&"x".repeat(500), &format!("123 | {}", "日".repeat(100))]);
    let case = case("PreToolUse", "p", "s", vec![judgement(samples::NOISE, Level::Must, Verdict::Fail(finding))]);
    for width in 40..130 {
        let all = told_to(width, true, &Told::of(&started(1)), [case.clone()]);
        let short = told_to(width, false, &Told::of(&started(1)), [case.clone()]);
        for line in all.lines().chain(short.lines()) {
            assert!(text::width(line) <= width, "{width}: {line}");
        }
        assert_eq!(all.matches("word").count(), 120);
        for told in [&all, &short] {
            let flowing = told.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flowing.contains("print nothing but one JSON document on stdout; send logs to stderr"), "{told}");
        }
        assert!(all.contains(" 123 | 日") && all.contains("日…日"), "{all}");
    }
}

#[test]
fn one_finding_takes_no_more_than_a_screen_and_five_no_more_than_a_hundred_lines() {
    let long = "a sentence that goes on and on ".repeat(30);
    let lines: Vec<String> = (0..40).map(|at| format!("line {at} of the evidence")).collect();
    let evidence: Vec<&str> = lines.iter().map(String::as_str).collect();
    let of = |number: usize, consequence: &str| {
        let finding = finding(&format!("{number} {long}"), consequence, &evidence);
        judgement(&format!("x.{}", ["a", "b", "c", "d", "e"][number]), Level::Must, Verdict::Fail(finding))
    };
    for findings in 1..=5 {
        let cases = (0..30).map(|at| {
            let judgements = (0..findings).map(|number| of(number, &format!("outcome {at} {long}")));
            case(&format!("Event{at}"), &format!("p{at}"), &format!("s{at}"), judgements.collect())
        });
        for width in [40, 80, 100] {
            let told = told_to(width, false, &Told::of(&started(30)), cases.clone());
            let blocks: Vec<&str> = told.split("\n\n").collect();
            assert_eq!(blocks.len(), findings);
            assert!(blocks.iter().all(|block| block.lines().count() <= MOST), "{told}");
            // The other lines of the report are twenty.
            assert!(width < 80 || told.lines().count() + 20 <= LINES, "{findings} {width}: {told}");
            assert!(told.contains("more lines (-v shows them)"), "{told}");
        }
    }
}

#[test]
fn failures_of_the_harness_come_last_and_are_loud() {
    let cases = ["a", "b"].map(|payload| case("Stop", payload, "baseline", vec![noise(), broken("failed to fork")]));
    let told = told(cases);
    let expected = "
HARNESS ERROR in 2 cases: failed to fork
  --> guard.py at Stop, payload a, scenario baseline
  ::: and 1 more
";
    assert!(told.ends_with(expected), "{told}");
}
