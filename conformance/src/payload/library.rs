//! All payloads that the suite has.

use std::path::Path;
use std::sync::OnceLock;

use super::{Payload, PayloadError};
use crate::embedded;

/// All payloads that the suite has, sorted by platform, event and name.
#[derive(Debug, Clone)]
pub struct Payloads {
    all: Vec<Payload>,
}

impl Payloads {
    /// The payloads built into the suite; they are parsed once a process.
    ///
    /// ```
    /// use hookproof::payload::Payloads;
    ///
    /// let payloads = Payloads::built_in()?;
    /// let minimal = payloads.get("claude-code", "Stop", "minimal").expect("every event has a minimal payload");
    /// assert!(minimal.is("minimal"));
    /// assert!(minimal.bytes("\n").ends_with(b"}\n"));
    /// assert!(payloads.of("claude-code", "Stop").len() >= 3);
    /// # Ok::<(), hookproof::payload::PayloadError>(())
    /// ```
    ///
    /// # Errors
    /// A built-in file that is no payload is a defect of the suite; the error names the place.
    pub fn built_in() -> Result<&'static Payloads, PayloadError> {
        static BUILT_IN: OnceLock<Result<Payloads, PayloadError>> = OnceLock::new();
        BUILT_IN.get_or_init(|| Payloads::parse(embedded::payloads().iter().copied())).as_ref().map_err(Clone::clone)
    }

    /// Parses files, given as path and text.
    ///
    /// # Errors
    /// The first file that is no payload; the error names the place.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Payloads, PayloadError> {
        let parsed = files.into_iter().map(|(path, text)| Payload::parse(Path::new(path), text));
        let mut all = parsed.collect::<Result<Vec<_>, _>>()?;
        all.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(Payloads { all })
    }

    /// All of them.
    pub fn all(&self) -> &[Payload] {
        &self.all
    }

    /// Those of one event, sorted by name; none if the platform or the event is unknown.
    pub fn of<'a>(&'a self, platform: &str, event: &str) -> impl ExactSizeIterator<Item = &'a Payload> + use<'a> {
        let wanted = (platform, event);
        let start = self.all.partition_point(|payload| (payload.platform.as_str(), payload.event.as_str()) < wanted);
        let length =
            self.all[start..].partition_point(|payload| (payload.platform.as_str(), payload.event.as_str()) == wanted);
        self.all[start..start + length].iter()
    }

    /// One of them.
    pub fn get(&self, platform: &str, event: &str, name: &str) -> Option<&Payload> {
        self.of(platform, event).find(|payload| payload.name == name)
    }
}

fn key(payload: &Payload) -> (&str, &str, &str) {
    (&payload.platform, &payload.event, &payload.name)
}
