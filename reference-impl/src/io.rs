//! The emitter: the one owner of stdout, stderr and the exit code.
//!
//! Nothing else in this crate writes to a stream. Code that has something to say returns an [`Intent`] or leaves a
//! diagnostic; which stream and which exit code that means is decided here, once, at the end:
//!
//! | intent | stdout | stderr | exit code |
//! |---|---|---|---|
//! | graceful exit | nothing | nothing | 0 |
//! | model context, user hint | one JSON document | nothing | 0 |
//! | decision | one JSON document | nothing | 0 |
//! | result line | one line | nothing | 0 |
//! | blocking error | nothing | the reason, then stray text | 2 |
//! | failure | nothing | the reason, then stray text | 1 |
//!
//! Diagnostics go to the log of the state directory if there is one, and nowhere otherwise. A host reads stdout as the
//! answer and may show stderr to a person or a model, so a diagnostic on either would be noise or worse.

use std::io::{self, Write};

use serde::Serialize;

use crate::state::StateLog;

/// Stray text beyond this many bytes is dropped: it explains a failure, it does not archive it.
const STRAY_LIMIT: usize = 16 * 1024;

/// One JSON object on one line, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document(String);

impl Document {
    /// Serialises `value`, which must come out as a JSON object, since hosts take no other document as an answer.
    ///
    /// # Errors
    ///
    /// Returns [`EmitError::NotAnObject`] for any other JSON value and [`EmitError::NotJson`] if `value` has no JSON form.
    pub(crate) fn new(value: &impl Serialize) -> Result<Self, EmitError> {
        let text = serde_json::to_string(value).map_err(EmitError::NotJson)?;
        if text.starts_with('{') { Ok(Self(text)) } else { Err(EmitError::NotAnObject) }
    }

    /// The same document changed; what is no object any more is refused.
    ///
    /// # Errors
    ///
    /// Returns an [`EmitError`] if what has come of it is no JSON object.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut serde_json::Value)) -> Result<Self, EmitError> {
        let mut value = serde_json::from_str(&self.0).map_err(EmitError::NotJson)?;
        change(&mut value);
        Self::new(&value)
    }

    /// The document's text, without a line end.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a call of the hook wants to say. There is exactly one a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Nothing: the hook has no opinion.
    GracefulExit,
    /// Text for the model, in the platform's own document.
    ModelContext(Document),
    /// Text for the person, in the platform's own document.
    UserHint(Document),
    /// A decision against what is about to happen, with the reason that takes its place if stdout cannot be written.
    Decision {
        /// The platform's own document.
        document: Document,
        /// Why, in words for whoever was stopped.
        reason: String,
    },
    /// A bare line, where a platform asks for one instead of JSON.
    ResultLine(String),
    /// Stops what is about to happen by exit code; the reason goes to stderr.
    BlockingError(String),
    /// The hook could not do its work; the reason goes to stderr and nothing is stopped by it.
    Failure(String),
}

impl Intent {
    fn name(&self) -> &'static str {
        match self {
            Self::GracefulExit => "a graceful exit",
            Self::ModelContext(_) => "model context",
            Self::UserHint(_) => "a user hint",
            Self::Decision { .. } => "a decision",
            Self::ResultLine(_) => "a result line",
            Self::BlockingError(_) => "a blocking error",
            Self::Failure(_) => "a failure",
        }
    }
}

/// Why an intent cannot be accepted. Each message finishes the sentence "failed to ...".
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmitError {
    /// The call has spoken already.
    #[error("emit {second}: {first} was emitted before, and a hook answers once")]
    Twice {
        /// What was emitted first, and stays.
        first: &'static str,
        /// What was refused.
        second: &'static str,
    },
    /// A reason without words helps nobody.
    #[error("emit {0}: its reason is blank")]
    BlankReason(&'static str),
    /// A result line with a line break would be read as two.
    #[error("emit a result line: it holds a control character")]
    BrokenLine,
    /// The value is JSON, but not an object.
    #[error("build an answer: it is not a JSON object")]
    NotAnObject,
    /// The value has no JSON form.
    #[error("build an answer: {0}")]
    NotJson(serde_json::Error),
}

/// Collects one intent, diagnostics and stray text, and writes them out at the end.
#[derive(Debug)]
pub(crate) struct Emitter<O, E> {
    stdout: O,
    stderr: E,
    intent: Option<Intent>,
    diagnostics: Vec<String>,
    stray: Vec<u8>,
}

impl<O: Write, E: Write> Emitter<O, E> {
    /// An emitter over the two streams, which it alone may write to from now on.
    pub(crate) fn new(stdout: O, stderr: E) -> Self {
        Self { stdout, stderr, intent: None, diagnostics: Vec::new(), stray: Vec::new() }
    }

    /// Notes something for the log of the state directory.
    pub(crate) fn diagnostic(&mut self, line: impl Into<String>) {
        self.diagnostics.push(line.into());
    }

    /// Takes text that something meant for stderr. It is shown only beside a blocking error or a failure.
    pub(crate) fn stray(&mut self, text: &str) {
        let room = STRAY_LIMIT.saturating_sub(self.stray.len());
        let mut end = room.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.stray.extend_from_slice(&text.as_bytes()[..end]);
    }

    /// Accepts the one intent of this call. Nothing is written before [`Emitter::finish`].
    ///
    /// # Errors
    ///
    /// Refuses a second intent, a blank reason and a result line with a control character; the emitter is unchanged then.
    pub(crate) fn emit(&mut self, intent: Intent) -> Result<(), EmitError> {
        if let Some(first) = &self.intent {
            return Err(EmitError::Twice { first: first.name(), second: intent.name() });
        }
        match &intent {
            Intent::Decision { reason, .. } | Intent::BlockingError(reason) | Intent::Failure(reason)
                if reason.trim().is_empty() =>
            {
                return Err(EmitError::BlankReason(intent.name()));
            }
            Intent::ResultLine(line) if line.is_empty() || line.chars().any(char::is_control) => {
                return Err(EmitError::BrokenLine);
            }
            _ => {}
        }
        self.intent = Some(intent);
        Ok(())
    }

    /// Writes everything out and returns the exit code. No intent means a graceful exit.
    pub(crate) fn finish(mut self, log: Option<&StateLog>) -> u8 {
        let code = match self.intent.take().unwrap_or(Intent::GracefulExit) {
            Intent::GracefulExit => 0,
            Intent::ModelContext(Document(text)) | Intent::UserHint(Document(text)) | Intent::ResultLine(text) => {
                match self.answer(text) {
                    Ok(()) => 0,
                    Err(error) => self.unheard(&error),
                }
            }
            Intent::Decision { document, reason } => match self.answer(document.0) {
                Ok(()) => 0,
                // A refusal must not get lost with the stream that should have carried it: the exit code can still say it.
                Err(error) => {
                    self.diagnostic(format!("failed to write the decision: {error}"));
                    self.complain(&reason);
                    2
                }
            },
            Intent::BlockingError(reason) => {
                self.complain(&reason);
                2
            }
            Intent::Failure(reason) => {
                self.complain(&reason);
                1
            }
        };
        if let Some(log) = log {
            // The log is a convenience; a hook that failed because its log could not be written would be a worse hook.
            let _ = log.append(&self.diagnostics);
        }
        code
    }

    /// Writes the answer and its line end in one go, so that no reader ever sees half of it with a pause in between.
    fn answer(&mut self, mut text: String) -> io::Result<()> {
        text.push('\n');
        self.stdout.write_all(text.as_bytes())?;
        self.stdout.flush()
    }

    /// The exit code when an answer that stops nothing could not be written.
    fn unheard(&mut self, error: &io::Error) -> u8 {
        self.diagnostic(format!("failed to write the answer: {error}"));
        if error.kind() == io::ErrorKind::BrokenPipe {
            // The reader has gone; there is nobody left to tell.
            return 0;
        }
        self.complain(&format!("reference-hook: failed to write the answer: {error}"));
        1
    }

    /// Writes the reason first, since hosts show the first line, then what was held back.
    fn complain(&mut self, reason: &str) {
        let mut text = reason.trim_end().as_bytes().to_vec();
        text.push(b'\n');
        if !self.stray.is_empty() {
            text.append(&mut self.stray);
            if text.last() != Some(&b'\n') {
                text.push(b'\n');
            }
        }
        // With stderr gone as well, the exit code is all that is left to say, and it is said by the caller.
        let _ = self.stderr.write_all(&text).and_then(|()| self.stderr.flush());
    }
}

#[cfg(test)]
mod tests;
