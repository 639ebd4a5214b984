//! The catalogue of all requirements.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde::Deserialize;

use super::Requirement;
use crate::{embedded, judge};

/// A file that is no list of requirements.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the requirements {}: {message}", path.display())]
pub struct CatalogueError {
    path: PathBuf,
    message: String,
}

/// All requirements, by id.
#[derive(Debug, Clone)]
pub struct Catalogue(BTreeMap<String, Requirement>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    requirement: Vec<Requirement>,
}

impl Catalogue {
    /// The requirements built into the suite.
    ///
    /// ```
    /// let catalogue = hookproof::requirement::Catalogue::built_in()?;
    /// assert!(catalogue.get("stream.noise-before-json").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A built-in file that is none is a defect of the suite; the error names it.
    pub fn built_in() -> Result<&'static Catalogue, CatalogueError> {
        static ALL: OnceLock<Catalogue> = OnceLock::new();
        if let Some(all) = ALL.get() {
            return Ok(all);
        }
        let mut map = BTreeMap::new();
        for (path, text) in embedded::requirements() {
            let fail = |message: String| CatalogueError { path: PathBuf::from(path), message };
            let file: File = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
            for requirement in file.requirement {
                let id = requirement.id.clone();
                let category = id.split('.').next().unwrap_or_default();
                if !path.ends_with(&format!("{category}.toml")) {
                    return Err(fail(format!("{id} is no requirement of this file's category")));
                }
                if !judge::is_known(&requirement.judge) {
                    return Err(fail(format!("{id} names the judge {:?}, which there is not", requirement.judge)));
                }
                let known = judge::budgets(&requirement.judge);
                if !requirement.budget.keys().map(String::as_str).eq(known.iter().copied()) {
                    return Err(fail(format!(
                        "{id} must have exactly the budgets {known:?}, which its judge compares with"
                    )));
                }
                if map.insert(id.clone(), requirement).is_some() {
                    return Err(fail(format!("{id} stands twice")));
                }
            }
        }
        Ok(ALL.get_or_init(|| Catalogue(map)))
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.0.values()
    }
}
