//! The scanner: one pass over the characters of a line.

use super::{Quoting, Reference, ShellLine, Word, is_assignment, is_name};

/// Takes a line for a shell apart.
pub(super) fn line(text: &str) -> ShellLine {
    let mut scanner = Scanner::of(text);
    let mut list = List::default();
    scanner.list(None, &mut list);
    ShellLine { commands: list.commands, references: scanner.references }
}

/// The uses of variables in a text that no shell reads.
pub(super) fn literal(text: &str) -> Vec<Reference> {
    let mut scanner = Scanner::of(text);
    scanner.literal(scanner.chars.len());
    scanner.references
}

/// How deep substitutions may be nested before their text is no longer looked into.
const DEEPEST: usize = 50;

/// How many characters behind a dollar sign are looked at for a name.
const LONGEST_NAME: usize = 256;

/// The commands of one list, as far as they are read.
#[derive(Debug, Default)]
struct List {
    commands: Vec<Vec<Word>>,
    command: Vec<Word>,
    word: Option<Word>,
    /// Whether the command has a word that is no assignment.
    begun: bool,
    /// Whether the word being read has got its `=`, and makes it an assignment.
    equals: Option<bool>,
    /// The next word is the target of a redirection.
    redirected: bool,
    /// The next line begins the text of a here-document.
    document: Option<String>,
}

impl List {
    fn push(&mut self, c: char, quoted: bool) {
        let word = self.word.get_or_insert_with(|| Word { text: String::new(), quoted });
        word.text.push(c);
        if c == '=' && self.equals.is_none() {
            self.equals = Some(!self.begun && !quoted && is_assignment(&word.text));
        }
    }

    fn touch(&mut self) {
        self.word.get_or_insert_with(|| Word { text: String::new(), quoted: true });
    }

    fn end_word(&mut self) {
        let assigns = self.assigns();
        self.equals = None;
        if let Some(word) = self.word.take() {
            if std::mem::take(&mut self.redirected) {
                if self.document.as_deref() == Some("") {
                    self.document = Some(word.text);
                }
            } else {
                self.begun |= !assigns;
                self.command.push(word);
            }
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.redirected = false;
        self.begun = false;
        if !self.command.is_empty() {
            self.commands.push(std::mem::take(&mut self.command));
        }
    }

    /// Whether the word being read is the value of an assignment in front of a command.
    fn assigns(&self) -> bool {
        self.equals == Some(true)
    }
}

/// A variable that is named behind a dollar sign.
struct Name {
    name: String,
    /// Whether it is in braces, with nothing else there.
    braced: bool,
    /// Characters up to its end.
    length: usize,
    /// Whether the line says what holds where it is not set.
    defaulted: bool,
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    references: Vec<Reference>,
}

impl Scanner {
    fn of(text: &str) -> Scanner {
        Scanner { chars: text.chars().collect(), at: 0, depth: 0, references: Vec::new() }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Reads commands up to `close`, which is stepped over.
    fn list(&mut self, close: Option<char>, list: &mut List) {
        self.depth += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                _ if Some(c) == close => break,
                ' ' | '\t' | '\r' => list.end_word(),
                '\n' => {
                    list.end_command();
                    self.skip_document(list);
                }
                ';' | '|' | '&' | ')' => list.end_command(),
                '(' if self.depth < DEEPEST => {
                    list.end_command();
                    self.list(Some(')'), list);
                }
                '<' | '>' => self.redirection(c, list),
                '#' if list.word.is_none() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '\\' => {
                    if let Some(next) = self.peek() {
                        self.at += 1;
                        if next != '\n' {
                            list.push(next, true);
                        }
                    }
                }
                '\'' => self.single(list),
                '"' => self.double(list),
                '`' if self.depth < DEEPEST => self.substitution('`', list),
                '$' => self.dollar(Quoting::None, list),
                c => list.push(c, false),
            }
        }
        list.end_command();
        self.depth -= 1;
    }

    fn redirection(&mut self, first: char, list: &mut List) {
        // The number of a descriptor belongs to the redirection, not to the command.
        if list.word.as_ref().is_some_and(|word| !word.quoted && word.text.chars().all(|c| c.is_ascii_digit())) {
            list.word = None;
        }
        list.end_word();
        let start = self.at;
        while self.peek().is_some_and(|c| "<>&|-".contains(c)) {
            self.at += 1;
        }
        let rest: String = self.chars[start..self.at].iter().collect();
        if first == '<' && (rest == "<" || rest == "<-") {
            list.document = Some(String::new());
        }
        if first == '<' && rest.is_empty() && self.peek() == Some('(') {
            return;
        }
        // `2>&-` has no target.
        list.redirected = !rest.ends_with("&-");
    }

    /// Steps over the text of a here-document, if one was announced.
    fn skip_document(&mut self, list: &mut List) {
        let Some(end) = list.document.take() else {
            return;
        };
        while self.at < self.chars.len() {
            let start = self.at;
            while self.peek().is_some_and(|c| c != '\n') {
                self.at += 1;
            }
            let line: String = self.chars[start..self.at].iter().collect();
            self.at += 1;
            if line.trim_start_matches('\t') == end {
                break;
            }
        }
    }

    fn single(&mut self, list: &mut List) {
        list.touch();
        let start = self.at;
        let end = self.chars[start..].iter().position(|c| *c == '\'').map_or(self.chars.len(), |at| start + at);
        for c in self.chars[start..end].iter().copied() {
            list.push(c, true);
        }
        self.literal(end);
        self.at = end + 1;
    }

    /// Notes the uses of variables up to `end` in a text that no shell replaces.
    fn literal(&mut self, end: usize) {
        let one_word = !self.chars[self.at.min(end)..end].iter().any(|c| c.is_whitespace());
        while self.at < end {
            if self.chars[self.at] == '$' {
                self.at += 1;
                if let Some(Name { name, braced, length, defaulted }) = self.name(end) {
                    self.at += length;
                    let quoting = Quoting::Single;
                    self.references.push(Reference { name, braced, quoting, assigned: false, one_word, defaulted });
                }
            } else {
                self.at += 1;
            }
        }
    }

    fn double(&mut self, list: &mut List) {
        list.touch();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return,
                '\\' if self.peek().is_some_and(|next| "$`\"\\\n".contains(next)) => {
                    if let Some(next) = self.peek() {
                        list.push(next, true);
                    }
                    self.at += 1;
                }
                '`' if self.depth < DEEPEST => self.substitution('`', list),
                '$' => self.dollar(Quoting::Double, list),
                c => list.push(c, true),
            }
        }
    }

    fn dollar(&mut self, quoting: Quoting, list: &mut List) {
        if self.peek() == Some('(') && self.depth < DEEPEST {
            self.at += 1;
            self.substitution(')', list);
            return;
        }
        let assigned = list.assigns();
        let quoted = quoting != Quoting::None;
        list.push('$', quoted);
        if let Some(Name { name, braced, length, defaulted }) = self.name(self.chars.len()) {
            for c in self.chars[self.at..self.at + length].iter().copied() {
                list.push(c, quoted);
            }
            self.at += length;
            self.references.push(Reference { name, braced, quoting, assigned, one_word: false, defaulted });
        }
    }

    /// The variable named behind a dollar sign.
    fn name(&self, end: usize) -> Option<Name> {
        let rest = &self.chars[self.at..end];
        // Without this bound, a long row of open braces would be searched again and again.
        let rest = &rest[..rest.len().min(LONGEST_NAME)];
        let plain = |chars: &[char]| -> String { chars.iter().copied().take_while(|c| is_name(*c)).collect() };
        if rest.first() != Some(&'{') {
            let name = plain(rest);
            let length = name.len();
            return (!name.is_empty()).then_some(Name { name, braced: false, length, defaulted: false });
        }
        let close = rest.iter().position(|c| *c == '}')?;
        let body: String = rest[1..close].iter().collect();
        if !body.is_empty() && body.chars().all(|c| is_name(c) || c == '.') {
            return Some(Name { name: body, braced: true, length: close + 1, defaulted: false });
        }
        // `${NAME:-default}` and its like: only the name is told; the rest is read on as text.
        let name = plain(&rest[1..]);
        let length = name.len() + 1;
        let behind = body[name.len()..].trim_start_matches(':');
        let defaulted = behind.starts_with(['-', '+', '=', '?']);
        (!name.is_empty()).then_some(Name { name, braced: false, length, defaulted })
    }

    /// Reads a substitution; its text becomes `$(...)` in the word.
    fn substitution(&mut self, close: char, list: &mut List) {
        let mut inner = List::default();
        self.list(Some(close), &mut inner);
        for c in "$(...)".chars() {
            list.push(c, true);
        }
    }
}
