//! The events at which a hook is checked: those that the user names, or those that it seems to be written for.

use std::collections::BTreeMap;

use hookproof::contract::{Contract, Library};
use hookproof::payload::Payloads;
use hookproof::plan::Scenarios;
use hookproof::run::{Checker, FirstAnswers};
use hookproof::subject::{Clue, Subject, written_for};

use super::super::names;
use super::CliError;

/// What `--event` takes for all events of the platform.
const ALL: &str = "all";

/// The events of `--event`, by platform. An event of another platform's name stands for those at the same moment.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// `None`: `--event` was not given.
    by_platform: Option<BTreeMap<String, Option<Vec<String>>>>,
    /// What has to be said of it.
    pub(super) told: Vec<String>,
}

impl Asked {
    pub(super) fn of(words: &[String], contracts: &[Contract], library: &Library) -> Result<Self, CliError> {
        if words.is_empty() {
            return Ok(Asked::default());
        }
        let mut asked = Asked::default();
        let mut by_platform: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
        let of = |contract: &Contract| contract.platform.id.clone();
        if words.iter().any(|word| word == ALL) {
            by_platform.extend(contracts.iter().map(|contract| (of(contract), None)));
            asked.by_platform = Some(by_platform);
            return Ok(asked);
        }
        for word in words {
            let mut is_known = false;
            for contract in contracts {
                let Some(meant) = names::events(contract, library, word) else { continue };
                if let Some(platform) = &meant.of {
                    let title = &contract.platform.title;
                    if meant.events.is_empty() {
                        if contracts.len() == 1 {
                            return Err(CliError::Usage(format!(
                                "failed to find the event {word:?}: it is an event of {platform}, and {title} has none at \
                                 that moment"
                            )));
                        }
                    } else if contracts.len() == 1 {
                        let own = meant.events.join(", ");
                        asked.told.push(format!("{word} is {platform}'s name for {own} of {title}"));
                    }
                }
                is_known = true;
                let events = by_platform.entry(of(contract)).or_insert_with(|| Some(Vec::new()));
                if let Some(events) = events {
                    let new = meant.events.into_iter().filter(|event| !events.contains(event)).collect::<Vec<_>>();
                    events.extend(new);
                }
            }
            if !is_known {
                return Err(names::unknown_event(contracts, word));
            }
        }
        asked.by_platform = Some(by_platform);
        Ok(asked)
    }

    /// Whether the user has said anything.
    pub(super) fn is_said(&self) -> bool {
        self.by_platform.is_some()
    }

    /// The events of a platform that were asked for; `None` for all of them.
    pub(super) fn at(&self, contract: &Contract) -> Option<&[String]> {
        self.by_platform.as_ref()?.get(&contract.platform.id)?.as_deref()
    }

    /// The events of all platforms that were asked for; empty for all of them.
    pub(super) fn everywhere(&self) -> Vec<String> {
        let mut all: Vec<String> =
            self.by_platform.iter().flat_map(|by_platform| by_platform.values()).flatten().flatten().cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}

/// The events at which a command is checked where nobody has named them, and why, as a sentence; `None` for all of them.
pub(super) fn guessed(
    contract: &Contract,
    library: &Library,
    payloads: &Payloads,
    subject: &Subject,
    checker: &Checker<'_>,
) -> Result<Option<(Vec<String>, String)>, CliError> {
    let all = contract.events.len();
    let name = &subject.name;
    let say = |events: &[String], why: String| {
        let others = if events.len() < all {
            format!("; --event all: every event of {}", contract.platform.title)
        } else {
            String::new()
        };
        format!("events: {} ({why}){others}", events.join(", "))
    };
    if let Some(found) = written_for(contract, library, subject) {
        let why = match &found.clue {
            Clue::Placeholder => return Ok(None),
            Clue::CommandLine => "named in the command".to_owned(),
            Clue::Script { path, of } => {
                let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                match of {
                    None => format!("mentioned in {file}"),
                    Some(platform) => format!("{file} mentions {platform}'s names for them"),
                }
            }
        };
        let told = say(&found.events, why);
        return Ok(Some((found.events, told)));
    }
    let scenarios = Scenarios::built_in().map_err(CliError::harness)?;
    let Some(baseline) = scenarios.iter().find(|scenario| scenario.is_baseline()) else { return Ok(None) };
    let answers = checker.first_answers(subject, payloads, baseline).map_err(CliError::harness)?;
    let FirstAnswers { named, responded, told_apart, tried, given_up } = &answers;
    let in_order = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        contract.events.keys().filter(|event| wanted(event)).cloned().collect()
    };
    let is_gate = |event: &str| payloads.of(&contract.platform.id, event).any(|payload| payload.is("dangerous"));
    let gate = contract.events.keys().find(|event| is_gate(event)).or(contract.events.keys().next());
    let (events, why) = if !named.is_empty() {
        (in_order(&|event| named.contains(event)), format!("named in the answers of {name}"))
    } else if let Some(gate) = gate.filter(|gate| told_apart.contains(*gate)) {
        // A guard of commands responds wherever a command is told of; it is for the event at which one can be stopped.
        (vec![gate.clone()], format!("{name} tells payloads apart there"))
    } else if !given_up && !responded.is_empty() && responded.len() * 2 <= *tried {
        (in_order(&|event| responded.contains(event)), format!("{name} responds there and at no other event"))
    } else {
        let why = if *given_up {
            format!("{name} could not be asked which it is for")
        } else if responded.is_empty() {
            format!("nothing says which {name} is for, and it responds at none")
        } else {
            format!("nothing says which {name} is for, and it responds at {} of {tried}", responded.len())
        };
        (gate.into_iter().cloned().collect(), why)
    };
    let told = say(&events, why);
    Ok(Some((events, told)))
}
