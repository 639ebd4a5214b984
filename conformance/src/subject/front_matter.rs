//! Hooks in the front matter of agents, skills and commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::discover::{Found, Search};
use super::placeholder::PROJECT_AT_RUN;
use super::sheet::{Home, Scope, Sheet};
use super::source::Source;
use super::{lint, pattern, walk};
use crate::contract::{Dialect, FrontMatter, Project};
use crate::outside;

/// The files below `base` whose front matter holds hooks, or cannot be read.
pub(crate) fn files(dialect: &Dialect, base: &Path) -> Vec<PathBuf> {
    let patterns = dialect.front_matter.iter().flat_map(|kind| &kind.files);
    let all = patterns.flat_map(|text| pattern::Pattern::of(text).existing(base));
    all.filter(|file| file.is_file() && holds_hooks(dialect, file)).collect()
}

/// The same for a plugin.
pub(crate) fn of_plugin(dialect: &Dialect, root: &Path) -> Vec<PathBuf> {
    let patterns = dialect.front_matter.iter().flat_map(|kind| kind.in_plugins.iter().chain(&kind.unread_in_plugins));
    let all = patterns.flat_map(|text| pattern::Pattern::of(text).existing(root));
    all.filter(|file| file.is_file() && holds_hooks(dialect, file)).collect()
}

/// The kind of a file.
pub(crate) fn kind<'d>(dialect: &'d Dialect, file: &Path) -> Option<&'d FrontMatter> {
    dialect.front_matter.iter().find(|kind| {
        let all = [&kind.files, &kind.in_plugins, &kind.unread_in_plugins];
        all.into_iter().any(|patterns| pattern::any(patterns, file))
    })
}

fn holds_hooks(dialect: &Dialect, file: &Path) -> bool {
    let key = dialect.settings.hooks.as_deref().unwrap_or("hooks");
    let begins = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    match Source::read(file, None) {
        Ok(source) => source.root.get(key).is_some(),
        // What cannot be read is told of if hooks are lost by it.
        Err(_) => {
            outside::head(file, outside::HEAD).is_ok_and(|head| String::from_utf8_lossy(&head).lines().any(begins))
        }
    }
}

/// Reads such files, of a project or of a plugin.
pub(crate) fn read(
    search: &Search<'_>,
    dialect: &Dialect,
    files: &[PathBuf],
    project: Option<&Path>,
    plugin: Option<&Scope<'_>>,
    found: &mut Found,
) {
    let root = dialect.project.iter().flat_map(Project::roots);
    let root = root.map(|root| (root.clone(), PROJECT_AT_RUN.to_owned()));
    let variables = plugin.map_or_else(|| root.collect(), |plugin| plugin.variables.clone());
    for file in files {
        let Some(source) = found.take(file, Source::read(file, None)) else {
            continue;
        };
        let kind = kind(dialect, file);
        let scope = Scope {
            contract: search.contract,
            dialect,
            host: search.host,
            home: if plugin.is_some() { Home::Plugin } else { Home::Settings },
            variables: variables.clone(),
            environment: BTreeMap::new(),
            project: project.map(Path::to_owned),
            plugin: plugin.and_then(|plugin| plugin.plugin.clone()),
            in_front_matter: true,
            has: search.has,
            given: search.given.clone(),
            renames: kind.map(|kind| kind.renames.clone()).unwrap_or_default(),
        };
        let key = dialect.settings.hooks.as_deref().unwrap_or("hooks");
        let Some(member) = source.root.member(key) else {
            continue;
        };
        if let Some(kind) = kind.filter(|kind| plugin.is_some() && pattern::any(&kind.unread_in_plugins, file)) {
            lint::unread_file::in_plugin(&scope, kind, &source, member.key_start, &mut found.notices);
        }
        let sheet = Sheet { scope: &scope, source: &source, map: &member.value, bare: false };
        if member.value.members().is_none() {
            lint::missing_wrapper::no_map(&sheet, key, &mut found.notices);
            continue;
        }
        let commands = walk::commands(sheet, &mut found.notices);
        found.build(&commands);
    }
}
