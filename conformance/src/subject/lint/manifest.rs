//! What a plugin's manifest says of hooks: `config.hooks-file-named-again`, `config.hooks-file-missing`,
//! `config.superfluous-wrapper`, and `config.invalid-entry` for what is neither a path nor a map.

use std::path::Path;

use super::unread_file::holds_hooks;
use crate::contract::{Evidence, Fact, Plugin};
use crate::requirement::Level;
use crate::subject::node::Node;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// The manifest names a file that is read anyway, or names it twice.
pub(crate) fn named_again(
    plugin: &Plugin,
    scope: &Scope<'_>,
    source: &Source,
    node: &Node,
    path: &str,
    notices: &mut Notices,
) {
    let remark = Remark {
        requirement: "config.hooks-file-named-again",
        level: Some(Level::Must),
        evidence: scope.weigh(&plugin.basis()),
        message: format!("the manifest names {path:?}, which is read without being named"),
        consequence: format!("{} calls this an error when it loads the plugin", scope.platform()),
        help: format!("take the path away; `{}` of a manifest is for files besides {}", plugin.hooks, plugin.file),
    };
    notices.add(source, node.start, remark);
}

/// The manifest names a file that is not there.
pub(crate) fn missing(
    plugin: &Plugin,
    scope: &Scope<'_>,
    source: &Source,
    node: &Node,
    file: &Path,
    notices: &mut Notices,
) {
    let remark = Remark {
        requirement: "config.hooks-file-missing",
        level: Some(Level::Must),
        evidence: scope.weigh(&plugin.basis()),
        message: format!("there is no file {}", file.display()),
        consequence: format!("{} does not find these hooks", scope.platform()),
        help: "give a path from the plugin's folder on, beginning with ./".to_owned(),
    };
    notices.add(source, node.start, remark);
}

/// The file that is read without being named, where the manifest names or holds others.
///
/// A plugin for several platforms has another one's hooks there, which is as it should be.
pub(crate) fn replaced(plugin: &Plugin, scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    if !holds_hooks(scope, source) {
        return;
    }
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&plugin.basis()),
        message: format!("the manifest has `{}` and does not name {}", plugin.hooks, plugin.file),
        consequence: format!("{} reads what the manifest names, and nothing of this file", scope.platform()),
        help: format!("add \"./{}\" to `{}` of the manifest", plugin.file, plugin.hooks),
    };
    notices.add(source, source.root.start, remark);
}

/// Hooks in a manifest without the key around their map, where they have the form of a whole file.
pub(crate) fn no_wrapper(plugin: &Plugin, scope: &Scope<'_>, source: &Source, node: &Node, notices: &mut Notices) {
    let Some(event) = node.members().and_then(|mut all| all.find(|member| scope.event(&member.key).is_some())) else {
        return;
    };
    let version = scope.dialect.version.iter().find(|version| version.plugins);
    let version = version.and_then(|version| Some(format!("\"{}\": {}, ", version.key, version.values.first()?)));
    let version = version.unwrap_or_default();
    let key = &plugin.hooks;
    let remark = Remark {
        requirement: "config.missing-wrapper",
        level: Some(Level::Should),
        evidence: scope.weigh(&plugin.basis()),
        message: format!(
            "`{key}` of the manifest holds the events themselves, without a file's own `{key}` around them"
        ),
        consequence: format!(
            "{} documents the form of a whole file here, and does not promise to read another",
            scope.platform()
        ),
        help: format!("write \"{key}\": {{{version}\"{key}\": {{\"{}\": [...]}}}}", event.key),
    };
    notices.add(source, event.key_start, remark);
}

/// A file of hooks in a directory without a manifest, where only a manifest makes a plugin.
pub(crate) fn no_manifest(plugin: &Plugin, scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let manifest = plugin.manifest.as_deref().unwrap_or("a manifest");
    let basis = plugin.manifest_needed.as_ref().map_or_else(|| plugin.basis(), Fact::basis);
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&basis),
        message: format!("there is no {manifest} beside {}", plugin.file),
        consequence: format!("{} does not find these hooks", scope.platform()),
        help: format!("add {manifest} with \"{}\": \"./{}\"", plugin.hooks, plugin.file),
    };
    notices.add(source, source.root.start, remark);
}

/// A part that is neither a path nor a map of events.
pub(crate) fn neither(plugin: &Plugin, scope: &Scope<'_>, source: &Source, node: &Node, notices: &mut Notices) {
    let remark = Remark {
        requirement: "config.invalid-entry",
        level: Some(Level::Must),
        evidence: scope.weigh(&plugin.basis()),
        message: format!("`{}` of the manifest holds {}", plugin.hooks, node.noun()),
        consequence: format!("{} finds no hooks here", scope.platform()),
        help: "write a path, a map of events, or an array of both".to_owned(),
    };
    notices.add(source, node.start, remark);
}

/// The map of events of an inline part: the part itself, or what stands in a wrapper that does not belong there.
pub(crate) fn unwrapped<'a>(
    plugin: &Plugin,
    scope: &Scope<'_>,
    source: &Source,
    node: &'a Node,
    notices: &mut Notices,
) -> &'a Node {
    let key = &plugin.hooks;
    let Some(member) = node.member(key).filter(|member| member.value.members().is_some()) else {
        return node;
    };
    let remark = Remark {
        requirement: "config.superfluous-wrapper",
        level: Some(Level::Must),
        evidence: scope.weigh(&plugin.basis()).max(Evidence::Documented),
        message: format!("the map of events in the manifest is wrapped in another `{key}`"),
        consequence: format!("{} takes `{key}` for the name of an event, and runs nothing", scope.platform()),
        help: format!("put the events right under `{key}`; only files of hooks need the wrapper"),
    };
    notices.add(source, member.key_start, remark);
    &member.value
}
