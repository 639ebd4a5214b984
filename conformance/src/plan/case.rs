//! Cases: what is run, under which name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stable name of a case: `subject/platform@version/Event/payload/scenario`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CaseId {
    /// The hook under check.
    pub subject: String,
    /// The platform's id.
    pub platform: String,
    /// The platform's version.
    pub version: String,
    /// The event.
    pub event: String,
    /// The payload's name.
    pub payload: String,
    /// The scenario's id.
    pub scenario: String,
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CaseId { subject, platform, version, event, payload, scenario } = self;
        write!(f, "{subject}/{platform}@{version}/{event}/{payload}/{scenario}")
    }
}

impl CaseId {
    /// The name for test runners: `platform::event::payload::scenario`.
    pub fn trial_name(&self) -> String {
        [&self.platform, &self.event, &self.payload, &self.scenario].map(String::as_str).join("::")
    }
}
