//! Characters: quotes, escapes, expansions, and where one word ends and the next begins.

use super::parser::{DEPTH_LIMIT, ShellError, parse_at, parse_until};
use super::reader::Reader;
use super::word::{Part, Word, is_name};

/// Where a run of parts ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The quote that closes it.
    Quote,
    /// The brace that closes a parameter expansion.
    Brace,
    /// The same within double quotes, where a single quote is a character like others.
    BraceInQuotes,
    /// The end of the text.
    End,
}

impl Reader<'_> {
    /// Reads a whole text as the inside of double quotes, where quotes themselves are plain.
    pub(super) fn here_document_word(&mut self) -> Result<Word, ShellError> {
        let mut word = Word::default();
        self.quoted(&mut word, Until::End)?;
        Ok(word)
    }

    /// Takes one word.
    pub(super) fn word(&mut self) -> Result<Word, ShellError> {
        let mut word = Word::default();
        let start = self.at;
        while let Some(byte) = self.peek() {
            self.step()?;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' => break,
                b'<' | b'>' if self.at == start && self.peek_at(1) == Some(b'(') => {
                    self.take(2);
                    self.substitution(&mut word, start)?;
                }
                b'<' | b'>' => break,
                b'\\' => self.escape(&mut word),
                b'\'' => {
                    self.take(1);
                    let text = self.run(|byte| byte == b'\'');
                    word.push(text, true);
                    self.close();
                }
                b'"' => {
                    self.take(1);
                    word.push("", true);
                    self.quoted(&mut word, Until::Quote)?;
                }
                b'$' => self.dollar(&mut word, false)?,
                b'`' => self.backticks(&mut word)?,
                b'~' if self.at == start || self.follows_assignment(start) => {
                    self.take(1);
                    self.run(|byte| !(byte.is_ascii_alphanumeric() || b"_-+.".contains(&byte)));
                    word.parts.push(Part::Tilde);
                }
                b'*' | b'?' | b'[' => {
                    self.take(1);
                    word.parts.push(Part::Glob(char::from(byte)));
                }
                _ => {
                    let first = self.character();
                    word.push(first, false);
                    let more = self.run(|byte| b" \t\r\n;&|()<>\\'\"$`~*?[".contains(&byte));
                    word.push(more, false);
                }
            }
        }
        Ok(word)
    }

    /// Whether what precedes in this word is `NAME=`, after which `~` is special again.
    fn follows_assignment(&self, start: usize) -> bool {
        self.text[start..self.at].strip_suffix('=').is_some_and(is_name)
    }

    fn escape(&mut self, word: &mut Word) {
        self.take(1);
        if self.peek() == Some(b'\n') {
            self.take(1);
            return;
        }
        let character = self.character();
        word.push(if character.is_empty() { "\\" } else { character }, true);
    }

    /// Reads the inside of double quotes, of `${ }` or of a here-document.
    fn quoted(&mut self, word: &mut Word, until: Until) -> Result<(), ShellError> {
        while let Some(byte) = self.peek() {
            self.step()?;
            match byte {
                b'"' if until == Until::Quote => {
                    self.take(1);
                    return Ok(());
                }
                b'"' if until != Until::End => {
                    self.take(1);
                    self.quoted(word, Until::Quote)?;
                }
                b'}' if matches!(until, Until::Brace | Until::BraceInQuotes) => {
                    self.take(1);
                    return Ok(());
                }
                b'\'' if until == Until::Brace => {
                    self.take(1);
                    let text = self.run(|byte| byte == b'\'');
                    word.push(text, true);
                    self.close();
                }
                b'\\' => match self.peek_at(1) {
                    Some(b'\n') => self.take(2),
                    Some(b'$' | b'`' | b'"' | b'\\' | b'}') => {
                        self.take(1);
                        let character = self.character();
                        word.push(character, true);
                    }
                    _ => {
                        self.take(1);
                        word.push("\\", true);
                    }
                },
                b'$' => self.dollar(word, true)?,
                b'`' => self.backticks(word)?,
                _ => {
                    let first = self.character();
                    word.push(first, true);
                    let more = self.run(|byte| b"\"'}\\$`".contains(&byte));
                    word.push(more, true);
                }
            }
        }
        Ok(())
    }

    fn dollar(&mut self, word: &mut Word, in_quotes: bool) -> Result<(), ShellError> {
        let start = self.at;
        self.take(1);
        match self.peek() {
            Some(b'(') => {
                if self.skip_arithmetic() {
                    word.parts.push(Part::Variable { name: String::new(), inside: Vec::new() });
                    return Ok(());
                }
                self.take(1);
                self.substitution(word, start)
            }
            Some(b'{') => {
                self.take(1);
                self.parameter(word, in_quotes)
            }
            Some(b'\'') if !in_quotes => {
                self.take(1);
                self.c_string(word);
                Ok(())
            }
            Some(b'"') if !in_quotes => Ok(()),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let name = self.run(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'));
                word.parts.push(Part::Variable { name: name.to_owned(), inside: Vec::new() });
                Ok(())
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => {
                self.take(1);
                word.parts.push(Part::Variable { name: String::new(), inside: Vec::new() });
                Ok(())
            }
            _ => {
                word.push("$", in_quotes);
                Ok(())
            }
        }
    }

    /// `${NAME...}` behind its brace.
    fn parameter(&mut self, word: &mut Word, in_quotes: bool) -> Result<(), ShellError> {
        if self.peek() == Some(b'#') || self.peek() == Some(b'!') {
            self.take(1);
        }
        let name = self.run(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).to_owned();
        let mut inside = Word::default();
        let until = if in_quotes { Until::BraceInQuotes } else { Until::Brace };
        self.deeper(|reader| reader.quoted(&mut inside, until))?;
        word.parts.push(Part::Variable { name, inside: inside.parts });
        Ok(())
    }

    /// The script behind an opening parenthesis, up to the one that closes it.
    fn substitution(&mut self, word: &mut Word, start: usize) -> Result<(), ShellError> {
        let script = self.deeper(|reader| parse_until(reader))?;
        word.parts.push(Part::Substitution { source: self.text[start..self.at].to_owned(), script: Box::new(script) });
        Ok(())
    }

    fn backticks(&mut self, word: &mut Word) -> Result<(), ShellError> {
        let start = self.at;
        self.take(1);
        let mut inner = String::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'`' => break,
                b'\\' if matches!(self.peek_at(1), Some(b'`' | b'\\' | b'$')) => {
                    self.take(1);
                    inner.push_str(self.character());
                }
                _ => inner.push_str(self.character()),
            }
        }
        self.close();
        let script = parse_at(&inner, self.depth + 1, &mut self.steps)?;
        word.parts.push(Part::Substitution { source: self.text[start..self.at].to_owned(), script: Box::new(script) });
        Ok(())
    }

    /// `$'...'` behind its quote, with the escapes of C that can hide a letter.
    fn c_string(&mut self, word: &mut Word) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' => {
                    self.take(1);
                    return;
                }
                b'\\' => {
                    self.take(1);
                    let escaped = self.character();
                    let text = match escaped {
                        "n" => "\n".to_owned(),
                        "t" => "\t".to_owned(),
                        "x" => self.code(16, 2),
                        "u" => self.code(16, 4),
                        "U" => self.code(16, 8),
                        digit if digit.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) => {
                            self.at -= digit.len();
                            self.code(8, 3)
                        }
                        other => other.to_owned(),
                    };
                    word.push(&text, true);
                }
                _ => {
                    let character = self.character();
                    word.push(character, true);
                }
            }
        }
    }

    fn code(&mut self, radix: u32, at_most: usize) -> String {
        let digits: &str = &self.rest()
            [..self.rest().bytes().take(at_most).take_while(|byte| char::from(*byte).is_digit(radix)).count()];
        self.at += digits.len();
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).map_or_else(String::new, String::from)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ShellError>) -> Result<T, ShellError> {
        self.depth += 1;
        let result = if self.depth > DEPTH_LIMIT { Err(ShellError::TooDeep) } else { read(self) };
        self.depth -= 1;
        result
    }
}
