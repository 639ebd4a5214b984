//! `config.file-not-read`: a file that looks like settings and is none, or that another file takes the place of.

use std::path::{Path, PathBuf};

use crate::contract::{Contract, Dialect, FrontMatter};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::pattern::{self, Pattern};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at the place of a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    if !pattern::any(&settings.unread, &source.path) {
        superseded(scope, source, notices);
        return;
    }
    // Where the map stands under a key, files that are the map themselves take something else.
    let keyed = |file: &&String| settings.hooks.is_none() || !settings.bare.contains(*file);
    let files = settings.files.iter().filter(|file| !file.contains('*')).filter(keyed);
    let files: Vec<&str> = files.map(String::as_str).collect();
    let files = if files.is_empty() { settings.files.join(" or ") } else { files.join(" or ") };
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&settings.basis()),
        message: format!("{} is no settings file", source.path.display()),
        consequence: format!("{} does not read it, so that none of its hooks run", scope.platform()),
        help: match &settings.hooks {
            Some(key) => format!("put `{key}` into {files}"),
            None => format!("use {files}"),
        },
    };
    notices.add(source, 0, remark);
}

/// A file that looks like settings and has hooks in the form of another platform, with its title and its id.
pub(crate) fn in_other_form(
    contract: &Contract,
    dialect: &Dialect,
    source: &Source,
    (title, id): (&str, &str),
    notices: &mut Notices,
) {
    let own = &contract.platform.title;
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: contract.weigh(&dialect.settings.basis()),
        message: format!("{} is no settings file, and has the form of {title}", source.path.display()),
        consequence: format!("{own} does not read it, so that none of its hooks run"),
        help: format!(
            "write the hooks of {own} into {}; the ones of {title} are checked with --platform {id}",
            dialect.settings.files.join(" or ")
        ),
    };
    notices.add(source, 0, remark);
}

/// A file with hooks beside the one from which alone the platform takes them.
fn superseded(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    let hooks = settings.hooks.as_ref().and_then(|key| source.root.member(key));
    let yields = settings.yields_to.iter().find_map(|(file, others)| {
        let base = Pattern::of(file).base(&source.path)?;
        others.iter().find(|other| !Pattern::of(other).existing(base).is_empty())
    });
    let Some((member, other)) = hooks.zip(yields) else {
        return;
    };
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&settings.basis()),
        message: format!("`{}` stands here, and there is {other} beside it", member.key),
        consequence: format!("{} takes the hooks of {other} only, and none of these run", scope.platform()),
        help: format!("move these hooks into {other}"),
    };
    notices.add(source, member.key_start, remark);
}

/// Hooks in a file of a plugin that may hold none there.
pub(crate) fn in_plugin(scope: &Scope<'_>, kind: &FrontMatter, source: &Source, at: usize, notices: &mut Notices) {
    let own = scope.dialect.plugin.as_ref().map_or("its file of hooks", |plugin| plugin.file.as_str());
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&kind.basis()),
        message: format!("this is one of the {} of a plugin, and has hooks", kind.what),
        consequence: format!("{} takes no hooks from it, so that none of them run", scope.platform()),
        help: format!("move the hooks into {own} of the plugin"),
    };
    notices.add(source, at, remark);
}

/// Looks for files below `base` that look like settings, hold hooks and are not read.
pub(crate) fn beside(scope: &Scope<'_>, base: &Path, known: &[PathBuf], notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    let files = settings.unread.iter().flat_map(|pattern| Pattern::of(pattern).existing(base));
    for file in files.filter(|file| !known.contains(file)) {
        let Ok(source) = Source::read(&file, scope.dialect.syntax.as_ref()) else {
            continue;
        };
        if holds_hooks(scope, &source) {
            check(scope, &source, notices);
        }
    }
}

/// Whether a file has a map of events, under the key or without it.
pub(super) fn holds_hooks(scope: &Scope<'_>, source: &Source) -> bool {
    let under_key = scope.dialect.settings.hooks.as_ref().and_then(|key| source.root.get(key));
    let maps = [Some(&source.root), under_key];
    let mut members = maps.into_iter().flatten().filter_map(|map| map.members()).flatten();
    members.any(|member| scope.event(&member.key).is_some()) || under_key.is_some_and(|hooks| hooks.items().is_some())
}
