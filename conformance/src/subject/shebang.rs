//! The first line of a script, which names its interpreter.

use std::path::Path;

use crate::outside;

/// The first line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shebang {
    /// Its words, without `#!`.
    words: Vec<String>,
    /// Whether it ends with a carriage return.
    pub(crate) carriage_return: bool,
}

/// How much of a file is looked at; systems look at less.
const LONGEST: usize = 512;

impl Shebang {
    /// Reads the first line of a file; `None` if it names no interpreter.
    pub(crate) fn of(path: &Path) -> Option<Shebang> {
        Shebang::read(&outside::head(path, LONGEST).ok()?)
    }

    fn read(head: &[u8]) -> Option<Shebang> {
        let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line);
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        (!words.is_empty()).then(|| Shebang { words, carriage_return: line.ends_with('\r') })
    }

    /// The program that is meant: behind `env`, the one that is looked for.
    pub(crate) fn interpreter(&self) -> &str {
        let first = &self.words[0];
        let is_env = first.rsplit('/').next() == Some("env");
        let behind = self.words.iter().skip(1).find(|word| !word.starts_with('-') && !word.contains('='));
        behind.filter(|_| is_env).unwrap_or(first)
    }

    /// The words of the line, for whoever starts the interpreter itself.
    pub(crate) fn words(&self) -> &[String] {
        let env = self.words[0].rsplit('/').next() == Some("env") && self.words.len() > 1;
        if env { &self.words[1..] } else { &self.words }
    }

    /// The last word as the system sees it.
    pub(crate) fn last_word(&self) -> String {
        let end = if self.carriage_return { "\r" } else { "" };
        format!("{}{end}", self.words.last().map_or("", String::as_str))
    }

    /// Whether the interpreter is on this machine; `by_name`: also if another folder of `PATH` has one of that name.
    pub(crate) fn is_there(&self, by_name: bool) -> bool {
        let interpreter = self.interpreter();
        let in_path = super::executable::is_there;
        if !interpreter.contains('/') {
            return in_path(interpreter);
        }
        Path::new(interpreter).is_file() || (by_name && interpreter.rsplit('/').next().is_some_and(in_path))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Shebang;

    #[rstest]
    #[case("#!/bin/sh -e\nx", "/bin/sh", false)]
    #[case("#!/usr/bin/env python3\r\nx", "python3", true)]
    #[case("#! /usr/bin/env -S node --no-warnings\n", "node", false)]
    #[case("#!/bin/bash\r", "/bin/bash", true)]
    fn names_the_interpreter(#[case] text: &str, #[case] interpreter: &str, #[case] carriage_return: bool) {
        let found = Shebang::read(text.as_bytes()).unwrap();
        assert_eq!((found.interpreter(), found.carriage_return), (interpreter, carriage_return));
    }

    #[rstest]
    #[case("echo")]
    #[case("#!\n")]
    #[case("")]
    fn there_may_be_none(#[case] text: &str) {
        assert_eq!(Shebang::read(text.as_bytes()), None);
    }

    #[test]
    fn what_is_not_there_is_missed() {
        let found = Shebang::read(b"#!/no/such/folder/interpreter").unwrap();
        assert!(!found.is_there(false) && !found.is_there(true));
    }
}
