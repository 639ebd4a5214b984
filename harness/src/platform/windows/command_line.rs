//! A command as `CreateProcessW` wants it: one line, one block of variables, one path.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::{is_cmd, same_variable};
use crate::command::{HookCommand, Invocation};
use crate::environment::lookup;
use crate::observation::StartError;

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;
const SPACE: u16 = b' ' as u16;
const TAB: u16 = b'\t' as u16;

/// All texts of one start, each ending in NUL.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) application: Vec<u16>,
    pub(super) line: Vec<u16>,
    pub(super) variables: Vec<u16>,
    pub(super) directory: Option<Vec<u16>>,
}

impl Program {
    pub(super) fn new(command: &HookCommand) -> Result<Self, StartError> {
        let variables = command.environment.resolve();
        let (name, arguments, raw) = match &command.invocation {
            Invocation::Program { program, args } => (program.as_os_str(), args.as_slice(), None),
            Invocation::Shell { shell, line } => {
                let Some((name, flags)) = shell.split_first() else {
                    return Err(invalid("there is no shell to hand the line to"));
                };
                (name.as_os_str(), flags, Some(line))
            }
        };
        if name.is_empty() {
            return Err(invalid("the name of the program is empty"));
        }
        let mut line = Vec::new();
        // The name is always quoted: it is parsed by another rule than the arguments, in which a quotation mark ends it.
        line.push(QUOTE);
        line.extend(name.encode_wide());
        line.push(QUOTE);
        for argument in arguments {
            line.push(SPACE);
            append_argument(&mut line, argument);
        }
        if let Some(script) = raw {
            line.push(SPACE);
            if is_cmd(name) {
                line.push(QUOTE);
                line.extend(script.encode_wide());
                line.push(QUOTE);
            } else {
                append_argument(&mut line, script);
            }
        }
        let path = find(name, command.cwd.as_deref(), lookup(&variables, "PATH"))?;
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("bat") || e.eq_ignore_ascii_case("cmd")) {
            return Err(StartError {
                os_error: None,
                step: "execute".into(),
                message: format!(
                    "`{}` is a batch file, which only a shell can run: name it in a line for cmd.exe",
                    path.display()
                ),
            });
        }
        Ok(Program {
            application: wide(path.as_os_str())?,
            path,
            line: terminated(line)?,
            variables: block(&variables)?,
            directory: command.cwd.as_deref().map(|d| wide(d.as_os_str())).transpose()?,
        })
    }
}

/// Finds the program: a bare name on the child's `PATH`, one with a separator from the child's working directory. As
/// `CreateProcessW` does it, `.exe` is added to a name without an extension.
fn find(name: &OsStr, directory: Option<&Path>, path: Option<&OsStr>) -> Result<PathBuf, StartError> {
    let name = Path::new(name);
    let complete = |file: PathBuf| {
        if file.extension().is_none() { file.with_extension("exe") } else { file }
    };
    let bare = name.parent().is_some_and(|p| p.as_os_str().is_empty());
    if !bare {
        // Joining an absolute path gives that path.
        let file = directory.map_or_else(|| name.to_path_buf(), |d| d.join(name));
        return Ok(if file.is_file() { file } else { complete(file) });
    }
    for folder in path.map(std::env::split_paths).into_iter().flatten().filter(|f| !f.as_os_str().is_empty()) {
        let file = complete(folder.join(name));
        if file.is_file() {
            return Ok(file);
        }
    }
    let error = io::Error::from_raw_os_error(2);
    Err(StartError {
        os_error: Some(2),
        step: "execute".into(),
        message: format!("`{}`: {error}; it is in no folder of the child's PATH", name.display()),
    })
}

/// One argument by the rules of Microsoft's C runtime, which std follows as well: quoted if it is empty or contains
/// white space; a quotation mark is escaped by a backslash, and so are the backslashes before one.
fn append_argument(line: &mut Vec<u16>, argument: &OsStr) {
    let quoted = argument.is_empty() || argument.encode_wide().any(|c| c == SPACE || c == TAB);
    if quoted {
        line.push(QUOTE);
    }
    let mut backslashes = 0;
    for unit in argument.encode_wide() {
        if unit == BACKSLASH {
            backslashes += 1;
        } else {
            if unit == QUOTE {
                line.extend(std::iter::repeat_n(BACKSLASH, backslashes + 1));
            }
            backslashes = 0;
        }
        line.push(unit);
    }
    if quoted {
        line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
        line.push(QUOTE);
    }
}

/// `name=value` after `name=value`, each ending in NUL, sorted without regard to case, and one NUL at the end.
fn block(variables: &[(OsString, OsString)]) -> Result<Vec<u16>, StartError> {
    let mut sorted: Vec<_> = variables.iter().collect();
    sorted.sort_by_key(|(name, _)| name.to_string_lossy().to_uppercase());
    sorted.dedup_by(|(left, _), (right, _)| same_variable(left, right));
    let mut block = Vec::new();
    for (name, value) in sorted {
        if name.is_empty() || name.encode_wide().any(|c| c == u16::from(b'=')) {
            return Err(invalid("the name of a variable is empty or contains `=`"));
        }
        let mut entry = name.clone();
        entry.push("=");
        entry.push(value);
        block.extend(wide(&entry)?);
    }
    if block.is_empty() {
        block.push(0);
    }
    block.push(0);
    Ok(block)
}

fn wide(text: &OsStr) -> Result<Vec<u16>, StartError> {
    terminated(text.encode_wide().collect())
}

fn terminated(mut text: Vec<u16>) -> Result<Vec<u16>, StartError> {
    if text.contains(&0) {
        let shown = OsString::from_wide(&text).to_string_lossy().replace('\0', "\\0");
        return Err(invalid(&format!("`{shown}` contains a NUL character")));
    }
    text.push(0);
    Ok(text)
}

fn invalid(message: &str) -> StartError {
    StartError { os_error: None, step: "prepare the command".into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("abc", "abc")]
    #[case::empty("", r#""""#)]
    #[case::space("a b", r#""a b""#)]
    #[case::quote(r#"a"b"#, r#"a\"b"#)]
    #[case::backslash_before_quote(r#"a\"b"#, r#"a\\\"b"#)]
    #[case::backslash_alone(r"a\b", r"a\b")]
    #[case::backslash_at_the_end_of_a_quoted_one(r"a b\", r#""a b\\""#)]
    fn arguments(#[case] argument: &str, #[case] expected: &str) {
        let mut line = Vec::new();
        append_argument(&mut line, OsStr::new(argument));
        assert_eq!(String::from_utf16_lossy(&line), expected);
    }

    #[test]
    fn a_batch_file_is_refused() {
        let command = HookCommand::new(r"C:\x\hook.CMD");
        assert!(Program::new(&command).expect_err("is refused").message.contains("batch"));
    }

    #[test]
    fn a_line_for_cmd_is_not_escaped() {
        let program = Program::new(&HookCommand::shell(r#"echo "a b" & exit 3"#)).expect("cmd.exe is on the PATH");
        let line = String::from_utf16_lossy(&program.line);
        assert_eq!(line, "\"cmd.exe\" /D /S /C \"echo \"a b\" & exit 3\"\0");
    }

    #[test]
    fn an_empty_block_ends_in_two_nulls() {
        assert_eq!(block(&[]).expect("no NUL"), [0, 0]);
    }
}
