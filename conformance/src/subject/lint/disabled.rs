//! `config.hooks-disabled`: the switch that turns all hooks off.

use crate::requirement::Level;
use crate::subject::node::{Kind, Node};
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Scope, Sheet};
use crate::subject::source::Source;

/// Looks at the settings files of one folder, the stronger last: the last word counts.
pub(crate) fn check(scope: &Scope<'_>, sources: &[Source], notices: &mut Notices) {
    for key in &scope.dialect.settings.disable {
        switch(scope, key, sources, notices);
    }
}

fn switch(scope: &Scope<'_>, key: &str, sources: &[Source], notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    let last = sources.iter().rev().find_map(|source| Some((source, source.root.at(key)?)));
    let off = Kind::Bool(settings.disabled_if);
    let Some((source, node)) = last.filter(|(_, node)| node.kind == off) else {
        return;
    };
    let remark = Remark {
        requirement: "config.hooks-disabled",
        level: Some(Level::Should),
        evidence: scope.weigh(&settings.basis()),
        message: format!("`{key}` is {}", settings.disabled_if),
        consequence: format!("{} runs none of these hooks", scope.platform()),
        help: format!("take `{key}` away, or set it to {}", !settings.disabled_if),
    };
    notices.add(source, node.start, remark);
}

/// Tells of an entry that is switched off.
pub(crate) fn entry(sheet: &Sheet<'_>, key: &str, value: &Node, notices: &mut Notices) {
    let scope = sheet.scope;
    let remark = Remark {
        requirement: "config.hooks-disabled",
        level: Some(Level::Should),
        evidence: scope.weigh(&scope.dialect.keys.basis()),
        message: format!("`{key}` of this entry is false"),
        consequence: format!("{} does not run it", scope.platform()),
        help: format!("take `{key}` away, or set it to true"),
    };
    sheet.remark(notices, value, remark);
}
