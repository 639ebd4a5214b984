//! The command language: lists, pipelines, groups, redirections, here-documents.

use super::reader::Reader;
use super::word::Word;

/// Substitutions may be nested this deep.
pub(super) const DEPTH_LIMIT: usize = 24;

/// Subshells may be nested this deep.
const SUBSHELL_LIMIT: usize = 64;

/// One text may take this many steps; a step is a word, an operator, or a piece of a word. It bounds memory as well.
const STEP_LIMIT: usize = 500_000;

/// Why a text cannot be parsed. Each message finishes the sentence "failed to ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShellError {
    /// More than [`DEPTH_LIMIT`] substitutions or [`SUBSHELL_LIMIT`] subshells within each other.
    #[error("parse the command: it is nested too deeply")]
    TooDeep,
    /// More than [`STEP_LIMIT`] words, operators and pieces of words.
    #[error("parse the command: it has more than {STEP_LIMIT} pieces")]
    TooLong,
}

/// A list of pipelines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) pipelines: Vec<Pipeline>,
    /// For each subshell, the one it stands in; subshell 0 is the script itself.
    pub(crate) subshells: Vec<usize>,
    /// The here-strings and here-documents, which commands read by index.
    pub(crate) texts: Vec<Word>,
    /// The names of the functions that are defined somewhere in the script.
    pub(crate) functions: Vec<String>,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pipeline {
    pub(crate) commands: Vec<Command>,
    /// Whether `&` ends it.
    pub(crate) background: bool,
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Command {
    /// The words, reserved words in front taken away.
    pub(crate) words: Vec<Word>,
    /// Files that it writes to by redirection.
    pub(crate) writes: Vec<Word>,
    /// Texts that it reads by redirection: indexes of [`Script::texts`].
    pub(crate) reads: Vec<usize>,
    /// Words that only matter for what they substitute, such as a file to read from.
    pub(crate) others: Vec<Word>,
    /// The subshell it runs in, an index of [`Script::subshells`].
    pub(crate) subshell: usize,
}

impl Command {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.writes.is_empty() && self.reads.is_empty() && self.others.is_empty()
    }

    /// Every word that stands anywhere in the command, texts that it reads aside.
    pub(crate) fn all_words(&self) -> impl Iterator<Item = &Word> {
        self.words.iter().chain(&self.writes).chain(&self.others)
    }
}

/// Words that open or join compound commands; what follows them is a command of its own.
pub(crate) const RESERVED: &[&str] =
    &["!", "{", "}", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "coproc"];

/// Parses a whole text.
///
/// # Errors
///
/// Returns a [`ShellError`] when the text is beyond the bounds; a syntax error is none.
pub(crate) fn parse(text: &str) -> Result<Script, ShellError> {
    parse_at(text, 0, &mut STEP_LIMIT.clone())
}

pub(super) fn parse_at(text: &str, depth: usize, steps: &mut usize) -> Result<Script, ShellError> {
    let mut reader = Reader::new(text, depth, *steps);
    let mut whole = Script::default();
    // A closing parenthesis too many would be an error to a shell; here the rest is read as further commands.
    while !reader.at_end() {
        let script = parse_until(&mut reader)?;
        let offset = whole.subshells.len();
        let texts = whole.texts.len();
        whole.texts.extend(script.texts);
        whole.subshells.extend(script.subshells.iter().map(|parent| parent + offset));
        whole.functions.extend(script.functions);
        whole.pipelines.extend(script.pipelines.into_iter().map(|mut pipeline| {
            for command in &mut pipeline.commands {
                command.subshell += offset;
                command.reads.iter_mut().for_each(|read| *read += texts);
            }
            pipeline
        }));
    }
    *steps = reader.steps;
    Ok(whole)
}

/// Parses up to the end of the text or to a parenthesis that closes nothing inside, which is consumed.
pub(super) fn parse_until(reader: &mut Reader<'_>) -> Result<Script, ShellError> {
    if reader.depth > DEPTH_LIMIT {
        return Err(ShellError::TooDeep);
    }
    let mut parser = Parser {
        script: Script { subshells: vec![0], ..Script::default() },
        pipeline: Pipeline::default(),
        command: Command::default(),
        here_documents: Vec::new(),
        open: vec![0],
        cases: 0,
    };
    parser.run(reader)?;
    parser.end_pipeline(false);
    Ok(parser.script)
}

struct Parser {
    script: Script,
    pipeline: Pipeline,
    command: Command,
    /// Here-documents whose text begins at the next line.
    here_documents: Vec<HereDocument>,
    /// The open subshells, innermost last.
    open: Vec<usize>,
    /// How many `case` are open: their patterns end with a parenthesis that closes nothing.
    cases: usize,
}

impl Parser {
    fn run(&mut self, reader: &mut Reader<'_>) -> Result<(), ShellError> {
        loop {
            reader.skip_blanks();
            reader.step()?;
            let Some(byte) = reader.peek() else {
                return Ok(());
            };
            match byte {
                b'\n' => {
                    reader.take(1);
                    self.read_here_documents(reader)?;
                    self.end_pipeline(false);
                }
                b'#' => reader.skip_line(),
                b';' => {
                    reader.take(1);
                    self.end_pipeline(false);
                }
                b'&' => match reader.peek_at(1) {
                    Some(b'&') => {
                        reader.take(2);
                        self.end_pipeline(false);
                    }
                    Some(b'>') => self.redirection(reader)?,
                    _ => {
                        reader.take(1);
                        self.end_pipeline(true);
                    }
                },
                b'|' if reader.peek_at(1) == Some(b'|') => {
                    reader.take(2);
                    self.end_pipeline(false);
                }
                b'|' => {
                    reader.take(if reader.peek_at(1) == Some(b'&') { 2 } else { 1 });
                    self.end_command();
                }
                b'(' => self.open_parenthesis(reader)?,
                b')' => {
                    reader.take(1);
                    if self.close_parenthesis() {
                        return Ok(());
                    }
                }
                b'<' | b'>' if reader.peek_at(1) == Some(b'(') => {
                    let word = reader.word()?;
                    self.push_word(word);
                }
                b'<' | b'>' => self.redirection(reader)?,
                _ if reader.at_descriptor() => self.redirection(reader)?,
                _ => {
                    let word = reader.word()?;
                    self.push_word(word);
                }
            }
        }
    }

    fn push_word(&mut self, word: Word) {
        if self.command.words.is_empty()
            && let Some(text) = word.bare()
        {
            match text {
                "}" | "done" | "fi" | "esac" => {
                    if text == "esac" {
                        self.cases = self.cases.saturating_sub(1);
                    }
                    self.rejoin();
                    return;
                }
                "case" => self.cases += 1,
                _ => {}
            }
            if RESERVED.contains(&text) {
                return;
            }
        }
        // `function name {`: the name stands where a command would, and the body follows.
        if let [first] = self.command.words.as_slice()
            && first.bare() == Some("function")
        {
            self.script.functions.push(word.text());
            self.command.words.clear();
            return;
        }
        self.command.words.push(word);
    }

    fn open_parenthesis(&mut self, reader: &mut Reader<'_>) -> Result<(), ShellError> {
        if self.command.is_empty() && reader.skip_arithmetic() {
            return Ok(());
        }
        reader.take(1);
        if let [name] = self.command.words.as_slice() {
            let name = name.text();
            reader.skip_blanks();
            if reader.peek() == Some(b')') {
                reader.take(1);
                self.script.functions.push(name);
                self.command = Command::default();
                return Ok(());
            }
        }
        // `a | (b; c)`: the first command of the subshell goes on with the pipe.
        self.end_command();
        let parent = self.open.last().copied().unwrap_or(0);
        self.script.subshells.push(parent);
        self.open.push(self.script.subshells.len() - 1);
        if self.open.len() > SUBSHELL_LIMIT {
            return Err(ShellError::TooDeep);
        }
        Ok(())
    }

    /// Closes a subshell; true if the parenthesis closes the whole script.
    fn close_parenthesis(&mut self) -> bool {
        if self.open.len() > 1 {
            self.end_command();
            self.open.pop();
            self.rejoin();
            return false;
        }
        if self.cases > 0 {
            // What stood before it was a pattern and is no command.
            self.command = Command::default();
            self.end_pipeline(false);
            return false;
        }
        self.end_command();
        true
    }

    /// After the end of a group: what is piped onwards comes from the last pipeline inside it.
    fn rejoin(&mut self) {
        self.end_command();
        if self.pipeline.commands.is_empty()
            && let Some(last) = self.script.pipelines.pop()
        {
            if last.background {
                self.script.pipelines.push(last);
            } else {
                self.pipeline = last;
            }
        }
    }

    fn end_command(&mut self) {
        let mut command = std::mem::take(&mut self.command);
        if !command.is_empty() {
            command.subshell = self.open.last().copied().unwrap_or(0);
            self.pipeline.commands.push(command);
        }
    }

    fn end_pipeline(&mut self, background: bool) {
        self.end_command();
        let mut pipeline = std::mem::take(&mut self.pipeline);
        if !pipeline.commands.is_empty() {
            pipeline.background = background;
            self.script.pipelines.push(pipeline);
        }
    }

    fn redirection(&mut self, reader: &mut Reader<'_>) -> Result<(), ShellError> {
        let operator = reader.redirection();
        reader.skip_blanks();
        let target = reader.word()?;
        match operator.as_str() {
            "<<<" => self.read(target),
            "<<" | "<<-" => {
                // The text follows with the next line; until then its place is kept.
                self.read(Word::default());
                self.here_documents.push(HereDocument {
                    text: self.script.texts.len() - 1,
                    mark: target,
                    strip_tabs: operator == "<<-",
                });
            }
            // `>&2` copies a descriptor; `>&name` writes a file.
            ">&" | "<&" if target.text().chars().all(|c| c.is_ascii_digit() || c == '-') => {}
            "<" | "<&" => self.command.others.push(target),
            _ => self.command.writes.push(target),
        }
        Ok(())
    }

    fn read(&mut self, text: Word) {
        self.command.reads.push(self.script.texts.len());
        self.script.texts.push(text);
    }

    /// Reads the texts of the here-documents of the line that has ended.
    fn read_here_documents(&mut self, reader: &mut Reader<'_>) -> Result<(), ShellError> {
        for HereDocument { text, mark, strip_tabs } in std::mem::take(&mut self.here_documents) {
            let body = reader.here_document(&mark.text(), strip_tabs);
            let word = &mut self.script.texts[text];
            if mark.is_quoted() {
                word.push(&body, true);
            } else {
                let mut inner = Reader::new(&body, reader.depth + 1, reader.steps);
                *word = inner.here_document_word()?;
                reader.steps = inner.steps;
            }
        }
        Ok(())
    }
}

/// A here-document whose text has not come yet.
struct HereDocument {
    /// Its place in [`Script::texts`].
    text: usize,
    /// The line that ends it.
    mark: Word,
    /// Whether tabs are taken off the lines (`<<-`).
    strip_tabs: bool,
}

#[cfg(test)]
mod tests;
