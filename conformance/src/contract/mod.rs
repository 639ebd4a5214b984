//! Contracts: what a platform, at a version, promises and demands of hooks.
//!
//! A contract is one TOML file. [`ContractFile::parse`] reads and checks it with errors that name file, line and key;
//! [`ContractFile::select`] turns it into the [`Contract`] that held at one version.

mod check;
mod config;
mod event;
mod evidence;
mod exit_table;
mod field;
mod file;
mod inherit;
mod library;
mod model;
pub(crate) use model::type_names;
mod outcome;
mod phantom;
mod reading;
mod select;
mod variable_names;
mod version;

pub(crate) use config::{
    Condition, Cost, Dialect, EventFiles, Foreign, FormatVersion, FrontMatter, HandlerKey, InvalidPattern, Language,
    MapShape, Part, Placeholders, Plugin, PluginOptions, Project, Scripts, Spelling, StartsIn, Syntax, System, Takes,
    TimeUnit, ToolNames,
};
pub use event::{Event, Failure, HeldPipes, StrictKeys};
pub use evidence::{Basis, Evidence};
pub use exit_table::{AnswerClass, EndingPattern, ExitRow, ExitThen, ReasonSource, StreamState};
pub use field::{Decision, Field, FieldPath, Need, Refuse, Role, Shape, ValueType, With, plain_path};
pub use file::{Change, ChangeSet, ContractError, ContractFile, PlannedEvent};
pub use library::{FolderError, Library, UnknownPlatform};
pub use model::{
    Contract, HandlerOption, Limits, MatchRule, Matching, MatchingAt, Notice, OverLimit, PlatformInfo, Process,
    TextLimit, Tool, Transcript, Variable,
};
pub use outcome::{Action, EventKind, Moment, Outcome, OutcomeName, Question, Reader};
pub(crate) use phantom::{ForeignName, Phantoms, with_names};
pub use phantom::{Phantom, PhantomForm, Place, UnsentNames};
pub use reading::{
    BrokenRule, Fact, KeyRule, Mismatch, NonObject, Reading, ReadingRule, StreamName, TagRule, Trim, Union, UnknownKeys,
};
pub use variable_names::VariableNames;
pub use version::{ParseVersionError, Version};
