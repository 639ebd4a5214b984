//! `config.timeout-unit`: seconds that look like milliseconds.

use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Handler;
use crate::subject::timeout;

/// Looks at a handler.
pub(crate) fn check(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let known = &scope.dialect.timeout;
    let Some(seconds) = timeout::seconds(handler).filter(|seconds| *seconds > known.suspicious_s) else {
        return;
    };
    let remark = Remark {
        requirement: "config.timeout-unit",
        level: Some(Level::Should),
        evidence: scope.weigh(&known.basis()),
        message: format!("`{}` is {seconds}, and is counted in seconds", known.key),
        consequence: format!("{} waits {} for a hook that hangs", scope.platform(), long(seconds)),
        help: format!("if milliseconds are meant, write {}", seconds / 1000.0),
    };
    handler.remark(notices, &known.key, remark);
}

/// A long time in words.
fn long(seconds: f64) -> String {
    const DAY: f64 = 86_400.0;
    if seconds >= 2.0 * DAY { format!("{:.0} days", seconds / DAY) } else { format!("{:.1} hours", seconds / 3600.0) }
}
