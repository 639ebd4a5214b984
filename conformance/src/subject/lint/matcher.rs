//! Matchers: `config.matcher-ignored`, `config.matcher-invalid` and `config.matcher-never-matches`.

use crate::contract::{Basis, Event};
use crate::requirement::Level;
use crate::subject::matching::{Reading, read_at};
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Group, Scope};

/// Looks at a group.
pub(crate) fn check(group: &Group<'_>, notices: &mut Notices) {
    let Some((node, text)) = group.matcher() else {
        return;
    };
    let scope = group.scope();
    let reading = read_at(scope.contract, group.event, Some(text));
    let remark = match &reading {
        Reading::Everything => None,
        _ if group.event.matcher.is_none() => Some(ignored(scope, group.event, text)),
        Reading::Invalid(problem) => Some(invalid(scope, text, problem)),
        Reading::Names(names) => never_name(scope, group.event, names),
        Reading::Pattern(pattern) => never_rule(scope, group.event, text, pattern),
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

fn invalid(scope: &Scope<'_>, text: &str, problem: &str) -> Remark {
    let help = match text.strip_prefix('*') {
        Some(rest) => format!("in a pattern, anything is .* and not *: write \".*{rest}\""),
        None => "write a regular expression of JavaScript, or names separated by |".to_owned(),
    };
    Remark {
        requirement: "config.matcher-invalid",
        level: Some(Level::Must),
        evidence: scope.weigh(&of_rule(scope)),
        message: format!("the matcher {text:?} is read as a regular expression and is none: {problem}"),
        consequence: format!("{} never runs these hooks, and says nothing", scope.platform()),
        help,
    }
}

/// Names that the field of the event never has.
fn never_name(scope: &Scope<'_>, event: &Event, names: &[&str]) -> Option<Remark> {
    let server = &scope.dialect.matching.server;
    let field = event.matcher.as_deref()?;
    let of_tools = scope.dialect.condition.events.contains(&event.name);
    let input = event.input.get(field);
    let values: &[String] = input.map_or(&[], |field| &field.values);
    let known: &[String] = input.map_or(&[], |field| &field.known);
    let tools = scope.contract.tools.keys().filter(|_| of_tools);
    let all: Vec<&str> = values.iter().chain(known).chain(tools).map(String::as_str).collect();
    let never = |name: &str| -> Option<(String, Basis)> {
        if name.is_empty() || all.contains(&name) || scope.dialect.matching.alias.contains_key(name) {
            return None;
        }
        if let Some(rest) = name.strip_prefix(&server.prefix).filter(|_| of_tools) {
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
fn never_rule(scope: &Scope<'_>, event: &Event, text: &str, pattern: &regress::Regex) -> Option<Remark> {
    let condition = &scope.dialect.condition;
    if !condition.events.contains(&event.name) {
        return None;
    }
    let (tool, rest) = text.split_once('(')?;
    let rule = rest.strip_suffix(')')?;
    let is_name = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // A tool's name has neither spaces nor colons, and neither is a regular expression's own sign.
    let is_rule = rule.contains([' ', ':']) && !rule.starts_with('?') && !rule.contains('|');
    if !is_name || !is_rule || pattern.find(tool).is_some() {
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
