//! What lints of a command line look at, wherever the line stands: in a configuration, or behind `--`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use hookproof_harness::Invocation;

use crate::contract::{Contract, Event};
use crate::requirement::Level;
use crate::subject::Subject;
use crate::subject::host::Host;
use crate::subject::notice::{ConfigNotice, Notices, Remark};
use crate::subject::program::is_shell;
use crate::subject::sheet::{Command, Form};
use crate::subject::shell_line::ShellLine;

/// A line for a shell.
pub(crate) struct Line<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) event: Option<&'a Event>,
    /// The line.
    pub(crate) text: &'a str,
    /// The line, taken apart.
    pub(crate) parts: &'a ShellLine,
    /// Variables that the configuration sets, and placeholders that exist here.
    pub(crate) set: BTreeSet<&'a str>,
    /// Whether a shell of the POSIX family reads the line, on every system on which the configuration is used.
    pub(crate) posix_everywhere: bool,
}

const OF_LINES: &[fn(&Line<'_>) -> Vec<Remark>] =
    &[super::variable::check, super::template::in_line, super::other_shell::check, super::backslash::check];

/// Looks at a handler's command.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let scope = command.handler.scope();
    match &command.form {
        Form::Shell(parts) if is_posix(scope.host.shell(&scope.contract.process)) => {
            let own = command.environment();
            let line = Line {
                contract: scope.contract,
                event: Some(command.handler.group.event),
                text: command.text,
                parts,
                set: scope
                    .variables
                    .keys()
                    .chain(scope.environment.keys())
                    .chain(own.keys())
                    .chain(&scope.given)
                    .map(String::as_str)
                    .collect(),
                posix_everywhere: is_posix(Host::Windows.shell(&scope.contract.process)),
            };
            for remark in of_line(&line) {
                command.handler.remark(notices, command.key, remark);
            }
        }
        Form::Exec(args) => {
            let key = scope.dialect.keys.args.as_deref().unwrap_or("args");
            let texts = std::iter::once((command.key, command.text)).chain(args.iter().map(|arg| (key, *arg)));
            for (key, text) in texts {
                for remark in super::template::in_word(scope.contract, Some(command.handler.group.event), text) {
                    command.handler.remark(notices, key, remark);
                }
            }
        }
        Form::Shell(_) | Form::OtherShell(_) => {}
    }
}

/// What is to be said of a line.
pub(crate) fn of_line(line: &Line<'_>) -> Vec<Remark> {
    OF_LINES.iter().flat_map(|lint| lint(line)).collect()
}

fn is_posix(shell: &[String]) -> bool {
    shell.first().is_some_and(|program| is_shell(program))
}

impl Line<'_> {
    /// The level of a spelling that is another shell's: on a platform that runs one on Windows it may be right there.
    pub(crate) fn level(&self, level: Level) -> Level {
        if self.posix_everywhere { level } else { level.min(Level::Should) }
    }

    /// How placeholders for options of plugins begin.
    pub(crate) fn options_prefix(&self) -> Option<&str> {
        let plugin = self.contract.config.as_ref()?.plugin.as_ref()?;
        plugin.options.as_ref().map(|options| options.prefix.as_str())
    }

    /// Where the value is that a name was meant for, as advice.
    pub(crate) fn remedy(&self, name: &str) -> String {
        remedy(self.contract, self.event, name)
    }
}

/// Where on stdin the value is that a name was meant for, as advice.
pub(crate) fn remedy(contract: &Contract, event: Option<&Event>, name: &str) -> String {
    let platform = &contract.platform;
    let is_folder = ["_DIR", "_ROOT", "_CWD", "Folder", "Root"].iter().any(|ending| name.ends_with(ending));
    match (contract.field_meant_by(name, event), &platform.folder_field, event) {
        (Some(field), _, _) => format!("read `{field}` from the JSON on stdin"),
        (None, Some(folder), _) if is_folder => {
            format!("read the directory from `{folder}` of the JSON on stdin, or use an absolute path")
        }
        (None, _, Some(event)) => format!(
            "read it from the JSON on stdin; `hookproof schema {} {} --input` shows the fields",
            platform.id, event.name
        ),
        (None, _, None) => {
            format!("read it from the JSON on stdin; `hookproof schema {} EVENT --input` shows the fields", platform.id)
        }
    }
}

/// What is to be said of the line that a subject from a command line gives a shell: `sh -c '...'`.
pub(crate) fn of_subject(
    contract: &Contract,
    event: Option<&Event>,
    subject: &Subject,
    given: &BTreeSet<String>,
) -> Vec<ConfigNotice> {
    let Invocation::Program { program, args } = &subject.invocation else { return Vec::new() };
    if !is_shell(&program.to_string_lossy()) {
        return Vec::new();
    }
    let is_flag = |arg: &&OsString| {
        arg.to_str().is_some_and(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('c'))
    };
    let script = args.iter().skip_while(|arg| !is_flag(arg)).nth(1);
    let Some(text) = script.and_then(|script| script.to_str()) else { return Vec::new() };
    let parts = ShellLine::read(text);
    let line = Line {
        contract,
        event,
        text,
        parts: &parts,
        set: given.iter().map(String::as_str).collect(),
        posix_everywhere: true,
    };
    let notice = |remark: Remark| ConfigNotice {
        requirement: remark.requirement.to_owned(),
        level: remark.level,
        evidence: remark.evidence,
        message: remark.message,
        consequence: remark.consequence,
        help: remark.help,
        file: PathBuf::from("command line"),
        line: 1,
        column: 1,
        excerpt: text.lines().next().unwrap_or_default().to_owned(),
    };
    of_line(&line).into_iter().map(notice).collect()
}
