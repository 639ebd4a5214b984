//! The payload file: parsing, and errors that name file, line and column.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{Payload, Provenance, place};
use crate::json;

/// The most that one `fill` may add, in bytes: enough for every scenario, and no trap for small machines.
const LARGEST_FILL: usize = 64 * 1024 * 1024;

/// What is wrong with a payload file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The path does not say platform, event and name.
    #[error("failed to place the payload {}: {message}", path.display())]
    Path {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The file is no JSON, or a key is unknown, missing or of the wrong type.
    #[error("failed to read the payload {}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The file is readable, and says something that cannot be.
    #[error("failed to accept the payload {}:{line}:{column}: {at}: {message}", path.display())]
    Meaning {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The place as a JSON pointer.
        at: String,
        /// What is wrong and what would be right.
        message: String,
    },
}

/// The file as it is spelled.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    provenance: Provenance,
    labels: Vec<String>,
    #[serde(default)]
    fill: Vec<Fill>,
    stdin: Value,
}

/// A large value that is made when the file is loaded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    /// JSON pointer to a string of `stdin`.
    at: String,
    /// What is appended to it, as a whole.
    unit: String,
    /// How many bytes of UTF-8 are appended at least.
    bytes: usize,
}

impl Payload {
    /// Parses the text of a payload file. The last three parts of `path` are platform, event and name; large values are
    /// filled in.
    ///
    /// ```
    /// use std::path::Path;
    /// use hookproof::payload::Payload;
    ///
    /// let text = r#"{
    ///     "title": "a prompt of 1 KiB",
    ///     "provenance": {"kind": "synthetic", "platform": "example", "version": "1.0", "source": "written by hand"},
    ///     "labels": ["benign"],
    ///     "fill": [{"at": "/prompt", "unit": "ab", "bytes": 1024}],
    ///     "stdin": {"event": "Prompt", "prompt": ""}
    /// }"#;
    /// let payload = Payload::parse(Path::new("example/Prompt/long.json"), text)?;
    /// assert_eq!((payload.event.as_str(), payload.name.as_str()), ("Prompt", "long"));
    /// assert_eq!(payload.stdin["prompt"].as_str().map(str::len), Some(1024));
    ///
    /// let error = Payload::parse(Path::new("example/Prompt/long.json"), "{\"titel\": 1}").unwrap_err();
    /// assert!(error.to_string().starts_with("failed to read the payload example/Prompt/long.json:1:"));
    /// # Ok::<(), hookproof::payload::PayloadError>(())
    /// ```
    ///
    /// # Errors
    /// [`PayloadError`] names file, line and column, and says what would be right.
    pub fn parse(path: &Path, text: &str) -> Result<Payload, PayloadError> {
        let [platform, event, name] = names(path)?;
        let document = json::parse(text).map_err(|error| {
            let position = format!("line {}, column {}: ", error.line, error.column);
            let message = error.to_string().trim_start_matches(&position).to_owned();
            PayloadError::Syntax { path: path.to_owned(), line: error.line, column: error.column, message }
        })?;
        let meaning = |at: &str, offset: usize, message: String| {
            let (line, column) = place::line_and_column(text, offset);
            PayloadError::Meaning { path: path.to_owned(), line, column, at: at.to_owned(), message }
        };
        if !document.duplicates.is_empty()
            && let Some((at, offset)) = place::of_duplicate(text)
        {
            return Err(meaning(&at, offset, "the key stands twice in its object; remove one".to_owned()));
        }
        let file: File = serde_json::from_str(text).map_err(|error| shape(path, &error))?;
        let fail = |at: &str, message: String| meaning(at, place::of_value(text, at), message);
        if file.title.trim().is_empty() {
            return Err(fail("/title", "say in a few words what the payload shows".to_owned()));
        }
        if file.provenance.platform != platform {
            let message = format!("{:?} is not the folder's platform {platform:?}", file.provenance.platform);
            return Err(fail("/provenance/platform", message));
        }
        if !file.stdin.is_object() {
            return Err(fail("/stdin", "must be an object".to_owned()));
        }
        let mut labels = BTreeSet::new();
        for (index, label) in file.labels.into_iter().enumerate() {
            let at = format!("/labels/{index}");
            if !is_name(&label) {
                return Err(fail(&at, format!("{label:?} is no label: use a-z, 0-9 and hyphens")));
            }
            if labels.contains(&label) {
                return Err(fail(&at, format!("the label {label:?} stands twice; remove one")));
            }
            labels.insert(label);
        }
        let mut stdin = file.stdin;
        for (index, fill) in file.fill.iter().enumerate() {
            fill.apply(&mut stdin).map_err(|(key, message)| fail(&format!("/fill/{index}/{key}"), message))?;
        }
        Ok(Payload {
            platform,
            event,
            name,
            title: file.title,
            provenance: file.provenance,
            labels,
            stdin,
            made: false,
            own: None,
        })
    }

    /// What stands on the hook's stdin: the document on one line, its keys in the platform's order, and `suffix` behind
    /// it (the contract's `process.stdin_suffix`).
    pub fn bytes(&self, suffix: &str) -> Vec<u8> {
        // A value displays as compact JSON, which cannot fail.
        let mut bytes = self.stdin.to_string().into_bytes();
        bytes.extend_from_slice(suffix.as_bytes());
        bytes
    }
}

impl Fill {
    /// Appends to the string; an error names the key of the entry that cannot be.
    fn apply(&self, stdin: &mut Value) -> Result<(), (&'static str, String)> {
        if self.unit.is_empty() {
            return Err(("unit", "must not be empty: nothing can be filled with it".to_owned()));
        }
        if self.bytes == 0 || self.bytes > LARGEST_FILL {
            return Err(("bytes", format!("must be between 1 and {LARGEST_FILL}")));
        }
        let Some(Value::String(text)) = stdin.pointer_mut(&self.at) else {
            let message = format!("{:?} must be a JSON pointer to a string of `stdin`, such as \"/prompt\"", self.at);
            return Err(("at", message));
        };
        text.push_str(&self.unit.repeat(self.bytes.div_ceil(self.unit.len())));
        Ok(())
    }
}

/// Platform, event and name, as the path has them.
fn names(path: &Path) -> Result<[String; 3], PayloadError> {
    let fail = |message: &str| PayloadError::Path { path: path.to_owned(), message: message.to_owned() };
    let text = path.to_str().ok_or_else(|| fail("the path must be UTF-8"))?.replace('\\', "/");
    let stem = text.strip_suffix(".json").ok_or_else(|| fail("the name must end in .json"))?;
    let mut parts = stem.rsplit('/');
    let (Some(name), Some(event), Some(platform)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(fail("the path must end in <platform>/<Event>/<name>.json"));
    };
    // The name is a part of case ids, which shells and test runners have to take unquoted.
    if !is_name(name) {
        return Err(fail("the name of the file must be made of a-z, 0-9 and hyphens"));
    }
    Ok([platform, event, name].map(str::to_owned))
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// An error about keys and types, with the position taken out of the parser's words.
fn shape(path: &Path, error: &serde_json::Error) -> PayloadError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let position = format!(" at line {line} column {column}");
    let message = message.strip_suffix(&position).unwrap_or(&message).to_owned();
    PayloadError::Syntax { path: path.to_owned(), line, column, message }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::payload::Payload;

    const GOOD: &str = r#"{
  "title": "a title",
  "provenance": { "kind": "recorded", "platform": "p", "version": "1", "source": "s" },
  "labels": ["benign"],
  "fill": [{ "at": "/text", "unit": "é", "bytes": 3 }],
  "stdin": { "zeta": 1, "text": "x", "alpha": [true, null] }
}"#;

    #[test]
    fn reads_fills_and_keeps_the_order_of_keys() {
        let payload = Payload::parse(Path::new("any/where/p/E/some-name.json"), GOOD).unwrap();
        assert_eq!([&payload.platform, &payload.event, &payload.name], ["p", "E", "some-name"]);
        assert!(payload.is("benign"));
        assert_eq!(
            String::from_utf8(payload.bytes("\n")).unwrap(),
            "{\"zeta\":1,\"text\":\"xéé\",\"alpha\":[true,null]}\n"
        );
    }

    #[rstest]
    #[case("\"title\"", "\"titel\"", ":2:9: unknown field `titel`, expected one of")]
    #[case("\"recorded\"", "\"invented\"", ":3:36: unknown variant `invented`, expected `recorded` or `synthetic`")]
    #[case("\"version\": \"1\"", "\"version\": 1", ":3:67: invalid type: integer `1`, expected a string")]
    #[case("\"labels\": [\"benign\"],", "", "missing field `labels`")]
    #[case("[\"benign\"],", "[\"benign\",],", ":4:23: a comma stands before a closing bracket")]
    #[case("\"a title\"", "\" \"", ":2:12: /title: say in a few words")]
    #[case("\"platform\": \"p\"", "\"platform\": \"q\"", ":3:51: /provenance/platform: \"q\" is not the folder's")]
    #[case("[\"benign\"]", "[\"Benign\"]", ":4:14: /labels/0: \"Benign\" is no label")]
    #[case("[\"benign\"]", "[\"a\", \"a\"]", ":4:19: /labels/1: the label \"a\" stands twice")]
    #[case("\"/text\"", "\"/tex\"", ":5:20: /fill/0/at: \"/tex\" must be a JSON pointer to a string")]
    #[case("\"/text\"", "\"/zeta\"", ":5:20: /fill/0/at: \"/zeta\" must be a JSON pointer to a string")]
    #[case("\"unit\": \"é\"", "\"unit\": \"\"", ":5:37: /fill/0/unit: must not be empty")]
    #[case("\"bytes\": 3", "\"bytes\": 0", ":5:51: /fill/0/bytes: must be between 1 and")]
    #[case("\"bytes\": 3", "\"bytes\": 3, \"more\": 1", "unknown field `more`")]
    #[case("\"alpha\"", "\"zeta\"", ":6:46: /stdin/zeta: the key stands twice")]
    #[case("{ \"zeta\": 1, \"text\": \"x\", \"alpha\": [true, null] }", "[]", ":6:12: /stdin: must be an object")]
    fn says_where_and_what(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
        assert!(GOOD.contains(from));
        let error = Payload::parse(Path::new("p/E/n.json"), &GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with("failed to "), "{error}");
        assert!(error.contains("p/E/n.json:") && error.contains(expected), "{error}");
    }

    #[rstest]
    #[case("n.json", "must end in <platform>/<Event>/<name>.json")]
    #[case("p/E/n.txt", "must end in .json")]
    #[case("p/E/N m.json", "made of a-z, 0-9 and hyphens")]
    fn needs_a_telling_path(#[case] path: &str, #[case] expected: &str) {
        let error = Payload::parse(Path::new(path), GOOD).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
