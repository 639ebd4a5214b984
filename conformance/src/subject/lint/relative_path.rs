//! `config.relative-path`: a program or script that is found only as long as nobody changes the folder.

use super::placeholder::quotes_itself;
use crate::contract::{Basis, Evidence, Scripts, StartsIn};
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
    // Without the backslashes that the shell takes away it is another path, of which another lint speaks.
    if command.text.contains('\\') && !command.text.contains(&program.text) {
        return;
    }
    let scope = command.handler.scope();
    if scope.dialect.keys.folder.as_ref().is_some_and(|key| command.handler.get(key).is_some()) {
        // The handler names its folder itself.
        return;
    }
    let process = &scope.contract.process;
    let process = Basis { evidence: process.evidence, source: process.source.clone() };
    let scripts = scope.dialect.scripts.as_ref();
    let (basis, consequence) = match scope.starts_in() {
        // The same folder each time: the path leads to the same file.
        StartsIn::Project | StartsIn::ConfigFolder | StartsIn::Plugin => return,
        StartsIn::Session => (
            process,
            "a hook starts in the folder in which the session is at that moment: after a cd the file is not found, and \
             the hook is silently off or blocks everything",
        ),
        StartsIn::Home => (
            scripts.map_or(process, Scripts::basis),
            "a hook starts in the home folder and not in the project: the file is not found, and the hook is off without \
             a word",
        ),
        StartsIn::Unknown => (
            Basis { evidence: Evidence::Unconfirmed, source: Vec::new() },
            "in which folder a hook starts is not known: where it is another one, the file is not found",
        ),
    };
    let folder = match scope.home {
        Home::Settings => scope.dialect.project.as_ref().map(|project| &project.root),
        Home::Plugin => scope.dialect.plugin.as_ref().and_then(|plugin| plugin.root.as_ref()),
    };
    // A variable that only a shell replaces helps only where one runs.
    let shell = matches!(command.form, Form::Shell(_));
    let folder = folder.filter(|folder| shell || scope.replaces(folder));
    let file = program.text.trim_start_matches("./");
    let remark = Remark {
        requirement: "config.relative-path",
        level: Some(Level::Should),
        // That the folder follows the session is documented; the rest of the process's basis is measured.
        evidence: scope.weigh(&basis).max(Evidence::Documented),
        message: format!("the path {:?} is relative", program.text),
        consequence: consequence.to_owned(),
        help: match folder {
            Some(folder) if quotes_itself(scope) => format!("write ${folder}/{file}"),
            Some(folder) => format!("write \"${{{folder}}}/{file}\""),
            None => "write the path from the root of the file system on".to_owned(),
        },
    };
    command.handler.remark(notices, command.key, remark);
}

fn is_relative(program: &Program) -> bool {
    let text = &program.text;
    let drive = text.as_bytes().get(1) == Some(&b':') && text.starts_with(|c: char| c.is_ascii_alphabetic());
    program.is_path && !drive && !text.is_empty() && !text.starts_with(['/', '\\', '~', '$', '%', '`', '{'])
}
