//! `config.unknown-event`: hooks for an event that the platform does not have.

use crate::contract::{Cost, Evidence};
use crate::requirement::Level;
use crate::subject::node::Member;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Scope, Sheet};
use crate::suggest::misspelled;

/// Looks at a member of a map of events whose name is none.
pub(crate) fn check(sheet: &Sheet<'_>, member: &Member, notices: &mut Notices) {
    let mut remark = remark(sheet.scope, &member.key);
    // A second key of the same name would take the place of the first.
    let meant = remark.help.strip_prefix("did you mean ").and_then(|help| help.strip_suffix('?'));
    if let Some(meant) = meant.filter(|meant| sheet.map.get(meant).is_some()) {
        remark.help = format!("move these hooks to {meant}");
    }
    notices.add(sheet.source, member.key_start, remark);
}

/// Looks at a name that stands where an event's should.
pub(crate) fn named(sheet: &Sheet<'_>, name: &str, start: usize, notices: &mut Notices) {
    notices.add(sheet.source, start, remark(sheet.scope, name));
}

/// What is to be said of a name that is no event's.
pub(crate) fn remark(scope: &Scope<'_>, name: &str) -> Remark {
    let contract = scope.contract;
    let events = &scope.dialect.events;
    let known = || contract.events.keys().map(String::as_str);
    let never_fired = events.never_fired.iter().any(|known| known == name);
    let help = match events.means.get(name).map(String::as_str).or_else(|| misspelled(name, known())) {
        _ if never_fired => "take it away".to_owned(),
        Some(meant) if events.means.contains_key(name) => format!("the event is called {meant} here"),
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("take it away, or use one of {}", known().collect::<Vec<_>>().join(", ")),
    };
    let platform = scope.platform();
    let quietly = if events.told || !events.evidence.is_settled() { "" } else { ", and says nothing" };
    let file = || format!("{platform} leaves out the whole file, with all its hooks");
    let consequence = match events.unknown {
        Cost::File if events.evidence.is_settled() => file(),
        Cost::File => {
            format!("{platform} never runs these hooks; sources disagree on whether the whole file is left out")
        }
        _ => format!("{platform} never runs these hooks{quietly}"),
    };
    Remark {
        requirement: "config.unknown-event",
        level: Some(Level::Must),
        // That there is no such event is the contract's own word; only what that costs is the table's.
        evidence: scope.weigh(&events.basis()).min(Evidence::Documented),
        message: if never_fired {
            format!("{platform} {} knows the name {name:?} and never fires it", contract.version)
        } else {
            format!("{platform} {} has no event {name:?}", contract.version)
        },
        consequence,
        help,
    }
}
