//! `config.tilde-without-shell`: `~/` where no shell replaces it.

use super::super::sheet::{Command, Form};
use crate::contract::{Basis, Evidence};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};

/// Looks at a command.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let Form::Exec(args) = &command.form else {
        return;
    };
    let scope = command.handler.scope();
    let key = scope.dialect.keys.args.as_deref().unwrap_or("args");
    let words = std::iter::once((command.key, command.text)).chain(args.iter().map(|arg| (key, *arg)));
    let Some((at, word)) = words.into_iter().find(|(_, word)| word.starts_with("~/")) else {
        return;
    };
    let args = scope.contract.handler.get(key);
    let basis = args.map_or(Basis { evidence: Evidence::Unconfirmed, source: Vec::new() }, |args| Basis {
        evidence: args.evidence,
        source: args.source.clone(),
    });
    let remark = Remark {
        requirement: "config.tilde-without-shell",
        level: Some(Level::Must),
        evidence: scope.weigh(&basis),
        message: format!("{word:?} begins with a tilde, and no shell is there to replace it"),
        consequence: "the path is looked for in a folder named ~, which there is not".to_owned(),
        help: match &scope.dialect.keys.args {
            Some(key) => format!("write the path out, or leave `{key}` out so that a shell runs the command"),
            None => "write the path out".to_owned(),
        },
    };
    command.handler.remark(notices, at, remark);
}
