//! Further runs in the same folders, where what the first ones have left seems to pile up.

use std::time::{Duration, Instant};

use hookproof_harness::{Ending, HarnessError, Observation};

use super::Run;
use super::state::{Grown, State};
use super::surroundings::Surroundings;
use super::worker::{Prepared, Worker};

use crate::plan::Case;

/// What is kept of further runs: a thousand of them with their streams would not fit into memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Further {
    /// What lay in the folders when each of them had ended.
    pub states: Vec<State>,
    /// Why there are fewer than the scenario has.
    pub cut_off: Option<CutOff>,
    /// Where there was more after the latest of them than before, and how many these are.
    pub grown: Vec<Grown>,
    /// See `grown`.
    pub latest: usize,
}

/// Why no more runs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// They have taken as long as they may.
    Time(Duration),
    /// As much lies in the folders as may lie there.
    Bytes(u64),
    /// One did not end by itself.
    Unended,
}

impl Worker<'_, '_> {
    /// Makes further runs with the command of `runs` and keeps what is known of them with the last of these. Returns
    /// whether nobody has interrupted it.
    pub(super) fn go_on(
        &mut self,
        case: &Case<'_>,
        surroundings: &Surroundings,
        prepared: &Prepared,
        runs: &mut [Run],
    ) -> Result<bool, String> {
        let Some(spec) = case.scenario.in_doubt else { return Ok(true) };
        let (begun, patience) = (Instant::now(), Duration::from_secs(spec.seconds));
        let mut further = Further::default();
        while further.cut_off.is_none()
            && let Some(stop) = spec.next(runs.len() + further.states.len())
            && self.in_doubt(case, runs)
        {
            let (before, made) = (surroundings.listing(), further.states.len());
            for _ in runs.len() + made..stop {
                if begun.elapsed() >= patience {
                    further.cut_off = Some(CutOff::Time(patience));
                    break;
                }
                let run = self.harness.run(&prepared.command);
                if let Ok(observation) = &run {
                    surroundings.seen(std::slice::from_ref(observation));
                }
                match run {
                    Ok(observation) if has_ended(&observation) => {}
                    Ok(_) => {
                        further.cut_off = Some(CutOff::Unended);
                        break;
                    }
                    Err(HarnessError::Cancelled) => return Ok(false),
                    Err(error) => return Err(error.to_string()),
                }
                let state = surroundings.state();
                further.states.push(state);
                if state.bytes >= spec.bytes {
                    further.cut_off = Some(CutOff::Bytes(state.bytes));
                    break;
                }
            }
            if further.states.len() > made {
                further.latest = further.states.len() - made;
                further.grown = before.grown_until(&surroundings.listing(), |path| surroundings.told(path));
            }
            if let Some(last) = runs.last_mut() {
                last.further = Some(further.clone());
            }
        }
        Ok(true)
    }
}

fn has_ended(observation: &Observation) -> bool {
    !matches!(observation.ending, Ending::TimedOut { .. } | Ending::NotStarted { .. })
}
