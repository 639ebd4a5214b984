//! Situations that several platforms know, and where each stands on one of them.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::contract::{Contract, Event, Moment};
use crate::payload::{Payload, Payloads};

/// What a situation asks of a hook's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// Is the step stopped?
    Deny,
    /// Does the step go on?
    Pass,
    /// Does a text of the hook reach the model?
    Context,
    /// Is the agent made to go on?
    GoOn,
}

/// A situation that several platforms know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// Its id.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// What it asks.
    pub asks: Asks,
    /// Moments of the events that it may stand at, the best first.
    pub moments: Vec<Moment>,
    /// Names of payloads that show it, the best first.
    pub payloads: Vec<String>,
}

/// The file of situations is no such file.
#[derive(Debug, Clone, thiserror::Error)]
#[error("failed to read the situations: {0}")]
pub struct SituationsError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    situation: Vec<Situation>,
}

impl Situation {
    /// All of them, in order.
    ///
    /// # Errors
    /// A built-in file that holds no situations is a defect of the suite.
    pub fn all() -> Result<&'static [Situation], SituationsError> {
        static ALL: OnceLock<Result<Vec<Situation>, SituationsError>> = OnceLock::new();
        let read = || {
            toml::from_str(include_str!("../../situations.toml"))
                .map(|file: File| file.situation)
                .map_err(|error| SituationsError(error.to_string()))
        };
        ALL.get_or_init(read).as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }

    /// The event and the payload that show the situation on a platform; `None` if it does not know the situation.
    ///
    /// Of several events one at the same moment as `like` goes first, and of those one with its name: a platform that knows
    /// another's names means its form of the document as well.
    pub fn on<'a>(
        &self,
        contract: &'a Contract,
        payloads: &'a Payloads,
        like: Option<&Event>,
    ) -> Option<(&'a Event, &'a Payload)> {
        let mut moments = self.moments.clone();
        moments.sort_by_key(|moment| like.is_none_or(|like| like.moment != Some(*moment)));
        let at = |moment: Moment| {
            let mut events: Vec<&Event> =
                contract.events.values().filter(|event| event.moment == Some(moment)).collect();
            events.sort_by_key(|event| like.is_none_or(|like| like.name != event.name));
            events
        };
        moments.into_iter().flat_map(at).find_map(|event| {
            let named = |name: &String| payloads.get(&contract.platform.id, &event.name, name);
            Some((event, self.payloads.iter().find_map(named)?))
        })
    }
}
