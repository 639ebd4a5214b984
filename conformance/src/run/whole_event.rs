//! All baseline runs of a hook at an event, and what is judged of them together.

use std::time::Duration;

use super::pool::{Baselines, key};
use crate::activity::Activity;
use crate::contract::Contract;
use crate::judge::{BaselineRun, EventMaterial, judge_event};
use crate::plan::{Case, CaseId};
use crate::report::CaseFinished;
use crate::requirement::Catalogue;
use crate::subject::Subject;

/// The name in place of a payload, where all of an event are judged together.
const EVERY_PAYLOAD: &str = "every-payload";

/// All baseline runs of a hook at an event, in the order of the plan.
pub(super) struct WholeEvent<'r> {
    pub(super) subject: &'r str,
    pub(super) event: &'r str,
    /// The hook itself.
    hook: &'r Subject,
    pub(super) runs: Vec<BaselineRun<'r>>,
    first: &'r CaseId,
}

/// The baseline runs, grouped by hook and event. Cases that were interrupted are missing.
pub(super) fn group<'r>(cases: &'r [Case<'_>], baselines: &'r Baselines) -> Vec<WholeEvent<'r>> {
    let mut events: Vec<WholeEvent<'r>> = Vec::new();
    for case in cases.iter().filter(|case| case.scenario.is_baseline()) {
        let Some(run) = baselines.get(&key(case)) else { continue };
        let one = BaselineRun { payload: case.payload, run };
        // Cases of one hook and event follow each other in the plan.
        match events.last_mut() {
            Some(last) if last.subject == case.id.subject && last.event == case.id.event => last.runs.push(one),
            _ => events.push(WholeEvent {
                subject: &case.id.subject,
                event: &case.id.event,
                hook: case.subject,
                runs: vec![one],
                first: &case.id,
            }),
        }
    }
    events
}

/// What the requirements say that are about an event as a whole: a finished case without runs for each hook and event of
/// which any of them says something.
pub(super) fn judged(
    contract: &Contract,
    catalogue: &Catalogue,
    events: &[WholeEvent<'_>],
    activity: &Activity,
) -> Vec<CaseFinished> {
    // A hook that does not start has done nothing that could be judged.
    let started = |whole: &&WholeEvent<'_>| whole.runs.iter().all(|one| one.run.launch_fault.is_none());
    let judged = events.iter().filter(started).filter_map(|whole| {
        let material = EventMaterial {
            contract,
            event: &contract.events[whole.event],
            subject: whole.hook,
            runs: &whole.runs,
            activity,
        };
        let judgements = judge_event(catalogue, &material);
        let case = CaseId { payload: EVERY_PAYLOAD.to_owned(), ..whole.first.clone() };
        (!judgements.is_empty()).then_some(CaseFinished {
            case,
            judgements,
            runs: Vec::new(),
            wall: Duration::ZERO,
            harmful: false,
            kind: None,
            unless_stopped: None,
        })
    });
    judged.collect()
}
