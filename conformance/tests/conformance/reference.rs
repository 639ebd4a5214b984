//! The reference hook: a trial a case.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Duration;

use hookproof::judge::Verdict;
use hookproof::plan::{Case, CaseId};
use hookproof::report::CaseFinished;
use hookproof::requirement::Catalogue;
use hookproof::subject::{Subject, from_command};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::bootstrap;
use crate::run::{HOME, Suite, complaint, is_selected};

/// The binary carries the reference hook, and starts itself again as it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_hookproof");
/// As long as `hookproof check` waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// The reference hook.
const REFERENCE: &str = "reference";
/// The reference hook with its bootstrap, where nothing happens to it; and where something does, and it takes its time.
/// Both are checked on [`HOME`].
const BOOTSTRAP: &str = "bootstrap";
const HEAVY: &str = "heavy-bootstrap";
/// The trial that looks at all cases.
const COMPLETE: &str = "reference::every-requirement-is-met";

/// Requirements that are put to the reference in no case, with the reason. A category ends with a full stop.
const NOT_APPLICABLE: &[(&str, &str)] = &[
    ("config.", "they are about configuration files, and the reference is started without one"),
    ("security.helper-", "the reference starts no other program"),
    ("worker.", "the reference talks to no local service"),
    ("consistency.approval-lost", "the reference approves no request, so that it has none to lose"),
    ("schema.rewrite-loses-fields", "the reference rewrites no input"),
];

/// Likewise, where nothing holds a hook and so nobody sees what it reaches for, and where nobody counts processes.
const NOT_SEEN: &[&str] = if cfg!(target_os = "linux") {
    &[]
} else if cfg!(windows) {
    &["security.writes-outside", "security.uses-network", "security.changes-system"]
} else {
    &["security.writes-outside", "security.uses-network", "security.changes-system", "resource.descendants"]
};

/// The trials of a platform's cases; the requirements that hold in some of them are added to `met`.
pub(crate) fn trials(
    suite: &Suite,
    arguments: &Arguments,
    met: &mut BTreeSet<String>,
) -> Result<Vec<Trial>, Box<dyn Error>> {
    let subjects = subjects(suite)?;
    // Where nothing happens to its heavy work, nobody has to wait for it.
    let is_wanted = |case: &Case<'_>| match case.id.subject.as_str() {
        HEAVY => case.scenario.is_story(),
        // That scenarios change nothing for a payload of a user is shown by those of the suite.
        _ => case.payload.own.is_none() || case.scenario.is_baseline(),
    };
    let all: Vec<Case<'_>> = suite.plan(&suite.with_own, &subjects, &[], &[]).into_iter().filter(is_wanted).collect();
    let names: Vec<String> = all.iter().map(|case| trial_name(&case.id)).collect();
    let finished = suite.check(&subjects, &needed(&all, arguments), PATIENCE)?;
    let mut results: BTreeMap<String, &CaseFinished> =
        finished.iter().map(|case| (trial_name(&case.case), case)).collect();
    met.extend(
        finished
            .iter()
            .flat_map(|case| &case.judgements)
            .filter(|judgement| judgement.verdict == Verdict::Pass)
            .map(|judgement| judgement.requirement.clone()),
    );
    let trials = names.into_iter().map(|name| {
        let outcome = results.remove(&name).map_or_else(|| Err("the case was not run".into()), judge);
        Trial::test(name, move || outcome)
    });
    Ok(trials.collect())
}

/// The reference hook, and where its bootstrap is at home the reference hook with it.
fn subjects(suite: &Suite) -> Result<Vec<Subject>, Box<dyn Error>> {
    // Cases are run in other folders, and on Windows on other drives, than this one.
    let program = std::path::absolute(PROGRAM)?;
    let hook = |name: &str, words: &[&str]| {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        let mut subject = from_command(program.as_os_str(), &words);
        name.clone_into(&mut subject.name);
        subject
    };
    let mut subjects = vec![hook(REFERENCE, &["__reference-hook", "{platform}", "{event}"])];
    if suite.contract.platform.id == HOME {
        let mut quick = hook(BOOTSTRAP, &["__reference-hook", "bootstrap", "{platform}", "{event}"]);
        quick.event = Some("SessionStart".to_owned());
        let mut heavy = quick.clone();
        HEAVY.clone_into(&mut heavy.name);
        subjects.push(quick);
        let variables = ("HOOKPROOF_STATE_DIR", "HOOKPROOF_REFERENCE_BUILD_TIME_MS");
        bootstrap::make_heavy(&mut heavy, "* build-index*", variables)?;
        subjects.push(heavy);
    }
    Ok(subjects)
}

fn trial_name(id: &CaseId) -> String {
    if id.subject == REFERENCE { id.trial_name() } else { format!("{}::{}", id.subject, id.trial_name()) }
}

/// The selected cases, and the ones at the baseline that judges compare them with.
fn needed<'a>(all: &[Case<'a>], arguments: &Arguments) -> Vec<Case<'a>> {
    if is_selected(arguments, COMPLETE) {
        return all.to_vec();
    }
    let selected: Vec<&Case<'_>> = all.iter().filter(|case| is_selected(arguments, &trial_name(&case.id))).collect();
    let chosen: BTreeSet<_> = selected.iter().map(|case| &case.id).collect();
    let documents: BTreeSet<_> = selected.iter().map(|case| (&case.id.event, &case.id.payload)).collect();
    let events: BTreeSet<_> = selected.iter().map(|case| &case.id.event).collect();
    let is_compared_with = |case: &Case<'_>| {
        let typical = case.payload.is("typical") && events.contains(&case.id.event);
        case.scenario.is_baseline() && (typical || documents.contains(&(&case.id.event, &case.id.payload)))
    };
    all.iter().filter(|case| chosen.contains(&case.id) || is_compared_with(case)).cloned().collect()
}

/// No requirement of any level fails.
fn judge(case: &CaseFinished) -> Result<(), Failed> {
    let complaints: Vec<String> = case.judgements.iter().filter_map(|judgement| complaint(case, judgement)).collect();
    if case.judgements.is_empty() {
        Err("no requirement was judged".into())
    } else if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n").into())
    }
}

/// The trial that each requirement holds in some case of some platform, or stands in the list of those that do not apply;
/// and that the list is no longer than it must be.
pub(crate) fn complete(catalogue: &Catalogue, met: &BTreeSet<String>) -> Trial {
    let excused = |id: &str| NOT_SEEN.contains(&id) || NOT_APPLICABLE.iter().any(|(prefix, _)| id.starts_with(prefix));
    let ids = || catalogue.iter().map(|requirement| requirement.id.as_str());
    let unmet: Vec<&str> = ids().filter(|id| !met.contains(*id) && !excused(id)).collect();
    let needless: Vec<&str> = ids().filter(|id| met.contains(*id) && excused(id)).collect();
    let outcome = match (unmet.as_slice(), needless.as_slice()) {
        ([], []) => Ok(()),
        (unmet, needless) => Err(format!(
            "never met: {}; met although the list says that they do not apply: {}",
            unmet.join(", "),
            needless.join(", ")
        )
        .into()),
    };
    Trial::test(COMPLETE, move || outcome)
}
