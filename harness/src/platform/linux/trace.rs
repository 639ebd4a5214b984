//! Watching every program of a tree by `ptrace`, breaking one of them, and moving their clock.
//!
//! The spawner traces the program that it starts, and with it everything that is started below, from its first
//! instruction on (`PTRACE_SEIZE`, so that stopped processes can stay stopped). Two kinds of stops matter:
//!
//! - *exec*: a program has been loaded and has not run yet. Its command line is read and compared, and it can be killed.
//! - *seccomp*: somebody is about to call `execve`, or asks for the time of day. Only asked for if a fault needs it, or a
//!   moved clock, by filters that all of the tree inherits. The call can be answered in its place, or the process be
//!   given limits before it goes on.
//!
//! Everything else (new processes, signals, stops) is let through as it came. All of it runs in the spawner, so it
//! allocates nothing and panics nowhere; what it needs to remember is in the shared memory (`area`).

mod area;
mod call;
mod calls;
mod clock;
mod command_line;
mod exec_call;
mod fault;
mod filter;
mod log;
mod plan;
mod result;
mod saying;
mod tracees;
mod tracer;

pub(super) use self::area::WatchArea;
pub(super) use self::plan::PreparedWatch;
pub(super) use self::tracer::{Gate, Tracer};
