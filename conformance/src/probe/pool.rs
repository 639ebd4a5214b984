//! Runs under limits, of several limits at the same time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use hookproof_harness::{Band, Enforcement, Limit, LimitReport, Limits, Search};

use super::likeness::Likeness;
use super::{Found, Moment, Point, ProbeError, ProbeEvent, Prober, Wanted};
use crate::plan::{Patience, Scenario};
use crate::quantity;
use crate::run::{Run, Worker};
use crate::subject::Subject;

/// Pieces that a range is cut into beyond bisection, at most: the more, the more runs are needed in all.
const WIDEST: usize = 3;

/// One value to try.
struct Task {
    place: usize,
    value: u64,
    scenario: Scenario,
}

struct Done {
    place: usize,
    value: u64,
    outcome: Result<Vec<Run>, String>,
}

/// A limit that is being probed.
pub(super) struct Probe {
    limit: Limit,
    least: u64,
    most: u64,
    search: Search,
    report: Option<LimitReport>,
    points: Vec<Point>,
    waiting: usize,
    told: bool,
}

/// The scenario with one limit, and with patience that follows the run without it: a starved hook may hang.
pub(super) fn with_limit(plain: &Scenario, limit: Limit, value: u64) -> Scenario {
    Scenario { limits: Limits::none().with(limit, value), patience: Patience::Baseline, ..plain.clone() }
}

pub(super) fn report_of(run: &Run, limit: Limit) -> Option<LimitReport> {
    run.observation.limits.iter().find(|report| report.limit == limit).cloned()
}

impl Probe {
    pub(super) fn new(wanted: &Wanted, cpu: Option<Duration>, others: Option<u64>) -> Self {
        let (least, most) = wanted.range(cpu, others);
        let search = Search::new(wanted.limit, least, most);
        Probe { limit: wanted.limit, least, most, search, report: None, points: Vec::new(), waiting: 0, told: false }
    }

    /// What was found out.
    fn found(&mut self, others: Option<u64>, interrupted: bool) -> Found {
        let mut points = std::mem::take(&mut self.points);
        points.sort_by_key(|point| point.value);
        let (mechanism, not_enforced) = match self.report.as_ref().map(|report| &report.enforcement) {
            Some(Enforcement::Enforced { mechanism }) => (Some(mechanism.clone()), None),
            Some(Enforcement::NotEnforced { because }) => (None, Some(because.clone())),
            None => (None, None),
        };
        let floor = self.search.floor().filter(|_| not_enforced.is_none() && !interrupted);
        let bands = Band::of(points.iter().map(|point| (point.value, point.behaviour)));
        let already_used = others.filter(|_| self.limit == Limit::Processes);
        let above = |floor: u64| match already_used {
            // The others come and go; what the hook adds to them is what it needs.
            Some(others) => others + quantity::with_margin(self.limit, floor.saturating_sub(others)),
            None => quantity::with_margin(self.limit, floor),
        };
        Found {
            limit: self.limit,
            unit: self.limit.unit().to_owned(),
            least: self.least,
            most: self.most,
            mechanism,
            not_enforced,
            floor,
            advised: floor.map(above),
            already_used,
            worst: Band::worst_below(&bands, floor.unwrap_or(u64::MAX)).copied(),
            works_below: self.search.works_below(),
            bands,
            points,
            interrupted,
        }
    }
}

/// What all runs under limits share.
pub(super) struct Setting<'s, 'a> {
    pub(super) prober: &'s Prober<'a>,
    pub(super) subject: &'s Subject,
    pub(super) moment: Moment<'a>,
    pub(super) plain: &'s Scenario,
    pub(super) likeness: &'s Likeness,
    pub(super) wall: Duration,
}

impl Setting<'_, '_> {
    /// Runs all probes to their end.
    pub(super) fn run(
        &self,
        workers: Vec<Worker<'_, '_>>,
        probes: &mut [Probe],
        limits: &mut Vec<Found>,
        runs: &mut usize,
        others: Option<u64>,
        on: &mut impl FnMut(&ProbeEvent) -> std::io::Result<()>,
    ) -> Result<(), ProbeError> {
        // Workers that one limit alone cannot keep busy cut its range into more pieces.
        let width = (workers.len() / probes.len().max(1)).clamp(1, WIDEST);
        let (task_sender, task_receiver) = mpsc::channel::<Task>();
        let task_receiver = Mutex::new(task_receiver);
        let (done_sender, done_receiver) = mpsc::channel::<Done>();
        thread::scope(|scope| {
            let mut started = false;
            for mut worker in workers {
                let (done_sender, task_receiver) = (done_sender.clone(), &task_receiver);
                let work = move || {
                    loop {
                        let task = task_receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(Task { place, value, scenario }) = task else { break };
                        let case = self.prober.case(self.subject, self.moment, &scenario);
                        let outcome = worker.run(&case, Some(self.wall));
                        if done_sender.send(Done { place, value, outcome }).is_err() {
                            break;
                        }
                    }
                };
                match thread::Builder::new().spawn_scoped(scope, work) {
                    Ok(_) => started = true,
                    Err(error) if !started => {
                        drop(task_sender);
                        return Err(ProbeError::Run(format!("failed to start a thread: {error}")));
                    }
                    Err(_) => {}
                }
            }
            drop(done_sender);
            let mut result = Ok(());
            let mut fresh: VecDeque<usize> = (0..probes.len()).collect();
            loop {
                while let Some(place) = fresh.pop_front() {
                    let probe = &mut probes[place];
                    for value in probe.search.step(width) {
                        let scenario = with_limit(self.plain, probe.limit, value);
                        probe.waiting += 1;
                        // The workers live as long as the channel, so that sending cannot fail.
                        let _ = task_sender.send(Task { place, value, scenario });
                    }
                    if probe.waiting == 0 && !probe.told {
                        probe.told = true;
                        let found = probe.found(others, self.prober.interrupter.is_interrupted());
                        result = result.and(on(&ProbeEvent::LimitFinished(found.clone())).map_err(ProbeError::from));
                        limits.push(found);
                    }
                }
                if probes.iter().all(|probe| probe.waiting == 0) {
                    break;
                }
                let Ok(Done { place, value, outcome }) = done_receiver.recv() else { break };
                probes[place].waiting -= 1;
                match outcome {
                    Ok(seen) => {
                        *runs += seen.len();
                        let point = self.record(&mut probes[place], value, seen.first());
                        if let Some(point) = point {
                            let limit = probes[place].limit;
                            result =
                                result.and(on(&ProbeEvent::RunFinished { limit, point }).map_err(ProbeError::from));
                        }
                    }
                    Err(message) => result = result.and(Err(ProbeError::Run(message))),
                }
                if result.is_err() || self.prober.interrupter.is_interrupted() {
                    probes.iter_mut().for_each(|probe| probe.search.stop());
                }
                if probes[place].waiting == 0 {
                    fresh.push_back(place);
                }
            }
            drop(task_sender);
            limits.sort_by_key(|found| probes.iter().position(|probe| probe.limit == found.limit));
            result
        })
    }

    /// Takes note of one run. An interrupted one says nothing.
    fn record(&self, probe: &mut Probe, value: u64, run: Option<&Run>) -> Option<Point> {
        let run = run?;
        let report = report_of(run, probe.limit);
        let point = Point::of(self.prober.contract, self.moment.event, value, run, self.likeness);
        if report.as_ref().is_some_and(|report| !report.is_enforced()) {
            probe.search.stop();
        }
        // The first that was refused says more than a later one that was not.
        if probe.report.as_ref().is_none_or(LimitReport::is_enforced) && report.is_some() {
            probe.report = report;
        }
        probe.search.record(value, point.behaviour);
        probe.points.push(point.clone());
        Some(point)
    }
}
