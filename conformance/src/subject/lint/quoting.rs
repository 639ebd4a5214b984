//! `config.unquoted-placeholder`: a folder without quotes, which a shell splits at its spaces.

use crate::contract::Basis;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::{Command, Form};
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
        // The platform replaces `${NAME}` as text, so that even an assignment is split; `$NAME` is the shell's own.
        let split = reference.quoting == Quoting::None && (reference.braced || !reference.assigned);
        if !split || told.contains(&name) {
            continue;
        }
        told.push(name);
        let spelled = if reference.braced { format!("${{{name}}}") } else { format!("${name}") };
        let backslashes = if reference.braced { ", and on Windows the shell eats its backslashes" } else { "" };
        let basis = Basis { evidence: variable.evidence, source: variable.source.clone() };
        let remark = Remark {
            requirement: "config.unquoted-placeholder",
            level: Some(Level::Should),
            evidence: scope.weigh(&basis),
            message: format!("`{spelled}` stands without quotes in a line for a shell"),
            consequence: format!("the hook does not start where the folder's name has a space{backslashes}"),
            help: format!("write \"{spelled}/...\" in double quotes, or use `{}`", scope.dialect.keys.args),
        };
        command.handler.remark(notices, &scope.dialect.keys.command, remark);
    }
}
