//! Judges of what a hook does with its stdin.

use std::sync::LazyLock;

use hookproof_harness::Ending;
use regex_lite::Regex;

use super::{Finding, Material, Verdict, ending};
use crate::contract::{Action, Decision};
use crate::oracle::{reported_signal, say_signal};
use crate::requirement::Requirement;
use crate::run::{Run, is_through_shell};

/// What runtimes print of an error that nobody caught.
static UNCAUGHT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)Traceback \(most recent call last\)|panicked at |^Uncaught |UnhandledPromiseRejection|^\s+at .+:\d+:\d+\)?$|^Exception in thread|^goroutine \d+ \[|^Unhandled exception|fatal error: |Segmentation fault|^\S+: line \d+: .*(unbound variable|syntax error)").expect("the pattern is a constant")
});

/// Whether stderr shows an error that nobody caught.
pub(super) fn is_uncaught(stderr: &str) -> bool {
    UNCAUGHT.is_match(stderr)
}

/// Why a run did not end as a hook should, as a sentence.
fn unseemly(material: &Material<'_>, run: &Run) -> Option<String> {
    let stderr = String::from_utf8_lossy(&run.observation.stderr.bytes);
    let through_shell = is_through_shell(&material.case.subject.invocation);
    match &run.observation.ending {
        Ending::Exited { code: 0 | 2 } => None,
        Ending::Exited { code } if through_shell && reported_signal(*code).is_some() => Some(say_signal(*code)),
        Ending::Exited { code } if is_uncaught(&stderr) => {
            Some(format!("an uncaught error ends the hook with code {code}"))
        }
        Ending::Exited { code } if run.observation.stdout.total == 0 && stderr.trim().is_empty() => {
            Some(format!("the hook ends with code {code} and says nothing"))
        }
        Ending::Exited { .. } => None,
        Ending::Signaled { .. } | Ending::Crashed { .. } | Ending::LimitHit { .. } => {
            Some(format!("the hook was {}", ending(run)))
        }
        Ending::TimedOut { .. } => Some(format!("the hook was {}", ending(run))),
        Ending::NotStarted { .. } => None,
    }
}

/// The hook ends in time, by itself, and without an uncaught error.
pub(super) fn survives(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let overdue = |run: &Run| matches!(run.observation.ending, Ending::TimedOut { .. });
    // A hook that does not end at the baseline is told so once, by the rules of time.
    if material.runs.iter().any(overdue)
        && (material.case.scenario.is_baseline() || material.baseline.is_some_and(overdue))
    {
        return Some(Verdict::Skip { reason: "the hook does not end at the baseline".to_owned() });
    }
    // A hook that fails at every document is told so by the rules of endings.
    if material.case.scenario.is_baseline()
        && material.typical.is_some_and(|typical| unseemly(material, typical).is_some())
    {
        return Some(Verdict::Skip { reason: "the hook fails at an ordinary document too".to_owned() });
    }
    Some(match material.runs.iter().find_map(|run| unseemly(material, run).map(|why| (run, why))) {
        Some((run, why)) => Verdict::Fail(because(material, run, &why)),
        None => Verdict::Pass,
    })
}

fn because(material: &Material<'_>, run: &Run, why: &str) -> Finding {
    let scenario = material.case.scenario;
    let circumstances =
        if scenario.is_baseline() { material.case.payload.title.clone() } else { scenario.title.clone() };
    material.finding(run, format!("{circumstances}: {why}"))
}

/// The same, and a step that the baseline lets pass is let pass.
pub(super) fn lets_pass(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    match survives(requirement, material)? {
        Verdict::Pass => {}
        other => return Some(other),
    }
    // What the platform would make of it is not asked: the event is none that a contract knows.
    let denies = |run: &Run| run.effect.decision == Some(Decision::Deny);
    let blocked = material.runs.iter().find(|run| denies(run) && !material.baseline.is_some_and(denies));
    Some(match blocked {
        Some(run) => {
            let finding = because(material, run, &format!("the hook blocks ({})", ending(run)));
            material.fail_by_baseline(run, finding.observed)
        }
        None => Verdict::Pass,
    })
}

/// The hook takes all that is written to its stdin.
pub(super) fn drains_stdin(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let refused = material.runs.iter().find(|run| run.observation.stdin.refused);
    Some(match refused {
        Some(run) => {
            let stdin = &run.observation.stdin;
            let observed = format!(
                "the hook ended with {} of {} bytes of its stdin unread by the pipe",
                stdin.planned - stdin.written,
                stdin.planned
            );
            Verdict::Fail(material.finding(run, observed))
        }
        None => Verdict::Pass,
    })
}

/// A hook that is told that a stop hook is active lets the agent stop.
pub(super) fn stops_when_active(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let blocked = material.runs.iter().find(|run| run.effect.action == Action::Continued);
    Some(match blocked {
        Some(run) => {
            material.fail_by_effect(run, "the hook keeps the agent from stopping although a stop hook is active")
        }
        None => Verdict::Pass,
    })
}

/// A hook that nothing else keeps from going on for ever gives in by itself.
pub(super) fn stop_without_end(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if material.contract.limits.stop_blocks.is_some() || material.runs.len() < 2 {
        return None;
    }
    let run = material.runs.last()?;
    let all = material.runs.iter().all(|run| run.effect.action == Action::Continued);
    Some(if all {
        let observed = format!("the hook keeps the agent from stopping {} times in a row", material.runs.len());
        material.fail_by_effect(run, observed)
    } else {
        Verdict::Pass
    })
}
