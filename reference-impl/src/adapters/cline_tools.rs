//! What the tools of Cline do, for its extension and its command line alike.
//!
//! The current tools take commands in many shapes: one line, a list of lines, a program with its arguments. The extension
//! sends every value as text, so that a list arrives as the text of its JSON; that text is read as well.

use serde_json::Value;
use serde_json::value::RawValue;

use super::table;

/// Lines of a patch that name a file.
const PATCH_LINES: [&str; 4] = ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "];

/// Why a tool call is refused, or `None` where the guard has no opinion. `input` are the arguments as they came.
pub(super) fn refusal(tool: &str, input: Option<&RawValue>, folder: Option<&str>) -> Option<String> {
    let judged = match tool {
        "run_commands" => lines(input).map(|lines| lines.iter().find_map(|line| table::command(line, folder))),
        "apply_patch" => patch(input).map(|patch| patched(&patch).find_map(|path| table::file(path, folder))),
        "editor" | "write_to_file" | "replace_in_file" => {
            return table::tool_call(table::Does::Change("path"), input, folder);
        }
        // The name in older releases.
        "execute_command" => return table::tool_call(table::Does::Run("command"), input, folder),
        _ => return None,
    };
    judged.unwrap_or_else(|Unreadable| Some(table::UNREADABLE.to_owned()))
}

/// The arguments hold no command and no patch that anybody could read.
struct Unreadable;

/// The command lines of a call. A call of this tool always has one; where none is seen, it was lost on the way.
fn lines(input: Option<&RawValue>) -> Result<Vec<String>, Unreadable> {
    let mut found = Vec::new();
    collect(&value(input)?, &mut found)?;
    if found.is_empty() { Err(Unreadable) } else { Ok(found) }
}

fn value(input: Option<&RawValue>) -> Result<Value, Unreadable> {
    serde_json::from_str(input.ok_or(Unreadable)?.get()).map_err(|_| Unreadable)
}

fn collect(value: &Value, found: &mut Vec<String>) -> Result<(), Unreadable> {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Array(_) | Value::Object(_))) => collect(&inner, found),
            _ => {
                found.push(text.clone());
                Ok(())
            }
        },
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, found)),
        Value::Object(members) => {
            let own = members.get("command").or_else(|| members.get("cmd"));
            match (own.and_then(Value::as_str), members.get("args")) {
                (Some(program), Some(args)) => found.push(line(program, args)?),
                (Some(text), None) => found.push(text.to_owned()),
                (None, _) if own.is_some() => return Err(Unreadable),
                (None, _) => {}
            }
            members.get("commands").map_or(Ok(()), |inner| collect(inner, found))
        }
        _ => Err(Unreadable),
    }
}

/// A program that is started directly, as the line that a shell would need to do the same.
fn line(program: &str, args: &Value) -> Result<String, Unreadable> {
    let mut line = quoted(program);
    for arg in args.as_array().ok_or(Unreadable)? {
        line.push(' ');
        line.push_str(&quoted(arg.as_str().ok_or(Unreadable)?));
    }
    Ok(line)
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn patch(input: Option<&RawValue>) -> Result<String, Unreadable> {
    match value(input)? {
        Value::String(text) => Ok(text),
        Value::Object(members) => members.get("input").and_then(Value::as_str).map(str::to_owned).ok_or(Unreadable),
        _ => Err(Unreadable),
    }
}

fn patched(patch: &str) -> impl Iterator<Item = &str> {
    patch.lines().filter_map(|line| PATCH_LINES.iter().find_map(|start| line.trim_start().strip_prefix(start)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("run_commands", json!({ "commands": ["ls", "rm -rf ~"] }), true)]
    #[case("run_commands", json!({ "commands": "[\"ls\",\"rm -rf ~\"]" }), true)]
    #[case("run_commands", json!({ "commands": "rm -rf ~" }), true)]
    #[case("run_commands", json!({ "commands": [{ "command": "rm", "args": ["-rf", "/"] }] }), true)]
    #[case("run_commands", json!({ "commands": "[{\"command\":\"rm\",\"args\":[\"-rf\",\"/\"]}]" }), true)]
    #[case("run_commands", json!({ "command": "rm -rf /" }), true)]
    #[case("run_commands", json!({ "cmd": "rm -rf /" }), true)]
    #[case("run_commands", json!(["rm -rf /"]), true)]
    #[case("run_commands", json!("rm -rf /"), true)]
    #[case("run_commands", json!({ "commands": ["[ -d /tmp/x ] && ls"] }), false)]
    #[case("run_commands", json!({ "commands": [{ "command": "echo", "args": ["rm -rf /", "it's"] }] }), false)]
    #[case("run_commands", json!({ "commands": [{ "command": "rm", "args": "-rf /" }] }), true)]
    #[case("run_commands", json!({ "commands": [7] }), true)]
    #[case("run_commands", json!({}), true)]
    #[case("execute_command", json!({ "command": "rm -rf ~", "requires_approval": "false" }), true)]
    #[case("execute_command", json!({ "command": "ls" }), false)]
    #[case("editor", json!({ "path": "/home/dev/.ssh/config", "new_text": "" }), true)]
    #[case("editor", json!({ "path": "/home/dev/project/a", "new_text": "" }), false)]
    #[case("write_to_file", json!({ "path": "/etc/hosts", "content": "" }), true)]
    #[case("apply_patch", json!({ "input": "*** Begin Patch\n*** Add File: /etc/cron.d/x\n+x\n*** End Patch" }), true)]
    #[case("apply_patch", json!({ "input": "*** Begin Patch\n*** Update File: src/a.rs\n@@\n*** End Patch" }), false)]
    #[case("apply_patch", json!({ "input": "*** Update File: a\n*** Move to: /home/dev/.ssh/config\n" }), true)]
    #[case("apply_patch", json!("*** Delete File: /etc/hosts"), true)]
    #[case("apply_patch", json!({}), true)]
    #[case("read_files", json!({ "files": [{ "path": "/etc/hosts" }] }), false)]
    #[case("Bash", json!({ "command": "rm -rf /" }), false)]
    fn calls(#[case] tool: &str, #[case] input: Value, #[case] refused: bool) {
        let raw = serde_json::value::to_raw_value(&input).expect("JSON");
        let reason = refusal(tool, Some(&raw), Some("/home/dev/project"));
        assert_eq!(reason.is_some(), refused, "{reason:?}");
    }

    #[test]
    fn a_command_that_is_not_there_was_lost() {
        assert_eq!(refusal("run_commands", None, None).as_deref(), Some(table::UNREADABLE));
        assert_eq!(refusal("read_files", None, None), None);
    }
}
