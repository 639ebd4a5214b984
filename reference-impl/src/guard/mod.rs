//! What the reference hook is against. A short list on purpose: its use is to be judged, and to be read as an example.
//!
//! Every decision here is a pure function of its arguments: no file, no clock, no environment.

pub(crate) mod notice;

mod command;
mod file;
mod name;
mod place;
mod rule;
mod secret;
mod unfinished;

pub(crate) use command::judge as command;
pub(crate) use file::{judge as file, protected_folder};
pub(crate) use name::worktree_name;
pub(crate) use rule::Rule;
pub(crate) use secret::find as secret;
pub(crate) use unfinished::find as unfinished;

/// The words that decisions turn on, by what they are; the names are in order.
pub(crate) fn knowledge() -> [(&'static str, Vec<&'static str>); 3] {
    [("places", place::known()), ("programs", command::known()), ("secrets", secret::known())]
}
