//! Rules that the oracle finds broken in a single run.

use super::{Material, Verdict};
use crate::contract::Evidence;
use crate::requirement::Requirement;

/// Fails if the oracle saw the requirement broken. Says nothing where no platform would bring the run about.
pub(super) fn judge(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let broken = material.runs.iter().find_map(|run| {
        let problem = run.effect.problems.iter().find(|problem| problem.requirement == requirement.id)?;
        Some((run, problem))
    });
    Some(match broken {
        Some((run, problem)) => {
            let verdict =
                material.fail(run, problem.message.clone(), problem.evidence.unwrap_or(Evidence::Unconfirmed));
            verdict.with(|finding| finding.loses_denial = problem.loses_denial)
        }
        None => Verdict::Pass,
    })
}
