//! `config.unsubstituted-placeholder`: a variable of the platform that nobody replaces where it stands.

use crate::contract::{Basis, Evidence, Plugin, PluginOptions};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Command, Form, Home, Scope};
use crate::subject::shell_line::{Quoting, Reference, references_in};

/// Looks at a command, in which each name is told once.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let args_key = command.handler.scope().dialect.keys.args.as_deref().unwrap_or("args");
    let mut told: Vec<(String, &str)> = Vec::new();
    let mut tell = |reference: &Reference, key: &str, remark: Option<Remark>| {
        let Some(remark) = remark else { return };
        if !told.contains(&(reference.name.clone(), remark.requirement)) {
            told.push((reference.name.clone(), remark.requirement));
            command.handler.remark(notices, key, remark);
        }
    };
    match &command.form {
        Form::Shell(line) => {
            for reference in &line.references {
                tell(reference, command.key, in_shell(command, reference));
            }
        }
        Form::OtherShell(_) => {}
        Form::Exec(args) => {
            for reference in references_in(command.text) {
                tell(&reference, command.key, without_shell(command, &reference));
            }
            for reference in args.iter().flat_map(|arg| references_in(arg)) {
                tell(&reference, args_key, without_shell(command, &reference));
            }
        }
    }
}

fn in_shell(command: &Command<'_>, reference: &Reference) -> Option<Remark> {
    let scope = command.handler.scope();
    let name = &reference.name;
    let options = scope.dialect.plugin.as_ref().and_then(|plugin| Some((plugin, plugin.options.as_ref()?)));
    if let Some((plugin, options, option)) =
        options.and_then(|(plugin, options)| Some((plugin, options, name.strip_prefix(&options.prefix)?)))
    {
        return option_in_shell(scope, plugin, options, option);
    }
    let basis = basis_of(scope, name)?;
    // One that is never set anywhere has a lint of its own.
    if scope.contract.environment.get(name).is_some_and(|variable| !variable.exists) {
        return None;
    }
    if !scope.variables.contains_key(name) {
        return Some(Remark {
            requirement: "config.unsubstituted-placeholder",
            level: Some(Level::Must),
            evidence: scope.weigh(&basis),
            message: format!("`{name}` stands in a file where it has no value"),
            consequence: format!("{} does not set it here, and the shell puts nothing in its place", scope.platform()),
            help: for_settings(scope, name),
        });
    }
    // Where `${NAME}` is replaced as text, that happens before the shell sees the line; `$NAME` is the shell's own.
    let by_shell = !scope.replaces(name) || !reference.braced;
    if reference.quoting == Quoting::Single && by_shell && reference.one_word && !quotes_itself(scope) {
        let spelled = if reference.braced { format!("${{{name}}}") } else { format!("${name}") };
        return Some(Remark {
            requirement: "config.unsubstituted-placeholder",
            level: Some(Level::Must),
            evidence: scope.weigh(&basis),
            message: format!("`{spelled}` stands in single quotes"),
            consequence: "the shell replaces nothing in single quotes: the path begins with a dollar sign".to_owned(),
            help: format!("use double quotes: \"{spelled}/...\""),
        });
    }
    None
}

fn without_shell(command: &Command<'_>, reference: &Reference) -> Option<Remark> {
    let scope = command.handler.scope();
    let name = &reference.name;
    let literally = "there is no shell here to replace it: it arrives as it is spelled".to_owned();
    let plugin = scope.dialect.plugin.as_ref().filter(|_| scope.home == Home::Plugin);
    let options = plugin.and_then(|plugin| Some((plugin, plugin.options.as_ref()?)));
    if let Some((plugin, _)) = options.filter(|(_, options)| name.starts_with(&options.prefix) && reference.braced) {
        return Some(Remark {
            requirement: "config.unsubstituted-placeholder",
            level: None,
            evidence: plugin.evidence,
            message: format!("`${{{name}}}` is an option that each person sets"),
            consequence: "its value is not known here; the hook is run with the placeholder as it is spelled"
                .to_owned(),
            help: "give the hook a default for a missing option".to_owned(),
        });
    }
    let basis = basis_of(scope, name);
    let platforms = basis.is_some();
    let basis = basis.unwrap_or_else(|| args_basis(scope));
    let (message, consequence, help) = match (platforms, reference.braced) {
        (true, true) if scope.replaces(name) => return None,
        (true, true) => (
            format!("`${{{name}}}` stands in a file where it has no value"),
            format!("{} does not replace it here, and {literally}", scope.platform()),
            match scope.contract.field_meant_by(name, Some(command.handler.group.event)) {
                Some(field) => format!("read `{field}` from the JSON on stdin"),
                None => for_settings(scope, name),
            },
        ),
        // What a script inside an argument does with a variable is that script's business.
        _ if !reference.one_word || name.starts_with(|c: char| c.is_ascii_digit()) => return None,
        (true, false) if scope.replaces(name) => {
            (format!("`${name}` has no braces"), literally, format!("write \"${{{name}}}\", which is replaced"))
        }
        (true, false) => (
            format!("`${name}` stands where no shell runs"),
            literally,
            match &scope.dialect.keys.args {
                Some(_) => "leave the list of arguments out so that a shell runs the command".to_owned(),
                None => "write the path out".to_owned(),
            },
        ),
        (false, true) => (
            format!("`${{{name}}}` is none of the placeholders of {}", scope.platform()),
            literally,
            match scope.contract.field_meant_by(name, Some(command.handler.group.event)) {
                Some(field) => format!("read `{field}` from the JSON on stdin"),
                None => format!(
                    "use one of {}, or leave the list of arguments out so that a shell runs the command",
                    known(scope)
                ),
            },
        ),
        (false, false) => return None,
    };
    // A variable that is no placeholder is not replaced because nothing is there to do it.
    let process = &scope.contract.process;
    let direct = Basis { evidence: process.evidence, source: process.source.clone() };
    let by_shell = platforms && !scope.replaces(name) && scope.dialect.keys.args.is_none();
    let evidence = scope.weigh(&basis).max(if by_shell { scope.weigh(&direct) } else { Evidence::Measured });
    let requirement = "config.unsubstituted-placeholder";
    Some(Remark { requirement, level: Some(Level::Must), evidence, message, consequence, help })
}

fn option_in_shell(scope: &Scope<'_>, plugin: &Plugin, options: &PluginOptions, option: &str) -> Option<Remark> {
    let consequence = match scope.home {
        Home::Plugin if scope.contract.version < options.never_in_shell_since => return None,
        Home::Plugin => {
            format!("{} replaces it in lists of arguments only, and does not run this hook", scope.platform())
        }
        Home::Settings => {
            "options belong to plugins: nothing replaces it here, and a shell takes it for a bad substitution"
                .to_owned()
        }
    };
    Some(Remark {
        requirement: "config.unsubstituted-placeholder",
        level: Some(Level::Must),
        evidence: scope.weigh(&plugin.basis()).max(Evidence::Documented),
        message: format!("`${{{}{option}}}` stands in a line for a shell", options.prefix),
        consequence,
        help: match scope.home {
            Home::Plugin => format!(
                "read the variable {}{} instead, or use `{}`",
                options.variable,
                option.to_uppercase(),
                scope.dialect.keys.args.as_deref().unwrap_or("args")
            ),
            Home::Settings => "write the value itself, or give it in a variable".to_owned(),
        },
    })
}

/// What the platform's promise to replace a name rests on; `None` if it promises nothing.
fn basis_of(scope: &Scope<'_>, name: &str) -> Option<Basis> {
    let dialect = scope.dialect;
    let plugin = dialect.plugin.as_ref();
    let roots = dialect.project.iter().map(|project| &project.root);
    let mut roots = roots.chain(plugin.into_iter().flat_map(|plugin| plugin.root.iter().chain(&plugin.data)));
    let variable = scope.contract.environment.get(name)?;
    // Other variables that are set are the shell's affair; one that is never set is looked for in vain.
    if !variable.placeholder && variable.exists && !roots.any(|root| root == name) {
        return None;
    }
    Some(Basis { evidence: variable.evidence, source: variable.source.clone() })
}

fn args_basis(scope: &Scope<'_>) -> Basis {
    let args = scope.dialect.keys.args.as_ref().and_then(|key| scope.contract.handler.get(key));
    args.map_or_else(
        || Basis { evidence: Evidence::Unconfirmed, source: Vec::new() },
        |args| Basis { evidence: args.evidence, source: args.source.clone() },
    )
}

fn for_settings(scope: &Scope<'_>, name: &str) -> String {
    let plugin = scope.dialect.plugin.as_ref();
    let of_plugins =
        plugin.is_some_and(|plugin| [&plugin.root, &plugin.data].into_iter().flatten().any(|own| own == name));
    match &scope.dialect.project {
        Some(project) if of_plugins => {
            format!("it is for hooks of plugins; in settings use ${{{}}} or an absolute path", project.root)
        }
        None if of_plugins => "it is for hooks of plugins; in settings use an absolute path".to_owned(),
        _ if scope.variables.is_empty() => "use an absolute path".to_owned(),
        _ => format!("use one of {}", known(scope)),
    }
}

/// Whether the platform puts quotes around what it puts in place of a name.
pub(crate) fn quotes_itself(scope: &Scope<'_>) -> bool {
    scope.dialect.placeholders.as_ref().is_some_and(|placeholders| placeholders.quoted)
}

fn known(scope: &Scope<'_>) -> String {
    scope.variables.keys().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(", ")
}
