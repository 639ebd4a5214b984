//! Faults of a story, in the harness's terms.

use std::time::Duration;

use hookproof_harness::{
    CommandEnd, Coverage, ExecError, FaultAction, FaultReport, FaultSignal, Generation, Limit, Limits, Target, Watch,
    WatchReport,
};
use serde::{Deserialize, Serialize};

use crate::plan::{Fault, FaultKind, Whom};
use crate::subject::Heavy;

/// Less than the system needs for loading any program, in bytes: it kills the program while it is being loaded.
const TOO_LITTLE: u64 = 256 * 1024;

/// What became of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum FaultOutcome {
    /// It happened.
    Done {
        /// To which command.
        command: String,
    },
    /// It did not.
    NotDone {
        /// Why.
        because: String,
    },
}

/// A fault, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultTold {
    /// What was to happen, in words.
    pub asked: String,
    /// What became of it.
    pub outcome: FaultOutcome,
}

impl FaultTold {
    /// What the harness says of a fault.
    pub(super) fn of(fault: &Fault, report: Option<&WatchReport>) -> Self {
        let not_done = |because: String| FaultOutcome::NotDone { because };
        let outcome = match report.and_then(|report| report.fault.as_ref()) {
            None => not_done("nobody watched what the hook started".to_owned()),
            Some(FaultReport::Impossible { because }) => not_done(because.clone()),
            Some(FaultReport::EndedBefore { command_line, .. }) => {
                not_done(format!("`{}` had ended before", command_line.join(" ")))
            }
            Some(FaultReport::NotReached { .. }) => not_done(
                match fault.whom {
                    Whom::Below => "the heavy command started no program of its own",
                    Whom::Heavy | Whom::Hook => "nothing heavy was started",
                }
                .to_owned(),
            ),
            // A limit that lets the program run is no kill.
            Some(FaultReport::Done(done))
                if fault.what == FaultKind::NoMemory && !matches!(done.ended, Some(CommandEnd::Signaled { .. })) =>
            {
                not_done("the system does not kill a program that gets too little memory to be loaded".to_owned())
            }
            Some(FaultReport::Done(done)) => FaultOutcome::Done { command: done.command_line.join(" ") },
        };
        FaultTold { asked: fault.to_string(), outcome }
    }
}

/// What the harness has to look for, and what it has to do.
pub(super) fn watch(heavy: &Heavy, fault: Option<&Fault>) -> Watch {
    let watch = Watch::for_patterns(heavy.commands.iter().cloned());
    let Some(fault) = fault else { return watch };
    let generation = if fault.whom == Whom::Below { Generation::Below } else { Generation::Matched };
    let (held, after) = (Duration::from_millis(fault.held_ms), Duration::from_millis(fault.after_ms));
    let kill = |signal: FaultSignal| {
        if held.is_zero() { FaultAction::Kill { signal, after } } else { FaultAction::Hold { signal, held } }
    };
    let action = match fault.what {
        _ if fault.whom == Whom::Hook => FaultAction::KillHook { after },
        FaultKind::Kill => kill(FaultSignal::Kill),
        FaultKind::Segv => kill(FaultSignal::Segv),
        FaultKind::Abort => kill(FaultSignal::Abort),
        FaultKind::Term => kill(FaultSignal::Term),
        FaultKind::Int => kill(FaultSignal::Int),
        FaultKind::NoMemory => FaultAction::Cap { limits: Limits::none().with(Limit::AddressSpace, TOO_LITTLE) },
        FaultKind::NotFound => FaultAction::FailExec { error: ExecError::NotFound },
        FaultKind::Denied => FaultAction::FailExec { error: ExecError::Denied },
        FaultKind::Exit => FaultAction::Exit,
    };
    watch.fault_at(Target { generation, ..Target::default() }, action)
}

/// How often a run started something heavy, what that started in turn not counted.
///
/// # Errors
/// Why nobody knows.
pub(super) fn attempts(report: Option<&WatchReport>) -> Result<u32, String> {
    let Some(report) = report else { return Err("nobody watched what the hook started".to_owned()) };
    if let Coverage::None { because } = &report.coverage {
        return Err(because.clone());
    }
    // What a fault keeps from starting was tried all the same.
    let kept = match &report.fault {
        Some(FaultReport::Done(done)) if !done.began => 1,
        _ => 0,
    };
    Ok(u32::try_from(report.matching().count() + kept).unwrap_or(u32::MAX))
}
