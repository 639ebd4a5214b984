//! From commands of a configuration to subjects, each once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hookproof_harness::Invocation;

use super::bounds;
use super::lint::placeholder::quotes_itself;
use super::matching::{self, Reading};
use super::name::{Names, stem};
use super::node::Node;
use super::notice::{Notices, Remark};
use super::placeholder::{fill, fill_for_powershell};
use super::program;
use super::sheet::{Command, Form, Group, Home};
use super::timeout;
use super::{Origin, Subject};
use crate::contract::{Contract, StartsIn};
use crate::requirement::Level;

/// The subjects of commands that may come from several files. A command that settings name twice is one subject.
pub(crate) fn subjects(commands: &[Command<'_>], names: &mut Names, notices: &mut Notices) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    both_spellings(commands, notices);
    for command in commands {
        let group = &command.handler.group;
        let same = group
            .scope()
            .dialect
            .identity
            .as_ref()
            .filter(|_| group.scope().home == Home::Settings && !group.scope().in_front_matter);
        if let Some(same) = same {
            let key = (group.event.name.clone(), identity(command, &same.keys));
            if let Some(at) = seen.get(&key)
                && repeat(command, &mut subjects[*at], notices)
            {
                continue;
            }
            seen.insert(key, subjects.len());
        }
        subjects.push(subject(command, names));
    }
    subjects
}

/// Tells of hooks under two spellings of one event, where the platform runs both.
fn both_spellings(commands: &[Command<'_>], notices: &mut Notices) {
    let mut told: Vec<&str> = Vec::new();
    // The first command of each event.
    let mut firsts: Vec<&Command<'_>> = Vec::new();
    for command in commands {
        let group = &command.handler.group;
        let scope = group.scope();
        let earlier = firsts.clone();
        if firsts.iter().all(|first| first.handler.group.event.name != group.event.name) {
            firsts.push(command);
        }
        let Some(fact) = scope.dialect.events.both_spellings_run.as_ref().filter(|fact| fact.is) else { continue };
        let plain = |name: &str| name.to_lowercase();
        let twin = earlier.iter().find(|other| {
            let (one, other) = (group.event, other.handler.group.event);
            let same_moment = one.moment.is_some() && one.moment == other.moment;
            one.name != other.name && (same_moment || plain(&one.name) == plain(&other.name))
        });
        let Some(twin) = twin.filter(|_| !told.contains(&group.event.name.as_str())) else { continue };
        told.push(&group.event.name);
        let (own, other) = (&group.event.name, &twin.handler.group.event.name);
        let first = twin.handler.group.sheet.source.place(twin.handler.node.start);
        let same = if twin.text == command.text { "the same command runs twice" } else { "the hooks of both run" };
        let remark = Remark {
            requirement: "config.duplicate-handler",
            level: Some(Level::May),
            evidence: scope.weigh(&fact.basis()),
            message: format!(
                "`{own}` is another spelling of `{other}`, which has hooks at {}:{}:{}",
                twin.handler.group.sheet.source.path.display(),
                first.line,
                first.column
            ),
            consequence: format!("{same}, each with a document of its own form"),
            help: format!("put the hooks under one of the two names, `{own}` or `{other}`"),
        };
        command.handler.remark(notices, command.key, remark);
    }
}

/// What makes two commands of an event the same one.
fn identity(command: &Command<'_>, keys: &[String]) -> String {
    let of_key = |key| command.handler.get(key).map_or_else(String::new, super::node::Node::canonical);
    keys.iter().map(|key| of_key(key)).collect::<Vec<_>>().join("\u{1f}")
}

fn subject(command: &Command<'_>, names: &mut Names) -> Subject {
    let Command { handler, text, form, .. } = command;
    let scope = handler.scope();
    let group = &handler.group;
    let program = match form {
        Form::Shell(line) => program::of_line(line).0,
        Form::OtherShell(_) => None,
        Form::Exec(args) => program::of_words(&[&[*text], args.as_slice()].concat()),
    };
    let program = program.map_or_else(|| text.split_whitespace().next().unwrap_or("").to_owned(), |found| found.text);
    let place = group.sheet.source.place(handler.node.start);
    let mut environment = scope.environment.clone();
    environment.extend(command.environment());
    environment.extend(scope.variables.clone());
    Subject {
        name: names.next(&group.event.name, &stem(&program)),
        origin: Origin::Config { file: group.sheet.source.path.clone(), line: place.line, column: place.column },
        invocation: invocation(command),
        display: display(command),
        environment,
        quotes_placeholders: quotes_itself(scope),
        event: Some(group.event.name.clone()),
        matcher: group.matcher().map(|(_, matcher)| matcher.to_owned()),
        timeout: timeout::of(handler),
        handler: options(command),
        project: scope.project.clone().or_else(|| own_folder(command)),
        folder: starting_folder(command),
        heavy: None,
        worker: None,
    }
}

/// The folder that the handler names, or that of its file where the platform starts hooks there.
fn starting_folder(command: &Command<'_>) -> Option<PathBuf> {
    let scope = command.handler.scope();
    let named = scope.dialect.keys.folder.as_ref().and_then(|key| command.handler.get(key)).and_then(Node::scalar);
    if let Some(folder) = named {
        return Some(PathBuf::from(fill(&folder, &scope.replaced())));
    }
    if scope.starts_in() == StartsIn::Plugin {
        return scope.plugin.clone();
    }
    let starts_there =
        scope.dialect.scripts.as_ref().is_some_and(|scripts| scripts.starts_in == StartsIn::ConfigFolder);
    let file = &command.handler.group.sheet.source.path;
    let below = file.parent()?.strip_prefix(scope.project.as_ref()?).ok()?;
    starts_there.then(|| below.to_owned())
}

/// The folder of a person's own configuration, where the platform starts its hooks there.
fn own_folder(command: &Command<'_>) -> Option<PathBuf> {
    let scripts = command.handler.scope().dialect.scripts.as_ref()?;
    let file = &command.handler.group.sheet.source.path;
    let starts_there = scripts.person_starts_in == Some(StartsIn::ConfigFolder);
    file.parent().filter(|_| starts_there).map(Path::to_owned)
}

fn invocation(command: &Command<'_>) -> Invocation {
    let scope = command.handler.scope();
    let variables = scope.replaced();
    let filled = |text: &str| if quotes_itself(scope) { text.to_owned() } else { fill(text, &variables) };
    match &command.form {
        Form::Exec(args) => Invocation::Program {
            program: PathBuf::from(filled(command.text)),
            args: args.iter().map(|arg| filled(arg).into()).collect(),
        },
        Form::Shell(_) => Invocation::Shell {
            shell: scope.host.shell(&scope.contract.process).iter().map(Into::into).collect(),
            line: filled(command.text).into(),
        },
        Form::OtherShell(program) => Invocation::Shell {
            shell: program.iter().map(Into::into).collect(),
            line: fill_for_powershell(command.text, &variables).into(),
        },
    }
}

/// The command as the configuration spells it; arguments of the exec form are quoted, as they are no shell's.
fn display(command: &Command<'_>) -> String {
    let Form::Exec(args) = &command.form else {
        return command.text.to_owned();
    };
    let host = command.handler.scope().host;
    let words = [&[command.text], args.as_slice()].concat();
    words.into_iter().map(|word| host.quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Every option of the handler that is one value, besides those that have a field of their own.
fn options(command: &Command<'_>) -> BTreeMap<String, String> {
    let handler = &command.handler;
    let dialect = handler.scope().dialect;
    let keys = &dialect.keys;
    let own = keys.kind.iter().chain([&keys.command]).chain(&keys.program).chain(keys.command_on.values().flatten());
    let own = own.chain(&keys.event).chain(keys.matcher.as_ref().filter(|_| handler.group.flat));
    let own = own.chain(dialect.timeout.iter().flat_map(|timeout| &timeout.keys)).chain(&keys.enabled);
    let own: Vec<&String> = own.collect();
    let others = handler.members().filter(|member| !own.contains(&&member.key));
    others.filter_map(|member| Some((member.key.clone(), member.value.scalar()?))).collect()
}

/// The same command once more: it listens to more, and runs once where both listen. Whether one matcher can say both.
fn repeat(command: &Command<'_>, first: &mut Subject, notices: &mut Notices) -> bool {
    let group = &command.handler.group;
    let scope = group.scope();
    let matcher = group.matcher().map(|(_, matcher)| matcher);
    if let Some(same) = &scope.dialect.identity
        && overlap(scope.contract, group, first.matcher.as_deref(), matcher)
    {
        let Origin::Config { file, line, column } = &first.origin else {
            return true;
        };
        let remark = Remark {
            requirement: "config.duplicate-handler",
            level: None,
            evidence: scope.weigh(&same.basis()),
            message: format!(
                "the same command stands at {}:{line}:{column} already, for the same event",
                file.display()
            ),
            consequence: format!("{} runs it once where both groups match", scope.platform()),
            help: "leave one of the two".to_owned(),
        };
        command.handler.remark(notices, command.key, remark);
    }
    if group.event.matcher.is_some() {
        let both = matching::either(scope.contract, group.event, first.matcher.as_deref(), matcher);
        // What is read as a pattern may not become one that is too long to be read.
        if both.as_ref().is_some_and(|both| both.len() > bounds::MATCHER)
            && matches!(matching::read_at(scope.contract, group.event, both.as_deref()), Reading::TooCostly)
        {
            return false;
        }
        first.matcher = both;
    }
    true
}

/// Whether two matchers surely have a value in common.
fn overlap(contract: &Contract, group: &Group<'_>, one: Option<&str>, other: Option<&str>) -> bool {
    if group.event.matcher.is_none() {
        return true;
    }
    let read = |matcher| matching::read_at(contract, group.event, matcher);
    match (read(one), read(other)) {
        (Reading::Invalid(_) | Reading::TooCostly, _) | (_, Reading::Invalid(_) | Reading::TooCostly) => false,
        (Reading::Everything, _) | (_, Reading::Everything) => true,
        (Reading::Names(one), Reading::Names(other)) => one.iter().any(|name| other.contains(name)),
        (Reading::Names(names), Reading::Pattern(pattern)) | (Reading::Pattern(pattern), Reading::Names(names)) => {
            names.iter().any(|name| pattern.takes(name))
        }
        (Reading::Pattern(_), Reading::Pattern(_)) => one == other,
    }
}
