//! `config.file-not-read`: a file that looks like settings and is none.

use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at the place of a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let settings = &scope.dialect.settings;
    let unread = settings.unread.iter().any(|name| source.path.ends_with(format!("{}/{name}", settings.folder)));
    if !unread {
        return;
    }
    let remark = Remark {
        requirement: "config.file-not-read",
        level: Some(Level::Must),
        evidence: scope.weigh(&settings.basis()),
        message: format!("{} is no settings file", source.path.display()),
        consequence: format!("{} does not read it, so that none of its hooks run", scope.platform()),
        help: format!("put `{}` into {}/{}", settings.hooks, settings.folder, settings.files.join(" or ")),
    };
    notices.add(source, 0, remark);
}
