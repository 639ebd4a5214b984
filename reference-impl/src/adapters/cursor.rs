//! Cursor: 21 events. Its gates always get an answer: whether silence is consent there is in dispute between the
//! documentation and those who watched it.
//!
//! Written from the public documentation of hooks (August and September 2026) and published observations of the desktop
//! program and the command line program. Nothing of it was measured here.

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::{Deserialize, Serialize};

use super::PayloadError;
use super::lenient::{Lenient, Raw, Text};
use super::table::{self, Does, Handler, Table, UNREADABLE};
use crate::guard;
use crate::io::Intent;
use crate::run::Notes;

/// The adapter.
pub(super) static CURSOR: Table = Table { platform: "cursor", event_of, events: EVENTS, unjudged };

/// Every event, in the order of the documentation.
const EVENTS: &[(&str, Handler)] = &[
    ("sessionStart", session_start),
    ("sessionEnd", table::silent::<Common>),
    ("preToolUse", pre_tool_use),
    ("postToolUse", table::silent::<ToolCall>),
    ("postToolUseFailure", table::silent::<ToolCall>),
    ("subagentStart", allowed::<Subagent>),
    ("subagentStop", subagent_stop),
    ("beforeShellExecution", before_shell_execution),
    ("afterShellExecution", table::silent::<Shell>),
    ("beforeMCPExecution", allowed::<McpCall>),
    ("afterMCPExecution", table::silent::<McpCall>),
    ("beforeReadFile", before_read_file),
    ("afterFileEdit", table::silent::<Common>),
    ("beforeTabFileRead", before_tab_file_read),
    ("afterTabFileEdit", table::silent::<Common>),
    ("beforeSubmitPrompt", before_submit_prompt),
    ("preCompact", table::silent::<Common>),
    ("afterAgentResponse", table::silent::<Common>),
    ("afterAgentThought", table::silent::<Common>),
    // The payload holds no message of the agent, so nothing says that work is unfinished.
    ("stop", table::silent::<Stop>),
    ("workspaceOpen", table::silent::<Common>),
];

/// The events whose step waits for a permission.
const GATES: &[&str] = &[
    "preToolUse",
    "subagentStart",
    "beforeShellExecution",
    "beforeMCPExecution",
    "beforeReadFile",
    "beforeTabFileRead",
];

/// The fields that every event has; some are not sent with `workspaceOpen`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Common {
    hook_event_name: Text,
    conversation_id: Text,
    workspace_roots: Lenient<Vec<String>>,
    transcript_path: Text,
}

impl Common {
    fn project(&self) -> Option<&str> {
        self.workspace_roots.get()?.first().map(String::as_str)
    }
}

/// `preToolUse`, `postToolUse`, `postToolUseFailure`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    /// What decides which rules apply, so it must be text if it is there.
    tool_name: Option<String>,
    tool_input: Raw,
    tool_use_id: Text,
    cwd: Text,
    workspace_roots: Lenient<Vec<String>>,
}

/// Where a shell command runs, if not in the folder of the call.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ShellPlace {
    working_directory: Text,
}

/// `beforeShellExecution`, `afterShellExecution`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shell {
    command: Option<String>,
    cwd: Text,
    workspace_roots: Lenient<Vec<String>>,
    sandbox: Lenient<bool>,
}

/// `beforeMCPExecution`, `afterMCPExecution`; the input is text that holds JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
struct McpCall {
    tool_name: Text,
    tool_input: Text,
    mcp_server_name: Text,
}

/// `beforeReadFile`, `beforeTabFileRead`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FileRead {
    file_path: Text,
    content: Text,
}

/// `subagentStart`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Subagent {
    subagent_id: Text,
    subagent_type: Text,
    task: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubagentStop {
    status: Text,
    summary: Text,
    /// Follow-ups so far; what is there and no number counts as one, because a doubt must not start a loop.
    loop_count: Raw,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stop {
    status: Text,
    loop_count: Lenient<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompt {
    prompt: Option<String>,
    composer_mode: Text,
}

/// The answer of a gate; the messages are for a refusal.
#[derive(Serialize)]
struct Permission<'a> {
    permission: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_message: Option<&'a str>,
}

#[derive(Serialize)]
struct Block<'a> {
    #[serde(rename = "continue")]
    goes_on: bool,
    user_message: &'a str,
}

#[derive(Serialize)]
struct FollowUp<'a> {
    followup_message: &'a str,
}

#[derive(Serialize)]
struct SessionContext<'a> {
    additional_context: &'a str,
}

fn allow() -> Result<Intent, PayloadError> {
    table::context(&Permission { permission: "allow", user_message: None, agent_message: None })
}

/// Lets the step go on, in words, whatever the payload brings; it must be a document of the type all the same.
fn allowed<T: serde::de::DeserializeOwned>(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    table::decode::<T>(payload)?;
    allow()
}

fn permission(event: &str, refusal: Option<String>, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = refusal else { return allow() };
    notes.add(format!("cursor/{event}: {reason}"));
    let answer = Permission { permission: "deny", user_message: Some(&reason), agent_message: Some(&reason) };
    table::refuse(&answer, reason.clone())
}

fn event_of(payload: &str) -> Option<String> {
    serde_json::from_str::<Common>(payload).ok()?.hook_event_name.0
}

/// The first folder that is named; an empty text names none.
fn folder<'a>(named: &[Option<&'a str>], roots: &'a Lenient<Vec<String>>) -> Option<&'a str> {
    let root = roots.get().and_then(|roots| roots.first()).map(String::as_str);
    named.iter().copied().chain([root]).flatten().find(|folder| !folder.is_empty())
}

fn pre_tool_use(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let call: ToolCall = table::decode(payload)?;
    permission("preToolUse", refusal(&call), notes)
}

/// Why a call is refused. The tools of MCP servers are called `MCP:...` and are not judged.
fn refusal(call: &ToolCall) -> Option<String> {
    let Some(tool) = call.tool_name.as_deref() else {
        return Some(UNREADABLE.to_owned());
    };
    let input = call.tool_input.as_deref();
    let cwd = call.cwd.get().map(String::as_str);
    match tool {
        "Shell" => {
            let place: Option<ShellPlace> = input.and_then(|input| serde_json::from_str(input.get()).ok());
            let own = place.as_ref().and_then(|place| place.working_directory.get()).map(String::as_str);
            table::tool_call(Does::Run("command"), input, folder(&[own, cwd], &call.workspace_roots))
        }
        "Write" | "Delete" => table::tool_call(Does::Change("file_path"), input, folder(&[cwd], &call.workspace_roots)),
        _ => None,
    }
}

fn before_shell_execution(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let shell: Shell = table::decode(payload)?;
    let folder = folder(&[shell.cwd.get().map(String::as_str)], &shell.workspace_roots);
    let refusal = shell.command.as_deref().and_then(|line| table::command(line, folder));
    permission("beforeShellExecution", refusal, notes)
}

fn before_read_file(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let refusal = secret_in(&table::decode(payload)?);
    let Some(reason) = refusal else { return allow() };
    notes.add("cursor/beforeReadFile: a file with a secret was kept back");
    let answer = Permission { permission: "deny", user_message: Some(&reason), agent_message: None };
    table::refuse(&answer, reason.clone())
}

/// The same for completions, whose answer takes no message.
fn before_tab_file_read(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let refusal = secret_in(&table::decode(payload)?);
    let Some(reason) = refusal else { return allow() };
    notes.add("cursor/beforeTabFileRead: a file with a secret was kept back");
    table::refuse(&Permission { permission: "deny", user_message: None, agent_message: None }, reason)
}

/// What a person reads whose file was kept back: the gate is there so that nothing secret is sent to the model.
fn secret_in(read: &FileRead) -> Option<String> {
    read.content.get().and_then(|content| guard::secret(content)).map(|secret| {
        format!(
            "The file holds {}, which would be sent to the model. Keep it out of the project's files, or let the model \
             read one without it.",
            secret.name()
        )
    })
}

fn before_submit_prompt(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input: Prompt = table::decode(payload)?;
    let Some(secret) = input.prompt.as_deref().and_then(guard::secret) else {
        return Ok(Intent::GracefulExit);
    };
    let reason = format!(
        "The prompt holds {}, which would be stored and sent on. Take it out, name a file or an environment variable \
         instead, and replace the secret if it has been shown anywhere before.",
        secret.name()
    );
    notes.add("cursor/beforeSubmitPrompt: a prompt with a secret was stopped");
    table::refuse(&Block { goes_on: false, user_message: &reason }, reason.clone())
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    let common: Common = table::decode(payload)?;
    let text = guard::notice::for_session(common.project());
    table::context(&SessionContext { additional_context: &text })
}

/// Holds a subagent back once for work that it has itself marked as unfinished. A follow-up is read only after a
/// completed run.
fn subagent_stop(payload: &str, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let input: SubagentStop = table::decode(payload)?;
    let first = input.loop_count.as_deref().is_none_or(|count| count.get().parse::<f64>() == Ok(0.0));
    let completed = input.status.get().is_some_and(|status| status == "completed");
    let item = input.summary.get().filter(|_| first && completed).and_then(|summary| guard::unfinished(summary));
    let Some(item) = item else { return Ok(Intent::GracefulExit) };
    notes.add(format!("cursor/subagentStop: held back for {item:?}"));
    let message =
        format!("The last message marks work as unfinished: \"{item}\". Do it now, or say plainly why it stays open.");
    table::refuse(&FollowUp { followup_message: &message }, message.clone())
}

fn unjudged(event: Option<&str>, why: &str) -> Intent {
    match event {
        // Exit code 2 refuses at every gate, and is the one refusal that needs no payload.
        Some(event) if GATES.contains(&event) => Intent::BlockingError(table::unjudged(why)),
        _ => Intent::GracefulExit,
    }
}

#[cfg(test)]
mod tests;
