//! `config.duplicate-key`: a key that stands twice in the same object.

use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    for duplicate in source.root.duplicates() {
        let remark = Remark {
            requirement: "config.duplicate-key",
            level: Some(Level::Should),
            // What JSON.parse does; the platform is written in JavaScript.
            evidence: Evidence::Documented,
            message: format!("the key `{}` stands here a second time", duplicate.path),
            consequence: format!("{} takes the last one and forgets what stands in the others", scope.platform()),
            help: "put both values under one key".to_owned(),
        };
        notices.add(source, duplicate.start, remark);
    }
}
