//! Unix: pipes and `poll`, with two ways of starting and watching a process behind them.

use std::ffi::{OsStr, OsString};
use std::time::Instant;

use crate::command::HookCommand;
use crate::error::HarnessError;
use crate::harness::MechanismChoice;
use crate::observation::Mechanism;
use crate::platform::{Running, StartFailure};

#[cfg(not(target_os = "linux"))]
#[path = "unix/no_cage.rs"]
mod cage;
mod child;
mod footprint;
mod fork;
mod groups;
mod limits;
mod open;
mod posix;
mod privilege;
mod process_clock;
mod process_table;
mod program;
mod remove;
mod run;
mod sigpipe;
mod start_error;
mod streams;

pub(crate) use self::open::{open_without_waiting, private_directory};
pub(crate) use self::remove::{lock, remove_tree};
pub(crate) use self::streams::{Waker, no_full_device};

#[cfg(target_os = "linux")]
use super::linux::cage;

#[cfg(target_os = "linux")]
pub(super) use self::{
    child::{
        ChildLimit, ChildPlan, ChildReport, ChildStreams, FailedStep, MOST_LIMITS, become_program, errno, prepare,
        reset_dispositions,
    },
    groups::Groups,
    limits::{Keeper, OwnFacts},
    process_clock::cpu_time,
    process_table::name_of,
    program::Program,
    run::{Process, UnixRun},
    start_error::start_error,
    streams::{ChildEnds, Streams, above_two},
};

/// Without `PATH` a script finds no program. A Unix process needs nothing else.
pub(crate) const ESSENTIAL_VARIABLES: &[&str] = &["PATH"];

/// The shell that POSIX promises.
pub(crate) fn default_shell() -> Vec<OsString> {
    vec!["/bin/sh".into(), "-c".into()]
}

/// Names of variables are bytes.
pub(crate) fn same_variable(left: &OsStr, right: &OsStr) -> bool {
    left == right
}

/// The file name of a program, as a command line gives it.
pub(crate) fn program_name(word: &[u8]) -> &[u8] {
    match word.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => word.get(slash + 1..).unwrap_or_default(),
        None => word,
    }
}

/// The way of starting processes that a harness uses.
#[derive(Debug)]
pub(crate) enum Backend {
    #[cfg(target_os = "linux")]
    Spawner(super::linux::SpawnerBackend),
    Posix(posix::PosixBackend),
}

impl Backend {
    pub(crate) fn new(choice: MechanismChoice) -> Result<Self, HarnessError> {
        match choice {
            MechanismChoice::Best => Self::best(),
            MechanismChoice::Posix => Ok(Backend::Posix(posix::PosixBackend::new(None))),
        }
    }

    #[cfg(target_os = "linux")]
    fn best() -> Result<Self, HarnessError> {
        match super::linux::SpawnerBackend::new() {
            Ok(spawner) => Ok(Backend::Spawner(spawner)),
            Err(error) => {
                let instead = format!("`linux-spawner` could not be had: failed to {error}");
                Ok(Backend::Posix(posix::PosixBackend::new(Some(instead))))
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    fn best() -> Result<Self, HarnessError> {
        Ok(Backend::Posix(posix::PosixBackend::new(None)))
    }

    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn set_groups(&mut self, base: &std::path::Path) {
        let groups = groups::Groups::at(base);
        match self {
            Backend::Spawner(spawner) => spawner.set_groups(groups),
            Backend::Posix(posix) => posix.set_groups(groups),
        }
    }

    /// Makes ready for a start, outside of the time that is measured.
    pub(crate) fn prepare(&mut self) -> Result<(), HarnessError> {
        match self {
            #[cfg(target_os = "linux")]
            Backend::Spawner(spawner) => spawner.prepare(),
            Backend::Posix(_) => Ok(()),
        }
    }

    pub(crate) fn mechanism(&self) -> Mechanism {
        match self {
            #[cfg(target_os = "linux")]
            Backend::Spawner(spawner) => spawner.mechanism(),
            Backend::Posix(posix) => posix.mechanism(),
        }
    }

    pub(crate) fn start<'a>(
        &'a mut self,
        command: &HookCommand,
        start: Instant,
        waker: &'a Waker,
    ) -> Result<Box<dyn Running + 'a>, StartFailure> {
        match self {
            #[cfg(target_os = "linux")]
            Backend::Spawner(spawner) => spawner.start(command, start, waker),
            Backend::Posix(posix) => posix.start(command, start, waker),
        }
    }
}
