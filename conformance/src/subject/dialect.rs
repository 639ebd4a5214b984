//! What the layout of a platform's configuration says of its entries.

use super::node::{Kind, Node};
use crate::contract::{Contract, Dialect, HandlerKey, Takes};

impl HandlerKey {
    /// What `value` should be instead; `None` if it is in order.
    pub(crate) fn objection(&self, value: &Node) -> Option<String> {
        let fits = match self.takes {
            Takes::Any => true,
            Takes::Text => value.text().is_some(),
            Takes::FilledText => value.text().is_some_and(|text| !text.is_empty()),
            Takes::Texts => value.items().is_some_and(|items| items.iter().all(|item| item.text().is_some())),
            Takes::Flag => matches!(value.kind, Kind::Bool(_)),
            Takes::PositiveNumber => value.number().is_some_and(|number| number > 0.0),
            Takes::WholeNumber => value.whole(),
            Takes::Count => value.whole() && value.number().is_some_and(|number| number >= 0.0),
            Takes::TextMap => value.members().is_some_and(|mut all| all.all(|member| member.value.text().is_some())),
        };
        let listed =
            self.values.is_empty() || value.text().is_none_or(|text| self.values.iter().any(|known| known == text));
        if fits && listed {
            return None;
        }
        Some(match self.takes {
            Takes::Text | Takes::FilledText if !self.values.is_empty() => {
                let values: Vec<_> = self.values.iter().map(|value| format!("\"{value}\"")).collect();
                values.join(" or ")
            }
            Takes::Text => "a string".to_owned(),
            Takes::FilledText => "a string that is not empty".to_owned(),
            Takes::WholeNumber => "a number without a fraction and without quotation marks".to_owned(),
            Takes::Count => "a number without a fraction, not below 0, without quotation marks".to_owned(),
            Takes::TextMap => "an object of strings".to_owned(),
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
            let conditions = dialect.condition.iter().flat_map(|condition| &condition.events);
            let narrow = dialect.matching.narrow.iter().flat_map(|narrow| &narrow.events);
            let most = dialect.timeout.iter().flat_map(|timeout| timeout.most_s.keys());
            let events = dialect.malformed.void_at.iter();
            let events = events.chain(&dialect.malformed.drop_at).chain(conditions).chain(narrow).chain(most);
            let events = events.chain(dialect.matching.part.keys()).chain(&dialect.layout.grouped_at);
            for event in events.chain(dialect.events.means.values()) {
                assert!(contract.events.contains_key(event), "{id}: {event} is no event");
            }
            for name in dialect.events.never_fired.iter().chain(dialect.events.means.keys()) {
                assert!(!contract.events.contains_key(name), "{id}: {name} is an event");
            }
            let plugin = dialect.plugin.as_ref();
            let variables = dialect.project.iter().map(|project| &project.root);
            let variables = variables.chain(plugin.iter().flat_map(|plugin| plugin.root.iter().chain(&plugin.data)));
            for variable in variables {
                let known = contract.environment.get(variable).is_some_and(|variable| variable.exists);
                assert!(known, "{id}: {variable} is no variable");
            }
            let types: Vec<_> = contract.events.values().flat_map(|event| &event.handlers).collect();
            for (key, option) in &dialect.option {
                for handler in &option.handlers {
                    assert!(types.contains(&handler), "{id}: {key}: {handler} is no type of handler");
                }
            }
            let keys = dialect.identity.iter().flat_map(|identity| &identity.keys);
            let keys = keys.chain(dialect.condition.iter().map(|condition| &condition.key));
            let keys = keys.chain(dialect.timeout.iter().flat_map(|timeout| &timeout.keys));
            let keys = keys.chain(dialect.shell.iter().map(|shell| &shell.key)).chain(&dialect.keys.program);
            let keys = keys.chain(&dialect.keys.kind).chain(dialect.keys.command_on.values().flatten());
            for key in keys.chain(&dialect.keys.environment).chain(&dialect.keys.enabled).chain(&dialect.keys.folder) {
                assert!(dialect.option.contains_key(key), "{id}: {key} is no key of a handler");
            }
            for (name, foreign) in &dialect.matching.foreign {
                let here = foreign.events.is_empty() && contract.tools.contains_key(name);
                assert!(!here, "{id}: {name} is a tool");
                for event in &foreign.events {
                    assert!(contract.events.contains_key(event), "{id}: {event} is no event");
                }
            }
            let foreign = dialect.foreign.iter().flat_map(|foreign| foreign.keys.keys());
            for key in foreign {
                assert!(!dialect.option.contains_key(key), "{id}: {key} is a key of a handler");
            }
            if dialect.keys.kind.is_some() {
                assert!(types.contains(&&dialect.keys.runs), "{id}: no event takes handlers that run commands");
            }
        }
    }
}
