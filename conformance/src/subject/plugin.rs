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
use crate::contract::Dialect;

/// Reads a plugin, or only one file of it.
pub(crate) fn read(search: &Search<'_>, dialect: &Dialect, root: &Path, only: Option<&Path>, found: &mut Found) {
    let names = &dialect.plugin;
    let variables = [
        (dialect.project.root.clone(), PROJECT_AT_RUN.to_owned()),
        (names.root.clone(), root.to_string_lossy().into_owned()),
        (names.data.clone(), PLUGIN_DATA_AT_RUN.to_owned()),
    ];
    let known = |name: &String| search.contract.environment.contains_key(name);
    let scope = Scope {
        contract: search.contract,
        dialect,
        host: search.host,
        home: Home::Plugin,
        variables: variables.into_iter().filter(|(name, _)| known(name)).collect(),
        environment: BTreeMap::new(),
        project: None,
    };
    if let Some(file) = only {
        file_of_hooks(&scope, file, found);
        return;
    }
    let standard = root.join(&names.file);
    if standard.exists() {
        file_of_hooks(&scope, &standard, found);
    }
    let manifest = root.join(&names.manifest);
    if !manifest.exists() {
        return;
    }
    let Some(source) = found.take(&manifest, object(dialect, &manifest)) else {
        return;
    };
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
                lint::manifest::named_again(&scope, &source, part, path, &mut found.notices);
            } else if !file.is_file() {
                lint::manifest::missing(&scope, &source, part, &file, &mut found.notices);
            } else {
                file_of_hooks(&scope, &file, found);
            }
            read.push(file);
        } else if part.members().is_some() {
            let map = lint::manifest::unwrapped(&scope, &source, part, &mut found.notices);
            let commands =
                walk::commands(Sheet { scope: &scope, source: &source, map, bare: false }, &mut found.notices);
            found.build(&commands);
        } else {
            lint::manifest::neither(&scope, &source, part, &mut found.notices);
        }
    }
}

fn file_of_hooks(scope: &Scope<'_>, file: &Path, found: &mut Found) {
    let Some(source) = found.take(file, object(scope.dialect, file)) else {
        return;
    };
    lint::duplicate_key::check(scope, &source, &mut found.notices);
    if let Some(sheet) = sheet(scope, &source, found) {
        let commands = walk::commands(sheet, &mut found.notices);
        found.build(&commands);
    }
}

/// Whether the plugin in `root` names `file` as one of its further files of hooks.
pub(crate) fn names(dialect: &Dialect, root: &Path, file: &Path) -> bool {
    let manifest = root.join(&dialect.plugin.manifest);
    let Ok(source) = Source::read(&manifest) else {
        return false;
    };
    let Some(hooks) = source.root.get(&dialect.plugin.hooks) else {
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
