//! Systems that contain nothing say so.

use hookproof_harness::{Containment, Ending, Harness, HarnessError, HookCommand, Network, Sandbox};
use libtest_mimic::{Failed, Trial};

use crate::ensure;

pub(crate) fn add(trials: &mut Vec<Trial>) {
    trials.push(Trial::test("what_does_not_hold_is_told", what_does_not_hold_is_told));
    trials.push(Trial::test("a_strict_run_does_not_start", a_strict_run_does_not_start));
}

fn sandbox() -> Sandbox {
    Sandbox::open().read_only().network(Network::Loopback)
}

fn what_does_not_hold_is_told() -> Result<(), Failed> {
    let observation = Harness::new()?.run(&HookCommand::shell("exit 3").sandbox(sandbox()))?;
    ensure(observation.ending == Ending::Exited { code: 3 }, || format!("{:?}", observation.ending))?;
    let report = observation.sandbox.ok_or("there is no report")?;
    ensure(matches!(report.files, Containment::NotEnforced { .. }), || format!("{:?}", report.files))?;
    ensure(matches!(report.network, Containment::NotEnforced { .. }), || format!("{:?}", report.network))?;
    ensure(report.refusals == Containment::NotAsked, || format!("{:?}", report.refusals))
}

fn a_strict_run_does_not_start() -> Result<(), Failed> {
    let result = Harness::new()?.run(&HookCommand::shell("exit 3").sandbox(sandbox().strict()));
    ensure(matches!(result, Err(HarnessError::NotContained { part: "files", .. })), || format!("{result:?}"))
}
