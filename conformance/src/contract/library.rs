//! All contracts that the suite knows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::file::{ContractError, ContractFile};
use super::model::Contract;
use super::version::Version;
use crate::embedded;
use crate::outside;
use crate::suggest;

/// All contracts that the suite knows. A file is parsed when it is asked for.
#[derive(Debug)]
pub struct Library {
    entries: Vec<Entry>,
}

/// One contract file.
#[derive(Debug)]
struct Entry {
    /// The platform: the file's name.
    id: String,
    path: PathBuf,
    text: String,
    parsed: OnceLock<ContractFile>,
    /// Whether every change must be tried: a test has done so for built-in files.
    checked: bool,
}

impl Entry {
    fn file(&self) -> Result<&ContractFile, ContractError> {
        if let Some(file) = self.parsed.get() {
            return Ok(file);
        }
        let parse = if self.checked { ContractFile::read } else { ContractFile::parse };
        let file = parse(&self.path, &self.text)?;
        let id = &file.platform().id;
        if *id != self.id {
            return Err(ContractError::Meaning {
                path: self.path.clone(),
                line: 1,
                column: 1,
                key: "platform.id".to_owned(),
                message: format!("it is {id:?}, which is not the name of the file"),
            });
        }
        Ok(self.parsed.get_or_init(|| file))
    }
}

/// A platform or version that the library does not know.
#[derive(Debug, thiserror::Error)]
pub enum UnknownPlatform {
    /// No contract has that id.
    #[error("failed to find the platform {name:?}: known are {known}{hint}")]
    Platform {
        /// The name asked for.
        name: String,
        /// The nearest name, as a question.
        hint: String,
        /// What there is.
        known: String,
    },
    /// The part behind `@` is no version.
    #[error(transparent)]
    Version(#[from] super::ParseVersionError),
    /// The contract does not cover the version.
    #[error(transparent)]
    Contract(#[from] ContractError),
}

/// A folder of contracts that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to read contracts from {}: {message}", path.display())]
pub struct FolderError {
    path: PathBuf,
    message: String,
}

impl Library {
    /// The contracts built into the suite.
    ///
    /// # Errors
    /// None today; a built-in file that is no contract is told when it is asked for.
    pub fn built_in() -> Result<Self, ContractError> {
        let entries = embedded::contracts().iter().map(|(path, text)| {
            let id = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
            let (path, text) = (PathBuf::from(path), (*text).to_owned());
            Entry { id: id.to_owned(), path, text, parsed: OnceLock::new(), checked: true }
        });
        Ok(Library { entries: entries.collect() })
    }

    /// Adds the contracts of a folder, one `<platform>.toml` each; one that is there already is replaced.
    ///
    /// # Errors
    /// [`FolderError`] if the folder cannot be read or holds no contract. A file that is no contract is told when it is
    /// asked for.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), FolderError> {
        let fail = |path: &Path, error: &io::Error| FolderError { path: path.to_owned(), message: error.to_string() };
        let mut found = 0;
        for entry in fs::read_dir(folder).map_err(|error| fail(folder, &error))? {
            let path = entry.map_err(|error| fail(folder, &error))?.path();
            let Some(id) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".toml")) else { continue };
            let text = outside::text(&path, outside::CONFIGURATION).map_err(|error| fail(&path, &error))?;
            self.entries.retain(|entry| entry.id != id);
            let id = id.to_owned();
            self.entries.push(Entry { id, path, text, parsed: OnceLock::new(), checked: false });
            found += 1;
        }
        if found == 0 {
            return Err(FolderError { path: folder.to_owned(), message: "it holds no <platform>.toml".to_owned() });
        }
        self.entries.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }

    /// The platforms, in order.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.id.as_str())
    }

    /// The contract files, in order.
    ///
    /// # Errors
    /// The first file that is no contract; the error names the place.
    pub fn files(&self) -> Result<Vec<&ContractFile>, ContractError> {
        self.entries.iter().map(Entry::file).collect()
    }

    /// The contract for `PLATFORM` (its newest described version) or `PLATFORM@VERSION`.
    ///
    /// ```
    /// let library = hookproof::contract::Library::built_in()?;
    /// let contract = library.select("claude-code@2.1.197")?;
    /// assert_eq!(contract.version.to_string(), "2.1.197");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`UnknownPlatform`] says what is known.
    pub fn select(&self, name: &str) -> Result<Contract, UnknownPlatform> {
        let (id, version) = match name.split_once('@') {
            Some((id, version)) => (id, Some(version.parse::<Version>()?)),
            None => (name, None),
        };
        let entry = self.entries.iter().find(|entry| entry.id == id).ok_or_else(|| self.unknown(id))?;
        let file = entry.file()?;
        let version = version.unwrap_or_else(|| file.platform().version.clone());
        Ok(file.select(&version)?)
    }

    /// The contracts of all platforms but `id`. Claude Code's comes first: where several platforms have a name, most have it from
    /// there.
    pub fn others(&self, id: &str) -> impl Iterator<Item = Contract> {
        const ORIGIN: &str = "claude-code";
        let mut ids: Vec<&str> = self.platforms().filter(|other| *other != id).collect();
        ids.sort_by_key(|other| *other != ORIGIN);
        ids.into_iter().filter_map(|other| self.select(other).ok())
    }

    fn unknown(&self, id: &str) -> UnknownPlatform {
        UnknownPlatform::Platform {
            name: id.to_owned(),
            hint: suggest::hint(id, self.platforms()).unwrap_or_default(),
            known: self.platforms().collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ContractFile, Library, Path, embedded, fs};

    #[test]
    fn every_change_of_a_built_in_contract_leads_to_a_contract() {
        for (path, text) in embedded::contracts() {
            ContractFile::parse(Path::new(path), text).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let mut library = Library::built_in().unwrap();
        let count = library.platforms().count();
        assert!(library.add_folder(folder.path()).unwrap_err().to_string().contains("holds no <platform>.toml"));
        let (_, text) = embedded::contracts().iter().find(|(path, _)| path.ends_with("/claude-code.toml")).unwrap();
        fs::write(folder.path().join("claude-code.toml"), text.replace("\"Claude Code\"", "\"Other Title\"")).unwrap();
        fs::write(folder.path().join("other.toml"), *text).unwrap();
        library.add_folder(folder.path()).unwrap();
        assert_eq!(library.platforms().count(), count + 1);
        assert_eq!(library.select("claude-code").unwrap().platform.title, "Other Title");
        let error = library.select("other").unwrap_err().to_string();
        assert!(error.contains("other.toml:1:1") && error.contains("not the name of the file"), "{error}");
    }

    #[test]
    fn an_unknown_platform_gets_the_nearest_name() {
        let error = Library::built_in().unwrap().select("claud-code").unwrap_err().to_string();
        assert!(error.contains("did you mean claude-code?"), "{error}");
    }
}
