//! A command line taken apart into the words that its program sees.

/// Splits as Microsoft's C runtime does: the program ends at white space or, if it is quoted, at the next quotation
/// mark; in what follows, a backslash before a quotation mark escapes it, and two marks inside a quoted part are one.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut characters = line.trim_start_matches([' ', '\t']).chars().peekable();
    let mut program = String::new();
    let mut quoted = false;
    for character in characters.by_ref() {
        match character {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => break,
            other => program.push(other),
        }
    }
    let mut words = vec![program];
    let mut word: Option<String> = None;
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' if !quoted => words.extend(word.take()),
            '\\' => {
                let mut count = 1;
                while characters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let word = word.get_or_insert_default();
                if characters.peek() == Some(&'"') {
                    word.extend(std::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        characters.next();
                        word.push('"');
                    }
                } else {
                    word.extend(std::iter::repeat_n('\\', count));
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                if quoted && characters.next_if_eq(&'"').is_some() {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain(r"python -m venv", &["python", "-m", "venv"])]
    #[case::quoted_program(r#""C:\Program Files\x.exe" a"#, &[r"C:\Program Files\x.exe", "a"])]
    #[case::white_space("x  a\t b ", &["x", "a", "b"])]
    #[case::quoted_argument(r#"x "a b" c"#, &["x", "a b", "c"])]
    #[case::empty_argument(r#"x "" c"#, &["x", "", "c"])]
    #[case::escaped_mark(r#"x a\"b"#, &["x", r#"a"b"#])]
    #[case::backslashes_alone(r"x C:\a\\b", &["x", r"C:\a\\b"])]
    #[case::backslashes_before_a_mark(r#"x "C:\a\\" b"#, &["x", r"C:\a\", "b"])]
    #[case::two_marks(r#"x "a""b""#, &["x", r#"a"b"#])]
    #[case::nothing("", &[""])]
    fn how_a_line_is_split(#[case] line: &str, #[case] expected: &[&str]) {
        assert_eq!(split(line), expected);
    }
}
