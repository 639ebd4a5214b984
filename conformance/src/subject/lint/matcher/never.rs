//! `config.matcher-never-matches`: matchers, or members of lists, that take no value which the platform has.

use super::of_rule;
use crate::contract::{Basis, Event, MatchRule, Version};
use crate::requirement::Level;
use crate::subject::matching::{Reading, pattern_at, rule_at};
use crate::subject::notice::Remark;
use crate::subject::possible::{Obstacle, alternatives, obstacle};
use crate::subject::regex::Regex;
use crate::subject::sheet::Scope;

/// Members of a matcher that are looked at.
const MEMBERS: usize = 100;

/// A member of a matcher that takes nothing.
struct Dead<'a> {
    /// As it is written.
    text: &'a str,
    /// What it was meant to be; `None` if nobody can tell.
    meant: Option<String>,
    /// Why it takes nothing.
    why: Why,
    /// What this rests on.
    basis: Basis,
}

/// Why a member takes nothing.
enum Why {
    /// Nothing has this name.
    NoName,
    /// No name of a tool has such a character, or is of that shape.
    Obstacle(Obstacle),
    /// It is a permission rule.
    Rule,
    /// It is the name of a server, and not of its tools.
    Server,
    /// The documented values, to which others may come, are other ones.
    NotListed,
}

/// What is to be said of a matcher of which something never matches.
pub(super) fn check(scope: &Scope<'_>, event: &Event, text: &str, reading: &Reading<'_>) -> Option<Remark> {
    let look = Look::at(scope, event);
    let members: Vec<&str> = match reading {
        Reading::Names(names) => names.iter().copied().filter(|name| !name.is_empty()).collect(),
        Reading::Pattern(_) if rule_at(scope.contract, event) == MatchRule::Glob => vec![text],
        Reading::Pattern(_) => alternatives(text),
        Reading::Everything | Reading::Invalid(_) | Reading::TooCostly => return None,
    };
    // Nobody has written so many by hand, and each is compared with everything that is known.
    if members.len() > MEMBERS {
        return None;
    }
    let is_names = matches!(reading, Reading::Names(_));
    let judged: Vec<(&str, Option<Dead<'_>>)> = members
        .iter()
        .map(|member| (*member, if is_names { look.name(member) } else { look.pattern(member) }))
        .collect();
    let alive: Vec<&str> = judged.iter().filter(|(_, dead)| dead.is_none()).map(|(member, _)| *member).collect();
    // A list for several platforms has the names of each; nothing is lost where the right one stands in it.
    let covered = |dead: &Dead<'_>| {
        let meant = dead.meant.as_deref();
        matches!(dead.why, Why::NoName)
            && meant.is_some_and(|meant| alive.iter().any(|own| look.takes(own, meant, is_names)))
    };
    let is_told = |dead: &&Dead<'_>| !covered(dead) || look.gone(bare(dead.text)).is_some();
    let dead: Vec<&Dead<'_>> = judged.iter().filter_map(|(_, dead)| dead.as_ref()).filter(is_told).collect();
    // Of a former name nothing is lost where the name that it has now stands beside it.
    let is_advice = dead.iter().all(|dead| covered(dead));
    let evidence = dead.iter().map(|dead| scope.weigh(&dead.basis)).max()?;
    let whole = alive.is_empty();
    let open = dead.iter().all(|dead| matches!(dead.why, Why::NotListed));
    Some(Remark {
        requirement: "config.matcher-never-matches",
        level: Some(match whole && !open {
            true => Level::Must,
            false if is_advice => Level::May,
            false => Level::Should,
        }),
        // However a pattern is looked for, it is not found in a name that nothing has.
        evidence: if is_names { evidence.max(scope.weigh(&of_rule(scope))) } else { evidence },
        message: look.message(&dead),
        consequence: look.consequence(whole, open),
        help: look.help(text, &judged, is_names),
    })
}

/// What a pattern that does not compile was meant to be, if it is a permission rule.
pub(super) fn rule_help(scope: &Scope<'_>, event: &Event, text: &str) -> Option<String> {
    let look = Look::at(scope, event);
    let (tool, _) = permission_rule(text)?;
    let meant = look.translate(tool)?;
    Some(look.advice(&meant, Some(text)))
}

/// A tool and what stands in brackets behind it: `Bash(git push:*)`.
fn permission_rule(text: &str) -> Option<(&str, &str)> {
    let (tool, rest) = text.split_once('(')?;
    let rule = rest.strip_suffix(')')?;
    let is_name = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_rule = !rule.starts_with('?')
        && !rule.contains(['|', '('])
        && (rule.contains([' ', ':', '/', '*']) || rule.starts_with(|c: char| c.is_ascii_lowercase()));
    (is_name && is_rule).then_some((tool, rule))
}

/// Where a matcher is looked at, and what it is compared with there.
struct Look<'a> {
    scope: &'a Scope<'a>,
    event: &'a Event,
    /// Whether it is compared with names of tools.
    of_tools: bool,
    /// What is known to stand in the field.
    known: Vec<&'a str>,
    /// Whether nothing else can stand there.
    closed: bool,
}

impl<'a> Look<'a> {
    fn at(scope: &'a Scope<'a>, event: &'a Event) -> Look<'a> {
        let of_tools = super::of_tools(scope, event);
        let input = event.matcher.as_deref().and_then(|field| event.input.get(field));
        let values: &[String] = input.map_or(&[], |field| &field.values);
        let listed: &[String] = input.map_or(&[], |field| &field.known);
        let names = scope.dialect.matching.names.iter().flat_map(|names| &names.tools);
        let tools = scope.contract.tools.keys().chain(names).filter(|_| of_tools);
        let known: Vec<&str> = values.iter().chain(listed).chain(tools).map(String::as_str).collect();
        Look { scope, event, of_tools, known, closed: !values.is_empty() && listed.is_empty() }
    }

    fn field(&self) -> &'a str {
        self.event.matcher.as_deref().unwrap_or("value")
    }

    /// Whether a name has this character.
    fn allows(&self, c: char) -> bool {
        let names = self.scope.dialect.matching.names.as_ref();
        c.is_ascii_alphanumeric() || names.is_none_or(|names| names.characters.contains(c))
    }

    /// What a name that other platforms use is called here.
    fn foreign(&self, name: &str) -> Option<(String, Basis)> {
        let matching = &self.scope.dialect.matching;
        if !self.of_tools {
            return None;
        }
        if let Some(found) = matching.foreign.get(name) {
            let is_gone = found.gone_by.as_ref().is_none_or(|version| *version <= self.scope.contract.version);
            let here = is_gone && (found.events.is_empty() || found.events.contains(&self.event.name));
            return here.then(|| (found.means.clone(), found.basis()));
        }
        let names = matching.names.as_ref()?;
        Some((names.elsewhere.get(name)?.clone(), names.basis()))
    }

    /// For a former name of the platform: the first version of which it is known that it is gone.
    fn gone(&self, name: &str) -> Option<&Version> {
        let gone = self.scope.dialect.matching.foreign.get(name)?.gone_by.as_ref();
        gone.filter(|version| **version <= self.scope.contract.version)
    }

    fn is_alias(&self, name: &str) -> bool {
        self.scope.dialect.matching.alias.contains_key(name)
    }

    /// The known value that is written with other capitals.
    fn respelled(&self, name: &str) -> Option<String> {
        let found = self.known.iter().find(|known| known.eq_ignore_ascii_case(name));
        found.map(|known| (*known).to_owned())
    }

    /// The value that a word stands for here.
    fn translate(&self, word: &str) -> Option<String> {
        if let Some((means, _)) = self.foreign(word) {
            return Some(means);
        }
        if self.known.contains(&word) || self.is_alias(word) {
            return Some(word.to_owned());
        }
        self.respelled(word)
    }

    /// A name in a list that is compared letter by letter.
    fn name<'m>(&self, name: &'m str) -> Option<Dead<'m>> {
        let dead = |meant, why, basis| Some(Dead { text: name, meant, why, basis });
        if let Some((means, basis)) = self.foreign(name) {
            return dead(Some(means), Why::NoName, basis);
        }
        if self.known.contains(&name) || self.is_alias(name) {
            return None;
        }
        let server = self.scope.dialect.matching.server.as_ref().filter(|_| self.of_tools);
        if let Some((server, rest)) = server.and_then(|server| Some((server, name.strip_prefix(&server.prefix)?))) {
            let bare = !rest.contains(&server.separator);
            return bare.then(|| Dead {
                text: name,
                meant: Some(format!("{name}{}.*", server.separator)),
                why: Why::Server,
                basis: server.basis(),
            });
        }
        let obstacle = name.chars().find(|c| !self.allows(*c)).filter(|_| self.of_tools);
        if let Some(c) = obstacle {
            return dead(self.meant(name), Why::Obstacle(Obstacle::Character(c)), self.names_basis());
        }
        if let Some(meant) = self.respelled(name) {
            return dead(Some(meant), Why::NoName, of_rule(self.scope));
        }
        if self.of_tools || self.known.is_empty() {
            return None;
        }
        let why = if self.closed { Why::NoName } else { Why::NotListed };
        dead(crate::suggest::misspelled(name, self.known.iter().copied()).map(str::to_owned), why, self.field_basis())
    }

    /// An alternative of a pattern.
    fn pattern<'m>(&self, member: &'m str) -> Option<Dead<'m>> {
        let dead = |meant, why, basis| Some(Dead { text: member, meant, why, basis });
        let own = pattern_at(self.scope.contract, self.event, member)?;
        let takes_known = self.takes_known(&own);
        if !self.of_tools {
            let why = if self.closed { Why::NoName } else { Why::NotListed };
            let none = !self.known.is_empty() && !takes_known;
            return if none { dead(self.meant(member), why, self.field_basis()) } else { None };
        }
        if takes_known {
            return None;
        }
        let plain = bare(member);
        if !plain.is_empty() && plain.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
            let server = self.scope.dialect.matching.server.as_ref();
            if server.is_some_and(|server| plain.starts_with(&server.prefix)) {
                return None;
            }
            if let Some((means, basis)) = self.foreign(plain) {
                return dead(Some(means), Why::NoName, basis);
            }
            return self.respelled(plain).and_then(|meant| dead(Some(meant), Why::NoName, of_rule(self.scope)));
        }
        if let Some(meant) = permission_rule(member).and_then(|(tool, _)| self.translate(tool)) {
            return dead(Some(meant), Why::Rule, of_rule(self.scope));
        }
        let found = if rule_at(self.scope.contract, self.event) == MatchRule::Glob {
            let bad = member.chars().find(|c| !self.allows(*c) && !"*?".contains(*c));
            bad.map(Obstacle::Character)
        } else {
            obstacle(member, &|c| self.allows(c))
        };
        dead(self.meant(member), Why::Obstacle(found?), self.names_basis())
    }

    /// Whether a pattern takes a value that is known, and none that only other platforms have.
    fn takes_known(&self, pattern: &Regex) -> bool {
        let aliases = self.scope.dialect.matching.alias.keys().map(String::as_str);
        let known = self.known.iter().copied().chain(aliases);
        known.filter(|known| self.foreign(known).is_none()).any(|known| pattern.takes(known))
    }

    /// Whether a member takes a value.
    fn takes(&self, member: &str, value: &str, is_names: bool) -> bool {
        member == value
            || (!is_names && pattern_at(self.scope.contract, self.event, member).is_some_and(|own| own.takes(value)))
    }

    /// What somebody may have meant by a member that is no name: the names in it, or the first of them.
    fn meant(&self, member: &str) -> Option<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let words: Vec<&str> = member.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
        let between: String = member.chars().filter(|c| !is_part(*c)).collect();
        let found: Vec<Option<String>> = words.iter().map(|word| self.translate(word)).collect();
        let is_list = between.chars().all(|c| " ,;/&+^$|".contains(c));
        if is_list && words.len() > 1 && found.iter().all(Option::is_some) {
            return Some(found.into_iter().flatten().collect::<Vec<_>>().join("|"));
        }
        found.into_iter().flatten().next()
    }

    fn names_basis(&self) -> Basis {
        let names = self.scope.dialect.matching.names.as_ref();
        names.map_or_else(|| of_rule(self.scope), crate::contract::ToolNames::basis)
    }

    fn field_basis(&self) -> Basis {
        let input = event_field(self.event);
        input.map_or_else(|| self.event.basis.clone(), |field| field.basis.clone())
    }

    fn message(&self, dead: &[&Dead<'_>]) -> String {
        let shown = |dead: &&Dead<'_>| match dead.why {
            Why::NoName => format!("{:?}", bare(dead.text)),
            _ => format!("{:?}", dead.text),
        };
        let all: Vec<String> = dead.iter().map(shown).collect();
        let all = all.join(" or ");
        match (&dead[0].why, dead.len()) {
            (Why::Rule, 1) => format!("{all} is a permission rule; a matcher is compared with the tool's name only"),
            (Why::Obstacle(Obstacle::Character(c)), 1) => {
                let shown = if *c == ' ' { "blank".to_owned() } else { format!("{:?}", c.to_string()) };
                format!("{all} matches no tool: a tool's name has no {shown}")
            }
            (Why::Obstacle(_), 1) => format!("{all} matches no tool's name"),
            (Why::Server, 1) => format!("{all} is a server, and no tool"),
            (Why::NotListed, _) => format!("no `{}` is known to be {all}", self.field()),
            _ if self.of_tools && dead.len() == 1 && self.gone(bare(dead[0].text)).is_some() => {
                let version = self.gone(bare(dead[0].text)).map(ToString::to_string).unwrap_or_default();
                format!("no tool of {} is called {all} any more: it was gone by {version}", self.scope.platform())
            }
            _ if self.of_tools => format!("no tool of {} is called {all}", self.scope.platform()),
            _ => format!("no `{}` is ever {all}", self.field()),
        }
    }

    fn consequence(&self, whole: bool, open: bool) -> String {
        let never = if open { "is not known to run these hooks" } else { "never runs these hooks" };
        let part = if whole { "" } else { " for it" };
        format!("{} {never}{part}", self.scope.platform())
    }

    /// The matcher as it was meant, or what may stand in it.
    fn help(&self, text: &str, judged: &[(&str, Option<Dead<'_>>)], is_names: bool) -> String {
        let mut members: Vec<&str> = Vec::new();
        for (member, dead) in judged {
            let meant = dead.as_ref().map_or(Some(*member), |dead| dead.meant.as_deref());
            for one in meant.into_iter().flat_map(|meant| meant.split('|')) {
                if !members.contains(&one) {
                    members.push(one);
                }
            }
        }
        let lost = judged.iter().any(|(_, dead)| dead.as_ref().is_some_and(|dead| dead.meant.is_none()));
        if members.is_empty() {
            return match (self.of_tools, self.known.as_slice()) {
                (false, known) if !known.is_empty() => format!("`{}` is one of {}", self.field(), known.join(", ")),
                _ => "write the names of tools, separated by |".to_owned(),
            };
        }
        let rule = rule_at(self.scope.contract, self.event);
        if matches!(rule, MatchRule::Glob | MatchRule::Exact) && members.len() > 1 {
            let each: Vec<String> = members.iter().map(|member| format!("{member:?}")).collect();
            return format!("write one entry for each of {}", each.join(", "));
        }
        let joined = members.join("|");
        let anchored = !is_names && text.starts_with('^') && text.ends_with('$') && !joined.contains(['^', '$']);
        let joined = match (anchored, members.len()) {
            (true, 1) => format!("^{joined}$"),
            (true, _) => format!("^({joined})$"),
            (false, _) => joined,
        };
        let dead: Vec<&Dead<'_>> = judged.iter().filter_map(|(_, dead)| dead.as_ref()).collect();
        let rule = dead.iter().find(|dead| matches!(dead.why, Why::Rule)).map(|dead| dead.text);
        let cut = dead.iter().any(|dead| match (&dead.why, &dead.meant) {
            (Why::Obstacle(_), Some(meant)) => !meant.contains('|'),
            _ => false,
        });
        if rule.is_some() || cut {
            return self.advice(&joined, rule);
        }
        match (lost, self.of_tools) {
            (true, true) => format!("write {joined:?}: nothing else in it is a tool's name"),
            (true, false) => format!("write {joined:?}: `{}` is one of {}", self.field(), self.known.join(", ")),
            _ => format!("write {joined:?}"),
        }
    }

    /// A matcher, and where the rest of what was meant belongs.
    fn advice(&self, matcher: &str, rule: Option<&str>) -> String {
        let condition = self.scope.dialect.condition.as_ref();
        let condition = condition.filter(|condition| condition.events.contains(&self.event.name));
        match (rule, condition) {
            (Some(rule), Some(condition)) => {
                format!("write {matcher:?}, and put {rule:?} into `{}` of the handler", condition.key)
            }
            _ => format!("write {matcher:?}, and look at the input of the tool in the hook itself"),
        }
    }
}

/// An alternative without the anchors around it.
fn bare(member: &str) -> &str {
    member.trim_start_matches('^').trim_end_matches('$')
}

fn event_field(event: &Event) -> Option<&crate::contract::Field> {
    event.matcher.as_deref().and_then(|field| event.input.get(field))
}
