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
use super::walk;
use crate::contract::Dialect;

/// Reads settings files, the weaker first.
pub(crate) fn read(
    search: &Search<'_>,
    dialect: &Dialect,
    files: &[PathBuf],
    project: Option<&Path>,
    found: &mut Found,
) {
    let sources: Vec<Source> = files.iter().filter_map(|file| found.take(file, object(dialect, file))).collect();
    let scope = Scope {
        contract: search.contract,
        dialect,
        host: search.host,
        home: Home::Settings,
        variables: BTreeMap::from([(dialect.project.root.clone(), PROJECT_AT_RUN.to_owned())]),
        environment: environment(dialect, &sources),
        project: project.map(Path::to_owned),
    };
    let mut commands = Vec::new();
    for source in &sources {
        lint::duplicate_key::check(&scope, source, &mut found.notices);
        lint::unread_file::check(&scope, source, &mut found.notices);
        if let Some(sheet) = sheet(&scope, source, found) {
            commands.extend(walk::commands(sheet, &mut found.notices));
        }
    }
    lint::disabled::check(&scope, &sources, &mut found.notices);
    found.build(&commands);
}

/// Reads a file that must hold an object.
pub(crate) fn object(dialect: &Dialect, file: &Path) -> Result<Source, DiscoverError> {
    let source = Source::read(file)?;
    if source.root.members().is_none() {
        return Err(DiscoverError::NotAnObject {
            path: file.to_owned(),
            key: dialect.settings.hooks.clone(),
            found: source.root.noun(),
        });
    }
    Ok(source)
}

/// The map of events of a file: under its key, or, which the platform does not read, without it.
pub(crate) fn sheet<'a>(scope: &'a Scope<'a>, source: &'a Source, found: &mut Found) -> Option<Sheet<'a>> {
    let key = match scope.home {
        Home::Settings => &scope.dialect.settings.hooks,
        Home::Plugin => &scope.dialect.plugin.hooks,
    };
    let sheet = |map, bare| Sheet { scope, source, map, bare };
    match source.root.get(key) {
        Some(map) if map.members().is_some() => Some(sheet(map, false)),
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

/// The variables that settings give to everything the platform starts; the stronger file wins.
fn environment(dialect: &Dialect, sources: &[Source]) -> BTreeMap<String, String> {
    let maps = sources.iter().filter_map(|source| source.root.get(&dialect.settings.environment));
    maps.filter_map(Node::members)
        .flatten()
        .filter(|member| !matches!(member.value.kind, Kind::Null))
        .filter_map(|member| Some((member.key.clone(), member.value.scalar()?)))
        .collect()
}
