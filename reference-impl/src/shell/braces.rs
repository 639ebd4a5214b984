//! Brace expansion: `a{b,c}` is two words.

use super::word::{Part, Word};

/// A word never becomes more words than this; what is beyond stays as it is.
const LIMIT: usize = 64;

/// Words longer than this many pieces are left alone: no path is.
const LENGTH: usize = 4_096;

#[derive(Clone)]
enum Token {
    /// An unquoted character.
    Char(char),
    Other(Part),
}

/// The words that a word stands for.
pub(crate) fn alternatives(word: &Word) -> Vec<Word> {
    let has_brace = word
        .parts
        .iter()
        .any(|part| matches!(part, Part::Text { text, quoted: false } if text.contains('{') && text.len() <= LENGTH));
    if !has_brace {
        return vec![word.clone()];
    }
    let mut tokens = Vec::new();
    for part in &word.parts {
        match part {
            Part::Text { text, quoted: false } => tokens.extend(text.chars().map(Token::Char)),
            other => tokens.push(Token::Other(other.clone())),
        }
    }
    let mut waiting = vec![tokens];
    let mut words = Vec::new();
    while let Some(tokens) = waiting.pop() {
        match expand_first(&tokens) {
            Some(expanded) if words.len() + waiting.len() + expanded.len() <= LIMIT => {
                waiting.extend(expanded.into_iter().rev());
            }
            _ => words.push(joined(tokens)),
        }
    }
    words
}

/// Expands the first pair of braces with a comma between them.
fn expand_first(tokens: &[Token]) -> Option<Vec<Vec<Token>>> {
    let is = |index: usize, c: char| matches!(tokens[index], Token::Char(found) if found == c);
    for open in 0..tokens.len() {
        if !is(open, '{') {
            continue;
        }
        let mut depth = 0_usize;
        let mut cuts = vec![open];
        for index in open..tokens.len() {
            if is(index, '{') {
                depth += 1;
            } else if is(index, '}') {
                depth -= 1;
                if depth == 0 {
                    if cuts.len() == 1 {
                        break;
                    }
                    cuts.push(index);
                    let choice = |cut: &[usize]| {
                        let chosen = &tokens[cut[0] + 1..cut[1]];
                        [&tokens[..open], chosen, &tokens[index + 1..]].concat()
                    };
                    return Some(cuts.windows(2).map(choice).collect());
                }
            } else if depth == 1 && is(index, ',') {
                cuts.push(index);
            }
        }
    }
    None
}

fn joined(tokens: Vec<Token>) -> Word {
    let mut word = Word::default();
    for token in tokens {
        match token {
            Token::Char(c) => word.push(c.encode_utf8(&mut [0; 4]), false),
            Token::Other(Part::Text { text, quoted }) => word.push(&text, quoted),
            Token::Other(part) => word.parts.push(part),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::parse;
    use rstest::rstest;

    #[rstest]
    #[case("a", "a")]
    #[case("/{etc,usr}", "/etc /usr")]
    #[case("/{a,b{c,d}}e", "/ae /bce /bde")]
    #[case("/{,*}", "/ /*")]
    #[case("{a}{b,c}", "{a}b {a}c")]
    #[case("'{a,b}'", "{a,b}")]
    #[case("{a,b", "{a,b")]
    #[case("~/{a,\"b c\"}", "~/a ~/b c")]
    fn words(#[case] text: &str, #[case] expected: &str) {
        let script = parse(text).expect("within the bounds");
        let words = alternatives(&script.pipelines[0].commands[0].words[0]);
        assert_eq!(words.iter().map(Word::text).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn growth_is_bounded() {
        let word = Word::plain(&"{a,b}".repeat(100));
        assert!(alternatives(&word).len() <= LIMIT);
        assert_eq!(alternatives(&Word::plain(&"{".repeat(100_000))).len(), 1);
    }
}
