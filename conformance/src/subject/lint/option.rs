//! Keys of handlers: `config.unknown-option` for misspelled ones, `config.option-ignored` for those that do nothing here.

use super::owner;
use crate::contract::{Basis, Foreign};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Handler, Home};
use crate::suggest::misspelled;

/// Looks at keys that no handler of that type has, and that are nearly one which it has. Others are comments.
pub(crate) fn unknown(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let options = &scope.dialect.option;
    let keys = &scope.dialect.keys;
    // That an unknown key is no fault of the entry was measured together with what is one.
    let unknown = scope.dialect.foreign.as_ref().map_or_else(|| scope.dialect.malformed.basis(), Foreign::basis);
    let flat_matcher = if handler.group.flat { &keys.matcher } else { &None };
    for member in handler.members() {
        let key = member.key.as_str();
        let structural = [&keys.action, &keys.event].into_iter().chain([flat_matcher]).flatten().any(|own| own == key);
        if structural || options.get(key).is_some_and(|option| option.belongs_to(handler.kind)) {
            continue;
        }
        // A key that other handlers have, or that is written with other separators, is none of another platform.
        let own_word = options.contains_key(key) || options.keys().any(|own| owner::alike(own, key));
        if let Some(foreign) = owner::of_handler(handler, key, &member.value).filter(|_| !own_word) {
            let level = if foreign.label { Level::May } else { Level::Should };
            let remark = Remark {
                requirement: "config.unknown-option",
                level: Some(level),
                evidence: scope.weigh(&unknown),
                message: format!("a handler has no `{key}` here; it is a key of {}", foreign.titles),
                consequence: format!("{} ignores it", scope.platform()),
                help: foreign.help,
            };
            notices.add(handler.group.sheet.source, member.key_start, remark);
            continue;
        }
        let own = options.iter().filter(|(_, option)| option.belongs_to(handler.kind));
        let help = match (options.contains_key(key), misspelled(key, own.map(|(name, _)| name.as_str()))) {
            (true, _) => format!("it is for handlers of type {}", options[key].handlers.join(", ")),
            (false, Some(meant)) if handler.get(meant).is_some() => format!("take `{key}` away: `{meant}` counts"),
            (false, Some(meant)) => format!("did you mean `{meant}`?"),
            (false, None) => continue,
        };
        let remark = Remark {
            requirement: "config.unknown-option",
            level: Some(Level::Should),
            evidence: scope.weigh(&unknown),
            message: match keys.kind {
                Some(_) => format!("a handler of type {} has no `{key}`", handler.kind),
                None => format!("a handler has no `{key}`"),
            },
            consequence: format!("{} ignores it", scope.platform()),
            help,
        };
        notices.add(handler.group.sheet.source, member.key_start, remark);
    }
}

/// Looks at options that are accepted and without effect where they stand.
pub(crate) fn ignored(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let event = &handler.group.event.name;
    for member in handler.members() {
        let key = &member.key;
        let Some(option) = scope.dialect.option.get(key).filter(|option| option.belongs_to(handler.kind)) else {
            continue;
        };
        let value = member.value.scalar();
        let in_settings = option.ignored_in_settings
            && scope.home == Home::Settings
            && !scope.in_front_matter
            && value.as_deref() == Some("true");
        let at_event = scope.contract.handler.get(key).filter(|known| {
            known.ignored_at.contains(event) && (known.failure_denies.is_none() || known.failure_denies == value)
        });
        let (basis, place, help, level) = match at_event {
            _ if in_settings => {
                (option.basis(), "in settings files".to_owned(), format!("remove `{key}`"), Level::Should)
            }
            Some(known) => {
                let denies = known.failure_denies.is_some();
                let help = match denies {
                    true => format!("remove `{key}`, and let the hook itself answer where it fails"),
                    false => format!("remove `{key}`"),
                };
                // Nothing depends on who is shown a hook's streams.
                let level = if known.shows_streams.is_some() { Level::May } else { Level::Should };
                (Basis { evidence: known.evidence, source: known.source.clone() }, format!("at {event}"), help, level)
            }
            None => continue,
        };
        let remark = Remark {
            requirement: "config.option-ignored",
            level: Some(level),
            evidence: scope.weigh(&basis),
            message: format!("`{key}` has no effect {place}"),
            consequence: format!("{} accepts it and does nothing with it", scope.platform()),
            help,
        };
        notices.add(handler.group.sheet.source, member.key_start, remark);
    }
}
