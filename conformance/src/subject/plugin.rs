//! A plugin: its file of hooks, and further ones that its manifest names or holds.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::discover::{Found, Search};
use super::lint;
use super::node::Node;
use super::placeholder::{PLUGIN_DATA_AT_RUN, PROJECT_AT_RUN};
use super::settings::{object, sheet};
use super::sheet::{Home, Scope, Sheet};
use super::source::Source;
use super::walk;
use crate::contract::{Dialect, Plugin};

/// Whether a folder is a plugin's.
pub(crate) fn is_in(plugin: &Plugin, folder: &Path) -> bool {
    plugin.manifest.iter().chain([&plugin.file]).any(|name| folder.join(name).exists())
}

/// Reads a plugin, or only one file of it.
pub(crate) fn read(search: &Search<'_>, dialect: &Dialect, root: &Path, only: Option<&Path>, found: &mut Found) {
    let Some(names) = &dialect.plugin else {
        return;
    };
    let project = dialect.project.iter().map(|project| (project.root.clone(), PROJECT_AT_RUN.to_owned()));
    let roots = names.root.iter().chain(&names.also_root);
    let roots = roots.map(|name| (name.clone(), root.to_string_lossy().into_owned()));
    let data = names.data.iter().map(|name| (name.clone(), PLUGIN_DATA_AT_RUN.to_owned()));
    let known = |name: &String| search.contract.environment.get(name).is_some_and(|variable| variable.exists);
    let scope = Scope {
        contract: search.contract,
        dialect,
        host: search.host,
        home: Home::Plugin,
        variables: project.chain(roots).chain(data).filter(|(name, _)| known(name)).collect(),
        environment: BTreeMap::new(),
        project: None,
        plugin: Some(root.to_owned()),
    };
    if let Some(file) = only {
        file_of_hooks(&scope, file, found);
        return;
    }
    let standard = root.join(&names.file);
    if standard.exists() {
        file_of_hooks(&scope, &standard, found);
    }
    let Some(manifest) = names.manifest.as_ref().map(|name| root.join(name)).filter(|manifest| manifest.exists())
    else {
        return;
    };
    let Some(source) = found.take(&manifest, object(dialect, &manifest)) else {
        return;
    };
    lint::syntax::check(&scope, &source, &mut found.notices);
    lint::duplicate_key::check(&scope, &source, &mut found.notices);
    let Some(hooks) = source.root.get(&names.hooks) else {
        return;
    };
    let parts = hooks.items().unwrap_or(std::slice::from_ref(hooks));
    let mut read = vec![standard];
    for part in parts {
        if let Some(path) = part.text() {
            let file = resolve(root, Path::new(path));
            if read.contains(&file) {
                lint::manifest::named_again(names, &scope, &source, part, path, &mut found.notices);
            } else if !file.is_file() {
                lint::manifest::missing(names, &scope, &source, part, &file, &mut found.notices);
            } else {
                file_of_hooks(&scope, &file, found);
            }
            read.push(file);
        } else if part.members().is_some() {
            let map = lint::manifest::unwrapped(names, &scope, &source, part, &mut found.notices);
            let commands =
                walk::commands(Sheet { scope: &scope, source: &source, map, bare: false }, &mut found.notices);
            found.build(&commands);
        } else {
            lint::manifest::neither(names, &scope, &source, part, &mut found.notices);
        }
    }
}

fn file_of_hooks(scope: &Scope<'_>, file: &Path, found: &mut Found) {
    let Some(source) = found.take(file, object(scope.dialect, file)) else {
        return;
    };
    lint::syntax::check(scope, &source, &mut found.notices);
    lint::duplicate_key::check(scope, &source, &mut found.notices);
    if let Some(sheet) = sheet(scope, &source, found) {
        let commands = walk::commands(sheet, &mut found.notices);
        found.build(&commands);
    }
}

/// Whether the plugin in `root` names `file` as one of its further files of hooks.
pub(crate) fn names(dialect: &Dialect, root: &Path, file: &Path) -> bool {
    let Some(plugin) = &dialect.plugin else {
        return false;
    };
    let manifest = plugin.manifest.as_ref().map(|name| root.join(name));
    let Some(Ok(source)) = manifest.map(|manifest| Source::read(&manifest, dialect.syntax.as_ref())) else {
        return false;
    };
    let Some(hooks) = source.root.get(&plugin.hooks) else {
        return false;
    };
    let parts = hooks.items().unwrap_or(std::slice::from_ref(hooks));
    parts.iter().filter_map(Node::text).any(|path| resolve(root, Path::new(path)) == file)
}

/// `path` below `root`, without `.` and `..`.
pub(crate) fn resolve(root: &Path, path: &Path) -> PathBuf {
    let mut resolved = root.to_owned();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            other => resolved.push(other),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::resolve;

    #[rstest]
    #[case("./hooks/hooks.json", "/p/hooks/hooks.json")]
    #[case("hooks//./more.json", "/p/hooks/more.json")]
    #[case("../other/hooks.json", "/other/hooks.json")]
    fn resolves_below_the_root(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(resolve(Path::new("/p"), Path::new(path)), Path::new(expected));
    }
}
