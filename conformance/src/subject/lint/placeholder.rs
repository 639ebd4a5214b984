//! `config.unsubstituted-placeholder`: a variable of the platform that nobody replaces where it stands.

use crate::contract::{Basis, Evidence};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Command, Form, Home, Scope};
use crate::subject::shell_line::{Quoting, Reference, references_in};

/// Looks at a command, in which each name is told once.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let keys = &command.handler.scope().dialect.keys;
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
                tell(reference, &keys.command, in_shell(command, reference));
            }
        }
        Form::OtherShell(_) => {}
        Form::Exec(args) => {
            for reference in references_in(command.text) {
                tell(&reference, &keys.command, without_shell(command, &reference));
            }
            for reference in args.iter().flat_map(|arg| references_in(arg)) {
                tell(&reference, &keys.args, without_shell(command, &reference));
            }
        }
    }
}

fn in_shell(command: &Command<'_>, reference: &Reference) -> Option<Remark> {
    let scope = command.handler.scope();
    let name = &reference.name;
    if let Some(option) = name.strip_prefix(&scope.dialect.plugin.option) {
        return option_in_shell(scope, option);
    }
    let basis = basis_of(scope, name)?;
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
    // `${NAME}` is replaced as text before the shell sees the line, `$NAME` is not.
    if reference.quoting == Quoting::Single && !reference.braced && reference.one_word {
        return Some(Remark {
            requirement: "config.unsubstituted-placeholder",
            level: Some(Level::Must),
            evidence: scope.weigh(&basis),
            message: format!("`${name}` stands in single quotes"),
            consequence: "the shell replaces nothing in single quotes: the path begins with a dollar sign".to_owned(),
            help: format!("use double quotes: \"${name}/...\""),
        });
    }
    None
}

fn without_shell(command: &Command<'_>, reference: &Reference) -> Option<Remark> {
    let scope = command.handler.scope();
    let name = &reference.name;
    let literally = "there is no shell here to replace it: it arrives as it is spelled".to_owned();
    if name.starts_with(&scope.dialect.plugin.option) && reference.braced && scope.home == Home::Plugin {
        return Some(Remark {
            requirement: "config.unsubstituted-placeholder",
            level: None,
            evidence: scope.dialect.plugin.evidence,
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
        (true, true) if scope.variables.contains_key(name) => return None,
        (true, true) => (
            format!("`${{{name}}}` stands in a file where it has no value"),
            format!("{} does not replace it here, and {literally}", scope.platform()),
            for_settings(scope, name),
        ),
        // What a script inside an argument does with a variable is that script's business.
        _ if !reference.one_word || name.starts_with(|c: char| c.is_ascii_digit()) => return None,
        (true, false) => {
            (format!("`${name}` has no braces"), literally, format!("write \"${{{name}}}\", which is replaced"))
        }
        (false, true) => (
            format!("`${{{name}}}` is none of the placeholders of {}", scope.platform()),
            literally,
            format!("use one of {}, or leave the list of arguments out so that a shell runs the command", known(scope)),
        ),
        (false, false) => return None,
    };
    let evidence = scope.weigh(&basis);
    let requirement = "config.unsubstituted-placeholder";
    Some(Remark { requirement, level: Some(Level::Must), evidence, message, consequence, help })
}

fn option_in_shell(scope: &Scope<'_>, option: &str) -> Option<Remark> {
    let plugin = &scope.dialect.plugin;
    let consequence = match scope.home {
        Home::Plugin if scope.contract.version < plugin.option_never_in_shell_since => return None,
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
        message: format!("`${{{}{option}}}` stands in a line for a shell", plugin.option),
        consequence,
        help: match scope.home {
            Home::Plugin => format!(
                "read the variable {}{} instead, or use `{}`",
                plugin.option_variable,
                option.to_uppercase(),
                scope.dialect.keys.args
            ),
            Home::Settings => "write the value itself, or give it in a variable".to_owned(),
        },
    })
}

/// What the platform's promise to replace a name rests on; `None` if it promises nothing.
fn basis_of(scope: &Scope<'_>, name: &str) -> Option<Basis> {
    let variable = scope.contract.environment.get(name).filter(|variable| variable.placeholder)?;
    Some(Basis { evidence: variable.evidence, source: variable.source.clone() })
}

fn args_basis(scope: &Scope<'_>) -> Basis {
    let args = scope.contract.handler.get(&scope.dialect.keys.args);
    args.map_or_else(
        || Basis { evidence: Evidence::Unconfirmed, source: Vec::new() },
        |args| Basis { evidence: args.evidence, source: args.source.clone() },
    )
}

fn for_settings(scope: &Scope<'_>, name: &str) -> String {
    let plugin = &scope.dialect.plugin;
    if [&plugin.root, &plugin.data].contains(&&name.to_owned()) {
        format!("it is for hooks of plugins; in settings use ${{{}}} or an absolute path", scope.dialect.project.root)
    } else {
        format!("use one of {}", known(scope))
    }
}

fn known(scope: &Scope<'_>) -> String {
    scope.variables.keys().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(", ")
}
