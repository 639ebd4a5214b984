//! The catalogue of requirements agrees with everything that names a requirement or is named by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hookproof::contract::Library;
use hookproof::payload::{Payload, Payloads};
use hookproof::plan::Scenarios;
use hookproof::requirement::{Catalogue, Level, Requirement};
use regex_lite::Regex;

/// Judges whose findings are problems that the oracle notes.
const OF_THE_ORACLE: &[&str] = &["problem", "result-path"];
/// The category whose witnesses are sample configurations.
const CONFIGURATIONS: &str = "config.";

fn catalogue() -> &'static Catalogue {
    Catalogue::built_in().unwrap()
}

fn ids(filter: impl Fn(&Requirement) -> bool) -> BTreeSet<String> {
    catalogue().iter().filter(|requirement| filter(requirement)).map(|requirement| requirement.id.clone()).collect()
}

/// Ids of requirements that stand in string literals of Rust files below these paths, and where.
fn named_in(paths: &[&str]) -> BTreeMap<String, PathBuf> {
    let categories: BTreeSet<String> =
        catalogue().iter().filter_map(|requirement| Some(requirement.id.split_once('.')?.0.to_owned())).collect();
    let categories: Vec<String> = categories.into_iter().collect();
    let literal = Regex::new(&format!(r#""((?:{})\.[a-z0-9-]+)""#, categories.join("|"))).unwrap();
    let mut found = BTreeMap::new();
    let mut waiting: Vec<PathBuf> =
        paths.iter().map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(literal.captures_iter(&text).map(|found| (found[1].to_owned(), path.clone())));
        }
    }
    found
}

#[test]
fn ids_are_well_formed_and_unique() {
    let form = Regex::new(r"^[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*$").unwrap();
    let all: Vec<&str> = catalogue().iter().map(|requirement| requirement.id.as_str()).collect();
    let malformed: Vec<&&str> = all.iter().filter(|id| !form.is_match(id)).collect();
    assert!(malformed.is_empty(), "{malformed:?}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn every_requirement_says_what_why_and_how() {
    let version = Regex::new(r"^\d+\.\d+\.\d+$").unwrap();
    for requirement in catalogue().iter() {
        let Requirement { id, title, rule, why, mend, source, since, .. } = requirement;
        for sentence in [rule, why, mend] {
            let last = sentence.trim_end_matches(['`', '"', ')']).chars().last();
            assert!(matches!(last, Some('.' | '?')), "{id}: {sentence:?} is no sentence");
        }
        assert!(!title.is_empty() && !title.ends_with('.'), "{id}: {title:?} is no title");
        assert!(source.iter().all(|source| !source.trim().is_empty()) && !source.is_empty(), "{id}: no source");
        assert!(version.is_match(since), "{id}: {since:?} is no version");
    }
}

#[test]
fn every_problem_of_the_oracle_is_a_requirement_and_the_other_way_round() {
    let noted = named_in(&["oracle/lint.rs", "oracle/lint"]);
    let unknown: Vec<_> = noted.iter().filter(|(id, _)| catalogue().get(id).is_none()).collect();
    assert!(unknown.is_empty(), "noted by the oracle, and no requirements: {unknown:?}");
    // The requirement that the command starts is noted by the oracle, too, for those who ask it alone.
    let by_other_judges: BTreeSet<&str> = BTreeSet::from(["exit.not-started"]);
    let judged_otherwise: BTreeSet<&str> = noted
        .keys()
        .filter(|id| catalogue().get(id).is_some_and(|found| !OF_THE_ORACLE.contains(&found.judge.as_str())))
        .map(String::as_str)
        .collect();
    assert_eq!(judged_otherwise, by_other_judges, "noted by the oracle, where their judges do not look");
    let never =
        ids(|requirement| OF_THE_ORACLE.contains(&requirement.judge.as_str()) && !noted.contains_key(&requirement.id));
    assert!(never.is_empty(), "requirements that nothing can break: {never:?}");
}

#[test]
fn every_notice_on_a_configuration_is_a_requirement_and_the_other_way_round() {
    let noted: BTreeSet<String> =
        named_in(&["subject", "cli"]).into_keys().filter(|id| id.starts_with(CONFIGURATIONS)).collect();
    assert_eq!(noted, ids(|requirement| requirement.judge == "config"));
    assert_eq!(noted, ids(|requirement| requirement.id.starts_with(CONFIGURATIONS)));
}

#[test]
fn whatever_a_requirement_names_is_there() {
    let (scenarios, payloads) = (Scenarios::built_in().unwrap(), Payloads::built_in().unwrap());
    let library = Library::built_in().unwrap();
    let contracts: Vec<_> =
        library.files().unwrap().iter().map(|file| file.select(&file.platform().version).unwrap()).collect();
    for Requirement { id, scenarios: named, labels, platforms, events, .. } in catalogue().iter() {
        for scenario in named {
            assert!(scenarios.get(scenario).is_some(), "{id}: there is no scenario {scenario:?}");
        }
        for label in labels {
            assert!(payloads.all().iter().any(|payload| payload.is(label)), "{id}: no payload is labelled {label:?}");
        }
        for platform in platforms {
            assert!(
                contracts.iter().any(|contract| contract.platform.id == *platform),
                "{id}: no platform {platform:?}"
            );
        }
        for event in events {
            assert!(
                contracts.iter().any(|contract| {
                    (platforms.is_empty() || platforms.contains(&contract.platform.id))
                        && contract.events.contains_key(event)
                }),
                "{id}: there is no event {event:?}"
            );
        }
    }
}

#[test]
fn every_step_that_a_requirement_names_is_told_and_every_story_is_judged_by_its_steps() {
    let scenarios = Scenarios::built_in().unwrap();
    for Requirement { id, scenarios: named, steps, .. } in catalogue().iter() {
        let stories: Vec<_> =
            named.iter().filter_map(|name| scenarios.get(name)).filter(|one| one.is_story()).collect();
        assert_eq!(stories.is_empty(), steps.is_empty(), "{id}: only stories have steps, and all of theirs are named");
        assert!(stories.is_empty() || stories.len() == named.len(), "{id}: some of its scenarios are no stories");
        for step in steps {
            let is_told = stories.iter().any(|story| story.step.iter().any(|one| one.name == *step));
            assert!(is_told, "{id}: no scenario has a step {step:?}");
        }
        for story in stories {
            assert!(story.step.iter().any(|one| steps.contains(&one.name)), "{id}: no step of {} is judged", story.id);
        }
    }
    for story in scenarios.iter().filter(|scenario| scenario.is_story()) {
        let names: BTreeSet<_> = story.step.iter().map(|step| &step.name).collect();
        assert_eq!(names.len(), story.step.len(), "{}: a step stands twice", story.id);
        assert!(story.step[0].must_attempt, "{}: it says nothing of a hook that does nothing heavy", story.id);
    }
}

#[test]
fn every_scenario_is_there_for_something() {
    let named: BTreeSet<&String> = catalogue().iter().flat_map(|requirement| &requirement.scenarios).collect();
    let scenarios = Scenarios::built_in().unwrap();
    // In a sound one the rules that name no scenario are judged.
    let idle: Vec<&str> = scenarios
        .iter()
        .filter(|scenario| !scenario.sound && !named.contains(&scenario.id))
        .map(|scenario| scenario.id.as_str())
        .collect();
    assert!(idle.is_empty(), "run for nothing: {idle:?}");
}

#[test]
fn every_platform_has_places_where_nothing_is_ever_sent_and_each_stands_for_a_field_that_is() {
    let payloads = Payloads::built_in().unwrap();
    let library = Library::built_in().unwrap();
    let labelled = |payload: &Payload| ["dangerous", "secret"].iter().any(|label| payload.is(label));
    let mut faults = Vec::new();
    for platform in library.platforms() {
        let contract = library.select(platform).unwrap();
        let own: Vec<&Payload> = payloads.all().iter().filter(|payload| payload.platform == platform).collect();
        if contract.phantoms.is_empty() && own.iter().any(|payload| labelled(payload)) {
            faults.push(format!("{platform}: no phantom, so that nobody is told of deaf hooks"));
        }
        if contract.unsent_names.is_none() {
            faults.push(format!("{platform}: no names of event and tool that are never sent"));
        }
        for phantom in &contract.phantoms {
            let pointer = format!("/{}", phantom.instead.replace('.', "/"));
            if !own.iter().any(|payload| payload.stdin.pointer(&pointer).is_some()) {
                faults.push(format!(
                    "{platform}: no payload has `{}`, which {} stands for",
                    phantom.instead,
                    phantom.name()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_requirement_has_a_witness_and_every_witness_a_requirement() {
    let witnesses: Vec<&str> = hookproof_witness::all().map(|witness| witness.id).collect();
    let unique: BTreeSet<String> = witnesses.iter().copied().map(str::to_owned).collect();
    assert_eq!(unique.len(), witnesses.len(), "a witness stands twice");
    assert_eq!(unique, ids(|requirement| !requirement.id.starts_with(CONFIGURATIONS)));
}

#[test]
fn what_a_witness_breaks_beside_is_a_must_with_a_reason() {
    let platforms: Vec<String> = Library::built_in().unwrap().platforms().map(str::to_owned).collect();
    for witness in hookproof_witness::all() {
        assert!(platforms.iter().any(|platform| platform == witness.platform), "{} shows on no platform", witness.id);
        assert!(!witness.events.is_empty(), "{} shows nowhere", witness.id);
        for (beside, reason) in witness.beside {
            let requirement = catalogue().get(beside);
            assert!(
                requirement.is_some_and(|found| found.level == Level::Must) && *beside != witness.id,
                "{}: {beside:?} is no other MUST",
                witness.id
            );
            assert!(!reason.trim().is_empty(), "{}: no reason for {beside}", witness.id);
        }
    }
}
