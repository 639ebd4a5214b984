//! `config.condition-never-true`: a condition on an event where no condition is ever true, one that is no rule, and one
//! for a tool that the group's matcher leaves out.

use crate::contract::{Basis, Condition};
use crate::requirement::Level;
use crate::subject::matching::{Reading, matches_at, read_at};
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Group, Handler};

/// Looks at a handler.
pub(crate) fn check(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let Some(condition) = &scope.dialect.condition else {
        return;
    };
    let event = &handler.group.event.name;
    let Some(node) = handler.get(&condition.key) else {
        return;
    };
    let key = &condition.key;
    let (message, help, basis) = if !condition.events.contains(event) {
        let message = format!("`{key}` stands at {event}, which knows no conditions");
        (message, format!("take `{key}` away; it works at {}", condition.events.join(", ")), condition.basis())
    } else if let Some(rule) = node.text()
        && let Some(found) = of_rule(&handler.group, condition, rule)
    {
        found
    } else {
        return;
    };
    let remark = Remark {
        requirement: "config.condition-never-true",
        level: Some(Level::Must),
        evidence: scope.weigh(&basis),
        message,
        consequence: format!("{} never runs this hook, and says nothing", scope.platform()),
        help,
    };
    handler.remark(notices, key, remark);
}

/// What is wrong with a rule: message, help and what this rests on.
fn of_rule(group: &Group<'_>, condition: &Condition, rule: &str) -> Option<(String, String, Basis)> {
    let scope = group.scope();
    let key = &condition.key;
    let (tool, inner) = rule.split_once('(').map_or((rule, None), |(tool, inner)| (tool, Some(inner)));
    let tool = tool.trim();
    let names = scope.dialect.matching.names.as_ref();
    let is_name =
        |c: char| c.is_ascii_alphanumeric() || c == '*' || names.is_some_and(|names| names.characters.contains(c));
    let whole = inner.is_none_or(|inner| inner.trim_end().ends_with(')'));
    if tool.is_empty() || !tool.chars().all(is_name) || !whole {
        let message = format!("{rule:?} is no permission rule");
        let example = scope.contract.platform.default_tool.as_deref().unwrap_or("Tool");
        let help = format!("write one rule, as in \"{example}(...)\"");
        return Some((message, help, condition.basis()));
    }
    if let Some(other) = inner.and_then(second_rule) {
        let message = format!("{rule:?} holds two rules, and `{key}` takes one");
        let help = format!("write one handler for each rule, the second with \"{other}\"");
        return Some((message, help, condition.basis()));
    }
    let (_, matcher) = group.matcher()?;
    let names: Vec<&str> = match read_at(scope.contract, group.event, Some(matcher)) {
        Reading::Everything | Reading::Invalid(_) | Reading::TooCostly => return None,
        Reading::Names(names) => names,
        Reading::Pattern(_) => Vec::new(),
    };
    let server = scope.dialect.matching.server.as_ref();
    let open = tool.contains('*') || server.is_some_and(|server| tool.starts_with(&server.prefix));
    let taken = if open {
        // A rule for a server holds for all of its tools, and a pattern may take any of them.
        let begins = tool.split('*').next().unwrap_or_default();
        names.is_empty() || names.iter().any(|name| name.starts_with(begins) || begins.starts_with(name))
    } else {
        let means = scope.dialect.matching.alias.get(tool).map(|alias| alias.means.as_str());
        let covered = condition.covers.get(tool).into_iter().flatten().map(String::as_str);
        let takes = |tool: &str| matches_at(scope.contract, group.event, Some(matcher), tool).is_match();
        [tool].into_iter().chain(means).chain(covered).any(takes)
    };
    if taken {
        return None;
    }
    let message = format!("`{key}` is {rule:?}, and the matcher {matcher:?} leaves {tool} out");
    let help = format!("write the matcher \"{tool}\", or a rule for a tool that the matcher takes");
    Some((message, help, condition.basis()))
}

/// The second of two rules.
fn second_rule(inner: &str) -> Option<&str> {
    let (_, rest) = inner.split_once(')')?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("||").or_else(|| rest.strip_prefix('|')).or_else(|| rest.strip_prefix(','))?.trim();
    let (tool, _) = rest.split_once('(')?;
    (!tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(rest)
}
