//! Patterns for command lines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::{begins, glob};

/// A pattern for the command lines of programs, such as `python* -m venv` or `*pip install*`.
///
/// It is compared with the words of the command line joined by one space each, from the beginning of the first to the
/// end of any word: further arguments may follow. `*` stands for anything, spaces and nothing included, `?` for one
/// character; nothing else is special, and there is no way to quote the two. The program counts by its file name (on
/// Windows without `.exe`), unless the first word of the pattern contains a `/`.
///
/// A command line is looked at in two forms, and it is enough that one of them fits:
///
/// 1. as the system runs it, which for a script is the interpreter that its first line names, with the path of the
///    script behind it (`/bin/bash /usr/bin/tool x`);
/// 2. as it was called: the file that was to be executed, with the arguments behind it (`/usr/bin/tool x`). So `tool`
///    is found whether it is a script or not, and whatever name it gives itself in `argv[0]`.
///
/// The first 64 KiB of a command line are looked at.
///
/// ```
/// use hookproof_harness::CommandPattern;
///
/// let venv: CommandPattern = "python* -m venv".parse()?;
/// assert!(venv.matches(["/usr/bin/python3", "-m", "venv", "--clear", "/x"]));
/// assert!(!venv.matches(["/usr/bin/python3", "-m", "venvs"]));
/// let pip: CommandPattern = "*pip install*".parse()?;
/// assert!(pip.matches(["python", "-m", "pip", "install", "-q", "x"]));
/// # Ok::<(), hookproof_harness::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandPattern(String);

impl CommandPattern {
    /// Longest pattern, in bytes.
    pub const LONGEST: usize = 1024;

    /// The text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a command line fits, in the one form that is given.
    #[must_use]
    pub fn matches<W: AsRef<str>>(&self, words: impl IntoIterator<Item = W>) -> bool {
        let mut line = Vec::new();
        for word in words {
            line.extend_from_slice(word.as_ref().as_bytes());
            line.push(0);
        }
        line.pop();
        super::glob(self.0.as_bytes(), &line, crate::platform::program_name)
    }
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// There is nothing to look for.
    #[error("read the pattern for commands: it is empty")]
    Empty,
    /// A command line can never contain it.
    #[error("read the pattern for commands: it contains a NUL character")]
    Nul,
    /// No command line begins or ends like that.
    #[error("read the pattern for commands: it begins or ends with a space")]
    Space,
    /// It is longer than [`CommandPattern::LONGEST`].
    #[error("read the pattern for commands: it has {length} bytes, and {} are the most", CommandPattern::LONGEST)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl FromStr for CommandPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.contains('\0') {
            return Err(PatternError::Nul);
        }
        if text.starts_with(' ') || text.ends_with(' ') {
            return Err(PatternError::Space);
        }
        if text.len() > Self::LONGEST {
            return Err(PatternError::TooLong { length: text.len() });
        }
        Ok(CommandPattern(text.to_owned()))
    }
}

impl TryFrom<String> for CommandPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<CommandPattern> for String {
    fn from(pattern: CommandPattern) -> String {
        pattern.0
    }
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::by_file_name("python* -m venv", &["/usr/bin/python3", "-m", "venv", "--clear", "/x"], true)]
    #[case::bare_name("python* -m venv", &["python3", "-m", "venv"], true)]
    #[case::not_inside_a_word("python* -m venv", &["python3", "-m", "venvs"], false)]
    #[case::from_the_beginning("python* -m venv", &["env", "python3", "-m", "venv"], false)]
    #[case::anywhere("*pip install*", &["python", "-m", "pip", "install", "-q", "x"], true)]
    #[case::star_is_nothing("*pip install*", &["/usr/bin/pip", "install"], true)]
    #[case::one_word_with_spaces("*pip install*", &["sh", "-c", "pip install x"], true)]
    #[case::space_inside_a_word("sh -c pip install", &["sh", "-c", "pip install"], true)]
    #[case::ends_with_a_word_only("sh -c pip", &["sh", "-c", "pip install"], false)]
    #[case::only_the_program("sleep", &["/bin/sleep", "60"], true)]
    #[case::longer_name("sleep", &["/bin/sleeper"], false)]
    #[case::shorter_name("sleep", &["/bin/slee"], false)]
    #[case::folder_does_not_count("bin*", &["/usr/bin/ls"], false)]
    #[case::folder_counts_with_a_slash("*/bin/ls", &["/usr/bin/ls", "-l"], true)]
    #[case::whole_path("/usr/bin/ls", &["/bin/ls"], false)]
    #[case::slash_in_an_argument("ls /etc*", &["/bin/ls", "/etc/passwd"], true)]
    #[case::one_character("python?", &["python3"], true)]
    #[case::one_character_is_not_none("python?", &["python"], false)]
    #[case::one_wide_character("a ?", &["a", "ü"], true)]
    #[case::one_wide_character_is_not_two("a ??", &["a", "ü"], false)]
    #[case::question_mark_is_a_space_too("a?b", &["a", "b"], true)]
    #[case::star_over_words("npm*ci", &["npm", "--prefix", "x", "ci"], true)]
    #[case::the_last_star_tries_again("*a*ab", &["aaab"], true)]
    #[case::all("*", &["anything", "at all"], true)]
    #[case::empty_argument("a  b", &["a", "", "b"], true)]
    #[case::no_words("*", &[""], true)]
    #[case::no_words_and_a_name("a", &[""], false)]
    #[case::case_counts("Python", &["python"], false)]
    #[case::brackets_are_themselves("[ -f x ]", &["/usr/bin/[", "-f", "x", "]"], true)]
    fn what_fits(#[case] pattern: &str, #[case] words: &[&str], #[case] expected: bool) {
        let pattern: CommandPattern = pattern.parse().expect("a pattern");
        assert_eq!(pattern.matches(words), expected);
    }

    #[rstest]
    #[case::the_program("python* -m venv", "/usr/bin/python3", true)]
    #[case::another("python* -m venv", "/usr/bin/perl", false)]
    #[case::whole_name("git push", "/usr/bin/git", true)]
    #[case::longer_name("git push", "/usr/bin/git-lfs", false)]
    #[case::anything("*pip install*", "/bin/sh", true)]
    #[case::one_character("?it push", "git", true)]
    #[case::star_over_words("npm*ci", "npm", true)]
    #[case::with_folder("/usr/bin/git push", "/usr/bin/git", true)]
    #[case::other_folder("/usr/bin/git push", "/opt/git", false)]
    #[case::folder_does_not_count("bin*", "/usr/bin/ls", false)]
    fn what_may_fit_by_its_program(#[case] pattern: &str, #[case] program: &str, #[case] expected: bool) {
        assert_eq!(begins(pattern.as_bytes(), program.as_bytes(), crate::platform::program_name), expected);
    }

    #[rstest]
    #[case::empty("", PatternError::Empty)]
    #[case::nul("a\0b", PatternError::Nul)]
    #[case::begins(" a", PatternError::Space)]
    #[case::ends("a ", PatternError::Space)]
    fn what_is_no_pattern(#[case] text: &str, #[case] expected: PatternError) {
        assert_eq!(text.parse::<CommandPattern>(), Err(expected));
        assert!(expected.to_string().starts_with("read the pattern"));
    }

    #[test]
    fn a_pattern_has_a_bound() {
        assert!("x".repeat(CommandPattern::LONGEST).parse::<CommandPattern>().is_ok());
        let length = CommandPattern::LONGEST + 1;
        assert_eq!("x".repeat(length).parse::<CommandPattern>(), Err(PatternError::TooLong { length }));
    }

    #[test]
    fn bytes_that_are_no_text_can_be_compared() {
        fn whole(word: &[u8]) -> &[u8] {
            word
        }
        assert!(glob(b"a ?*", b"a\0\xff\xfe", whole));
        assert!(glob(b"a ?", b"a\0\xff", whole));
        assert!(glob(b"a", b"a\0", whole), "the last word may end in NUL");
    }

    #[test]
    fn many_stars_end_soon() {
        let words = vec![b'a'; 64 * 1024];
        let begin = std::time::Instant::now();
        assert!(!glob(b"*a*a*a*a*a*a*a*b", &words, |word| word));
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    }
}
