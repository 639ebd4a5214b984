//! Whose key it is that a platform does not know, and what does the same here.

use std::sync::LazyLock;

use crate::contract::{Dialect, Library, TimeUnit};
use crate::subject::node::{Kind, Node};
use crate::subject::sheet::{Handler, Scope};

/// A key of other platforms.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// The platforms, for people.
    pub(crate) titles: String,
    /// Whether it only labels an entry, or says what holds here anyway.
    pub(crate) label: bool,
    /// What to do instead.
    pub(crate) help: String,
}

/// A platform that this program describes.
#[derive(Debug)]
struct Platform {
    id: String,
    title: String,
    dialect: Dialect,
}

/// The layouts of all platforms that are built in.
static PLATFORMS: LazyLock<Vec<Platform>> = LazyLock::new(|| {
    let Ok(library) = Library::built_in() else { return Vec::new() };
    let ids = library.files().map(|files| files.iter().map(|file| file.platform().id.clone()).collect::<Vec<_>>());
    let contracts = ids.unwrap_or_default().into_iter().filter_map(|id| library.select(&id).ok());
    contracts
        .filter_map(|contract| {
            let dialect = Dialect::of(&contract)?.clone();
            Some(Platform { id: contract.platform.id.clone(), title: contract.platform.title.clone(), dialect })
        })
        .collect()
});

/// Letters alone, in lower case: `timeoutMs` and `timeout_ms` are one key to whoever writes them.
fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Whether two spellings are one key but for case and separators.
pub(crate) fn alike(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// A key of a handler that other platforms have, with its value.
pub(crate) fn of_handler(handler: &Handler<'_>, key: &str, value: &Node) -> Option<Foreign> {
    let scope = handler.scope();
    let known = |exact: bool| {
        others(scope).filter_map(move |platform| {
            let mut keys = platform.dialect.option.keys();
            let found = keys.find(|own| if exact { own.as_str() == key } else { alike(own, key) })?;
            Some((platform, found.as_str()))
        })
    };
    let mut owners: Vec<(&Platform, &str)> = known(true).collect();
    if owners.is_empty() {
        owners = known(false).collect();
    }
    let own_words = scope.dialect.foreign.as_ref().and_then(|foreign| foreign.keys.get(key));
    let Some((first, spelled)) = owners.first().copied() else {
        let words = own_words?;
        return Some(Foreign { titles: "other platforms".to_owned(), label: false, help: or_away(words, key) });
    };
    let is_label = |(platform, spelled): &(&Platform, &str)| {
        let on = platform.dialect.keys.enabled.as_deref() == Some(*spelled) && value.kind == Kind::Bool(true);
        // Where there is nothing but commands, nothing is lost by saying so.
        let kind = platform.dialect.keys.kind.as_deref() == Some(*spelled)
            && value.text() == Some(platform.dialect.keys.runs.as_str());
        on || kind || platform.dialect.option.get(*spelled).is_some_and(|option| option.label)
    };
    // A time limit has a figure, which the platform's own words cannot have.
    let help = limit(handler, &first.dialect, spelled, value)
        .or_else(|| own_words.filter(|words| !words.is_empty()).cloned())
        .or_else(|| instead(handler, &first.dialect, spelled))
        .unwrap_or_else(|| or_away("", key));
    Some(Foreign { titles: titles(&owners), label: owners.iter().all(is_label), help })
}

/// A key of a group that other platforms have.
pub(crate) fn of_group(scope: &Scope<'_>, key: &str) -> Option<Foreign> {
    let has = |platform: &&Platform| platform.dialect.keys.of_groups.iter().any(|own| own == key);
    let owners: Vec<(&Platform, &str)> = others(scope).filter(has).map(|platform| (platform, key)).collect();
    let (first, _) = owners.first()?;
    let label = first.dialect.keys.labels.iter().any(|own| own == key);
    Some(Foreign { titles: titles(&owners), label, help: or_away("", key) })
}

fn others<'a>(scope: &Scope<'a>) -> impl Iterator<Item = &'static Platform> + use<'a> {
    let own = &scope.contract.platform.id;
    PLATFORMS.iter().filter(move |platform| platform.id != *own)
}

fn titles(owners: &[(&Platform, &str)]) -> String {
    let mut titles: Vec<&str> = owners.iter().map(|(platform, _)| platform.title.as_str()).collect();
    let more = titles.len() > 3;
    titles.truncate(3);
    if more {
        return format!("{} and others", titles.join(", "));
    }
    match titles.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => titles.join(""),
    }
}

fn or_away(words: &str, key: &str) -> String {
    if words.is_empty() { format!("take `{key}` away") } else { words.to_owned() }
}

/// The time limit in the platform's own key and unit.
fn limit(handler: &Handler<'_>, owner: &Dialect, key: &str, value: &Node) -> Option<String> {
    let scope = handler.scope();
    let theirs = owner.timeout.as_ref().filter(|timeout| timeout.keys.iter().any(|own| own == key))?;
    let ours = scope.dialect.timeout.as_ref()?;
    if let Some(own) = ours.keys.iter().find(|own| handler.get(own).is_some()) {
        return Some(format!("take `{key}` away: `{own}` counts"));
    }
    let name = ours.keys.first()?;
    let unit = if ours.unit == TimeUnit::Milliseconds { "milliseconds" } else { "seconds" };
    let Some(number) = value.number().filter(|number| *number > 0.0) else {
        return Some(format!("write `{name}`, in {unit}"));
    };
    let seconds = theirs.unit.seconds(number);
    let figure = if ours.unit == TimeUnit::Milliseconds { seconds * 1000.0 } else { seconds };
    // Some platforms take whole numbers only.
    let figure = if figure >= 1.0 { figure.ceil() } else { figure };
    Some(format!("write \"{name}\": {figure}, in {unit}"))
}

/// What has the same purpose here.
fn instead(handler: &Handler<'_>, owner: &Dialect, key: &str) -> Option<String> {
    let scope = handler.scope();
    let (theirs, ours) = (&owner.keys, &scope.dialect.keys);
    let is = |own: &Option<String>| own.as_deref() == Some(key);
    let command = &ours.command;
    if is(&theirs.environment) {
        return Some(
            ours.environment
                .as_ref()
                .map_or_else(|| format!("set the variables in `{command}`"), |own| format!("write `{own}`")),
        );
    }
    if is(&theirs.folder) {
        return Some(
            ours.folder
                .as_ref()
                .map_or_else(|| format!("change the directory in `{command}`"), |own| format!("write `{own}`")),
        );
    }
    if is(&theirs.args) {
        return Some(format!("write the arguments into `{command}`"));
    }
    if theirs.command == key || is(&theirs.program) || theirs.command_on.values().flatten().any(|own| own == key) {
        let there = handler.get(command).is_some();
        return Some(if there {
            format!("take `{key}` away: `{command}` is run")
        } else {
            format!("write `{command}`")
        });
    }
    if owner.condition.as_ref().is_some_and(|condition| condition.key == key) {
        return Some("look at the document on stdin in the hook itself".to_owned());
    }
    let switch = owner.keys.enabled.as_deref() == Some(key);
    switch.then(|| "take the whole entry away to switch it off".to_owned())
}
