//! The events around a tool call.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Event;
use super::answer::{Permission, ToolCall};
use super::input::{self, Common};
use crate::guard;
use crate::run::Notes;

/// Before a call, ahead of every permission check.
pub(super) struct PreToolUse;
/// Before a person is asked for permission.
pub(super) struct PermissionRequest;
/// After a classifier refused a call. The hook asks for no retry: a refusal is no reason to try again.
pub(super) struct PermissionDenied;
/// After a call that worked.
pub(super) struct PostToolUse;
/// After a call that started and failed.
pub(super) struct PostToolUseFailure;
/// After a batch of calls, before the next request to the model.
pub(super) struct PostToolBatch;

/// Why a call is refused, or `None` where the guard has no opinion: other tools, other commands, other files.
fn refusal(common: &Common, call: &input::ToolCall) -> Option<String> {
    let Some(tool) = call.tool_name.as_deref() else {
        return Some(UNJUDGED.to_owned());
    };
    let folder = common.cwd.0.as_deref().unwrap_or_default();
    match tool {
        "Bash" => match argument(call.tool_input.as_deref(), Argument::Command) {
            Ok(command) => guard::command(&command?, folder).map(|rule| rule.reason().to_owned()),
            Err(Unreadable) => Some(UNJUDGED.to_owned()),
        },
        "Write" | "Edit" | "MultiEdit" => file(folder, call, Argument::FilePath),
        "NotebookEdit" => file(folder, call, Argument::NotebookPath),
        _ => None,
    }
}

fn file(folder: &str, call: &input::ToolCall, argument_name: Argument) -> Option<String> {
    match argument(call.tool_input.as_deref(), argument_name) {
        Ok(path) => guard::file(&path?, folder).map(|rule| rule.reason().to_owned()),
        Err(Unreadable) => Some(UNJUDGED.to_owned()),
    }
}

const UNJUDGED: &str = "The reference hook refused this tool call because its input has a form that it cannot read, so \
     it cannot be judged. Repeat the call with the tool's documented parameters.";

#[derive(Clone, Copy)]
enum Argument {
    Command,
    FilePath,
    NotebookPath,
}

/// The input is there, but what a decision needs of it is not text.
struct Unreadable;

/// The fields of a tool's input that a decision needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Arguments {
    command: Option<String>,
    file_path: Option<String>,
    notebook_path: Option<String>,
}

/// The text of one argument. A call without it runs nothing and names no file, so there is nothing to refuse.
fn argument(tool_input: Option<&RawValue>, wanted: Argument) -> Result<Option<String>, Unreadable> {
    let Some(raw) = tool_input else {
        return Ok(None);
    };
    let arguments: Arguments = serde_json::from_str(raw.get()).map_err(|_| Unreadable)?;
    Ok(match wanted {
        Argument::Command => arguments.command,
        Argument::FilePath => arguments.file_path,
        Argument::NotebookPath => arguments.notebook_path,
    })
}

impl Event for PreToolUse {
    const NAME: &'static str = "PreToolUse";
    type Input = input::ToolCall;
    type Answer = ToolCall;

    fn answer(common: &Common, input: Self::Input, notes: &mut Notes) -> ToolCall {
        match refusal(common, &input) {
            Some(reason) => {
                notes.add(format!("claude-code/PreToolUse: {reason}"));
                ToolCall::Deny(reason)
            }
            None => ToolCall::NoOpinion,
        }
    }
}

impl Event for PermissionRequest {
    const NAME: &'static str = "PermissionRequest";
    type Input = input::ToolCall;
    type Answer = Permission;

    fn answer(common: &Common, input: Self::Input, notes: &mut Notes) -> Permission {
        match refusal(common, &input) {
            Some(reason) => {
                notes.add(format!("claude-code/PermissionRequest: {reason}"));
                Permission::Deny(reason)
            }
            None => Permission::NoOpinion,
        }
    }
}

silent! {
    PermissionDenied takes input::FinishedCall;
    PostToolUse takes input::FinishedCall;
    PostToolUseFailure takes input::FinishedCall;
    PostToolBatch takes input::Batch;
}
