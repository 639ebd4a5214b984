//! Windows: every program runs inside a job object, which knows all its descendants and ends with the harness.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Instant;

use self::run::WindowsRun;
use crate::command::HookCommand;
use crate::error::HarnessError;
use crate::harness::MechanismChoice;
use crate::observation::Mechanism;
use crate::platform::{Running, StartFailure};

mod command_line;
mod fault;
mod job;
mod limits;
mod newcomer;
mod open;
mod pipe;
mod process;
mod remove;
mod run;
mod waker;
mod watch;
mod words;

pub(crate) use self::open::{open_without_waiting, private_directory};
pub(crate) use self::remove::{lock, remove_tree};
pub(crate) use self::waker::Waker;

/// The file name of a program, as a command line gives it, without `.exe`.
pub(crate) fn program_name(word: &[u8]) -> &[u8] {
    let name = match word.iter().rposition(|byte| matches!(byte, b'/' | b'\\')) {
        Some(separator) => word.get(separator + 1..).unwrap_or_default(),
        None => word,
    };
    match name.split_last_chunk::<4>() {
        Some((stem, end)) if end.eq_ignore_ascii_case(b".exe") => stem,
        _ => name,
    }
}

/// See [`Environment::minimal`](crate::Environment::minimal).
pub(crate) const ESSENTIAL_VARIABLES: &[&str] = &[
    "PATH",
    "PATHEXT",
    "SystemRoot",
    "SystemDrive",
    "windir",
    "COMSPEC",
    "TEMP",
    "TMP",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
    "OS",
];

/// No AutoRun commands, quotation marks as they stand, run and end.
pub(crate) fn default_shell() -> Vec<OsString> {
    ["cmd.exe", "/D", "/S", "/C"].map(OsString::from).into()
}

/// Names of variables do not differ by case.
pub(crate) fn same_variable(left: &OsStr, right: &OsStr) -> bool {
    left.to_string_lossy().to_uppercase() == right.to_string_lossy().to_uppercase()
}

/// Whether a shell follows the quoting rules of `cmd.exe` instead of the common ones.
fn is_cmd(program: &OsStr) -> bool {
    Path::new(program).file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("cmd"))
}

/// Why no stream can be one without room.
#[expect(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
pub(crate) fn no_full_device() -> Option<String> {
    Some("Windows has no device that is always full".into())
}

/// The mechanism `job-object`.
#[derive(Debug)]
pub(crate) struct Backend;

impl Backend {
    pub(crate) fn new(choice: MechanismChoice) -> Result<Self, HarnessError> {
        match choice {
            MechanismChoice::Best => Ok(Backend),
            MechanismChoice::Posix => {
                Err(HarnessError::Unavailable { name: "posix", reason: "this system is no Unix".into() })
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn prepare(&mut self) -> Result<(), HarnessError> {
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn mechanism(&self) -> Mechanism {
        Mechanism {
            name: "job-object".into(),
            gaps: vec!["there is no polite signal here: the tree is terminated at the deadline".into()],
            instead: None,
            blind: false,
        }
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn start<'a>(
        &'a mut self,
        command: &HookCommand,
        start: Instant,
        waker: &'a Waker,
    ) -> Result<Box<dyn Running + 'a>, StartFailure> {
        Ok(Box::new(WindowsRun::start(command, start, waker)?))
    }
}
