//! Judges of time, and of what is left behind.

use hookproof_harness::Ending;

use super::{Material, NEAR_A_LIMIT, Verdict};
use crate::contract::AnswerClass;
use crate::oracle::interpret;
use crate::plan::Patience;
use crate::requirement::Requirement;
use crate::run::{Lateness, Run, TimeLimit, facts};

fn overdue(run: &Run) -> bool {
    matches!(run.observation.ending, Ending::TimedOut { .. })
}

/// The hook ends within the platform's own time limit.
pub(super) fn budget(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let limit = material.case.subject.timeout.map_or(material.event.timeout_s.is, |limit| limit.as_secs_f64());
    if limit > material.patience.as_secs_f64() && material.runs.iter().any(overdue) {
        return Some(Verdict::Skip {
            reason: format!(
                "the time limit of {limit} s is beyond the suite's patience of {:.0} s",
                material.patience.as_secs_f64()
            ),
        });
    }
    let late = material.runs.iter().find(|run| overdue(run) && run.limit == TimeLimit::Platform);
    Some(match late {
        Some(run) => match run.lateness {
            Some(Lateness::Clear) => {
                material.fail_by_effect(run, format!("the hook is still running at its time limit of {limit} s"))
            }
            Some(Lateness::Near(wall)) => {
                let observed =
                    format!("the hook takes {:.1} s, more than its time limit of {limit} s", wall.as_secs_f64());
                material.finding(run, observed).doubted(NEAR_A_LIMIT)
            }
            None => {
                let observed = format!("the hook is still running at its time limit of {limit} s");
                material.finding(run, observed).doubted(NEAR_A_LIMIT)
            }
        },
        None => Verdict::Pass,
    })
}

/// The hook ends before the suite's patience is over.
pub(super) fn patience(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    // Where a scenario says how long to wait, other rules judge what it is about; and in one that no platform brings about
    // nobody waits.
    // How time grows with a document is judged by itself.
    let grows = !material.case.scenario.sizes.is_empty();
    if material.case.scenario.patience != Patience::Limit || grows || !material.is_sound() {
        return None;
    }
    // Nobody waits for a hook that has sent itself to the background.
    let waits = |run: &Run| run.effect.read_as != AnswerClass::Announced;
    // A hook with heavy work is given more time, which does not make it any faster.
    let is_late = |run: &Run| run.limit != TimeLimit::Platform && run.observation.wall >= material.patience;
    let late = material.runs.iter().find(|run| is_late(run) && waits(run));
    Some(match late {
        Some(run) => {
            let what = if overdue(run) { "is still running after" } else { "takes" };
            let observed = format!("the hook {what} {:.1} s", run.observation.wall.as_secs_f64());
            Verdict::Fail(material.finding(run, observed))
        }
        None => Verdict::Pass,
    })
}

/// A hook that nobody listens to ends all the same, and leaves nobody behind.
pub(super) fn ends_unread(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let fault = |run: &Run| {
        if overdue(run) {
            return Some(format!("still running after {:.1} s", run.observation.wall.as_secs_f64()));
        }
        let left = &run.observation.leaks.descendants;
        let names: Vec<_> = left.iter().map(|process| process.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("left running when the hook had ended: {}", names.join(", ")))
    };
    if material.baseline.is_some_and(|baseline| fault(baseline).is_some()) {
        return Some(Verdict::Skip { reason: "it is no better at the baseline".to_owned() });
    }
    Some(match material.runs.iter().find_map(|run| Some((run, fault(run)?))) {
        Some((run, why)) => Verdict::Fail(material.finding(run, format!("{}: {why}", material.case.scenario.title))),
        None => unseen(material.runs.iter()).unwrap_or(Verdict::Pass),
    })
}

/// A hook whose service hangs ends before its time limit, and before a person would give up.
pub(super) fn ends_without_service(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if material.baseline.is_some_and(overdue) {
        return Some(Verdict::Skip { reason: "the hook does not end at the baseline".to_owned() });
    }
    if material.runs.iter().any(|run| run.connections == Some(0)) {
        return Some(Verdict::Skip { reason: "the hook did not connect to the service".to_owned() });
    }
    Some(match material.runs.iter().find(|run| overdue(run)) {
        Some(run) => {
            let limit = if run.limit == TimeLimit::Platform { ", which is its time limit" } else { "" };
            let waited = run.observation.wall.as_secs_f64();
            Verdict::Fail(
                material.finding(run, format!("the hook still waits for its service after {waited:.1} s{limit}")),
            )
        }
        None => Verdict::Pass,
    })
}

/// No descendant outlives the hook.
pub(super) fn no_process_left(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let left = material.runs.iter().find(|run| !overdue(run) && !run.observation.leaks.descendants.is_empty());
    Some(match left {
        Some(run) => {
            let names: Vec<_> = run.observation.leaks.descendants.iter().map(|process| process.name.as_str()).collect();
            Verdict::Fail(material.finding(run, format!("left running when the hook had ended: {}", names.join(", "))))
        }
        None => unseen(material.runs.iter()).unwrap_or(Verdict::Pass),
    })
}

/// Skips a rule about what outlives a hook where that cannot be seen.
pub(super) fn unseen<'r>(mut runs: impl Iterator<Item = &'r Run>) -> Option<Verdict> {
    runs.any(|run| run.observation.mechanism.blind).then(|| Verdict::Skip {
        reason: "processes that outlive the hook cannot be seen here: there is no /proc".to_owned(),
    })
}

/// Nobody holds the hook's streams open when it has ended.
pub(super) fn no_pipe_held(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let held = material.runs.iter().find_map(|run| {
        let leaks = &run.observation.leaks;
        match (overdue(run), leaks.stdout_held, leaks.stderr_held) {
            (true, ..) | (false, false, false) => None,
            (false, true, true) => Some((run, "stdout and stderr are")),
            (false, true, false) => Some((run, "stdout is")),
            (false, false, true) => Some((run, "stderr is")),
        }
    });
    Some(match held {
        Some((run, which)) => Verdict::Fail(
            material.finding(run, format!("{which} still held open by another process when the hook has ended")),
        ),
        None => Verdict::Pass,
    })
}

/// The answer counts for as much as it would if nobody held stdout open.
pub(super) fn held_pipe_loses_answer(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let lost = material.runs.iter().find(|run| {
        if !run.observation.leaks.stdout_held || overdue(run) {
            return false;
        }
        let mut free = facts(material.contract, &run.observation, material.case.payload, material.case.subject);
        free.stdout_held = false;
        let free = interpret(material.contract, material.event, &free);
        (free.action, free.decision, free.hook_status, &free.model_sees)
            != (run.effect.action, run.effect.decision, run.effect.hook_status, &run.effect.model_sees)
    });
    Some(match lost {
        Some(run) => {
            let observed = "the answer is refused because another process holds stdout open";
            if run.held_barely {
                material.finding(run, observed).doubted(NEAR_A_LIMIT)
            } else {
                material.fail_by_effect(run, observed)
            }
        }
        None => Verdict::Pass,
    })
}
