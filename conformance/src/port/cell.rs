//! One situation on one platform.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Side;
use super::situation::{Asks, Situation};
use crate::contract::{Action, Evidence};
use crate::oracle::{Effect, tell};
use crate::payload::{Payload, Payloads};
use crate::requirement::{Catalogue, Level};

/// What was seen of the hook in one situation.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The situation's id.
    pub situation: String,
    /// What the platform would do.
    pub effect: Effect,
    /// How the run ended and what it said, in a few words.
    pub said: String,
    /// Whether the hook ended with code 0 and nothing on either stream.
    pub silent: bool,
}

/// What becomes of the hook's work on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It happens, as on the home platform.
    Kept,
    /// It happens on neither.
    Neither,
    /// It happens on the home platform only.
    Lost,
    /// It happens here and not on the home platform.
    Gained,
    /// What happens here is not settled.
    Unsettled,
    /// The platform has no such moment.
    NoMoment,
    /// The home platform has no such moment, so that there is nothing to compare with.
    NotAtHome,
}

impl Fate {
    /// Whether a person who moves the hook has to know.
    pub fn is_a_loss(self) -> bool {
        matches!(self, Fate::Lost | Fate::Gained)
    }

    /// The mark in a table.
    pub fn mark(self) -> &'static str {
        match self {
            Fate::Kept => "yes",
            Fate::Neither => "-",
            Fate::Lost => "LOST",
            Fate::Gained => "EXTRA",
            Fate::Unsettled => "?",
            Fate::NoMoment | Fate::NotAtHome => "n/a",
        }
    }
}

/// One situation on one platform.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// The situation's id.
    pub situation: String,
    /// The platform's event, in its own spelling.
    pub event: Option<String>,
    /// What becomes of the hook's work.
    pub fate: Fate,
    /// Whether it happens here; `None` if there is no such moment.
    pub happens: Option<bool>,
    /// What the platform does with the step.
    pub action: Option<Action>,
    /// How the run ended and what it said.
    pub said: Option<String>,
    /// What the platform makes of it, as a sentence.
    pub told: String,
    /// Why, as far as rules that the run breaks tell it.
    pub why: Vec<String>,
    /// How to mend it.
    pub mend: Vec<String>,
    /// How well the effect is known.
    pub evidence: Option<Evidence>,
}

/// Whether what the situation asks for happens.
fn happens(asks: Asks, effect: &Effect) -> bool {
    match asks {
        Asks::Deny => effect.stops_the_step(),
        Asks::Pass => !effect.stops_the_step(),
        Asks::Context => !effect.model_sees.is_empty(),
        Asks::GoOn => effect.action == Action::Continued,
    }
}

pub(super) fn compare(
    situation: &Situation,
    home: &Side<'_>,
    side: &Side<'_>,
    payloads: &Payloads,
    catalogue: &Catalogue,
) -> Cell {
    let at_home = situation.on(home.contract, payloads, None);
    let here = situation.on(side.contract, payloads, at_home.map(|(event, _)| event.name.as_str()));
    let seen = |side: &Side<'_>| side.seen.iter().find(|seen| seen.situation == situation.id).cloned();
    let (Some((event, payload)), Some(run)) = (here, seen(side)) else {
        return Cell {
            situation: situation.id.clone(),
            event: None,
            fate: Fate::NoMoment,
            happens: None,
            action: None,
            said: None,
            told: format!("{} has no event for this", side.contract.platform.title),
            why: Vec::new(),
            mend: Vec::new(),
            evidence: None,
        };
    };
    let holds = happens(situation.asks, &run.effect);
    let base = seen(home).map(|seen| happens(situation.asks, &seen.effect));
    let settled = run.effect.evidence < Evidence::Disputed;
    let fate = match base {
        None => Fate::NotAtHome,
        Some(base) if (base || holds) && !settled => Fate::Unsettled,
        Some(true) if holds => Fate::Kept,
        Some(true) => Fate::Lost,
        Some(false) if holds => Fate::Gained,
        Some(false) => Fate::Neither,
    };
    let (mut why, mut mend) = (Vec::new(), Vec::new());
    if fate.is_a_loss() || fate == Fate::Unsettled {
        if run.silent && seen(home).is_some_and(|seen| !seen.silent) {
            why.push(
                "the hook said nothing: it does not find what it looks for in this platform's document".to_owned(),
            );
            if let Some((_, before)) = at_home {
                mend.extend(moved(before, payload));
            }
        }
        for problem in &run.effect.problems {
            let Some(requirement) = catalogue.get(&problem.requirement) else { continue };
            if requirement.level == Level::May {
                continue;
            }
            why.push(format!("{} ({})", problem.message, problem.requirement));
            if !mend.contains(&requirement.mend) {
                mend.push(requirement.mend.clone());
            }
        }
        if !settled {
            why.push(format!("what {} does here is {}", side.contract.platform.title, run.effect.evidence));
        }
    }
    Cell {
        situation: situation.id.clone(),
        event: Some(event.name.clone()),
        fate,
        happens: Some(holds),
        action: Some(run.effect.action),
        said: Some(run.said),
        told: tell(side.contract, event, &run.effect),
        why,
        mend,
        evidence: Some(run.effect.evidence),
    }
}

/// Where texts of the home platform's document stand in the other one.
fn moved(before: &Payload, after: &Payload) -> Vec<String> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    leaves("", &before.stdin, &mut old);
    leaves("", &after.stdin, &mut new);
    let mut found = Vec::new();
    for (path, text) in &old {
        // A short text may stand anywhere by chance; a path of the machine is no answer to the question.
        if text.len() < 6 {
            continue;
        }
        let twin = new.iter().find(|(_, other)| other == text || (other.contains(text.as_str()) && text.len() > 8));
        if let Some((place, _)) = twin
            && place != path
        {
            found.push(format!("read `{place}` here instead of `{path}`"));
        }
    }
    found.dedup();
    found.truncate(4);
    found
}

/// Every text of a document with its path.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        Value::Object(members) => members.iter().for_each(|(name, value)| leaves(&below(name), value, found)),
        Value::Array(items) => items.iter().for_each(|item| leaves(&format!("{path}[]"), item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Payload, moved};

    #[test]
    fn tells_where_a_text_went() {
        let payload = |stdin: serde_json::Value| {
            let file = json!({
                "title": "t",
                "provenance": {"kind": "synthetic", "platform": "p", "version": "1", "source": "s"},
                "labels": [],
                "stdin": stdin,
            });
            Payload::parse(std::path::Path::new("p/E/n.json"), &file.to_string()).unwrap()
        };
        let before = payload(json!({"tool_input": {"command": "rm -rf ~"}, "cwd": "/home"}));
        let after = payload(json!({"tool_info": {"command_line": "rm -rf ~", "cwd": "/home"}}));
        assert_eq!(moved(&before, &after), ["read `tool_info.command_line` here instead of `tool_input.command`"]);
    }
}
