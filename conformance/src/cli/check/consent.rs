//! What a person is asked before anything of a stranger runs.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use super::super::CliError;
use super::{CheckArguments, heavy};

/// Asks the person before a stranger's commands are run.
pub(super) fn ask(arguments: &CheckArguments, path: &Path, text: &str) -> Result<(), CliError> {
    if has_consent(arguments) {
        return Ok(());
    }
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "{text}")?;
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(format!(
            "failed to ask for consent to run the commands of {}: there is no terminal; add --yes if you trust them",
            path.display()
        )));
    }
    if agrees(&mut stderr, "Run these commands, in scratch folders, many times? [y/N] ")? {
        Ok(())
    } else {
        Err(CliError::Usage("nothing was run: consent was refused".to_owned()))
    }
}

/// Whether a `hookproof.toml` that only lies beside a command that the user has typed, or in the current directory, applies to
/// it: it may be a stranger's, and what it sets can run other programs than the one that was typed.
pub(super) fn may_apply(arguments: &CheckArguments, settings: &heavy::Settings) -> Result<bool, CliError> {
    let shown = settings.shown();
    if shown.is_empty() || has_consent(arguments) {
        return Ok(true);
    }
    let mut stderr = io::stderr().lock();
    if io::stdin().is_terminal() {
        writeln!(stderr, "{shown}")?;
        if agrees(&mut stderr, "Apply this file to the command? [y/N] ")? {
            return Ok(true);
        }
    }
    let name = settings.path().display();
    let place = if settings.is_in_current_directory() { "in the current directory" } else { "beside the hook" };
    writeln!(
        stderr,
        "hookproof: {name} is not applied: it is {place}, and was not named; add --settings {name} to apply it"
    )?;
    Ok(false)
}

/// Whether consent was given before: by `--yes`, or on a machine that nobody works at.
fn has_consent(arguments: &CheckArguments) -> bool {
    arguments.yes || std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn agrees(stderr: &mut impl Write, question: &str) -> Result<bool, CliError> {
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut answer = Vec::new();
    io::stdin().lock().take(100).read_until(b'\n', &mut answer)?;
    Ok(matches!(String::from_utf8_lossy(&answer).trim().to_lowercase().as_str(), "y" | "yes"))
}
