//! `config.misplaced-option`: a key of a handler in the group around it, and misspelled keys of groups.

use super::owner;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Group;
use crate::suggest::misspelled;

/// Looks at a group.
pub(crate) fn check(group: &Group<'_>, notices: &mut Notices) {
    let scope = group.scope();
    let keys = &scope.dialect.keys;
    if group.flat {
        return;
    }
    let own: Vec<&str> = keys.matcher.iter().chain(&keys.handlers).map(String::as_str).collect();
    for member in group.node.members().into_iter().flatten() {
        let key = member.key.as_str();
        if own.contains(&key) || keys.of_groups.iter().any(|known| known == key) {
            continue;
        }
        let consequence;
        let help;
        if let Some(foreign) = owner::of_group(scope, key) {
            let remark = Remark {
                requirement: "config.unknown-option",
                level: Some(if foreign.label { Level::May } else { Level::Should }),
                evidence: scope.weigh(&keys.basis()),
                message: format!("a group has no `{key}` here; it is a key of {}", foreign.titles),
                consequence: format!("{} does not look at it", scope.platform()),
                help: foreign.help,
            };
            notices.add(group.sheet.source, member.key_start, remark);
            continue;
        }
        if scope.dialect.option.contains_key(key) {
            consequence = format!("{} does not look at it here", scope.platform());
            help = format!("put `{key}` into the handlers of `{}`", keys.handlers.as_deref().unwrap_or("hooks"));
        } else if let Some(meant) = misspelled(key, own.iter().copied()) {
            let widely = if Some(meant) == keys.matcher.as_deref() { ": the hooks run for everything" } else { "" };
            consequence = format!("{} does not know this key{widely}", scope.platform());
            let there = group.node.get(meant).is_some();
            help =
                if there { format!("take `{key}` away: `{meant}` counts") } else { format!("did you mean `{meant}`?") };
        } else {
            continue;
        }
        let remark = Remark {
            requirement: "config.misplaced-option",
            level: Some(Level::Should),
            evidence: scope.weigh(&keys.basis()),
            message: format!("a group has no key `{key}`"),
            consequence,
            help,
        };
        notices.add(group.sheet.source, member.key_start, remark);
    }
}
