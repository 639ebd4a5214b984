//! All payloads that the suite has.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

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

    /// Adds the payloads of a folder, `<platform>/<Event>/<name>.json`; one that is there already is replaced. A folder
    /// that is not there adds nothing.
    ///
    /// # Errors
    /// The first file that is no payload, or that cannot be read; the error names the place.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), PayloadError> {
        let mut files = Vec::new();
        let unreadable =
            |path: &Path, error: &io::Error| PayloadError::Path { path: path.to_owned(), message: error.to_string() };
        walk(folder, 3, &mut files).map_err(|error| unreadable(folder, &error))?;
        for path in files {
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let new = Payload::parse(&path, &text)?;
            self.all.retain(|old| key(old) != key(&new));
            self.all.push(new);
        }
        self.all.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(())
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

/// Collects the JSON files exactly `depth` levels below `folder`.
fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if depth > 1 && path.is_dir() {
            walk(&path, depth - 1, files)?;
        } else if depth == 1 && path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn key(payload: &Payload) -> (&str, &str, &str) {
    (&payload.platform, &payload.event, &payload.name)
}
