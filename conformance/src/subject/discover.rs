//! Finding the hooks of a configuration.

use std::path::{Path, PathBuf};

use super::Subject;
use super::build;
use super::error::DiscoverError;
use super::host::Host;
use super::name::Names;
use super::notice::{ConfigNotice, Notices};
use super::plugin;
use super::settings;
use crate::contract::Dialect;
use crate::contract::{Contract, Evidence};
use crate::requirement::Level;

/// What a configuration holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Discovery {
    /// The commands, each once, in the order of the files.
    pub subjects: Vec<Subject>,
    /// What is to be said of the configuration itself.
    pub notices: Vec<ConfigNotice>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// Finds the hooks that `path` configures.
///
/// `path` is one of
/// - a settings file, or any other JSON file with the map of events under the settings' key;
/// - a plugin's file of hooks or its manifest;
/// - a settings folder such as `.claude`;
/// - a project's folder or a plugin's folder, or one that is both.
///
/// What the platform would not run is no subject; what stands in a file that the platform leaves out because of another
/// entry is one all the same, so that it can be checked before the file is mended. Both are told in the notices.
///
/// ```
/// use hookproof::contract::Library;
/// use hookproof::subject::discover;
///
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("settings.json");
/// std::fs::write(&file, r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [
///     {"type": "command", "command": "python3 /x/guard.py", "timeout": 5}]}]}}"#)?;
/// let found = discover(&Library::built_in()?.select("claude-code")?, &file)?;
/// assert_eq!(found.subjects[0].name, "PreToolUse-1-guard.py");
/// assert_eq!(found.subjects[0].matcher.as_deref(), Some("Bash"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DiscoverError`] if nothing could be read: the path, its place and what to do are in the message. Of several files
/// one that is broken becomes a notice, as long as another can be read.
pub fn discover(contract: &Contract, path: &Path) -> Result<Discovery, DiscoverError> {
    Search { contract, host: Host::current(), home: std::env::home_dir() }.run(path)
}

/// A search, with what it would otherwise ask its surroundings for.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) host: Host,
    /// The person's own folder, whose settings belong to no project.
    pub(crate) home: Option<PathBuf>,
}

/// What a search has found so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) subjects: Vec<Subject>,
    pub(crate) notices: Notices,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) names: Names,
    errors: Vec<DiscoverError>,
}

/// What a path turns out to be.
enum Target {
    /// Settings files, and the project that they belong to.
    Settings { files: Vec<PathBuf>, project: Option<PathBuf> },
    /// A plugin's folder, and the only file of hooks to look at, if one was named.
    Plugin { root: PathBuf, only: Option<PathBuf> },
}

impl Search<'_> {
    pub(crate) fn run(&self, path: &Path) -> Result<Discovery, DiscoverError> {
        let dialect = Dialect::of(self.contract)
            .ok_or_else(|| DiscoverError::NoDialect { platform: self.contract.platform.title.clone() })?;
        let unreadable = |source| DiscoverError::Unreadable { path: path.to_owned(), source };
        let path = plain(std::path::absolute(path).map_err(unreadable)?);
        let targets = if std::fs::metadata(&path).map_err(unreadable)?.is_dir() {
            self.folder(dialect, &path)?
        } else {
            vec![self.file(dialect, &path)]
        };
        let mut found = Found::default();
        for target in &targets {
            match target {
                Target::Settings { files, project } => {
                    settings::read(self, dialect, files, project.as_deref(), &mut found);
                }
                Target::Plugin { root, only } => {
                    plugin::read(self, dialect, root, only.as_deref(), &mut found);
                }
            }
        }
        found.finish(self.contract)
    }

    fn folder(&self, dialect: &Dialect, path: &Path) -> Result<Vec<Target>, DiscoverError> {
        let settings = &dialect.settings;
        let existing = |folder: &Path| -> Vec<PathBuf> {
            settings.files.iter().map(|name| folder.join(name)).filter(|file| file.exists()).collect()
        };
        if path.file_name().is_some_and(|name| name == settings.folder.as_str()) {
            let files = existing(path);
            if files.is_empty() {
                return Err(self.nothing(dialect, path));
            }
            return Ok(vec![Target::Settings { files, project: self.project_of(path) }]);
        }
        let mut targets = Vec::new();
        if path.join(&dialect.plugin.manifest).exists() || path.join(&dialect.plugin.file).exists() {
            targets.push(Target::Plugin { root: path.to_owned(), only: None });
        }
        let folder = path.join(&settings.folder);
        let files = existing(&folder);
        if !files.is_empty() {
            targets.push(Target::Settings { files, project: self.project_of(&folder) });
        }
        if targets.is_empty() { Err(self.nothing(dialect, path)) } else { Ok(targets) }
    }

    fn file(&self, dialect: &Dialect, path: &Path) -> Target {
        let settings = &dialect.settings;
        let folder = path.parent().unwrap_or(path);
        let in_settings = path
            .ancestors()
            .skip(1)
            .find(|folder| folder.file_name().is_some_and(|name| name == settings.folder.as_str()));
        if let Some(in_settings) = in_settings {
            return Target::Settings { files: vec![path.to_owned()], project: self.project_of(in_settings) };
        }
        if let Some(root) = strip_suffix(path, &dialect.plugin.manifest) {
            return Target::Plugin { root, only: None };
        }
        if let Some(root) = strip_suffix(path, &dialect.plugin.file) {
            return Target::Plugin { root, only: Some(path.to_owned()) };
        }
        let named = folder.ancestors().find(|root| plugin::names(dialect, root, path));
        match named {
            Some(root) => Target::Plugin { root: root.to_owned(), only: Some(path.to_owned()) },
            None => Target::Settings { files: vec![path.to_owned()], project: None },
        }
    }

    /// The project to which a settings folder belongs: the folder around it, unless that is a person's own.
    fn project_of(&self, settings: &Path) -> Option<PathBuf> {
        let project = settings.parent()?;
        let same = |home: &PathBuf| {
            home == project
                || matches!((home.canonicalize(), project.canonicalize()), (Ok(home), Ok(project)) if home == project)
        };
        if self.home.as_ref().is_some_and(same) { None } else { Some(project.to_owned()) }
    }

    fn nothing(&self, dialect: &Dialect, path: &Path) -> DiscoverError {
        let settings = &dialect.settings;
        let inside = path.file_name().is_some_and(|name| name == settings.folder.as_str());
        let mut looked_for: Vec<String> = settings
            .files
            .iter()
            .map(|name| if inside { name.clone() } else { format!("{}/{name}", settings.folder) })
            .collect();
        if !inside {
            looked_for.extend([dialect.plugin.manifest.clone(), dialect.plugin.file.clone()]);
        }
        let folder = if inside { path.to_owned() } else { path.join(&settings.folder) };
        let unread = settings.unread.iter().map(|name| folder.join(name)).find(|file| file.exists());
        let loose = settings.files.iter().map(|name| path.join(name)).find(|file| file.exists());
        let hint = if path.join(&dialect.plugin.marketplace).exists() {
            format!("; {} lists plugins: give the folder of one of them", dialect.plugin.marketplace)
        } else if let Some(file) = unread {
            format!("; {} is not read by {}", file.display(), self.contract.platform.title)
        } else if let Some(file) = loose {
            format!("; to look into {}, give the file itself", file.display())
        } else {
            String::new()
        };
        DiscoverError::Nothing { path: path.to_owned(), looked_for: looked_for.join(", "), hint }
    }
}

impl Found {
    /// Takes a file that could be read, or notes why it could not.
    pub(crate) fn take<T>(&mut self, path: &Path, read: Result<T, DiscoverError>) -> Option<T> {
        match read {
            Ok(value) => {
                self.files.push(path.to_owned());
                Some(value)
            }
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    /// Makes subjects of commands.
    pub(crate) fn build(&mut self, commands: &[super::sheet::Command<'_>]) {
        self.subjects.extend(build::subjects(commands, &mut self.names, &mut self.notices));
    }

    fn finish(mut self, contract: &Contract) -> Result<Discovery, DiscoverError> {
        if self.files.is_empty() && !self.errors.is_empty() {
            return Err(self.errors.swap_remove(0));
        }
        for error in &self.errors {
            self.notices.extend(broken(contract, error));
        }
        Ok(Discovery { subjects: self.subjects, notices: self.notices.finish(&self.files), files: self.files })
    }
}

/// A file that could not be read, next to others that could.
fn broken(contract: &Contract, error: &DiscoverError) -> Option<ConfigNotice> {
    let (file, line, column, message, help) = match error {
        DiscoverError::Syntax { path, line, column, message, help } => {
            (path, *line, *column, message.clone(), help.clone())
        }
        DiscoverError::Unreadable { path, source } => {
            (path, 1, 1, format!("the file cannot be read: {source}"), "make it readable, or take it away".to_owned())
        }
        DiscoverError::NotAnObject { path, found, key } => {
            (path, 1, 1, format!("the file holds {found}"), format!("write an object with the key {key:?}"))
        }
        DiscoverError::NoFile { path } => {
            (path, 1, 1, "this is no regular file".to_owned(), "put a JSON file here".to_owned())
        }
        // These are said of whole searches, never of one file among others.
        DiscoverError::Nothing { .. } | DiscoverError::NoDialect { .. } => return None,
    };
    Some(ConfigNotice {
        requirement: "config.broken-file".to_owned(),
        level: Some(Level::Must),
        evidence: Evidence::Documented,
        message,
        consequence: format!("{} loads nothing from this file", contract.platform.title),
        help,
        file: file.clone(),
        line,
        column,
        excerpt: String::new(),
    })
}

/// `path` without `.` and `..`, as platforms tell it to hooks; links stay as they are, because a settings folder may be
/// one.
fn plain(path: PathBuf) -> PathBuf {
    let plain = plugin::resolve(Path::new(""), &path);
    // Behind a link, `..` leads elsewhere than the text says.
    if plain.exists() { plain } else { path }
}

/// `path` without the relative path `suffix` at its end.
fn strip_suffix(path: &Path, suffix: &str) -> Option<PathBuf> {
    if !path.ends_with(suffix) {
        return None;
    }
    path.ancestors().nth(Path::new(suffix).components().count()).map(Path::to_owned)
}

#[cfg(test)]
mod tests;
