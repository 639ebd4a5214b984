//! Judges of endings that need more than one run, or more than the oracle is told.

use std::sync::LazyLock;

use hookproof_harness::Ending;
use regex_lite::Regex;

use super::whole_event::{BaselineRun, EventMaterial};
use super::{Finding, Material, Verdict, cause, ending};
use crate::activity::{PayloadKind, can_block};
use crate::judge::input::is_uncaught;
use crate::oracle::{HookStatus, reported_signal};
use crate::requirement::Requirement;
use crate::run::{Run, is_through_shell};

/// Words by which a hook says that it meant to block.
static BLOCKING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(block(ed|ing)?|den(y|ied)|forbid(den)?|not allowed|refus(e|ed|ing)|reject(ed)?|prevented|dangerous)\b",
    )
    .expect("the pattern is a constant")
});

/// What systems say in these words when something was refused to the hook itself.
static REFUSED_TO_THE_HOOK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)permission denied|access (is )?denied|connection refused|operation not permitted")
        .expect("the pattern is a constant")
});

/// A failure for a dangerous document, where a harmless one goes well, was meant as a block.
pub(super) fn one_where_two_was_meant(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.event.exit_two_denies() {
        return None;
    }
    let run = material.runs.first()?;
    let Ending::Exited { code } = run.observation.ending else { return Some(Verdict::Pass) };
    if code == 0 || code == 2 || run.effect.hook_status != HookStatus::Failed {
        return Some(Verdict::Pass);
    }
    let stderr = String::from_utf8_lossy(&run.observation.stderr.bytes);
    // What the hook meant stands in an answer, which has a rule of its own.
    let answered = run.effect.problems.iter().any(|problem| problem.requirement == "exit.answer-not-read");
    if answered || is_uncaught(&stderr) {
        return Some(Verdict::Pass);
    }
    // A hook that fails on a harmless document just so has decided nothing, whatever words it uses ("permission denied");
    // nor has a shell that did not find its command, or whose command was killed. Texts with something random in them are
    // never the same: that the harmless document gets such words too is enough.
    let says = |run: &Run| {
        let observation = &run.observation;
        [&observation.stderr, &observation.stdout]
            .iter()
            .any(|text| BLOCKING.is_match(&String::from_utf8_lossy(&text.bytes)))
    };
    let says_so = says(run);
    let same = |typical: &Run| {
        typical.observation.ending == run.observation.ending
            && (cause::complaint(typical) == cause::complaint(run) || (says_so && says(typical)))
    };
    let killed = is_through_shell(&material.case.subject.invocation) && reported_signal(code).is_some();
    if matches!(code, 126 | 127) || killed || material.typical.is_some_and(same) {
        return Some(Verdict::Pass);
    }
    let harmless_passes =
        material.typical.is_some_and(|typical| typical.observation.ending == Ending::Exited { code: 0 });
    // What is a question of policy is not there for every hook to object to: it may as well have failed at a file that is
    // not there. Only words tell then, and only such as the hook itself has chosen.
    let only_guarded = !["dangerous", "secret"].iter().any(|label| material.case.payload.is(label));
    if only_guarded && (!says_so || REFUSED_TO_THE_HOOK.is_match(&stderr)) {
        return Some(Verdict::Pass);
    }
    if says_so || harmless_passes {
        let observed = format!(
            "for a document labelled {} the hook ends with code {code}{}; only code 2 blocks",
            material.case.payload.labels.iter().cloned().collect::<Vec<_>>().join(", "),
            if harmless_passes { ", for a harmless one with 0" } else { " and says that it blocks" },
        );
        return Some(material.fail_by_both(run, material.typical.unwrap_or(run), observed));
    }
    Some(Verdict::Pass)
}

/// Runs that have to be there before every one of them shows that a hook fails at anything.
const ENOUGH: usize = 3;

fn denies_by_accident(one: &BaselineRun<'_>) -> bool {
    one.run.effect.problems.iter().any(|problem| problem.requirement == "exit.denies-by-accident")
}

/// Whether the hook fails at every payload in the same way, and denies by that.
pub(super) fn fails_everywhere(material: &EventMaterial<'_>) -> bool {
    let Some(first) = material.runs.first() else { return false };
    let same = |one: &BaselineRun<'_>| one.run.observation.ending == first.run.observation.ending;
    material.runs.len() >= ENOUGH && material.runs.iter().all(|one| denies_by_accident(one) && same(one))
}

/// A hook does not deny every step because it fails at every payload in the same way.
pub(super) fn denies_everything(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    if material.runs.len() < ENOUGH || !can_block(material.event) {
        return None;
    }
    if !fails_everywhere(material) {
        return Some(Verdict::Pass);
    }
    let first = material.runs.first()?;
    let harmless = material.runs.iter().filter(|one| one.kind() == PayloadKind::Harmless).count();
    let shown = material.runs.iter().find(|one| one.kind() == PayloadKind::Harmless).unwrap_or(first).run;
    let observed = format!(
        "the hook fails at every payload in the same way ({}), and {} takes that for a denial: all {} steps are denied, {harmless} \
         harmless ones among them",
        ending(shown),
        material.contract.platform.title,
        material.runs.len(),
    );
    let weakest = material.runs.iter().map(|one| one.run.effect.evidence).max()?;
    // What single payloads show of the same failure belongs to it.
    Some(match material.fail(shown, observed, weakest) {
        Verdict::Fail(finding) => Verdict::Fail(Finding { cause: cause::failure(shown), ..finding }),
        other => other,
    })
}

/// The command must start.
pub(super) fn not_started(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if let Some((run, fault)) = material.runs.iter().find_map(|run| Some((run, run.launch_fault.as_ref()?))) {
        return Some(match &fault.excused {
            Some(reason) => Verdict::Skip { reason: reason.clone() },
            None => material.fail(run, fault.observed.clone(), run.effect.evidence.max(fault.evidence)),
        });
    }
    let failed = material.runs.iter().find_map(|run| match &run.observation.ending {
        Ending::NotStarted { error } => Some((run, error)),
        _ => None,
    });
    Some(match failed {
        Some((run, error)) => {
            let observed = format!("the command could not be started ({}: {})", error.step, error.message);
            material.fail_by_effect(run, observed)
        }
        None => Verdict::Pass,
    })
}
