//! All payloads that the suite has.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

use super::situation::Situation;
use super::template::Templates;
use super::{Payload, PayloadError};
use crate::embedded;
use crate::outside;

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
        let read = || {
            let mut payloads = Payloads::parse(embedded::payloads().iter().copied())?;
            payloads.make(embedded::templates().iter().map(|(path, text)| (Path::new(*path), *text)))?;
            Ok(payloads)
        };
        BUILT_IN.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// Adds what templates make of the situations of the suite.
    fn make<'a>(&mut self, templates: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Result<(), PayloadError> {
        static SITUATIONS: OnceLock<Result<Vec<Situation>, PayloadError>> = OnceLock::new();
        let read = || {
            let files = embedded::situations().iter().map(|(path, text)| Situation::parse(Path::new(path), text));
            files.collect::<Result<Vec<_>, _>>().map(|files| files.concat())
        };
        let situations = SITUATIONS.get_or_init(read).as_ref().map_err(Clone::clone)?;
        let mut made = Vec::new();
        for (path, text) in templates {
            made.extend(Templates::parse(path, text)?.make(path, situations, self)?);
        }
        self.all.extend(made);
        self.all.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(())
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

    /// Adds the payloads of a folder, `<platform>/<Event>/<name>.json`; one that is there already is replaced. Where a
    /// platform has templates, `<platform>/templates.toml`, it gets a payload for each situation of the suite too. A
    /// folder that is not there adds nothing.
    ///
    /// # Errors
    /// The first file that is no payload, or that cannot be read; the error names the place.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), PayloadError> {
        let mut files = Vec::new();
        let unreadable =
            |path: &Path, error: &io::Error| PayloadError::Path { path: path.to_owned(), message: error.to_string() };
        walk(folder, 3, "json", &mut files).map_err(|error| unreadable(folder, &error))?;
        for path in files {
            let text = outside::text(&path, outside::PAYLOAD).map_err(|error| unreadable(&path, &error))?;
            let new = Payload::parse(&path, &text)?;
            self.all.retain(|old| key(old) != key(&new));
            self.all.push(new);
        }
        self.all.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut templates = Vec::new();
        walk(folder, 2, "toml", &mut templates).map_err(|error| unreadable(folder, &error))?;
        for path in templates {
            let text = outside::text(&path, outside::PAYLOAD).map_err(|error| unreadable(&path, &error))?;
            self.make([(path.as_path(), text.as_str())])?;
        }
        Ok(())
    }

    /// Adds a payload; one of the same name at the same event is replaced.
    pub fn add(&mut self, payload: Payload) {
        self.all.retain(|old| key(old) != key(&payload));
        let at = self.all.partition_point(|old| key(old) < key(&payload));
        self.all.insert(at, payload);
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

/// Collects the files with this extension exactly `depth` levels below `folder`.
fn walk(folder: &Path, depth: usize, wanted: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if depth > 1 && path.is_dir() {
            walk(&path, depth - 1, wanted, files)?;
        } else if depth == 1 && path.extension().is_some_and(|extension| extension == wanted) {
            files.push(path);
        }
    }
    Ok(())
}

fn key(payload: &Payload) -> (&str, &str, &str) {
    (&payload.platform, &payload.event, &payload.name)
}
