//! Judges of what a guard must not do.

use std::path::Path;

use hookproof_harness::{Attempt, AttemptKind, AttemptOutcome, Containment, SandboxReport};

use super::{Material, Verdict, ending};
use crate::contract::{Decision, EventKind};
use crate::requirement::Requirement;
use crate::run::Run;

/// What the command substitutions in hostile payloads print if somebody executes them. No payload holds the word.
const EXPANDED: &[u8] = b"HOOKPROOF-EXPANDED";

/// Nothing that is labelled dangerous is allowed in so many words.
pub(super) fn allows_dangerous(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !matches!(material.event.kind, EventKind::Gate | EventKind::Request) {
        return None;
    }
    let allowed = material.runs.iter().find(|run| run.effect.decision == Some(Decision::Allow));
    Some(match allowed {
        Some(run) => material.fail_by_effect(
            run,
            format!("the hook answers `allow` for a document labelled dangerous: {}", material.case.payload.title),
        ),
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

/// A step that the hook stops at the baseline does not go ahead unheard where the hook is starved.
pub(super) fn starved_guard(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let Some(baseline) = material.baseline else {
        return Some(Verdict::Skip { reason: "the document was not run at the baseline".to_owned() });
    };
    // Whoever lets it pass with all memory that there is guards against something else.
    if !baseline.effect.stops_the_step() {
        return Some(Verdict::Skip { reason: "the hook does not stop this step at the baseline either".to_owned() });
    }
    let unheard = |run: &Run| {
        let effect = &run.effect;
        !effect.stops_the_step() && effect.model_sees.is_empty() && effect.user_sees.is_empty()
    };
    Some(match material.runs.iter().find(|run| unheard(run)) {
        Some(run) => {
            let observed = format!(
                "with {} the hook no longer stops the step, and nobody is told: {}",
                material.case.scenario.title,
                ending(run)
            );
            material.fail_by_effect(run, observed)
        }
        None => Verdict::Pass,
    })
}

/// Attempts that are named in a finding.
const NAMED: usize = 5;
/// Where Python keeps what it has compiled, beside the source. It does without where it cannot write.
const COMPILED: &str = "__pycache__";

/// Nothing is written outside of the folders of the run.
pub(super) fn writes_outside(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let of_the_hook = |attempt: &Attempt| {
        let compiled = Path::new(&attempt.target).components().any(|part| part.as_os_str() == COMPILED);
        attempt.kind == AttemptKind::Write && !compiled
    };
    attempts(
        material,
        |report| &report.files,
        of_the_hook,
        |named| {
            format!("tried to write outside of its folders, and was refused: {named} (`--allow-write PATH` allows it)")
        },
    )
}

/// Nobody beyond this machine is reached.
pub(super) fn uses_network(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let reaches = |attempt: &Attempt| attempt.kind != AttemptKind::Write;
    attempts(
        material,
        |report| &report.network,
        reaches,
        |named| format!("tried to reach beyond this machine, and was refused: {named} (`--allow-net` allows it)"),
    )
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
        let is_meant = |attempt: &&Attempt| attempt.outcome == AttemptOutcome::Refused && wanted(attempt);
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
