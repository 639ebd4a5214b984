//! Says in words why a program could not be started.

use std::ffi::{CStr, OsStr, c_int};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::child::FailedStep;
use super::program::Program;
use crate::observation::StartError;
use crate::platform::{CONTAIN_STEP, GROUP_STEP};

/// Longer first lines are cut off by the kernel, too (`BINPRM_BUF_SIZE` of Linux).
const FIRST_LINE: usize = 256;

/// The operating system's answer to a failed step, with what can be seen of the reason.
pub(crate) fn start_error(step: FailedStep, errno: i32, program: &Program) -> StartError {
    let (name, subject) = match step {
        FailedStep::CreateProcess => ("create a process", None),
        FailedStep::StartSession => ("start a session", None),
        FailedStep::EnterGroup => (GROUP_STEP, program.group.as_deref().map(path)),
        FailedStep::Contain => (CONTAIN_STEP, None),
        FailedStep::ChangeDirectory => ("change directory", program.directory.as_deref().map(path)),
        FailedStep::ConnectStreams => ("connect the streams", None),
        FailedStep::Execute => ("execute", program.arguments.first().map(|a| path(a))),
    };
    let mut message = io::Error::from_raw_os_error(errno).to_string();
    if let Some(subject) = subject {
        message = format!("`{}`: {message}", subject.display());
    }
    if step == FailedStep::Execute
        && let Some(hint) = hint(errno, program)
    {
        message = format!("{message}; {hint}");
    }
    StartError { os_error: Some(errno), step: name.into(), message }
}

fn path(text: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(text.to_bytes()))
}

/// What stands behind an exec error. Looks at the file after the fact, so it is a hint and not the reason itself.
fn hint(errno: i32, program: &Program) -> Option<String> {
    let directory = program.directory.as_deref().map_or(Path::new("."), path);
    // The file that the system looked at: the first that exists.
    let file = program.candidates.iter().map(|c| directory.join(path(c))).find(|f| f.exists());
    match (errno, file) {
        (libc::E2BIG, _) if stack_limit(program).is_some() => stack_limit(program),
        (libc::ENOENT, Some(file)) => missing_interpreter(&file),
        (libc::ENOENT, None) if program.candidates.len() > 1 => Some("it is in no folder of the child's PATH".into()),
        (libc::EACCES, Some(file)) if file.is_dir() => Some("it is a directory".into()),
        (libc::EACCES, Some(_)) => Some("the file has no execute permission for this user".into()),
        (libc::ENOEXEC, Some(file)) if file.metadata().is_ok_and(|m| m.len() == 0) => Some("the file is empty".into()),
        (libc::ENOEXEC, Some(_)) => {
            Some("it is neither a binary of this system nor a script that begins with `#!`".into())
        }
        _ => None,
    }
}

/// The kernel takes arguments and variables of at most a quarter of the stack.
fn stack_limit(program: &Program) -> Option<String> {
    let stack = program.limits.iter().find(|limit| limit.resource == libc::RLIMIT_STACK as c_int)?;
    Some(format!("a stack limit of {} bytes leaves {} for arguments and variables", stack.soft, stack.soft / 4))
}

/// The file is there, so what the system missed is the interpreter that the file asks for.
fn missing_interpreter(file: &Path) -> Option<String> {
    let mut start = [0; FIRST_LINE];
    let count = File::open(file).and_then(|mut f| f.read(&mut start)).ok()?;
    let Some(line) = start[..count].strip_prefix(b"#!") else {
        return Some("the file exists, but the loader it asks for does not".into());
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii_start();
    let interpreter = line.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let (interpreter, carriage_return) = match interpreter.strip_suffix(b"\r") {
        Some(without) => (without, true),
        None => (interpreter, false),
    };
    let shown = PathBuf::from(OsStr::from_bytes(interpreter));
    Some(if carriage_return {
        format!(
            "the file exists, but its first line ends in a carriage return, so the system looked for an interpreter \
             `{}\\r`",
            shown.display()
        )
    } else {
        format!("the file exists, but the interpreter `{}` that its first line names does not", shown.display())
    })
}
