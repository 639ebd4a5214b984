//! The reference hook: one program that answers every event of every supported platform as its contract asks.
//!
//! It is an independent witness beside the conformance suite. Its adapters are typed Rust written from the platforms'
//! documents and from measurements, never from the tables that judge hooks, so the two can disagree and be compared.
//!
//! How a call runs, in one direction:
//!
//! 1. [`main_from_args`] reads `<platform> [<Event>]` from the command line;
//! 2. the stdin reader takes exactly one JSON document, without waiting for end of file;
//! 3. the platform's adapter turns the document into a typed input, asks the guard, and returns one intent;
//! 4. the emitter, which alone owns stdout, stderr and the exit code, carries the intent out.
//!
//! What it decides is small and documented in `README.md` of this crate: a handful of destructive shell commands and
//! protected files are refused, secrets in prompts are stopped, and everything else is met with silence. Silence is
//! no approval: the hook never prints `allow`.
//!
//! A new platform is one file in `src/adapters/` and one line in the list there.

mod adapters;
mod args;
mod bootstrap;
mod guard;
mod io;
mod platform;
mod run;
mod shell;
mod state;
mod stdin;

pub use adapters::{events, platforms};
pub use run::main_from_args;
