//! The key around the map of events where it does not belong: `config.superfluous-wrapper`; and where nobody knows
//! whether it does, or where a name is wanted: `config.missing-wrapper`.

use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::node::{Member, Node};
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Sheet;

/// A file that is the map itself: the map, or what stands in a wrapper that does not belong there.
pub(crate) fn superfluous<'a>(sheet: &Sheet<'a>, key: &str, notices: &mut Notices) -> &'a Node {
    // Where entries have names of a person's own choice, the wrapper is one of them.
    if sheet.scope.dialect.layout.shape == crate::contract::MapShape::Named {
        return sheet.map;
    }
    inner(sheet, key, "the map of events is wrapped in a key `hooks`, and this file is that map itself", notices)
}

/// A map that holds the key once more.
pub(crate) fn doubled<'a>(sheet: &Sheet<'a>, key: &str, notices: &mut Notices) -> &'a Node {
    inner(sheet, key, "the map of events is wrapped twice", notices)
}

fn inner<'a>(sheet: &Sheet<'a>, key: &str, message: &str, notices: &mut Notices) -> &'a Node {
    let scope = sheet.scope;
    let holds_events = |node: &Node| {
        node.members().is_some_and(|mut members| members.any(|member| scope.event(&member.key).is_some()))
    };
    let Some(member) = sheet.map.member(key).filter(|member| holds_events(&member.value)) else {
        return sheet.map;
    };
    let remark = Remark {
        requirement: "config.superfluous-wrapper",
        level: Some(Level::Must),
        evidence: scope.weigh(&scope.dialect.settings.basis()).max(Evidence::Documented),
        message: message.to_owned(),
        consequence: format!("{} takes `{key}` for the name of an event, and runs nothing", scope.platform()),
        help: format!("take this `{key}` away, and put the events in its place"),
    };
    notices.add(sheet.source, member.key_start, remark);
    &member.value
}

/// A member at the top of a file whose entries have names, which is no such entry.
pub(crate) fn unnamed(sheet: &Sheet<'_>, member: &Member, notices: &mut Notices) {
    let scope = sheet.scope;
    let is_event = scope.event(&member.key).is_some();
    let remark = Remark {
        requirement: if is_event { "config.missing-wrapper" } else { "config.invalid-entry" },
        level: Some(Level::Must),
        evidence: scope.weigh(&scope.dialect.layout.basis()).max(Evidence::Documented),
        message: if is_event {
            format!("{} stands at the top of the file, without the name of a hook around it", member.key)
        } else {
            format!("`{}` holds {} and must hold an object with events", member.key, member.value.noun())
        },
        consequence: format!("{} finds no hooks here", scope.platform()),
        help: "write {\"<name>\": {\"<event>\": [...]}}".to_owned(),
    };
    notices.add(sheet.source, member.key_start, remark);
}
