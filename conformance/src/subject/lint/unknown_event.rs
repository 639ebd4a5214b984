//! `config.unknown-event`: hooks for an event that the platform does not have.

use super::nearest;
use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::node::Member;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Sheet;

/// Looks at a member of a map of events whose name is none.
pub(crate) fn check(sheet: &Sheet<'_>, member: &Member, notices: &mut Notices) {
    let scope = sheet.scope;
    let contract = scope.contract;
    let help = match nearest(&member.key, contract.events.keys().map(String::as_str)) {
        Some(meant) => format!("did you mean {meant}?"),
        None => {
            format!("take it away, or use one of {}", contract.events.keys().cloned().collect::<Vec<_>>().join(", "))
        }
    };
    let remark = Remark {
        requirement: "config.unknown-event",
        level: Some(Level::Must),
        // That there is no such event is the contract's own word; only that nobody is told had to be measured.
        evidence: scope.weigh(&scope.dialect.malformed.basis()).min(Evidence::Documented),
        message: format!("{} {} has no event {:?}", scope.platform(), contract.version, member.key),
        consequence: format!("{} never runs these hooks, and says nothing", scope.platform()),
        help,
    };
    notices.add(sheet.source, member.key_start, remark);
}
