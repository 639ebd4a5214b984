//! What goes wrong around a hook, in the harness's terms.

use hookproof_harness::{
    Answer, ClockShift, Coverage, ExecError, FaultAction, FaultDone, FaultReport, FaultSignal, HookCommand, ReadPlan,
    ReaderPlan, RefusedAccess, Sandbox, Target, Watch, WatchReport,
};

use super::surroundings::Surroundings;
use crate::plan::{HelperFault, HelperSpec, ReaderKind, ReaderSpec, RefuseSpec, Refused, Scenario, Span, WrongClock};

/// The command with everything that goes wrong in the scenario, and watched where it says so.
pub(super) fn befall(command: HookCommand, scenario: &Scenario, surroundings: &Surroundings) -> HookCommand {
    let mut command = refuse(command, &scenario.refuse, surroundings);
    // Who looks for a program sees everybody, and counts them.
    let mut watched = scenario.helper.as_ref().map(watch);
    if scenario.count_processes {
        watched.get_or_insert_default();
    }
    if let Some(clock) = scenario.clock {
        watched = Some(watched.unwrap_or_default().clock(shift(clock)));
    }
    if let Some(watch) = watched {
        command = command.watch(watch);
    }
    command.reader(reader(scenario.reader))
}

fn refuse(mut command: HookCommand, spec: &RefuseSpec, surroundings: &Surroundings) -> HookCommand {
    if spec.is_nothing() {
        return command;
    }
    // Whatever else is kept from the hook stays so.
    let mut sandbox = command.sandbox.take().unwrap_or_else(Sandbox::open);
    for (folder, how) in surroundings.refused(spec) {
        sandbox = match how {
            Refused::ReadOnly => sandbox.refuse(folder, RefusedAccess::Write, Answer::ReadOnly),
            Refused::Full => sandbox.refuse(folder, RefusedAccess::Create, Answer::NoSpace),
        };
    }
    command.sandbox(sandbox)
}

fn reader(spec: ReaderSpec) -> ReaderPlan {
    let plan = |kind: ReaderKind| match kind {
        ReaderKind::Reads => ReadPlan::ToEnd,
        ReaderKind::Gone => ReadPlan::Closed,
        ReaderKind::Full => ReadPlan::Full,
    };
    ReaderPlan { stdout: plan(spec.stdout), stderr: plan(spec.stderr) }
}

fn shift(clock: WrongClock) -> ClockShift {
    match clock {
        WrongClock::Ahead(Span(by)) => ClockShift::ahead(by),
        WrongClock::Behind(Span(by)) => ClockShift::back(by),
    }
}

/// What breaks the first of the programs, at every start of it: a program that is not there is not there the second
/// time either.
pub(super) fn watch(helper: &HelperSpec) -> Watch {
    let action = match helper.what {
        HelperFault::Missing => FaultAction::FailExec { error: ExecError::NotFound },
        HelperFault::Killed => FaultAction::Kill { signal: FaultSignal::Kill, after: std::time::Duration::ZERO },
    };
    let every = Target { every: true, ..Target::default() };
    Watch::for_patterns(helper.programs.iter().cloned()).fault_at(every, action)
}

/// The program that was broken, at its first start.
///
/// # Errors
/// Why none was.
pub(crate) fn broken(report: Option<&WatchReport>) -> Result<&FaultDone, String> {
    let Some(report) = report else { return Err("nobody watched what the hook started".to_owned()) };
    if let Coverage::None { because } = &report.coverage {
        return Err(because.clone());
    }
    match &report.fault {
        // A wrapper, or a version manager, has become the hook: that is no helper, and nothing is left that could judge.
        Some(FaultReport::Done(done)) if done.of_the_hook => {
            Err(format!("`{}` takes the place of the hook itself", done.command_line.join(" ")))
        }
        Some(FaultReport::Done(done)) => Ok(done),
        Some(FaultReport::Impossible { because }) => Err(because.clone()),
        Some(FaultReport::EndedBefore { command_line, .. }) => {
            Err(format!("`{}` had ended before", command_line.join(" ")))
        }
        Some(FaultReport::NotReached { .. }) | None => {
            Err("the hook starts none of the programs that the scenario breaks".to_owned())
        }
    }
}
