//! What changes around a hook when it moves to another platform: names, units, matchers, files.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::situation::Situation;
use crate::contract::{Contract, MatchRule};
use crate::json;
use crate::payload::Payloads;

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The name of an event.
    Event,
    /// The name of the shell tool.
    Tool,
    /// The field that names the event, the tool or the folder.
    Field,
    /// The time limit.
    Timeout,
    /// Matchers.
    Matcher,
    /// Where the configuration stands.
    File,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MoveNote {
    /// What it is about.
    pub topic: Topic,
    /// What changes, as a clause.
    pub text: String,
}

/// Everything that changes between two platforms.
pub(super) fn all(situations: &[Situation], home: &Contract, there: &Contract, payloads: &Payloads) -> Vec<MoveNote> {
    let mut notes: Vec<MoveNote> = Vec::new();
    if home.platform.id == there.platform.id {
        return notes;
    }
    let mut add = |topic: Topic, text: String| {
        let note = MoveNote { topic, text };
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    for situation in situations {
        let here = situation.on(home, payloads, None).map(|(event, _)| event);
        if let (Some(here), Some((other, _))) = (here, situation.on(there, payloads, here))
            && here.name != other.name
        {
            add(Topic::Event, format!("{} is {} there", here.name, other.name));
        }
    }
    // What the documents themselves show goes before what the contracts say in general: a platform may have two forms.
    let pair = situations.iter().find_map(|situation| {
        let (event, before) = situation.on(home, payloads, None)?;
        let (_, after) = situation.on(there, payloads, Some(event))?;
        Some((before, after))
    });
    let platforms = (&home.platform, &there.platform);
    let fields = [
        ("the event's name", &platforms.0.event_field, &platforms.1.event_field),
        ("the tool's name", &platforms.0.tool_field, &platforms.1.tool_field),
        ("the folder", &platforms.0.folder_field, &platforms.1.folder_field),
    ];
    for (what, here, other) in fields {
        let Some(here) = here else { continue };
        let stands = |path: &String| pair.is_some_and(|(_, after)| json::at(&after.stdin, path).is_some());
        match other {
            _ if stands(here) => {}
            Some(other) if stands(other) => add(Topic::Field, format!("{what} stands in `{other}`, not in `{here}`")),
            _ => add(Topic::Field, format!("{what} (`{here}`) is not sent")),
        }
    }
    if let (Some((before, after)), Some(here)) = (pair, &platforms.0.tool_field) {
        let other = platforms.1.tool_field.as_ref().and_then(|path| json::at(&after.stdin, path));
        let other = json::at(&after.stdin, here).or(other).and_then(Value::as_str);
        if let (Some(tool), Some(other)) = (json::at(&before.stdin, here).and_then(Value::as_str), other)
            && tool != other
        {
            add(Topic::Tool, format!("the tool {tool} is {other} there"));
        }
    }
    let (here, other) = (home.limits.timeout_s.is, there.limits.timeout_s.is);
    if here.total_cmp(&other).is_ne() {
        add(Topic::Timeout, format!("a hook has {} by default, not {}", seconds(other), seconds(here)));
    }
    if home.matching.rule != there.matching.rule {
        add(Topic::Matcher, rule(there.matching.rule).to_owned());
    }
    notes
}

fn seconds(value: f64) -> String {
    format!("{value} s")
}

fn rule(rule: MatchRule) -> &'static str {
    match rule {
        MatchRule::NameListOrPattern => "a matcher of name characters is a list of exact names; any other is a pattern",
        MatchRule::UnanchoredPattern => "a matcher is a pattern that may match anywhere in the name",
        MatchRule::AnchoredPattern => "a matcher is a pattern that must match the whole name",
        MatchRule::Glob => "a matcher is a name with * for any characters",
        MatchRule::Exact => "a matcher is the whole name, letter by letter",
        MatchRule::Ignored => "matchers are accepted and ignored: the hook hears every tool and must look itself",
        MatchRule::None => "there are no matchers: the hook hears every tool and must look itself",
    }
}
