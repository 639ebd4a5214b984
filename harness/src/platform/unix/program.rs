//! A command as `execve` wants it.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::cage::CageOrders;
use super::child::{ChildLimit, MOST_LIMITS};
use super::limits::Keeper;
use crate::command::{HookCommand, Invocation};
use crate::environment::lookup;
use crate::observation::StartError;

/// Where programs are searched when the child has no `PATH`: the order of the C library's own default.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// All strings of one start, each ending in NUL.
#[derive(Debug)]
pub(crate) struct Program {
    /// Paths to try, in order. More than one only for a bare name.
    pub(crate) candidates: Vec<CString>,
    pub(crate) arguments: Vec<CString>,
    pub(crate) variables: Vec<CString>,
    /// `None` to stay in the directory of the process that starts the program.
    pub(crate) directory: Option<CString>,
    /// File of the control group that it is to be in.
    pub(crate) group: Option<CString>,
    /// What it sets itself before it begins; at most [`MOST_LIMITS`].
    pub(crate) limits: Vec<ChildLimit>,
    /// Whether it is to be seen that it begins.
    pub(crate) traced: bool,
    /// What holds it to its sandbox.
    pub(crate) cage: CageOrders,
}

impl Program {
    /// Takes a command apart. The current directory is asked for here if the command names none, because a helper
    /// process may be somewhere else.
    pub(crate) fn new(command: &HookCommand) -> Result<Self, StartError> {
        let (name, mut arguments) = match &command.invocation {
            Invocation::Program { program, args } => (program.as_os_str(), args.iter().collect()),
            Invocation::Shell { shell, line } => {
                let Some((name, flags)) = shell.split_first() else {
                    return Err(invalid("there is no shell to hand the line to"));
                };
                (name.as_os_str(), flags.iter().chain([line]).collect::<Vec<_>>())
            }
        };
        if name.is_empty() {
            return Err(invalid("the name of the program is empty"));
        }
        let variables = command.environment.resolve();
        let candidates = candidates(name, lookup(&variables, "PATH"))?;
        let name = name.to_os_string();
        arguments.insert(0, &name);
        let directory = match &command.cwd {
            Some(directory) => Some(directory.clone()),
            None => std::env::current_dir().ok(),
        };
        Ok(Program {
            candidates,
            arguments: arguments.into_iter().map(|a| c_string(a.clone(), "an argument")).collect::<Result<_, _>>()?,
            variables: variables.into_iter().map(variable).collect::<Result<_, _>>()?,
            directory: directory.map(|d| c_string(d.into(), "the working directory")).transpose()?,
            group: None,
            limits: Vec::new(),
            traced: false,
            cage: CageOrders::default(),
        })
    }

    /// Sets what keeps it to its limits.
    pub(crate) fn keep_to(&mut self, keeper: &Keeper) {
        self.group = keeper.group_file();
        self.limits = keeper.child_limits();
        self.traced = keeper.may_prevent_loading();
    }

    /// The limits as a child wants them, and their number.
    pub(crate) fn limits(&self) -> ([ChildLimit; MOST_LIMITS], usize) {
        let mut limits = [ChildLimit { resource: 0, soft: 0, hard: 0 }; MOST_LIMITS];
        for (place, limit) in limits.iter_mut().zip(&self.limits) {
            *place = *limit;
        }
        (limits, self.limits.len().min(MOST_LIMITS))
    }

    /// Its name, for people.
    pub(crate) fn name(&self) -> String {
        self.arguments.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// A name with a slash is a path; a bare one is looked for in each folder of the child's `PATH`, as `execvp` does it
/// (an empty entry is the working directory).
fn candidates(name: &OsStr, path: Option<&OsStr>) -> Result<Vec<CString>, StartError> {
    const WHAT: &str = "the name of the program";
    if name.as_bytes().contains(&b'/') {
        return Ok(vec![c_string(name.to_os_string(), WHAT)?]);
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let in_folder = |folder: &[u8]| {
        let folder = if folder.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(folder) };
        c_string(Path::new(folder).join(name).into_os_string(), WHAT)
    };
    path.as_bytes().split(|byte| *byte == b':').map(in_folder).collect()
}

fn variable((name, value): (OsString, OsString)) -> Result<CString, StartError> {
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        return Err(invalid("the name of a variable is empty or contains `=`"));
    }
    let mut entry = name.into_vec();
    entry.push(b'=');
    entry.extend_from_slice(value.as_bytes());
    c_string(OsString::from_vec(entry), "a variable")
}

fn c_string(text: OsString, what: &str) -> Result<CString, StartError> {
    CString::new(text.into_vec()).map_err(|_| invalid(&format!("{what} contains a NUL character")))
}

fn invalid(message: &str) -> StartError {
    StartError { os_error: None, step: "prepare the command".into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::absolute("/bin/x", Some("/a"), &["/bin/x"])]
    #[case::relative("./x", Some("/a"), &["./x"])]
    #[case::searched("x", Some("/a:/b"), &["/a/x", "/b/x"])]
    #[case::empty_entry("x", Some("/a:"), &["/a/x", "./x"])]
    #[case::no_path("x", None, &["/bin/x", "/usr/bin/x"])]
    fn where_a_program_is_looked_for(#[case] name: &str, #[case] path: Option<&str>, #[case] expected: &[&str]) {
        let found = candidates(OsStr::new(name), path.map(OsStr::new)).expect("no NUL");
        let found: Vec<_> = found.iter().map(|c| c.to_str().expect("UTF-8")).collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::nul(HookCommand::new("x").arg("a\0b"), "NUL")]
    #[case::nameless(HookCommand::new(""), "empty")]
    #[case::shell_less(
        HookCommand::from_invocation(Invocation::Shell { shell: vec![], line: "true".into() }), "no shell"
    )]
    #[case::odd_variable(HookCommand::new("x").env("A=B", "c"), "variable")]
    fn a_command_that_no_system_can_run(#[case] command: HookCommand, #[case] expected: &str) {
        let error = Program::new(&command).expect_err("is refused");
        assert!(error.message.contains(expected), "{error}");
        assert_eq!(error.os_error, None);
    }
}
