//! `config.hooks-disabled`: the switch that turns all hooks off.

use crate::requirement::Level;
use crate::subject::node::Kind;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at the settings files of one folder, the stronger last: the last word counts.
pub(crate) fn check(scope: &Scope<'_>, sources: &[Source], notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    let last = sources.iter().rev().find_map(|source| Some((source, source.root.get(&settings.disable)?)));
    let Some((source, node)) = last.filter(|(_, node)| node.kind == Kind::Bool(true)) else {
        return;
    };
    let remark = Remark {
        requirement: "config.hooks-disabled",
        level: Some(Level::Should),
        evidence: scope.weigh(&settings.basis()),
        message: format!("`{}` is true", settings.disable),
        consequence: format!("{} runs none of these hooks", scope.platform()),
        help: format!("take `{}` away, or set it to false", settings.disable),
    };
    notices.add(source, node.start, remark);
}
