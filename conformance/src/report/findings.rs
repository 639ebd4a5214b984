//! Findings, gathered: what was observed in many cases is told once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::CaseFinished;
use crate::judge::{Finding, Judgement, Verdict};
use crate::plan::CaseId;
use crate::requirement::Level;

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
}

impl Findings {
    /// Takes over what was found in a case.
    pub fn add(&mut self, case: &CaseFinished) {
        let id = &case.case;
        self.crowd.add(id);
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
                finding: finding.clone(),
            };
            self.groups.entry(key).or_default().push(place);
        }
    }

    /// What was found, the worst first: MUST, SHOULD, MAY, then the doubts; within a level a hook that does not start
    /// comes first, then the requirement that is broken in most cases, and the groups of one requirement stand together.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> =
            self.groups.iter().filter_map(|(key, places)| self.group(key.doubt, places)).collect();
        let of = |group: &Group| (group.doubt, Reverse(group.level), group.requirement.clone());
        let mut spread: BTreeMap<_, usize> = BTreeMap::new();
        for group in &groups {
            *spread.entry(of(group)).or_default() += group.places.len();
        }
        groups.sort_by_cached_key(|group| {
            let (doubt, level, requirement) = of(group);
            let cases = spread.get(&of(group)).copied().unwrap_or_default();
            let first = !FIRST.contains(&requirement.as_str());
            (doubt, level, first, Reverse(cases), requirement, Reverse(group.places.len()), group.observed.clone())
        });
        groups
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
mod tests {
    use super::super::samples::{bare_deny, broken, case, failing_run, finding, held, judgement, noise};
    use super::*;
    use crate::report::ReportEvent;
    use rstest::rstest;

    fn gather(cases: impl IntoIterator<Item = CaseFinished>) -> Findings {
        let mut findings = Findings::default();
        cases.into_iter().for_each(|case| findings.add(&case));
        findings
    }

    fn sample() -> Vec<CaseFinished> {
        let of = |event| match event {
            ReportEvent::CaseFinished(case) => Some(*case),
            _ => None,
        };
        failing_run().into_iter().filter_map(of).collect()
    }

    #[test]
    fn the_same_observation_is_one_group_and_the_worst_comes_first() {
        let groups = gather(sample()).groups();
        let told: Vec<_> = groups.iter().map(|group| (group.level, group.doubt, group.places.len())).collect();
        let expected =
            [(Level::Must, false, 2), (Level::Should, false, 1), (Level::May, false, 1), (Level::Must, true, 1)];
        assert_eq!(told, expected);
    }

    #[test]
    fn the_order_in_which_cases_finish_does_not_matter() {
        let forward = gather(sample()).groups();
        let mut cases = sample();
        cases.reverse();
        assert_eq!(gather(cases).groups(), forward);
    }

    #[test]
    fn a_case_that_does_harm_is_told_before_plainer_ones() {
        let mut harmful = case("PreToolUse", "rm", "aaa", vec![noise()]);
        harmful.harmful = true;
        let plain = || case("PreToolUse", "bash", "baseline", vec![noise()]);
        let groups = gather(vec![plain(), harmful, plain()]).groups();
        assert_eq!(groups[0].places[0].case.payload, "rm");
    }

    #[test]
    fn the_plainest_case_is_told_first() {
        let cases = vec![
            case("PreToolUse", "bash", "aaa", vec![noise()]),
            case("PreToolUse", "aaa", "baseline", vec![noise()]),
            case("PreToolUse", "bash", "baseline", vec![noise()]),
            case("Stop", "bash", "baseline", vec![]),
        ];
        let groups = gather(cases).groups();
        let told: Vec<_> = groups[0].places.iter().map(|place| (&*place.case.scenario, &*place.case.payload)).collect();
        assert_eq!(told, [("baseline", "bash"), ("baseline", "aaa"), ("aaa", "bash")]);
    }

    #[test]
    fn another_observation_is_another_group_beside_it() {
        let other = |text: &str| judgement("a.other", Level::Must, Verdict::Fail(finding(text, "", &[])));
        let cases = vec![
            case("Stop", "a", "baseline", vec![noise(), other("one")]),
            case("Stop", "b", "baseline", vec![noise(), other("two")]),
            case("Stop", "c", "baseline", vec![other("two")]),
            case("Stop", "d", "baseline", vec![bare_deny(), held()]),
        ];
        let groups = gather(cases).groups();
        let told: Vec<_> = groups.iter().map(|group| (&*group.requirement, &*group.observed)).collect();
        assert_eq!(told[..2], [("a.other", "two"), ("a.other", "one")]);
        assert_eq!(told[2].0, "stream.noise-before-json");
    }

    #[test]
    fn consequences_are_told_with_their_events() {
        let of = |event, consequence| {
            let finding = finding("text on stdout", consequence, &[]);
            case(event, "a", "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
        };
        let groups = gather([
            of("Stop", "It at Stop ends"),
            of("PreToolUse", "goes on"),
            of("SubagentStop", "It at SubagentStop ends"),
            of("Stop", "It at StopFailure ends"),
        ])
        .groups();
        assert_eq!(groups.len(), 1);
        let expected = [
            ("It ends".to_owned(), BTreeSet::from(["Stop", "SubagentStop"])),
            ("It at StopFailure ends".to_owned(), BTreeSet::from(["Stop"])),
            ("goes on".to_owned(), BTreeSet::from(["PreToolUse"])),
        ];
        assert_eq!(groups[0].consequences(), expected);
    }

    #[test]
    fn observations_that_differ_in_the_event_alone_are_the_same() {
        let of = |event: &str, observed: &str| {
            let finding = finding(observed, "", &[]);
            case(event, "a", "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
        };
        let groups = gather([
            of("Stop", "Stop drops text, and so does Stop"),
            of("Setup", "Setup drops text, and so does Setup"),
            of("Setup", "Setup drops texts, and so does Setup"),
        ])
        .groups();
        let told: Vec<_> = groups.iter().map(|group| (&*group.observed, group.places.len())).collect();
        let expected = [("Setup drops text, and so does Setup", 2), ("Setup drops texts, and so does Setup", 1)];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_has_one_cause_is_one_group_of_the_highest_level() {
        let of = |scenario: &str, rules: &[(&str, Level)]| {
            let judgements = rules.iter().map(|&(id, level)| {
                let finding = Finding { cause: Some("exit 1: no".to_owned()), ..finding(scenario, "", &[]) };
                judgement(id, level, Verdict::Fail(finding))
            });
            case("Stop", "a", scenario, judgements.collect())
        };
        let groups = gather([
            of("empty", &[("input.empty", Level::Should)]),
            of("closed", &[("input.closed", Level::May)]),
            of("baseline", &[("exit.failure", Level::Should), ("exit.one", Level::Must)]),
        ])
        .groups();
        let [group] = &groups[..] else { panic!("{groups:?}") };
        assert_eq!((&*group.requirement, group.level, &*group.observed), ("exit.one", Level::Must, "baseline"));
        assert_eq!(group.places.len(), 3, "each case once");
        let also: Vec<_> = group.also.iter().map(|(id, level)| (&**id, *level)).collect();
        let expected = [("exit.failure", Level::Should), ("input.closed", Level::May), ("input.empty", Level::Should)];
        assert_eq!(also, expected);
    }

    #[rstest]
    #[case("Stop drops it", "Stop", "\0 drops it")]
    #[case("StopFailure, SubagentStop, Stop_x, Stop", "Stop", "StopFailure, SubagentStop, Stop_x, \0")]
    #[case("StopStop", "Stop", "StopStop")]
    #[case("none of it", "Stop", "none of it")]
    #[case("nothing", "", "nothing")]
    fn an_event_is_a_whole_word(#[case] text: &str, #[case] event: &str, #[case] expected: &str) {
        assert_eq!(of_any_event(text, event), expected);
    }

    #[test]
    fn failures_of_the_harness_are_kept_apart() {
        let findings = gather([
            case("Stop", "a", "baseline", vec![broken("no memory"), broken("no memory")]),
            case("Stop", "b", "baseline", vec![broken("no memory")]),
        ]);
        assert!(findings.groups().is_empty());
        let errors = findings.harness_errors();
        assert_eq!((errors.len(), errors[0].0, errors[0].1.len()), (1, "no memory", 2));
    }
}
