//! Names of subjects: short, stable, unique, and made of `[A-Za-z0-9._-]`.

use std::collections::{BTreeMap, BTreeSet};

/// The longest part that a program's name gives to a subject's.
const LONGEST: usize = 40;

/// Gives names, each once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    counts: BTreeMap<String, usize>,
    given: BTreeSet<String>,
}

impl Names {
    /// `<event>-<n>-<program>`, where `n` counts the subjects of the event.
    pub(crate) fn next(&mut self, event: &str, program: &str) -> String {
        let count = self.counts.entry(event.to_owned()).or_default();
        loop {
            *count += 1;
            let name = format!("{event}-{count}-{program}");
            if self.given.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// The last part of a path or name in the characters of a subject's name.
///
/// What does not fit becomes `-`; an empty rest becomes `hook`.
pub(crate) fn stem(program: &str) -> String {
    let last = program.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(program);
    let mut name = String::new();
    for c in last.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || "._".contains(c) => name.push(c),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_matches(['-', '.']);
    // The end of a long name tells more than its beginning: it has the extension.
    let name = &name[name.len().saturating_sub(LONGEST)..];
    let name = name.trim_start_matches(['-', '.']);
    if name.is_empty() { "hook".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{LONGEST, Names, stem};

    #[rstest]
    #[case("/x/guard.py", "guard.py")]
    #[case("$D/my hook (1).sh", "my-hook-1-.sh")]
    #[case(r"C:\tools\guard.exe", "guard.exe")]
    #[case("prüfer", "pr-fer")]
    #[case("${X}", "X")]
    #[case("日本", "hook")]
    #[case("/", "hook")]
    #[case("", "hook")]
    #[case("..", "hook")]
    #[case(".hidden", "hidden")]
    fn keeps_what_fits(#[case] program: &str, #[case] expected: &str) {
        assert_eq!(stem(program), expected);
    }

    #[test]
    fn is_short() {
        let name = stem(&format!("{}.py", "x".repeat(500)));
        assert!(name.len() == LONGEST && name.ends_with(".py"));
    }

    #[test]
    fn counts_by_event_and_gives_no_name_twice() {
        let mut names = Names::default();
        assert_eq!(names.next("Stop", "a"), "Stop-1-a");
        assert_eq!(names.next("Stop", "a"), "Stop-2-a");
        assert_eq!(names.next("SubagentStop", "a"), "SubagentStop-1-a");
    }
}
