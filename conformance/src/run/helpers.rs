//! Further runs of a hook whose programs are broken: each program that it starts, one after the other, and one that is
//! missing in two ways.
//!
//! What the first run breaks is the first program that the hook starts. A hook that copes with it may still let
//! everything pass without the next one (`git` for a name, then `jq` for the command), which is looked at alone: with the
//! programs before it as they are.

use std::io;
use std::path::Path;
use std::time::Duration;

use hookproof_harness::{FaultDone, FaultReport, HookCommand};

use super::absent::Absent;
use super::document::{self, Folders};
use super::surroundings::Surroundings;
use super::worker::{Outcome, Worker};
use super::{Run, scratch, trouble};
use crate::plan::{Case, HelperFault, HelperSpec};

/// Programs that are broken besides the first one.
const FURTHER: usize = 3;

/// The program that was broken in a run, also where it has taken the place of the hook.
fn broken_program(run: &Run) -> Option<&FaultDone> {
    match &run.observation.watch.as_ref()?.fault {
        Some(FaultReport::Done(done)) => Some(done),
        _ => None,
    }
}

impl Worker<'_, '_> {
    /// The further runs of a case in which a program is broken; none where there is no need for them.
    pub(super) fn without_helpers(
        &mut self,
        case: &Case<'_>,
        baseline_wall: Option<Duration>,
        runs: &[Run],
    ) -> Outcome {
        let (Some(helper), Some(first)) = (&case.scenario.helper, runs.first()) else { return Ok(Vec::new()) };
        let mut left = helper.clone();
        let mut last = first.clone();
        let mut more: Vec<Run> = Vec::new();
        for number in 0..=FURTHER {
            let Some(done) = broken_program(&last).cloned() else { break };
            let mut unheard = last.effect.passes_unheard();
            if unheard && !done.of_the_hook {
                let absent = self.really_without(case, baseline_wall, helper, &done)?;
                unheard = absent.iter().all(|run| run.effect.passes_unheard());
                more.extend(absent.into_iter().map(|run| Run { helper: number, ..run }));
            }
            // That is a finding already, unless there was nothing left that could have judged.
            if (unheard && !done.of_the_hook) || number == FURTHER {
                break;
            }
            left.programs.retain(|pattern| !done.command_line.iter().any(|word| pattern.matches([word])));
            let next = self.once(case, baseline_wall, |command, _| Ok(command.watch(trouble::watch(&left))))?;
            let Some(next) = next.into_iter().next().filter(|run| broken_program(run).is_some()) else { break };
            last = Run { helper: number + 1, ..next };
            more.push(last.clone());
        }
        Ok(more)
    }

    /// Runs a hook that does badly because a program could not be started once more, with the program gone from its
    /// `PATH` as well; no run where a program is killed.
    fn really_without(
        &mut self,
        case: &Case<'_>,
        baseline_wall: Option<Duration>,
        helper: &HelperSpec,
        done: &FaultDone,
    ) -> Outcome {
        if helper.what != HelperFault::Missing {
            return Ok(Vec::new());
        }
        match Absent::among(&done.command_line, helper) {
            Some(absent) => self.once(case, baseline_wall, |command, scratch| absent.from(command, scratch)),
            None => Ok(Vec::new()),
        }
    }

    /// A run of the case in new folders, with a change of the command.
    fn once(
        &mut self,
        case: &Case<'_>,
        baseline_wall: Option<Duration>,
        change: impl FnOnce(HookCommand, &Path) -> io::Result<HookCommand>,
    ) -> Outcome {
        let fail = |error| format!("failed to make scratch folders: {error}");
        let contract = self.checker.contract;
        let surroundings =
            Surroundings::new(&self.shelf, contract, case.payload, case.scenario, case.subject).map_err(fail)?;
        let folders = Folders { home: &surroundings.home, project: &surroundings.project, cwd: &surroundings.cwd };
        let event = self.checker.event(case);
        let (mut given, _) = document::given(contract, event, case.payload, case.scenario, None, &folders);
        let mut prepared = self.prepare(case, &surroundings, baseline_wall, given.swap_remove(0));
        let scratch = scratch::folder().map_err(fail)?;
        prepared.command = change(prepared.command, scratch.path()).map_err(fail)?;
        self.observe(case, &surroundings, &prepared)
    }
}
