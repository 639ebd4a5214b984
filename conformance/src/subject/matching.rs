//! Matchers: which moments of an event a hook listens to.

use std::sync::Arc;

use serde_json::Value;

use super::bounds;
use super::regex::{Regex, RegexError};
use crate::contract::{Contract, Dialect, Event, InvalidPattern, Language, MatchRule, Part};

/// What a matcher makes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchResult {
    /// The hook runs.
    Matches,
    /// The hook does not run.
    Differs,
    /// The matcher is meant as a pattern and is none, so that the hook never runs. Holds what is wrong with it.
    InvalidPattern(String),
    /// Whether the hook runs is not known here: the matcher is too long, or takes too many steps.
    TooCostly,
}

impl MatchResult {
    /// Whether the hook runs.
    #[must_use]
    pub fn is_match(&self) -> bool {
        *self == MatchResult::Matches
    }
}

/// How a matcher is read.
#[derive(Debug)]
pub(crate) enum Reading<'a> {
    /// It takes everything.
    Everything,
    /// One of these names, exactly.
    Names(Vec<&'a str>),
    /// A pattern.
    Pattern(Arc<Regex>),
    /// Meant as a pattern and none.
    Invalid(String),
    /// Longer or larger than what is read here.
    TooCostly,
}

/// Whether a group with `matcher` runs for `value`, by the contract's `[matching]` rule.
///
/// An absent matcher and an empty one take everything, and so does `*` unless the platform reads it as a pattern. A
/// pattern that takes exponential time on the platform is given up here after a number of steps.
///
/// ```
/// use hookproof::contract::Library;
/// use hookproof::subject::matches;
///
/// let contract = Library::built_in()?.select("claude-code")?;
/// assert!(matches(&contract, Some("Edit|Write"), "Write").is_match());
/// assert!(matches(&contract, Some("^Rea.*"), "Read").is_match());
/// assert!(!matches(&contract, Some("Rea"), "Read").is_match());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn matches(contract: &Contract, matcher: Option<&str>, value: &str) -> MatchResult {
    let matching = &contract.matching;
    compare(contract, &read(contract, None, matching.rule, &matching.name_characters, matcher), value)
}

/// The same for one event: some events have fewer name characters than the others.
#[must_use]
pub fn matches_at(contract: &Contract, event: &Event, matcher: Option<&str>, value: &str) -> MatchResult {
    if event.matcher.is_none() {
        return MatchResult::Matches;
    }
    compare(contract, &read_at(contract, event, matcher), value)
}

/// What the matcher of `event` is compared with in a document on stdin: the contract's field, or the part of it that
/// counts. `None` if the event ignores matchers or the document has no such string.
#[must_use]
pub fn matched_value(contract: &Contract, event: &Event, stdin: &Value) -> Option<String> {
    let path = event.matcher.as_deref()?;
    let value = path.split('.').try_fold(stdin, |value, key| value.get(key))?.as_str()?;
    let part = Dialect::of(contract).and_then(|dialect| dialect.matching.part.get(&event.name));
    Some(match part {
        Some(Part::FileName) => value.rsplit(['/', '\\']).next().unwrap_or(value).to_owned(),
        None => value.to_owned(),
    })
}

/// The rule at an event.
pub(crate) fn rule_at(contract: &Contract, event: &Event) -> MatchRule {
    contract.matching.at.get(&event.name).map_or(contract.matching.rule, |own| own.rule)
}

/// How the matcher is read at `event`.
pub(crate) fn read_at<'a>(contract: &Contract, event: &Event, matcher: Option<&'a str>) -> Reading<'a> {
    let narrow = Dialect::of(contract).and_then(|dialect| dialect.matching.narrow.as_ref());
    let name_characters = match narrow {
        Some(narrow) if narrow.events.contains(&event.name) => &narrow.name_characters,
        _ => &contract.matching.name_characters,
    };
    read(contract, Some(&event.name), rule_at(contract, event), name_characters, matcher)
}

/// A part of a pattern at `event`, compiled by itself; `None` if it is none.
pub(crate) fn pattern_at(contract: &Contract, event: &Event, part: &str) -> Option<Arc<Regex>> {
    let text = match rule_at(contract, event) {
        MatchRule::AnchoredPattern => format!("^(?:{part})$"),
        MatchRule::Glob => glob(contract, part),
        _ => part.to_owned(),
    };
    let language = Dialect::of(contract).map_or(Language::Javascript, |dialect| dialect.matching.language);
    Regex::new(language, &text).ok()
}

/// One matcher that takes what either of two takes at `event`; one that is invalid takes nothing.
pub(crate) fn either(contract: &Contract, event: &Event, one: Option<&str>, other: Option<&str>) -> Option<String> {
    let names_as_pattern = |names: &[&str]| {
        let mut all: Vec<&str> = names.to_vec();
        all.extend(names.iter().filter_map(|name| alias(contract, name)));
        format!("^(?:{})$", all.join("|"))
    };
    if matches!(rule_at(contract, event), MatchRule::Exact | MatchRule::Glob) {
        // Two of these cannot be said in one.
        return one.filter(|_| one == other).map(str::to_owned);
    }
    match (read_at(contract, event, one), read_at(contract, event, other)) {
        (Reading::Everything, _) | (_, Reading::Everything) => None,
        (_, Reading::Invalid(_) | Reading::TooCostly) => one.map(str::to_owned),
        (Reading::Invalid(_) | Reading::TooCostly, _) => other.map(str::to_owned),
        (Reading::Names(mut names), Reading::Names(more)) => {
            names.extend(more);
            let mut unique: Vec<&str> = Vec::new();
            for name in names {
                if !unique.contains(&name) {
                    unique.push(name);
                }
            }
            let separator = contract.matching.separators.chars().last().unwrap_or('|');
            Some(unique.join(&separator.to_string()))
        }
        (Reading::Names(names), Reading::Pattern(_)) => {
            other.map(|text| format!("{}|{text}", names_as_pattern(&names)))
        }
        (Reading::Pattern(_), Reading::Names(names)) => one.map(|text| format!("{text}|{}", names_as_pattern(&names))),
        (Reading::Pattern(_), Reading::Pattern(_)) if one == other => one.map(str::to_owned),
        (Reading::Pattern(_), Reading::Pattern(_)) => one.zip(other).map(|(one, other)| format!("{one}|{other}")),
    }
}

/// What a former name stands for now.
fn alias<'c>(contract: &'c Contract, name: &str) -> Option<&'c str> {
    Dialect::of(contract)?.matching.alias.get(name).map(|alias| alias.means.as_str())
}

fn read<'a>(
    contract: &Contract,
    event: Option<&str>,
    rule: MatchRule,
    name_characters: &str,
    matcher: Option<&'a str>,
) -> Reading<'a> {
    let own = Dialect::of(contract).map(|dialect| &dialect.matching);
    let star_is_pattern = own.is_some_and(|own| {
        own.star_is_pattern || own.star_is_pattern_at.iter().any(|name| Some(name.as_str()) == event)
    });
    let matcher = match matcher {
        None | Some("") => return Reading::Everything,
        Some("*") if !star_is_pattern => return Reading::Everything,
        Some(matcher) => matcher,
    };
    let text = match rule {
        MatchRule::Ignored | MatchRule::None => return Reading::Everything,
        MatchRule::Exact => return Reading::Names(vec![matcher]),
        MatchRule::NameListOrPattern => {
            if matcher.chars().all(|c| c.is_ascii_alphanumeric() || name_characters.contains(c)) {
                let separators = &contract.matching.separators;
                return Reading::Names(matcher.split(|c| separators.contains(c)).map(str::trim).collect());
            }
            matcher.to_owned()
        }
        MatchRule::UnanchoredPattern => matcher.to_owned(),
        MatchRule::AnchoredPattern => format!("^(?:{matcher})$"),
        MatchRule::Glob => glob(contract, matcher),
    };
    if matcher.len() > bounds::MATCHER {
        return Reading::TooCostly;
    }
    match Regex::new(own.map_or(Language::Javascript, |own| own.language), &text) {
        Ok(pattern) => Reading::Pattern(pattern),
        Err(RegexError::TooLarge) => Reading::TooCostly,
        Err(_) if own.is_some_and(|own| own.invalid == InvalidPattern::Literal) => Reading::Names(vec![matcher]),
        Err(RegexError::Invalid(error)) => Reading::Invalid(error),
    }
}

/// A name with stars as a regular expression. The name of a server alone takes all of its tools.
fn glob(contract: &Contract, matcher: &str) -> String {
    let own = Dialect::of(contract).map(|dialect| &dialect.matching);
    let server = own.and_then(|own| own.server.as_ref());
    if let Some(server) = server.filter(|_| own.is_some_and(|own| own.builtin.as_deref() == Some(matcher))) {
        return format!("^(?!{}).*$", escaped(&server.prefix));
    }
    let all_tools = server
        .filter(|server| matcher.strip_prefix(&server.prefix).is_some_and(|rest| !rest.contains(&server.separator)));
    let rest = all_tools.map_or_else(String::new, |server| format!("(?:{}.*)?", escaped(&server.separator)));
    let mut text = String::new();
    for c in matcher.chars() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            c => text.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
    }
    format!("^{text}{rest}$")
}

/// A text as a pattern that is found in nothing else.
fn escaped(text: &str) -> String {
    let escape = |c: char| if r"\^$.|?*+()[]{}/".contains(c) { format!("\\{c}") } else { c.to_string() };
    text.chars().map(escape).collect()
}

fn compare(contract: &Contract, reading: &Reading<'_>, value: &str) -> MatchResult {
    let found = match reading {
        Reading::Everything => true,
        Reading::Names(names) => names.iter().any(|name| *name == value || alias(contract, name) == Some(value)),
        Reading::Pattern(pattern) => match pattern.search(value) {
            Some(found) => found,
            None => return MatchResult::TooCostly,
        },
        Reading::TooCostly => return MatchResult::TooCostly,
        Reading::Invalid(message) => return MatchResult::InvalidPattern(message.clone()),
    };
    if found { MatchResult::Matches } else { MatchResult::Differs }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use rstest::rstest;
    use serde_json::json;

    use super::{MatchResult, either, matched_value, matches, matches_at};
    use crate::contract::{Contract, Library};

    fn contract(name: &str) -> Contract {
        static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::built_in().unwrap());
        LIBRARY.select(name).unwrap()
    }

    #[rstest]
    #[case::absent(None, "Read", true)]
    #[case::empty(Some(""), "Read", true)]
    #[case::star(Some("*"), "Read", true)]
    #[case::exact(Some("Read"), "Read", true)]
    #[case::prefix_is_no_match(Some("Rea"), "Read", false)]
    #[case::longer_is_no_match(Some("Read"), "ReadMany", false)]
    #[case::case_counts(Some("read"), "Read", false)]
    #[case::pattern(Some("^Rea.*"), "Read", true)]
    #[case::pattern_case_counts(Some("^rea.*"), "Read", false)]
    #[case::pattern_is_unanchored(Some("ea."), "Read", true)]
    #[case::bars(Some("Edit|Write"), "Write", true)]
    #[case::bars_are_exact(Some("Edit|Write"), "MultiEdit", false)]
    #[case::commas(Some("Edit, Write"), "Write", true)]
    #[case::commas_without_space(Some("Edit,Write"), "Edit", true)]
    #[case::bare_server(Some("mcp__server"), "mcp__server__tool", false)]
    #[case::server_pattern(Some("mcp__server__.*"), "mcp__server__tool", true)]
    #[case::hyphen_is_a_name(Some("mcp__my-server__tool"), "mcp__my-server__tool", true)]
    #[case::hyphen_is_exact(Some("my-server"), "mcp__my-server__tool", false)]
    #[case::javascript_digit_class(Some("^\\w+$(?!x)"), "Read", true)]
    #[case::lookbehind(Some("(?<=mcp__).*write"), "mcp__fs__write_file", true)]
    #[case::former_name(Some("Task"), "Agent", true)]
    #[case::former_name_in_list(Some("Bash|Task"), "Agent", true)]
    #[case::new_name(Some("Agent"), "Task", false)]
    #[case::glob_is_a_pattern(Some("Bash(git *)"), "Bash", false)]
    fn compares_as_measured(#[case] matcher: Option<&str>, #[case] value: &str, #[case] expected: bool) {
        let result = matches(&contract("claude-code"), matcher, value);
        assert_eq!(result.is_match(), expected, "{result:?}");
        assert!(!matches!(result, MatchResult::InvalidPattern(_)), "{result:?}");
    }

    #[rstest]
    #[case("(")]
    #[case("[a-")]
    #[case("*Edit")]
    fn an_invalid_pattern_never_matches(#[case] matcher: &str) {
        let result = matches(&contract("claude-code"), Some(matcher), matcher);
        assert!(matches!(result, MatchResult::InvalidPattern(_)), "{result:?}");
        assert!(!result.is_match());
    }

    #[rstest]
    #[case("claude-code@2.1.190", "Edit,Write", "Edit", false)]
    #[case("claude-code@2.1.191", "Edit,Write", "Edit", true)]
    #[case("claude-code@2.1.194", "my-server", "mcp__my-server__tool", true)]
    #[case("claude-code@2.1.195", "my-server", "mcp__my-server__tool", false)]
    fn the_rule_is_that_of_the_version(
        #[case] name: &str,
        #[case] matcher: &str,
        #[case] value: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(matches(&contract(name), Some(matcher), value).is_match(), expected);
    }

    #[rstest]
    #[case::a_dot_makes_a_pattern("FileChanged", ".env", "x.env.local", true)]
    #[case::a_hyphen_makes_a_pattern("FileChanged", "my-file", "not-my-file", true)]
    #[case::a_comma_separates_nothing("StopFailure", "overloaded,rate_limit", "rate_limit", false)]
    #[case::bars_still_separate("StopFailure", "overloaded|rate_limit", "rate_limit", true)]
    #[case::ignored("Stop", "nothing", "anything", true)]
    fn events_may_be_narrower(#[case] event: &str, #[case] matcher: &str, #[case] value: &str, #[case] expected: bool) {
        let contract = contract("claude-code");
        let event = &contract.events[event];
        assert_eq!(matches_at(&contract, event, Some(matcher), value).is_match(), expected);
    }

    #[rstest]
    #[case::names("codex", "PreToolUse", "Bash|apply_patch", "apply_patch", true)]
    #[case::names_are_exact("codex", "PreToolUse", "Ba", "Bash", false)]
    #[case::former_name("codex", "PreToolUse", "Write", "apply_patch", true)]
    #[case::unanchored("codex", "PreToolUse", "a.h", "Bash", true)]
    #[case::ignored_at_this_event("codex", "Stop", "nothing", "anything", true)]
    #[case::part_of_a_name("gemini-cli", "BeforeTool", "shell", "run_shell_command", true)]
    #[case::letter_by_letter_where_invalid("gemini-cli", "BeforeTool", "[", "[", true)]
    #[case::letter_by_letter_where_exact("gemini-cli", "SessionStart", "startup|resume", "startup", false)]
    #[case::exact("gemini-cli", "SessionStart", "startup", "startup", true)]
    #[case::star("gemini-cli", "SessionStart", "*", "startup", true)]
    #[case::whole("copilot-cli", "preToolUse", "bas", "bash", false)]
    #[case::whole_of_either("copilot-cli", "preToolUse", "bash|edit", "edit", true)]
    #[case::rules_of_claude_code("copilot-cli", "PreToolUse", "Bash|Edit", "Edit", true)]
    #[case::glob("kiro-cli", "preToolUse", "fs_*", "fs_write", true)]
    #[case::glob_is_whole("kiro-cli", "preToolUse", "fs_", "fs_write", false)]
    #[case::glob_dot("kiro-cli", "preToolUse", "fs.write", "fs_write", false)]
    #[case::server("kiro-cli", "preToolUse", "@git", "@git/status", true)]
    #[case::other_server("kiro-cli", "preToolUse", "@git", "@github/status", false)]
    #[case::tool_of_server("kiro-cli", "preToolUse", "@git/status", "@git/log", false)]
    #[case::builtin("kiro-cli", "preToolUse", "@builtin", "execute_bash", true)]
    #[case::not_builtin("kiro-cli", "preToolUse", "@builtin", "@git/log", false)]
    #[case::not_applied("vscode-copilot", "PreToolUse", "Edit", "run_in_terminal", true)]
    #[case::in_another_tool("crush", "PreToolUse", "bash", "mcp_x_bash_y", true)]
    fn compares_as_the_platform_does(
        #[case] platform: &str,
        #[case] event: &str,
        #[case] matcher: &str,
        #[case] value: &str,
        #[case] expected: bool,
    ) {
        let contract = contract(platform);
        let event = &contract.events[event];
        assert_eq!(matches_at(&contract, event, Some(matcher), value).is_match(), expected);
    }

    #[rstest]
    #[case("crush", "PreToolUse", "*")]
    #[case("goose", "PreToolUse", "*")]
    #[case("codex", "PreToolUse", "(?!x)")]
    fn what_the_platform_cannot_compile_is_invalid(#[case] platform: &str, #[case] event: &str, #[case] matcher: &str) {
        let contract = contract(platform);
        let result = matches_at(&contract, &contract.events[event], Some(matcher), "Bash");
        assert!(matches!(result, MatchResult::InvalidPattern(_)), "{result:?}");
    }

    #[rstest]
    #[case(Some("Bash"), Some("Edit, Bash"), Some("Bash|Edit"))]
    #[case(Some("Bash"), None, None)]
    #[case(Some("*"), Some("Bash"), None)]
    #[case(Some("Task"), Some("mcp__.*"), Some("^(?:Task|Agent)$|mcp__.*"))]
    #[case(Some("mcp__.*"), Some("Bash"), Some("mcp__.*|^(?:Bash)$"))]
    #[case(Some("^A"), Some("B$"), Some("^A|B$"))]
    #[case(Some("("), Some("Bash"), Some("Bash"))]
    #[case(Some("Bash"), Some("("), Some("Bash"))]
    fn two_matchers_make_one(#[case] one: Option<&str>, #[case] other: Option<&str>, #[case] expected: Option<&str>) {
        let contract = contract("claude-code");
        let event = &contract.events["PreToolUse"];
        let both = either(&contract, event, one, other);
        assert_eq!(both.as_deref(), expected);
        for value in ["Bash", "BashOutput", "Edit", "Agent", "Task", "mcp__a__b", "ABC", "CAB"] {
            let by_one = matches(&contract, one, value).is_match() || matches(&contract, other, value).is_match();
            assert_eq!(matches(&contract, both.as_deref(), value).is_match(), by_one, "{value}");
        }
    }

    #[test]
    fn the_value_is_the_field_of_the_event() {
        let contract = contract("claude-code");
        let value = |event: &str, stdin| matched_value(&contract, &contract.events[event], &stdin);
        assert_eq!(value("PreToolUse", json!({"tool_name": "Bash"})), Some("Bash".to_owned()));
        assert_eq!(value("FileChanged", json!({"file_path": "/home/dev/.env"})), Some(".env".to_owned()));
        assert_eq!(value("Stop", json!({"tool_name": "Bash"})), None);
        assert_eq!(value("PreToolUse", json!({})), None);
    }
}
