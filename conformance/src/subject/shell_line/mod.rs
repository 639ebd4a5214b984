//! A command line as a POSIX shell splits it: simple commands with their words, and every use of a variable.
//!
//! This is a reader for names and lints, no shell: it keeps what it does not understand as text, and never fails.

mod scanner;

use std::collections::BTreeSet;

/// A command line, taken apart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ShellLine {
    /// The simple commands outside of substitutions, in order, without redirections.
    pub(crate) commands: Vec<Vec<Word>>,
    /// Every use of a variable, in substitutions too.
    pub(crate) references: Vec<Reference>,
}

/// A word of a command.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its text without quotes; variables and substitutions stay as they are spelled.
    pub(crate) text: String,
    /// Whether its first character is quoted or escaped.
    pub(crate) quoted: bool,
}

/// How a place in a line is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Not at all: what stands here is split at spaces.
    None,
    /// In double quotes.
    Double,
    /// In single quotes: the shell replaces nothing.
    Single,
}

/// A use of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is spelled `${NAME}`, with nothing more in the braces.
    pub(crate) braced: bool,
    /// How its place is quoted.
    pub(crate) quoting: Quoting,
    /// Whether it stands in the value of an assignment, where a shell splits nothing.
    pub(crate) assigned: bool,
    /// For a place where no shell replaces anything: whether the text is one word, such as a path, and no script.
    pub(crate) one_word: bool,
    /// Whether the line says what holds where it is not set (`${NAME:-x}`).
    pub(crate) defaulted: bool,
}

impl ShellLine {
    /// Takes a line apart.
    pub(crate) fn read(line: &str) -> ShellLine {
        scanner::line(line)
    }

    /// The variables that the line sets itself.
    pub(crate) fn assigned(&self) -> BTreeSet<&str> {
        /// Commands whose words are names, or assignments.
        const NAMING: &[&str] =
            &["export", "local", "declare", "typeset", "readonly", "read", "mapfile", "for", "select"];
        let mut names = BTreeSet::new();
        for command in &self.commands {
            let words: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
            // `while read X` and `do export X` begin with a word of the shell's.
            let naming = words.iter().position(|word| NAMING.contains(word)).filter(|at| *at < 3);
            let plain = words.iter().take_while(|word| is_assignment(word)).count();
            let own = words.iter().take(plain).chain(naming.into_iter().flat_map(|at| &words[at + 1..]));
            names.extend(own.map(|word| word.split('=').next().unwrap_or(word)));
        }
        names
    }
}

/// The uses of variables in a text that no shell reads, such as one element of a list of arguments.
pub(crate) fn references_in(text: &str) -> Vec<Reference> {
    scanner::literal(text)
}

/// Whether `word` is an assignment such as `NAME=value`.
pub(crate) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_name)
    })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Quoting, ShellLine, references_in};

    #[rstest]
    #[case("python3 /x/guard.py --strict", "[python3][/x/guard.py][--strict]")]
    #[case(r#""$CLAUDE_PROJECT_DIR"/.claude/a.sh"#, "[$CLAUDE_PROJECT_DIR/.claude/a.sh]")]
    #[case("cd /x && ./a 'b c' \"d e\" f\\ g", "[cd][/x] [./a][b c][d e][f g]")]
    #[case("a >/dev/null 2>&1 | b < c; d &", "[a] [b] [d]")]
    #[case("a 2>&- b", "[a][b]")]
    #[case("INPUT=$(cat); echo \"$INPUT\" | jq -r .x", "[INPUT=$(...)] [echo][$INPUT] [jq][-r][.x]")]
    #[case("(cd x; a) || b # c; d", "[cd][x] [a] [b]")]
    #[case("cat <<EOF\nnot a command\nEOF\nb", "[cat] [b]")]
    #[case("a `b \"c\"` ${X:-y z}", "[a][$(...)][${X:-y][z}]")]
    #[case("a ''", "[a][]")]
    #[case("a 'open", "[a][open]")]
    #[case("", "")]
    fn splits(#[case] line: &str, #[case] expected: &str) {
        let line = ShellLine::read(line);
        let shown =
            |command: &Vec<super::Word>| -> String { command.iter().map(|word| format!("[{}]", word.text)).collect() };
        assert_eq!(line.commands.iter().map(shown).collect::<Vec<_>>().join(" "), expected);
    }

    #[rstest]
    #[case("${A}/x", "A", true, Quoting::None, false)]
    #[case("\"${A}/x\"", "A", true, Quoting::Double, false)]
    #[case("'${A}/x'", "A", true, Quoting::Single, false)]
    #[case("$A/x", "A", false, Quoting::None, false)]
    #[case("B=$A c", "A", false, Quoting::None, true)]
    #[case("c B=$A", "A", false, Quoting::None, false)]
    #[case("\"$(x $A)\"", "A", false, Quoting::None, false)]
    #[case("\"$(x \"$A\")\"", "A", false, Quoting::Double, false)]
    #[case("${A:-b}", "A", false, Quoting::None, false)]
    #[case("${user_config.a}", "user_config.a", true, Quoting::None, false)]
    fn knows_how_a_variable_is_quoted(
        #[case] line: &str,
        #[case] name: &str,
        #[case] braced: bool,
        #[case] quoting: Quoting,
        #[case] assigned: bool,
    ) {
        let references = ShellLine::read(line).references;
        let [found] = references.as_slice() else { panic!("{references:?}") };
        assert_eq!(
            (found.name.as_str(), found.braced, found.quoting, found.assigned),
            (name, braced, quoting, assigned)
        );
    }

    #[rstest]
    #[case("\\$A \\\"")]
    #[case("\"\\$A\"")]
    #[case("# $A")]
    #[case("$ $? $$ ${}")]
    fn what_is_no_use_is_not_told(#[case] line: &str) {
        assert_eq!(ShellLine::read(line).references, []);
    }

    #[rstest]
    #[case("X=1 cmd $Y", "X")]
    #[case("X=$(cat); Y=2; cmd", "X Y")]
    #[case("export A=1 B; read -r C", "A B -r C")]
    #[case("cat | while read -r line; do echo $line; done", "-r line")]
    #[case("for f in a b; do echo $f; done", "a b f in")]
    #[case("cmd X=1", "")]
    fn knows_what_a_line_sets(#[case] line: &str, #[case] expected: &str) {
        let expected: std::collections::BTreeSet<&str> = expected.split_whitespace().collect();
        assert_eq!(ShellLine::read(line).assigned(), expected);
    }

    #[rstest]
    #[case("${A:-b}", true)]
    #[case("${A-b}", true)]
    #[case("${A:?no}", true)]
    #[case("${A+b}", true)]
    #[case("${A:0:3}", false)]
    #[case("${A%.py}", false)]
    #[case("${A}", false)]
    #[case("$A", false)]
    fn knows_a_default(#[case] line: &str, #[case] defaulted: bool) {
        assert_eq!(ShellLine::read(line).references[0].defaulted, defaulted);
    }

    #[test]
    fn a_literal_text_names_its_variables() {
        let names: Vec<_> =
            references_in("--x=${A}/$B 'c").into_iter().map(|found| (found.name, found.braced)).collect();
        assert_eq!(names, [("A".to_owned(), true), ("B".to_owned(), false)]);
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in ["$(", "`", "\"", "${", "\\", "<<", "<", "'", "$((1+2))", "<<EOF\nx", "a)b"] {
            ShellLine::read(text);
        }
        ShellLine::read(&"$(".repeat(100_000));
        ShellLine::read(&"(\"`".repeat(100_000));
        ShellLine::read(&"a$A${${".repeat(100_000));
    }
}
