//! `config.duplicate-key`: a key that stands twice in the same object.

use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Scope;
use crate::subject::source::Source;

/// Looks at a file.
pub(crate) fn check(scope: &Scope<'_>, source: &Source, notices: &mut Notices) {
    let last = scope.dialect.syntax.as_ref().filter(|syntax| syntax.last_key_counts);
    for duplicate in source.root.duplicates() {
        let remark = Remark {
            requirement: "config.duplicate-key",
            level: Some(Level::Should),
            evidence: last
                .map_or(Evidence::Unconfirmed, |syntax| scope.weigh(&syntax.basis()).max(Evidence::Documented)),
            message: format!("the key `{}` stands here a second time", duplicate.path),
            consequence: match last {
                Some(_) => format!("{} takes the last one and forgets what stands in the others", scope.platform()),
                None => format!("which of the two {} takes is not known", scope.platform()),
            },
            help: "put both values under one key".to_owned(),
        };
        notices.add(source, duplicate.start, remark);
    }
}
