//! Where a value stands in a JSON text: line and column for errors about meaning, which a parser cannot give.

/// The byte offset of the value at `pointer` (RFC 6901) in `text`, or of the nearest parent that exists. `text` must be
/// JSON; of duplicate keys the first one is found.
pub(super) fn of_value(text: &str, pointer: &str) -> usize {
    let mut best = (0, 0);
    each(text, &mut |path, offset, _| {
        let covers = pointer == path || pointer.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        if covers && (best.1 == 0 || path.len() > best.0) {
            best = (path.len(), offset + 1);
        }
    });
    best.1.saturating_sub(1)
}

/// The first key that stands twice in the same object: its pointer and the byte offset of its second value.
pub(super) fn of_duplicate(text: &str) -> Option<(String, usize)> {
    let mut found = None;
    each(text, &mut |path, offset, duplicate| {
        if duplicate && found.is_none() {
            found = Some((path.to_owned(), offset));
        }
    });
    found
}

/// Line and column, from 1, of a byte offset; columns count characters.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Calls `tell` with the pointer and the byte offset of every value, and whether its key stood in the object before.
fn each(text: &str, tell: &mut dyn FnMut(&str, usize, bool)) {
    let mut scanner = Scanner { text, at: 0 };
    scanner.value(&mut String::new(), false, tell);
}

/// Walks a text that a parser has accepted, so that it need not tell what is wrong with others.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn value(&mut self, path: &mut String, duplicate: bool, tell: &mut dyn FnMut(&str, usize, bool)) {
        let first = self.peek();
        tell(path, self.at, duplicate);
        match first {
            Some(b'{') => self.object(path, tell),
            Some(b'[') => self.array(path, tell),
            Some(b'"') => {
                self.string();
            }
            _ => {
                let rest = &self.text[self.at..];
                self.at += rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
            }
        }
    }

    fn object(&mut self, path: &mut String, tell: &mut dyn FnMut(&str, usize, bool)) {
        let mut keys = std::collections::BTreeSet::new();
        self.at += 1;
        while self.peek() == Some(b'"') {
            let key = self.string();
            if self.peek() == Some(b':') {
                self.at += 1;
            }
            let length = path.len();
            path.push('/');
            path.push_str(&key.replace('~', "~0").replace('/', "~1"));
            let duplicate = !keys.insert(key);
            self.value(path, duplicate, tell);
            path.truncate(length);
            if self.peek() == Some(b',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn array(&mut self, path: &mut String, tell: &mut dyn FnMut(&str, usize, bool)) {
        let mut index = 0;
        self.at += 1;
        while self.peek().is_some_and(|byte| byte != b']') {
            let length = path.len();
            path.push('/');
            path.push_str(&index.to_string());
            self.value(path, false, tell);
            path.truncate(length);
            index += 1;
            if self.peek() == Some(b',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// Reads a string and stands behind it.
    fn string(&mut self) -> String {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(bytes.len());
        serde_json::from_str(&self.text[start..self.at]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{line_and_column, of_duplicate, of_value};

    const TEXT: &str = "{\n  \"a\": [1, {\"b/c\": \"é]\\\"}\"}],\n  \"d\": {\"x\": null, \"\\u0078\": -1.5e3}\n}";

    #[rstest]
    #[case("", 1, 1)]
    #[case("/a", 2, 8)]
    #[case("/a/0", 2, 9)]
    #[case("/a/1/b~1c", 2, 20)]
    #[case("/a/1/none/at/all", 2, 12)]
    #[case("/d/x", 3, 14)]
    #[case("/dx", 1, 1)]
    fn finds_values(#[case] pointer: &str, #[case] line: usize, #[case] column: usize) {
        assert_eq!(line_and_column(TEXT, of_value(TEXT, pointer)), (line, column));
    }

    #[test]
    fn finds_the_second_of_two_keys() {
        let (pointer, offset) = of_duplicate(TEXT).unwrap();
        assert_eq!(pointer, "/d/x");
        assert_eq!(line_and_column(TEXT, offset), (3, 30));
    }
}
