//! `config.nested-group`: a group with a list of handlers where the platform wants the handlers themselves.

use crate::requirement::Level;
use crate::subject::malformed;
use crate::subject::node::Node;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Group;

/// The key under which groups of other platforms have their handlers.
pub(crate) const NESTED: &str = "hooks";

/// Looks at an entry that should be a handler; whether it is a group.
pub(crate) fn check(group: &Group<'_>, notices: &mut Notices) -> bool {
    let sheet = &group.sheet;
    let scope = group.scope();
    let Some(member) = group.node.member(NESTED).filter(|member| member.value.items().is_some()) else {
        return false;
    };
    let (evidence, consequence) = malformed::cost(sheet, Some(group.event), None);
    let command = &scope.dialect.keys.command;
    let matcher = scope.dialect.keys.matcher.as_ref().filter(|key| group.node.get(key).is_some_and(is_text));
    let matcher = matcher.map_or_else(String::new, |key| format!("\"{key}\": ..., "));
    let remark = Remark {
        requirement: "config.nested-group",
        level: Some(Level::Must),
        evidence: evidence.max(scope.weigh(&scope.dialect.layout.basis())),
        message: format!("this entry of `{}` is a group with a list of handlers", group.event.name),
        consequence,
        help: format!("write each handler by itself: {{{matcher}\"{command}\": \"...\"}}"),
    };
    notices.add(sheet.source, member.key_start, remark);
    true
}

fn is_text(node: &Node) -> bool {
    node.text().is_some()
}
