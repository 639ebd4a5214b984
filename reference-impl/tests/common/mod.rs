//! What the integration tests share: running the real binary, and reading its answer as a host would.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The program under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_reference-hook"))
}

/// What one run gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(output: &std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8"),
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.code == Some(0) && self.stdout.is_empty() && self.stderr.is_empty()
    }

    /// The one JSON document on stdout, which ends with one line break.
    pub(crate) fn document(&self) -> Value {
        let text = self.stdout.strip_suffix('\n').expect("a line break at the end");
        assert!(!text.contains('\n'), "one line: {text}");
        let value: Value = serde_json::from_str(text).expect("one JSON document");
        assert!(value.is_object());
        value
    }
}

/// Runs `reference-hook claude-code EVENT` with a payload.
pub(crate) fn run(event: &str, payload: impl AsRef<[u8]>) -> Answer {
    let mut command = assert_cmd::Command::new(binary());
    command.args(["claude-code", event]).env_remove("HOOKPROOF_REFERENCE_STATE").write_stdin(payload.as_ref().to_vec());
    Answer::of(&command.output().expect("the program runs"))
}

/// A payload with the fields that every event has.
pub(crate) fn payload(event: &str, own: &Value) -> String {
    let mut whole = json!({
        "session_id": "00000000-0000-4000-8000-000000000000",
        "transcript_path": "/home/dev/.claude/projects/-home-dev-project/00000000-0000-4000-8000-000000000000.jsonl",
        "cwd": "/home/dev/project",
        "hook_event_name": event,
    });
    let fields = whole.as_object_mut().expect("an object");
    fields.extend(own.as_object().expect("an object").clone());
    whole.to_string()
}

/// A tool call that the guard refuses.
pub(crate) fn dangerous() -> Value {
    json!({ "tool_name": "Bash", "tool_input": { "command": "rm -rf /" }, "tool_use_id": "toolu_1" })
}

/// A payload file of the fixtures.
pub(crate) struct Fixture {
    pub(crate) event: String,
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    pub(crate) stdin: Value,
}

/// All payload files of Claude Code.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/payloads/claude-code");
    let mut found = Vec::new();
    // Beside the folders of the events lie the templates that the suite makes further payloads from.
    for folder in entries(&root).into_iter().filter(|entry| entry.is_dir()) {
        for file in entries(&folder) {
            let text = std::fs::read_to_string(&file).expect("readable");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let labels = value["labels"].as_array().expect("labels");
            found.push(Fixture {
                event: folder.file_name().expect("a name").to_string_lossy().into_owned(),
                name: file.file_stem().expect("a name").to_string_lossy().into_owned(),
                labels: labels.iter().map(|label| label.as_str().expect("text").to_owned()).collect(),
                stdin: filled(&value),
            });
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// The document with its large values made.
fn filled(fixture: &Value) -> Value {
    let mut stdin = fixture["stdin"].clone();
    for fill in fixture["fill"].as_array().into_iter().flatten() {
        let unit = fill["unit"].as_str().expect("text");
        let bytes = usize::try_from(fill["bytes"].as_u64().expect("a number")).expect("small");
        let place = stdin.pointer_mut(fill["at"].as_str().expect("text")).expect("a place");
        let filled = place.as_str().expect("text").to_owned() + &unit.repeat(bytes.div_ceil(unit.len()));
        *place = Value::String(filled);
    }
    stdin
}
