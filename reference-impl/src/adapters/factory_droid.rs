//! Factory Droid: 9 events, with Claude Code's answers and tools of its own.
//!
//! Written from the vendor's reference of hooks (July 2026) and published observations. Nothing of it was measured here.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::PayloadError;
use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Does, Handler, Table, UNREADABLE};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static FACTORY_DROID: Table = Table { platform: "factory-droid", event_of, events: EVENTS, unjudged };

/// Every event, in the order of the reference.
const EVENTS: &[(&str, Handler)] = &[
    ("PreToolUse", pre_tool_use),
    ("PostToolUse", table::silent::<FinishedCall>),
    ("Notification", table::silent::<Notification>),
    ("UserPromptSubmit", user_prompt_submit),
    // The payload holds no message of the agent, so nothing says that work is unfinished.
    ("Stop", table::silent::<Stop>),
    ("SubagentStop", table::silent::<Stop>),
    ("PreCompact", table::silent::<PreCompact>),
    ("SessionStart", session_start),
    ("SessionEnd", table::silent::<SessionEnd>),
];

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    hook_event_name: Text,
}

/// A tool call before it runs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    cwd: Text,
    /// What decides which rules apply, so it must be text if it is there.
    tool_name: Option<String>,
    tool_input: Raw,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FinishedCall {
    tool_name: Text,
    tool_input: Raw,
    /// Text for `Task`, an object for the others.
    tool_response: Raw,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Notification {
    message: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompt {
    cwd: Text,
    prompt: Option<String>,
}

/// `Stop`, `SubagentStop`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stop {
    stop_hook_active: Lenient<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PreCompact {
    trigger: Text,
    custom_instructions: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionStart {
    cwd: Text,
    source: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionEnd {
    reason: Text,
}

/// A refused prompt.
#[derive(Serialize)]
struct Block<'a> {
    decision: &'static str,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    hook_specific_output: Specific<'a>,
}

/// `hookSpecificOutput`; the tag makes it impossible to forget or to misspell the event's name.
#[derive(Serialize)]
#[serde(tag = "hookEventName", rename_all_fields = "camelCase")]
enum Specific<'a> {
    PreToolUse { permission_decision: &'static str, permission_decision_reason: &'a str },
    UserPromptSubmit { additional_context: &'a str },
    SessionStart { additional_context: &'a str },
}

fn event_of(payload: &str) -> Option<String> {
    serde_json::from_str::<Named>(payload).ok()?.hook_event_name.0
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    match refusal(&table::decode(payload)?) {
        Some(reason) => deny(&reason, notes),
        None => Ok(Intent::GracefulExit),
    }
}

fn deny(reason: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    notes.add(format!("factory-droid/PreToolUse: {reason}"));
    let specific = Specific::PreToolUse { permission_decision: "deny", permission_decision_reason: reason };
    table::refuse(&Output { hook_specific_output: specific }, reason.to_owned())
}

/// Why a call is refused. Tools of MCP servers are not judged.
fn refusal(call: &ToolCall) -> Option<String> {
    let Some(tool) = call.tool_name.as_deref() else {
        return Some(UNREADABLE.to_owned());
    };
    let input = call.tool_input.as_deref();
    let folder = call.cwd.get().map(String::as_str);
    match tool {
        "Execute" => table::tool_call(Does::Run("command"), input, folder),
        "Create" | "Edit" => table::tool_call(Does::Change("file_path"), input, folder),
        "ApplyPatch" => patch(input?, folder),
        _ => None,
    }
}

/// How the lines of a patch begin that name a file.
const PATCHED: &[&str] = &["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "];

/// Why a patch is refused: because of the first file that must not be written.
fn patch(input: &RawValue, folder: Option<&str>) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Arguments {
        input: Option<String>,
    }
    let Ok(arguments) = serde_json::from_str::<Arguments>(input.get()) else {
        return Some(UNREADABLE.to_owned());
    };
    arguments
        .input?
        .lines()
        .filter_map(|line| PATCHED.iter().find_map(|begin| line.strip_prefix(begin)))
        .find_map(|path| table::file(path.trim(), folder))
}

fn user_prompt_submit(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input: Prompt = table::decode(payload)?;
    let Some(secret) = input.prompt.as_deref().and_then(guard::secret) else {
        let text = guard::notice::for_prompt(input.cwd.get().map(String::as_str));
        return table::context(&Output {
            hook_specific_output: Specific::UserPromptSubmit { additional_context: &text },
        });
    };
    let reason = format!(
        "The prompt holds {}, which would be stored and sent on. Take it out, name a file or an environment variable \
         instead, and replace the secret if it has been shown anywhere before.",
        secret.name()
    );
    notes.add("factory-droid/UserPromptSubmit: a prompt with a secret was stopped");
    table::refuse(&Block { decision: "block", reason: &reason }, reason.clone())
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let input: SessionStart = table::decode(payload)?;
    let text = guard::notice::for_session(input.cwd.get().map(String::as_str));
    table::context(&Output { hook_specific_output: Specific::SessionStart { additional_context: &text } })
}

fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        Some("PreToolUse") => Intent::BlockingError(table::unjudged(why)),
        _ => Intent::GracefulExit,
    }
}

#[cfg(test)]
mod tests;
