//! Finding the hooks of a configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Subject;
use super::build;
use super::error::DiscoverError;
use super::host::Host;
use super::lint;
use super::name::Names;
use super::notice::{ConfigNotice, Notices};
use super::pattern::Pattern;
use super::source::Source;
use super::{event_files, executable, front_matter, plugin, settings};
use crate::contract::{Contract, Dialect, Evidence, Library, MapShape, Plugin};
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
/// - a file that the platform reads hooks from, or any other JSON or TOML file of that shape;
/// - a plugin's file of hooks or its manifest;
/// - a folder of such files, such as `.claude` or `.github/hooks`;
/// - a project's folder or a plugin's folder, or one that is both; the home folder with what is read from it only;
/// - on platforms whose hooks are files named after events, such a file or their folder.
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
    discover_given(contract, path, &BTreeSet::new())
}

/// The same where the user gives the hooks variables of these names, so that they are set.
///
/// # Errors
/// As [`discover`].
pub fn discover_given(
    contract: &Contract,
    path: &Path,
    variables: &BTreeSet<String>,
) -> Result<Discovery, DiscoverError> {
    let given = variables.clone();
    Search { contract, host: Host::current(), home: std::env::home_dir(), has: executable::is_there, given }.run(path)
}

/// A search, with what it would otherwise ask its surroundings for.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) host: Host,
    /// The person's own folder, whose settings belong to no project.
    pub(crate) home: Option<PathBuf>,
    /// Whether a program is on this machine.
    pub(crate) has: fn(&str) -> bool,
    /// Names of variables that the user gives the hooks.
    pub(crate) given: BTreeSet<String>,
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
    /// Settings files, the directory below which they have their place, and the project that they belong to.
    Settings { files: Vec<PathBuf>, base: Option<PathBuf>, project: Option<PathBuf> },
    /// A plugin's folder, and the only file of hooks to look at, if one was named.
    Plugin { root: PathBuf, only: Option<PathBuf> },
    /// Markdown files whose front matter holds hooks.
    FrontMatter { files: Vec<PathBuf>, project: Option<PathBuf> },
    /// Files that are not read, with hooks in the form of another platform: its title and its id.
    Unread(Vec<(PathBuf, String, String)>),
    /// Files that are hooks themselves.
    EventFiles { files: Vec<PathBuf>, project: Option<PathBuf> },
}

impl Search<'_> {
    pub(crate) fn run(&self, path: &Path) -> Result<Discovery, DiscoverError> {
        let dialect = Dialect::of(self.contract)
            .ok_or_else(|| DiscoverError::NoDialect { platform: self.contract.platform.title.clone() })?;
        let unreadable = |source| DiscoverError::Unreadable { path: path.to_owned(), source };
        let path = plain(std::path::absolute(path).map_err(unreadable)?);
        let targets = if std::fs::metadata(&path).map_err(unreadable)?.is_dir() {
            match self.folder(dialect, &path) {
                Err(nothing @ DiscoverError::Nothing { .. }) => vec![self.unread(dialect, &path).ok_or(nothing)?],
                targets => targets?,
            }
        } else {
            vec![self.file(dialect, &path)]
        };
        let mut found = Found::default();
        for target in &targets {
            match target {
                Target::Settings { files, base, project } => {
                    settings::read(self, dialect, files, base.as_deref(), project.as_deref(), &mut found);
                }
                Target::Plugin { root, only } => {
                    plugin::read(self, dialect, root, only.as_deref(), &mut found);
                }
                Target::FrontMatter { files, project } => {
                    front_matter::read(self, dialect, files, project.as_deref(), None, &mut found);
                }
                Target::Unread(files) => {
                    for (file, title, id) in files {
                        let Ok(source) = Source::read(file, dialect.syntax.as_ref()) else { continue };
                        lint::unread_file::in_other_form(
                            self.contract,
                            dialect,
                            &source,
                            (title.as_str(), id.as_str()),
                            &mut found.notices,
                        );
                        found.files.push(file.clone());
                    }
                }
                Target::EventFiles { files, project } => {
                    event_files::read(self, dialect, files, project.as_deref(), &mut found);
                }
            }
        }
        found.finish(self.contract)
    }

    fn folder(&self, dialect: &Dialect, path: &Path) -> Result<Vec<Target>, DiscoverError> {
        let settings = &dialect.settings;
        let inside: Vec<(&Path, Pattern<'_>)> =
            patterns(dialect).filter_map(|pattern| Pattern::of(pattern).within(path)).collect();
        let marked = dialect.front_matter.iter().flat_map(|kind| &kind.files);
        let marked = marked.filter_map(|pattern| Some(Pattern::of(pattern).within(path)?.0)).next();
        if let Some(base) = inside.first().map(|(base, _)| *base).or(marked) {
            let project = self.project(base);
            let files: Vec<PathBuf> = inside.iter().flat_map(|(_, rest)| rest.existing(path)).collect();
            let mut targets: Vec<Target> = self.targets(dialect, files, base, project);
            let below =
                |pattern: &Pattern<'_>| pattern.within(path).map_or_else(Vec::new, |(_, rest)| rest.existing(path));
            targets.extend(plugins(dialect, below));
            let marked = front_matter::files(dialect, base).into_iter().filter(|file| file.starts_with(path));
            targets.extend(self.marked(marked.collect(), base));
            return if targets.is_empty() { Err(self.nothing(dialect, path)) } else { Ok(targets) };
        }
        let mut targets = Vec::new();
        if dialect.plugin.as_ref().is_some_and(|plugin| plugin::is_in(plugin, path)) {
            targets.push(Target::Plugin { root: path.to_owned(), only: None });
        }
        let project = self.project(path);
        let own = if project.is_none() { settings.home.as_slice() } else { &[] };
        let files = settings.files.iter().chain(own).flat_map(|pattern| Pattern::of(pattern).existing(path)).collect();
        targets.extend(self.targets(dialect, files, path, project));
        let here = |pattern: &Pattern<'_>| match pattern.within(path) {
            Some((_, rest)) => rest.existing(path).into_iter().filter(|root| root != path).collect(),
            None => pattern.existing(path),
        };
        targets.extend(plugins(dialect, here));
        targets.extend(self.marked(front_matter::files(dialect, path), path));
        if targets.is_empty() { Err(self.nothing(dialect, path)) } else { Ok(targets) }
    }

    /// Markdown files with hooks as a target; nothing if there are none.
    fn marked(&self, files: Vec<PathBuf>, base: &Path) -> Option<Target> {
        (!files.is_empty()).then(|| Target::FrontMatter { files, project: self.project(base) })
    }

    /// What the files of a project are; nothing if there are none.
    fn targets(&self, dialect: &Dialect, files: Vec<PathBuf>, base: &Path, project: Option<PathBuf>) -> Vec<Target> {
        if dialect.layout.shape == MapShape::EventFiles {
            let files: Vec<PathBuf> = files.iter().flat_map(|folder| Pattern::of("*").existing(folder)).collect();
            return if files.is_empty() { Vec::new() } else { vec![Target::EventFiles { files, project }] };
        }
        let base = Some(base.to_owned());
        if files.is_empty() { Vec::new() } else { vec![Target::Settings { files, base, project }] }
    }

    fn file(&self, dialect: &Dialect, path: &Path) -> Target {
        let settings = &dialect.settings;
        let files = vec![path.to_owned()];
        if dialect.layout.shape == MapShape::EventFiles {
            let folder = path.parent().unwrap_or(path);
            let base = patterns(dialect).find_map(|pattern| Pattern::of(pattern).base(folder));
            return Target::EventFiles { files, project: base.and_then(|base| self.project(base)) };
        }
        if path.extension().is_some_and(|extension| extension == "md") {
            let mut kinds = dialect.front_matter.iter().flat_map(|kind| &kind.files);
            let base = kinds.find_map(|pattern| Pattern::of(pattern).base(path));
            return Target::FrontMatter { files, project: base.and_then(|base| self.project(base)) };
        }
        let known = patterns(dialect).chain(&settings.unread);
        if let Some(base) = known.into_iter().find_map(|pattern| Pattern::of(pattern).base(path)) {
            return Target::Settings { files, base: Some(base.to_owned()), project: self.project(base) };
        }
        let in_plugin = dialect.plugin.as_ref().and_then(|plugin| plugin_of(plugin, dialect, path));
        let certain = |(root, _): &(PathBuf, _)| {
            dialect
                .plugin
                .as_ref()
                .and_then(|plugin| plugin.manifest.as_ref())
                .is_some_and(|name| root.join(name).is_file())
        };
        let in_settings = path.ancestors().skip(1).find(|folder| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| patterns(dialect).any(|pattern| Pattern::of(pattern).folder() == Some(name)))
        });
        match (in_plugin, in_settings) {
            (Some(plugin), Some(_)) if certain(&plugin) => Target::Plugin { root: plugin.0, only: plugin.1 },
            (_, Some(folder)) => {
                Target::Settings { files, base: None, project: folder.parent().and_then(|base| self.project(base)) }
            }
            (Some((root, only)), None) => Target::Plugin { root, only },
            (None, None) => Target::Settings { files, base: None, project: None },
        }
    }

    /// The project of a folder: the folder itself, unless that is a person's own.
    fn project(&self, folder: &Path) -> Option<PathBuf> {
        let same = |home: &PathBuf| {
            home == folder
                || matches!((home.canonicalize(), folder.canonicalize()), (Ok(home), Ok(folder)) if home == folder)
        };
        if self.home.as_ref().is_some_and(same) { None } else { Some(folder.to_owned()) }
    }

    /// Files with hooks that look like settings and are not read, where nothing is read.
    fn unread(&self, dialect: &Dialect, path: &Path) -> Option<Target> {
        let base = patterns(dialect).find_map(|pattern| Some(Pattern::of(pattern).within(path)?.0)).unwrap_or(path);
        let files = dialect.settings.unread.iter().flat_map(|pattern| Pattern::of(pattern).existing(base));
        let (own, others): (Vec<_>, Vec<_>) = files.partition(|file| has_hooks(self.contract, dialect, file));
        if !own.is_empty() {
            return Some(Target::Settings { files: own, base: Some(base.to_owned()), project: self.project(base) });
        }
        let form = |file: PathBuf| {
            let (title, id) = self.others().find_map(|contract| {
                let dialect = Dialect::of(&contract)?;
                let platform = &contract.platform;
                has_hooks(&contract, dialect, &file).then(|| (platform.title.clone(), platform.id.clone()))
            })?;
            Some((file, title, id))
        };
        let others: Vec<_> = others.into_iter().filter_map(form).collect();
        (!others.is_empty()).then_some(Target::Unread(others))
    }

    fn nothing(&self, dialect: &Dialect, path: &Path) -> DiscoverError {
        let settings = &dialect.settings;
        let inside = patterns(dialect).filter_map(|pattern| Pattern::of(pattern).within(path));
        let inside: Vec<(&Path, Pattern<'_>)> = inside.collect();
        let mut looked_for: Vec<String> = inside.iter().map(|(_, rest)| rest.to_string()).collect();
        if inside.is_empty() {
            looked_for.extend(settings.files.iter().cloned());
            if let Some(plugin) = &dialect.plugin {
                looked_for.extend(plugin.manifest.iter().chain([&plugin.file]).cloned());
                looked_for.extend(plugin.folders.iter().cloned());
            }
        }
        let base = inside.first().map_or(path, |(base, _)| *base);
        let unread = settings.unread.iter().find_map(|name| Pattern::of(name).existing(base).pop());
        let name = |pattern: &String| pattern.rsplit('/').next().unwrap_or(pattern).to_owned();
        let loose = settings.files.iter().find_map(|pattern| Pattern::of(&name(pattern)).existing(path).pop());
        let marketplace = dialect.plugin.as_ref().and_then(|plugin| plugin.marketplace.as_ref());
        let hint = if let Some(list) = marketplace.filter(|list| path.join(list).exists()) {
            format!("; {list} lists plugins: give the folder of one of them")
        } else if let Some(file) = unread {
            format!("; {} is not read by {}", file.display(), self.contract.platform.title)
        } else if let Some(file) = loose.filter(|file| file.is_file()) {
            format!("; to look into {}, give the file itself", file.display())
        } else if let Some((file, title, id)) = self.of_another_platform(base) {
            format!("; {} holds hooks of {title}: try --platform {id}", file.display())
        } else {
            String::new()
        };
        DiscoverError::Nothing { path: path.to_owned(), looked_for: looked_for.join(", "), hint }
    }
}

impl Search<'_> {
    /// The contracts of all other platforms.
    fn others(&self) -> impl Iterator<Item = Contract> {
        let library = Library::built_in().ok();
        let ids: Vec<String> = library
            .iter()
            .flat_map(Library::platforms)
            .filter(|id| *id != self.contract.platform.id)
            .map(str::to_owned)
            .collect();
        ids.into_iter().filter_map(move |id| library.as_ref()?.select(&id).ok())
    }

    /// A file below `base` with hooks of another platform, and the platform's title and id.
    fn of_another_platform(&self, base: &Path) -> Option<(PathBuf, String, String)> {
        self.others().find_map(|contract| {
            let dialect = Dialect::of(&contract)?;
            let shared = &dialect.settings.shared;
            let own = dialect.settings.files.iter().filter(|pattern| !shared.contains(*pattern));
            let mut files = own.flat_map(|pattern| Pattern::of(pattern).existing(base));
            let file = files.find(|file| has_hooks(&contract, dialect, file))?;
            Some((file, contract.platform.title.clone(), contract.platform.id.clone()))
        })
    }
}

/// Whether a file has a map of events of a platform, or is a directory with files that are named after its events.
pub(super) fn has_hooks(contract: &Contract, dialect: &Dialect, file: &Path) -> bool {
    if dialect.layout.shape == MapShape::EventFiles {
        let names = Pattern::of("*").existing(file).into_iter();
        return names
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .any(|name| contract.events.contains_key(&name));
    }
    let Ok(source) = Source::read(file, dialect.syntax.as_ref()) else { return false };
    let under_key = dialect.settings.hooks.as_ref().and_then(|key| source.root.get(key));
    // Of the named shape each map has a name of its own.
    let named = source.root.members().into_iter().flatten().map(|member| &member.value);
    let named = named.filter(|_| dialect.layout.shape == MapShape::Named);
    let maps = std::iter::once(&source.root).chain(under_key).chain(named);
    let mut members = maps.filter_map(|map| map.members()).flatten();
    members.any(|member| contract.events.contains_key(&member.key))
        || under_key.is_some_and(|hooks| hooks.items().is_some_and(|items| !items.is_empty()))
}

/// All patterns of settings files.
pub(super) fn patterns(dialect: &Dialect) -> impl Iterator<Item = &String> {
    dialect.settings.files.iter().chain(&dialect.settings.home)
}

/// The plugins in the folders that are made for them.
fn plugins(dialect: &Dialect, existing: impl Fn(&Pattern<'_>) -> Vec<PathBuf>) -> Vec<Target> {
    let Some(plugin) = &dialect.plugin else {
        return Vec::new();
    };
    let folders = plugin.folders.iter().flat_map(|pattern| existing(&Pattern::of(pattern)));
    let plugins = folders.filter(|folder| plugin::is_in(plugin, folder));
    plugins.map(|root| Target::Plugin { root, only: None }).collect()
}

/// The plugin to which a file belongs, and the file if it is the only one to look at.
fn plugin_of(plugin: &Plugin, dialect: &Dialect, path: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    if let Some(root) = plugin.manifest.as_ref().and_then(|name| Pattern::of(name).base(path)) {
        return Some((root.to_owned(), None));
    }
    if let Some(root) = Pattern::of(&plugin.file).base(path) {
        return Some((root.to_owned(), Some(path.to_owned())));
    }
    let root = path.ancestors().skip(1).find(|root| plugin::names(dialect, root, path))?;
    Some((root.to_owned(), Some(path.to_owned())))
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
        if let Some((path, what)) = self.notices.too_much() {
            return Err(DiscoverError::TooMuch { path, what });
        }
        // What is left out for its size would be missing without a word.
        if let Some(at) = self.errors.iter().position(|error| matches!(error, DiscoverError::TooMuch { .. })) {
            return Err(self.errors.swap_remove(at));
        }
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
        DiscoverError::Nothing { .. } | DiscoverError::NoDialect { .. } | DiscoverError::TooMuch { .. } => return None,
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

#[cfg(test)]
mod tests;
