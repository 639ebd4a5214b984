//! The payloads as types. Unknown fields are ignored, and a field that no decision needs is [`Lenient`].

#![allow(dead_code, reason = "the types say what each event brings, also where the guard needs none of it")]

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::adapters::lenient::{Lenient, Raw, Text};

/// The fields that every event has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Common {
    pub(super) hook_event_name: Option<String>,
    pub(super) session_id: Text,
    pub(super) transcript_path: Text,
    pub(super) cwd: Text,
    pub(super) prompt_id: Text,
    pub(super) permission_mode: Text,
    pub(super) agent_id: Text,
    pub(super) agent_type: Text,
    pub(super) effort: Lenient<Effort>,
    pub(super) scratchpad_dir: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct Effort {
    pub(super) level: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct McpServer {
    pub(super) name: String,
    pub(super) source: String,
}

/// A tool call before it runs: `PreToolUse`, `PermissionRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCall {
    /// What decides which rules apply, so it must be text if it is there; a call without a tool cannot be judged.
    pub(super) tool_name: Option<String>,
    pub(super) tool_input: Raw,
    pub(super) tool_use_id: Text,
    pub(super) permission_suggestions: Lenient<Vec<Box<RawValue>>>,
    pub(super) mcp_server: Lenient<McpServer>,
}

/// A tool call that is over: `PermissionDenied`, `PostToolUse`, `PostToolUseFailure`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FinishedCall {
    pub(super) tool_name: Text,
    pub(super) tool_input: Raw,
    pub(super) tool_use_id: Text,
    pub(super) tool_response: Raw,
    pub(super) error: Text,
    pub(super) is_interrupt: Lenient<bool>,
    pub(super) reason: Text,
    pub(super) duration_ms: Lenient<f64>,
    pub(super) mcp_server: Lenient<McpServer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Batch {
    pub(super) tool_calls: Lenient<Vec<FinishedCall>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Prompt {
    pub(super) prompt: Option<String>,
    pub(super) source: Text,
    pub(super) session_title: Text,
    pub(super) expansion_type: Text,
    pub(super) command_name: Text,
    pub(super) command_args: Option<String>,
    pub(super) command_source: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SessionStart {
    pub(super) source: Text,
    pub(super) model: Text,
    pub(super) session_title: Text,
    pub(super) seconds_since_last_response: Lenient<f64>,
    pub(super) context_tokens: Lenient<f64>,
    pub(super) prompt_cache_likely_expired: Lenient<bool>,
    pub(super) estimated_cache_write_usd: Lenient<f64>,
}

/// `Setup`, `PreCompact`, `PostCompact`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Trigger {
    pub(super) trigger: Text,
    pub(super) custom_instructions: Text,
    pub(super) compact_summary: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SessionEnd {
    pub(super) reason: Text,
}

/// `Stop`, `SubagentStop`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stop {
    /// A value that is no boolean counts as true: a doubt must not start a loop.
    pub(super) stop_hook_active: Option<Box<RawValue>>,
    pub(super) last_assistant_message: Text,
    pub(super) background_tasks: Lenient<Vec<BackgroundTask>>,
    pub(super) session_crons: Lenient<Vec<SessionCron>>,
    pub(super) agent_transcript_path: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct BackgroundTask {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) description: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SessionCron {
    pub(super) id: String,
    pub(super) schedule: String,
    pub(super) recurring: bool,
    pub(super) prompt: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StopFailure {
    pub(super) error: Text,
    pub(super) error_details: Text,
    pub(super) last_assistant_message: Text,
}

/// `SubagentStart` has no fields beside the common ones.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Nothing {}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Teammate {
    pub(super) teammate_name: Text,
    pub(super) team_name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Task {
    pub(super) task_id: Text,
    pub(super) task_subject: Text,
    pub(super) task_description: Text,
    pub(super) teammate_name: Text,
    pub(super) team_name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelSwitch {
    pub(super) from_model: Text,
    pub(super) to_model: Text,
    pub(super) requested_model: Text,
    pub(super) context_tokens: Lenient<f64>,
    pub(super) prompt_cache_warm: Lenient<bool>,
    pub(super) cache_ttl: Text,
    pub(super) estimated_cache_write_usd: Lenient<f64>,
    pub(super) pricing: Text,
    pub(super) source: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Notification {
    pub(super) message: Text,
    pub(super) title: Text,
    pub(super) notification_type: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MessageDisplay {
    pub(super) turn_id: Text,
    pub(super) message_id: Text,
    pub(super) index: Lenient<u64>,
    #[serde(rename = "final")]
    pub(super) is_final: Lenient<bool>,
    pub(super) delta: Text,
}

/// `Elicitation`, `ElicitationResult`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Elicitation {
    pub(super) mcp_server_name: Text,
    pub(super) message: Text,
    pub(super) mode: Text,
    pub(super) url: Text,
    pub(super) elicitation_id: Text,
    pub(super) requested_schema: Raw,
    pub(super) action: Text,
    pub(super) content: Raw,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfigChange {
    pub(super) source: Text,
    pub(super) file_path: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InstructionsLoaded {
    pub(super) file_path: Text,
    pub(super) memory_type: Text,
    pub(super) load_reason: Text,
    pub(super) globs: Lenient<Vec<String>>,
    pub(super) trigger_file_path: Text,
    pub(super) parent_file_path: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CwdChanged {
    pub(super) old_cwd: Text,
    pub(super) new_cwd: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FileChanged {
    pub(super) file_path: Text,
    pub(super) event: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DirectoryAdded {
    pub(super) directory: Text,
    pub(super) source: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorktreeCreate {
    pub(super) name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorktreeRemove {
    pub(super) worktree_path: Text,
}
