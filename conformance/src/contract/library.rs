//! All contracts that the suite knows.

use std::path::Path;

use super::file::{ContractError, ContractFile};
use super::model::Contract;
use super::version::Version;
use crate::embedded;

/// All contracts that the suite knows.
#[derive(Debug, Clone)]
pub struct Library {
    files: Vec<ContractFile>,
}

/// A platform or version that the library does not know.
#[derive(Debug, thiserror::Error)]
pub enum UnknownPlatform {
    /// No contract has that id.
    #[error("failed to find the platform {name:?}: known are {known}")]
    Platform {
        /// The name asked for.
        name: String,
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

impl Library {
    /// The contracts built into the suite.
    ///
    /// # Errors
    /// A built-in file that is no contract is a defect of the suite; the error names the place.
    pub fn built_in() -> Result<Self, ContractError> {
        let files = embedded::contracts()
            .iter()
            .map(|(path, text)| ContractFile::read(Path::new(path), text))
            .collect::<Result<_, _>>()?;
        Ok(Library { files })
    }

    /// The contract files, in order.
    pub fn files(&self) -> &[ContractFile] {
        &self.files
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
        let file = self.files.iter().find(|file| file.platform().id == id).ok_or_else(|| {
            let known: Vec<_> = self.files.iter().map(|file| file.platform().id.as_str()).collect();
            UnknownPlatform::Platform { name: id.to_owned(), known: known.join(", ") }
        })?;
        let version = version.unwrap_or_else(|| file.platform().version.clone());
        Ok(file.select(&version)?)
    }
}

#[cfg(test)]
mod tests {
    use super::{ContractFile, Path, embedded};

    #[test]
    fn every_change_of_a_built_in_contract_leads_to_a_contract() {
        for (path, text) in embedded::contracts() {
            ContractFile::parse(Path::new(path), text).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
