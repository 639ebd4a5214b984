//! The witnesses: hooks broken on purpose, a trial each.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

use hookproof::judge::{Judgement, Verdict};
use hookproof::report::CaseFinished;
use hookproof::requirement::{Level, Requirement};
use hookproof::subject::{Subject, from_command};
use hookproof_witness::Witness;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::bootstrap;
use crate::run::{Suite, complaint, is_selected};

/// The first argument by which this program becomes a witness.
pub(crate) const SUBCOMMAND: &str = "__witness";
/// The witness that is not there at all.
const NOT_STARTED: &str = "exit.not-started";
/// The category about what a user expects for a payload: its witnesses are given one.
const EXPECTATIONS: &str = "expect.";
/// Witnesses that hang are the only ones that take so long.
const PATIENCE: Duration = Duration::from_secs(3);
/// For witnesses that take much, also on a machine that is busy with other things.
const LONG_PATIENCE: Duration = Duration::from_secs(12);

pub(crate) fn trials(suite: &Suite, arguments: &Arguments) -> Result<Vec<Trial>, Box<dyn Error>> {
    let name = |witness: &Witness| format!("witness::{}", witness.id);
    let witnesses: Vec<&Witness> = made_for(suite).collect();
    let selected: Vec<&Witness> =
        witnesses.iter().copied().filter(|witness| is_selected(arguments, &name(witness))).collect();
    let subjects = selected.iter().map(|witness| subject(witness)).collect::<Result<Vec<_>, _>>()?;
    let cases: Vec<_> = selected
        .iter()
        .zip(&subjects)
        .flat_map(|(witness, subject)| {
            let payloads = if witness.id.starts_with(EXPECTATIONS) { &suite.with_own } else { suite.payloads };
            suite.plan(payloads, std::slice::from_ref(subject), witness.events, &scenarios(suite, witness))
        })
        .collect();
    // What takes much is not to be taken for what never ends.
    let (much, rest): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|case| own_circumstances(suite, &case.id.subject).is_some());
    // What is expected is expected of all hooks of a check together.
    let (expected, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|case| case.id.subject.starts_with(EXPECTATIONS));
    let mut finished = suite.check(&subjects, &rest, PATIENCE)?;
    for subject in &subjects {
        let own: Vec<_> = expected.iter().filter(|case| case.id.subject == subject.name).cloned().collect();
        finished.extend(suite.check(std::slice::from_ref(subject), &own, PATIENCE)?);
    }
    finished.extend(suite.check(&subjects, &much, LONG_PATIENCE)?);
    Ok(witnesses
        .into_iter()
        .map(|witness| {
            let own: Vec<&CaseFinished> = finished.iter().filter(|case| case.case.subject == witness.id).collect();
            let outcome = judge(suite, witness, &own);
            Trial::test(name(witness), move || outcome)
        })
        .collect())
}

/// The witnesses that are made for the platform of the suite.
fn made_for(suite: &Suite) -> impl Iterator<Item = &'static Witness> {
    hookproof_witness::all().filter(|witness| witness.platform == suite.contract.platform.id)
}

/// The scenarios in which a witness is run: all of them, or, where a single run shows its defect, only the baseline and
/// those in which a MUST is judged that its own might be mistaken for. It keeps thousands of runs from being made.
fn scenarios<'a>(suite: &'a Suite, witness: &Witness) -> Vec<&'a str> {
    // A witness that takes much does so in every run; the baseline is where most rules of level MUST are.
    if let Some(own) = own_circumstances(suite, witness.id) {
        return own.scenarios.iter().map(String::as_str).collect();
    }
    if let Some(own) = apart(suite, witness.id) {
        return own.scenarios.iter().map(String::as_str).collect();
    }
    // What takes long and is there for a few requirements is left to their witnesses.
    let all = suite.scenarios.iter().filter(|scenario| !scenario.one_event).map(|scenario| scenario.id.as_str());
    let one_run_shows_it = suite.catalogue.get(witness.id).is_some_and(|requirement| requirement.judge == "problem");
    if !one_run_shows_it {
        return all.collect();
    }
    let musts = suite.catalogue.iter().filter(|requirement| requirement.level == Level::Must);
    musts.flat_map(|requirement| &requirement.scenarios).map(String::as_str).collect()
}

/// The requirement, if its witness shows its defect, or costs much, in circumstances of its own.
fn own_circumstances<'a>(suite: &'a Suite, id: &str) -> Option<&'a Requirement> {
    limited(suite, id).or_else(|| takes_much(suite, id))
}

/// The requirement, if it is about limits that the hook is given, or a part of a story: elsewhere its witness has no
/// defect.
fn limited<'a>(suite: &'a Suite, id: &str) -> Option<&'a Requirement> {
    let scenario = |id: &String| suite.scenarios.get(id);
    let is_limited =
        |id: &String| scenario(id).is_some_and(|scenario| scenario.is_story() || !scenario.limits.is_empty());
    suite.catalogue.get(id).filter(|own| !own.scenarios.is_empty() && own.scenarios.iter().all(is_limited))
}

/// The requirement, if it is about a fault around the hook, or about scenarios that are run at one event only.
fn apart<'a>(suite: &'a Suite, id: &str) -> Option<&'a Requirement> {
    let is_apart =
        |id: &String| suite.scenarios.get(id).is_some_and(|scenario| scenario.has_fault() || scenario.one_event);
    suite.catalogue.get(id).filter(|own| !own.scenarios.is_empty() && own.scenarios.iter().all(is_apart))
}

/// The requirement, if breaking it takes much time or memory, in circumstances of its own.
fn takes_much<'a>(suite: &'a Suite, id: &str) -> Option<&'a Requirement> {
    suite.catalogue.get(id).filter(|requirement| !requirement.budget.is_empty() && !requirement.scenarios.is_empty())
}

/// This program as a witness.
fn subject(witness: &Witness) -> io::Result<Subject> {
    let own = env::current_exe()?;
    let program = if witness.id == NOT_STARTED { own.join("not-there") } else { own };
    let words = [SUBCOMMAND, witness.id, "{platform}", "{event}"].map(OsString::from);
    let mut subject = from_command(program.as_os_str(), &words);
    witness.id.clone_into(&mut subject.name);
    if witness.heavy {
        let variables = (hookproof_witness::STATE, hookproof_witness::BUILD_TIME);
        bootstrap::make_heavy(&mut subject, hookproof_witness::HEAVY, variables).map_err(io::Error::other)?;
    }
    subject.worker = hookproof_witness::worker_variable(witness.id).and_then(|variable| variable.parse().ok());
    Ok(subject)
}

/// The own requirement fails at each event of the table, and no MUST but those of the table.
fn judge(suite: &Suite, witness: &Witness, cases: &[&CaseFinished]) -> Result<(), Failed> {
    let requirement = suite.catalogue.get(witness.id).ok_or("there is no such requirement")?;
    let is_shown = |judgement: &Judgement| {
        is_failed(judgement) || (witness.doubted && matches!(judgement.verdict, Verdict::Note(_)))
    };
    let all = || cases.iter().flat_map(|case| case.judgements.iter().map(move |judgement| (*case, judgement)));
    let failed_at = |id: &str, event: &str| {
        all().any(|(case, judgement)| case.case.event == event && judgement.requirement == id && is_shown(judgement))
    };
    let mut wrong = Vec::new();
    if witness.doubted && all().any(|(_, judgement)| judgement.requirement == requirement.id && is_failed(judgement)) {
        wrong.push("the table says that it is only doubted, and it is failed".to_owned());
    }
    for event in witness.events {
        if !failed_at(&requirement.id, event) {
            let said: BTreeSet<String> = all()
                .filter(|(case, judgement)| case.case.event == *event && !matches!(judgement.verdict, Verdict::Pass))
                .map(|(case, judgement)| {
                    let word = if is_failed(judgement) { "broken" } else { "doubted or skipped" };
                    format!("{} {word} in {}/{}", judgement.requirement, case.case.payload, case.case.scenario)
                })
                .collect();
            let said: Vec<String> = said.into_iter().collect();
            wrong.push(format!("not failed at {event}; what was said instead: {}", said.join(", ")));
        }
    }
    let allowed = |id: &str| id == requirement.id || witness.beside.iter().any(|(beside, _)| *beside == id);
    wrong.extend(
        all()
            .filter(|(_, judgement)| judgement.level == Level::Must && !allowed(&judgement.requirement))
            .filter_map(|(case, judgement)| complaint(case, judgement)),
    );
    wrong.extend(
        witness
            .beside
            .iter()
            .filter(|(id, _)| !all().any(|(_, judgement)| judgement.requirement == *id && is_failed(judgement)))
            .map(|(id, _)| format!("the table says that {id} is broken beside, and it is not")),
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn is_failed(judgement: &Judgement) -> bool {
    matches!(judgement.verdict, Verdict::Fail(_))
}
