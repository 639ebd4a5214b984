//! Regular expressions of strangers: run by an engine that ends.
//!
//! JavaScript's engine backtracks, and a few characters can keep it busy for ever. Whether a text is a pattern of
//! JavaScript is decided by an engine that reads its syntax; whether it is found in a value by one that takes linear time,
//! or counts its steps where look-around leaves no other way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use super::bounds;
use crate::contract::Language;

/// Steps back that a search may take.
const STEPS: usize = 10_000;

/// Bytes of a compiled pattern.
const COMPILED: usize = 256 * 1024;

/// Counts of repetitions, multiplied: engines write a repeated part down so often, or try it so often.
const REPETITIONS: u64 = 5_000;

/// Patterns that are kept.
const KEPT: usize = 256;

/// Quantifiers that a pattern may have which only the backtracking engine reads: the time is a power of the length.
const QUANTIFIERS: usize = 3;

/// Characters of a value that such a pattern is looked for in.
const VALUE: usize = 200;

/// Why a text cannot be used as a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegexError {
    /// It is none. Holds what is wrong.
    Invalid(String),
    /// It is longer or larger than what is run here.
    TooLarge,
}

/// A pattern in the platform's language.
#[derive(Debug)]
pub(crate) struct Regex {
    engine: Engine,
    gave_up: AtomicBool,
}

#[derive(Debug)]
enum Engine {
    /// Of JavaScript: read by one engine, and run by another one if both mean the same by it.
    Javascript { read: Box<regress::Regex>, text: String, run: OnceLock<Option<Box<fancy_regex::Regex>>> },
    /// Without look-around and back-references.
    Linear(Box<regex_lite::Regex>),
}

type Cache = Mutex<HashMap<(Language, String), Result<Arc<Regex>, RegexError>>>;

impl Regex {
    /// Compiles a pattern, or finds it among those that were compiled before.
    pub(crate) fn new(language: Language, text: &str) -> Result<Arc<Regex>, RegexError> {
        static CACHE: LazyLock<Cache> = LazyLock::new(Mutex::default);
        if text.len() > 4 * bounds::MATCHER || repetitions(text) > REPETITIONS {
            return Err(RegexError::TooLarge);
        }
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (language, text.to_owned());
        if let Some(known) = cache.get(&key) {
            return known.clone();
        }
        if cache.len() >= KEPT {
            cache.clear();
        }
        let compiled = compile(language, text);
        cache.insert(key, compiled.clone());
        compiled
    }

    /// Whether it is found in a value; `None` if the search was given up.
    pub(crate) fn search(&self, value: &str) -> Option<bool> {
        if self.gave_up.load(Ordering::Relaxed) {
            return None;
        }
        let found = match &self.engine {
            Engine::Linear(regex) => Some(regex.is_match(value)),
            Engine::Javascript { read, text, run } => match run.get_or_init(|| runnable(text)) {
                Some(regex) => regex.is_match(value).ok(),
                None if is_cheap(text) && value.len() <= VALUE => Some(read.find(value).is_some()),
                None => None,
            },
        };
        if found.is_none() {
            self.gave_up.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Whether it is found in a value. A search that was given up has found nothing.
    pub(crate) fn takes(&self, value: &str) -> bool {
        self.search(value).unwrap_or(false)
    }

    /// Whether a search was given up before.
    pub(crate) fn has_given_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }
}

fn compile(language: Language, text: &str) -> Result<Arc<Regex>, RegexError> {
    let engine = match language {
        Language::Javascript => {
            let read = regress::Regex::new(text).map_err(|error| RegexError::Invalid(error.to_string()))?;
            Engine::Javascript { read: Box::new(read), text: text.to_owned(), run: OnceLock::new() }
        }
        Language::Linear => {
            let compiled = regex_lite::RegexBuilder::new(text).size_limit(COMPILED).build();
            // Of a pattern that is one, nothing but its size can be wrong.
            let compiled = compiled.map_err(|error| match regex_syntax::ast::parse::Parser::new().parse(text) {
                Ok(_) if error.to_string().contains("size") => RegexError::TooLarge,
                _ => RegexError::Invalid(error.to_string()),
            });
            Engine::Linear(Box::new(compiled?))
        }
    };
    Ok(Arc::new(Regex { engine, gave_up: AtomicBool::new(false) }))
}

/// The product of all counts in braces, such as 20 of `(a{2}b){1,10}`: as often may a part be repeated.
fn repetitions(text: &str) -> u64 {
    let counts = text.split('{').skip(1).filter_map(|rest| {
        let (inner, _) = rest.split_once('}')?;
        let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
        let count = if most.trim().is_empty() { least } else { most }.trim();
        let is_count = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        is_count.then(|| count.parse().unwrap_or(u64::MAX))
    });
    counts.fold(1, |product, count: u64| product.saturating_mul(count.max(1)))
}

/// The pattern for the engine that ends; `None` if it cannot be said there.
fn runnable(text: &str) -> Option<Box<fancy_regex::Regex>> {
    let text = translated(text)?;
    let mut builder = fancy_regex::RegexBuilder::new(&text);
    builder.backtrack_limit(STEPS).delegate_size_limit(COMPILED).delegate_dfa_size_limit(COMPILED);
    builder.build().ok().map(Box::new)
}

/// A pattern of JavaScript in the syntax of Rust's engines; `None` if it has something that means something else there, or
/// nothing.
fn translated(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next()?;
                match (escaped, in_class) {
                    ('w', false) => out.push_str("[0-9A-Za-z_]"),
                    ('W', false) => out.push_str("[^0-9A-Za-z_]"),
                    ('d', false) => out.push_str("[0-9]"),
                    ('D', false) => out.push_str("[^0-9]"),
                    ('s', false) => out.push_str(r"\s"),
                    ('S', false) => out.push_str(r"\S"),
                    ('b', false) => out.push_str(r"(?-u:\b)"),
                    ('B', false) => out.push_str(r"(?-u:\B)"),
                    ('w', true) => out.push_str("0-9A-Za-z_"),
                    ('d', true) => out.push_str("0-9"),
                    ('s', true) => out.push_str(r"\s"),
                    ('t' | 'n' | 'r' | 'f' | 'v', _) => out.extend(['\\', escaped]),
                    (c, _) if c.is_ascii_punctuation() && c != '<' && c != '>' => out.extend(['\\', c]),
                    _ => return None,
                }
            }
            '[' if in_class => return None,
            // An empty class, and one that begins with a bracket, are others there.
            '[' if chars.peek() == Some(&']') => return None,
            '[' => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    out.push('^');
                    if chars.peek() == Some(&']') {
                        return None;
                    }
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Operators between classes.
            '&' | '~' | '-' if in_class && chars.peek() == Some(&c) => return None,
            '{' if !in_class => {
                let rest: String = chars.clone().take(24).collect();
                let (inner, _) = rest.split_once('}')?;
                let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
                let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
                if least.is_empty() || !is_number(least) || !is_number(most) {
                    return None;
                }
                out.push('{');
            }
            c => out.push(c),
        }
    }
    Some(out)
}

/// Whether backtracking takes no more than a small power of a value's length: few quantifiers, and none behind a group.
fn is_cheap(text: &str) -> bool {
    let quantifiers = text.chars().filter(|c| "*+{?".contains(*c)).count();
    let of_groups = text.as_bytes().windows(2).any(|pair| pair[0] == b')' && b"*+{".contains(&pair[1]));
    quantifiers <= QUANTIFIERS + text.matches("(?").count() && !of_groups
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rstest::rstest;

    use super::{Engine, Regex, RegexError, translated};
    use crate::contract::Language;

    /// Repetitions of repetitions, in every way that patterns can say that, with texts that they do not match.
    #[rstest]
    fn every_search_ends(
        #[values("a", ".", r"\w", "[a-zA-Z]", r"\p{L}", r"\w|\w\w", "")] repeated: &str,
        #[values("+", "*", "{1,1000}", "{99999}")] quantifier: &str,
        #[values("N!", "(?=N)N!", "(?<=N)!", r"N\1*!")] frame: &str,
    ) {
        let nested = |depth: usize| (0..depth).fold(repeated.to_owned(), |inner, _| format!("({inner}){quantifier}"));
        let long = "a".repeat(60);
        for text in [1, 2, 4].map(|depth| frame.replace('N', &nested(depth))) {
            for language in [Language::Javascript, Language::Linear] {
                let begun = Instant::now();
                if let Ok(regex) = Regex::new(language, &text) {
                    for value in [&long, "Bash", ""] {
                        regex.search(value);
                    }
                }
                assert!(begun.elapsed() < Duration::from_secs(2), "{language:?} {:?}", begun.elapsed());
            }
        }
    }

    #[rstest]
    #[case("Bash|Edit", 1)]
    #[case("mcp__[a-z]{2,8}__.*", 8)]
    #[case("(a{2}b){1,10}", 20)]
    #[case("a{3,}", 3)]
    #[case("{x}{1,y}a{", 1)]
    #[case("a{99999999999999999999999}b{2}", u64::MAX)]
    fn repetitions_are_multiplied(#[case] text: &str, #[case] expected: u64) {
        assert_eq!(super::repetitions(text), expected);
    }

    /// What both engines read means the same to both.
    #[test]
    fn the_engine_that_ends_finds_what_javascript_finds() {
        let atoms = [
            "a", "B", "_", ".", r"\w", r"\d", r"\W", r"\b", r"\.", "[a-c]", "[^a_]", r"[\w-]", "(?:ab|c)", "(a)",
            "(?=a)", "(?!b)", "(?<=a)", "(?<!_)", "^", "$", "|", "-", r"\1",
        ];
        let quantifiers = ["", "", "", "*", "+", "?", "{1,2}", "*?", "{2}"];
        let values = ["", "a", "abc", "Bash", "a_b", "aab-c", "_", "mcp__a__b", "b1.c", "ab ab"];
        let mut seed = 7_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap_or(0) % below
        };
        let mut compared = 0;
        for _ in 0..3000 {
            let text: String =
                (0..=next(5)).map(|_| [atoms[next(atoms.len())], quantifiers[next(9)]].concat()).collect();
            let Ok(regex) = Regex::new(Language::Javascript, &text) else { continue };
            let Engine::Javascript { read, run, .. } = &regex.engine else { panic!("of JavaScript") };
            for value in values {
                let found = regex.search(value);
                if run.get().is_some_and(Option::is_some) && found.is_some() {
                    compared += 1;
                    assert_eq!(found, Some(read.find(value).is_some()), "{text:?} in {value:?}");
                }
            }
        }
        assert!(compared > 10_000, "{compared}");
    }

    #[rstest]
    #[case(r"^mcp__\w+$", Some("^mcp__[0-9A-Za-z_]+$"))]
    #[case(r"[\w-]\b", Some(r"[0-9A-Za-z_-](?-u:\b)"))]
    #[case(r"a\/b{2,}", Some(r"a\/b{2,}"))]
    #[case::an_anchor_there(r"\Abash\z", None)]
    #[case::operators_of_classes("[a&&b]", None)]
    #[case::a_nested_class("[[a]b]", None)]
    #[case::nothing("[]", None)]
    #[case::anything("[^]", None)]
    #[case::a_literal_brace("a{,5}", None)]
    #[case::a_property(r"\p{L}", None)]
    #[case::a_group_that_took_nothing_counts_as_empty_in_javascript(r"(a)?\1", None)]
    fn what_means_something_else_there_is_not_translated(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(translated(text).as_deref(), expected);
    }

    #[test]
    fn what_is_no_pattern_and_what_is_too_large_are_told_apart() {
        for language in [Language::Javascript, Language::Linear] {
            assert!(matches!(Regex::new(language, "("), Err(RegexError::Invalid(_))));
            assert_eq!(Regex::new(language, &"a".repeat(9000)).unwrap_err(), RegexError::TooLarge);
        }
        let large = Regex::new(Language::Linear, "((a{100}){100}){100}").unwrap_err();
        assert_eq!(large, RegexError::TooLarge);
    }

    #[test]
    fn a_search_that_was_given_up_is_not_tried_again() {
        let regex = Regex::new(Language::Javascript, r"(?=((\w+)+)+!)(\w+)+\1!").unwrap();
        assert_eq!(regex.search("mcp__a_name_that_takes_a_while_to_go_through_aaaaaaaaaaaaa"), None);
        assert!(regex.has_given_up() && regex.search("a").is_none() && !regex.takes("a"));
    }
}
