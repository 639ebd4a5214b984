//! Texts of strangers, made safe and fitting for a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes. It must have gone through [`visible`].
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` with everything spelled out that could drive a terminal or hide from a reader: control characters, marks that
/// turn the direction of writing, line separators, and characters that take no room. What is visible already stays, so
/// that to call it twice changes nothing.
///
/// ```
/// use hookproof::report::visible;
///
/// assert_eq!(visible("\u{1b}[31mred\tand\n"), r"\u{1b}[31mred\tand\n");
/// assert_eq!(visible("naïve 日本 \\n"), "naïve 日本 \\n");
/// ```
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character acts on the screen, or stands there unseen. Joiners (U+200C, U+200D) and variation selectors are
/// left alone: words of several scripts, and many emoji, need them.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// `text` in at most `room` columns: what is too much is taken out of the middle, because both ends of a long line say
/// most.
pub(super) fn cut_middle(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(1);
    let head = prefix(text, kept - kept / 3);
    let tail = suffix(&text[head.len()..], kept / 3);
    format!("{head}…{tail}")
}

/// `text` in at most `room` columns: what is too much is taken off its end.
pub(super) fn cut_end(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    format!("{}…", prefix(text, room.saturating_sub(1)))
}

/// The longest beginning of `text` in at most `room` columns.
fn prefix(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// The longest end of `text` in at most `room` columns that does not begin with a mark that belongs to the character
/// before it.
fn suffix(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let columns = c.width().unwrap_or(0);
        used += columns;
        if used > room {
            break;
        }
        if columns > 0 {
            start = at;
        }
    }
    &text[start..]
}

/// `text` in lines of at most `room` columns, broken at blanks where there are any. There is at least one line.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        let columns = word.width();
        if used > 0 && used + 1 + columns <= room {
            push(&mut lines, " ");
            used += 1;
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        while word.width() > room - used {
            // A single character wider than the whole line still has to go somewhere.
            let cut = prefix(word, room - used).len().max(word.chars().next().map_or(0, char::len_utf8));
            push(&mut lines, &word[..cut]);
            word = &word[cut..];
            if word.is_empty() {
                break;
            }
            lines.push(String::new());
            used = 0;
        }
        push(&mut lines, word);
        used += word.width();
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

/// `1 case`, `2 cases`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain \"text\" \\ here", "plain \"text\" \\ here")]
    #[case("a\u{0}b\u{7}\u{7f}\u{9b}31m", r"a\u{0}b\u{7}\u{7f}\u{9b}31m")]
    #[case("\r\n\t", r"\r\n\t")]
    #[case("\u{202e}evil\u{2066}", r"\u{202e}evil\u{2066}")]
    #[case("\u{feff}{}", r"\u{feff}{}")]
    #[case("👩\u{200d}🚀 naïve é", "👩\u{200d}🚀 naïve é")]
    fn what_acts_or_hides_is_spelled_out(#[case] raw: &str, #[case] shown: &str) {
        assert_eq!(visible(raw), shown);
        assert_eq!(visible(shown), shown);
    }

    #[test]
    fn no_character_of_unicode_gets_through_that_is_a_control() {
        for c in '\0'..=char::MAX {
            let shown = visible(&c.to_string());
            assert!(!shown.is_empty() && !shown.chars().any(char::is_control), "{c:?} became {shown:?}");
        }
    }

    #[rstest]
    #[case("short", 5, "short")]
    #[case("abcdefghij", 7, "abcd…ij")]
    #[case("日本日本日本日本", 8, "日本…本")]
    #[case("abcdefghie\u{301}", 7, "abcd…ie\u{301}")]
    #[case("abc", 1, "…")]
    #[case("abc", 0, "…")]
    fn the_middle_is_cut(#[case] text: &str, #[case] room: usize, #[case] cut: &str) {
        assert_eq!(cut_middle(text, room), cut);
    }

    #[rstest]
    #[case("one two three", 7, &["one two", "three"])]
    #[case("one  two", 20, &["one two"])]
    #[case("", 5, &[""])]
    #[case("abcdefgh ij", 3, &["abc", "def", "gh", "ij"])]
    #[case("日本", 1, &["日", "本"])]
    #[case("a bbbb", 4, &["a", "bbbb"])]
    fn prose_is_wrapped(#[case] text: &str, #[case] room: usize, #[case] lines: &[&str]) {
        assert_eq!(wrap(text, room), lines);
    }

    #[test]
    fn cut_and_wrapped_lines_fit() {
        let text = "日本語 and a_rather_long_word_without_blanks, e\u{301}e\u{301} 👩\u{200d}🚀 end".repeat(3);
        for room in 2..90 {
            assert!(width(&cut_middle(&text, room)) <= room, "{room}");
            assert!(width(&cut_end(&text, room)) <= room, "{room}");
            for line in wrap(&text, room) {
                assert!(width(&line) <= room, "{room}: {line}");
            }
        }
    }
}
