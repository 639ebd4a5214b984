//! The document by which a hook sends itself to the background.

use serde_json::{Value, json};

use super::output::at_exit_zero;
use crate::contract::{AnswerClass, Event, ExitThen, Role};

/// The schema of the announcement; `None` if the event knows none.
pub(super) fn schema(event: &Event) -> Option<Value> {
    let names: Vec<&str> = event.fields_with(Role::Background).map(|(path, _)| path.as_str()).collect();
    let effect = match at_exit_zero(event, AnswerClass::Announced) {
        Some(ExitThen::Background) => "The hook goes on in the background; nothing else in the document is looked at.",
        Some(ExitThen::Text) => "No announcement here: the document is read as plain text, whatever else is in it.",
        _ => "Nothing else in the document is looked at.",
    };
    let one = |name: &str| json!({ "properties": { name: { "const": true } }, "required": [name] });
    match names.as_slice() {
        [] => None,
        [name] => {
            let mut schema = json!({ "description": effect, "type": "object" });
            if let (Value::Object(schema), Value::Object(one)) = (&mut schema, one(name)) {
                schema.extend(one);
            }
            Some(schema)
        }
        several => {
            let several: Vec<Value> = several.iter().map(|name| one(name)).collect();
            Some(json!({ "description": effect, "type": "object", "anyOf": several }))
        }
    }
}
