//! Running cases: documents, surroundings, and workers.

mod absent;
mod config;
mod confinement;
mod copies;
mod document;
mod enough;
mod first_answers;
mod further;
mod helpers;
mod launcher;
mod mark;
mod mirror;
mod pool;
mod repository;
mod scratch;
mod service;
mod slots;
mod spelling;
mod state;
mod story;
mod surroundings;
mod telling;
mod threads;
mod together;
mod tree;
mod trouble;
mod whole_event;
mod worker;

pub use confinement::{Confinement, Mode};
pub use first_answers::FirstAnswers;
pub use further::{CutOff, Further};
pub use launcher::{Launcher, launchers, path_through, start_through};
pub use mirror::NotCopied;
pub(crate) use mirror::plan as copied;
pub use pool::{CheckError, CheckOptions, Checker, Interrupter};
pub use scratch::left_behind;
pub(crate) use scratch::without_name as without_scratch;
pub use slots::{Slot, Slots};
pub use state::{Grown, State};
pub use story::{FaultOutcome, FaultTold, StepRun};
pub(crate) use trouble::broken;
pub(crate) use worker::Worker;

use hookproof_harness::{Ending, Invocation, Observation};

use crate::contract::Contract;
pub use crate::launcher::LaunchFault;
use crate::oracle::{Effect, Ended, Facts};
use crate::payload::Payload;
use crate::subject::{Subject, is_shell};

/// One run of a case, with what the platform would make of it.
#[derive(Debug, Clone)]
pub struct Run {
    /// The facts.
    pub observation: Observation,
    /// What the platform would do.
    pub effect: Effect,
    /// The document that was offered on stdin.
    pub stdin: std::sync::Arc<[u8]>,
    /// Whose the time limit of the run was.
    pub limit: TimeLimit,
    /// How surely it is too late, where it was killed at the platform's own limit. `None` for every other run, and where
    /// nobody has looked again.
    pub lateness: Option<Lateness>,
    /// Whether stdout is free again a moment after the platform has waited for it.
    pub held_barely: bool,
    /// The path on the last line of stdout names a folder that exists, where the platform asks for one.
    pub result_exists: Option<bool>,
    /// Files that the runs of the case wrote where nobody expects them: outside of the project, the home and the folders
    /// for temporary files, state and session; below the folder that holds all of these.
    pub written_elsewhere: Vec<String>,
    /// What lay in the folders when the run had ended, where the scenario asks for it.
    pub state: Option<State>,
    /// Runs that were made after it in the same folders, where it is the last of its case and that was asked for.
    pub further: Option<Further>,
    /// What is known of it because it was part of a story.
    pub step: Option<StepRun>,
    /// Why the hook did not start; looked for at the baseline only.
    pub launch_fault: Option<LaunchFault>,
    /// Which of the programs that the hook starts is broken, from 0 in the order in which they are tried; 0 where none is.
    pub helper: usize,
    /// How often the runs of the case together connected to the local service that goes wrong, where there is one that
    /// takes connections.
    pub connections: Option<usize>,
}

/// How surely a run that was killed at the platform's time limit is too late: a busy machine makes every hook slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It was at work itself for that long, or a second run went on well beyond the limit.
    Clear,
    /// A second run ended by itself after so long: beyond the limit, and near it.
    Near(std::time::Duration),
}

/// Who says how long a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// The platform: what takes longer is killed by it as well.
    Platform,
    /// How long the same document took at the baseline: what takes several times as long hangs.
    Baseline,
    /// The suite, which waits no longer. That proves nothing of what would have come.
    Suite,
}

/// What the oracle needs to know of an observation.
pub fn facts<'a>(
    contract: &Contract,
    observation: &'a Observation,
    payload: &'a Payload,
    subject: &Subject,
) -> Facts<'a> {
    let ended = ended(&observation.ending);
    let tool = contract.platform.tool_field.as_ref().and_then(|field| crate::json::at(&payload.stdin, field));
    Facts {
        ended,
        stdout: &observation.stdout.bytes,
        stderr: &observation.stderr.bytes,
        stdout_held: observation.leaks.stdout_held,
        through_shell: is_through_shell(&subject.invocation),
        tool: tool.and_then(serde_json::Value::as_str),
        handler: subject.handler.clone(),
    }
}

/// Whether a shell stands between the platform and the command.
pub(crate) fn is_through_shell(invocation: &Invocation) -> bool {
    match invocation {
        Invocation::Shell { .. } => true,
        Invocation::Program { program, .. } => is_shell(&program.to_string_lossy()),
    }
}

/// An ending as a platform sees it.
fn ended(ending: &Ending) -> Ended {
    match ending {
        Ending::Exited { code } => Ended::Exit(*code),
        Ending::Signaled { signal, .. } => Ended::Signal(*signal),
        // Windows has no signals; a crash is what a platform there sees in their place.
        #[expect(clippy::cast_possible_wrap, reason = "the status is shown as the number that it is")]
        Ending::Crashed { status } => Ended::Signal(*status as i32),
        // No platform knows the proof.
        Ending::LimitHit { seen, .. } => ended(seen),
        Ending::TimedOut { .. } => Ended::TimedOut,
        Ending::NotStarted { .. } => Ended::NotStarted,
    }
}
