//! A place in a text, and the steps that are taken from it.

use super::parser::ShellError;

/// A place in a text.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// How many substitutions stand around this text.
    pub(super) depth: usize,
    /// How many more steps may be made; a step is a word, an operator, or a piece of a word.
    pub(super) steps: usize,
}

/// Arithmetic longer than this is not recognised as such.
const ARITHMETIC_LIMIT: usize = 4_096;

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, depth: usize, steps: usize) -> Self {
        Self { text, at: 0, depth, steps }
    }

    /// Counts one step.
    pub(super) fn step(&mut self) -> Result<(), ShellError> {
        self.steps = self.steps.checked_sub(1).ok_or(ShellError::TooLong)?;
        Ok(())
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Moves on by ASCII characters that have been peeked at.
    pub(super) fn take(&mut self, count: usize) {
        self.at += count;
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes one character, whatever its length.
    pub(super) fn character(&mut self) -> &'a str {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        let character = &self.rest()[..length];
        self.at += length;
        character
    }

    /// Takes the character that closes something, if the text does not end before it.
    pub(super) fn close(&mut self) {
        self.at = (self.at + 1).min(self.text.len());
    }

    /// Takes everything before the first byte that `stop` names; multi-byte characters never contain such a byte.
    pub(super) fn run(&mut self, stop: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(stop).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.at += 2,
                _ => return,
            }
        }
    }

    pub(super) fn skip_line(&mut self) {
        self.run(|byte| byte == b'\n');
    }

    /// Skips `(( ... ))`, in which `<<` is no here-document; false if this is none.
    pub(super) fn skip_arithmetic(&mut self) -> bool {
        if !self.rest().starts_with("((") {
            return false;
        }
        let mut open = 0_usize;
        for (index, byte) in self.rest().bytes().enumerate().take(ARITHMETIC_LIMIT) {
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                // Commands do not belong into arithmetic: what looks like one is read as two subshells.
                b'\n' | b';' | b'\'' | b'"' | b'`' => return false,
                b'$' if self.peek_at(index + 1) == Some(b'(') => return false,
                _ => {}
            }
            if open == 1 && index > 1 && byte == b')' && self.peek_at(index + 1) != Some(b')') {
                return false;
            }
            if open == 0 {
                self.at += index + 1;
                return true;
            }
        }
        false
    }

    /// Whether digits stand here that number the descriptor of a redirection.
    pub(super) fn at_descriptor(&self) -> bool {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && digits < 4 && matches!(self.peek_at(digits), Some(b'<' | b'>'))
    }

    /// Takes the operator of a redirection without its descriptor.
    pub(super) fn redirection(&mut self) -> String {
        self.run(|byte| !byte.is_ascii_digit());
        let operator = ["<<<", "<<-", "<<", "<>", "<&", "<", "&>>", "&>", ">>", ">|", ">&", ">"]
            .into_iter()
            .find(|operator| self.rest().starts_with(operator))
            .unwrap_or_default();
        self.at += operator.len();
        operator.to_owned()
    }

    /// Takes the lines of a here-document and the line that ends it.
    pub(super) fn here_document(&mut self, mark: &str, strip_tabs: bool) -> String {
        let mut body = String::new();
        while !self.at_end() {
            let line = self.run(|byte| byte == b'\n');
            self.close();
            let line = if strip_tabs { line.trim_start_matches('\t') } else { line };
            if line.strip_suffix('\r').unwrap_or(line) == mark {
                break;
            }
            body.push_str(line);
            body.push('\n');
        }
        body
    }
}
