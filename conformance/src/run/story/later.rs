//! What of a story is told once more with the clock moved in place of the times of files.
//!
//! A hook can keep its times in a form that nobody else reads: in a database, in binary, in a name. Making files older
//! does not reach them, and whether such a hook tries again a day later is only seen by its clock.

use hookproof_harness::ClockReport;

use super::StepRun;
use crate::plan::{Case, Step};
use crate::run::Run;

/// Whether it would say more: at a step to which time has passed, nothing heavy was started, and there was something
/// left to do.
pub(super) fn is_in_question(case: &Case<'_>, runs: &[Run]) -> bool {
    let mut is_done = false;
    for step in &case.scenario.step {
        is_done &= !step.fresh;
        let mut own = of(runs, step).peekable();
        if !is_done && step.age.is_some() && own.peek().is_some() && of(runs, step).all(|run| run.attempts == Ok(0)) {
            return true;
        }
        is_done |= own.any(|run| run.attempted() && !run.fault_done());
    }
    false
}

/// Whether what comes later depends on the step. What only asks whether it was tried does not change anything.
pub(super) fn is_needed(step: &Step) -> bool {
    step.age.is_some() || step.fault.is_some() || step.damage.is_some() || step.fresh || step.must_attempt
}

/// Whether the clock of a run was what it was to be.
pub(super) fn has_moved_clock(run: &Run) -> bool {
    run.observation.watch.as_ref().and_then(|watch| watch.clock.as_ref()).is_some_and(ClockReport::is_moved)
}

/// The runs, with those by the clock behind those of the same step: those of steps to which time had passed, as far as
/// everything before them went as it was to go.
pub(super) fn with_those_by_clock(case: &Case<'_>, runs: Vec<Run>, by_clock: Vec<Run>) -> Vec<Run> {
    let mut good = Vec::new();
    for run in by_clock {
        let Some(step) = &run.step else { break };
        let planned = case.scenario.step.iter().find(|planned| planned.name == step.step);
        let Some(planned) = planned.filter(|_| step.ended_because.is_none()) else { break };
        if planned.age.is_some() {
            good.push(run);
        } else if planned.fault.is_some() && !step.fault_done() {
            break;
        }
    }
    let mut told: Vec<Run> = Vec::new();
    let mut rest = runs.into_iter().peekable();
    while let Some(run) = rest.next() {
        let name = run.step.as_ref().map(|step| step.step.clone());
        told.push(run);
        let next = rest.peek().and_then(|next| next.step.as_ref()).map(|step| &step.step);
        if name.as_ref() != next {
            let is_of_it = |run: &mut Run| run.step.as_ref().map(|step| &step.step) == name.as_ref();
            told.extend(good.extract_if(.., is_of_it));
        }
    }
    told
}

fn of<'r>(runs: &'r [Run], step: &'r Step) -> impl Iterator<Item = &'r StepRun> {
    runs.iter().filter_map(|run| run.step.as_ref()).filter(|run| run.step == step.name)
}
