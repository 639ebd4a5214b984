//! One call of the hook, from the command line to the exit code.

use std::ffi::OsString;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use crate::adapters::{self, Adapter};
use crate::args::{self, Invocation, UsageError};
use crate::bootstrap;
use crate::bootstrap::builder::{self, Own};
use crate::io::{Emitter, Intent};
use crate::state::StateLog;
use crate::stdin;

/// Things noticed on the way that are nobody's answer; they end in the log of the state directory.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    lines: Vec<String>,
    /// Text that would have gone to stderr: shown only beside a blocking error or a failure.
    stray: String,
}

impl Notes {
    /// Notes lines, if there are any.
    pub(crate) fn lines(&mut self, lines: Option<&str>) {
        self.lines.extend(lines.into_iter().map(str::to_owned));
    }

    /// Notes one line.
    pub(crate) fn add(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}

/// Runs the reference hook once, as the whole work of this process, and returns the code to exit with.
///
/// `args` are the arguments after the program's name: a platform, and optionally the event the hook is registered for.
/// The payload is read from stdin; the answer goes to stdout or stderr. A usage error is text on stderr and exit code 1,
/// never 2, since 2 would stop the host's work.
///
/// A panic is contained and answered like an unreadable payload. To keep it off stderr, the process's panic hook is
/// replaced, which is why this is no function to call in the middle of another program's work. A program that carries
/// the reference hook re-executes itself and calls this first:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     let mut args = std::env::args_os().skip(1).peekable();
///     if args.peek().is_some_and(|first| first == "reference-hook") {
///         return hookproof_reference::main_from_args(args.skip(1));
///     }
///     ExitCode::SUCCESS
/// }
/// ```
pub fn main_from_args(args: impl Iterator<Item = OsString>) -> ExitCode {
    panic::set_hook(Box::new(|_| {}));
    let args: Vec<OsString> = args.collect();
    // Where this program lies is asked before anything else: later it may have been replaced by a newer one.
    let own = Own::of_process(args.len());
    match (args.split_first(), &own) {
        (Some((first, rest)), Ok(own)) if first == builder::BUILD => return builder::build(own, rest),
        (Some((first, rest)), _) if first == builder::PART => return builder::part(rest),
        _ => {}
    }
    let mut emitter = Emitter::new(io::stdout().lock(), io::stderr().lock());
    match invocation(args.into_iter()) {
        Ok(Called { adapter, event, bootstraps }) => {
            let event = event.as_deref();
            let (intent, notes) = call(adapter, event, bootstraps.then_some(own));
            for line in notes.lines {
                emitter.diagnostic(line);
            }
            emitter.stray(&notes.stray);
            if let Err(error) = emitter.emit(intent) {
                // An intent that the emitter refuses is a defect of this crate. It must not pass for an answer.
                emitter.diagnostic(format!("failed to {error}"));
                let _ = emitter.emit(adapter.without_judgement(event, &error.to_string()));
            }
        }
        Err(error) => {
            let _ = emitter.emit(Intent::Failure(explain(&error)));
        }
    }
    ExitCode::from(emitter.finish(StateLog::from_environment().as_ref()))
}

/// What this call is to do.
struct Called {
    adapter: &'static dyn Adapter,
    event: Option<String>,
    bootstraps: bool,
}

fn invocation(args: impl Iterator<Item = OsString>) -> Result<Called, UsageError> {
    let Invocation { platform, event, bootstraps } = Invocation::parse(args)?;
    let adapter = adapters::find(&platform).ok_or(UsageError::UnknownPlatform(platform))?;
    Ok(Called { adapter, event, bootstraps })
}

fn explain(error: &UsageError) -> String {
    let usage = args::usage(&adapters::platforms().collect::<Vec<_>>());
    match error {
        UsageError::Help => usage,
        other => format!("reference-hook: failed to {other}\n\n{usage}"),
    }
}

/// Reads the payload and asks the adapter; whatever goes wrong is answered as the adapter says it must be.
/// With `bootstrap`, the start of a session prepares the index first.
fn call(adapter: &dyn Adapter, event: Option<&str>, bootstrap: Option<io::Result<Own>>) -> (Intent, Notes) {
    let mut notes = Notes::default();
    let intent = contained(adapter, event, &mut notes, |notes| {
        let payload = stdin::read_document(adapter.patience(event)).map_err(|error| error.to_string())?;
        let intent = adapter.answer(event, &payload, notes).map_err(|error| error.to_string())?;
        match bootstrap {
            Some(own) if bootstrap::answer::is_start(adapter.platform(), event, &payload) => {
                let report = bootstrap::prepare(own);
                bootstrap::answer::told(adapter.platform(), intent, &report, notes).map_err(|error| error.to_string())
            }
            _ => Ok(intent),
        }
    });
    (intent, notes)
}

/// Runs `work`; an error or a panic becomes the adapter's answer to a call that it cannot judge.
fn contained(
    adapter: &dyn Adapter,
    event: Option<&str>,
    notes: &mut Notes,
    work: impl FnOnce(&mut Notes) -> Result<Intent, String>,
) -> Intent {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(notes)));
    let why = match outcome {
        Ok(Ok(intent)) => return intent,
        Ok(Err(why)) => why,
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            notes.stray = format!("reference-hook: panicked: {text}");
            "finish: it met a defect of its own".to_owned()
        }
    };
    notes.add(format!("{}/{}: failed to {why}", adapter.platform(), event.unwrap_or("(event from the payload)")));
    adapter.without_judgement(event, &why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claude_code() -> &'static dyn Adapter {
        adapters::find("claude-code").expect("the first platform")
    }

    #[test]
    fn a_panic_fails_closed_at_a_gate_and_open_elsewhere() {
        panic::set_hook(Box::new(|_| {}));
        let mut notes = Notes::default();
        let gate = contained(claude_code(), Some("PreToolUse"), &mut notes, |_| panic!("a defect"));
        assert!(matches!(gate, Intent::BlockingError(reason) if reason.contains("a defect of its own")));
        assert_eq!(notes.stray, "reference-hook: panicked: a defect");
        let observer = contained(claude_code(), Some("SessionEnd"), &mut notes, |_| panic!("a defect"));
        assert_eq!(observer, Intent::GracefulExit);
        let _ = panic::take_hook();
    }

    #[test]
    fn an_error_is_noted_with_platform_and_event() {
        let mut notes = Notes::default();
        contained(claude_code(), Some("Stop"), &mut notes, |_| Err("read a payload".into()));
        assert_eq!(notes.lines, ["claude-code/Stop: failed to read a payload"]);
    }
}
