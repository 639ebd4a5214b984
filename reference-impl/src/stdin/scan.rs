//! Finds the end of one JSON object in bytes that arrive piece by piece.
//!
//! Each byte is looked at once and nothing recurses, so neither large nor deeply nested documents cost more than their
//! length. Only brackets and strings are followed; whether the rest is JSON is left to the decoder.

/// The byte order mark that some writers put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How far the document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More bytes are needed.
    Open,
    /// The object is closed.
    Complete,
    /// The document begins with something else than an object.
    Wrong,
}

/// The bytes so far and where among them the document stands.
#[derive(Debug, Default)]
pub(super) struct Scan {
    bytes: Vec<u8>,
    /// Everything before this index has been looked at.
    at: usize,
    /// The index of the opening brace.
    start: Option<usize>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Adds a piece. After anything but [`Progress::Open`] no further piece is expected.
    pub(super) fn take(&mut self, piece: &[u8]) -> Progress {
        self.bytes.extend_from_slice(piece);
        if self.start.is_none() {
            match self.find_start() {
                Some(Progress::Wrong) => return Progress::Wrong,
                Some(_) => {}
                None => return Progress::Open,
            }
        }
        while self.at < self.bytes.len() {
            if self.in_string {
                self.go_on_in_string();
                continue;
            }
            let byte = self.bytes[self.at];
            self.at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Progress::Complete;
                    }
                }
                _ => {}
            }
        }
        Progress::Open
    }

    /// Goes on to the end of a string, or behind the next backslash in it. Long documents are mostly long strings.
    fn go_on_in_string(&mut self) {
        if std::mem::take(&mut self.escaped) {
            self.at += 1;
            return;
        }
        let Some(ahead) = memchr::memchr2(b'"', b'\\', &self.bytes[self.at..]) else {
            self.at = self.bytes.len();
            return;
        };
        self.at += ahead + 1;
        match self.bytes[self.at - 1] {
            b'"' => self.in_string = false,
            _ => self.escaped = true,
        }
    }

    /// Looks for the opening brace behind a byte order mark and white space; `None` while it may still come.
    fn find_start(&mut self) -> Option<Progress> {
        if self.at == 0 {
            if self.bytes.starts_with(BYTE_ORDER_MARK) {
                self.at = BYTE_ORDER_MARK.len();
            } else if BYTE_ORDER_MARK.starts_with(&self.bytes) {
                return None;
            }
        }
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'{' => {
                    self.start = Some(self.at);
                    return Some(Progress::Open);
                }
                _ => return Some(Progress::Wrong),
            }
        }
        None
    }

    /// How many bytes have arrived.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing but white space and a byte order mark has arrived.
    pub(super) fn is_blank(&self) -> bool {
        self.start.is_none() && self.at == self.bytes.len()
    }

    /// The document without what stands before and after it.
    pub(super) fn into_document(mut self) -> Vec<u8> {
        self.bytes.truncate(self.at);
        self.bytes.drain(..self.start.unwrap_or(0));
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"{}", b"{}")]
    #[case(b" \r\n\t{\"a\": [1, {\"b\": \"}\"}]} \n", b"{\"a\": [1, {\"b\": \"}\"}]}")]
    #[case(b"\xEF\xBB\xBF{\"a\":\"\\\"}\"}rest", b"{\"a\":\"\\\"}\"}")]
    #[case(b"{\"a\":\"\\\\\"}{\"second\":1}", b"{\"a\":\"\\\\\"}")]
    #[case("{\"é\":\"日本\"}".as_bytes(), "{\"é\":\"日本\"}".as_bytes())]
    fn the_document_ends_with_its_last_bracket(#[case] bytes: &[u8], #[case] document: &[u8]) {
        let mut whole = Scan::default();
        assert_eq!(whole.take(bytes), Progress::Complete);
        assert_eq!(whole.into_document(), document);
        let mut bytewise = Scan::default();
        let mut progress = Progress::Open;
        for byte in bytes {
            progress = bytewise.take(std::slice::from_ref(byte));
            if progress != Progress::Open {
                break;
            }
        }
        assert_eq!(progress, Progress::Complete);
        assert_eq!(bytewise.into_document(), document);
    }

    #[rstest]
    #[case(b"[1]")]
    #[case(b"\"text\"")]
    #[case(b"null")]
    #[case(b"\xEF\xBB\xBF\xEF\xBB\xBF{}")]
    #[case(b"\xFF\xFE{\0")]
    #[case(b"\0{}")]
    fn anything_but_an_object_is_wrong_at_once(#[case] bytes: &[u8]) {
        assert_eq!(Scan::default().take(bytes), Progress::Wrong);
    }

    #[rstest]
    #[case(b"", true)]
    #[case(b" \n", true)]
    #[case(b"\xEF\xBB\xBF", true)]
    #[case(b"{", false)]
    #[case(b"\xEF\xBB", false)]
    fn blank_is_told_from_truncated(#[case] bytes: &[u8], #[case] blank: bool) {
        let mut scan = Scan::default();
        assert_eq!(scan.take(bytes), Progress::Open);
        assert_eq!(scan.is_blank(), blank);
    }

    #[test]
    fn a_million_levels_are_followed_without_recursion() {
        let mut scan = Scan::default();
        let open = [b"{\"a\":".as_slice(), &[b'['; 1_000_000]].concat();
        assert_eq!(scan.take(&open), Progress::Open);
        assert_eq!(scan.take(&[b']'; 1_000_000]), Progress::Open);
        assert_eq!(scan.take(b"}"), Progress::Complete);
    }
}
