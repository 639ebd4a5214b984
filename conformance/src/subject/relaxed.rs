//! JSON with comments or trailing commas, made strict without moving anything: what is taken away becomes blanks.

use std::borrow::Cow;

/// What is accepted beyond strict JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// `//` and `/* */`.
    pub(crate) comments: bool,
    /// A comma before a closing bracket.
    pub(crate) trailing_commas: bool,
}

/// `text` as strict JSON, as far as `accepted` goes beyond that. Positions stay the same.
pub(crate) fn strict(text: &str, accepted: Beyond) -> Cow<'_, str> {
    if !accepted.comments && !accepted.trailing_commas {
        return Cow::Borrowed(text);
    }
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    let mut comma = None;
    while at < out.len() {
        match out[at] {
            b'"' => {
                comma = None;
                at = end_of_string(&out, at);
            }
            b'/' if accepted.comments && matches!(out.get(at + 1), Some(b'/' | b'*')) => {
                let end = end_of_comment(&out, at);
                blank(&mut out[at..end]);
                at = end;
            }
            b',' => {
                comma = Some(at);
                at += 1;
            }
            b'}' | b']' => {
                if let Some(comma) = comma.take().filter(|_| accepted.trailing_commas) {
                    out[comma] = b' ';
                }
                at += 1;
            }
            byte => {
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                at += 1;
            }
        }
    }
    // Only whole comments and ASCII commas were replaced, by ASCII.
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn end_of_comment(text: &[u8], start: usize) -> usize {
    if text[start + 1] == b'/' {
        return text[start..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| start + length);
    }
    let inside = start + 2;
    text[inside..].windows(2).position(|pair| pair == b"*/").map_or(text.len(), |length| inside + length + 2)
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !b"\r\n".contains(byte)) {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Beyond, strict};

    #[rstest]
    #[case::line("{ // é\n\"a\": 1}", true, false, "{      \n\"a\": 1}")]
    #[case::block("[/* ] */1]", true, false, "[       1]")]
    #[case::in_a_string("{\"a//\\\"\": \"/*\"}", true, true, "{\"a//\\\"\": \"/*\"}")]
    #[case::comma("{\"a\": [1, ], }", false, true, "{\"a\": [1  ]  }")]
    #[case::comma_behind_a_comment("[1, /* x */ ]", true, true, "[1          ]")]
    #[case::comma_not_accepted("[1,]", true, false, "[1,]")]
    #[case::comment_not_accepted("[1 // x\n]", false, true, "[1 // x\n]")]
    #[case::open("[1 /*", true, true, "[1   ")]
    fn takes_away_what_is_accepted(
        #[case] text: &str,
        #[case] comments: bool,
        #[case] trailing_commas: bool,
        #[case] expected: &str,
    ) {
        let found = strict(text, Beyond { comments, trailing_commas });
        assert_eq!(found, expected);
        assert_eq!(found.len(), text.len());
    }
}
