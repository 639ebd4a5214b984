//! Judges of what a hook takes and leaves: memory, CPU time, waiting, files, text.

mod descendants;
mod growth;
mod piling;

pub(super) use descendants::descendants;
pub(super) use piling::state_growth;

use std::time::Duration;

use hookproof_harness::{Ending, Limit, Observation};

use self::growth::{Bounds, Point, is_worse_than_linear};
use super::{Material, Verdict, WAITS_NO_LONGER};
use crate::oracle::HookStatus;
use crate::quantity;
use crate::requirement::Requirement;
use crate::run::{Run, TimeLimit};

const MIB: f64 = 1024.0 * 1024.0;
/// The share of the time that passed for which a hook must have been at work itself, so that a busy machine is not held
/// against it.
const MOSTLY_AT_WORK: f64 = 0.5;

/// The figure of a budget. The catalogue refuses requirements without the ones that their judge needs.
fn budget(requirement: &Requirement, name: &str) -> f64 {
    requirement.budget[name].is
}

fn skip(reason: impl Into<String>) -> Verdict {
    Verdict::Skip { reason: reason.into() }
}

fn has_ended(run: &Run) -> bool {
    !matches!(run.observation.ending, Ending::TimedOut { .. } | Ending::NotStarted { .. })
}

/// What cannot be measured here, with what the mechanism says of itself.
fn not_measured(run: &Run, what: &str) -> Verdict {
    let mechanism = &run.observation.mechanism;
    let gaps = if mechanism.gaps.is_empty() { String::new() } else { format!(": {}", mechanism.gaps.join("; ")) };
    skip(format!("{} does not tell {what} here{gaps}", mechanism.name))
}

fn cpu(observation: &Observation) -> Option<f64> {
    Some((observation.cpu_user? + observation.cpu_system?).as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "figures are compared with budgets that are far apart")]
fn number(count: u64) -> f64 {
    count as f64
}

fn memory(observation: &Observation) -> Option<f64> {
    observation.peak_memory.map(number)
}

/// Judges the cheapest run, because others may pay for what else the machine does.
fn cheapest(
    requirement: &Requirement,
    material: &Material<'_>,
    what: &str,
    cost: fn(&Observation) -> Option<f64>,
    shown: fn(f64) -> String,
) -> Option<Verdict> {
    let first = material.runs.first()?;
    // A run that was killed had taken that much already, which can be too much but never proves that it is not.
    let started = |run: &&Run| !matches!(run.observation.ending, Ending::NotStarted { .. });
    let begun: Vec<&Run> = material.runs.iter().filter(started).collect();
    if begun.is_empty() {
        return Some(skip("the hook does not start"));
    }
    let mut costs: Vec<(f64, &Run)> = begun.iter().filter_map(|run| Some((cost(&run.observation)?, *run))).collect();
    if costs.len() < begun.len() {
        return Some(not_measured(first, what));
    }
    costs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (least, run) = *costs.first()?;
    let most = budget(requirement, "most");
    Some(if least > most {
        let observed =
            format!("{what}: {} in the cheapest of {} runs, more than {}", shown(least), costs.len(), shown(most));
        Verdict::Fail(material.finding(run, observed))
    } else if begun.iter().any(|run| !has_ended(run)) {
        skip("the hook does not end by itself")
    } else {
        Verdict::Pass
    })
}

/// The largest process stays within the budget.
pub(super) fn peak_memory(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    cheapest(requirement, material, "peak memory", memory, mib)
}

/// The CPU time of the hook and of what it waits for stays within the budget.
pub(super) fn cpu_time(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    cheapest(requirement, material, "CPU time", cpu, seconds)
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / MIB)
}

fn seconds(value: f64) -> String {
    format!("{value:.3} s")
}

/// Memory grows with the document, and no faster.
pub(super) fn memory_growth(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    grows(requirement, material, "peak memory", memory, mib)
}

/// CPU time grows with the document, and no faster. Where nobody tells it, it is not judged: waiting may have many reasons.
pub(super) fn time_growth(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let verdict = grows(requirement, material, "CPU time", cpu, seconds)?;
    match verdict {
        Verdict::Skip { .. } => Some(used_up(requirement, material).unwrap_or(verdict)),
        _ => Some(verdict),
    }
}

/// A hook that ends with a small document and is cut off with a larger one, before enough of it was seen to draw a line.
/// It has failed if it was at work for most of its own time limit, which no busy machine explains; otherwise it is a doubt.
/// One that only waits, or takes no more than before, is no matter of growth.
fn used_up(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let sizes = &material.case.scenario.sizes;
    let place = material.runs.iter().take(sizes.len()).position(|run| !has_ended(run))?;
    let run = &material.runs[place];
    let before = &material.runs[place.checked_sub(1)?];
    let (used, used_before) = (cpu(&run.observation)?, cpu(&before.observation)?);
    let waited = run.observation.wall.as_secs_f64();
    let has_grown = used > budget(requirement, "floor") && used > used_before;
    if matches!(run.observation.ending, Ending::NotStarted { .. }) || !has_grown {
        return None;
    }
    let at_work = used >= waited * MOSTLY_AT_WORK;
    let observed = format!(
        "with {} the hook is still running after {} and {} of CPU time; with {} it took {}",
        quantity::shown(Limit::Memory, sizes[place] as u64),
        seconds(waited),
        seconds(used),
        quantity::shown(Limit::Memory, sizes[place - 1] as u64),
        seconds(used_before),
    );
    Some(match run.limit {
        TimeLimit::Platform if at_work => material.fail(run, observed, run.effect.evidence),
        TimeLimit::Platform => material.finding(run, observed).doubted("the machine was busy with other things"),
        TimeLimit::Baseline | TimeLimit::Suite => material.finding(run, observed).doubted(WAITS_NO_LONGER),
    })
}

fn grows(
    requirement: &Requirement,
    material: &Material<'_>,
    what: &str,
    cost: fn(&Observation) -> Option<f64>,
    shown: fn(f64) -> String,
) -> Option<Verdict> {
    let sizes = &material.case.scenario.sizes;
    // There is nothing larger after a run that did not end.
    let is_whole = material.runs.len() >= sizes.len() || material.runs.last().is_some_and(|run| !has_ended(run));
    if sizes.len() < 3 || !is_whole {
        return None;
    }
    let mut points: Vec<Point> = Vec::new();
    let mut unfinished = None;
    for (place, size) in sizes.iter().enumerate() {
        // The rounds have every size once, in the same order.
        let runs = || material.runs.iter().skip(place).step_by(sizes.len());
        if let Some(run) = runs().find(|run| cost(&run.observation).is_none()) {
            return Some(not_measured(run, what));
        }
        let costs = runs().filter_map(|run| cost(&run.observation));
        // The least of the rounds: what else the machine does only ever adds. What did not end had cost as much already.
        points.push(Point { size: number(*size as u64), cost: costs.fold(f64::INFINITY, f64::min) });
        if !runs().any(has_ended) {
            unfinished = Some((*size, runs().any(|run| matches!(run.observation.ending, Ending::NotStarted { .. }))));
            break;
        }
    }
    let bounds = Bounds {
        factor: budget(requirement, "factor"),
        floor_per_byte: budget(requirement, "floor-per-mib") / MIB,
        floor: budget(requirement, "floor"),
    };
    if is_worse_than_linear(&points, &bounds) {
        let at = |size: &usize| quantity::shown(Limit::Memory, *size as u64);
        let table: Vec<String> =
            points.iter().zip(sizes).map(|(point, size)| format!("{} at {}", shown(point.cost), at(size))).collect();
        let run = &material.runs[points.len() - 1];
        let observed = format!("{what} grows faster than the document: {}", table.join(", "));
        return Some(Verdict::Fail(material.finding(run, observed)));
    }
    Some(match unfinished {
        Some((_, true)) => skip("the hook does not start"),
        Some((size, false)) => {
            let size = quantity::shown(Limit::Memory, size as u64);
            skip(format!("the hook does not end within the suite's patience at {size}"))
        }
        None => Verdict::Pass,
    })
}

/// A percentile of the waiting is no more than a share of the time limit.
pub(super) fn latency(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let own = material.case.subject.timeout.unwrap_or_else(|| Duration::from_secs_f64(material.event.timeout_s.is));
    let most = own.as_secs_f64() * budget(requirement, "share");
    let overdue = |run: &Run| matches!(run.observation.ending, Ending::TimedOut { .. });
    if material.runs.iter().any(|run| matches!(run.observation.ending, Ending::NotStarted { .. })) {
        return Some(skip("the hook does not start"));
    }
    if most > material.patience.as_secs_f64() && material.runs.iter().any(overdue) {
        return Some(skip(format!("{} is beyond the suite's patience", seconds(most))));
    }
    let mut runs: Vec<&Run> = material.runs.iter().collect();
    runs.sort_by_key(|run| run.observation.wall);
    let run = runs[rank(runs.len(), budget(requirement, "percentile"))];
    let wall = run.observation.wall.as_secs_f64();
    if wall <= most {
        return Some(Verdict::Pass);
    }
    let share = 100.0 * wall / own.as_secs_f64();
    let observed = format!(
        "of {} runs the {:.0}th percentile took {}, {share:.0} % of the time limit of {} s",
        runs.len(),
        budget(requirement, "percentile"),
        seconds(wall),
        own.as_secs_f64(),
    );
    let (limit, enough) = (material.event.timeout_s.evidence, number(runs.len() as u64) >= budget(requirement, "runs"));
    let facts = if material.case.subject.timeout.is_some() { requirement.evidence } else { limit };
    Some(if enough {
        material.fail(run, observed, facts)
    } else {
        material.finding(run, observed).doubted("there was no time for the runs that would prove it")
    })
}

/// The place of a percentile among `count` sorted values, by the nearest rank.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is small and positive")]
fn rank(count: usize, percentile: f64) -> usize {
    let rank = (percentile / 100.0 * number(count as u64)).ceil() as usize;
    rank.clamp(1, count) - 1
}

/// Nothing is written outside of the folders that are there for it.
pub(super) fn written_elsewhere(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let run = material.runs.iter().find(|run| !run.written_elsewhere.is_empty());
    Some(match run {
        // Where a platform asks for a folder, the hook makes one where it sees fit.
        Some(run) if run.effect.result.is_some() => skip("the platform asks for a folder, and the hook has made one"),
        Some(run) => {
            let named: Vec<&str> = run.written_elsewhere.iter().take(5).map(String::as_str).collect();
            let further = match run.written_elsewhere.len().saturating_sub(named.len()) {
                0 => String::new(),
                further => format!(" and {further} more"),
            };
            let observed = format!(
                "written outside of the project, the home and the folders for temporary files and state: {}{further}",
                named.join(", ")
            );
            Verdict::Fail(material.finding(run, observed))
        }
        None => Verdict::Pass,
    })
}

/// Where the platform bounds no text for the model, the hook does.
pub(super) fn text_length(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() || material.contract.limits.text.is_some() {
        return None;
    }
    let most = budget(requirement, "most");
    let length = |run: &Run| -> f64 {
        run.effect.model_sees.iter().map(|text| number(text.encode_utf16().count() as u64)).sum()
    };
    let long = material.runs.iter().find(|run| run.effect.hook_status != HookStatus::Failed && length(run) > most);
    Some(match long {
        Some(run) => {
            let observed = format!("the model is given {:.0} UTF-16 units, more than {most:.0}", length(run));
            material.fail_by_effect(run, observed)
        }
        None => Verdict::Pass,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::rank;

    #[rstest]
    #[case(1, 50.0, 0)]
    #[case(3, 50.0, 1)]
    #[case(21, 50.0, 10)]
    #[case(3, 95.0, 2)]
    #[case(20, 95.0, 18)]
    #[case(21, 95.0, 19)]
    fn percentiles_are_of_the_nearest_rank(#[case] count: usize, #[case] percentile: f64, #[case] expected: usize) {
        assert_eq!(rank(count, percentile), expected);
    }
}
