//! What the layout of a platform's configuration says of its entries.

use super::node::{Kind, Node};
use crate::contract::{Contract, Dialect, HandlerKey, Takes};

impl HandlerKey {
    /// What `value` should be instead; `None` if it is in order.
    pub(crate) fn objection(&self, value: &Node) -> Option<String> {
        let fits = match self.takes {
            Takes::Any => true,
            Takes::Text => value.text().is_some(),
            Takes::Texts => value.items().is_some_and(|items| items.iter().all(|item| item.text().is_some())),
            Takes::Flag => matches!(value.kind, Kind::Bool(_)),
            Takes::PositiveNumber => value.number().is_some_and(|number| number > 0.0),
        };
        let listed =
            self.values.is_empty() || value.text().is_none_or(|text| self.values.iter().any(|known| known == text));
        if fits && listed {
            return None;
        }
        Some(match self.takes {
            Takes::Text if !self.values.is_empty() => {
                let values: Vec<_> = self.values.iter().map(|value| format!("\"{value}\"")).collect();
                values.join(" or ")
            }
            Takes::Text => "a string".to_owned(),
            Takes::Texts => "an array of strings".to_owned(),
            Takes::Flag => "true or false, without quotation marks".to_owned(),
            Takes::PositiveNumber => "a number above 0, without quotation marks".to_owned(),
            Takes::Any => "anything".to_owned(),
        })
    }
}

impl Dialect {
    /// The layout of the contract's platform; `None` if nobody has described it.
    pub(crate) fn of(contract: &Contract) -> Option<&Dialect> {
        contract.config.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use crate::contract::Library;

    #[test]
    fn layouts_name_only_what_their_contract_knows() {
        let library = Library::built_in().unwrap();
        for file in library.files().unwrap() {
            let id = &file.platform().id;
            let contract = library.select(id).unwrap();
            let Some(dialect) = contract.config.clone() else { continue };
            let events = dialect.malformed.void_at.iter();
            let events = events.chain(&dialect.malformed.drop_at).chain(&dialect.condition.events);
            let events = events.chain(&dialect.matching.narrow.events).chain(dialect.matching.part.keys());
            for event in events {
                assert!(contract.events.contains_key(event), "{id}: {event} is no event");
            }
            for variable in [&dialect.plugin.root, &dialect.plugin.data, &dialect.project.root] {
                let known = contract.environment.get(variable).is_some_and(|variable| variable.placeholder);
                assert!(known, "{id}: {variable} is no placeholder");
            }
            let types: Vec<_> = contract.events.values().flat_map(|event| &event.handlers).collect();
            for (key, option) in &dialect.option {
                for handler in &option.handlers {
                    assert!(types.contains(&handler), "{id}: {key}: {handler} is no type of handler");
                }
            }
            let keys = dialect.identity.keys.iter();
            for key in keys.chain([&dialect.condition.key, &dialect.timeout.key, &dialect.shell.key]) {
                assert!(dialect.option.contains_key(key), "{id}: {key} is no key of a handler");
            }
        }
    }
}
