//! Whether a regular expression can be found in any text of certain characters.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// What no text of the allowed characters has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// This character.
    Character(char),
    /// Something between its parts: a beginning behind a character, or an end before one.
    Anchor,
    /// Characters of a class.
    Class,
}

/// What keeps `pattern` from being found in any text of `allowed` characters; `None` if it may be found, or if this
/// cannot be told, as with look-around.
pub(crate) fn obstacle(pattern: &str, allowed: &dyn Fn(char) -> bool) -> Option<Obstacle> {
    // As in JavaScript, classes such as \w are those of ASCII.
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
    of(&parsed, allowed)
}

fn of(hir: &Hir, allowed: &dyn Fn(char) -> bool) -> Option<Obstacle> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => {
            let bad = literal.0.iter().map(|byte| char::from(*byte)).find(|c| !c.is_ascii() || !allowed(*c));
            bad.map(Obstacle::Character)
        }
        HirKind::Class(class) => {
            let mut ranges: Vec<(u32, u32)> = Vec::new();
            match class {
                Class::Unicode(class) => {
                    ranges.extend(class.iter().map(|range| (range.start().into(), range.end().into())));
                }
                Class::Bytes(class) => {
                    ranges.extend(class.iter().map(|range| (range.start().into(), range.end().into())));
                }
            }
            let within = |c: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&u32::from(c)));
            let some = (0..128u8).map(char::from).any(|c| allowed(c) && within(c));
            let only = match ranges.as_slice() {
                [(from, to)] if from == to => char::from_u32(*from).map(Obstacle::Character),
                _ if within(' ') => Some(Obstacle::Character(' ')),
                _ => Some(Obstacle::Class),
            };
            only.filter(|_| !some)
        }
        HirKind::Repetition(repetition) if repetition.min == 0 => None,
        HirKind::Repetition(repetition) => of(&repetition.sub, allowed),
        HirKind::Capture(capture) => of(&capture.sub, allowed),
        HirKind::Alternation(parts) => {
            let first = parts.first().and_then(|part| of(part, allowed));
            first.filter(|_| parts.iter().all(|part| of(part, allowed).is_some()))
        }
        HirKind::Concat(parts) => parts.iter().find_map(|part| of(part, allowed)).or_else(|| misplaced(parts)),
    }
}

/// An anchor on the wrong side of something that takes at least one character.
fn misplaced(parts: &[Hir]) -> Option<Obstacle> {
    let takes = |part: &Hir| part.properties().minimum_len().is_some_and(|least| least > 0);
    let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(own) if *own == look);
    let found = parts.iter().enumerate().any(|(at, part)| {
        (is(part, Look::Start) && parts[..at].iter().any(takes))
            || (is(part, Look::End) && parts[at + 1..].iter().any(takes))
    });
    found.then_some(Obstacle::Anchor)
}

/// The alternatives of a pattern: those between bars that stand in no group and no class. One group around all of them,
/// with anchors around that, is left out.
pub(crate) fn alternatives(pattern: &str) -> Vec<&str> {
    let bare = pattern.strip_prefix('^').unwrap_or(pattern);
    let bare = bare.strip_suffix('$').filter(|bare| !bare.ends_with('\\')).unwrap_or(bare);
    let inner = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')'));
    if let Some(inner) = inner.filter(|inner| split(inner).is_some()) {
        let inner = inner.strip_prefix("?:").unwrap_or(inner);
        if !inner.starts_with('?') {
            return split(inner).unwrap_or_default();
        }
    }
    split(pattern).unwrap_or_else(|| vec![pattern])
}

/// Splits at bars outside of groups and classes; `None` if a bracket has no partner.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut depth, mut class, mut escaped, mut start) = (0usize, false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' if class => class = false,
            _ if class => {}
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            '|' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (depth == 0 && !class).then_some(parts)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Obstacle, alternatives, obstacle};

    #[rstest]
    #[case("Edit", None)]
    #[case("Edit:.*\\.cs", Some(Obstacle::Character(':')))]
    #[case("Edit Write", Some(Obstacle::Character(' ')))]
    #[case("Edit\\s+Write", Some(Obstacle::Character(' ')))]
    #[case("tool == \"Bash\"", Some(Obstacle::Character(' ')))]
    #[case("src/.*", Some(Obstacle::Character('/')))]
    #[case(".*\\.py", Some(Obstacle::Character('.')))]
    #[case(".*\\.py$|Edit", None)]
    #[case("(Edit:x|Write:y)", Some(Obstacle::Character(':')))]
    #[case("Edit(:x)?", None)]
    #[case("mcp__.*__write.*", None)]
    #[case("[^x]", None)]
    #[case("[ ,]", Some(Obstacle::Character(' ')))]
    #[case("Bash^", Some(Obstacle::Anchor))]
    #[case("$Edit", Some(Obstacle::Anchor))]
    #[case("^Bash$", None)]
    #[case("^(Bash|Edit)$", None)]
    #[case("(?!mcp).*:", None)]
    #[case("x{2}", None)]
    fn tells_what_no_name_has(#[case] pattern: &str, #[case] expected: Option<Obstacle>) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        assert_eq!(obstacle(pattern, &allowed), expected);
    }

    #[rstest]
    #[case("Bash", &["Bash"])]
    #[case("Bash|Edit:x", &["Bash", "Edit:x"])]
    #[case("^(Bash|Edit)$", &["Bash", "Edit"])]
    #[case("^(?:Bash|Edit)$", &["Bash", "Edit"])]
    #[case("^Bash$|^Edit$", &["^Bash$", "^Edit$"])]
    #[case("(a|b)|c", &["(a|b)", "c"])]
    #[case("(a|b)(c|d)", &["(a|b)(c|d)"])]
    #[case("[|]|b\\|c", &["[|]", "b\\|c"])]
    #[case("(?!a|b).*", &["(?!a|b).*"])]
    fn splits_into_alternatives(#[case] pattern: &str, #[case] expected: &[&str]) {
        assert_eq!(alternatives(pattern), expected);
    }
}
