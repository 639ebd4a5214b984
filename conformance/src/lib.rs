//! The conformance suite for AI-agent hooks.
//!
//! Agent hooks are programs that agents start at lifecycle moments: one JSON document on stdin, judged by exit code,
//! stdout and stderr. This crate says, for a run of any hook, what the platform would do with it, which rule it
//! breaks, on what evidence, and how to mend it.
//!
//! The way of the data: discover ([`subject`]), plan ([`plan`]), run ([`run`]), interpret ([`oracle`]), judge
//! ([`judge`]), report ([`report`]). Each step is a function whose input and output are plain data. What a platform
//! promises is data too: [`contract`]; so are the rules: [`requirement`].
//!
//! The library never prints; the binary `hookproof` does.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod activity;
pub mod contract;
mod embedded;
pub mod json;
pub mod judge;
mod launcher;
pub mod oracle;
pub mod outside;
pub mod payload;
pub mod plan;
pub mod port;
pub mod probe;
pub mod quantity;
pub mod report;
pub mod requirement;
pub mod run;
pub mod schema;
pub mod subject;
pub mod suggest;
