//! JSON as JavaScript reads it, with what a reader should be told: duplicate keys, and where and how a text is broken.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The value at a path of keys with dots between them.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |here, key| here.as_object()?.get(key))
}

/// Duplicate keys that are collected at most: nobody reads more, and each has a path as long as the document is deep.
pub(crate) const MOST_DUPLICATES: usize = 100;

/// A step from a value into a part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Into an item of an array.
    Item,
    /// Into the member of this key.
    Key(&'a str),
}

/// A path as people write it; `[]` stands for an item of an array. It is written where it is needed only: to write it for
/// every value would take quadratic time.
pub(crate) fn dotted(path: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Item => out.push_str("[]"),
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
        }
    }
    out
}

/// A parsed document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its value. Of duplicate keys the last one counts, as in JavaScript.
    pub value: Value,
    /// Keys that stand more than once in the same object, with their path; of very many the first.
    pub duplicates: Vec<String>,
}

/// How a text fails to be JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A comma before a closing bracket.
    TrailingComma,
    /// A string or key in single quotes, or a key without quotes.
    Quotes,
    /// `NaN`, `Infinity`, `None`, `True`, `undefined` or another bare word.
    BareWord,
    /// A control character, such as a line end, inside a string.
    ControlCharacter,
    /// A comment.
    Comment,
    /// Something behind the end of the document.
    Trailing,
    /// The text ends too early.
    Unfinished,
    /// Anything else.
    Other,
}

/// Where and how a text fails to be JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// How.
    pub fault: Fault,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// Byte offset.
    pub offset: usize,
    /// The parser's own words.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self.fault {
            Fault::TrailingComma => "a comma stands before a closing bracket",
            Fault::Quotes => "strings and keys need double quotes",
            Fault::BareWord => "a bare word is no JSON value (only true, false and null are)",
            Fault::ControlCharacter => {
                "a raw control character stands inside a string; line ends must be written as \\n"
            }
            Fault::Comment => "JSON has no comments",
            Fault::Trailing => "something follows the end of the document",
            Fault::Unfinished => "the text ends before the document does",
            Fault::Other => &self.message,
        };
        write!(f, "line {}, column {}: {hint}", self.line, self.column)
    }
}

/// Parses one document. A byte-order mark is not accepted; white space around the document is.
///
/// # Errors
/// [`SyntaxError`] says where the text stops being JSON, and how.
pub fn parse(text: &str) -> Result<Document, SyntaxError> {
    match strict(text) {
        Err(error) if error.message.contains("surrogate") || error.message.contains("hex escape") => {
            // JavaScript keeps a lone surrogate; Rust's strings cannot, so that it becomes U+FFFD here.
            strict(&without_lone_surrogates(text)).map_err(|_| error)
        }
        other => other,
    }
}

fn strict(text: &str) -> Result<Document, SyntaxError> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Seed { path: None, duplicates: &mut duplicates };
    let result = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match result {
        Ok(value) => Ok(Document { value, duplicates }),
        Err(error) => Err(diagnose(text, &error)),
    }
}

fn diagnose(text: &str, error: &serde_json::Error) -> SyntaxError {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let message = error.to_string();
    let rest = text[offset..].trim_start();
    let first = rest.chars().next();
    let fault = if message.contains("trailing comma") {
        Fault::TrailingComma
    } else if message.contains("trailing characters") {
        Fault::Trailing
    } else if message.contains("control character") {
        Fault::ControlCharacter
    } else if error.is_eof() {
        Fault::Unfinished
    } else if matches!(first, Some('/' | '#')) {
        Fault::Comment
    } else if message.contains("key must be a string") || first == Some('\'') {
        Fault::Quotes
    } else if (message.contains("expected value") || message.contains("expected ident"))
        && (first.is_some_and(char::is_alphabetic) || text[..offset].ends_with(char::is_alphabetic))
    {
        Fault::BareWord
    } else {
        Fault::Other
    };
    SyntaxError { fault, line: error.line(), column: error.column(), offset, message }
}

/// `text` with every `\uD800`..`\uDFFF` that has no partner replaced by `\uFFFD`.
fn without_lone_surrogates(text: &str) -> String {
    let unit = |at: usize| -> Option<u32> {
        let escape = text.get(at..at + 6)?;
        escape.strip_prefix("\\u").and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("\\\\") {
            out.push_str("\\\\");
            at += 2;
            continue;
        }
        match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => {
                out.push_str(&text[at..at + 12]);
                at += 12;
            }
            Some(0xD800..=0xDFFF) => {
                out.push_str("\\uFFFD");
                at += 6;
            }
            _ => {
                let Some(next) = rest.chars().next() else { break };
                out.push(next);
                at += next.len_utf8();
            }
        }
    }
    out
}

/// Builds a value and notes duplicate keys on the way.
struct Seed<'a> {
    path: Option<&'a Trail<'a>>,
    duplicates: &'a mut Vec<String>,
}

/// The way to a value, from its end.
struct Trail<'a> {
    step: Step<'a>,
    before: Option<&'a Trail<'a>>,
}

impl Trail<'_> {
    fn dotted(&self) -> String {
        let mut steps: Vec<Step<'_>> =
            std::iter::successors(Some(self), |trail| trail.before).map(|trail| trail.step).collect();
        steps.reverse();
        dotted(&steps)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let trail = Trail { step: Step::Item, before: self.path };
        while let Some(item) = access.next_element_seed(Seed { path: Some(&trail), duplicates: self.duplicates })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let trail = Trail { step: Step::Key(&key), before: self.path };
            let value = access.next_value_seed(Seed { path: Some(&trail), duplicates: self.duplicates })?;
            if map.contains_key(&key) && self.duplicates.len() < MOST_DUPLICATES {
                self.duplicates.push(trail.dotted());
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Fault, parse};

    #[rstest]
    #[case(r#"{"a": 1,}"#, Fault::TrailingComma)]
    #[case("{'a': 1}", Fault::Quotes)]
    #[case("{a: 1}", Fault::Quotes)]
    #[case(r#"{"a": NaN}"#, Fault::BareWord)]
    #[case(r#"{"a": block, "b": 1}"#, Fault::BareWord)]
    #[case("{\"a\": \"x\ny\"}", Fault::ControlCharacter)]
    #[case(r#"{"a": 1} tail"#, Fault::Trailing)]
    #[case(r#"{"a": "#, Fault::Unfinished)]
    #[case("{// c\n\"a\": 1}", Fault::Comment)]
    fn tells_faults_apart(#[case] text: &str, #[case] fault: Fault) {
        assert_eq!(parse(text).map_err(|error| error.fault), Err(fault));
    }

    #[test]
    fn last_duplicate_counts_and_is_told() {
        let document = parse(r#"{"a":{"k":1,"\u006b":2},"b":[{"x":1,"x":2}]}"#).unwrap();
        assert_eq!(document.value["a"]["k"], 2);
        assert_eq!(document.duplicates, ["a.k", "b[].x"]);
    }

    #[test]
    fn lone_surrogates_are_kept_as_replacement_characters() {
        assert_eq!(parse(r#""a\ud83d\ude00\ud800\\ud800""#).unwrap().value, "a\u{1F600}\u{FFFD}\\ud800");
    }
}
