//! How findings are gathered.

use super::super::samples::{bare_deny, broken, case, failing_run, finding, held, judgement, noise};
use super::*;
use crate::report::ReportEvent;
use rstest::rstest;

fn gather(cases: impl IntoIterator<Item = CaseFinished>) -> Findings {
    let mut findings = Findings::default();
    cases.into_iter().for_each(|case| findings.add(&case));
    findings
}

fn sample() -> Vec<CaseFinished> {
    let of = |event| match event {
        ReportEvent::CaseFinished(case) => Some(*case),
        _ => None,
    };
    failing_run().into_iter().filter_map(of).collect()
}

#[test]
fn the_same_observation_is_one_group_and_the_worst_comes_first() {
    let groups = gather(sample()).groups();
    let told: Vec<_> = groups.iter().map(|group| (group.level, group.doubt, group.places.len())).collect();
    let expected = [(Level::Must, false, 2), (Level::Should, false, 1), (Level::May, false, 1), (Level::Must, true, 1)];
    assert_eq!(told, expected);
}

#[test]
fn the_order_in_which_cases_finish_does_not_matter() {
    let forward = gather(sample()).groups();
    let mut cases = sample();
    cases.reverse();
    assert_eq!(gather(cases).groups(), forward);
}

#[test]
fn a_case_that_does_harm_is_told_before_plainer_ones() {
    let mut harmful = case("PreToolUse", "rm", "aaa", vec![noise()]);
    harmful.harmful = true;
    let plain = || case("PreToolUse", "bash", "baseline", vec![noise()]);
    let groups = gather(vec![plain(), harmful, plain()]).groups();
    assert_eq!(groups[0].places[0].case.payload, "rm");
}

#[test]
fn the_plainest_case_is_told_first() {
    let cases = vec![
        case("PreToolUse", "bash", "aaa", vec![noise()]),
        case("PreToolUse", "aaa", "baseline", vec![noise()]),
        case("PreToolUse", "bash", "baseline", vec![noise()]),
        case("Stop", "bash", "baseline", vec![]),
    ];
    let groups = gather(cases).groups();
    let told: Vec<_> = groups[0].places.iter().map(|place| (&*place.case.scenario, &*place.case.payload)).collect();
    assert_eq!(told, [("baseline", "bash"), ("baseline", "aaa"), ("aaa", "bash")]);
}

#[test]
fn another_observation_is_another_group_beside_it() {
    let other = |text: &str| judgement("a.other", Level::Must, Verdict::Fail(finding(text, "", &[])));
    let cases = vec![
        case("Stop", "a", "baseline", vec![noise(), other("one")]),
        case("Stop", "b", "baseline", vec![noise(), other("two")]),
        case("Stop", "c", "baseline", vec![other("two")]),
        case("Stop", "d", "baseline", vec![bare_deny(), held()]),
    ];
    let groups = gather(cases).groups();
    let told: Vec<_> = groups.iter().map(|group| (&*group.requirement, &*group.observed)).collect();
    assert_eq!(told[..2], [("a.other", "two"), ("a.other", "one")]);
    assert_eq!(told[2].0, "stream.noise-before-json");
}

#[test]
fn consequences_are_told_with_their_events() {
    let of = |event, consequence| {
        let finding = finding("text on stdout", consequence, &[]);
        case(event, "a", "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
    };
    let groups = gather([
        of("Stop", "It at Stop ends"),
        of("PreToolUse", "goes on"),
        of("SubagentStop", "It at SubagentStop ends"),
        of("Stop", "It at StopFailure ends"),
    ])
    .groups();
    assert_eq!(groups.len(), 1);
    let expected = [
        ("It ends".to_owned(), BTreeSet::from(["Stop", "SubagentStop"])),
        ("It at StopFailure ends".to_owned(), BTreeSet::from(["Stop"])),
        ("goes on".to_owned(), BTreeSet::from(["PreToolUse"])),
    ];
    assert_eq!(groups[0].consequences(), expected);
}

#[test]
fn observations_that_differ_in_the_event_alone_are_the_same() {
    let of = |event: &str, observed: &str| {
        let finding = finding(observed, "", &[]);
        case(event, "a", "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
    };
    let groups = gather([
        of("Stop", "Stop drops text, and so does Stop"),
        of("Setup", "Setup drops text, and so does Setup"),
        of("Setup", "Setup drops texts, and so does Setup"),
    ])
    .groups();
    let told: Vec<_> = groups.iter().map(|group| (&*group.observed, group.places.len())).collect();
    let expected = [("Setup drops text, and so does Setup", 2), ("Setup drops texts, and so does Setup", 1)];
    assert_eq!(told, expected);
}

#[test]
fn what_has_one_cause_is_one_group_of_the_highest_level() {
    let of = |scenario: &str, rules: &[(&str, Level)]| {
        let judgements = rules.iter().map(|&(id, level)| {
            let finding = Finding { cause: Some("exit 1: no".to_owned()), ..finding(scenario, "", &[]) };
            judgement(id, level, Verdict::Fail(finding))
        });
        case("Stop", "a", scenario, judgements.collect())
    };
    let groups = gather([
        of("empty", &[("input.empty", Level::Should)]),
        of("closed", &[("input.closed", Level::May)]),
        of("baseline", &[("exit.failure", Level::Should), ("exit.one", Level::Must)]),
    ])
    .groups();
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((&*group.requirement, group.level, &*group.observed), ("exit.one", Level::Must, "baseline"));
    assert_eq!(group.places.len(), 3, "each case once");
    let also: Vec<_> = group.also.iter().map(|(id, level)| (&**id, *level)).collect();
    let expected = [("exit.failure", Level::Should), ("input.closed", Level::May), ("input.empty", Level::Should)];
    assert_eq!(also, expected);
}

#[rstest]
#[case("Stop drops it", "Stop", "\0 drops it")]
#[case("StopFailure, SubagentStop, Stop_x, Stop", "Stop", "StopFailure, SubagentStop, Stop_x, \0")]
#[case("StopStop", "Stop", "StopStop")]
#[case("none of it", "Stop", "none of it")]
#[case("nothing", "", "nothing")]
fn an_event_is_a_whole_word(#[case] text: &str, #[case] event: &str, #[case] expected: &str) {
    assert_eq!(of_any_event(text, event), expected);
}

#[test]
fn failures_of_the_harness_are_kept_apart() {
    let findings = gather([
        case("Stop", "a", "baseline", vec![broken("no memory"), broken("no memory")]),
        case("Stop", "b", "baseline", vec![broken("no memory")]),
    ]);
    assert!(findings.groups().is_empty());
    let errors = findings.harness_errors();
    assert_eq!((errors.len(), errors[0].0, errors[0].1.len()), (1, "no memory", 2));
}
