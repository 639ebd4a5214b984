//! A watch as the spawner reads it.

use std::ffi::c_int;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::area::{Action, Clock, PatternAt, Plan, WatchArea};
use super::call::KNOWN;
use super::saying;
use super::tracer::Gate;
use crate::limits::{Limit, LimitReport, Limits};
use crate::platform::unix::Keeper;
use crate::watch::{ClockShift, ExecError, FaultAction, FaultSignal, Generation, SaidOn, Watch};

/// A watch that has been written down for one run, with what does not fit through the shared memory.
#[derive(Debug)]
pub(in super::super) struct PreparedWatch {
    pub(super) watch: Watch,
    /// Why the fault cannot be put in, if that is known before the start.
    pub(super) impossible: Option<String>,
    /// What keeps one program to its limits.
    pub(super) keeper: Option<Keeper>,
    /// Limits that cannot be set for one program.
    pub(super) unset: Vec<LimitReport>,
    /// Patterns that are not looked for.
    pub(super) left_out: usize,
}

impl PreparedWatch {
    /// Writes the watch into the shared memory, and clears what an earlier run has left there.
    pub(in super::super) fn write(area: &mut WatchArea, watch: &Watch) -> Self {
        let WatchArea { entrance, plan, faulted, clock, tracees, log, .. } = area;
        for number in [&entrance.refused, &entrance.filter_refused, &entrance.no_new_privileges] {
            number.store(0, Ordering::Relaxed);
        }
        entrance.gate.store(Gate::Shut as u32, Ordering::Relaxed);
        tracees.clear();
        log.clear();
        faulted.clear();
        // Where nobody knows how calls are answered, nobody is kept from asking.
        let shift = watch.clock.filter(|_| KNOWN).map_or(0, ClockShift::seconds);
        *clock = Clock { shift, answered: 0, waits: 0, left_out: 0 };
        let mut prepared = PreparedWatch {
            watch: watch.clone(),
            impossible: None,
            keeper: None,
            unset: Vec::new(),
            left_out: watch.patterns.len() - watch.effective().len(),
        };
        write_patterns(plan, watch);
        plan.action = Action::Nothing as i32;
        plan.aim = 0;
        (plan.after, plan.held, plan.hook) = (0, 0, 0);
        if let Some(fault) = &watch.fault {
            plan.nth = fault.target.nth.max(1);
            plan.every = u32::from(fault.target.every);
            plan.below = u32::from(fault.target.generation == Generation::Below);
            match watch.aimed_at(&fault.target) {
                Ok(aim) => {
                    plan.aim = aim;
                    prepared.write_action(plan, &fault.action);
                }
                Err(because) => prepared.impossible = Some(because),
            }
        }
        prepared
    }

    fn write_action(&mut self, plan: &mut Plan, action: &FaultAction) {
        let chosen = match action {
            FaultAction::Kill { signal, after } => {
                plan.number = signal_number(*signal);
                plan.after = nanoseconds(*after);
                Action::Kill
            }
            FaultAction::Hold { signal, held } => {
                plan.number = signal_number(*signal);
                plan.held = nanoseconds(*held);
                Action::Kill
            }
            FaultAction::KillHook { after } => {
                plan.number = libc::SIGKILL;
                plan.after = nanoseconds(*after);
                plan.hook = 1;
                Action::Kill
            }
            FaultAction::FailExec { .. }
            | FaultAction::Cap { .. }
            | FaultAction::Exit
            | FaultAction::FailSaying { .. }
                if !KNOWN =>
            {
                let architecture = std::env::consts::ARCH;
                self.impossible =
                    Some(format!("calls of `execve` cannot be changed on this architecture ({architecture}) yet"));
                Action::Nothing
            }
            FaultAction::FailExec { error } => {
                plan.number = error_number(*error);
                Action::FailExec
            }
            FaultAction::Exit => Action::Exit,
            FaultAction::FailSaying { text, on } => self.write_script(plan, text, *on),
            FaultAction::Cap { limits } => self.write_limits(plan, limits),
        };
        plan.action = chosen as i32;
    }

    fn write_script(&mut self, plan: &mut Plan, text: &str, on: SaidOn) -> Action {
        let script = match saying::script(text, on) {
            Ok(script) => script,
            Err(because) => {
                self.impossible = Some(because);
                return Action::Nothing;
            }
        };
        // It has been checked that it fits.
        plan.script[..script.len()].copy_from_slice(script.as_bytes());
        plan.script_length = script.len() as u32;
        Action::Say
    }

    fn write_limits(&mut self, plan: &mut Plan, limits: &Limits) -> Action {
        if let Some(bytes) = limits.get(Limit::Memory) {
            self.unset.push(LimitReport::not_enforced(
                Limit::Memory,
                bytes,
                "it counts a whole tree and cannot be set for one program",
            ));
        }
        let keeper = Keeper::of_one_process(limits);
        let set = keeper.child_limits();
        if set.is_empty() {
            self.impossible = Some("none of its limits can be set for one program".into());
            return Action::Nothing;
        }
        for (place, limit) in plan.limits.iter_mut().zip(&set) {
            *place = *limit;
        }
        plan.limit_count = set.len() as u32;
        self.keeper = Some(keeper);
        Action::Cap
    }
}

fn write_patterns(plan: &mut Plan, watch: &Watch) {
    let mut at = 0;
    plan.pattern_count = 0;
    for (pattern, place) in watch.effective().iter().zip(&mut plan.patterns) {
        let text = pattern.as_str().as_bytes();
        // There is room for as many of the longest.
        plan.text[at..at + text.len()].copy_from_slice(text);
        *place = PatternAt { at: at as u32, length: text.len() as u32 };
        at += text.len();
        plan.pattern_count += 1;
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

fn signal_number(signal: FaultSignal) -> c_int {
    match signal {
        FaultSignal::Kill => libc::SIGKILL,
        FaultSignal::Segv => libc::SIGSEGV,
        FaultSignal::Abort => libc::SIGABRT,
        FaultSignal::Term => libc::SIGTERM,
        FaultSignal::Int => libc::SIGINT,
    }
}

fn error_number(error: ExecError) -> c_int {
    match error {
        ExecError::NotFound => libc::ENOENT,
        ExecError::Denied => libc::EACCES,
        ExecError::NoMemory => libc::ENOMEM,
    }
}
