//! Gemini CLI: 11 events. It reads JSON at any exit code, takes plain text of exit code 2 and above for a refusal, and
//! looks at stderr where stdout is blank; so nothing is ever written that is not meant.
//!
//! Written from the source of the public repository (main, August 2026), its reference of hooks, and measurements of
//! 0.61.0. Where they disagree, what was measured holds.

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
pub(super) static GEMINI_CLI: Table = Table { platform: "gemini-cli", event_of, events: EVENTS, unjudged };

/// Every event, in the order of the reference.
const EVENTS: &[(&str, Handler)] = &[
    ("BeforeTool", before_tool),
    ("AfterTool", table::silent::<FinishedCall>),
    ("BeforeAgent", before_agent),
    ("AfterAgent", after_agent),
    // What goes to the model has passed BeforeAgent and BeforeTool; a second opinion on it would only be another one.
    ("BeforeModel", table::silent::<ModelCall>),
    ("BeforeToolSelection", table::silent::<ModelCall>),
    ("AfterModel", table::silent::<ModelCall>),
    ("SessionStart", session_start),
    ("SessionEnd", table::silent::<SessionEnd>),
    ("Notification", table::silent::<Notification>),
    ("PreCompress", table::silent::<PreCompress>),
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
    mcp_context: Lenient<McpContext>,
    original_request_name: Text,
}

#[derive(Deserialize)]
struct McpContext {
    server_name: String,
    tool_name: String,
}

/// Where a shell command runs, if not in the session's folder.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ShellPlace {
    dir_path: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FinishedCall {
    tool_name: Text,
    tool_input: Raw,
    tool_response: Raw,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BeforeAgent {
    cwd: Text,
    prompt: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AfterAgent {
    prompt: Text,
    prompt_response: Text,
    /// A value that is no boolean counts as true: there is no small limit to the rounds, and a doubt must not start them.
    stop_hook_active: Raw,
}

/// `BeforeModel`, `BeforeToolSelection`, `AfterModel`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ModelCall {
    llm_request: Raw,
    llm_response: Raw,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Notification {
    notification_type: Text,
    message: Text,
    details: Raw,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PreCompress {
    trigger: Text,
}

/// A refusal, the same at every event that takes one: the top level decides, whatever `hookSpecificOutput` says.
#[derive(Serialize)]
struct Deny<'a> {
    decision: &'static str,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    hook_specific_output: Specific<'a>,
}

#[derive(Serialize)]
#[serde(tag = "hookEventName", rename_all_fields = "camelCase")]
enum Specific<'a> {
    BeforeAgent { additional_context: &'a str },
    SessionStart { additional_context: &'a str },
}

fn deny(event: &str, reason: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    notes.add(format!("gemini-cli/{event}: {reason}"));
    table::refuse(&Deny { decision: "deny", reason }, reason.to_owned())
}

fn event_of(payload: &str) -> Option<String> {
    serde_json::from_str::<Named>(payload).ok()?.hook_event_name.0
}

fn before_tool(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    match refusal(&table::decode(payload)?) {
        Some(reason) => deny("BeforeTool", &reason, notes),
        None => Ok(Intent::GracefulExit),
    }
}

/// Why a call is refused. The tools of MCP servers have names of their own, `mcp_...`, and are not judged.
fn refusal(call: &ToolCall) -> Option<String> {
    let Some(tool) = call.tool_name.as_deref() else {
        return Some(UNREADABLE.to_owned());
    };
    let input = call.tool_input.as_deref();
    let folder = call.cwd.get().map(String::as_str);
    match tool {
        "run_shell_command" => table::tool_call(Does::Run("command"), input, work_folder(folder, input).as_deref()),
        "write_file" | "replace" => table::tool_call(Does::Change("file_path"), input, folder),
        _ => None,
    }
}

/// The folder that a shell command runs in: `dir_path`, which may be relative to the session's folder.
fn work_folder(folder: Option<&str>, input: Option<&RawValue>) -> Option<String> {
    let place = input.and_then(|input| serde_json::from_str::<ShellPlace>(input.get()).ok());
    let Some(wanted) = place.and_then(|place| place.dir_path.0).filter(|wanted| !wanted.is_empty()) else {
        return folder.map(str::to_owned);
    };
    let is_absolute = wanted.starts_with(['/', '\\', '~']) || wanted.chars().nth(1) == Some(':');
    match folder {
        Some(folder) if !is_absolute => Some(format!("{folder}/{wanted}")),
        _ => Some(wanted),
    }
}

fn before_agent(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input: BeforeAgent = table::decode(payload)?;
    match input.prompt.as_deref().and_then(guard::secret) {
        Some(secret) => {
            let reason = format!(
                "The prompt holds {}, which would be stored and sent on. Take it out, name a file or an environment \
                 variable instead, and replace the secret if it has been shown anywhere before.",
                secret.name()
            );
            deny("BeforeAgent", &reason, notes)
        }
        None => {
            let text = guard::notice::for_prompt(input.cwd.get().map(String::as_str));
            table::context(&Context { hook_specific_output: Specific::BeforeAgent { additional_context: &text } })
        }
    }
}

fn after_agent(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input: AfterAgent = table::decode(payload)?;
    let is_active = input.stop_hook_active.is_some_and(|raw| !matches!(raw.get(), "false" | "null"));
    let item = input.prompt_response.get().filter(|_| !is_active).and_then(|message| guard::unfinished(message));
    match item {
        Some(item) => {
            let reason = format!(
                "The last message marks work as unfinished: \"{item}\". Do it now, or say plainly why it stays open."
            );
            deny("AfterAgent", &reason, notes)
        }
        None => Ok(Intent::GracefulExit),
    }
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let input: SessionStart = table::decode(payload)?;
    let text = guard::notice::for_session(input.cwd.get().map(String::as_str));
    table::context(&Context { hook_specific_output: Specific::SessionStart { additional_context: &text } })
}

fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        // Exit code 2 with words on stderr and nothing on stdout is a refusal; without words it would be none.
        Some("BeforeTool") => Intent::BlockingError(table::unjudged(why)),
        _ => Intent::GracefulExit,
    }
}

#[cfg(test)]
mod tests;
