//! JSON that is safe on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::text::is_hidden;

/// A value as one line of JSON. Characters that act on a terminal or hide from a reader are escaped, which JSON allows in
/// every string.
///
/// ```
/// use hookproof::report::json_line;
///
/// assert_eq!(json_line("a\u{202e}b\u{9b}31m é")?, r#""a\u202eb\u009b31m é""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// If the value cannot be said in JSON.
pub fn json_line(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    written(value, Plain(CompactFormatter))
}

/// The same, written behind what `out` holds.
///
/// # Errors
/// As [`json_line`]; a part of the line may have been written then.
pub fn write_json_line(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Plain(CompactFormatter)))
}

/// The same in several lines with indentation.
///
/// # Errors
/// As [`json_line`].
pub fn json_page(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    written(value, Plain(PrettyFormatter::new()))
}

fn written<F: Formatter>(value: &(impl Serialize + ?Sized), formatter: F) -> serde_json::Result<String> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, formatter))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A formatter that escapes what is hidden.
struct Plain<F>(F);

impl<F: Formatter> Formatter for Plain<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        // Most texts are plain, and nothing among printable ASCII is hidden.
        if rest.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
            return writer.write_all(rest.as_bytes());
        }
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut escape = String::new();
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escape, "\\u{unit:04x}");
            }
            writer.write_all(escape.as_bytes())?;
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // White space between values hides nothing; everything else that is hidden stands in strings.
        if fragment.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let blank: String = fragment.chars().map(|c| if c.is_ascii_whitespace() { ' ' } else { c }).collect();
        self.write_string_fragment(writer, &blank)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{json_line, json_page};

    #[test]
    fn the_value_stays_the_same_and_nothing_acts_on_a_terminal() {
        let value = json!({"k\u{9b}": ["\u{202e}a\u{e0041}", "\u{1b}[31m\n", "é日本", 1.5, null, {}]});
        for text in [json_line(&value).unwrap(), json_page(&value).unwrap()] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
            assert!(!text.chars().any(|c| c != '\n' && super::is_hidden(c)), "{text:?}");
        }
        assert_eq!(json_line(&json!({"a": [1, {}]})).unwrap(), r#"{"a":[1,{}]}"#);
        assert_eq!(json_page(&json!({"a": [1]})).unwrap(), format!("{:#}", json!({"a": [1]})));
    }
}
