//! The settings files of a project, of a person, or any file of that shape.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::discover::{Found, Search};
use super::error::DiscoverError;
use super::lint;
use super::node::{Kind, Node};
use super::placeholder::PROJECT_AT_RUN;
use super::sheet::{Home, Scope, Sheet};
use super::source::Source;
use super::{bounds, pattern, walk};
use crate::contract::{Dialect, MapShape, Project};

/// Reads settings files, the weaker first.
pub(crate) fn read(
    search: &Search<'_>,
    dialect: &Dialect,
    files: &[PathBuf],
    base: Option<&Path>,
    project: Option<&Path>,
    found: &mut Found,
) {
    let sources: Vec<Source> = files.iter().filter_map(|file| found.take(file, object(dialect, file))).collect();
    let root = dialect.project.iter().flat_map(Project::roots);
    let root = root.map(|root| (root.clone(), PROJECT_AT_RUN.to_owned()));
    let scope = Scope {
        contract: search.contract,
        dialect,
        host: search.host,
        home: Home::Settings,
        variables: root.collect(),
        environment: environment(dialect, &sources),
        project: project.map(Path::to_owned),
        plugin: None,
        in_front_matter: false,
        has: search.has,
        given: search.given.clone(),
        renames: BTreeMap::new(),
    };
    let mut commands = Vec::new();
    let bytes: usize = scope.environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if let Some(source) = sources.last().filter(|_| bytes > bounds::VARIABLES) {
        found.notices.refuse(source, format!("its variables have more than {} KiB", bounds::VARIABLES / 1024));
        return;
    }
    for source in &sources {
        lint::syntax::check(&scope, source, &mut found.notices);
        lint::duplicate_key::check(&scope, source, &mut found.notices);
        lint::unread_file::check(&scope, source, &mut found.notices);
        lint::top::check(&scope, source, &mut found.notices);
        if let Some(sheet) = sheet(&scope, source, found) {
            commands.extend(walk::commands(sheet, &mut found.notices));
        }
    }
    lint::disabled::check(&scope, &sources, &mut found.notices);
    if let Some(base) = base {
        lint::unread_file::beside(&scope, base, files, &mut found.notices);
    }
    found.build(&commands);
}

/// Reads a file that must hold an object.
pub(crate) fn object(dialect: &Dialect, file: &Path) -> Result<Source, DiscoverError> {
    let source = Source::read(file, dialect.syntax.as_ref())?;
    if source.root.members().is_none() {
        return Err(DiscoverError::NotAnObject {
            path: file.to_owned(),
            key: dialect.settings.hooks.clone().unwrap_or_else(|| "<event>".to_owned()),
            found: source.root.noun(),
        });
    }
    Ok(source)
}

/// The map of events of a file: under its key, or, which the platform does not read, without it.
pub(crate) fn sheet<'a>(scope: &'a Scope<'a>, source: &'a Source, found: &mut Found) -> Option<Sheet<'a>> {
    let settings = &scope.dialect.settings;
    let sheet = |map, bare| Sheet { scope, source, map, bare };
    let key = match (scope.home, &scope.dialect.plugin) {
        (Home::Plugin, Some(plugin)) => Some(&plugin.hooks),
        _ => settings.hooks.as_ref().filter(|_| !pattern::any(&settings.bare, &source.path)),
    };
    let Some(key) = key else {
        let inner = settings.hooks.as_deref().unwrap_or("hooks");
        let map = lint::wrapper::superfluous(&sheet(&source.root, false), inner, &mut found.notices);
        return Some(sheet(map, false));
    };
    match source.root.get(key) {
        Some(map) if fits(scope.dialect.layout.shape, map) => {
            let map = lint::wrapper::doubled(&sheet(map, false), key, &mut found.notices);
            Some(sheet(map, false))
        }
        Some(other) => {
            lint::missing_wrapper::no_map(&sheet(other, false), key, &mut found.notices);
            None
        }
        None => {
            let bare = sheet(&source.root, true);
            lint::missing_wrapper::check(&bare, key, &mut found.notices).then_some(bare)
        }
    }
}

/// Whether a value can be what holds all events.
fn fits(shape: MapShape, map: &Node) -> bool {
    if shape == MapShape::List { map.items().is_some() } else { map.members().is_some() }
}

/// The variables that settings give to everything the platform starts; the stronger file wins.
fn environment(dialect: &Dialect, sources: &[Source]) -> BTreeMap<String, String> {
    let key = dialect.settings.environment.as_deref();
    let maps = sources.iter().filter_map(|source| source.root.get(key?));
    maps.filter_map(Node::members)
        .flatten()
        .filter(|member| !matches!(member.value.kind, Kind::Null))
        .filter_map(|member| Some((member.key.clone(), member.value.scalar()?)))
        .collect()
}
