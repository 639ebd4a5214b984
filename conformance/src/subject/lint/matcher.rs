//! Matchers: `config.matcher-ignored`, `config.matcher-invalid` and `config.matcher-never-matches`.

mod never;

use crate::contract::{Basis, Event, InvalidPattern, Language, MatchRule};
use crate::requirement::Level;
use crate::subject::matching::{Reading, read_at, rule_at};
use crate::subject::notice::{Notices, Remark};
use crate::subject::pattern;
use crate::subject::sheet::{Group, Scope};

/// Looks at a group.
pub(crate) fn check(group: &Group<'_>, notices: &mut Notices) {
    let Some((node, text)) = group.matcher() else {
        return;
    };
    let scope = group.scope();
    let reading = read_at(scope.contract, group.event, Some(text));
    let everything = matches!(text, "" | "*" | ".*");
    let unused = matches!(rule_at(scope.contract, group.event), MatchRule::Ignored | MatchRule::None);
    let remark = match &reading {
        _ if unused && !everything => {
            let shared = pattern::any(&scope.dialect.settings.shared, &group.sheet.source.path);
            Some(ignored_everywhere(scope, group.event, text, shared))
        }
        Reading::Everything => None,
        _ if group.event.matcher.is_none() && !everything => Some(ignored(scope, group.event, text)),
        _ if group.event.matcher.is_none() => None,
        Reading::Invalid(problem) => Some(invalid(scope, group.event, text, problem)),
        Reading::TooCostly => Some(not_run(scope, text, "is longer or larger than the patterns that are run here")),
        _ => never_exact(scope, group.event, text).or_else(|| never::check(scope, group.event, text, &reading)),
    };
    if let Some(remark) = remark {
        group.sheet.remark(notices, node, remark);
    }
    if let Reading::Pattern(pattern) = &reading
        && pattern.has_given_up()
    {
        group.sheet.remark(notices, node, not_run(scope, text, "takes too many steps to be run here"));
    }
}

/// A pattern that nobody here can say what it takes.
fn not_run(scope: &Scope<'_>, text: &str, why: &str) -> Remark {
    Remark {
        requirement: "config.not-run",
        level: None,
        evidence: scope.weigh(&of_rule(scope)),
        message: format!("the matcher {text:?} {why}"),
        consequence: "what it takes is not known, and these hooks are not run".to_owned(),
        help: "write the names of tools, separated by |, or check the command itself: hookproof check -- COMMAND"
            .to_owned(),
    }
}

fn of_rule(scope: &Scope<'_>) -> Basis {
    let matching = &scope.contract.matching;
    Basis { evidence: matching.evidence, source: matching.source.clone() }
}

fn ignored(scope: &Scope<'_>, event: &Event, text: &str) -> Remark {
    Remark {
        requirement: "config.matcher-ignored",
        level: Some(Level::Should),
        evidence: scope.weigh(&event.basis),
        message: format!("{} has no matcher, and this group has {text:?}", event.name),
        consequence: format!("{} ignores it: the hooks run every time", scope.platform()),
        help: "take the matcher away, and let the hook itself tell the cases apart".to_owned(),
    }
}

/// No event of the platform, or not this one, looks at matchers.
///
/// In a file that is made for another platform it stays: there it counts.
fn ignored_everywhere(scope: &Scope<'_>, event: &Event, text: &str, shared: bool) -> Remark {
    let own = scope.contract.matching.at.get(&event.name);
    let basis = own.map_or_else(|| of_rule(scope), |own| Basis { evidence: own.evidence, source: own.source.clone() });
    Remark {
        requirement: "config.matcher-ignored",
        level: Some(Level::Should),
        evidence: scope.weigh(&basis),
        message: format!("the matcher {text:?} is not looked at"),
        consequence: match own {
            Some(_) => format!("{} ignores it at {}: the hooks run every time", scope.platform(), event.name),
            None => format!("{} ignores matchers: the hooks run every time", scope.platform()),
        },
        help: if shared {
            "let the hook itself tell the cases apart, too".to_owned()
        } else {
            "take the matcher away, and let the hook itself tell the cases apart".to_owned()
        },
    }
}

fn invalid(scope: &Scope<'_>, event: &Event, text: &str, problem: &str) -> Remark {
    let own = &scope.dialect.matching;
    let language = match own.language {
        Language::Javascript => "regular expression of JavaScript",
        Language::Linear => "regular expression without look-around and back-references",
    };
    let help = never::rule_help(scope, event, text).unwrap_or_else(|| match text.strip_prefix('*') {
        Some("") => "leave the matcher out to match everything".to_owned(),
        Some(rest) => format!("in a pattern, anything is .* and not *: write \".*{rest}\""),
        None => format!("write a {language}, or names separated by |"),
    });
    Remark {
        requirement: "config.matcher-invalid",
        level: Some(Level::Must),
        evidence: scope.weigh(&of_rule(scope)),
        message: format!("the matcher {text:?} is read as a regular expression and is none: {problem}"),
        consequence: match own.invalid {
            InvalidPattern::VoidsFile => format!("{} does not load the file", scope.platform()),
            _ => format!("{} never runs these hooks, and says nothing", scope.platform()),
        },
        help,
    }
}

/// Whether matchers of the event are compared with names of tools.
fn of_tools(scope: &Scope<'_>, event: &Event) -> bool {
    let by_name = scope.dialect.matching.tool_events.contains(&event.name);
    event.matcher.is_some() && (by_name || event.matcher == scope.contract.platform.tool_field)
}

/// A list or a pattern where the whole text is one name.
fn never_exact(scope: &Scope<'_>, event: &Event, text: &str) -> Option<Remark> {
    let meant = text.contains(['|', '*', ',', '^', '$']);
    if rule_at(scope.contract, event) != MatchRule::Exact || !meant {
        return None;
    }
    let own = scope.contract.matching.at.get(&event.name);
    let basis = own.map_or_else(|| of_rule(scope), |own| Basis { evidence: own.evidence, source: own.source.clone() });
    Some(Remark {
        requirement: "config.matcher-never-matches",
        level: Some(Level::Must),
        evidence: scope.weigh(&basis),
        message: format!("the matcher {text:?} is compared letter by letter at {}", event.name),
        consequence: format!("{} never runs these hooks", scope.platform()),
        help: "write one group for each value, or leave the matcher out".to_owned(),
    })
}
