//! A configuration file: its text, its tree, and the places in it.

use std::path::{Path, PathBuf};

use super::error::DiscoverError;
use super::node::{Kind, Node};
use super::relaxed::Beyond;
use super::{relaxed, toml_tree, yaml_tree};
use crate::contract::Syntax;
use crate::json::{Fault, SyntaxError};

/// A configuration file that was read.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) root: Node,
    /// Where it stops being strict JSON, if it was read although nobody knows whether the platform accepts that.
    pub(crate) doubt: Option<usize>,
    text: String,
    lines: Lines,
}

/// Strict JSON.
const NOTHING: Beyond = Beyond { comments: false, trailing_commas: false };

/// Whatever a platform may accept.
const EVERYTHING: Beyond = Beyond { comments: true, trailing_commas: true };

/// Where the lines of a text begin.
#[derive(Debug)]
struct Lines(Vec<usize>);

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line, from 1.
    pub(crate) line: usize,
    /// Column in characters, from 1.
    pub(crate) column: usize,
}

impl Source {
    /// Reads and parses a file. Bytes that are no UTF-8 become U+FFFD, as they do in JavaScript; a byte-order mark is
    /// skipped.
    ///
    /// A file whose name ends with `.toml` is TOML, of one that ends with `.md` the front matter is read, any other one is
    /// JSON; `syntax` says what of it beyond strict JSON the
    /// platform accepts.
    pub(crate) fn read(path: &Path, syntax: Option<&Syntax>) -> Result<Source, DiscoverError> {
        let unreadable = |source| DiscoverError::Unreadable { path: path.to_owned(), source };
        // A FIFO or a device would block or never end.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(DiscoverError::NoFile { path: path.to_owned() });
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        if path.extension().is_some_and(|extension| extension == "toml") {
            return match toml_tree::parse(&text) {
                Ok(root) => Ok(Source { path: path.to_owned(), root, doubt: None, lines: Lines::of(&text), text }),
                Err(error) => {
                    let Place { line, column } = Lines::of(&text).place(&text, error.offset);
                    let help = "look at the key or the bracket before it".to_owned();
                    Err(DiscoverError::Syntax { path: path.to_owned(), line, column, message: error.message, help })
                }
            };
        }
        if path.extension().is_some_and(|extension| extension == "md") {
            return match yaml_tree::front_matter(&text) {
                Ok(root) => Ok(Source { path: path.to_owned(), root, doubt: None, lines: Lines::of(&text), text }),
                Err(error) => {
                    let Place { line, column } = Lines::of(&text).place(&text, error.offset);
                    let help = "look at the indentation, the colon or the quote before it".to_owned();
                    Err(DiscoverError::Syntax { path: path.to_owned(), line, column, message: error.message, help })
                }
            };
        }
        let known = syntax
            .map_or(NOTHING, |syntax| Beyond { comments: syntax.comments, trailing_commas: syntax.trailing_commas });
        let read = |accepted: Beyond| {
            let strict = relaxed::strict(&text, accepted);
            let differs = strict.bytes().zip(text.bytes()).position(|(one, other)| one != other);
            Node::parse(&strict).map(|root| (root, differs))
        };
        let settled = syntax.is_some_and(|syntax| syntax.evidence.is_settled());
        let found = read(known).or_else(|error| if settled { Err(error) } else { read(EVERYTHING).map_err(|_| error) });
        match found {
            Ok((root, differs)) => {
                let doubt = differs.filter(|_| !settled);
                Ok(Source { path: path.to_owned(), root, doubt, lines: Lines::of(&text), text })
            }
            Err(error) => {
                let Place { line, column } = Lines::of(&text).place(&text, error.offset);
                let (message, help) = told(&error, &bytes);
                Err(DiscoverError::Syntax { path: path.to_owned(), line, column, message, help })
            }
        }
    }

    /// A file of which only the text counts.
    pub(crate) fn script(path: &Path) -> Result<Source, DiscoverError> {
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|source| DiscoverError::Unreadable { path: path.to_owned(), source })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let root = Node { start: 0, kind: Kind::Null };
        Ok(Source { path: path.to_owned(), root, doubt: None, lines: Lines::of(&text), text })
    }

    /// Line and column of a byte offset.
    pub(crate) fn place(&self, offset: usize) -> Place {
        self.lines.place(&self.text, offset)
    }

    /// The line on which a byte offset stands, without its indentation.
    pub(crate) fn line(&self, offset: usize) -> &str {
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at);
        self.text[start..end].trim()
    }
}

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn place(&self, text: &str, offset: usize) -> Place {
        let offset = offset.min(text.len());
        let line = self.0.partition_point(|start| *start <= offset);
        Place { line, column: text[self.0[line - 1]..offset].chars().count() + 1 }
    }
}

/// What is wrong, and what to do about it.
fn told(error: &SyntaxError, bytes: &[u8]) -> (String, String) {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return ("it is written in UTF-16".to_owned(), "save it as UTF-8".to_owned());
    }
    let (message, help) = match error.fault {
        Fault::TrailingComma => ("a comma stands before a closing bracket", "take the comma away"),
        Fault::Quotes => ("a key or a string has no double quotes", "put double quotes around it"),
        Fault::BareWord => (
            "a bare word stands where a value is expected",
            "put double quotes around it; only true, false, null and numbers stand without",
        ),
        Fault::ControlCharacter => {
            ("a raw control character stands inside a string", "write line ends as \\n and tabs as \\t")
        }
        Fault::Comment => ("a comment stands here, and JSON has none", "take the comment away"),
        Fault::Trailing => (
            "something follows the end of the document",
            "keep one document a file; a closing bracket above may be one too many",
        ),
        Fault::Unfinished => {
            ("the text ends before the document does", "close every bracket and quotation mark that is open")
        }
        Fault::Other => {
            let words = error.message.split(" at line ").next().unwrap_or(&error.message);
            return (words.to_owned(), "write strict JSON: look at the comma, colon or quote before it".to_owned());
        }
    };
    (message.to_owned(), help.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Lines, Place, Source};
    use crate::contract::{Evidence, Syntax};
    use crate::subject::error::DiscoverError;

    #[test]
    fn columns_count_characters() {
        let text = "{\r\n \"é\u{1F600}\": x";
        let lines = Lines::of(text);
        assert_eq!(lines.place(text, text.len() - 1), Place { line: 2, column: 8 });
        assert_eq!(lines.place(text, 0), Place { line: 1, column: 1 });
    }

    #[test]
    fn a_mark_is_skipped_and_bad_bytes_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, b"\xef\xbb\xbf{\"a\": \"\xff\"}").unwrap();
        let source = Source::read(&path, None).unwrap();
        assert_eq!(source.root.get("a").unwrap().text(), Some("\u{FFFD}"));
        assert_eq!(source.line(0), "{\"a\": \"\u{FFFD}\"}");
    }

    #[test]
    fn what_nobody_knows_is_read_and_doubted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hooks.json");
        std::fs::write(&path, "{\n  // why\n  \"hooks\": {},\n}\n").unwrap();
        let source = Source::read(&path, None).unwrap();
        assert_eq!(source.place(source.doubt.unwrap()), Place { line: 2, column: 3 });
        std::fs::write(&path, "{\"hooks\": {}}").unwrap();
        assert_eq!(Source::read(&path, None).unwrap().doubt, None);
    }

    #[test]
    fn a_syntax_error_says_where_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, "{\n  \"hooks\": {},\n}\n").unwrap();
        let (evidence, source) = (Evidence::Documented, Vec::new());
        let strict = Syntax { comments: false, trailing_commas: false, last_key_counts: true, evidence, source };
        let error = Source::read(&path, Some(&strict)).unwrap_err();
        let DiscoverError::Syntax { line, column, .. } = &error else { panic!("{error}") };
        assert_eq!((*line, *column), (3, 1));
        let message = error.to_string();
        assert!(message.starts_with("failed to "), "{message}");
        assert!(message.contains("settings.json:3:1") && message.contains("take the comma away"), "{message}");
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Source::read(folder.path(), None), Err(DiscoverError::NoFile { .. })));
    }
}
