//! What is known to fail on some operating systems, as data: `expectations.toml`.

use std::env::consts;
use std::error::Error;
use std::path::Path;

use libtest_mimic::Trial;
use serde::Deserialize;

const TEXT: &str = include_str!("expectations.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    expect: Vec<Expectation>,
}

/// One trial, or all whose names begin so if it ends with `*`, that cannot pass there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    /// Name of the trial.
    trial: String,
    /// Where: an operating system in Rust's words, or `wine`.
    on: String,
    /// Why.
    reason: String,
}

impl Expectation {
    fn is_about(&self, name: &str) -> bool {
        match self.trial.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.trial,
        }
    }

    fn holds_here(&self) -> bool {
        self.on == consts::OS || (self.on == "wine" && is_wine())
    }
}

/// Marks the trials that are not run here, and refuses expectations that are about none.
pub(crate) fn apply(trials: Vec<Trial>) -> Result<Vec<Trial>, Box<dyn Error>> {
    let File { expect } = toml::from_str(TEXT)?;
    for expectation in &expect {
        if expectation.reason.trim().is_empty() || !trials.iter().any(|trial| expectation.is_about(trial.name())) {
            return Err(format!("{:?} is an expectation without a reason or a trial", expectation.trial).into());
        }
    }
    let here: Vec<&Expectation> = expect.iter().filter(|expectation| expectation.holds_here()).collect();
    Ok(trials
        .into_iter()
        .map(|trial| match here.iter().find(|expectation| expectation.is_about(trial.name())) {
            Some(expectation) => trial.with_kind(&expectation.on).with_ignored_flag(true),
            None => trial,
        })
        .collect())
}

/// Wine has a program that Windows does not have.
fn is_wine() -> bool {
    let root = std::env::var_os("SystemRoot");
    root.is_some_and(|root| Path::new(&root).join("system32").join("winecfg.exe").exists())
}
