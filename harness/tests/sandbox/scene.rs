//! Where the trials play: a folder that may be written, and one beside it that may not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hookproof_harness::{
    Attempt, AttemptKind, AttemptOutcome, Harness, HookCommand, MechanismChoice, Network, Observation, Sandbox,
    SandboxReport,
};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::ensure;

/// The folders of a trial, and its harness.
pub(crate) struct Scene {
    pub(crate) harness: Harness,
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new(choice: MechanismChoice) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        for name in ["inside", "outside", "outside/folder", "inside/folder", "copies"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        for name in ["inside/file", "outside/file"] {
            std::fs::write(folder.path().join(name), "before")?;
        }
        Ok(Scene { harness: Harness::with_mechanism(choice)?, folder })
    }

    pub(crate) fn inside(&self) -> PathBuf {
        self.real().join("inside")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.real().join("outside")
    }

    /// Where copies may be kept.
    pub(crate) fn copies(&self) -> PathBuf {
        self.real().join("copies")
    }

    fn real(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("is there")
    }

    /// Only `inside` may be written, and nothing beyond this machine be reached.
    pub(crate) fn sandbox(&self) -> Sandbox {
        Sandbox::open().writable(self.inside()).network(Network::Loopback).strict()
    }

    /// Runs a line in `outside`, with both folders as `$IN` and `$OUT`.
    pub(crate) fn shell(&self, line: &str) -> Result<(Observation, SandboxReport), Failed> {
        self.run(HookCommand::shell(line), self.sandbox())
    }

    pub(crate) fn run(&self, command: HookCommand, sandbox: Sandbox) -> Result<(Observation, SandboxReport), Failed> {
        let command = command
            .env("IN", self.inside())
            .env("OUT", self.outside())
            .cwd(self.outside())
            .deadline(Duration::from_secs(20))
            .sandbox(sandbox);
        let observation = self.harness.run(&command)?;
        let report = observation.sandbox.clone().ok_or("there is no report")?;
        ensure(!report.is_lacking(), || format!("{report:?}"))?;
        Ok((observation, report))
    }
}

/// This binary as one of the programs that reach out.
pub(crate) fn me(behaviour: &str) -> HookCommand {
    HookCommand::new(std::env::current_exe().expect("this binary has a path")).arg("--reach").arg(behaviour)
}

/// What a program wrote to both streams.
pub(crate) fn said(observation: &Observation) -> String {
    let [out, err] = [&observation.stdout, &observation.stderr].map(|s| String::from_utf8_lossy(&s.bytes).into_owned());
    format!("{:?}: {out} {err}", observation.ending)
}

/// The refused targets of a kind, each once, in order.
pub(crate) fn refused(report: &SandboxReport, kind: AttemptKind) -> Vec<String> {
    let wanted = |a: &&Attempt| a.kind == kind && a.outcome == AttemptOutcome::Refused;
    let mut targets: Vec<String> = report.attempts.iter().filter(wanted).map(|a| a.target.clone()).collect();
    targets.dedup();
    targets
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}

pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The mechanisms, and short names for trials.
pub(crate) const MECHANISMS: [(&str, MechanismChoice); 2] =
    [("best", MechanismChoice::Best), ("posix", MechanismChoice::Posix)];

/// Adds a trial for each mechanism.
pub(crate) fn each(trials: &mut Vec<Trial>, name: &str, test: fn(&Scene) -> Result<(), Failed>) {
    for (prefix, choice) in MECHANISMS {
        trials.push(Trial::test(format!("{prefix}::{name}"), move || test(&Scene::new(choice)?)));
    }
}
