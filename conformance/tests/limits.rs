//! Limits of scenarios, from the data to the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use hookproof::contract::Library;
use hookproof::judge::{Judgement, Verdict};
use hookproof::payload::Payloads;
use hookproof::plan::{Case, CaseId, Scenario, Scenarios};
use hookproof::report::ReportEvent;
use hookproof::requirement::{Catalogue, Level};
use hookproof::run::{CheckOptions, Checker, Confinement, Interrupter};
use hookproof::subject::from_command;
use hookproof_harness::{Limit, Limits};

/// What is said of a hook that ends well, in this scenario and at the baseline.
fn judged(scenario: &Scenario) -> Vec<Judgement> {
    let contract = Library::built_in().unwrap().select("claude-code").unwrap();
    let payloads = Payloads::built_in().unwrap();
    let payload = payloads.of("claude-code", "PreToolUse").find(|payload| payload.is("typical")).unwrap();
    let program = std::path::absolute(env!("CARGO_BIN_EXE_hookproof")).unwrap();
    let subject = from_command(program.as_os_str(), &["explain".into(), "baseline".into()]);
    let case = |scenario| {
        let id = CaseId {
            subject: subject.name.clone(),
            platform: "claude-code".to_owned(),
            version: contract.version.to_string(),
            event: "PreToolUse".to_owned(),
            payload: payload.name.clone(),
            scenario: Scenario::clone(scenario).id,
        };
        Case { id, subject: &subject, payload, scenario }
    };
    let checker = Checker {
        contract: &contract,
        catalogue: Catalogue::built_in().unwrap(),
        options: CheckOptions {
            slots: None,
            jobs: 1,
            patience: Duration::from_secs(10),
            level: Level::May,
            fail_fast: false,
            environment: BTreeMap::new(),
            launchers: Vec::new(),
            confinement: Confinement::default(),
            left_out: Vec::new(),
        },
        interrupter: Interrupter::default(),
    };
    let baseline = Scenarios::built_in().unwrap().get("baseline").unwrap();
    let mut judgements = Vec::new();
    checker
        .check(std::slice::from_ref(&subject), &[], &[case(baseline), case(scenario)], |event| {
            if let ReportEvent::CaseFinished(finished) = event
                && finished.case.scenario == scenario.id
            {
                judgements.extend(finished.judgements.clone());
            }
            Ok(())
        })
        .unwrap();
    judgements
}

fn few_descriptors() -> Scenario {
    Scenarios::built_in().unwrap().get("few-descriptors").unwrap().clone()
}

#[test]
fn only_the_requirements_that_name_it_are_judged_under_a_limit() {
    let judgements = judged(&few_descriptors());
    let ids: Vec<&str> = judgements.iter().map(|judgement| judgement.requirement.as_str()).collect();
    assert_eq!(ids, ["resource.few-descriptors"]);
    // Windows knows no such limit, and says so.
    let expected = if cfg!(windows) {
        matches!(judgements[0].verdict, Verdict::Skip { .. })
    } else {
        judgements[0].verdict == Verdict::Pass
    };
    assert!(expected, "{judgements:?}");
}

#[test]
fn a_limit_that_is_not_enforced_leaves_nothing_to_judge() {
    // No system gives a process so many.
    let scenario = Scenario { limits: Limits::none().with(Limit::OpenFiles, u64::MAX / 2), ..few_descriptors() };
    let judgements = judged(&scenario);
    assert_eq!(judgements.len(), 1, "{judgements:?}");
    let Verdict::Skip { reason } = &judgements[0].verdict else { panic!("{judgements:?}") };
    assert!(
        reason.starts_with("the limit `open-files` of ") && reason.contains(" is not enforced, because "),
        "{reason}"
    );
}
