//! One situation on one platform.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Side;
use super::situation::{Asks, Situation};
use crate::contract::{Action, Contract, Event, EventKind, Evidence};
use crate::json;
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
    /// Whether the hook ended with code 0 and had nothing to say.
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

/// How far what the situation asks for happens, where more is stronger; 0 is not at all.
fn degree(asks: Asks, event: &Event, effect: &Effect) -> u8 {
    // At a permission prompt the person is asked anyway.
    let asked = effect.action == Action::Prompted && event.kind != EventKind::Request;
    match asks {
        Asks::Deny if effect.stops_the_step() => 2,
        Asks::Deny => u8::from(asked),
        Asks::Pass => u8::from(!effect.stops_the_step() && !asked),
        Asks::Context => u8::from(!effect.model_sees.is_empty()),
        Asks::GoOn => u8::from(effect.action == Action::Continued),
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
    let here = situation.on(side.contract, payloads, at_home.map(|(event, _)| event));
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
    let here_so = degree(situation.asks, event, &run.effect);
    let home_so = seen(home).zip(at_home).map(|(seen, (event, _))| degree(situation.asks, event, &seen.effect));
    let settled = run.effect.evidence < Evidence::Disputed;
    let fate = match home_so {
        None => Fate::NotAtHome,
        Some(home_so) if (home_so > 0 || here_so > 0) && !settled => Fate::Unsettled,
        Some(0) if here_so > 0 => Fate::Gained,
        Some(0) => Fate::Neither,
        // A step that is stopped where the person would have been asked is held all the same.
        Some(home_so) if here_so >= home_so => Fate::Kept,
        Some(_) => Fate::Lost,
    };
    let (mut why, mut mend) = (Vec::new(), Vec::new());
    if fate.is_a_loss() || fate == Fate::Unsettled {
        if run.silent && seen(home).is_some_and(|seen| !seen.silent) {
            why.push(
                "the hook has nothing to say: it does not find what it looks for in this platform's document"
                    .to_owned(),
            );
            if let Some((_, before)) = at_home {
                mend.extend(renamed(home.contract, before, side.contract, payload));
                mend.extend(moved(home.contract, before, payload));
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
        if why.is_empty() && settled {
            why.push(format!("what the hook prints counts for something else on {}", side.contract.platform.title));
        }
        if !settled {
            why.push(format!("what {} does here is {}", side.contract.platform.title, run.effect.evidence));
        }
    }
    Cell {
        situation: situation.id.clone(),
        event: Some(event.name.clone()),
        fate,
        happens: Some(here_so > 0),
        action: Some(run.effect.action),
        said: Some(run.said),
        told: tell(side.contract, event, &run.effect),
        why,
        mend,
        evidence: Some(run.effect.evidence),
    }
}

/// The tool's name, where that is another one.
fn renamed(home: &Contract, before: &Payload, there: &Contract, after: &Payload) -> Option<String> {
    let (here, other) = (home.platform.tool_field.as_ref()?, there.platform.tool_field.as_ref());
    let found = |path: &String| Some((path.clone(), json::at(&after.stdin, path)?.as_str()?.to_owned()));
    let (place, name) = found(here).or_else(|| found(other?))?;
    let old = json::at(&before.stdin, here)?.as_str()?;
    (name != old).then(|| format!("the tool is `{name}` here, in `{place}`, not `{old}`"))
}

/// Where texts of the home platform's document stand in the other one. Names of events, and folders, are told apart.
fn moved(home: &Contract, before: &Payload, after: &Payload) -> Vec<String> {
    let apart = [&home.platform.event_field, &home.platform.folder_field, &home.platform.tool_field];
    let (mut old, mut new) = (Vec::new(), Vec::new());
    leaves("", &before.stdin, &mut old);
    leaves("", &after.stdin, &mut new);
    let mut found = Vec::new();
    for (path, text) in &old {
        // A short text may stand anywhere by chance; a path of the machine is no answer to the question.
        if text.len() < 6 || apart.iter().any(|field| field.as_ref() == Some(path)) {
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
        let home = crate::contract::Library::built_in().unwrap().select("claude-code").unwrap();
        assert_eq!(
            moved(&home, &before, &after),
            ["read `tool_info.command_line` here instead of `tool_input.command`"]
        );
    }
}
