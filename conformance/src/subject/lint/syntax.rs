//! `config.broken-file`, in doubt: comments and trailing commas where nobody knows whether the platform accepts them.

use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let Some(offset) = source.doubt else {
        return;
    };
    let remark = Remark {
        requirement: "config.broken-file",
        level: Some(Level::Must),
        evidence: Evidence::Unconfirmed,
        message: "a comment or a trailing comma stands here, and strict JSON has none".to_owned(),
        consequence: format!(
            "whether {} accepts it is not known; if not, it loads nothing from this file",
            scope.platform()
        ),
        help: "write strict JSON, which every platform reads".to_owned(),
    };
    notices.add(source, offset, remark);
}
