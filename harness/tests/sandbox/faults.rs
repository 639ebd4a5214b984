//! Faults that are played.

use hookproof_harness::{Answer, AttemptOutcome, Containment, Ending, HookCommand, RefusedAccess, Sandbox};
use libtest_mimic::{Failed, Trial};

use crate::ensure;
use crate::scene::{Scene, each, said, text};

pub(crate) fn add(trials: &mut Vec<Trial>) {
    each(trials, "a_full_folder", a_full_folder);
    each(trials, "a_read_only_folder", a_read_only_folder);
    each(trials, "a_home_that_cannot_be_written", a_home_that_cannot_be_written);
    each(trials, "a_folder_that_is_not_there_yet", a_folder_that_is_not_there_yet);
}

fn run(scene: &Scene, line: &str, sandbox: Sandbox) -> Result<(String, Vec<AttemptOutcome>), Failed> {
    let (observation, report) = scene.run(HookCommand::shell(line), sandbox.strict())?;
    ensure(matches!(report.refusals, Containment::Enforced { .. }), || format!("{:?}", report.refusals))?;
    ensure(report.files == Containment::NotAsked, || format!("{:?}", report.files))?;
    ensure(matches!(observation.ending, Ending::Exited { .. }), || said(&observation))?;
    Ok((said(&observation), report.attempts.into_iter().map(|a| a.outcome).collect()))
}

fn a_full_folder(scene: &Scene) -> Result<(), Failed> {
    let sandbox = Sandbox::open().refuse(scene.inside(), RefusedAccess::Create, Answer::NoSpace);
    let line = "cat < $IN/file; mkdir $IN/new; echo x > $IN/new2; echo y > $IN/file; rm $IN/file; echo z > $OUT/new";
    let (said, outcomes) = run(scene, line, sandbox)?;
    ensure(said.contains("No space left on device") && said.contains("before"), || said.clone())?;
    ensure(outcomes == vec![AttemptOutcome::Faulted { refusal: 0 }; 2], || format!("{outcomes:?}"))?;
    ensure(!scene.inside().join("file").exists(), || "it was not removed".into())?;
    ensure(text(&scene.outside().join("new")) == "z\n", || "the other folder is full as well".into())
}

fn a_read_only_folder(scene: &Scene) -> Result<(), Failed> {
    let sandbox = Sandbox::open().refuse(scene.inside(), RefusedAccess::Write, Answer::ReadOnly);
    let line =
        "[ -w $IN/file ] && echo wrong; [ -r $IN/file ] && echo right; rm -f $IN/file; echo x >> $IN/file; exit 0";
    let (said, outcomes) = run(scene, line, sandbox)?;
    ensure(said.contains("Read-only file system") && said.contains("right") && !said.contains("wrong"), || {
        said.clone()
    })?;
    ensure(outcomes.len() == 2, || format!("{outcomes:?}"))?;
    ensure(text(&scene.inside().join("file")) == "before", || "it was changed".into())
}

fn a_home_that_cannot_be_written(scene: &Scene) -> Result<(), Failed> {
    let sandbox = Sandbox::open().refuse(scene.inside().join("folder"), RefusedAccess::Create, Answer::NoSpace).refuse(
        scene.inside(),
        RefusedAccess::Write,
        Answer::Denied,
    );
    let line = "mkdir -p $IN/.cache/x; touch $IN/file; mkdir $IN/folder/x; exit 0";
    let (said, outcomes) = run(scene, line, sandbox)?;
    ensure(said.contains("Permission denied") && said.contains("No space"), || said.clone())?;
    ensure(outcomes.last() == Some(&AttemptOutcome::Faulted { refusal: 0 }), || format!("{outcomes:?}"))?;
    ensure(outcomes[0] == AttemptOutcome::Faulted { refusal: 1 }, || format!("{outcomes:?}"))
}

fn a_folder_that_is_not_there_yet(scene: &Scene) -> Result<(), Failed> {
    let state = scene.inside().join("state");
    let sandbox = Sandbox::open().refuse(&state, RefusedAccess::Write, Answer::NoSpace);
    let (said, _) = run(scene, "mkdir -p $IN/state/deep; echo x > $IN/beside", sandbox)?;
    ensure(said.contains("No space") && !state.exists(), || said.clone())?;
    ensure(scene.inside().join("beside").exists(), || said)
}
