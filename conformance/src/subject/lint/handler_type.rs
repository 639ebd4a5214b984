//! `config.handler-not-allowed`: a type of handler that the event does not take; and `config.unsupported-handler`: one
//! that this suite does not run.

use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Handler;

/// Looks at a handler.
pub(crate) fn check(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let keys = &scope.dialect.keys;
    let Some(key) = &keys.kind else {
        return;
    };
    let event = handler.group.event;
    let kind = handler.kind;
    if !event.handlers.iter().any(|name| name == kind) {
        let remark = Remark {
            requirement: "config.handler-not-allowed",
            level: Some(Level::Must),
            // Which types an event takes is documented; the event's own basis may say more of other things.
            evidence: scope.weigh(&event.basis).max(Evidence::Documented),
            message: format!("{} takes no handler of type {kind}", event.name),
            consequence: format!("{} never runs this hook", scope.platform()),
            help: format!("use one of {}", event.handlers.join(", ")),
        };
        handler.remark(notices, key, remark);
    } else if kind != keys.runs {
        let remark = Remark {
            requirement: "config.unsupported-handler",
            level: None,
            evidence: Evidence::Measured,
            message: format!("a handler of type {kind} is not checked"),
            consequence: format!("nothing is said of it here; {} runs it all the same", scope.platform()),
            help: format!("only handlers of type {} are run", keys.runs),
        };
        handler.remark(notices, key, remark);
    }
}

/// A command for a shell that this machine does not have.
pub(crate) fn no_shell(handler: &Handler<'_>, program: &str, notices: &mut Notices) {
    let scope = handler.scope();
    let key = scope.dialect.shell.as_ref().map_or("shell", |shell| shell.key.as_str());
    let remark = Remark {
        requirement: "config.unsupported-handler",
        level: None,
        evidence: Evidence::Measured,
        message: format!("`{key}` asks for another shell, and {program} is not on this machine"),
        consequence: "the command is not run here, and nothing is said of it".to_owned(),
        help: format!("to check it, install {program}"),
    };
    handler.remark(notices, key, remark);
}
