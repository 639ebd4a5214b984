//! Findings, gathered: what was observed in many cases is told once.

mod concern;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::CaseFinished;
use crate::activity::PayloadKind;
use crate::judge::{Finding, Judgement, Verdict, is_a_line, without_details};
use crate::plan::CaseId;
use crate::requirement::Level;
use concern::Baseline;

/// What comes first: of a hook that does not start nothing else is known.
const FIRST: [&str; 2] = ["exit.not-started", "exit.denies-everything"];

/// One case in which something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The case.
    pub case: CaseId,
    /// The requirement that says so; where several do, the one of the highest level.
    pub requirement: String,
    /// Its level.
    pub level: Level,
    /// Whether something dangerous, or a secret, is let through there.
    pub harmful: bool,
    /// The kind of the payload, if one was run.
    pub kind: Option<PayloadKind>,
    /// What happens there if nothing stops the agent.
    pub unless_stopped: Option<String>,
    /// What was found there.
    pub finding: Finding,
}

/// What has the same cause, in one case or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id of the requirement of the highest level that is broken by it.
    pub requirement: String,
    /// The other requirements that are broken by it, with their levels.
    pub also: BTreeMap<String, Level>,
    /// The highest level.
    pub level: Level,
    /// Whether this is a doubt only, that fails nobody.
    pub doubt: bool,
    /// What happened, as told of the first place.
    pub observed: String,
    /// Where, each case once; never empty. Of those of the highest level a place where harm is done comes first, and among
    /// these the one in the plainest circumstances: in the scenario, at the event and with the payload that most cases of the run have.
    pub places: Vec<Place>,
}

impl Group {
    /// What a compiler would call it: `error`, `warning`, `advice`, or `note` for a doubt.
    pub fn word(&self) -> &'static str {
        match (self.doubt, self.level) {
            (true, _) => "note",
            (false, Level::Must) => "error",
            (false, Level::Should) => "warning",
            (false, Level::May) => "advice",
        }
    }

    /// What is wrong, in a sentence of one line.
    pub fn sentence(&self) -> String {
        self.observed.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether it is about files, and not about runs.
    fn is_on_files(&self) -> bool {
        self.places.iter().all(|place| place.finding.location.is_some())
    }

    /// Whether something dangerous, or a secret, gets through where it is found.
    pub fn does_harm(&self) -> bool {
        self.places.first().is_some_and(|place| place.harmful && place.level == self.level)
    }

    /// What the platform makes of it, and at which events it makes that of it; most often that is one thing everywhere.
    /// A sentence that names its own event (` at Stop`) is given without it, so that the same outcome is the same text at
    /// every event.
    pub fn consequences(&self) -> Vec<(String, BTreeSet<&str>)> {
        let mut consequences: Vec<(String, BTreeSet<&str>)> = Vec::new();
        for Place { case, finding, .. } in &self.places {
            let text = without_event(&finding.consequence, &case.event);
            let at = consequences.iter().position(|(known, _)| *known == text).unwrap_or_else(|| {
                consequences.push((text, BTreeSet::new()));
                consequences.len() - 1
            });
            consequences[at].1.insert(&case.event);
        }
        consequences
    }
}

/// `text` without its first ` at EVENT`.
fn without_event(text: &str, event: &str) -> String {
    let phrase = format!(" at {event}");
    let whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
    match text.split_once(&phrase) {
        Some((before, rest)) if whole(rest) => format!("{before}{rest}"),
        _ => text.to_owned(),
    }
}

/// `text` with a gap wherever it names `event`, so that what differs in the name of the event alone is the same.
fn of_any_event(text: &str, event: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(event).filter(|_| !event.is_empty()) {
        let (before, after) = (&rest[..at], &rest[at + event.len()..]);
        let left = if before.is_empty() { &out } else { before };
        let whole = !left.ends_with(is_word) && !after.starts_with(is_word);
        out.push_str(before);
        out.push_str(if whole { "\0" } else { event });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What findings of one group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    doubt: bool,
    cause: String,
}

/// What findings are told apart by.
pub(super) fn cause(judgement: &Judgement, finding: &Finding, event: &str) -> String {
    let by_text =
        || format!("{} {}: {}", judgement.level, judgement.requirement, of_any_event(&finding.observed, event));
    finding.cause.clone().unwrap_or_else(by_text)
}

/// Gathers findings, doubts and failures of the harness over the cases of a run. What it gives back does not depend on
/// the order in which cases finished.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    groups: BTreeMap<Key, Vec<Place>>,
    harness: BTreeMap<String, BTreeSet<CaseId>>,
    crowd: Crowd,
    baseline: Baseline,
}

impl Findings {
    /// Takes over what was found in a case.
    pub fn add(&mut self, case: &CaseFinished) {
        let id = &case.case;
        self.crowd.add(id);
        self.baseline.add(case);
        for judgement in &case.judgements {
            let (doubt, finding) = match &judgement.verdict {
                Verdict::Fail(finding) => (false, finding),
                Verdict::Note(finding) => (true, finding),
                Verdict::HarnessError { message } => {
                    self.harness.entry(message.clone()).or_default().insert(id.clone());
                    continue;
                }
                Verdict::Pass | Verdict::Skip { .. } => continue,
            };
            let key = Key { doubt, cause: cause(judgement, finding, &id.event) };
            let place = Place {
                case: id.clone(),
                requirement: judgement.requirement.clone(),
                level: judgement.level,
                harmful: case.harmful,
                kind: case.kind,
                unless_stopped: case.unless_stopped.clone(),
                finding: finding.clone(),
            };
            self.groups.entry(key).or_default().push(place);
        }
    }

    /// What was found, the worst first: MUST, SHOULD, MAY, then the doubts; within a level a hook that does not start
    /// comes first, then what lets something dangerous through, then the requirement that is broken in most cases. The groups
    /// of one requirement stand together.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups = self.merged();
        let of = |group: &Group| (group.doubt, Reverse(group.level), group.requirement.clone());
        let mut spread: BTreeMap<_, (bool, usize)> = BTreeMap::new();
        for group in &groups {
            let (harmful, cases) = spread.entry(of(group)).or_default();
            *harmful |= group.does_harm();
            *cases += group.places.len();
        }
        groups.sort_by_cached_key(|group| {
            let (doubt, level, requirement) = of(group);
            let spread = Reverse(spread.get(&of(group)).copied().unwrap_or_default());
            let first = !FIRST.contains(&requirement.as_str());
            let own = Reverse((group.does_harm(), group.places.len()));
            (doubt, level, first, spread, requirement, own, group.observed.clone())
        });
        groups
    }

    /// The groups that a report of this level shows, and how many it only counts: what is of level MAY, unless it is asked
    /// for. A note on a file is always shown, because it says what was not checked.
    pub fn chosen(&self, level: Level, all: bool) -> (Vec<Group>, usize) {
        let is_shown = |group: &Group| {
            all || level == Level::May || group.level > Level::May || (group.doubt && group.is_on_files())
        };
        let (shown, hidden): (Vec<_>, Vec<_>) = self.groups().into_iter().partition(is_shown);
        (shown, hidden.len())
    }

    /// The groups, where those that break the same requirement and differ in details of their texts alone are one: the name of
    /// a payload, a number, a path, a quoted value. What was found in files stays apart, because each place is to be mended.
    fn merged(&self) -> Vec<Group> {
        let groups = self.groups.iter().filter_map(|(key, places)| Some((key, places, self.group(key.doubt, places)?)));
        let mut alike: BTreeMap<(bool, Level, String, String), Vec<Place>> = BTreeMap::new();
        for (key, places, group) in groups {
            let first = &group.places[0];
            let text = match first.kind {
                Some(_) if !is_a_line(&key.cause) => {
                    without_details(&group.observed, &[&first.case.payload, &first.case.event])
                }
                _ => key.cause.clone(),
            };
            alike.entry((key.doubt, group.level, group.requirement, text)).or_default().extend(places.iter().cloned());
        }
        alike.iter().filter_map(|((doubt, ..), places)| self.group(*doubt, places)).collect()
    }

    /// What went wrong in the harness itself, and in which cases.
    pub fn harness_errors(&self) -> Vec<(&str, Vec<&CaseId>)> {
        self.harness.iter().map(|(message, cases)| (message.as_str(), cases.iter().collect())).collect()
    }

    /// The places in order; `None` if there are none.
    fn group(&self, doubt: bool, places: &[Place]) -> Option<Group> {
        let mut places = places.to_vec();
        places.sort_by_cached_key(|place| {
            let crowd = Reverse(self.crowd.around(&place.case));
            let first = !FIRST.contains(&place.requirement.as_str());
            let lost = !place.finding.loses_denial;
            (Reverse(place.level), first, lost, !place.harmful, crowd, place.case.clone(), place.requirement.clone())
        });
        let (requirement, level, observed) =
            places.first().map(|first| (first.requirement.clone(), first.level, first.finding.observed.clone()))?;
        let others = places.iter().filter(|place| place.requirement != requirement);
        let also = others.map(|place| (place.requirement.clone(), place.level)).collect();
        let mut seen = BTreeSet::new();
        places.retain(|place| seen.insert(place.case.clone()) || place.requirement == requirement);
        Some(Group { requirement, also, level, doubt, observed, places })
    }
}

/// How many cases there are of each kind.
#[derive(Debug, Clone, Default)]
struct Crowd {
    scenarios: BTreeMap<String, usize>,
    events: BTreeMap<String, usize>,
    payloads: BTreeMap<String, usize>,
}

impl Crowd {
    fn add(&mut self, case: &CaseId) {
        *self.scenarios.entry(case.scenario.clone()).or_default() += 1;
        *self.events.entry(case.event.clone()).or_default() += 1;
        *self.payloads.entry(case.payload.clone()).or_default() += 1;
    }

    /// How many cases share the scenario, the event and the payload of this one.
    fn around(&self, case: &CaseId) -> [usize; 3] {
        let of = |counts: &BTreeMap<String, usize>, name: &str| counts.get(name).copied().unwrap_or_default();
        [of(&self.scenarios, &case.scenario), of(&self.events, &case.event), of(&self.payloads, &case.payload)]
    }
}

#[cfg(test)]
mod tests;
