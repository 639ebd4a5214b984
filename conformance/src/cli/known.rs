//! What every command knows: the built-in contracts and payloads, and those of `--contracts`.

use std::path::{Path, PathBuf};

use clap::Args;
use hookproof::contract::{Contract, Library};
use hookproof::payload::Payloads;

use super::{CliError, names};

#[derive(Debug, Args)]
pub(crate) struct KnownArguments {
    /// A folder with further contracts (`<platform>.toml`) and their payloads (`payloads/<platform>/<Event>/<name>.json`)
    #[arg(long, global = true, value_name = "DIR")]
    contracts: Option<PathBuf>,
}

/// Contracts and payloads.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) library: Library,
    folder: Option<PathBuf>,
}

impl Known {
    pub(crate) fn of(arguments: &KnownArguments) -> Result<Self, CliError> {
        let mut library = Library::built_in().map_err(CliError::harness)?;
        if let Some(folder) = &arguments.contracts {
            library.add_folder(folder).map_err(CliError::usage)?;
        }
        Ok(Known { library, folder: arguments.contracts.clone() })
    }

    /// The contract of `PLATFORM[@VERSION]`.
    pub(crate) fn contract(&self, name: &str) -> Result<Contract, CliError> {
        names::contract(&self.library, name)
    }

    /// The payloads. They are only parsed where they are needed.
    pub(crate) fn payloads(&self) -> Result<Payloads, CliError> {
        let mut payloads = Payloads::built_in().map_err(CliError::harness)?.clone();
        if let Some(folder) = self.folder.as_deref().map(Path::new) {
            payloads.add_folder(&folder.join("payloads")).map_err(CliError::usage)?;
        }
        Ok(payloads)
    }
}
