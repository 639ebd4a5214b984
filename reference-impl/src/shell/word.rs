//! Words: what is left of a command line's pieces once quotes are taken away.

use super::parser::Script;

/// One piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Characters that stand for themselves.
    Text {
        text: String,
        /// Whether they were quoted, so that no brace among them is special.
        quoted: bool,
    },
    /// `~` or `~name` at the start of a word.
    Tilde,
    /// `$NAME` or `${NAME...}`, with the expansions that stand inside the braces.
    Variable { name: String, inside: Vec<Part> },
    /// An unquoted `*`, `?` or `[`.
    Glob(char),
    /// `$( )`, backticks, `<( )` or `>( )`: a script whose output takes this place.
    Substitution { source: String, script: Box<Script> },
}

/// One word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) parts: Vec<Part>,
}

impl Word {
    /// A word of plain, unquoted text.
    pub(crate) fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Text { text: text.to_owned(), quoted: false }] }
    }

    /// Adds text, joining it to the last piece where that is of the same kind.
    pub(crate) fn push(&mut self, added: &str, is_quoted: bool) {
        if let Some(Part::Text { text, quoted }) = self.parts.last_mut()
            && *quoted == is_quoted
        {
            text.push_str(added);
            return;
        }
        self.parts.push(Part::Text { text: added.to_owned(), quoted: is_quoted });
    }

    /// The word as text: quotes are gone, expansions stand as they were written.
    pub(crate) fn text(&self) -> String {
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Text { text, .. } => whole.push_str(text),
                Part::Tilde => whole.push('~'),
                Part::Variable { name, .. } => {
                    whole.push_str("${");
                    whole.push_str(name);
                    whole.push('}');
                }
                Part::Glob(c) => whole.push(*c),
                Part::Substitution { source, .. } => whole.push_str(source),
            }
        }
        whole
    }

    /// The text if the word is nothing but unquoted text, as reserved words are.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }

    /// Whether any piece of the word was quoted, which makes a here-document's text literal.
    pub(crate) fn is_quoted(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Text { quoted: true, .. }))
    }

    /// The name and value of an assignment (`NAME=value`).
    pub(crate) fn assignment(&self) -> Option<(&str, Word)> {
        let Some(Part::Text { text, quoted: false }) = self.parts.first() else {
            return None;
        };
        let (name, rest) = text.split_once('=')?;
        let name = name.strip_suffix('+').unwrap_or(name);
        if !is_name(name) {
            return None;
        }
        let mut value = Word::default();
        if !rest.is_empty() {
            value.push(rest, false);
        }
        value.parts.extend_from_slice(&self.parts[1..]);
        Some((name, value))
    }

    /// Every script that the word substitutes, outermost first.
    pub(crate) fn substitutions(&self) -> Vec<&Script> {
        let mut found = Vec::new();
        collect(&self.parts, &mut found);
        found
    }
}

fn collect<'a>(parts: &'a [Part], found: &mut Vec<&'a Script>) {
    for part in parts {
        match part {
            Part::Substitution { script, .. } => found.push(script),
            Part::Variable { inside, .. } => collect(inside, found),
            _ => {}
        }
    }
}

/// Whether `text` can be a variable's name.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_told_from_words() {
        let (name, value) = Word::plain("A=b=c").assignment().map(|(n, v)| (n.to_owned(), v)).expect("one");
        assert_eq!((name.as_str(), value.text().as_str()), ("A", "b=c"));
        assert!(Word::plain("A+=b").assignment().is_some());
        for other in ["=b", "1A=b", "a-b=c", "of=/dev/sda/", "plain"] {
            assert_eq!(Word::plain(other).assignment().is_some(), other == "of=/dev/sda/", "{other}");
        }
    }

    #[test]
    fn neighbouring_text_of_one_kind_is_one_piece() {
        let mut word = Word::default();
        word.push("a", false);
        word.push("b", false);
        word.push("c", true);
        assert_eq!(word.parts.len(), 2);
        assert_eq!(word.text(), "abc");
        assert!(word.is_quoted() && word.bare().is_none());
    }
}
