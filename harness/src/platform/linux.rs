//! Linux: hooks are started by a small helper process instead of the harness itself.
//!
//! ```text
//! harness ── guardian ── spawner ── the program ── ...
//! ```
//!
//! The *spawner* is single-threaded and small, so starting a program costs the same however large the harness is, and
//! the peak memory that the kernel reports is the program's own. It is a child subreaper: a daemon that detaches by a
//! double fork and a session of its own becomes its child, is seen and is killed. The *guardian* does nothing but
//! watch: if the spawner is killed, by the program for example, whatever it ran becomes the guardian's and is killed.
//! Both end with the harness, because their socket does.

pub(super) mod cage;
mod child;
mod client;
mod guardian;
mod helper_tree;
mod proc_file;
mod process;
mod shared;
mod shrink;
mod spawner;
mod trace;
mod wire;

use std::time::Instant;

use self::cage::Cage;
use self::client::Client;
use self::process::SpawnedProcess;
use super::unix::{Groups, Keeper, Program, Streams, UnixRun, Waker};
use crate::command::HookCommand;
use crate::error::HarnessError;
use crate::observation::Mechanism;
use crate::platform::{Running, StartFailure};

/// The mechanism `linux-spawner`.
#[derive(Debug)]
pub(crate) struct SpawnerBackend {
    client: Client,
    groups: Groups,
}

impl SpawnerBackend {
    pub(crate) fn new() -> Result<Self, HarnessError> {
        Ok(SpawnerBackend { client: Client::new()?, groups: Groups::default() })
    }

    #[cfg(test)]
    pub(crate) fn set_groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    /// Replaces helpers that were lost.
    pub(crate) fn prepare(&mut self) -> Result<(), HarnessError> {
        if self.client.is_lost() {
            self.client = Client::new()?;
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the same signature for every backend")]
    pub(crate) fn mechanism(&self) -> Mechanism {
        Mechanism { name: "linux-spawner".into(), ..Mechanism::default() }
    }

    pub(crate) fn start<'a>(
        &'a mut self,
        command: &HookCommand,
        start: Instant,
        waker: &'a Waker,
    ) -> Result<Box<dyn Running + 'a>, StartFailure> {
        let mut program = Program::new(command).map_err(StartFailure::NotStarted)?;
        let keeper = Keeper::new(&command.limits, &mut self.groups);
        program.keep_to(&keeper);
        let mut cage = Cage::new(command.sandbox.as_ref(), start)?;
        program.cage = cage.orders();
        let name = program.name();
        let (streams, ends) = Streams::new(command)?;
        let watch = command.watch.as_ref();
        let process = SpawnedProcess::start(&mut self.client, program, &ends, &cage.child_ends(), start, watch)?;
        drop(ends);
        cage.handed_over();
        Ok(Box::new(UnixRun::new(streams, process, waker, name, keeper, cage)))
    }
}
