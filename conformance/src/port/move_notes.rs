//! What changes around a hook when it moves to another platform: names, units, matchers, files.

use serde::{Deserialize, Serialize};

use super::situation::Situation;
use crate::contract::{Contract, MatchRule};
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
        let name = here.map(|event| event.name.as_str());
        if let (Some(here), Some((other, _))) = (here, situation.on(there, payloads, name))
            && here.name != other.name
        {
            add(Topic::Event, format!("{} is {} there", here.name, other.name));
        }
    }
    if let (Some(here), Some(other)) = (&home.platform.default_tool, &there.platform.default_tool)
        && here != other
    {
        add(Topic::Tool, format!("the shell tool {here} is {other} there"));
    }
    let fields = [
        ("the event's name", &home.platform.event_field, &there.platform.event_field),
        ("the tool's name", &home.platform.tool_field, &there.platform.tool_field),
        ("the folder", &home.platform.folder_field, &there.platform.folder_field),
    ];
    for (what, here, other) in fields {
        match (here, other) {
            (Some(here), Some(other)) if here != other => {
                add(Topic::Field, format!("{what} stands in `{other}`, not in `{here}`"));
            }
            (Some(here), None) => add(Topic::Field, format!("{what} (`{here}`) is not sent")),
            _ => {}
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
