//! Faults of a story, in the harness's terms.

use std::time::Duration;

use hookproof_harness::{
    CommandEnd, Coverage, ExecError, FaultAction, FaultReport, FaultSignal, Generation, Limit, Limits, SaidOn, Target,
    Watch, WatchReport,
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
            // Why nothing was found is more than that nothing was found.
            Some(FaultReport::NotReached { .. }) => not_done(match (attempts(report), fault.whom) {
                (Err(because), _) => because,
                (Ok(_), Whom::Below) => "the heavy command started no program of its own".to_owned(),
                (Ok(_), Whom::Heavy | Whom::Hook) => "nothing heavy was started".to_owned(),
            }),
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
    let says = |on: SaidOn| FaultAction::FailSaying { text: FaultKind::REASON.to_owned(), on };
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
        FaultKind::FailOnStdout => says(SaidOn::Stdout),
        FaultKind::FailOnStderr => says(SaidOn::Stderr),
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
    // What a fault keeps from starting was tried all the same; what runs in its place may match as well.
    let kept = match &report.fault {
        Some(FaultReport::Done(done)) if !done.began && report.matching().all(|seen| seen.pid != done.pid) => 1,
        _ => 0,
    };
    let count = report.matching().count() + kept;
    // One that is known is enough to know that it was tried; that nothing was tried has to be known of all.
    if count == 0 && report.undecided > 0 {
        return Err(match report.undecided {
            1 => "the system did not tell the command line of a program that the hook started".to_owned(),
            many => format!("the system did not tell the command lines of {many} programs that the hook started"),
        });
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn report(seen: usize, undecided: u64, coverage: Coverage) -> WatchReport {
        let command = hookproof_harness::SeenCommand {
            at: Duration::ZERO,
            pid: 7,
            parent: 1,
            command_line: vec!["tool".to_owned()],
            pattern: Some(0),
            form: None,
            below: None,
            ended: None,
        };
        WatchReport {
            coverage,
            seen: vec![command; seen],
            dropped: 0,
            undecided,
            created: None,
            fault: None,
            clock: None,
        }
    }

    #[test]
    fn a_fault_that_found_nobody_tells_why() {
        let fault = Fault { what: FaultKind::Kill, whom: Whom::Heavy, held_ms: 0, after_ms: 0 };
        let because = |undecided| {
            let coverage = Coverage::Complete { means: "a".to_owned() };
            let fault_report = Some(FaultReport::NotReached { matching_seen: 0 });
            let report = WatchReport { fault: fault_report, ..report(0, undecided, coverage) };
            match FaultTold::of(&fault, Some(&report)).outcome {
                FaultOutcome::NotDone { because } => because,
                FaultOutcome::Done { command } => panic!("done to {command}"),
            }
        };
        assert_eq!(because(0), "nothing heavy was started");
        assert!(because(2).contains("command lines of 2 programs"));
    }

    #[rstest]
    #[case::nothing_ran(None, 1)]
    #[case::a_shell_ran(Some(None), 1)]
    #[case::a_shell_ran_that_matches(Some(Some(0)), 1)]
    fn what_a_fault_kept_from_starting_was_tried(#[case] shell: Option<Option<usize>>, #[case] expected: u32) {
        let mut report = report(usize::from(shell.is_some()), 0, Coverage::Complete { means: "a".to_owned() });
        if let (Some(pattern), Some(seen)) = (shell, report.seen.first_mut()) {
            seen.pattern = pattern;
        }
        report.fault = Some(FaultReport::Done(hookproof_harness::FaultDone {
            pid: 7,
            of_the_hook: false,
            at: Duration::ZERO,
            command_line: vec!["tool".to_owned()],
            repeated: 0,
            disposition: None,
            limits: Vec::new(),
            began: false,
            ended: None,
        }));
        assert_eq!(attempts(Some(&report)), Ok(expected));
    }

    #[test]
    fn nothing_tried_is_only_said_where_everything_is_known() {
        let partial = || Coverage::Partial { means: "a".to_owned(), because: "b".to_owned() };
        assert_eq!(attempts(Some(&report(0, 0, partial()))), Ok(0));
        assert_eq!(attempts(Some(&report(2, 0, partial()))), Ok(2));
        assert_eq!(attempts(Some(&report(1, 3, partial()))), Ok(1));
        assert!(attempts(Some(&report(0, 1, partial()))).is_err_and(|because| because.contains("of a program")));
        assert!(attempts(Some(&report(0, 3, partial()))).is_err_and(|because| because.contains("3 programs")));
        let blind = Coverage::None { because: "no eyes".to_owned() };
        assert_eq!(attempts(Some(&report(0, 0, blind))), Err("no eyes".to_owned()));
        assert!(attempts(None).is_err());
    }
}
