//! Workers: cases in, judged cases out, in the order of the plan.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hookproof_harness::{Canceller, Ending, Harness, HarnessError};

use super::Run;
use super::config;
use super::confinement::Confinement;
use super::enough::Enough;
use super::launcher::Launcher;
use super::slots::Slots;
use super::together::Gathered;
use super::worker::{Outcome, Worker};
use super::{NotCopied, copied, telling, whole_event};
use crate::activity::{Activity, PayloadKind, Response};
use crate::contract::{Contract, Decision, Event};
use crate::judge::{Judgement, Material, Together, Verdict, judge_all};
use crate::plan::{Case, LeftOut};
use crate::report::{CaseFinished, ReportEvent, ReportedRun, RunStarted, Summary, Tally};
use crate::requirement::{Catalogue, Level};
use crate::subject::{ConfigNotice, Subject};

/// So many cases that mostly wait are run beside the others at the same time.
const MOST_WAITERS: usize = 4;

/// How a check is made.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Cases run at the same time.
    pub jobs: usize,
    /// What is shared with checks that run at the same time.
    pub slots: Option<Slots>,
    /// How long the suite waits for a hook at most.
    pub patience: Duration,
    /// The level from which a finding fails the run.
    pub level: Level,
    /// Whether nothing more is run after the first finding at or above the level.
    pub fail_fast: bool,
    /// Variables of the environment that the caller adds.
    pub environment: BTreeMap<OsString, OsString>,
    /// Launchers that the hooks are judged through.
    pub launchers: Vec<Launcher>,
    /// What the hooks may reach.
    pub confinement: Confinement,
    /// Payloads that no case is planned for because of a matcher: the summary reports them.
    pub left_out: Vec<LeftOut>,
}

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The harness failed.
    #[error("failed to set up the harness: {0}")]
    Harness(#[from] HarnessError),
    /// No thread could be started for the runs.
    #[error("failed to start a thread: {0}")]
    Thread(io::Error),
    /// A reporter failed.
    #[error("failed to write the report: {0}")]
    Report(#[from] io::Error),
    /// A run that comes before all cases could not be made.
    #[error("failed to run the hook: {0}")]
    Run(String),
}

/// Ends a check from another thread, killing what runs.
#[derive(Debug, Clone, Default)]
pub struct Interrupter {
    asked: Arc<AtomicBool>,
    running: Arc<AtomicUsize>,
    cancellers: Arc<Mutex<Vec<Canceller>>>,
}

impl Interrupter {
    /// Kills all running hooks and keeps new ones from starting.
    pub fn interrupt(&self) {
        self.asked.store(true, Ordering::SeqCst);
        for canceller in self.cancellers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            canceller.cancel();
        }
    }

    /// Whether there are runs to be ended. Before and after them nothing is lost if the program just ends, and whoever
    /// waits for a file or an answer has no other way out.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst) > 0
    }

    /// Runs begin, until the value is dropped.
    pub(crate) fn running(&self) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        Running(Arc::clone(&self.running))
    }

    /// Whether the check was interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn watch(&self, harness: &Harness) {
        let canceller = harness.canceller();
        if self.is_interrupted() {
            canceller.cancel();
        }
        self.cancellers.lock().unwrap_or_else(PoisonError::into_inner).push(canceller);
    }
}

/// Counts as runs that are under way.
pub(crate) struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Checks hooks against a contract.
pub struct Checker<'a> {
    /// The contract that is judged by.
    pub contract: &'a Contract,
    /// The rules.
    pub catalogue: &'a Catalogue,
    /// How.
    pub options: CheckOptions,
    /// Ends the check early.
    pub interrupter: Interrupter,
}

/// A case for a worker: its place in the plan, and how long the baseline took where patience follows it.
struct Task<'a> {
    index: usize,
    case: Case<'a>,
    baseline_wall: Option<Duration>,
}

/// The ways to those that work and to those that mostly wait.
struct Senders<'a> {
    working: mpsc::Sender<Task<'a>>,
    waiting: mpsc::Sender<Task<'a>>,
}

struct Done {
    index: usize,
    outcome: Outcome,
    wall: Duration,
}

/// What a case is compared with.
struct Compared<'r> {
    baseline: Option<&'r Run>,
    typical: Option<&'r Run>,
    together: Option<&'r Together>,
}

impl<'a> Checker<'a> {
    /// Runs and judges all cases; `on` gets every event of the report.
    ///
    /// # Errors
    /// [`CheckError`] if no harness can be set up or a reporter fails. Whatever a hook does is no error.
    pub fn check(
        &self,
        subjects: &[Subject],
        notices: &[ConfigNotice],
        cases: &[Case<'a>],
        mut on: impl FnMut(&ReportEvent) -> io::Result<()>,
    ) -> Result<Summary, CheckError> {
        let started = Instant::now();
        let _running = self.interrupter.running();
        on(&ReportEvent::RunStarted(RunStarted {
            hookproof: env!("CARGO_PKG_VERSION").to_owned(),
            subjects: subjects.iter().map(Subject::info).collect(),
            platform: self.contract.platform.id.clone(),
            platform_title: self.contract.platform.title.clone(),
            version: self.contract.version.to_string(),
            level: self.options.level,
            cases: cases.len(),
            jobs: self.options.jobs,
            launchers: self.options.launchers.clone(),
            not_copied: not_copied(subjects),
        }))?;
        let mut tally = Tally::new(cases.len() + usize::from(!notices.is_empty()));
        if let Some(event) = config::judged(self.contract, notices) {
            tally.add(&event);
            on(&ReportEvent::CaseFinished(Box::new(event)))?;
        }
        // The harnesses are made before any thread is started, while this process is small.
        let jobs = self.options.jobs.clamp(1, cases.len().max(1));
        // What mostly waits keeps no worker from its work.
        let waiting = cases.iter().filter(|case| case.scenario.mostly_waits()).count().min(MOST_WAITERS);
        let harnesses = (0..jobs + waiting).map(|_| Harness::new()).collect::<Result<Vec<_>, _>>()?;
        for harness in &harnesses {
            self.interrupter.watch(harness);
        }
        let (task_sender, task_receiver) = mpsc::channel::<Task<'a>>();
        let (waiting_sender, waiting_receiver) = mpsc::channel::<Task<'a>>();
        let (task_receiver, waiting_receiver) = (Mutex::new(task_receiver), Mutex::new(waiting_receiver));
        let (done_sender, done_receiver) = mpsc::channel::<Done>();
        let enough = Enough::default();
        let result = thread::scope(|scope| {
            let mut started = [0, 0];
            for (index, harness) in harnesses.into_iter().enumerate() {
                let done_sender = done_sender.clone();
                let works = index < jobs;
                let task_receiver = if works { &task_receiver } else { &waiting_receiver };
                let enough = &enough;
                let work = move || {
                    let mut worker = Worker::new(self, harness);
                    loop {
                        let task = task_receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(task) = task else { break };
                        let begun = Instant::now();
                        let outcome = if enough.of(&task.case) {
                            Ok(Vec::new())
                        } else {
                            let _slot = self.options.slots.as_ref().filter(|_| works).map(Slots::take);
                            worker.run(&task.case, task.baseline_wall)
                        };
                        enough.saw(&task.case, outcome.as_deref().unwrap_or_default());
                        if done_sender.send(Done { index: task.index, outcome, wall: begun.elapsed() }).is_err() {
                            break;
                        }
                    }
                };
                // Fewer workers than were asked for take longer; none at all would leave cases undone.
                let kind = usize::from(index >= jobs);
                match thread::Builder::new().spawn_scoped(scope, work) {
                    Ok(_) => started[kind] += 1,
                    Err(error) if started[kind] == 0 => {
                        // The workers that wait for a task end with this.
                        drop((task_sender, waiting_sender));
                        return Err(CheckError::Thread(error));
                    }
                    Err(_) => {}
                }
            }
            drop(done_sender);
            let senders = Senders { working: task_sender, waiting: waiting_sender };
            let result = self.drive(cases, &senders, &done_receiver, &enough, &mut tally, &mut on);
            drop(senders);
            result
        });
        let activity = result?;
        let mut summary = tally.summary().clone();
        summary.activity = activity;
        if !self.interrupter.is_interrupted() {
            summary.cut_short = enough.told();
        }
        summary.wall = started.elapsed();
        summary.interrupted = self.interrupter.is_interrupted();
        on(&ReportEvent::RunFinished(summary.clone()))?;
        Ok(summary)
    }

    /// Three stages, because later ones are compared with earlier ones: typical documents at the baseline, the others at
    /// the baseline, and all other scenarios, which are run with documents that the hook objects to where there are any.
    /// Within a stage cases are reported in the order of the plan. Before the last stage it is judged what each hook did at
    /// an event as a whole. The result is what the hooks did at the baseline.
    fn drive(
        &self,
        cases: &[Case<'a>],
        tasks: &Senders<'a>,
        done: &mpsc::Receiver<Done>,
        enough: &Enough,
        tally: &mut Tally,
        on: &mut impl FnMut(&ReportEvent) -> io::Result<()>,
    ) -> Result<Activity, CheckError> {
        let stage_of = |case: &Case<'_>| match (case.scenario.is_baseline(), case.payload.is("typical")) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
        let mut baselines = Baselines::new();
        let mut typical: HashMap<[String; 2], Run> = HashMap::new();
        let place = |case: &Case<'_>| [case.id.subject.clone(), case.id.event.clone()];
        let mut activity = Activity::default();
        let mut gathered = Gathered::default();
        let mut cases = cases.to_vec();
        for stage in 0..3 {
            if stage == 2 {
                let events = whole_event::group(&cases, &baselines);
                events.iter().for_each(|whole| enough.saw_all(whole));
                activity = self.activity(&events);
                // After an interrupt most of the baseline is missing.
                let judged = if self.interrupter.is_interrupted() {
                    Vec::new()
                } else {
                    whole_event::judged(self.contract, self.catalogue, &events, &activity)
                };
                for event in judged {
                    tally.plan_another();
                    tally.add(&event);
                    on(&ReportEvent::CaseFinished(Box::new(event)))?;
                }
                telling::put_in_place(&mut cases, &|case| baselines.get(&key(case)).is_some_and(objects));
            }
            let indices: Vec<usize> = (0..cases.len())
                .filter(|index| stage_of(&cases[*index]) == stage && !enough.of(&cases[*index]))
                .collect();
            gathered.plan(indices.iter().map(|index| &cases[*index]));
            for &index in &indices {
                // How long one takes that had to be killed is not known.
                let ended = |run: &&Run| !matches!(run.observation.ending, Ending::TimedOut { .. });
                let baseline_wall = baselines.get(&key(&cases[index])).filter(ended).map(|run| run.observation.wall);
                // The workers live as long as the channel, so that sending cannot fail.
                let case = cases[index].clone();
                let sender = if case.scenario.mostly_waits() { &tasks.waiting } else { &tasks.working };
                let _ = sender.send(Task { index, case, baseline_wall });
            }
            let mut waiting = indices.iter().copied().peekable();
            let mut finished: BTreeMap<usize, Done> = BTreeMap::new();
            for _ in &indices {
                let Ok(result) = done.recv() else { break };
                let case = &cases[result.index];
                if let Some(run) = result.outcome.as_ref().ok().and_then(|runs| runs.first())
                    && stage < 2
                {
                    baselines.insert(key(case), run.clone());
                    if stage == 0 {
                        typical.insert(place(case), run.clone());
                    }
                }
                finished.insert(result.index, result);
                while let Some(result) = waiting.peek().and_then(|next| finished.remove(next)) {
                    waiting.next();
                    let case = &cases[result.index];
                    let typical = typical.get(&[case.id.subject.clone(), case.id.event.clone()]);
                    let runs = result.outcome.as_ref().ok().map(Vec::as_slice);
                    let together = gathered.add(case, self.event(case), runs);
                    let compared =
                        Compared { baseline: baselines.get(&key(case)), typical, together: together.as_ref() };
                    if let Some(event) = self.judged(case, result, &compared) {
                        tally.add(&event);
                        if self.options.fail_fast && tally.worst() >= Some(self.options.level) {
                            enough.stop();
                        }
                        on(&ReportEvent::CaseFinished(Box::new(event)))?;
                    }
                }
            }
        }
        Ok(activity)
    }

    /// What the hooks did at the baseline.
    fn activity(&self, events: &[whole_event::WholeEvent<'_>]) -> Activity {
        let mut activity = Activity::default();
        for whole in events {
            let event = &self.contract.events[whole.event];
            for one in &whole.runs {
                let (kind, response) = (PayloadKind::of(one.payload), one.response(event));
                activity.add(whole.subject, event, kind, response);
                if (kind, response) == (PayloadKind::Harmless, Response::Blocked) {
                    activity.add_stopped(whole.subject, event, &one.payload.name);
                }
            }
        }
        for LeftOut { subject, event, kind, count } in &self.options.left_out {
            activity.add_not_run(subject, &self.contract.events[event], *kind, *count);
        }
        activity
    }

    /// The finished case as the report tells it; `None` if it was interrupted.
    fn judged(&self, case: &Case<'_>, done: Done, compared: &Compared<'_>) -> Option<CaseFinished> {
        let event = self.event(case);
        let (judgements, runs) = match done.outcome {
            Ok(runs) if runs.is_empty() => return None,
            Ok(runs) => {
                let material = Material {
                    contract: self.contract,
                    event,
                    case,
                    runs: &runs,
                    baseline: compared.baseline,
                    typical: compared.typical,
                    patience: self.options.patience,
                    together: compared.together,
                };
                (judge_all(self.catalogue, &material), runs)
            }
            Err(message) => {
                let verdict = Verdict::HarnessError { message };
                (vec![Judgement { requirement: "harness".to_owned(), level: Level::Must, verdict }], Vec::new())
            }
        };
        let kind = PayloadKind::of(case.payload);
        let harmful = kind.is_threat() && runs.iter().any(|run| !run.effect.stops_the_step());
        let runs = runs
            .into_iter()
            .map(|run| ReportedRun {
                observation: run.observation,
                effect: run.effect,
                step: run.step,
                further: run.further.map_or(0, |further| further.states.len()),
            })
            .collect();
        let (kind, unless_stopped) = (Some(kind), case.payload.unless_stopped());
        Some(CaseFinished { case: case.id.clone(), judgements, runs, wall: done.wall, harmful, kind, unless_stopped })
    }

    pub(super) fn event(&self, case: &Case<'_>) -> &'a Event {
        // Plans are made from the same contract.
        &self.contract.events[&case.id.event]
    }
}

/// What the copies of the subjects' projects do not have, each once.
fn not_copied(subjects: &[Subject]) -> Vec<NotCopied> {
    let mut all: Vec<NotCopied> = Vec::new();
    for plan in subjects.iter().filter_map(copied) {
        if !plan.not_copied.is_nothing() && !all.contains(&plan.not_copied) {
            all.push(plan.not_copied.clone());
        }
    }
    all
}

/// Whether the step is stopped, or somebody is asked.
fn objects(run: &Run) -> bool {
    run.effect.stops_the_step() || run.effect.decision == Some(Decision::Ask)
}

/// Baseline runs by subject, event and payload.
pub(super) type Baselines = HashMap<[String; 3], Run>;

/// Subject, event and payload.
pub(super) fn key(case: &Case<'_>) -> [String; 3] {
    [&case.id.subject, &case.id.event, &case.id.payload].map(String::clone)
}
