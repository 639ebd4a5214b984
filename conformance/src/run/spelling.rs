//! How a document is written: several texts that mean the same.

use serde_json::Value;

use crate::plan::Spelling;

/// The bytes of `document`, with what the platform puts behind it.
pub(super) fn bytes(document: &Value, spelling: Spelling, suffix: &str) -> Vec<u8> {
    match spelling {
        Spelling::Compact => format!("{document}{suffix}"),
        Spelling::Reversed => format!("{}{suffix}", reversed(document)),
        Spelling::Spaced => {
            let mut text = String::from("\r\n \t");
            spaced(document, 1, &mut text);
            text + "\r\n\n" + suffix
        }
        Spelling::Escaped => {
            let mut text = String::new();
            escaped(document, &mut text);
            text + suffix
        }
        Spelling::Crlf => format!("{}{}", crlf(document), to_crlf(suffix)),
        Spelling::Marked => format!("\u{feff}{document}{suffix}"),
    }
    .into_bytes()
}

/// The same with the keys of every object in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().rev().map(|(key, item)| (key.clone(), reversed(item))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

/// Writes the value on many lines, with white space of every kind around each part.
fn spaced(value: &Value, depth: usize, out: &mut String) {
    let parts: Vec<(Option<&String>, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, item)| (Some(key), item)).collect(),
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        _ => {
            out.push_str(&value.to_string());
            return;
        }
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    let indent = "  \t".repeat(depth);
    out.push(open);
    for (index, (key, item)) in parts.into_iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { " ,\r\n" });
        out.push_str(&indent);
        if let Some(key) = key {
            out.push_str(&Value::from(key.as_str()).to_string());
            out.push_str(" :\n ");
            out.push_str(&indent);
        }
        spaced(item, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&indent);
    out.push(close);
}

/// Writes every character of every text as an escape; keys stay as they are.
fn escaped(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push('"');
            for unit in text.encode_utf16() {
                out.push_str(&format!("\\u{unit:04x}"));
            }
            out.push('"');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                escaped(item, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                escaped(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// The same with CR LF for every line end in a text.
fn crlf(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(to_crlf(text)),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), crlf(item))).collect(),
        Value::Array(items) => items.iter().map(crlf).collect(),
        other => other.clone(),
    }
}

fn to_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::bytes;
    use crate::plan::Spelling;

    fn sample() -> Value {
        json!({"b": {"z": 1, "a": ["one\ntwo\r\nthree", "\u{1d11e} \"q\"", {}, []]}, "a": null, "n": -1.5})
    }

    #[rstest]
    #[case(Spelling::Compact)]
    #[case(Spelling::Reversed)]
    #[case(Spelling::Spaced)]
    #[case(Spelling::Escaped)]
    fn means_the_same(#[case] spelling: Spelling) {
        let read: Value = serde_json::from_slice(&bytes(&sample(), spelling, "\n")).unwrap();
        assert_eq!(read, sample());
    }

    #[rstest]
    #[case(Spelling::Reversed, "{\"n\":-1.5,\"a\":null,\"b\":{\"a\":[")]
    #[case(Spelling::Spaced, "\r\n \t{\n  \t\"b\" :\n   \t{\n  \t  \t\"z\" :\n ")]
    #[case(Spelling::Escaped, "{\"b\":{\"z\":1,\"a\":[\"\\u006f\\u006e\\u0065\\u000a\\u0074")]
    #[case(Spelling::Crlf, "{\"b\":{\"z\":1,\"a\":[\"one\\r\\ntwo\\r\\nthree\"")]
    #[case(Spelling::Marked, "\u{feff}{\"b\":")]
    fn begins_so(#[case] spelling: Spelling, #[case] beginning: &str) {
        let text = String::from_utf8(bytes(&sample(), spelling, "\n")).unwrap();
        assert!(text.starts_with(beginning), "{text}");
    }
}
