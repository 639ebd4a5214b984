//! The seam to the operating system: everything that differs between systems, with equal signatures on each.
//!
//! Above it there is no `cfg` and no `unsafe`. Each system offers
//!
//! | item | what |
//! |---|---|
//! | `identity` | a text that tells a living process from every other one that ever had its number |
//! | `try_hold` | a hold on an open file that ends with the process, however it ends |
//! | `same_file` | whether an open file is still the one at a path |
//! | `Signals` | the signals that ask this process to end, while somebody wants to hear them |
//! | `die_by` | the end of this process by a signal that was heard |
//! | `die_of_faults` | the end of this process by a fault that somebody else raises in it |
//! | `Tree` | a child with all that it starts, which is ended as a whole |
//! | `last_words` | what an ended child has left in a pipe |
//! | `lifeline_is_cut` | whether the parent, who holds the other end of stdin, has gone |
//! | `is_no_memory` | whether the system refused something for want of memory |
//! | `HOME` | the variable that names a person's folder |

use std::time::Duration;

#[cfg(unix)]
mod unix;
#[cfg(all(test, unix))]
pub(crate) use unix::set_default_actions;
#[cfg(unix)]
pub(crate) use unix::{
    HOME, Signals, Tree, die_by, die_of_faults, identity, is_no_memory, last_words, lifeline_is_cut, same_file,
    try_hold,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    HOME, Signals, Tree, die_by, die_of_faults, identity, is_no_memory, last_words, lifeline_is_cut, same_file,
    try_hold,
};

/// How a child ended, as the system tells it. Nothing is folded into a number that could mean something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this code. On Windows also the status of a crash, which is an exit code there.
    Exited(u32),
    /// By this signal; Unix only.
    #[cfg_attr(windows, allow(dead_code, reason = "no process ends by a signal there"))]
    Signaled {
        /// Its number.
        signal: i32,
        /// What it means here, since numbers differ between systems.
        meaning: SignalMeaning,
    },
}

/// What the end by a signal says about who wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code, reason = "no process ends by a signal there"))]
pub(crate) enum SignalMeaning {
    /// Hang-up, interrupt, quit, terminate: a person or a service manager asked for the end.
    Wish,
    /// Kill, and what a defect or a limit raises: segmentation fault, abort, bus error, illegal instruction, trap,
    /// arithmetic, bad system call, CPU time, file size.
    Death,
    /// Any other: a closed pipe, a timer, a signal with a meaning of somebody's own.
    Other,
}

/// What came of waiting for a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Its first process has ended; the others may still run.
    Ended,
    /// The time is over.
    TimedOut,
    /// This process was asked to end, by the signal of this number.
    Asked(i32),
}

/// No wait is longer than this without a look around: a wake-up that got lost costs one slice and not the whole time.
const SLICE: Duration = Duration::from_millis(100);
