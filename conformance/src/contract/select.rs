//! From the file to the contract of one version.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::event::Event;
use super::evidence::{Basis, Evidence};
use super::exit_table::ExitRow;
use super::field::{Field, FieldEntries, FieldPath, Role};
use super::file::{Change, ContractError, ContractFile, EventEntry, Parsed};
use super::model::{Contract, Tool};
use super::version::Version;

impl ContractFile {
    /// The contract that held at `version`.
    ///
    /// # Errors
    /// [`ContractError::BeforeFirst`] if the platform had no hooks then; [`ContractError::Change`] if a change of the
    /// file does not lead to a contract.
    pub fn select(&self, version: &Version) -> Result<Contract, ContractError> {
        let first = &self.parsed.platform.first;
        if version < first {
            return Err(ContractError::BeforeFirst {
                platform: self.parsed.platform.id.clone(),
                version: version.clone(),
                first: first.clone(),
            });
        }
        let touching: Vec<&Change> = self.parsed.change.iter().filter(|change| *version < change.since).collect();
        let parsed = if touching.is_empty() { self.parsed.clone() } else { self.edited(version, &touching)? };
        Ok(contract(parsed, version, touching.into_iter().cloned().collect()))
    }

    /// The file with the edits of `changes` made. Older changes come last in time, so that they are applied from the
    /// newest to the oldest.
    fn edited(&self, version: &Version, changes: &[&Change]) -> Result<Parsed, ContractError> {
        let mut table = self.value.clone();
        let mut ordered: Vec<&Change> = changes.to_vec();
        ordered.sort_by(|a, b| b.since.cmp(&a.since));
        for change in &ordered {
            self.apply(&mut table, version, change)?;
        }
        toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| ContractError::Change {
            path: self.path.clone(),
            change: self.first_to_break(version, &ordered).map_or_else(String::new, |change| change.id.clone()),
            message: error.message().to_owned(),
        })
    }

    /// Makes the edits of one change.
    fn apply(&self, table: &mut toml::Table, version: &Version, change: &Change) -> Result<(), ContractError> {
        let fail =
            |message: String| ContractError::Change { path: self.path.clone(), change: change.id.clone(), message };
        let known = *version <= change.until;
        for set in &change.set {
            edit(table, &set.at, set.value.as_ref(), change, known).map_err(fail)?;
        }
        Ok(())
    }

    /// Of changes that together lead to no contract, the first one that does.
    fn first_to_break<'c>(&self, version: &Version, ordered: &[&'c Change]) -> Option<&'c Change> {
        let mut table = self.value.clone();
        ordered.iter().copied().find(|change| {
            let applied = self.apply(&mut table, version, change);
            let parsed: Result<Parsed, toml::de::Error> = toml::Value::Table(table.clone()).try_into();
            applied.is_err() || parsed.is_err()
        })
    }
}

/// Makes one edit (`known`), or only marks the place as disputed.
fn edit(
    table: &mut toml::Table,
    at: &str,
    value: Option<&toml::Value>,
    change: &Change,
    known: bool,
) -> Result<(), String> {
    let (parents, last) = at.rsplit_once('/').ok_or_else(|| format!("the path {at:?} needs a parent"))?;
    let mut here = table;
    for key in parents.split('/') {
        here = match here.get_mut(key) {
            Some(toml::Value::Table(inner)) => inner,
            Some(_) => return Err(format!("`{key}` in {at:?} is no table")),
            None => return Err(format!("there is no `{key}` for {at:?}")),
        };
    }
    let evidence = if known { change.evidence } else { Evidence::Disputed };
    let target = match here.get_mut(last) {
        Some(toml::Value::Table(inner)) if value.is_none_or(toml::Value::is_table) => Some(inner),
        _ => None,
    };
    if known {
        match value {
            Some(toml::Value::Table(patch)) if target.is_some() => {
                let inner = here.get_mut(last).and_then(toml::Value::as_table_mut).ok_or("no table")?;
                for (key, value) in patch {
                    inner.insert(key.clone(), value.clone());
                }
                stamp(inner, evidence, &change.source);
                return Ok(());
            }
            Some(value) => {
                here.insert(last.to_owned(), value.clone());
            }
            None => {
                here.remove(last).ok_or_else(|| format!("there is no {at:?} to take away"))?;
            }
        }
        if here.contains_key("evidence") {
            stamp(here, evidence, &change.source);
        }
    } else if let Some(inner) = target {
        if ["evidence", "type", "action"].iter().any(|key| inner.contains_key(*key)) {
            stamp(inner, evidence, &change.source);
        }
    } else if here.contains_key(last) && here.contains_key("evidence") {
        stamp(here, evidence, &change.source);
    }
    Ok(())
}

/// Writes what a place now rests on.
fn stamp(table: &mut toml::Table, evidence: Evidence, source: &[String]) {
    table.insert("evidence".to_owned(), toml::Value::String(evidence.to_string()));
    let source = source.iter().cloned().map(toml::Value::String).collect();
    table.insert("source".to_owned(), toml::Value::Array(source));
}

/// Fills in what is inherited, and leaves out what the version does not know.
fn contract(parsed: Parsed, version: &Version, changes: Vec<Change>) -> Contract {
    let exists = |since: Option<&Version>, until: Option<&Version>| {
        since.is_none_or(|since| since <= version) && until.is_none_or(|until| version <= until)
    };
    let fields = |entries: &FieldEntries, basis: &Basis| -> IndexMap<FieldPath, Field> {
        entries
            .iter()
            .filter(|(_, entry)| exists(entry.since.as_ref(), entry.until.as_ref()))
            .map(|(path, entry)| (path.clone(), entry.resolve(basis)))
            .collect()
    };
    let nowhere = Basis { evidence: Evidence::Unconfirmed, source: Vec::new() };
    let common_input = fields(&parsed.common.input, &nowhere);
    let common_output = fields(&parsed.common.output, &nowhere);
    let rows = |event: &str, table: &str| -> Vec<ExitRow> {
        let all = parsed.exits.get(table).map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .filter(|row| exists(row.since.as_ref(), row.until.as_ref()))
            .filter(|row| row.events.is_empty() || row.events.iter().any(|name| name == event))
            .cloned()
            .collect()
    };
    let event = |name: &str, entry: &EventEntry| -> Event {
        let basis = Basis { evidence: entry.evidence, source: entry.source.clone() };
        let mut input = common_input.clone();
        input.retain(|path, _| !entry.without.contains(path));
        input.extend(fields(&entry.input, &basis));
        let mut output = common_output.clone();
        for path in &entry.discard {
            if let Some(field) = output.get_mut(path) {
                field.role = Some(Role::Ignored);
                field.basis =
                    Basis { evidence: entry.discard_evidence.unwrap_or(entry.evidence), source: entry.source.clone() };
            }
        }
        output.extend(fields(&entry.output, &basis));
        Event {
            name: name.to_owned(),
            kind: entry.kind,
            fires: entry.fires.clone(),
            since: entry.since.clone(),
            matcher: entry.matcher.clone(),
            handlers: entry.handlers.clone(),
            timeout_s: entry.timeout_s.clone().unwrap_or_else(|| parsed.limits.timeout_s.clone()),
            exits: rows(name, &entry.exits),
            text: entry.text.clone(),
            failure: entry.failure.clone(),
            outcomes: entry.outcome.clone(),
            held: entry.held.clone(),
            strict_keys: entry.strict_keys.clone(),
            input,
            output,
            moment: entry.moment,
            reading: entry.reading,
            also_named: entry.also_named.clone(),
            notes: entry.notes.clone(),
            basis,
        }
    };
    let events = parsed
        .event
        .iter()
        .filter(|(_, entry)| exists(entry.since.as_ref(), entry.until.as_ref()))
        .map(|(name, entry)| (name.clone(), event(name, entry)))
        .collect();
    let tools: BTreeMap<String, Tool> = parsed
        .tool
        .iter()
        .map(|(name, entry)| {
            let basis = Basis { evidence: entry.evidence, source: entry.source.clone() };
            (name.clone(), Tool { input: fields(&entry.input, &basis), output: fields(&entry.output, &basis) })
        })
        .collect();
    let environment = parsed
        .environment
        .into_iter()
        .filter(|(_, variable)| exists(variable.since.as_ref(), variable.until.as_ref()))
        .collect();
    let mut phantoms = parsed.phantom;
    phantoms.retain(|phantom| exists(phantom.since.as_ref(), phantom.until.as_ref()));
    let handler = parsed.handler.into_iter().filter(|(_, option)| exists(option.since.as_ref(), None)).collect();
    Contract {
        platform: parsed.platform,
        version: version.clone(),
        sources: parsed.sources,
        reading: parsed.reading,
        process: parsed.process,
        transcript: parsed.transcript,
        notice: parsed.notice,
        matching: parsed.matching,
        limits: parsed.limits,
        environment,
        variables: parsed.variables,
        handler,
        tools,
        events,
        planned: parsed.planned,
        phantoms,
        unsent_names: parsed.unsent_names,
        config: parsed.config,
        changes,
    }
}
