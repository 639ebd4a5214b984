//! `config.missing-wrapper`: a map of events at the top of a file, without the key around it.

use crate::contract::{Evidence, MapShape, Plugin};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Home, Sheet};

/// Looks at a file without the key; whether it has events at its top.
pub(crate) fn check(sheet: &Sheet<'_>, key: &str, notices: &mut Notices) -> bool {
    let scope = sheet.scope;
    let mut members = sheet.map.members().into_iter().flatten();
    let Some(event) = members.find(|member| scope.event(&member.key).is_some()) else {
        return false;
    };
    let (basis, consequence) = match scope.home {
        Home::Plugin => {
            let basis = scope.dialect.plugin.as_ref().map(Plugin::basis);
            (basis.unwrap_or_else(|| scope.dialect.settings.basis()), "does not load the file")
        }
        Home::Settings => (scope.dialect.settings.basis(), "runs none of these hooks: it looks under that key only"),
    };
    let remark = Remark {
        requirement: "config.missing-wrapper",
        level: Some(Level::Must),
        evidence: scope.weigh(&basis).max(Evidence::Documented),
        message: format!("{} stands at the top of the file, and there is no key `{key}`", event.key),
        consequence: format!("{} {consequence}", scope.platform()),
        help: format!("put the whole map under a key: {{\"{key}\": {{\"{}\": [...]}}}}", event.key),
    };
    notices.add(sheet.source, event.key_start, remark);
    true
}

/// The key is there, and holds no map.
pub(crate) fn no_map(sheet: &Sheet<'_>, key: &str, notices: &mut Notices) {
    let scope = sheet.scope;
    let (holds, help) = match scope.dialect.layout.shape {
        MapShape::Flat => ("a map from events to handlers", format!("write {{\"{key}\": {{\"<event>\": [...]}}}}")),
        MapShape::List => ("a list of entries", format!("write {{\"{key}\": [...]}}")),
        _ => ("a map from events to groups", format!("write {{\"{key}\": {{\"<event>\": [...]}}}}")),
    };
    let remark = Remark {
        requirement: "config.invalid-entry",
        level: Some(Level::Must),
        evidence: Evidence::Documented,
        message: format!("`{key}` holds {} and must hold {holds}", sheet.map.noun()),
        consequence: format!("{} finds no hooks in this file", scope.platform()),
        help,
    };
    sheet.remark(notices, sheet.map, remark);
}
