//! Harmless text around a text that hooks read, in the same field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is put around the texts of some fields. It must not change what a text means: comments around a command, further
/// lines around the content of a file or a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PadSpec {
    /// Names of the fields, at any depth of the document, also inside a JSON document in a text.
    pub fields: Vec<String>,
    /// Repeated in front of the text, until it has half of the bytes.
    pub before: String,
    /// Repeated behind the text, until it has the other half.
    pub after: String,
}

impl PadSpec {
    /// Whether the document has a text that this is for.
    #[must_use]
    pub fn fits(&self, document: &Value) -> bool {
        self.apply(&mut document.clone(), 0)
    }

    /// Puts `size` bytes around every text of the fields. Returns whether there is one.
    pub(crate) fn apply(&self, value: &mut Value, size: usize) -> bool {
        let mut found = false;
        match value {
            Value::Object(map) => {
                for (key, item) in map.iter_mut() {
                    found |= if self.fields.contains(key) { self.pad(item, size) } else { self.apply(item, size) };
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| found |= self.apply(item, size)),
            Value::String(text) => found = within(text, |inner| self.apply(inner, size)),
            _ => {}
        }
        found
    }

    /// Pads a text, or the texts of a list.
    fn pad(&self, value: &mut Value, size: usize) -> bool {
        match value {
            Value::String(text) => {
                if !within(text, |inner| self.pad(inner, size)) {
                    let half = |unit: &str| unit.repeat((size / 2).div_ceil(unit.len().max(1)));
                    *text = format!("{}{text}{}", half(&self.before), half(&self.after));
                }
                true
            }
            Value::Array(items) => {
                let share = size / items.len().max(1);
                items.iter_mut().filter_map(|item| self.pad(item, share).then_some(())).count() > 0
            }
            Value::Object(_) => self.apply(value, size),
            _ => false,
        }
    }
}

/// Changes the JSON document that a text is, if it is one that holds others and there is something to change.
fn within(text: &mut String, change: impl FnOnce(&mut Value) -> bool) -> bool {
    let inner: Option<Value> = serde_json::from_str(text).ok();
    let Some(mut inner) = inner.filter(|inner| inner.is_object() || inner.is_array()) else { return false };
    let changed = change(&mut inner);
    if changed {
        *text = inner.to_string();
    }
    changed
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::plan::Scenarios;

    fn spec() -> PadSpec {
        PadSpec { fields: vec!["command".into(), "commands".into()], before: "#\n".into(), after: "\n#".into() }
    }

    #[rstest]
    #[case::none(json!({"a": "ls"}), None)]
    #[case::number(json!({"command": 1}), None)]
    #[case::deep(json!({"a": [{"command": "ls"}]}), Some(json!({"a": [{"command": "#\nls\n#"}]})))]
    #[case::in_a_text(json!({"a": "{\"command\":\"ls\"}"}), Some(json!({"a": "{\"command\":\"#\\nls\\n#\"}"})))]
    #[case::list(json!({"commands": ["ls", "pwd"]}), Some(json!({"commands": ["#\nls\n#", "#\npwd\n#"]})))]
    #[case::list_in_a_text(json!({"commands": "[\"ls\"]"}), Some(json!({"commands": "[\"#\\nls\\n#\"]"})))]
    fn texts_are_padded_on_both_sides(#[case] document: Value, #[case] expected: Option<Value>) {
        let mut padded = document.clone();
        assert_eq!(spec().apply(&mut padded, 4), expected.is_some());
        assert_eq!(spec().fits(&document), expected.is_some());
        assert_eq!(padded, expected.unwrap_or(document));
    }

    #[test]
    fn the_size_is_that_of_both_sides_together() {
        let mut document = json!({"command": "ls"});
        spec().apply(&mut document, 1000);
        assert_eq!(document["command"].as_str().map(str::len), Some(1002));
    }

    #[test]
    fn the_same_fields_are_padded_in_all_scenarios() {
        let scenarios = Scenarios::built_in().expect("scenarios");
        let of = |id: &str| scenarios.get(id).map(|scenario| scenario.pad.clone()).expect("is there");
        assert_eq!(of("large-text"), of("growth-text"));
        assert!(!of("large-text").is_empty());
    }
}
