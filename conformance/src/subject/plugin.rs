//! A plugin: its file of hooks, and further ones that its manifest names or holds.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::discover::{Found, Search};
use super::front_matter;
use super::lint;
use super::node::Node;
use super::notice::Notices;
use super::placeholder::{PLUGIN_DATA_AT_RUN, PROJECT_AT_RUN};
use super::settings::{object, sheet};
use super::sheet::{Home, Scope, Sheet};
use super::source::Source;
use super::walk;
use crate::contract::{Dialect, Plugin, Project};

/// What says why a file of hooks is not read.
type Unread = fn(&Plugin, &Scope<'_>, &Source, &mut Notices);

/// Whether a folder is a plugin's.
pub(crate) fn is_in(plugin: &Plugin, folder: &Path) -> bool {
    let needed = plugin.manifest_needed.as_ref().is_some_and(|needed| needed.is);
    let file = Some(&plugin.file).filter(|_| !needed);
    plugin.manifest.iter().chain(file).any(|name| folder.join(name).exists())
}

/// Reads a plugin, or only one file of it.
pub(crate) fn read(search: &Search<'_>, dialect: &Dialect, root: &Path, only: Option<&Path>, found: &mut Found) {
    let Some(names) = &dialect.plugin else {
        return;
    };
    let project = dialect.project.iter().flat_map(Project::roots);
    let project = project.map(|root| (root.clone(), PROJECT_AT_RUN.to_owned()));
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
        in_front_matter: false,
        has: search.has,
        given: search.given.clone(),
        renames: BTreeMap::new(),
    };
    let manifest = names.manifest.as_ref().map(|name| root.join(name)).filter(|manifest| manifest.exists());
    if let Some(file) = only {
        let needed = names.manifest_needed.as_ref().is_some_and(|needed| needed.is);
        let orphan = needed && manifest.is_none();
        file_of_hooks(&scope, file, orphan.then_some(lint::manifest::no_manifest), found);
        return;
    }
    let marked = front_matter::of_plugin(dialect, root);
    front_matter::read(search, dialect, &marked, None, Some(&scope), found);
    let standard = root.join(&names.file);
    let source = manifest.and_then(|manifest| found.take(&manifest, object(dialect, &manifest)));
    let hooks = source.as_ref().and_then(|source| Some((source, source.root.get(&names.hooks)?)));
    let paths = hooks.iter().flat_map(|(_, hooks)| parts(hooks)).filter_map(Node::text);
    let named = paths.into_iter().any(|path| resolve(root, Path::new(path)) == standard);
    let replaced = names.replaces && hooks.is_some();
    if standard.exists() && !replaced {
        file_of_hooks(&scope, &standard, None, found);
    } else if !named && let Ok(file) = Source::read(&standard, dialect.syntax.as_ref()) {
        lint::manifest::replaced(names, &scope, &file, &mut found.notices);
    }
    if let Some(source) = &source {
        lint::syntax::check(&scope, source, &mut found.notices);
        lint::duplicate_key::check(&scope, source, &mut found.notices);
    }
    let Some((source, hooks)) = hooks else {
        return;
    };
    let mut read = if names.replaces { Vec::new() } else { vec![standard] };
    for part in parts(hooks) {
        if !found.notices.may_look(source, 1) {
            return;
        }
        if let Some(path) = part.text() {
            let file = resolve(root, Path::new(path));
            if read.contains(&file) {
                lint::manifest::named_again(names, &scope, source, part, path, &mut found.notices);
            } else if !file.is_file() {
                lint::manifest::missing(names, &scope, source, part, &file, &mut found.notices);
            } else {
                file_of_hooks(&scope, &file, None, found);
            }
            read.push(file);
        } else if part.members().is_some() {
            inline(names, &scope, source, part, found);
        } else {
            lint::manifest::neither(names, &scope, source, part, &mut found.notices);
        }
    }
}

/// The parts of what a manifest says of hooks: one, or those of an array.
fn parts(hooks: &Node) -> &[Node] {
    hooks.items().unwrap_or(std::slice::from_ref(hooks))
}

/// Hooks that the manifest holds itself.
fn inline(names: &Plugin, scope: &Scope<'_>, source: &Source, part: &Node, found: &mut Found) {
    let bare = |map| Sheet { scope, source, map, bare: false };
    let map = if names.inline_file {
        if part.get(&names.hooks).is_some() {
            lint::top::of_plugin(scope, source, part, &mut found.notices);
        }
        match part.get(&names.hooks) {
            Some(map) if map.members().is_some() => map,
            Some(other) => {
                lint::missing_wrapper::no_map(&bare(other), &names.hooks, &mut found.notices);
                return;
            }
            None => {
                lint::manifest::no_wrapper(names, scope, source, part, &mut found.notices);
                part
            }
        }
    } else {
        lint::manifest::unwrapped(names, scope, source, part, &mut found.notices)
    };
    let commands = walk::commands(bare(map), &mut found.notices);
    found.build(&commands);
}

/// Reads a file of hooks. `unread` says why the platform does not.
fn file_of_hooks(scope: &Scope<'_>, file: &Path, unread: Option<Unread>, found: &mut Found) {
    let Some(source) = found.take(file, object(scope.dialect, file)) else {
        return;
    };
    if let Some(plugin) = &scope.dialect.plugin
        && let Some(unread) = unread
    {
        unread(plugin, scope, &source, &mut found.notices);
    }
    lint::syntax::check(scope, &source, &mut found.notices);
    lint::duplicate_key::check(scope, &source, &mut found.notices);
    lint::top::of_plugin(scope, &source, &source.root, &mut found.notices);
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
    parts(hooks).iter().filter_map(Node::text).any(|path| resolve(root, Path::new(path)) == file)
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
