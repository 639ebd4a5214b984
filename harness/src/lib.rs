//! Runs one process and reports every fact about it apart.
//!
//! The harness knows nothing of hooks' contracts. It starts a [`HookCommand`] the way an agent platform starts a
//! hook, supervises it by its own clock, and returns an [`Observation`]: how the process ended, both streams byte for
//! byte, what became of stdin, what the run cost, and what outlived it.
//!
//! ```
//! use std::time::Duration;
//! use hookproof_harness::{Ending, Harness, HookCommand, StdinPlan};
//!
//! let harness = Harness::new()?;
//! let command = HookCommand::shell("echo no >&2 && exit 2")
//!     .stdin(StdinPlan::Whole(br#"{"hook_event_name":"Stop"}"#.to_vec()))
//!     .deadline(Duration::from_secs(10));
//! let observation = harness.run(&command)?;
//! assert_eq!(observation.ending, Ending::Exited { code: 2 });
//! assert!(observation.stdout.bytes.is_empty());
//! assert!(observation.stderr.bytes.starts_with(b"no"));
//! # Ok::<(), hookproof_harness::HarnessError>(())
//! ```

mod base64_bytes;
mod cancel;
mod cause;
mod command;
mod environment;
mod error;
mod feeder;
mod harness;
mod limits;
mod observation;
mod outside;
mod platform;
mod probe;
mod reader;
mod recorder;
mod sandbox;
mod supervise;
mod watch;

pub use cancel::Canceller;
pub use cause::{Cause, CauseKind, likely_cause};
pub use command::{CaptureBounds, HookCommand, Invocation, StdinPlan};
pub use environment::Environment;
pub use error::HarnessError;
pub use harness::{Harness, MechanismChoice};
pub use limits::{Enforcement, Limit, LimitProof, LimitReport, Limits};
pub use observation::{
    Capture, Chunk, Descendant, Ending, FullDevice, KillStep, Leaks, Mechanism, Observation, StartError, StdinReport,
};
pub use outside::{lock_file, open_regular, private_directory, remove_tree};
pub use probe::{Band, Behaviour, Probe, ProbePoint, Search, probe};
pub use reader::{ReadPlan, ReaderPlan};
pub use sandbox::{
    Answer, Attempt, AttemptKind, AttemptOutcome, Containment, Network, Refusal, RefusedAccess, Sandbox, SandboxReport,
};
pub use watch::{
    ClockReport, ClockShift, CommandEnd, CommandForm, CommandPattern, Coverage, Created, Disposition, ExecError, Fault,
    FaultAction, FaultDone, FaultReport, FaultSignal, Generation, PatternError, SaidOn, SeenCommand, Target, Watch,
    WatchReport,
};
