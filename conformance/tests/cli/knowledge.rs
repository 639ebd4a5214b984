//! `hookproof schema`, `explain` and `list`.

use hookproof::contract::Library;
use hookproof::plan::Scenarios;
use hookproof::requirement::Catalogue;
use hookproof::schema::{Direction, committed};
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;

use crate::hookproof;

#[rstest]
#[case("--input", Direction::Input)]
#[case("--output", Direction::Output)]
fn schema_prints_what_is_committed(#[case] flag: &str, #[case] direction: Direction) {
    let schema = committed("claude-code", "PreToolUse", direction).expect("it is committed");
    hookproof(&["schema", "claude-code", "PreToolUse", flag]).assert().success().stdout(schema).stderr("");
}

#[test]
fn schema_knows_versions() {
    let defer = contains("\"defer\"");
    hookproof(&["schema", "claude-code@2.1.88", "PreToolUse", "--output"])
        .assert()
        .success()
        .stdout(defer.clone().not());
    hookproof(&["schema", "claude-code@2.1.89", "PreToolUse", "--output"]).assert().success().stdout(defer);
}

#[rstest]
#[case(&["schema", "claude-code", "Stpo", "--output"], "did you mean Stop?")]
#[case(&["schema", "claude-code", "Stop"], "--output")]
#[case(&["schema", "claude-code", "Stop", "--input", "--output"], "cannot be used with")]
#[case(&["schema", "codex-9", "Stop", "--input"], "known are antigravity, ")]
#[case(&["explain", "stream.noise-befor-json"], "did you mean stream.noise-before-json?")]
#[case(&["explain", "stdin-held-opn"], "did you mean stdin-held-open?")]
#[case(&["explain", "pretooluse"], "did you mean PreToolUse?")]
#[case(&["explain"], "<WHAT>")]
#[case(&["list", "payload"], "payloads")]
#[case(&["list", "events", "--platform", "claude-code@1.0.1"], "its first version with hooks is 1.0.38")]
#[case(&["lst"], "list")]
#[case(&[], "Usage: hookproof [OPTIONS] <COMMAND>")]
fn wrong_usage_ends_with_code_2(#[case] arguments: &[&str], #[case] says: &str) {
    hookproof(arguments).assert().code(2).stdout("").stderr(contains(says));
}

#[test]
fn explain_tells_a_requirement() {
    let requirement = Catalogue::built_in().expect("the catalogue").get("stream.noise-before-json").expect("there");
    let assert = hookproof(&["explain", "stream.noise-before-json"]).assert().success().stderr("");
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(text.starts_with("stream.noise-before-json  (MUST)\n"), "{text}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [&requirement.title, &requirement.rule, &requirement.why, &requirement.mend] {
        assert!(words(&text).contains(&words(part)), "{part:?} is not told");
    }
    // An example is to be copied, so that its lines stay whole.
    let example = requirement.example.as_deref().unwrap_or_default();
    let prose = text.lines().filter(|line| !example.lines().any(|whole| line.trim() == whole.trim()));
    assert!(prose.into_iter().all(|line| line.chars().count() <= 100), "lines fit a screen");
    assert!(example.lines().all(|line| text.contains(line)), "the example is whole");
}

#[test]
fn explain_tells_a_scenario_and_the_requirements_of_its_own() {
    hookproof(&["explain", "stdin-held-open"])
        .assert()
        .success()
        .stdout(starts_with("stdin-held-open\n"))
        .stdout(contains("input.stdin-held-open"));
}

#[test]
fn explain_tells_an_event_at_a_version() {
    hookproof(&["explain", "PreToolUse"])
        .assert()
        .success()
        .stdout(starts_with("PreToolUse  (Claude Code 2.1.329)\n"))
        .stdout(contains("tool_name  string, required"))
        .stdout(contains("hookSpecificOutput.permissionDecision  string: allow, deny, ask, defer"));
    hookproof(&["explain", "PreToolUse", "--platform", "claude-code@2.1.88"])
        .assert()
        .success()
        .stdout(contains("hookSpecificOutput.permissionDecision  string: allow, deny, ask  ["));
}

fn listed(arguments: &[&str]) -> Vec<String> {
    let assert = hookproof(&[&["list"], arguments].concat()).assert().success().stderr("");
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn list_names_everything_that_there_is() {
    let catalogue = Catalogue::built_in().expect("the catalogue");
    let ids: Vec<&str> = catalogue.iter().map(|requirement| requirement.id.as_str()).collect();
    assert_eq!(listed(&["requirements"]), ids);
    let scenarios = Scenarios::built_in().expect("the scenarios");
    let ids: Vec<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    assert_eq!(listed(&["scenarios"]), ids);
    let library = Library::built_in().expect("the library");
    let contract = library.select("claude-code").expect("the contract");
    assert_eq!(listed(&["events"]), contract.events.keys().cloned().collect::<Vec<_>>());
    let payloads = listed(&["payloads"]);
    for event in contract.events.keys() {
        assert!(payloads.contains(&format!("{event}/typical")), "{event} has no typical payload");
    }
    let platforms = listed(&["platforms"]);
    assert!(library.platforms().all(|id| platforms.iter().any(|line| line == id)), "{platforms:?}");
}

#[test]
fn list_knows_versions() {
    let old = listed(&["events", "--platform", "claude-code@1.0.38"]);
    assert!(old.contains(&"PreToolUse".to_owned()) && !old.contains(&"PreModelSwitch".to_owned()), "{old:?}");
}

#[test]
fn help_names_the_exit_codes() {
    for code in ["0    conforms", "1    findings", "2    wrong usage", "3    the harness failed", "130  interrupted"] {
        hookproof(&["--help"]).assert().success().stdout(contains(code));
    }
    hookproof(&["--version"]).assert().success().stdout(format!("hookproof {}\n", env!("CARGO_PKG_VERSION")));
}
