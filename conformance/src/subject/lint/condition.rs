//! `config.condition-never-true`: a condition on an event where no condition is ever true.

use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Handler;

/// Looks at a handler.
pub(crate) fn check(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let Some(condition) = &scope.dialect.condition else {
        return;
    };
    let event = &handler.group.event.name;
    if handler.get(&condition.key).is_none() || condition.events.contains(event) {
        return;
    }
    let remark = Remark {
        requirement: "config.condition-never-true",
        level: Some(Level::Must),
        evidence: scope.weigh(&condition.basis()),
        message: format!("`{}` stands at {event}, which knows no conditions", condition.key),
        consequence: format!("{} never runs this hook, and says nothing", scope.platform()),
        help: format!("take `{}` away; it works at {}", condition.key, condition.events.join(", ")),
    };
    handler.remark(notices, &condition.key, remark);
}
