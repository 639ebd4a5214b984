//! A configuration file: its text, its tree, and the places in it.

use std::io;
use std::path::{Path, PathBuf};

use super::error::DiscoverError;
use super::node::{Kind, Node};
use super::relaxed::Beyond;
use super::{bounds, relaxed, toml_tree, yaml_tree};
use crate::contract::Syntax;
use crate::json::{Fault, SyntaxError};
use crate::outside;

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

/// Bytes between two places whose characters are counted in advance.
const STRIDE: usize = 1024;

/// Characters of a line that are shown before a place, and in all.
const EXCERPT: (usize, usize) = (80, 300);

/// Where the lines of a text begin, and how many characters there are before every [`STRIDE`]th byte: a file of one line
/// with many notices would take quadratic time otherwise.
#[derive(Debug)]
struct Lines {
    starts: Vec<usize>,
    characters: Vec<usize>,
}

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
    ///
    /// One with more values than [`bounds::VALUES`] is refused.
    pub(crate) fn read(path: &Path, syntax: Option<&Syntax>) -> Result<Source, DiscoverError> {
        let source = Source::parsed(path, syntax)?;
        if source.root.has_more_values_than(bounds::VALUES) {
            let what = format!("it holds more than {} values", bounds::VALUES);
            return Err(DiscoverError::TooMuch { path: path.to_owned(), what });
        }
        Ok(source)
    }

    fn parsed(path: &Path, syntax: Option<&Syntax>) -> Result<Source, DiscoverError> {
        let is_markdown = path.extension().is_some_and(|extension| extension == "md");
        let read =
            if is_markdown { outside::head(path, outside::HEAD) } else { outside::read(path, outside::CONFIGURATION) };
        let bytes = read.map_err(|error| unreadable(path, error))?;
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
        if is_markdown {
            if bytes.len() == outside::HEAD && yaml_tree::is_unfinished(&text) {
                let source = io::Error::new(io::ErrorKind::FileTooLarge, "its front matter is larger than 64 KiB");
                return Err(unreadable(path, source));
            }
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
        let bytes = outside::head(path, outside::HEAD).map_err(|error| unreadable(path, error))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let root = Node { start: 0, kind: Kind::Null };
        Ok(Source { path: path.to_owned(), root, doubt: None, lines: Lines::of(&text), text })
    }

    /// Line and column of a byte offset.
    pub(crate) fn place(&self, offset: usize) -> Place {
        self.lines.place(&self.text, offset)
    }

    /// The line on which a byte offset stands, without its indentation; of a long one what is around the offset.
    pub(crate) fn line(&self, offset: usize) -> String {
        let offset = offset.min(self.text.len());
        let number = self.lines.starts.partition_point(|start| *start <= offset);
        let start = self.lines.starts[number - 1];
        let end = self.lines.starts.get(number).map_or(self.text.len(), |next| next - 1);
        // Characters have four bytes at most.
        let (before, all) = EXCERPT;
        let from = if offset - start > 4 * before { self.boundary(offset - before) } else { start };
        let to = if end - from > all { self.boundary(from + all) } else { end };
        let shown = self.text[from..to].trim();
        let (left, right) = (if from > start { "..." } else { "" }, if to < end { "..." } else { "" });
        format!("{left}{shown}{right}")
    }

    /// The last boundary of characters at or before a byte offset.
    fn boundary(&self, offset: usize) -> usize {
        (0..=offset).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}

impl Lines {
    fn of(text: &str) -> Lines {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut characters = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut count = 0;
        for chunk in text.as_bytes().chunks(STRIDE) {
            characters.push(count);
            count += begun(chunk);
        }
        characters.push(count);
        Lines { starts, characters }
    }

    fn place(&self, text: &str, offset: usize) -> Place {
        let offset = offset.min(text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let before = |at: usize| {
            let stride = at / STRIDE;
            self.characters[stride] + begun(&text.as_bytes()[stride * STRIDE..at])
        };
        Place { line, column: before(offset) - before(self.starts[line - 1]) + 1 }
    }
}

/// How many characters begin in bytes of UTF-8.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

/// A file that cannot be read, or that is none.
fn unreadable(path: &Path, source: io::Error) -> DiscoverError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::InvalidInput => DiscoverError::NoFile { path },
        _ => DiscoverError::Unreadable { path, source },
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
    fn columns_of_long_lines_are_counted_from_the_nearest_place() {
        let text = format!("x\n{}y", "é\u{1F600} ".repeat(5000));
        let lines = Lines::of(&text);
        assert_eq!(lines.place(&text, text.len() - 1), Place { line: 2, column: 15_001 });
        assert_eq!(lines.place(&text, text.len()), Place { line: 2, column: 15_002 });
        for (at, _) in text.char_indices().skip(2).step_by(97) {
            assert_eq!(lines.place(&text, at).column, text[2..at].chars().count() + 1);
        }
    }

    #[test]
    fn of_a_long_line_what_is_around_the_place_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let text = format!("{{\"a\": \"{0}\", \"key\": \"{0}\"}}", "é ".repeat(2000));
        std::fs::write(&path, &text).unwrap();
        let source = Source::read(&path, None).unwrap();
        let line = source.line(text.find("\"key").unwrap());
        assert!(line.starts_with("...") && line.ends_with("...") && line.contains("\"key\": \"é"), "{line}");
        assert!(line.len() < 400, "{line}");
        assert!(source.line(0).starts_with("{\"a\"") && source.line(text.len()).ends_with("\"}"));
    }

    #[test]
    fn too_many_values_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let of = |count: usize| format!("[{}1]", "1,".repeat(count));
        std::fs::write(&path, of(19_000)).unwrap();
        assert!(Source::read(&path, None).is_ok());
        std::fs::write(&path, of(20_000)).unwrap();
        let error = Source::read(&path, None).unwrap_err().to_string();
        assert!(error.contains("it holds more than 20000 values"), "{error}");
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
