//! `config.relative-path`: a program or script that is found only as long as nobody changes the folder.

use crate::contract::{Basis, Evidence};
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::program::{self, Program};
use crate::subject::sheet::{Command, Form, Home};

/// Looks at a command.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let (program, moved) = match &command.form {
        Form::Shell(line) => program::of_line(line),
        Form::OtherShell(_) => return,
        Form::Exec(args) => (program::of_words(&[&[command.text], args.as_slice()].concat()), false),
    };
    let Some(program) = program.filter(|program| !moved && is_relative(program)) else {
        return;
    };
    let scope = command.handler.scope();
    let folder = match scope.home {
        Home::Settings => &scope.dialect.project.root,
        Home::Plugin => &scope.dialect.plugin.root,
    };
    let process = &scope.contract.process;
    let remark = Remark {
        requirement: "config.relative-path",
        level: Some(Level::Should),
        // That the folder follows the session is documented; the rest of the process's basis is measured.
        evidence: scope
            .weigh(&Basis { evidence: process.evidence, source: process.source.clone() })
            .max(Evidence::Documented),
        message: format!("the path {:?} is relative", program.text),
        consequence: "a hook starts in the folder in which the session is at that moment: after a cd the file is not \
                      found, and the hook is silently off or blocks everything"
            .to_owned(),
        help: format!("write \"${{{folder}}}/{}\"", program.text.trim_start_matches("./")),
    };
    command.handler.remark(notices, &scope.dialect.keys.command, remark);
}

fn is_relative(program: &Program) -> bool {
    let text = &program.text;
    let drive = text.as_bytes().get(1) == Some(&b':') && text.starts_with(|c: char| c.is_ascii_alphabetic());
    program.is_path && !drive && !text.is_empty() && !text.starts_with(['/', '\\', '~', '$', '%', '`', '{'])
}
