//! `config.unquoted-placeholder`: a folder without quotes, which a shell splits at its spaces; and
//! `config.quoted-placeholder`: one in quotes, where the platform quotes it itself.

use super::placeholder::quotes_itself;
use crate::contract::{Basis, Evidence, Placeholders};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Command, Form, Scope};
use crate::subject::shell_line::Quoting;

/// Looks at a command, in which each name is told once.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let Form::Shell(line) = &command.form else {
        return;
    };
    let scope = command.handler.scope();
    let mut told: Vec<&str> = Vec::new();
    for reference in &line.references {
        let name = reference.name.as_str();
        let Some(variable) = scope.contract.environment.get(name).filter(|_| scope.variables.contains_key(name)) else {
            continue;
        };
        if quotes_itself(scope) {
            if reference.quoting == Quoting::Double && !reference.braced && !told.contains(&name) {
                told.push(name);
                command.handler.remark(notices, command.key, quoted_twice(scope, name));
            }
            continue;
        }
        // The platform replaces `${NAME}` as text, so that even an assignment is split; `$NAME` is the shell's own.
        let split =
            reference.quoting == Quoting::None && ((reference.braced && scope.replaces(name)) || !reference.assigned);
        if !split || told.contains(&name) {
            continue;
        }
        told.push(name);
        let spelled = if reference.braced { format!("${{{name}}}") } else { format!("${name}") };
        let backslashes = if reference.braced && scope.replaces(name) {
            ", and on Windows the shell eats its backslashes"
        } else {
            ""
        };
        let basis = Basis { evidence: variable.evidence, source: variable.source.clone() };
        let remark = Remark {
            requirement: "config.unquoted-placeholder",
            level: Some(Level::Should),
            evidence: scope.weigh(&basis),
            message: format!("`{spelled}` stands without quotes in a line for a shell"),
            consequence: format!("the hook does not start where the folder's name has a space{backslashes}"),
            help: match &scope.dialect.keys.args {
                Some(args) => format!("write \"{spelled}/...\" in double quotes, or use `{args}`"),
                None => format!("write \"{spelled}/...\" in double quotes"),
            },
        };
        command.handler.remark(notices, command.key, remark);
    }
}

/// The platform's own quotes inside those of the line.
fn quoted_twice(scope: &Scope<'_>, name: &str) -> Remark {
    let basis = scope.dialect.placeholders.as_ref().map(Placeholders::basis);
    Remark {
        requirement: "config.quoted-placeholder",
        level: Some(Level::Should),
        evidence: basis.map_or(Evidence::Unconfirmed, |basis| scope.weigh(&basis)),
        message: format!(
            "`${name}` stands in double quotes, and {} quotes what it puts there itself",
            scope.platform()
        ),
        consequence: "the hook does not start where the folder's name has a space: the inner quotes become part of it"
            .to_owned(),
        help: format!("write ${name}/... without quotes around it"),
    }
}
