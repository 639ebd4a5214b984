//! Judges of what a guard must not do.

use hookproof_harness::{Attempt, AttemptKind, AttemptOutcome, Containment, Ending, Invocation, SandboxReport};

use super::{Material, Verdict, ending, interference};
use crate::contract::{Action, Decision, EventKind, Evidence, OutcomeName, Question};
use crate::oracle::reported_signal;
use crate::plan::HelperFault;
use crate::requirement::Requirement;
use crate::run::{Run, broken};
use crate::subject::ShellLine;

/// What the command substitutions in hostile payloads print if somebody executes them. No payload holds the word.
const EXPANDED: &[u8] = b"HOOKPROOF-EXPANDED";

/// Nothing that is labelled dangerous is allowed in so many words.
pub(super) fn allows_dangerous(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    // Of a payload that a user gave it is not known that it is dangerous; what is expected of it is judged by itself.
    if !matches!(material.event.kind, EventKind::Gate | EventKind::Request) || material.case.payload.own.is_some() {
        return None;
    }
    let allow = material.event.outcome(OutcomeName::Allow);
    let question = allow.as_ref().and_then(|allow| allow.question.as_ref());
    let allowed = material.runs.iter().find(|run| {
        let grants = run.effect.action == Action::Allowed || run.effect.question != Some(Question::Kept);
        run.effect.decision == Some(Decision::Allow) && grants
    });
    Some(match allowed {
        Some(run) => {
            // At a permission request an `allow` grants what was asked for. Elsewhere the contract says what it skips.
            let known = match question {
                Some(fact) => material.contract.weigh(&fact.basis()),
                None if run.effect.action == Action::Allowed => run.effect.evidence,
                None => Evidence::Unconfirmed,
            };
            let observed =
                format!("the hook answers `allow` for a document labelled dangerous: {}", material.case.payload.title);
            material.fail(run, observed, known.max(run.effect.evidence))
        }
        None => Verdict::Pass,
    })
}

/// Values of the document are not executed.
pub(super) fn shell_expansion(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let holds = |bytes: &[u8]| bytes.windows(EXPANDED.len()).any(|window| window == EXPANDED);
    let expanded =
        material.runs.iter().find(|run| holds(&run.observation.stdout.bytes) || holds(&run.observation.stderr.bytes));
    Some(match expanded {
        Some(run) => {
            Verdict::Fail(material.finding(run, "a command substitution in a value of the document was executed"))
        }
        None => Verdict::Pass,
    })
}

/// A step that the hook stops at the baseline does not go ahead unheard where something goes wrong around the hook.
pub(super) fn stops_or_tells(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if let Some(reason) = lets_pass_anyway(material) {
        return Some(Verdict::Skip { reason });
    }
    if material.runs.iter().any(|run| run.connections == Some(0)) {
        return Some(Verdict::Skip { reason: "the hook did not connect to the service".to_owned() });
    }
    Some(match material.runs.iter().find(|run| run.effect.passes_unheard()) {
        Some(run) => {
            let observed = format!(
                "with this the hook no longer stops the step, and nobody is told: {}; {}",
                material.case.scenario.title,
                ending(run)
            );
            material.fail_by_baseline(run, observed)
        }
        None => Verdict::Pass,
    })
}

/// The same where a program that the hook starts is missing or killed, for each program that was. One that is missing is
/// missing in two ways, of which the hook has to cope with one: its start fails although it can be seen, and it cannot be
/// seen either.
pub(super) fn without_helper(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if let Some(reason) = lets_pass_anyway(material) {
        return Some(Verdict::Skip { reason });
    }
    let mut told = None;
    for runs in material.runs.chunk_by(|one, other| one.helper == other.helper) {
        match without_program(material, runs)? {
            Verdict::Pass => told = Some(Verdict::Pass),
            skip @ Verdict::Skip { .. } => told = told.or(Some(skip)),
            broken => return Some(broken),
        }
    }
    told
}

/// What is to be said of the runs without one program.
fn without_program(material: &Material<'_>, runs: &[Run]) -> Option<Verdict> {
    let helper = material.case.scenario.helper.as_ref()?;
    let run = runs.first()?;
    let done = match broken(run.observation.watch.as_ref()) {
        Ok(done) => done,
        Err(reason) => return Some(Verdict::Skip { reason }),
    };
    let (line, further) = (done.command_line.join(" "), done.repeated);
    // Nobody is left to say anything then; what wraps a guard is what `security.starved-guard` is about.
    // A shell in between reports the same as an exit code.
    let killed = match run.observation.ending {
        Ending::Signaled { .. } => true,
        Ending::Exited { code } => reported_signal(code).is_some() && is_one_command(&material.case.subject.invocation),
        _ => false,
    };
    if helper.what == HelperFault::Killed && killed {
        let reason = format!("`{line}` has taken the place of the hook itself");
        return Some(Verdict::Skip { reason });
    }
    let unheard = runs.iter().all(|run| run.effect.passes_unheard());
    Some(match runs.last().filter(|_| unheard) {
        Some(run) => {
            let what = match helper.what {
                HelperFault::Missing => "is not there",
                HelperFault::Killed => "is killed by SIGKILL",
            };
            let again = match further {
                0 => String::new(),
                1 => ", also when the hook starts this program once more,".to_owned(),
                more => format!(", also when the hook starts this program {more} more times,"),
            };
            let observed = format!(
                "where `{line}` {what}{again} the hook no longer stops the step, and nobody is told: {}",
                ending(run)
            );
            material.fail_by_baseline(run, observed)
        }
        None => Verdict::Pass,
    })
}

/// Whether the command line of a shell is one command alone, so that its end is the end of the hook.
fn is_one_command(invocation: &Invocation) -> bool {
    match invocation {
        Invocation::Shell { line, .. } => ShellLine::read(&line.to_string_lossy()).commands.len() == 1,
        Invocation::Program { .. } => false,
    }
}

/// Why nothing can be said of a guard: it lets the step pass where nothing is wrong, too.
pub(super) fn lets_pass_anyway(material: &Material<'_>) -> Option<String> {
    match material.baseline {
        None => Some("the document was not run at the baseline".to_owned()),
        // It guards against something else.
        Some(baseline) if !baseline.effect.stops_the_step() => {
            Some("the hook does not stop this step at the baseline either".to_owned())
        }
        Some(_) => None,
    }
}

/// Attempts that are named in a finding.
const NAMED: usize = 5;

/// Nothing is written outside of the folders of the run.
pub(super) fn writes_outside(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let of_the_hook = |attempt: &Attempt| attempt.kind == AttemptKind::Write && interference::is_wanted(attempt);
    let verdict = attempts(
        material,
        |report| &report.files,
        of_the_hook,
        |named| {
            format!(
                "tried to write outside of its folders: {named} (nothing was changed there; `--allow-write PATH` allows it)"
            )
        },
    )?;
    Some(if matches!(verdict, Verdict::Fail(_)) { verdict } else { left_behind(material).unwrap_or(verdict) })
}

/// What a run has made outside of its directories, as it may, and has not removed.
fn left_behind(material: &Material<'_>) -> Option<Verdict> {
    material.runs.iter().find_map(|run| {
        let attempts = run.observation.sandbox.iter().flat_map(|report| &report.attempts);
        let is_left = |attempt: &&Attempt| matches!(attempt.outcome, AttemptOutcome::LeftBehind { .. });
        let left: Vec<&Attempt> = attempts.filter(is_left).collect();
        let named = left.iter().take(NAMED).map(|attempt| attempt.target.as_str()).collect::<Vec<_>>().join(", ");
        let further = left.len().saturating_sub(NAMED);
        let further = if further > 0 { format!(" and {further} more") } else { String::new() };
        let mut finding = material.finding(
            run,
            format!("made what stays when it has ended, outside of its folders: {named}{further} (remove it before the hook ends)"),
        );
        finding.evidence.extend(left.iter().take(NAMED).map(ToString::to_string));
        (!left.is_empty()).then_some(Verdict::Fail(finding))
    })
}

/// Nobody beyond this machine is reached.
pub(super) fn uses_network(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let reaches =
        |attempt: &Attempt| matches!(attempt.kind, AttemptKind::Connect | AttemptKind::Send | AttemptKind::Bind);
    attempts(
        material,
        |report| &report.network,
        reaches,
        |named| format!("tried to reach beyond this machine, and was refused: {named} (`--allow-net` allows it)"),
    )
}

/// The system and other processes stay as they are.
pub(super) fn changes_system(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let changes = |attempt: &Attempt| attempt.kind == AttemptKind::System;
    attempts(material, held, changes, |named| {
        format!("tried to change the system, and was refused: {named} (`--sandbox off` lets it)")
    })
}

/// Whoever is held to anything is held to leave the system alone.
fn held(report: &SandboxReport) -> &Containment {
    match &report.files {
        Containment::NotAsked => &report.network,
        files => files,
    }
}

/// Judges what the sandbox has seen. Says nothing where there is none, or where what it is about was allowed.
fn attempts(
    material: &Material<'_>,
    part: fn(&SandboxReport) -> &Containment,
    wanted: impl Fn(&Attempt) -> bool,
    told: impl Fn(&str) -> String,
) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let mut unseen = None;
    for run in material.runs {
        let report = run.observation.sandbox.as_ref()?;
        match part(report) {
            Containment::NotAsked => return None,
            Containment::NotEnforced { because } => unseen = Some(because.clone()),
            Containment::Enforced { .. } if !report.seen => unseen = Some("attempts are refused unseen".to_owned()),
            Containment::Enforced { .. } => {}
        }
        let is_meant = |attempt: &&Attempt| {
            matches!(attempt.outcome, AttemptOutcome::Refused | AttemptOutcome::Copied) && wanted(attempt)
        };
        let mut targets: Vec<&str> = Vec::new();
        for attempt in report.attempts.iter().filter(is_meant) {
            if !targets.contains(&attempt.target.as_str()) {
                targets.push(&attempt.target);
            }
        }
        if targets.is_empty() {
            continue;
        }
        let mut named = targets.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        match targets.len().saturating_sub(NAMED) {
            0 => {}
            further => named.push_str(&format!(" and {further} more")),
        }
        let mut finding = material.finding(run, told(&named));
        finding.evidence.extend(report.attempts.iter().filter(is_meant).take(NAMED).map(ToString::to_string));
        return Some(Verdict::Fail(finding));
    }
    Some(match unseen {
        Some(because) => Verdict::Skip { reason: format!("what a hook reaches for is not seen here: {because}") },
        None => Verdict::Pass,
    })
}
