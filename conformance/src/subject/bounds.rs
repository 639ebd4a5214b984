//! How much of a stranger's configuration is looked at.
//!
//! What exceeds a bound is refused as a whole, with a message that names the bound: a configuration of which a part was
//! left out could seem to conform. The bounds are a multiple of what the largest real configurations have, and keep a
//! discovery within a second and 300 MB.

/// Values of one file: objects, arrays, strings, numbers.
pub(crate) const VALUES: usize = 20_000;

/// How deep values of one file may be nested; `serde_json` has the same bound.
pub(crate) const DEPTH: usize = 127;

/// Events, groups, handlers, and keys that no handler or group has, of all files together.
pub(crate) const ENTRIES: usize = 2_000;

/// Notices of all files together.
pub(crate) const NOTICES: usize = 1_000;

/// Characters of a matcher that is read as a list or a pattern.
pub(crate) const MATCHER: usize = 2_000;

/// Bytes of the variables that settings give to every hook. They are there once for each hook.
pub(crate) const VARIABLES: usize = 32 * 1024;

/// Cases of a `hookproof.toml`.
pub(crate) const CASES: usize = 500;

/// Characters of a stranger's text that a sentence may have.
const SENTENCE: usize = 600;

/// A sentence without the middle of a text that is too long to be read.
pub(crate) fn shortened(sentence: String) -> String {
    if sentence.len() <= SENTENCE {
        return sentence;
    }
    let count = sentence.chars().count();
    if count <= SENTENCE {
        return sentence;
    }
    let (head, tail) = (SENTENCE * 2 / 3, SENTENCE / 3);
    let start: String = sentence.chars().take(head).collect();
    let end: String = sentence.chars().skip(count - tail).collect();
    format!("{start}[{} characters]{end}", count - head - tail)
}

#[cfg(test)]
mod tests {
    use super::{SENTENCE, shortened};

    #[test]
    fn the_middle_of_long_texts_is_left_out() {
        let text = format!("no event {:?}", "é".repeat(5000));
        let short = shortened(text);
        assert!(short.starts_with("no event \"éé") && short.ends_with("éé\"") && short.contains("[4411 characters]"));
        assert!(short.chars().count() < SENTENCE + 30);
        assert_eq!(shortened("é".repeat(SENTENCE)), "é".repeat(SENTENCE));
    }
}
