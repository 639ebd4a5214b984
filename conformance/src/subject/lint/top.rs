//! The top of a file: `config.unknown-top-key` and `config.version-missing`.

use crate::contract::FormatVersion;
use crate::requirement::Level;
use crate::subject::node::Node;
use crate::subject::notice::{Notices, Remark};
use crate::subject::pattern;
use crate::subject::sheet::Scope;
use crate::subject::source::Source;
use crate::suggest::misspelled;

/// Looks at a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    unknown(scope, source, notices);
    version(scope, source, notices);
}

fn unknown(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    let Some(top) = scope.dialect.top.as_ref().filter(|top| pattern::any(&top.files, &source.path)) else {
        return;
    };
    // Events at the top are told of as what they are.
    let wrapped = settings.hooks.as_ref().is_none_or(|key| source.root.get(key).is_some());
    for member in source.root.members().into_iter().flatten() {
        if top.keys.contains(&member.key) || (!wrapped && scope.event(&member.key).is_some()) {
            continue;
        }
        let remark = Remark {
            requirement: "config.unknown-top-key",
            level: Some(Level::Must),
            evidence: scope.weigh(&top.basis()),
            message: format!("`{}` is no key at the top of this file", member.key),
            consequence: format!("{} leaves out the whole file, with all its hooks", scope.platform()),
            help: match misspelled(&member.key, top.keys.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("take it away; only {} may stand there", top.keys.join(" and ")),
            },
        };
        notices.add(source, member.key_start, remark);
    }
}

fn version(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    // A file in the directory of hooks that has none is no file of hooks, so that no version of theirs is missing.
    let key = scope.dialect.settings.hooks.as_ref();
    let has_hooks = key.is_none_or(|key| source.root.get(key).is_some());
    let has_events = source.root.members().into_iter().flatten().any(|member| scope.event(&member.key).is_some());
    for known in scope.dialect.version.iter().filter(|known| pattern::any(&known.files, &source.path)) {
        if !has_hooks && !has_events && source.root.get(&known.key).is_none() {
            continue;
        }
        format_version(scope, known, source, &source.root, notices);
    }
}

/// Looks at hooks of a plugin: at its file, or at what its manifest holds in place of one.
pub(crate) fn of_plugin(scope: &Scope<'_>, source: &Source, file: &Node, notices: &mut Notices) {
    for known in scope.dialect.version.iter().filter(|known| known.plugins) {
        format_version(scope, known, source, file, notices);
    }
}

fn format_version(scope: &Scope<'_>, known: &FormatVersion, source: &Source, file: &Node, notices: &mut Notices) {
    let wanted: Vec<String> = known.values.iter().map(|value| format!("\"{}\": {value}", known.key)).collect();
    let found = file.get(&known.key);
    let spelled = found.map(|node| node.text().map_or_else(|| node.scalar(), |text| Some(format!("{text:?}"))));
    let message = match spelled {
        None => format!("there is no `{}`", known.key),
        Some(Some(value)) if known.values.contains(&value) => return,
        Some(Some(value)) => format!("`{}` is {value}", known.key),
        Some(None) => format!("`{}` is {}", known.key, found.map_or("nothing", |node| node.noun())),
    };
    let other = known.other.as_ref().filter(|_| found.is_some());
    let remark = Remark {
        requirement: "config.version-missing",
        level: Some(if found.is_some() { known.other_level } else { known.missing_level }),
        evidence: scope.weigh(&known.basis()),
        message,
        consequence: other.unwrap_or(&known.missing).clone(),
        help: format!("write {}", wanted.join(" or ")),
    };
    notices.add(source, found.map_or(file.start, |node| node.start), remark);
}
