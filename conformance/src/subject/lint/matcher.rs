//! Matchers: `config.matcher-ignored`, `config.matcher-invalid` and `config.matcher-never-matches`.

use crate::contract::{Basis, Elsewhere, Event, InvalidPattern, Language, MatchRule};
use crate::requirement::Level;
use crate::subject::matching::{Pattern, Reading, read_at, rule_at};
use crate::subject::notice::{Notices, Remark};
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
        _ if unused && !everything => Some(ignored_everywhere(scope, group.event, text)),
        Reading::Everything => None,
        _ if group.event.matcher.is_none() && !everything => Some(ignored(scope, group.event, text)),
        _ if group.event.matcher.is_none() => None,
        Reading::Invalid(problem) => Some(invalid(scope, text, problem)),
        Reading::Names(names) => {
            never_exact(scope, group.event, text).or_else(|| never_name(scope, group.event, names))
        }
        Reading::Pattern(pattern) => {
            never_rule(scope, group.event, text, pattern).or_else(|| never_pattern(scope, group.event, text, pattern))
        }
    };
    if let Some(remark) = remark {
        group.sheet.remark(notices, node, remark);
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
fn ignored_everywhere(scope: &Scope<'_>, event: &Event, text: &str) -> Remark {
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
        help: "take the matcher away, and let the hook itself tell the cases apart".to_owned(),
    }
}

fn invalid(scope: &Scope<'_>, text: &str, problem: &str) -> Remark {
    let own = &scope.dialect.matching;
    let language = match own.language {
        Language::Javascript => "regular expression of JavaScript",
        Language::Linear => "regular expression without look-around and back-references",
    };
    let help = match text.strip_prefix('*') {
        Some("") => "leave the matcher out to match everything".to_owned(),
        Some(rest) => format!("in a pattern, anything is .* and not *: write \".*{rest}\""),
        None => format!("write a {language}, or names separated by |"),
    };
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

/// What a name of other platforms is called at an event.
fn foreign<'a>(scope: &Scope<'a>, event: &Event, name: &str) -> Option<&'a Elsewhere> {
    let found = scope.dialect.matching.foreign.get(name)?;
    (found.events.is_empty() || found.events.contains(&event.name)).then_some(found)
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

/// A list of names in a pattern of which none is a tool's here, as far as that is known: names that other platforms
/// use, and names in the wrong case.
fn never_pattern(scope: &Scope<'_>, event: &Event, text: &str, pattern: &Pattern) -> Option<Remark> {
    if !of_tools(scope, event) {
        return None;
    }
    let rule = &scope.contract.matching;
    let tools: Vec<&str> = scope.contract.tools.keys().map(String::as_str).collect();
    let bare = text.trim_start_matches('^').trim_end_matches('$');
    let bare = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')')).unwrap_or(bare);
    let bare = bare.strip_prefix("?:").unwrap_or(bare);
    let names: Vec<&str> = bare.split('|').map(str::trim).collect();
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if !names.iter().all(is_name) {
        return None;
    }
    let known = tools.iter().any(|tool| pattern.takes(tool) && foreign(scope, event, tool).is_none());
    if known {
        return None;
    }
    let meant = |name: &&str| -> Option<(String, Basis)> {
        if let Some(foreign) = foreign(scope, event, name) {
            return Some((foreign.means.clone(), foreign.basis()));
        }
        let tool = tools.iter().find(|tool| tool.eq_ignore_ascii_case(name))?;
        Some(((*tool).to_owned(), Basis { evidence: rule.evidence, source: rule.source.clone() }))
    };
    let found: Vec<(String, Basis)> = names.iter().map(meant).collect::<Option<_>>()?;
    let evidence = found.iter().map(|(_, basis)| scope.weigh(basis)).max()?;
    let help: Vec<&str> = found.iter().map(|(means, _)| means.as_str()).collect();
    Some(Remark {
        requirement: "config.matcher-never-matches",
        level: Some(Level::Must),
        evidence,
        message: format!("no tool of {} is called {}", scope.platform(), names.join(" or ")),
        consequence: format!("{} never runs these hooks", scope.platform()),
        help: format!("write \"{}\"", help.join("|")),
    })
}

/// Names that the field of the event never has.
fn never_name(scope: &Scope<'_>, event: &Event, names: &[&str]) -> Option<Remark> {
    let server = scope.dialect.matching.server.as_ref();
    let field = event.matcher.as_deref()?;
    let of_tools = of_tools(scope, event);
    let input = event.input.get(field);
    let values: &[String] = input.map_or(&[], |field| &field.values);
    let known: &[String] = input.map_or(&[], |field| &field.known);
    let tools = scope.contract.tools.keys().filter(|_| of_tools);
    let all: Vec<&str> = values.iter().chain(known).chain(tools).map(String::as_str).collect();
    let never = |name: &str| -> Option<(String, Basis)> {
        if let Some(foreign) = foreign(scope, event, name).filter(|_| of_tools) {
            return Some((format!("write \"{}\"", foreign.means), foreign.basis()));
        }
        if name.is_empty() || all.contains(&name) || scope.dialect.matching.alias.contains_key(name) {
            return None;
        }
        let of_server = server.and_then(|server| Some((server, name.strip_prefix(&server.prefix)?)));
        if let Some((server, rest)) = of_server.filter(|_| of_tools) {
            let help = format!("for every tool of the server write \"{name}{}.*\"", server.separator);
            return (!rest.contains(&server.separator)).then(|| (help, server.basis()));
        }
        if let Some(meant) = all.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            return Some((format!("write \"{meant}\": upper and lower case count"), of_rule(scope)));
        }
        let closed = !values.is_empty() && known.is_empty();
        let basis = input.map_or_else(|| event.basis.clone(), |field| field.basis.clone());
        closed.then(|| (format!("`{field}` is one of {}", values.join(", ")), basis))
    };
    let (name, (help, basis)) = names.iter().find_map(|name| Some((name, never(name)?)))?;
    let all_never = names.iter().all(|name| name.is_empty() || never(name).is_some());
    let consequence = if all_never { "never runs these hooks" } else { "never runs these hooks for that name" };
    Some(Remark {
        requirement: "config.matcher-never-matches",
        level: Some(Level::Must),
        evidence: scope.weigh(&basis).max(scope.weigh(&of_rule(scope))),
        message: format!("no `{field}` is ever {name:?}"),
        consequence: format!("{} compares names exactly and {consequence}", scope.platform()),
        help,
    })
}

/// A permission rule such as `Bash(git push:*)` in place of a matcher.
fn never_rule(scope: &Scope<'_>, event: &Event, text: &str, pattern: &Pattern) -> Option<Remark> {
    let condition = scope.dialect.condition.as_ref()?;
    if !condition.events.contains(&event.name) {
        return None;
    }
    let (tool, rest) = text.split_once('(')?;
    let rule = rest.strip_suffix(')')?;
    let is_name = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // A tool's name has neither spaces nor colons, and neither is a regular expression's own sign.
    let is_rule = rule.contains([' ', ':']) && !rule.starts_with('?') && !rule.contains('|');
    if !is_name || !is_rule || pattern.takes(tool) {
        return None;
    }
    Some(Remark {
        requirement: "config.matcher-never-matches",
        level: Some(Level::Must),
        evidence: scope.weigh(&of_rule(scope)),
        message: format!("the matcher {text:?} is a permission rule; here it is read as a regular expression"),
        consequence: format!("{} finds it in no name of a tool and never runs these hooks", scope.platform()),
        help: format!("write the matcher {tool:?} and put {text:?} into `{}` of the handler", condition.key),
    })
}
