//! One worker: runs a case, and says nothing of what it is worth.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hookproof_harness::{CaptureBounds, Ending, Harness, HarnessError, HookCommand, Invocation, Observation};

use super::copies::Copies;
use super::document::{self, Folders, Given};
use super::pool::Checker;
use super::service::Service;
use super::surroundings::Surroundings;
use super::threads::{machine_failed, outcome_of};
use super::tree::Shelf;
use super::{Lateness, Run, TimeLimit, facts, scratch, trouble};
use crate::judge::{self, Material};
use crate::launcher::{LaunchFault, Stand};
use crate::oracle::{Facts, interpret};
use crate::plan::{Case, Patience};
use crate::subject::{Origin, RunFolders, Subject};

/// Bytes kept of each stream of a run.
const CAPTURE: usize = 1024 * 1024;
/// The least that a hook is given where the suite's patience follows the baseline.
const LEAST_PATIENCE: Duration = Duration::from_secs(4);
/// How much longer than the platform a second run waits, beside half of the limit.
const MARGIN: Duration = Duration::from_millis(500);
/// The share of the limit for which a hook was at work itself, from which on no second run is needed.
const AT_WORK: f64 = 0.9;

/// How long doubts are followed up by further runs, at most.
const DOUBT: Duration = Duration::from_secs(10);

/// The runs of a case, or why the harness failed.
pub(crate) type Outcome = Result<Vec<Run>, String>;

/// One thread with its harness, and further harnesses for runs at the same time.
pub(crate) struct Worker<'w, 'a> {
    pub(super) checker: &'w Checker<'a>,
    pub(super) harness: Harness,
    pub(super) helpers: Vec<Harness>,
    /// Directories for its runs.
    pub(super) shelf: Shelf,
}

impl<'w, 'a> Worker<'w, 'a> {
    pub(crate) fn new(checker: &'w Checker<'a>, harness: Harness) -> Self {
        Worker { checker, harness, helpers: Vec::new(), shelf: Shelf::default() }
    }

    /// Runs a case, again where a doubt is to be cleared up. An interrupted one has no runs.
    pub(crate) fn run(&mut self, case: &Case<'_>, baseline_wall: Option<Duration>) -> Outcome {
        let mut runs = self.round(case, baseline_wall)?;
        let begun = Instant::now();
        for _ in 1..case.scenario.rounds {
            // A round that was cut short has no run for some sizes, and none may follow in their place.
            let cut_short = !case.scenario.sizes.is_empty() && !runs.len().is_multiple_of(case.scenario.sizes.len());
            if runs.is_empty() || cut_short || begun.elapsed() > DOUBT || !self.in_doubt(case, &runs) {
                break;
            }
            let more = self.round(case, baseline_wall)?;
            if more.is_empty() {
                return Ok(more);
            }
            runs.extend(more);
        }
        Ok(runs)
    }

    /// Whether a requirement that wants more runs before it accuses anybody would fail.
    pub(super) fn in_doubt(&self, case: &Case<'_>, runs: &[Run]) -> bool {
        let checker = self.checker;
        let material = Material {
            contract: checker.contract,
            event: checker.event(case),
            case,
            runs,
            baseline: None,
            typical: None,
            patience: checker.options.patience,
            together: None,
        };
        judge::in_doubt(checker.catalogue, &material)
    }

    fn round(&mut self, case: &Case<'_>, baseline_wall: Option<Duration>) -> Outcome {
        if self.checker.interrupter.is_interrupted() {
            return Ok(Vec::new());
        }
        if case.scenario.is_story() {
            return self.story(case);
        }
        let contract = self.checker.contract;
        let event = self.checker.event(case);
        let sizes = &case.scenario.sizes;
        let (mut runs, mut index, mut total): (Vec<Run>, usize, usize) = (Vec::new(), 0, 1);
        while index < total {
            // Runs that are given different things know nothing of each other.
            let surroundings = Surroundings::new(&self.shelf, contract, case.payload, case.scenario, case.subject)
                .map_err(|error| format!("failed to make scratch folders: {error}"))?;
            let folders = Folders { home: &surroundings.home, project: &surroundings.project, cwd: &surroundings.cwd };
            let size = sizes.get(index).copied();
            let (mut given, needed) = document::given(contract, event, case.payload, case.scenario, size, &folders);
            total = if size.is_some() { sizes.len() } else { given.len() };
            // Places are only told apart where all of them together make a difference.
            if size.is_none() && index > 0 && index == needed && !judge::is_worth_telling_apart(case.scenario, &runs) {
                break;
            }
            let prepared = self.prepare(
                case,
                &surroundings,
                baseline_wall,
                given.swap_remove(if size.is_some() { 0 } else { index }),
            );
            let mut own = self.observe(case, &surroundings, &prepared)?;
            if own.is_empty() || !self.go_on(case, &surroundings, &prepared, &mut own)? {
                return Ok(Vec::new());
            }
            // Whoever does not come to an end with this much does not with more.
            let unended = own.iter().any(|run| matches!(run.observation.ending, Ending::TimedOut { .. }));
            runs.extend(own);
            index += 1;
            if size.is_some() && unended {
                break;
            }
        }
        if case.scenario.is_baseline() {
            let fault = self.launch_fault(case, baseline_wall, &runs)?;
            runs.iter_mut().for_each(|run| run.launch_fault.clone_from(&fault));
        }
        runs.extend(self.without_helpers(case, baseline_wall, &runs)?);
        // What a finding needs may be what is missing.
        Ok(if self.checker.interrupter.is_interrupted() { Vec::new() } else { runs })
    }

    /// Why the hook did not start, if it did not. What a shell or an interpreter seems to say of itself is only believed if
    /// an empty stdin makes no difference.
    fn launch_fault(
        &mut self,
        case: &Case<'_>,
        baseline_wall: Option<Duration>,
        runs: &[Run],
    ) -> Result<Option<LaunchFault>, String> {
        let Some(run) = runs.first() else { return Ok(None) };
        if !LaunchFault::is_possible(&case.subject.invocation, &run.observation) {
            return Ok(None);
        }
        let contract = self.checker.contract;
        let surroundings = Surroundings::new(&self.shelf, contract, case.payload, case.scenario, case.subject)
            .map_err(|error| format!("failed to make scratch folders: {error}"))?;
        let stand = Stand { cwd: &surroundings.cwd, home: &surroundings.home, project: &surroundings.project };
        let placed = case.subject.placed(&RunFolders {
            project: surroundings.project.clone(),
            plugin_data: surroundings.plugin_data.clone(),
        });
        let invocation = invocation(&placed, &case.id.platform, &case.id.event);
        if LaunchFault::of(contract, case.subject, &invocation, &run.observation, stand).is_none() {
            return Ok(None);
        }
        let nothing = Given { bytes: Vec::new(), environment: BTreeMap::new() };
        let prepared = self.prepare(case, &surroundings, baseline_wall, nothing);
        let again = self.observe(case, &surroundings, &prepared)?;
        let text = |run: &Run| scratch::without_name(&String::from_utf8_lossy(&run.observation.stderr.bytes));
        let alike = |other: &&Run| other.observation.ending == run.observation.ending && text(other) == text(run);
        // Paths in its words are those of the directories that it was run in.
        let fault = again
            .first()
            .filter(alike)
            .and_then(|again| LaunchFault::of(contract, case.subject, &invocation, &again.observation, stand));
        Ok(fault.map(|fault| LaunchFault { observed: scratch::without_name(&fault.observed), ..fault }))
    }

    /// Has harnesses for so many runs at the same time.
    pub(super) fn hire(&mut self, count: usize) -> Result<(), HarnessError> {
        while self.helpers.len() < count {
            let harness = Harness::new()?;
            self.checker.interrupter.watch(&harness);
            self.helpers.push(harness);
        }
        Ok(())
    }

    /// The runs of one command.
    pub(super) fn observe(&mut self, case: &Case<'_>, surroundings: &Surroundings, prepared: &Prepared) -> Outcome {
        let fail = |error: &dyn std::fmt::Display| Err(error.to_string());
        let count = case.scenario.runs.max(1);
        let service = match (case.scenario.worker, &case.subject.worker) {
            (Some(fault), Some(told)) => match Service::start(fault) {
                Ok(service) => Some((service, told)),
                Err(error) => return fail(&format!("failed to put a service on a port: {error}")),
            },
            _ => None,
        };
        let command = match &service {
            Some((service, told)) => prepared.command.clone().env(&told.variable, told.form.of(service.address())),
            None => prepared.command.clone(),
        };
        let before = surroundings.elsewhere();
        let mut states = Vec::new();
        let observed = if case.scenario.at_once && count > 1 {
            if let Err(error) = self.hire(count) {
                return fail(&error);
            }
            thread::scope(|scope| {
                let command = &command;
                let threads: Vec<_> = self.helpers[..count]
                    .iter_mut()
                    .map(|harness| thread::Builder::new().spawn_scoped(scope, move || harness.run(command)))
                    .collect();
                threads.into_iter().map(outcome_of).collect::<Result<Vec<_>, _>>()
            })
        } else {
            let watched = case.scenario.watch_state;
            let mut run = || {
                let observation = self.harness.run(&command);
                states.push(watched.then(|| surroundings.state()));
                observation
            };
            (0..count).map(|_| run()).collect()
        };
        let mut observed = match observed {
            Ok(observed) => observed,
            Err(HarnessError::Cancelled) => return Ok(Vec::new()),
            Err(error) => return fail(&error),
        };
        surroundings.seen(&observed);
        if let Some(error) = observed.iter().find_map(machine_failed) {
            return Err(error);
        }
        let (mut lateness, mut held_barely) = (None, false);
        if count == 1 && prepared.may_repeat {
            let again = self.look_again(&command, prepared.limit, &mut observed[0]);
            (lateness, held_barely) = match again {
                Ok(found) => found,
                Err(HarnessError::Cancelled) => return Ok(Vec::new()),
                Err(error) => return fail(&error),
            };
            surroundings.seen(&observed);
        }
        let event = self.checker.event(case);
        let written_elsewhere = before.written_until(&surroundings.elsewhere());
        let connections = service.as_ref().and_then(|(service, _)| service.connections());
        let runs = observed.into_iter().enumerate().map(|(index, observation)| {
            let facts: Facts<'_> = facts(self.checker.contract, &observation, case.payload, case.subject);
            let effect = interpret(self.checker.contract, event, &facts);
            let result_exists = effect.result.as_ref().map(|path| surroundings.cwd.join(path).is_dir());
            Run {
                effect,
                observation,
                stdin: Arc::clone(&prepared.bytes),
                limit: prepared.limit,
                lateness,
                held_barely,
                result_exists,
                written_elsewhere: written_elsewhere.clone(),
                state: states.get(index).copied().flatten(),
                further: None,
                step: None,
                launch_fault: None,
                helper: 0,
                connections,
            }
        });
        Ok(runs.collect())
    }

    /// Repeats a run that ended at one of the platform's times, with a margin, so that a busy machine does not speak in the
    /// hook's name. One that ends in time takes the place of the first.
    fn look_again(
        &self,
        command: &HookCommand,
        limit: TimeLimit,
        first: &mut Observation,
    ) -> Result<(Option<Lateness>, bool), HarnessError> {
        if matches!(first.ending, Ending::TimedOut { .. }) && limit == TimeLimit::Platform {
            let own = command.deadline;
            let at_work = first.cpu_user.unwrap_or_default() + first.cpu_system.unwrap_or_default();
            if at_work >= own.mul_f64(AT_WORK) {
                return Ok((Some(Lateness::Clear), false));
            }
            let second = self.harness.run(&command.clone().deadline(own + own / 2 + MARGIN))?;
            if matches!(second.ending, Ending::TimedOut { .. }) {
                return Ok((Some(Lateness::Clear), false));
            }
            if second.wall > own {
                return Ok((Some(Lateness::Near(second.wall)), false));
            }
            *first = second;
        }
        // Whoever holds stdout matters to an answer only.
        if first.leaks.stdout_held && first.stdout.total > 0 {
            let second = self.harness.run(&command.clone().leak_grace(command.leak_grace * 2))?;
            return Ok((None, !second.leaks.stdout_held));
        }
        Ok((None, false))
    }

    pub(super) fn prepare(
        &self,
        case: &Case<'_>,
        surroundings: &Surroundings,
        baseline_wall: Option<Duration>,
        given: Given,
    ) -> Prepared {
        let checker = self.checker;
        let event = checker.event(case);
        let Given { bytes, environment } = given;
        let own = case.subject.timeout.unwrap_or_else(|| Duration::from_secs_f64(event.timeout_s.is));
        // Heavy work takes its time, in every scenario: each begins in new folders.
        let heavy = case.subject.heavy.as_ref();
        let patience = heavy.map_or(Duration::ZERO, |heavy| heavy.patience).max(checker.options.patience);
        let by_baseline = baseline_wall.filter(|_| case.scenario.patience == Patience::Baseline);
        let (deadline, limit) = time_limit(own, patience, by_baseline);
        let placed = case.subject.placed(&RunFolders {
            project: surroundings.project.clone(),
            plugin_data: surroundings.plugin_data.clone(),
        });
        let invocation = invocation(&placed, &case.id.platform, &case.id.event);
        let environment = surroundings.environment(
            checker.contract,
            event,
            &placed,
            case.scenario,
            &environment,
            &checker.options.environment,
        );
        let mut command = HookCommand::from_invocation(invocation)
            .environment(environment)
            .cwd(&surroundings.cwd)
            .stdin(document::stdin(case.scenario, &bytes))
            .limits(case.scenario.limits.clone())
            .deadline(deadline)
            .leak_grace(Duration::from_millis(checker.contract.process.pipe_grace_ms))
            .capture(CaptureBounds { stdout: CAPTURE, stderr: CAPTURE });
        // The steps of a story share what they write, which copies would not be.
        let copies = (!case.scenario.is_story()).then(|| Copies::beside(surroundings.base()));
        let elsewhere = copies.as_ref().map(Copies::directory);
        command.sandbox = checker.options.confinement.sandbox(surroundings.base(), elsewhere);
        let command = trouble::befall(command, case.scenario, surroundings);
        // Where the baseline does not end in time either, nothing is compared with it.
        let may_repeat = case.scenario.is_baseline() || baseline_wall.is_some();
        Prepared { command, bytes: bytes.into(), limit, may_repeat, _copies: copies }
    }
}

/// How long a run may take, and who says so. With the time that the baseline took, what takes several times as long is
/// known to hang, whoever waits; a hook that is slow already must not be taken for one.
fn time_limit(own: Duration, patience: Duration, baseline: Option<Duration>) -> (Duration, TimeLimit) {
    let (most, by) = match baseline {
        Some(wall) => {
            let enough = (wall * 5 + Duration::from_secs(1)).max(LEAST_PATIENCE);
            (enough.min(patience.max(wall * 3)), TimeLimit::Baseline)
        }
        None => (patience, TimeLimit::Suite),
    };
    if own <= most { (own, TimeLimit::Platform) } else { (most, by) }
}

/// A command that is ready to run.
pub(super) struct Prepared {
    pub(super) command: HookCommand,
    pub(super) bytes: Arc<[u8]>,
    pub(super) limit: TimeLimit,
    /// They are needed as long as the command is.
    _copies: Option<Copies>,
    /// Whether a run that ended at one of the platform's times is made again.
    may_repeat: bool,
}

/// The invocation for a case: `{event}` and `{platform}` filled in where a person typed the command, the folders of the
/// run where a configuration names them.
fn invocation(subject: &Subject, platform: &str, event: &str) -> Invocation {
    if matches!(subject.origin, Origin::Config { .. }) {
        return subject.invocation.clone();
    }
    let fill = |text: &OsString| -> OsString {
        match text.to_str() {
            Some(text) => text.replace("{event}", event).replace("{platform}", platform).into(),
            None => text.clone(),
        }
    };
    match &subject.invocation {
        Invocation::Program { program, args } => {
            Invocation::Program { program: program.clone(), args: args.iter().map(fill).collect() }
        }
        Invocation::Shell { shell, line } => Invocation::Shell { shell: shell.clone(), line: fill(line) },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_platform_waits_less(5, None, 5, TimeLimit::Platform)]
    #[case::the_suite_waits_less(60, None, 10, TimeLimit::Suite)]
    #[case::a_fast_hook_hangs_soon(60, Some(0), 4, TimeLimit::Baseline)]
    #[case::a_hook_of_a_second(60, Some(1), 6, TimeLimit::Baseline)]
    #[case::never_longer_than_the_suite_waits(60, Some(3), 10, TimeLimit::Baseline)]
    #[case::unless_the_hook_is_slow(60, Some(9), 27, TimeLimit::Baseline)]
    #[case::and_the_platform_does_not_wait_so_long(20, Some(9), 20, TimeLimit::Platform)]
    fn a_run_may_take(#[case] own: u64, #[case] baseline: Option<u64>, #[case] most: u64, #[case] by: TimeLimit) {
        let seconds = Duration::from_secs;
        assert_eq!(time_limit(seconds(own), seconds(10), baseline.map(seconds)), (seconds(most), by));
    }
}
