//! Runs a hook without a limit, then under limits, several at the same time.

use std::time::Instant;

use hookproof_harness::{Ending, Enforcement, Harness, HarnessError, Limit, LimitReport};

use super::likeness::{self, Likeness};
use super::pool::{Probe, Setting, report_of, with_limit};
use super::users::processes_of_this_user;
use super::{Baseline, Closing, Moment, ProbeEvent, Probing, Wanted};
use crate::contract::Contract;
use crate::judge;
use crate::oracle::{HookStatus, tell};
use crate::plan::{Case, CaseId, Scenario, ScenarioError, Scenarios};
use crate::requirement::{Catalogue, CatalogueError};
use crate::run::{CheckOptions, Checker, Interrupter, Run, Worker};
use crate::subject::Subject;

/// Why a probe could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The harness failed.
    #[error("failed to set up the harness: {0}")]
    Harness(#[from] HarnessError),
    /// A run could not be made.
    #[error("failed to run the hook: {0}")]
    Run(String),
    /// A data file of the suite is broken.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A data file of the suite is broken.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A reporter failed.
    #[error("failed to write the report: {0}")]
    Report(#[from] std::io::Error),
}

/// Probes hooks on one platform.
pub struct Prober<'a> {
    /// The contract that is judged by.
    pub contract: &'a Contract,
    /// How. The level means nothing here.
    pub options: CheckOptions,
    /// Ends the probe early.
    pub interrupter: Interrupter,
}

impl<'a> Prober<'a> {
    /// Finds out what the hook needs, at the first of `moments` to which it has something to say. `on` gets every event
    /// as it happens.
    ///
    /// # Errors
    /// [`ProbeError`] if the harness or a reporter fails. Whatever a hook does is no error; `None` is returned if there
    /// is no moment.
    pub fn probe(
        &self,
        subject: &Subject,
        moments: &[Moment<'a>],
        wanted: &[Wanted],
        mut on: impl FnMut(&ProbeEvent) -> std::io::Result<()>,
    ) -> Result<Option<Probing>, ProbeError> {
        let started = Instant::now();
        let _running = self.interrupter.running();
        let checker = Checker {
            contract: self.contract,
            catalogue: Catalogue::built_in()?,
            options: self.options.clone(),
            interrupter: self.interrupter.clone(),
        };
        let Some(plain) = Scenarios::built_in()?.iter().find(|scenario| scenario.is_baseline()) else {
            return Ok(None);
        };
        // The harnesses are made before any thread is started, while this process is small.
        let jobs = self.options.jobs.max(1);
        let harnesses = (0..jobs).map(|_| Harness::new()).collect::<Result<Vec<_>, _>>()?;
        let mut workers: Vec<Worker<'_, '_>> = harnesses
            .into_iter()
            .map(|harness| {
                self.interrupter.watch(&harness);
                Worker::new(&checker, harness)
            })
            .collect();
        let mut runs = 0;
        let mut closing = Closing::default();
        let Some((moment, first)) = choose(self, &mut workers[0], subject, moments, plain, &mut runs)? else {
            return Ok(None);
        };
        let mut once = |scenario: &Scenario| {
            runs += 1;
            workers[0].run(&self.case(subject, moment, scenario), None).map_err(ProbeError::Run)
        };
        // Interrupted runs are no runs.
        let second = once(plain)?.into_iter().next();
        let (likeness, baseline) = self.baseline(subject, moment, &first, second.as_ref());
        on(&ProbeEvent::ProbeStarted(baseline.clone()))?;
        let mut limits = Vec::new();
        if baseline.does_not_work.is_none() && !self.interrupter.is_interrupted() {
            let mut wanted = wanted.to_vec();
            if let Some(memory) = real_memory(&wanted) {
                let trial = with_limit(plain, Limit::Memory, memory.range(None, None).1);
                let report = once(&trial)?.first().and_then(|run| report_of(run, Limit::Memory));
                match held_by_the_system(report.as_ref()) {
                    Ok(()) => wanted.push(memory),
                    Err(note) => closing.notes.push(note),
                }
            }
            // The threads of the workers are still to come.
            let others = processes_of_this_user().map(|others| others + workers.len() as u64);
            let mut probes: Vec<Probe> = wanted.iter().map(|wanted| Probe::new(wanted, baseline.cpu, others)).collect();
            let setting = Setting { prober: self, subject, moment, plain, likeness: &likeness, wall: baseline.wall };
            setting.run(workers, &mut probes, &mut limits, &mut runs, others, &mut on)?;
        }
        closing.runs = runs;
        closing.wall = started.elapsed();
        closing.interrupted = self.interrupter.is_interrupted();
        on(&ProbeEvent::ProbeFinished(closing.clone()))?;
        Ok(Some(Probing { baseline, limits, closing }))
    }

    pub(super) fn case<'c>(&self, subject: &'c Subject, moment: Moment<'c>, scenario: &'c Scenario) -> Case<'c> {
        let id = CaseId {
            subject: subject.name.clone(),
            platform: self.contract.platform.id.clone(),
            version: self.contract.version.to_string(),
            event: moment.event.name.clone(),
            payload: moment.payload.name.clone(),
            scenario: scenario.id.clone(),
        };
        Case { id, subject, payload: moment.payload, scenario }
    }

    /// What two runs without a limit show.
    fn baseline(
        &self,
        subject: &Subject,
        moment: Moment<'_>,
        first: &Run,
        second: Option<&Run>,
    ) -> (Likeness, Baseline) {
        let (likeness, unsteady) = match second {
            Some(second) => Likeness::of(first).agreed(&Likeness::of(second)),
            None => (Likeness::of(first), Vec::new()),
        };
        let observation = &first.observation;
        let wall = second.map_or(observation.wall, |second| observation.wall.max(second.observation.wall));
        let contract = self.contract;
        let baseline = Baseline {
            hookproof: env!("CARGO_PKG_VERSION").to_owned(),
            hook: subject.display.clone(),
            platform: contract.platform.id.clone(),
            platform_title: contract.platform.title.clone(),
            version: contract.version.to_string(),
            event: moment.event.name.clone(),
            payload: moment.payload.name.clone(),
            ending: judge::ending(first),
            told: tell(contract, moment.event, &first.effect),
            wall,
            cpu: observation.cpu_user.zip(observation.cpu_system).map(|(user, system)| user + system),
            peak_memory: observation.peak_memory,
            does_not_work: does_not_work(first).or_else(|| {
                let two_ways = || format!("two runs differ in {}", unsteady.join(" and "));
                (!likeness.is_enough()).then(two_ways)
            }),
            speaks: likeness::speaks(first),
            unsteady: unsteady.iter().map(|name| (*name).to_owned()).collect(),
        };
        (likeness, baseline)
    }
}

/// The first moment to which the hook has something to say, with its run; the last if there is none. `None` if there is
/// no moment, or the probe was interrupted.
fn choose<'a>(
    prober: &Prober<'a>,
    worker: &mut Worker<'_, '_>,
    subject: &Subject,
    moments: &[Moment<'a>],
    plain: &Scenario,
    runs: &mut usize,
) -> Result<Option<(Moment<'a>, Run)>, ProbeError> {
    let mut last = None;
    for &moment in moments {
        let outcome = worker.run(&prober.case(subject, moment, plain), None).map_err(ProbeError::Run)?;
        *runs += outcome.len();
        let Some(run) = outcome.into_iter().next() else { break };
        let telling = likeness::speaks(&run) || does_not_work(&run).is_some();
        last = Some((moment, run));
        if telling {
            break;
        }
    }
    Ok(last)
}

/// Why a run does not show a hook that works, if so.
fn does_not_work(run: &Run) -> Option<String> {
    let failed = matches!(run.effect.hook_status, HookStatus::Failed | HookStatus::Cancelled)
        || !matches!(run.observation.ending, Ending::Exited { .. });
    failed.then(|| judge::ending(run))
}

/// Real memory goes with address space, where nobody said how much of that there is.
fn real_memory(wanted: &[Wanted]) -> Option<Wanted> {
    let asked = wanted.contains(&Wanted { limit: Limit::AddressSpace, most: None });
    let already = wanted.iter().any(|wanted| wanted.limit == Limit::Memory);
    (asked && !already).then_some(Wanted { limit: Limit::Memory, most: None })
}

/// Whether the system itself holds the tree to its real memory; if not, why it was left out.
fn held_by_the_system(report: Option<&LimitReport>) -> Result<(), String> {
    let why = match report.map(|report| &report.enforcement) {
        Some(Enforcement::Enforced { mechanism }) if !mechanism.starts_with("watched") => return Ok(()),
        Some(Enforcement::Enforced { mechanism }) => {
            format!("it would be {mechanism}; --real-memory probes it all the same")
        }
        Some(Enforcement::NotEnforced { because }) => format!("it is not enforced here, because {because}"),
        None => "the hook was not started with it".to_owned(),
    };
    Err(format!("real memory was not probed: {why}"))
}
