//! The platforms that the reference hook speaks. A new one is a file here and a line in [`ADAPTERS`].

use crate::io::{EmitError, Intent};
use crate::run::Notes;
use crate::stdin::Patience;

mod antigravity;
mod augment;
mod claude_code;
mod cline_sdk;
mod cline_tools;
mod cline_vscode;
mod codex;
mod copilot_cli;
mod crush;
mod cursor;
mod devin_cli;
mod factory_droid;
mod gemini_cli;
mod goose;
mod kiro_cli;
mod kiro_v3;
mod lenient;
mod prompt_secret;
mod qwen_code;
mod raw;
mod table;
mod vscode_copilot;
mod windsurf;

/// Every platform, in the order of the documentation.
static ADAPTERS: &[&dyn Adapter] = &[
    &claude_code::ClaudeCode,
    &codex::Codex,
    &gemini_cli::GEMINI_CLI,
    &qwen_code::QWEN_CODE,
    &cursor::CURSOR,
    &windsurf::WINDSURF,
    &crush::CRUSH,
    &copilot_cli::COPILOT_CLI,
    &vscode_copilot::VSCODE_COPILOT,
    &cline_vscode::CLINE_VSCODE,
    &cline_sdk::CLINE_SDK,
    &kiro_cli::KIRO_CLI,
    &kiro_v3::KIRO_V3,
    &factory_droid::FACTORY_DROID,
    &augment::AUGMENT,
    &goose::GOOSE,
    &antigravity::ANTIGRAVITY,
    &devin_cli::DEVIN_CLI,
    &raw::RAW,
];

/// What the rest of the crate needs to know of a platform.
pub(crate) trait Adapter: Sync {
    /// The platform's name on the command line.
    fn platform(&self) -> &'static str;

    /// The platform's events in its own spelling.
    fn events(&self) -> Vec<&'static str>;

    /// How long the payload of `event` may take to arrive.
    fn patience(&self, event: Option<&str>) -> Patience;

    /// The answer to one payload. `event` is what the command line says; the payload may say otherwise.
    ///
    /// # Errors
    ///
    /// Returns a [`PayloadError`] when the payload cannot be decoded; [`Adapter::without_judgement`] answers then.
    fn answer(&self, event: Option<&str>, payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError>;

    /// The answer when there is nothing to judge by: no payload, an unreadable one, or a defect. `why` finishes the
    /// sentence "failed to ...".
    fn without_judgement(&self, event: Option<&str>, why: &str) -> Intent;
}

/// Why a payload has no answer. Each message finishes the sentence "failed to ...".
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadError {
    /// Not JSON, or a field that a decision needs has the wrong type.
    #[error("decode the payload: {0}")]
    Undecodable(#[from] serde_json::Error),
    /// The payload names no event, and neither does the command line.
    #[error("tell the event: neither the command line nor the payload names one")]
    NoEvent,
    /// The answer could not be built.
    #[error(transparent)]
    Unanswerable(#[from] EmitError),
}

/// The adapter of a platform.
pub(crate) fn find(platform: &str) -> Option<&'static dyn Adapter> {
    ADAPTERS.iter().copied().find(|adapter| adapter.platform() == platform)
}

/// The names of the platforms that [`main_from_args`](crate::main_from_args) takes.
///
/// ```
/// assert!(hookproof_reference::platforms().any(|platform| platform == "claude-code"));
/// ```
pub fn platforms() -> impl Iterator<Item = &'static str> {
    ADAPTERS.iter().map(|adapter| adapter.platform())
}

/// The events of a platform that the reference hook answers, in the platform's own spelling; `None` for a platform
/// that it does not speak.
///
/// ```
/// let events = hookproof_reference::events("claude-code").expect("a platform it speaks");
/// assert!(events.contains(&"PreToolUse"));
/// assert_eq!(hookproof_reference::events("abacus"), None);
/// ```
pub fn events(platform: &str) -> Option<Vec<&'static str>> {
    find(platform).map(Adapter::events)
}
