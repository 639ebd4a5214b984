//! Workers: cases in, judged cases out, in the order of the plan.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hookproof_harness::{Canceller, CaptureBounds, Ending, Harness, HarnessError, HookCommand, Invocation};

use super::config;
use super::document::{self, Folders};
use super::surroundings::Surroundings;
use super::{Run, effect, facts};
use crate::contract::{Contract, Event};
use crate::judge::{Judgement, Material, Verdict, judge_all};
use crate::oracle::Facts;
use crate::plan::{Case, Patience};
use crate::report::{CaseFinished, ReportEvent, ReportedRun, RunStarted, Summary, Tally};
use crate::requirement::{Catalogue, Level};
use crate::subject::{ConfigNotice, Origin, RunFolders, Subject};

/// Bytes kept of each stream of a run.
const CAPTURE: usize = 1024 * 1024;
/// The least that a hook is given where the suite's patience follows the baseline.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);
/// Time limits below this one are tried twice, so that a busy machine does not speak in the hook's name.
const SHORT_LIMIT: Duration = Duration::from_secs(5);

/// How a check is made.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Cases run at the same time.
    pub jobs: usize,
    /// How long the suite waits for a hook at most.
    pub patience: Duration,
    /// The level from which a finding fails the run.
    pub level: Level,
    /// Variables of the environment that the caller adds.
    pub environment: BTreeMap<OsString, OsString>,
}

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The harness failed.
    #[error("failed to set up the harness: {0}")]
    Harness(#[from] HarnessError),
    /// A reporter failed.
    #[error("failed to write the report: {0}")]
    Report(#[from] io::Error),
}

/// Ends a check from another thread, killing what runs.
#[derive(Debug, Clone, Default)]
pub struct Interrupter {
    asked: Arc<AtomicBool>,
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

    /// Whether the check was interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    fn watch(&self, harness: &Harness) {
        let canceller = harness.canceller();
        if self.is_interrupted() {
            canceller.cancel();
        }
        self.cancellers.lock().unwrap_or_else(PoisonError::into_inner).push(canceller);
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

/// The runs of a case, or why the harness failed.
type Outcome = Result<Vec<Run>, String>;

/// A case for a worker: its place in the plan, and how long the baseline took where patience follows it.
struct Task {
    index: usize,
    baseline_wall: Option<Duration>,
}

struct Done {
    index: usize,
    outcome: Outcome,
    wall: Duration,
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
        on(&ReportEvent::RunStarted(RunStarted {
            hookproof: env!("CARGO_PKG_VERSION").to_owned(),
            subjects: subjects.iter().map(Subject::info).collect(),
            platform: self.contract.platform.id.clone(),
            platform_title: self.contract.platform.title.clone(),
            version: self.contract.version.to_string(),
            level: self.options.level,
            cases: cases.len(),
            jobs: self.options.jobs,
        }))?;
        let mut tally = Tally::new(cases.len() + usize::from(!notices.is_empty()));
        if let Some(event) = config::judged(self.contract, notices) {
            tally.add(&event);
            on(&ReportEvent::CaseFinished(Box::new(event)))?;
        }
        // The harnesses are made before any thread is started, while this process is small.
        let jobs = self.options.jobs.clamp(1, cases.len().max(1));
        let harnesses = (0..jobs).map(|_| Harness::new()).collect::<Result<Vec<_>, _>>()?;
        for harness in &harnesses {
            self.interrupter.watch(harness);
        }
        let (task_sender, task_receiver) = mpsc::channel::<Task>();
        let task_receiver = Mutex::new(task_receiver);
        let (done_sender, done_receiver) = mpsc::channel::<Done>();
        let result = thread::scope(|scope| {
            for harness in harnesses {
                let done_sender = done_sender.clone();
                let task_receiver = &task_receiver;
                scope.spawn(move || {
                    let mut worker = Worker { checker: self, harness, helpers: Vec::new() };
                    loop {
                        let task = task_receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(task) = task else { break };
                        let begun = Instant::now();
                        let outcome = worker.run(&cases[task.index], task.baseline_wall);
                        if done_sender.send(Done { index: task.index, outcome, wall: begun.elapsed() }).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(done_sender);
            let result = self.drive(cases, &task_sender, &done_receiver, &mut tally, &mut on);
            drop(task_sender);
            result
        });
        result?;
        let mut summary = tally.summary().clone();
        summary.wall = started.elapsed();
        summary.interrupted = self.interrupter.is_interrupted();
        on(&ReportEvent::RunFinished(summary.clone()))?;
        Ok(summary)
    }

    /// The baseline first, because other scenarios are compared with it; then everything else.
    fn drive(
        &self,
        cases: &[Case<'a>],
        tasks: &mpsc::Sender<Task>,
        done: &mpsc::Receiver<Done>,
        tally: &mut Tally,
        on: &mut impl FnMut(&ReportEvent) -> io::Result<()>,
    ) -> Result<(), CheckError> {
        let (first, second): (Vec<usize>, Vec<usize>) =
            (0..cases.len()).partition(|index| cases[*index].scenario.is_baseline());
        let mut baselines: Baselines = HashMap::new();
        let mut finished: BTreeMap<usize, Done> = BTreeMap::new();
        for index in &first {
            let _ = tasks.send(Task { index: *index, baseline_wall: None });
        }
        for _ in &first {
            let Ok(result) = done.recv() else { break };
            if let Ok(runs) = &result.outcome
                && let Some(run) = runs.first()
            {
                baselines.insert(key(&cases[result.index]), run.clone());
            }
            finished.insert(result.index, result);
        }
        let typical: HashMap<(&str, &str), &Run> = first
            .iter()
            .filter(|index| cases[**index].payload.is("typical"))
            .filter_map(|index| {
                let id = &cases[*index].id;
                let run = baseline_of(&baselines, &cases[*index])?;
                Some(((id.subject.as_str(), id.event.as_str()), run))
            })
            .collect();
        let mut report = |result: Done| -> Result<(), CheckError> {
            let case = &cases[result.index];
            let typical = typical.get(&(case.id.subject.as_str(), case.id.event.as_str())).copied();
            if let Some(event) = self.judged(case, result, baseline_of(&baselines, case), typical) {
                tally.add(&event);
                on(&ReportEvent::CaseFinished(Box::new(event)))?;
            }
            Ok(())
        };
        for result in std::mem::take(&mut finished).into_values() {
            report(result)?;
        }
        for index in &second {
            let wall = baseline_of(&baselines, &cases[*index]).map(|run| run.observation.wall);
            let _ = tasks.send(Task { index: *index, baseline_wall: wall });
        }
        let mut waiting = second.iter().copied().peekable();
        for _ in &second {
            let Ok(result) = done.recv() else { break };
            finished.insert(result.index, result);
            while let Some(result) = waiting.peek().and_then(|next| finished.remove(next)) {
                waiting.next();
                report(result)?;
            }
        }
        Ok(())
    }

    /// The finished case as the report tells it; `None` if it was interrupted.
    fn judged(
        &self,
        case: &Case<'_>,
        done: Done,
        baseline: Option<&Run>,
        typical: Option<&Run>,
    ) -> Option<CaseFinished> {
        let event = self.event(case);
        let (judgements, runs) = match done.outcome {
            Ok(runs) if runs.is_empty() => return None,
            Ok(runs) => {
                let material = Material {
                    contract: self.contract,
                    event,
                    case,
                    runs: &runs,
                    baseline,
                    typical,
                    patience: self.options.patience,
                };
                (judge_all(self.catalogue, &material), runs)
            }
            Err(message) => {
                let verdict = Verdict::HarnessError { message };
                (vec![Judgement { requirement: "harness".to_owned(), level: Level::Must, verdict }], Vec::new())
            }
        };
        let runs =
            runs.into_iter().map(|run| ReportedRun { observation: run.observation, effect: run.effect }).collect();
        Some(CaseFinished { case: case.id.clone(), judgements, runs, wall: done.wall })
    }

    fn event(&self, case: &Case<'_>) -> &'a Event {
        // Plans are made from the same contract.
        &self.contract.events[&case.id.event]
    }
}

/// Baseline runs by subject, event and payload.
type Baselines = HashMap<[String; 3], Run>;

fn key(case: &Case<'_>) -> [String; 3] {
    [&case.id.subject, &case.id.event, &case.id.payload].map(String::clone)
}

/// The run of the same document at the baseline.
fn baseline_of<'m>(baselines: &'m Baselines, case: &Case<'_>) -> Option<&'m Run> {
    baselines.get(&key(case))
}

/// One thread with its harness, and further harnesses for runs at the same time.
struct Worker<'w, 'a> {
    checker: &'w Checker<'a>,
    harness: Harness,
    helpers: Vec<Harness>,
}

impl Worker<'_, '_> {
    /// Runs a case. An interrupted one has no runs.
    fn run(&mut self, case: &Case<'_>, baseline_wall: Option<Duration>) -> Outcome {
        if self.checker.interrupter.is_interrupted() {
            return Ok(Vec::new());
        }
        let fail = |error: &dyn std::fmt::Display| Err(error.to_string());
        let surroundings = match Surroundings::new(case.payload, case.scenario) {
            Ok(surroundings) => surroundings,
            Err(error) => return fail(&format!("failed to make scratch folders: {error}")),
        };
        let prepared = self.prepare(case, &surroundings, baseline_wall);
        let count = case.scenario.runs.max(1);
        let observed = if case.scenario.at_once && count > 1 {
            while self.helpers.len() < count {
                match Harness::new() {
                    Ok(harness) => {
                        self.checker.interrupter.watch(&harness);
                        self.helpers.push(harness);
                    }
                    Err(error) => return fail(&error),
                }
            }
            thread::scope(|scope| {
                let threads: Vec<_> = self.helpers[..count]
                    .iter_mut()
                    .map(|harness| scope.spawn(|| harness.run(&prepared.command)))
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or(Err(HarnessError::Cancelled)))
                    .collect::<Result<Vec<_>, _>>()
            })
        } else {
            (0..count).map(|_| self.harness.run(&prepared.command)).collect()
        };
        let mut observed = match observed {
            Ok(observed) => observed,
            Err(HarnessError::Cancelled) => return Ok(Vec::new()),
            Err(error) => return fail(&error),
        };
        let late = matches!(observed[0].ending, Ending::TimedOut { .. });
        if late && prepared.own_limit && prepared.command.deadline <= SHORT_LIMIT && count == 1 {
            match self.harness.run(&prepared.command) {
                Ok(second) => observed[0] = second,
                Err(HarnessError::Cancelled) => return Ok(Vec::new()),
                Err(error) => return fail(&error),
            }
        }
        let event = self.checker.event(case);
        let runs = observed.into_iter().map(|observation| {
            let facts: Facts<'_> = facts(self.checker.contract, &observation, case.payload, case.subject);
            let effect = effect(self.checker.contract, event, &facts);
            let result_exists = effect.result.as_ref().map(|path| surroundings.cwd.join(path).is_dir());
            Run {
                effect,
                observation,
                stdin: Arc::clone(&prepared.bytes),
                own_limit: prepared.own_limit,
                result_exists,
            }
        });
        Ok(runs.collect())
    }

    fn prepare(&self, case: &Case<'_>, surroundings: &Surroundings, baseline_wall: Option<Duration>) -> Prepared {
        let checker = self.checker;
        let event = checker.event(case);
        let folders = Folders { home: &surroundings.home, project: &surroundings.project, cwd: &surroundings.cwd };
        let bytes = document::bytes(checker.contract, case.payload, case.scenario, &folders);
        let own = case.subject.timeout.unwrap_or_else(|| Duration::from_secs_f64(event.timeout_s.is));
        let mut deadline = own.min(checker.options.patience);
        if case.scenario.patience == Patience::Baseline
            && let Some(wall) = baseline_wall
        {
            deadline = deadline.min((wall * 5 + Duration::from_secs(1)).max(LEAST_PATIENCE));
        }
        let placed = case.subject.placed(&RunFolders {
            project: surroundings.project.clone(),
            plugin_data: surroundings.plugin_data.clone(),
        });
        let invocation = invocation(&placed, &case.id.platform, &case.id.event);
        let environment =
            surroundings.environment(checker.contract, event, &placed, case.scenario, &checker.options.environment);
        let command = HookCommand::from_invocation(invocation)
            .environment(environment)
            .cwd(&surroundings.cwd)
            .stdin(document::stdin(case.scenario, &bytes))
            .deadline(deadline)
            .capture(CaptureBounds { stdout: CAPTURE, stderr: CAPTURE });
        Prepared { command, bytes: bytes.into(), own_limit: deadline == own }
    }
}

/// A command that is ready to run.
struct Prepared {
    command: HookCommand,
    bytes: Arc<[u8]>,
    own_limit: bool,
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
