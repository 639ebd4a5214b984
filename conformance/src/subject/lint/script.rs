//! The script of a command, where it is there to be looked at: `config.not-executable`, `config.crlf-shebang`,
//! `config.interpreter-missing`; and commands that must be scripts: `config.inline-command`.

use std::path::{Path, PathBuf};

use crate::contract::{Evidence, Scripts, StartsIn};
use crate::requirement::Level;
use crate::subject::executable;
use crate::subject::host::Host;
use crate::subject::notice::{Notices, Remark};
use crate::subject::program;
use crate::subject::shebang::Shebang;
use crate::subject::sheet::{Command, Form, Scope};

/// Looks at the script that a command starts by itself. One that an interpreter is given needs none of this.
pub(crate) fn check(command: &Command<'_>, notices: &mut Notices) {
    let found = match &command.form {
        Form::Shell(line) => {
            let (program, moved) = program::of_line(line);
            program.filter(|_| !moved)
        }
        Form::OtherShell(_) => None,
        Form::Exec(args) => program::of_words(&[&[command.text], args.as_slice()].concat()),
    };
    let scope = command.handler.scope();
    let folder = command.handler.group.sheet.source.path.parent();
    // Where the handler names its folder itself, a relative path is not looked for elsewhere.
    let moved = scope.dialect.keys.folder.as_ref().is_some_and(|key| command.handler.get(key).is_some());
    let certain = |text: &str| !moved || text.starts_with(['/', '$']);
    let path = found
        .filter(|found| found.is_path && found.itself && certain(&found.text))
        .and_then(|found| place(scope, folder, &found.text));
    let otherwise = ", or name its interpreter in the command";
    let begins = match &command.form {
        Form::Shell(line) => program::begins(line).is_some(),
        Form::OtherShell(_) | Form::Exec(_) => false,
    };
    for remark in path.map_or_else(Vec::new, |path| remarks(scope, &path, begins, otherwise)) {
        command.handler.remark(notices, command.key, remark);
    }
}

/// Looks at a command where only paths of scripts are accepted.
pub(crate) fn inline(command: &Command<'_>, notices: &mut Notices) {
    let scope = command.handler.scope();
    let Some(scripts) = scope.dialect.scripts.as_ref().filter(|scripts| scripts.path_only) else {
        return;
    };
    let endings = &scripts.endings;
    if endings.iter().any(|ending| command.text.ends_with(ending.as_str())) {
        return;
    }
    let remark = Remark {
        requirement: "config.inline-command",
        level: Some(Level::Must),
        evidence: scope.weigh(&scripts.basis()),
        message: format!("the command is no path of a script ({})", endings.join(", ")),
        consequence: format!(
            "{} does not run it: neither arguments nor lines for a shell are accepted",
            scope.platform()
        ),
        help: format!("put the line into an executable file that ends with {}, and give its path", endings[0]),
    };
    command.handler.remark(notices, command.key, remark);
}

/// What is to be said of a script that is started by itself. `begins`: whether the command begins with it; `otherwise`
/// says what else than a permission would do.
pub(crate) fn remarks(scope: &Scope<'_>, path: &Path, begins: bool, otherwise: &str) -> Vec<Remark> {
    if scope.host == Host::Windows || !path.is_file() {
        return Vec::new();
    }
    let scripts = scope.dialect.scripts.as_ref();
    let needs_permission = scripts.is_none_or(|scripts| scripts.executable && !(scripts.makes_executable && begins));
    // What the system itself does with a file is documented by POSIX; what a platform does in its stead is the table's.
    let evidence = scripts.map_or(Evidence::Documented, |scripts| scope.weigh(&Scripts::basis(scripts)));
    let remark = |requirement, level, message, consequence, help: String| Remark {
        requirement,
        level: Some(level),
        evidence: evidence.clamp(Evidence::Documented, Evidence::Unconfirmed),
        message,
        consequence,
        help,
    };
    let shown = path.display();
    let mut found = Vec::new();
    if needs_permission && !executable::may_run(path) {
        found.push(remark(
            "config.not-executable",
            Level::Must,
            format!("{shown} may not be executed"),
            "the hook does not start, and its policy is off".to_owned(),
            format!("run chmod +x {shown}{otherwise}"),
        ));
    }
    let Some(shebang) = Shebang::of(path) else {
        return found;
    };
    if shebang.carriage_return && !scripts.is_some_and(|scripts| scripts.forgives_crlf) {
        found.push(remark(
            "config.crlf-shebang",
            Level::Must,
            format!("the first line of {shown} ends with a carriage return"),
            format!("the system looks for an interpreter named {:?}, and the hook does not start", shebang.last_word()),
            "save the script with line ends of Unix (LF)".to_owned(),
        ));
    } else if !shebang.is_there(!needs_permission) {
        found.push(remark(
            "config.interpreter-missing",
            Level::Should,
            format!("{shown} wants the interpreter {:?}", shebang.interpreter()),
            "it is not on this machine, so that the hook does not start here".to_owned(),
            "install it, or name one that is there".to_owned(),
        ));
    }
    found
}

/// The file that a command names, if that can be told without running anything.
fn place(scope: &Scope<'_>, folder: Option<&Path>, text: &str) -> Option<PathBuf> {
    let dialect = scope.dialect;
    if let Some(rest) = text.strip_prefix('$') {
        let braced = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (name, rest) = braced.or_else(|| Some((rest.split('/').next()?, rest.split_once('/')?.1)))?;
        let of_plugin = dialect.plugin.iter().flat_map(|plugin| plugin.root.iter().chain(&plugin.also_root));
        let root = if dialect.project.as_ref().is_some_and(|project| project.roots().any(|root| root == name)) {
            scope.project.as_ref()?
        } else if of_plugin.into_iter().any(|root| root == name) {
            scope.plugin.as_ref()?
        } else {
            return None;
        };
        let rest = rest.trim_start_matches('/');
        return (!rest.contains('$')).then(|| root.join(rest));
    }
    if text.contains(['$', '`', '~', '*']) {
        return None;
    }
    let path = Path::new(text);
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    match scope.starts_in() {
        StartsIn::Plugin => Some(scope.plugin.as_ref()?.join(path)),
        StartsIn::Project | StartsIn::Session => Some(scope.project.as_ref()?.join(path)),
        StartsIn::ConfigFolder => Some(folder?.join(path)),
        StartsIn::Home | StartsIn::Unknown => None,
    }
}
