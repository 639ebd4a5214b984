//! Names that people type: platforms, events and others, and what is meant where one does not exist.

use std::collections::BTreeSet;
use std::io::{self, Write};

use hookproof::contract::{Contract, Library};
use hookproof::suggest;

use super::CliError;

/// The contract of `PLATFORM[@VERSION]`. A version that is newer than everything that is known is judged by the newest, and
/// that is said on stderr.
pub(super) fn contract(library: &Library, name: &str) -> Result<Contract, CliError> {
    let contract = library.select(name).map_err(CliError::usage)?;
    let newest = &contract.platform.version;
    if contract.version > *newest {
        let id = &contract.platform.id;
        // Nothing is left to be told if stderr cannot be written.
        let _ = writeln!(
            io::stderr(),
            "hookproof: {id}@{}: the newest version that is known is {newest}; its rules are used, and what was measured \
             counts as less certain",
            contract.version
        );
    }
    Ok(contract)
}

/// A name that is none of `known`, with those that may be meant.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> CliError {
    let hint =
        suggest::hint(name, known.iter().copied()).unwrap_or_else(|| format!("; known are {}", known.join(", ")));
    CliError::Usage(format!("failed to find the {what} {name:?}{hint}"))
}

/// An event as a person names it, in the words of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    /// The names of the platform's own events; empty if it has none at that moment.
    pub(super) events: Vec<String>,
    /// The title of the platform whose name it is, if it is another one.
    pub(super) of: Option<String>,
}

/// The events of the contract that `name` means: its own, or those at the moment of another platform's event of that name.
/// `None` if no platform has such an event.
pub(super) fn events(contract: &Contract, library: &Library, name: &str) -> Option<Meant> {
    if contract.events.contains_key(name) {
        return Some(Meant { events: vec![name.to_owned()], of: None });
    }
    let other = library.others(&contract.platform.id).find(|other| other.events.contains_key(name))?;
    let moments: BTreeSet<_> = other.events[name].moment.into_iter().collect();
    Some(Meant { events: contract.events_at(&moments), of: Some(other.platform.title.clone()) })
}

/// The one event of the contract that `name` means. That it is another platform's name is said on stderr.
pub(super) fn one_event(contract: &Contract, library: &Library, name: &str) -> Result<String, CliError> {
    let title = &contract.platform.title;
    match events(contract, library, name) {
        None => Err(unknown_event(std::slice::from_ref(contract), name)),
        Some(Meant { events, of: None }) => Ok(events.into_iter().next().unwrap_or_default()),
        Some(Meant { events, of: Some(platform) }) => match events.as_slice() {
            [event] => {
                // Nothing is left to be told if stderr cannot be written.
                let _ = writeln!(io::stderr(), "hookproof: {name} is {platform}'s name for {event} of {title}");
                Ok(event.clone())
            }
            [] => Err(CliError::Usage(format!(
                "failed to find the event {name:?}: it is an event of {platform}, and {title} has none at that moment"
            ))),
            several => Err(CliError::Usage(format!(
                "failed to choose an event for {name:?}, which is an event of {platform}: {title} has {}",
                several.join(", ")
            ))),
        },
    }
}

/// Why no platform of the check has an event of that name.
pub(super) fn unknown_event(contracts: &[Contract], name: &str) -> CliError {
    let mut known: Vec<&str> = Vec::new();
    for event in contracts.iter().flat_map(|contract| contract.events.keys()) {
        if !known.contains(&event.as_str()) {
            known.push(event);
        }
    }
    unknown("event", name, &known)
}
