//! What a contract file must not say, with the place where it says it.

use toml::de::{DeTable, DeValue};

use super::field::{FieldEntries, Role};
use super::file::{ContractError, ContractFile, position};
use super::reading::ReadingRule;

/// Checks what types cannot: that every reference leads somewhere.
pub(super) fn check(file: &ContractFile, text: &str) -> Result<(), ContractError> {
    let checker = Checker { file, text };
    checker.sources()?;
    checker.reading()?;
    checker.events()?;
    checker.changes()
}

/// Gives the error about a change the place of that change in `text`.
pub(super) fn placed(file: &ContractFile, text: &str, error: ContractError) -> ContractError {
    let ContractError::Change { change, message, .. } = &error else { return error };
    let Some(index) = file.parsed.change.iter().position(|known| known.id == *change) else { return error };
    Checker { file, text }.fail(&["change", &index.to_string()], format!("`{change}`: {message}"))
}

struct Checker<'a> {
    file: &'a ContractFile,
    text: &'a str,
}

impl Checker<'_> {
    fn fail(&self, keys: &[&str], message: String) -> ContractError {
        let (line, column) = position(self.text, locate(self.text, keys).unwrap_or(0));
        ContractError::Meaning { path: self.file.path.clone(), line, column, key: keys.join("."), message }
    }

    /// Every `source` must begin with a key of `[sources]`.
    fn sources(&self) -> Result<(), ContractError> {
        let mut keys = Vec::new();
        self.sources_in(&self.file.value, &mut keys)
    }

    fn sources_in(&self, table: &toml::Table, keys: &mut Vec<String>) -> Result<(), ContractError> {
        for (key, value) in table {
            keys.push(key.clone());
            match value {
                toml::Value::Table(inner) if keys != &["sources"] => self.sources_in(inner, keys)?,
                toml::Value::Array(items) if key == "source" => {
                    for item in items.iter().filter_map(toml::Value::as_str) {
                        let source = item.split(':').next().unwrap_or(item).trim();
                        if !self.file.parsed.sources.contains_key(source) {
                            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                            return Err(self.fail(
                                &keys,
                                format!("{source:?} is no key of [sources]; known: {}", self.known_sources()),
                            ));
                        }
                    }
                }
                toml::Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        if let toml::Value::Table(inner) = item {
                            keys.push(index.to_string());
                            self.sources_in(inner, keys)?;
                            keys.pop();
                        }
                    }
                }
                _ => {}
            }
            keys.pop();
        }
        Ok(())
    }

    fn known_sources(&self) -> String {
        self.file.parsed.sources.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn events(&self) -> Result<(), ContractError> {
        let parsed = &self.file.parsed;
        for (name, event) in &parsed.event {
            if !parsed.exits.contains_key(&event.exits) {
                let known: Vec<_> = parsed.exits.keys().map(String::as_str).collect();
                return Err(self.fail(
                    &["event", name, "exits"],
                    format!("there is no exit table {:?}; known: {}", event.exits, known.join(", ")),
                ));
            }
            if let Some(path) = event.without.iter().find(|path| !parsed.common.input.contains_key(*path)) {
                return Err(self.fail(&["event", name, "without"], format!("{path:?} is no field of [common.input]")));
            }
            for path in &event.discard {
                if !parsed.common.output.contains_key(path) {
                    return Err(
                        self.fail(&["event", name, "discard"], format!("{path:?} is no field of [common.output]"))
                    );
                }
            }
            if let Some(matcher) = &event.matcher
                && !event.input.contains_key(matcher)
                && !parsed.common.input.contains_key(matcher)
            {
                return Err(
                    self.fail(&["event", name, "matcher"], format!("{matcher:?} is no input field of this event"))
                );
            }
            self.fields(&["event", name, "output"], &event.output)?;
        }
        self.fields(&["common", "output"], &parsed.common.output)?;
        if let Some(tool) = &parsed.platform.default_tool
            && !parsed.tool.contains_key(tool)
        {
            return Err(self.fail(&["platform", "default_tool"], format!("there is no [tool.{tool}]")));
        }
        for (name, rows) in &parsed.exits {
            for row in rows {
                if let Some(pattern) = &row.stderr_matches
                    && let Err(error) = regex_lite::Regex::new(pattern)
                {
                    return Err(self.fail(&["exits", name], format!("{pattern:?} is no pattern: {error}")));
                }
            }
            if !rows.iter().any(|row| row.on.contains(&super::EndingPattern::Any) && row.answer.is_empty()) {
                return Err(self.fail(
                    &["exits", name],
                    "the table must end with a row for every ending (on = [\"any\"])".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Output fields need a role, and a decision needs meanings.
    fn fields(&self, at: &[&str], fields: &FieldEntries) -> Result<(), ContractError> {
        let basis = super::Basis { evidence: super::Evidence::Unconfirmed, source: Vec::new() };
        for (path, entry) in fields {
            let field = entry.resolve(&basis);
            let keys: Vec<&str> = at.iter().copied().chain([path.as_str()]).collect();
            let Some(role) = field.role else {
                return Err(self.fail(&keys, "an output field needs a role".to_owned()));
            };
            let named = field.refuse.iter().filter_map(|refuse| refuse.without.as_ref());
            let named = named.chain(field.needs.iter().map(|need| &need.field));
            let named = named.chain(field.with.iter().chain(&field.unless).map(|with| &with.field));
            let common = &self.file.parsed.common.output;
            for other in named {
                if !fields.contains_key(other) && !common.contains_key(other) {
                    return Err(self.fail(&keys, format!("it names the field {other:?}, which is none of this event")));
                }
            }
            if role == Role::Decision && field.map.is_empty() {
                return Err(self.fail(&keys, "a decision needs a `map` from values to meanings".to_owned()));
            }
            if let Some(value) = field.map.keys().find(|value| !field.values.contains(value)) {
                return Err(self.fail(&keys, format!("`map` names {value:?}, which is none of its `values`")));
            }
            if at[0] == "event" && entry.evidence.is_some() != entry.source.is_some() {
                return Err(self.fail(&keys, "`evidence` and `source` go together".to_owned()));
            }
        }
        Ok(())
    }

    /// A strategy needs what it looks for.
    fn reading(&self) -> Result<(), ContractError> {
        let reading = &self.file.parsed.reading;
        let missing = match reading.rule {
            ReadingRule::OpenerJson if reading.openers.is_empty() => "openers",
            ReadingRule::ControlLine if reading.control_prefix.is_empty() => "control_prefix",
            _ => return Ok(()),
        };
        Err(self.fail(&["reading", "rule"], format!("this rule needs `{missing}`")))
    }

    fn changes(&self) -> Result<(), ContractError> {
        for (index, change) in self.file.parsed.change.iter().enumerate() {
            if change.until >= change.since {
                return Err(self.fail(
                    &["change", &index.to_string()],
                    format!("`{}` holds until {} and is over since {}", change.id, change.until, change.since),
                ));
            }
        }
        Ok(())
    }
}

/// The byte offset of the value at `keys`, or of the nearest parent that exists. Items of a list go by their number,
/// from 0.
pub(super) fn locate(text: &str, keys: &[&str]) -> Option<usize> {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut offset = None;
    let mut value = DeValue::Table(table.into_inner());
    for key in keys {
        value = match value {
            DeValue::Table(here) => {
                let Some((name, inner)) = here.into_iter().find(|(name, _)| name.get_ref() == key) else { break };
                offset = Some(name.span().start);
                inner.into_inner()
            }
            DeValue::Array(here) => {
                let Some(item) = key.parse().ok().and_then(|index: usize| here.into_iter().nth(index)) else { break };
                offset = Some(item.span().start);
                item.into_inner()
            }
            _ => break,
        };
    }
    offset
}
