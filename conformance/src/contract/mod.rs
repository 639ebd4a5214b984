//! Contracts: what a platform, at a version, promises and demands of hooks.
//!
//! A contract is one TOML file. [`ContractFile::parse`] reads and checks it with errors that name file, line and key;
//! [`ContractFile::select`] turns it into the [`Contract`] that held at one version.

mod check;
mod evidence;
mod field;
mod file;
mod library;
mod model;
pub(crate) use model::type_names;
mod outcome;
mod select;
mod version;

pub use evidence::{Basis, Evidence};
pub use field::{Decision, Field, FieldPath, Role, Shape, ValueType, With};
pub use file::{Change, ChangeSet, ContractError, ContractFile};
pub use library::{Library, UnknownPlatform};
pub use model::{
    AnswerClass, BrokenRule, Contract, EndingPattern, Event, ExitRow, ExitThen, Fact, Failure, HandlerOption,
    HeldPipes, Limits, MatchRule, Matching, Notice, OverLimit, PlatformInfo, Process, Reading, ReadingRule,
    ReasonSource, StreamState, StrictKeys, TagRule, TextLimit, Tool, Trim, Union, Variable,
};
pub use outcome::{Action, EventKind, Outcome, OutcomeName, Reader};
pub use version::{ParseVersionError, Version};
