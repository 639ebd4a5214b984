//! Payloads: the documents that arrive on a hook's stdin.
//!
//! A payload is a file, `fixtures/payloads/<platform>/<Event>/<name>.json`, or it is made when the suite starts, from a
//! situation (`fixtures/situations/*.toml`) and a template of the platform (`fixtures/payloads/<platform>/templates.toml`).
//! All of them are built into the suite.

mod expectation;
mod file;
mod library;
mod own;
mod place;
mod situation;
mod template;

pub use expectation::{Expectation, Expected, TextPattern};
pub use file::PayloadError;
pub use library::Payloads;
pub(crate) use own::named;
pub use own::{Own, OwnDocument, Placed};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a payload comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenanceKind {
    /// A real platform sent it.
    Recorded,
    /// It was written from the contract.
    Synthetic,
}

/// Where a payload comes from, in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Recorded or synthetic.
    pub kind: ProvenanceKind,
    /// The platform.
    pub platform: String,
    /// Its version.
    pub version: String,
    /// How it was recorded, or what it was written from.
    pub source: String,
}

/// One document that a platform sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The platform.
    pub platform: String,
    /// The event.
    pub event: String,
    /// Its name within the event: the name of its file.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// What it is good for: `typical`, `minimal`, `hostile`, `benign`, `dangerous`, `secret`, `stop-active`, ...
    pub labels: BTreeSet<String>,
    /// The document, with long values filled in.
    pub stdin: Value,
    /// Whether it was made from a situation and a template. Scenarios other than the baseline use such a payload only
    /// where it shows more of the hook than the platform's own payloads.
    pub made: bool,
    /// What is known of it if a user gave it.
    pub own: Option<Own>,
}

impl Payload {
    /// Whether it carries this label.
    pub fn is(&self, label: &str) -> bool {
        self.labels.contains(label)
    }

    /// What happens if nothing stops the agent, as far as the document says it in one text: `` `rm -rf /` runs ``. The text is
    /// as it stands in the document, cut at its end; callers have to make it visible.
    pub fn unless_stopped(&self) -> Option<String> {
        // The spellings of the platforms, what says most first.
        const SAID: [(&[&str], &str); 4] = [
            (&["command", "command_line", "commandLine", "cmd"], "runs"),
            (&["file_path", "filePath", "path", "file", "target_file", "absolute_path"], "is accessed"),
            (&["url"], "is requested"),
            (&["prompt", "user_prompt", "userPrompt"], "is sent"),
        ];
        const LONGEST: usize = 48;
        let (text, verb) = SAID.iter().find_map(|(keys, verb)| Some((text_at(&self.stdin, keys)?, verb)))?;
        let text = text.trim();
        let (short, more) = match text.char_indices().nth(LONGEST) {
            Some((end, _)) => (&text[..end], "…"),
            None => (text, ""),
        };
        Some(format!("`{short}{more}` {verb}"))
    }

    /// Whether a rule about payloads with this label is about it. One that a hook is expected to block takes the place of
    /// a dangerous one, whatever is in it.
    pub fn counts_as(&self, label: &str) -> bool {
        self.is(label) || (label == "dangerous" && self.own.as_ref().is_some_and(Own::is_to_be_blocked))
    }
}

/// The first text of a document that stands in a field of one of these names, outer fields before inner ones.
fn text_at<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v str> {
    let Value::Object(fields) = value else { return None };
    let own = keys.iter().find_map(|key| fields.get(*key)?.as_str());
    own.filter(|text| !text.trim().is_empty()).or_else(|| fields.values().find_map(|inner| text_at(inner, keys)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::command(json!({"cwd": "/w", "tool_input": {"command": "rm -rf /", "file_path": "a"}}), Some("`rm -rf /` runs"))]
    #[case::other_spelling(json!({"tool_info": {"command_line": "ls", "cwd": "/w"}}), Some("`ls` runs"))]
    #[case::file(json!({"tool_name": "Read", "tool_input": {"file_path": "/w/.env"}}), Some("`/w/.env` is accessed"))]
    #[case::prompt(json!({"prompt": "remove it"}), Some("`remove it` is sent"))]
    #[case::long(json!({"command": "é".repeat(49)}), Some(&*format!("`{}…` runs", "é".repeat(48))))]
    #[case::nothing(json!({"tool_input": {"command": " "}, "list": [{"command": "no"}]}), None)]
    fn what_happens_is_what_the_document_is_about(#[case] stdin: Value, #[case] expected: Option<&str>) {
        let provenance = Provenance {
            kind: ProvenanceKind::Synthetic,
            platform: String::new(),
            version: String::new(),
            source: String::new(),
        };
        let payload = Payload {
            platform: String::new(),
            event: String::new(),
            name: String::new(),
            title: String::new(),
            provenance,
            labels: BTreeSet::new(),
            stdin,
            made: false,
            own: None,
        };
        assert_eq!(payload.unless_stopped().as_deref(), expected);
    }
}
