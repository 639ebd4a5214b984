//! Stories: runs in the same folders, with faults in them and time passing in between.

mod age;
mod damage;
mod fault;
mod later;
mod passing;
mod shims;
mod stage;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hookproof_harness::{ClockShift, Harness, HarnessError, HookCommand, Observation};
use serde::{Deserialize, Serialize};

use self::passing::Passing;
use self::shims::Shims;
use self::stage::{Stage, Travel};
use super::absent::path_of;
use super::document::{self, Folders};
use super::scratch::Scratch;
use super::threads::{machine_failed, outcome_of};
use super::worker::{Outcome, Worker};
use super::{Run, facts, scratch};
use crate::oracle::interpret;
use crate::plan::{Case, Step};
use crate::subject::Heavy;

pub use fault::{FaultOutcome, FaultTold};

/// What is known of a run because it was part of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// The step.
    pub step: String,
    /// How often the run started something heavy; or why nobody knows.
    pub attempts: Result<u32, String>,
    /// What became of the fault that it was given, if it was given one.
    pub fault: Option<FaultTold>,
    /// For a run after the first fault of the story: how old what was left then seemed to be when the run had ended.
    pub age: Option<Duration>,
    /// Whether time was made to pass by the hook's clock, and not by the times of files.
    #[serde(default)]
    pub by_clock: bool,
    /// Files and folders that came with the step and had gone when it was over, besides those for temporary files.
    pub passed: Vec<String>,
    /// Files and folders that came with the step and stayed.
    pub left: Vec<String>,
    /// Why the story was not told any further, if this is its last run.
    pub ended_because: Option<String>,
}

impl StepRun {
    /// Whether the run is known to have started something heavy.
    #[must_use]
    pub fn attempted(&self) -> bool {
        matches!(self.attempts, Ok(1..))
    }

    /// Whether what was to go wrong in the run did.
    #[must_use]
    pub fn fault_done(&self) -> bool {
        self.fault.as_ref().is_some_and(|told| matches!(told.outcome, FaultOutcome::Done { .. }))
    }
}

/// Who sees what a hook starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eyes {
    /// The harness, as the system lets it.
    Harness,
    /// Programs in front of `PATH`.
    Shims,
}

impl Worker<'_, '_> {
    /// Tells the story of a case. It ends early, with the reason in its last run, where going on would prove nothing.
    pub(super) fn story(&mut self, case: &Case<'_>) -> Outcome {
        let Some(heavy) = &case.subject.heavy else { return Ok(Vec::new()) };
        let runs = self.tell(case, heavy, Eyes::Harness, Travel::Files)?;
        let blind = runs.iter().filter_map(|run| run.step.as_ref()).any(|step| step.attempts.is_err());
        // Shims are scripts.
        if blind && cfg!(unix) {
            return self.tell(case, heavy, Eyes::Shims, Travel::Files);
        }
        if blind || !later::is_in_question(case, &runs) {
            return Ok(runs);
        }
        let by_clock = self.tell(case, heavy, Eyes::Harness, Travel::Clock)?;
        Ok(later::with_those_by_clock(case, runs, by_clock))
    }

    fn tell(&mut self, case: &Case<'_>, heavy: &Heavy, eyes: Eyes, travel: Travel) -> Outcome {
        let mut stage = Stage::new(self, case, travel)?;
        let mut runs: Vec<Run> = Vec::new();
        for step in &case.scenario.step {
            if travel == Travel::Clock && !later::is_needed(step) {
                continue;
            }
            if step.fresh {
                stage = Stage::new(self, case, travel)?;
            }
            if let Some(age) = step.age {
                stage.grow_old(age, heavy);
            }
            if let Some(kind) = step.damage
                && let Err(because) = damage::damage(stage.surroundings.base(), &stage.left(), kind)
            {
                end(&mut runs, because);
                break;
            }
            let own = self.step(case, heavy, eyes, step, &mut stage)?;
            if own.is_empty() {
                return Ok(own);
            }
            let attempted = own.iter().filter_map(|run| run.step.as_ref()).any(StepRun::attempted);
            let unknown = own.iter().filter_map(|run| run.step.as_ref()).find_map(|run| run.attempts.clone().err());
            let unmoved = travel == Travel::Clock && !own.iter().all(later::has_moved_clock);
            runs.extend(own);
            if let Some(because) = unknown {
                end(&mut runs, because);
                break;
            }
            if unmoved {
                end(&mut runs, "the clock is not moved here".to_owned());
                break;
            }
            if step.must_attempt && !attempted {
                let commands: Vec<String> = heavy.commands.iter().map(|pattern| format!("`{pattern}`")).collect();
                end(&mut runs, format!("the hook starts nothing like {} here", commands.join(" or ")));
                break;
            }
        }
        Ok(runs)
    }

    /// The runs of one step.
    fn step(&mut self, case: &Case<'_>, heavy: &Heavy, eyes: Eyes, step: &Step, stage: &mut Stage) -> Outcome {
        let checker = self.checker;
        let event = checker.event(case);
        let surroundings = &stage.surroundings;
        let folders = Folders { home: &surroundings.home, project: &surroundings.project, cwd: &surroundings.cwd };
        let (mut given, _) = document::given(checker.contract, event, case.payload, case.scenario, None, &folders);
        let prepared = self.prepare(case, surroundings, None, given.swap_remove(0));
        let shims = match eyes {
            Eyes::Harness => Vec::new(),
            Eyes::Shims => shims(&prepared.command, heavy, step)
                .map_err(|error| format!("failed to put programs in front of PATH: {error}"))?,
        };
        let mut commands = commands(&prepared.command, heavy, step, &shims);
        if let Some(clock) = stage.clock() {
            // What is made at the same time looks old to others while the clock is moved, locks among it.
            commands.truncate(1);
            commands = commands.into_iter().map(|command| with_clock(command, clock)).collect();
        }
        let before = surroundings.listing();
        let passing = case.scenario.watch_state.then(|| Passing::watch(surroundings)).transpose();
        let passing = passing.map_err(|error| format!("failed to start a thread: {error}"))?;
        let observed = self.launch(&commands, step);
        let seen = passing.map(Passing::end).unwrap_or_default();
        let observed = match observed {
            Ok(observed) => with_reports(observed, &shims),
            Err(HarnessError::Cancelled) => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        surroundings.seen(&observed);
        if let Some(error) = observed.iter().find_map(machine_failed) {
            return Err(error);
        }
        let after = surroundings.listing();
        if step.fault.is_some() {
            stage.fault_happened();
        }
        let surroundings = &stage.surroundings;
        let written = before.written_until(&after);
        stage.stamp(&written);
        let left: BTreeSet<String> = written.into_iter().collect();
        let passed: Vec<String> = seen.into_iter().filter(|path| !left.contains(path) && !before.holds(path)).collect();
        let left: Vec<String> = left.into_iter().filter(|path| !surroundings.is_temporary(path)).collect();
        let age = stage.age();
        Ok(observed
            .into_iter()
            .map(|observation| {
                let effect = interpret(
                    checker.contract,
                    event,
                    &facts(checker.contract, &observation, case.payload, case.subject),
                );
                let told = StepRun {
                    step: step.name.clone(),
                    attempts: fault::attempts(observation.watch.as_ref()),
                    fault: step.fault.as_ref().map(|asked| FaultTold::of(asked, observation.watch.as_ref())),
                    age,
                    by_clock: stage.clock().is_some(),
                    passed: passed.clone(),
                    left: left.clone(),
                    ended_because: None,
                };
                Run {
                    effect,
                    observation,
                    stdin: Arc::clone(&prepared.bytes),
                    limit: prepared.limit,
                    result_exists: None,
                    written_elsewhere: Vec::new(),
                    state: None,
                    further: None,
                    step: Some(told),
                    launch_fault: None,
                    helper: 0,
                    connections: None,
                    lateness: None,
                    held_barely: false,
                }
            })
            .collect())
    }

    /// Runs the commands, as close together as the step asks.
    fn launch(&mut self, commands: &[HookCommand], step: &Step) -> Result<Vec<Observation>, HarnessError> {
        if commands.len() == 1 || !step.at_once {
            return commands.iter().map(|command| self.harness.run(command)).collect();
        }
        self.hire(commands.len())?;
        let stagger = Duration::from_millis(step.stagger_ms);
        thread::scope(|scope| {
            let threads: Vec<_> = self.helpers[..commands.len()]
                .iter_mut()
                .zip(commands)
                .zip(0_u32..)
                .map(|((harness, command), place): ((&mut Harness, &HookCommand), u32)| {
                    thread::Builder::new().spawn_scoped(scope, move || {
                        thread::sleep(stagger * place);
                        harness.run(command)
                    })
                })
                .collect();
            threads.into_iter().map(outcome_of).collect()
        })
    }
}

fn with_clock(mut command: HookCommand, clock: ClockShift) -> HookCommand {
    let watch = command.watch.take().unwrap_or_default();
    command.watch(watch.clock(clock))
}

/// Programs in front of `PATH` for each run of a step, in folders of their own outside of those of the run.
fn shims(command: &HookCommand, heavy: &Heavy, step: &Step) -> io::Result<Vec<(Scratch, Shims)>> {
    let path = path_of(command);
    (0..step.runs.max(1))
        .map(|_| {
            let folder = scratch::folder()?;
            let shims = Shims::make(folder.path(), &path, heavy, step.fault.as_ref())?;
            Ok((folder, shims))
        })
        .collect()
}

/// The command of each run of a step.
fn commands(command: &HookCommand, heavy: &Heavy, step: &Step, shims: &[(Scratch, Shims)]) -> Vec<HookCommand> {
    if shims.is_empty() {
        let watched = command.clone().watch(fault::watch(heavy, step.fault.as_ref()));
        return vec![watched; step.runs.max(1)];
    }
    let path = path_of(command);
    let with = |(folder, shims): &(Scratch, Shims)| {
        let mut command = command.clone().env("PATH", shims.in_front_of(&path));
        // They write down what they have seen, in the name of the hook.
        command.sandbox = command.sandbox.take().map(|sandbox| sandbox.writable(folder.path()));
        command
    };
    shims.iter().map(with).collect()
}

/// What the programs in front of `PATH` have seen takes the place of what the harness could not see.
fn with_reports(mut observed: Vec<Observation>, shims: &[(Scratch, Shims)]) -> Vec<Observation> {
    for (observation, (_, shims)) in observed.iter_mut().zip(shims) {
        observation.watch = Some(shims.report());
    }
    observed
}

fn end(runs: &mut [Run], because: String) {
    if let Some(step) = runs.last_mut().and_then(|run| run.step.as_mut()) {
        step.ended_because = Some(because);
    }
}
