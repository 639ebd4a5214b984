//! Suggestions in place of a name that does not exist.

use std::cmp::Ordering;

/// At most so many names are suggested.
const MOST: usize = 3;
/// How alike two names must be to be taken for one that was misspelled, from 0 to 1.
const ALIKE: f64 = 0.6;
/// From here on two names are taken for the same with a slip in it: one in five letters.
const SLIP: f64 = 0.75;
/// A name that is so much more alike than another one is meant, and the other is not.
const MUCH: f64 = 0.1;
/// A part of a name says which one is meant if it has so many characters.
const LEAST_PART: usize = 3;
/// Nothing that is longer is a misspelled name, and comparing it would take long.
const LONGEST: usize = 100;

/// Why a known name may be meant, the best reason last.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Reason {
    /// Alike by edit distance, from 0 to 1.
    Alike(f64),
    /// The wrong name is a part of it, or it is a part of the wrong name.
    Part,
    /// It begins with the wrong name.
    Prefix,
    /// The same but for case and separators.
    Same,
}

/// The names of `known` that are meant by `wrong`, the likeliest first; at most three. Case and separators do not count.
///
/// ```
/// use hookproof::suggest::nearest;
///
/// assert_eq!(nearest("pre-tool-use", ["PreToolUse", "Stop"]), ["PreToolUse"]);
/// assert_eq!(nearest("noise", ["stream.noise-before-json", "json.syntax"]), ["stream.noise-before-json"]);
/// assert!(nearest("Whenever", ["PreToolUse", "Stop"]).is_empty());
/// ```
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if wrong.len() > LONGEST {
        return Vec::new();
    }
    let plain = plain(wrong);
    let mut found: Vec<(Reason, &str)> =
        known.into_iter().filter_map(|name| Some((reason(&plain, &self::plain(name))?, name))).collect();
    // For equal reasons the name that is spelled more alike goes first, and of these the shorter one.
    let spelled_alike = |name: &str| wrong.chars().zip(name.chars()).filter(|(a, b)| a == b).count();
    found.sort_by(|(a, one), (b, other)| {
        let by_spelling = spelled_alike(other).cmp(&spelled_alike(one));
        let by_length = (one.len(), one).cmp(&(other.len(), other));
        b.partial_cmp(a).unwrap_or(Ordering::Equal).then(by_spelling).then(by_length)
    });
    let mut seen = Vec::new();
    found.retain(|(_, name)| {
        let plain = self::plain(name);
        let is_new = !seen.contains(&plain);
        seen.push(plain);
        is_new
    });
    // A better reason leaves no doubt about the others.
    if let Some((best, _)) = found.first().copied() {
        found.retain(|(reason, _)| match (best, reason) {
            (Reason::Alike(best), Reason::Alike(alike)) => best - alike < MUCH,
            (best, reason) => best == *reason,
        });
    }
    found.truncate(MOST);
    found.into_iter().map(|(_, name)| name).collect()
}

/// `; did you mean A, B or C?`, or nothing.
#[must_use]
pub fn hint<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let found = nearest(wrong, known);
    let (last, rest) = found.split_last()?;
    let names = if rest.is_empty() { (*last).to_owned() } else { format!("{} or {last}", rest.join(", ")) };
    Some(format!("; did you mean {names}?"))
}

/// The name of `known` that somebody has misspelled as `name`: the same but for its case, or with a slip in it.
///
/// It is stricter than [`nearest`], because findings rest on it.
pub(crate) fn misspelled<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let likeness = strsim::normalized_damerau_levenshtein;
    // Of two that are alike but for their case, the one with more of the same letters is meant.
    let scored = known.map(|known| ((likeness(&lower, &known.to_lowercase()), likeness(name, known)), known));
    let order = |one: &(f64, f64), other: &(f64, f64)| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1));
    let best = scored.max_by(|(one, _), (other, _)| order(one, other))?;
    (best.0.0 >= SLIP).then_some(best.1)
}

fn reason(wrong: &str, known: &str) -> Option<Reason> {
    if wrong == known {
        return Some(Reason::Same);
    }
    if wrong.len() >= LEAST_PART && known.starts_with(wrong) {
        return Some(Reason::Prefix);
    }
    let is_part = |part: &str, whole: &str| part.len() >= LEAST_PART && whole.contains(part);
    if is_part(wrong, known) || (known.len() > LEAST_PART && is_part(known, wrong)) {
        return Some(Reason::Part);
    }
    let alike = strsim::normalized_damerau_levenshtein(wrong, known);
    (alike >= ALIKE).then_some(Reason::Alike(alike))
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{hint, misspelled, nearest};

    const IDS: [&str; 7] = [
        "STOP",
        "Stop",
        "stream.noise-before-json",
        "stream.noise-after-json",
        "json.syntax",
        "exit.not-started",
        "exit.failure",
    ];

    #[rstest]
    #[case::typing_error("json.sintax", &["json.syntax"])]
    #[case::case_and_separators("JSON_SYNTAX", &["json.syntax"])]
    #[case::beginning("stream.noise", &["stream.noise-after-json", "stream.noise-before-json"])]
    #[case::part("noise-before", &["stream.noise-before-json"])]
    #[case::longer("exit.failure.python", &["exit.failure"])]
    #[case::of_names_that_differ_in_case("stop", &["Stop"])]
    #[case::nothing_alike("wombat", &[])]
    #[case::too_short("x", &[])]
    fn what_is_meant(#[case] wrong: &str, #[case] expected: &[&str]) {
        assert_eq!(nearest(wrong, IDS), expected);
    }

    #[rstest]
    #[case("preToolUse", Some("PreToolUse"))]
    #[case("PreTooluse", Some("PreToolUse"))]
    #[case("PreToolsUse", Some("PreToolUse"))]
    #[case("PosttoolUse", Some("PostToolUse"))]
    #[case("BeforeTool", None)]
    #[case("", None)]
    fn a_slip_is_recognised(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(misspelled(name, ["PreToolUse", "PostToolUse", "Stop"].into_iter()), expected);
    }

    #[test]
    fn what_is_long_is_no_name() {
        assert!(nearest(&"x".repeat(1_000_000), IDS).is_empty());
    }

    #[test]
    fn a_hint_names_all_of_them() {
        assert_eq!(
            hint("stream.noise", IDS).unwrap(),
            "; did you mean stream.noise-after-json or stream.noise-before-json?"
        );
        assert_eq!(hint("wombat", IDS), None);
    }
}
