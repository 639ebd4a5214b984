//! The rule `last-object`: the last JSON object anywhere in the text is the answer.

use serde_json::Value;

use super::{Reader, Reading};
use crate::json;

/// How many opening braces are tried, from the end.
const TRIES: usize = 4096;

pub(super) fn read(reader: &mut Reader<'_>, text: &str) -> Reading {
    if let Ok(document) = json::parse(text)
        && document.value.is_object()
    {
        return reader.document(document);
    }
    // The last object is the one that ends last; of those that end together the outermost.
    let mut found: Option<(usize, usize)> = None;
    for (start, _) in text.rmatch_indices('{').take(TRIES) {
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        if let Some(Ok(Value::Object(_))) = stream.next() {
            let end = start + stream.byte_offset();
            if found.is_none_or(|(_, best)| end >= best) {
                found = Some((start, end));
            }
        }
    }
    match found.and_then(|(start, end)| json::parse(&text[start..end]).ok()) {
        Some(document) => reader.document(document),
        None => Reading::Text,
    }
}
