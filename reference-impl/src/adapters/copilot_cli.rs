//! GitHub Copilot CLI: fifteen events, twelve of them in two wire formats. The case of an event's name in the
//! configuration picks the format: `preToolUse` brings `toolName` and `toolArgs`, a JSON text; `PreToolUse` brings
//! `tool_name` and `tool_input`, with Claude Code's names of tools. Answers are flat in both.
//!
//! Written from the vendor's reference and changelog (up to 1.0.78). Any exit code but 0 refuses the call at
//! `preToolUse`, so nothing here ever ends with one by accident.

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
pub(super) static COPILOT_CLI: Table = Table { platform: "copilot-cli", event_of, events: EVENTS, unjudged };

/// Every event, in the order of the documentation; then those that have a second format.
const EVENTS: &[(&str, Handler)] = &[
    ("sessionStart", session_start),
    ("sessionEnd", table::silent::<Native>),
    // The vendor's reference and its changelog disagree on whether anything is read here, and nothing stops a prompt.
    ("userPromptSubmitted", table::silent::<Native>),
    ("userPromptTransformed", table::silent::<Native>),
    ("preToolUse", |payload, notes| pre_tool_use("preToolUse", &table::decode::<NativeCall>(payload)?, notes)),
    ("preMcpToolCall", table::silent::<Native>),
    ("postToolUse", table::silent::<Native>),
    ("postToolUseFailure", table::silent::<Native>),
    // No message of the agent is in the document, so nothing says that work is unfinished.
    ("agentStop", table::silent::<AgentStop>),
    ("subagentStart", session_start),
    // The message is there, but nothing says whether a hook has held the subagent back before: it could be for ever.
    ("subagentStop", table::silent::<SubagentStop>),
    ("errorOccurred", table::silent::<Native>),
    ("preCompact", table::silent::<Native>),
    ("permissionRequest", |payload, notes| {
        permission_request("permissionRequest", &table::decode::<NativeRequest>(payload)?, notes)
    }),
    ("notification", table::silent::<Notification>),
    ("SessionStart", session_start),
    ("SessionEnd", table::silent::<Claude>),
    ("UserPromptSubmit", table::silent::<Claude>),
    ("PreToolUse", |payload, notes| pre_tool_use("PreToolUse", &table::decode::<ClaudeCall>(payload)?, notes)),
    ("PostToolUse", table::silent::<Claude>),
    ("PostToolUseFailure", table::silent::<Claude>),
    ("Stop", table::silent::<AgentStop>),
    ("SubagentStop", table::silent::<SubagentStop>),
    ("ErrorOccurred", table::silent::<Claude>),
    ("PreCompact", table::silent::<Claude>),
    ("PermissionRequest", |payload, notes| {
        permission_request("PermissionRequest", &table::decode::<ClaudeCall>(payload)?, notes)
    }),
    ("Notification", table::silent::<Notification>),
];

/// The fields of every event in the first format. None of them names the event.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Native {
    session_id: Text,
    /// Milliseconds since 1970.
    timestamp: Lenient<f64>,
    cwd: Text,
}

/// The fields of every event in the second format.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claude {
    hook_event_name: Text,
    session_id: Text,
    /// ISO 8601.
    timestamp: Text,
    cwd: Text,
}

/// `preToolUse`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NativeCall {
    /// What decides which rules apply, so it must be text if it is there.
    tool_name: Option<String>,
    /// A text that holds JSON; the vendor's reference leaves the type open.
    tool_args: Raw,
    cwd: Text,
}

/// `permissionRequest`, whose fields the vendor's reference only mentions.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NativeRequest {
    tool_name: Option<String>,
    tool_input: Raw,
    cwd: Text,
}

/// A call that waits, in the second format: `PreToolUse`, `PermissionRequest`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ClaudeCall {
    tool_name: Option<String>,
    tool_input: Raw,
    cwd: Text,
}

/// `agentStop`, `Stop`: one field has the same name in both formats.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AgentStop {
    stop_hook_active: Lenient<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubagentStop {
    response: Text,
    last_assistant_message: Text,
}

/// `notification` has these names in both formats, and names its event in both.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Notification {
    message: Text,
    title: Text,
    notification_type: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    additional_context: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolDecision<'a> {
    permission_decision: &'static str,
    permission_decision_reason: &'a str,
}

#[derive(Serialize)]
struct Permission<'a> {
    behavior: &'static str,
    message: &'a str,
}

/// A call in either format.
trait Call {
    /// Why it is refused, or `None` where the guard has no opinion.
    fn refusal(&self) -> Option<String>;
}

impl Call for NativeCall {
    fn refusal(&self) -> Option<String> {
        native_refusal(self.tool_name.as_deref(), self.tool_args.as_deref(), &self.cwd)
    }
}

impl Call for NativeRequest {
    fn refusal(&self) -> Option<String> {
        native_refusal(self.tool_name.as_deref(), self.tool_input.as_deref(), &self.cwd)
    }
}

fn native_refusal(tool: Option<&str>, arguments: Option<&RawValue>, cwd: &Text) -> Option<String> {
    let Some(tool) = tool else {
        return Some(UNREADABLE.to_owned());
    };
    let does = match tool {
        "bash" | "powershell" => Does::Run("command"),
        "create" | "edit" => Does::Change("path"),
        _ => return None,
    };
    let Ok(input) = unwrapped(arguments) else {
        return Some(UNREADABLE.to_owned());
    };
    table::tool_call(does, input.as_deref(), cwd.get().map(String::as_str))
}

impl Call for ClaudeCall {
    fn refusal(&self) -> Option<String> {
        let Some(tool) = self.tool_name.as_deref() else {
            return Some(UNREADABLE.to_owned());
        };
        let Ok(input) = unwrapped(self.tool_input.as_deref()) else {
            return Some(UNREADABLE.to_owned());
        };
        let judge = |does| table::tool_call(does, input.as_deref(), self.cwd.get().map(String::as_str));
        match tool {
            "Bash" => judge(Does::Run("command")),
            // The names of the tools are Claude Code's; whether those of their arguments are is not documented.
            "Write" | "Edit" => judge(Does::Change("file_path")).or_else(|| judge(Does::Change("path"))),
            _ => None,
        }
    }
}

/// A text that should hold JSON, and holds none.
struct NoJson;

/// The arguments as JSON: a text that holds JSON is read a second time.
fn unwrapped(arguments: Option<&RawValue>) -> Result<Option<Box<RawValue>>, NoJson> {
    let Some(arguments) = arguments else { return Ok(None) };
    if !arguments.get().starts_with('"') {
        return Ok(Some(arguments.to_owned()));
    }
    let text: String = serde_json::from_str(arguments.get()).map_err(|_| NoJson)?;
    serde_json::from_str(&text).map(Some).map_err(|_| NoJson)
}

/// Only documents of the second format name their event, and `notification`, whose session tells the format.
fn event_of(payload: &str) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Names {
        hook_event_name: Text,
        #[serde(rename = "sessionId")]
        native_session: Raw,
    }
    let names: Names = serde_json::from_str(payload).ok()?;
    let name = names.hook_event_name.0?;
    Some(if name == "Notification" && names.native_session.is_some() { "notification".to_owned() } else { name })
}

fn session_start(payload: &str, _: &mut Notes) -> Result<Intent, PayloadError> {
    // The folder has the same name in both formats.
    let common: Native = table::decode(payload)?;
    let text = guard::notice::for_session(common.cwd.get().map(String::as_str));
    table::context(&Context { additional_context: &text })
}

fn pre_tool_use(event: &str, call: &impl Call, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = call.refusal() else { return Ok(Intent::GracefulExit) };
    notes.add(format!("copilot-cli/{event}: {reason}"));
    let answer = ToolDecision { permission_decision: "deny", permission_decision_reason: &reason };
    table::refuse(&answer, reason.clone())
}

fn permission_request(event: &str, call: &impl Call, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let Some(reason) = call.refusal() else { return Ok(Intent::GracefulExit) };
    notes.add(format!("copilot-cli/{event}: {reason}"));
    table::refuse(&Permission { behavior: "deny", message: &reason }, reason.clone())
}

fn unjudged(event: Option<&str>, why: &str) -> Intent {
    let reason = table::unjudged(why);
    // Exit code 2 refuses here as well, but nobody reads the text on stderr that goes with it.
    let answer = match event {
        Some("preToolUse" | "PreToolUse") => {
            let denial = ToolDecision { permission_decision: "deny", permission_decision_reason: &reason };
            table::refuse(&denial, reason.clone())
        }
        Some("permissionRequest" | "PermissionRequest") => {
            table::refuse(&Permission { behavior: "deny", message: &reason }, reason.clone())
        }
        _ => return Intent::GracefulExit,
    };
    answer.unwrap_or(Intent::BlockingError(reason))
}

#[cfg(test)]
mod tests;
