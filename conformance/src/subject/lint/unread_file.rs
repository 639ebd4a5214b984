//! `config.file-not-read`: a file that looks like settings and is none.

use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::pattern;
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at the place of a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    if !pattern::any(&settings.unread, &source.path) {
        return;
    }
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&settings.basis()),
        message: format!("{} is no settings file", source.path.display()),
        consequence: format!("{} does not read it, so that none of its hooks run", scope.platform()),
        help: match &settings.hooks {
            Some(key) => format!("put `{key}` into {}", settings.files.join(" or ")),
            None => format!("use {}", settings.files.join(" or ")),
        },
    };
    notices.add(source, 0, remark);
}
