//! What a contract file says once for several events: `like`, and events that are only announced.

use toml::{Table, Value};

use super::check;

/// What an event never takes from another one: its document, and the moment that makes it comparable.
const OWN: [&str; 2] = ["input", "moment"];

/// Fills events that are `like` another one, and moves those that are `planned` into a table of their own. Returns
/// whether there was any.
///
/// An event that names nothing, or itself, keeps its `like`, which the reader then refuses as an unknown key.
pub(super) fn fill(file: &mut Table) -> bool {
    let Some(Value::Table(events)) = file.get_mut("event") else { return false };
    let planned: Vec<String> = names(events, "planned");
    let like: Vec<String> = names(events, "like");
    if planned.is_empty() && like.is_empty() {
        return false;
    }
    // One after another, so that an event may be like one that is itself like a third.
    for _ in 0..=like.len() {
        for name in &like {
            let Some(base) = events[name].get("like").and_then(Value::as_str).map(str::to_owned) else { continue };
            let Some(Value::Table(base)) = events.get(&base).filter(|base| base.get("like").is_none()) else {
                continue;
            };
            let base = base.clone();
            let Some(Value::Table(event)) = events.get_mut(name) else { continue };
            event.remove("like");
            for (key, value) in base {
                if !OWN.contains(&key.as_str()) && !event.contains_key(&key) {
                    event.insert(key, value);
                }
            }
        }
    }
    let mut apart = Table::new();
    for name in planned {
        if let Some(event) = events.remove(&name) {
            apart.insert(name, event);
        }
    }
    if !apart.is_empty() {
        file.insert("planned".to_owned(), Value::Table(apart));
    }
    true
}

/// Events that have a key.
fn names(events: &Table, key: &str) -> Vec<String> {
    events.iter().filter(|(_, event)| event.get(key).is_some()).map(|(name, _)| name.clone()).collect()
}

/// The byte offset of what an error about the filled file is about, as well as the text has it.
pub(super) fn place(text: &str, error: &toml::de::Error) -> usize {
    // Errors about values name the keys that lead to them on a line of their own.
    let told = error.to_string();
    let keys = told.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    let mut keys: Vec<&str> = keys.unwrap_or_default().split('.').collect();
    if keys.first() == Some(&"planned") {
        keys[0] = "event";
    }
    check::locate(text, &keys).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::fill;

    fn filled(text: &str) -> toml::Table {
        let mut table: toml::Table = toml::from_str(text).unwrap();
        fill(&mut table);
        table
    }

    #[test]
    fn takes_everything_but_the_input() {
        let table = filled(
            "[event.a]\nkind = \"gate\"\nfires = \"x\"\n[event.a.input]\nf = 1\n[event.b]\nlike = \"a\"\nfires = \"y\"\n\
             [event.c]\nlike = \"b\"",
        );
        let event = |name: &str| table["event"][name].as_table().unwrap().clone();
        assert_eq!(event("b")["kind"].as_str(), Some("gate"));
        assert_eq!(event("b")["fires"].as_str(), Some("y"));
        assert_eq!(event("c")["fires"].as_str(), Some("y"));
        assert!(!event("c").contains_key("input") && !event("c").contains_key("like"));
    }

    #[test]
    fn leaves_circles_for_the_reader_to_refuse() {
        let table = filled("[event.a]\nlike = \"b\"\n[event.b]\nlike = \"a\"\n[event.c]\nlike = \"nowhere\"");
        for name in ["a", "b", "c"] {
            assert!(table["event"][name].get("like").is_some(), "{name}");
        }
    }

    #[test]
    fn keeps_announced_events_apart() {
        let table = filled("[event.a]\nkind = \"gate\"\n[event.b]\nplanned = \"PR 1\"");
        assert!(table["event"].get("b").is_none());
        assert_eq!(table["planned"]["b"]["planned"].as_str(), Some("PR 1"));
    }
}
