//! Contract files: the place of what is wrong with one, and the contract of each version.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hookproof::contract::{Action, Contract, ContractError, ContractFile, Evidence, Library, UnknownPlatform, Version};
use hookproof::judge::{Judgement, Material, Verdict, judge_all};
use hookproof::oracle::{Effect, Ended, Facts, HookStatus, interpret};
use hookproof::payload::Payloads;
use hookproof::plan::{Filter, Scenarios, plan};
use hookproof::requirement::Catalogue;
use hookproof::run::{Run, TimeLimit};
use hookproof::subject::from_command;
use hookproof_harness::{Capture, Ending, Leaks, Mechanism, Observation, StdinReport};
use rstest::rstest;

const TEXT: &str = include_str!("../contracts/claude-code.toml");

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::built_in().expect("the built-in contracts are sound"));

fn contract(version: &str) -> Contract {
    LIBRARY.select(&format!("claude-code@{version}")).expect("the version has hooks")
}

// ---------------------------------------------------------------------------------------------------------------
// Broken files

/// The built-in text with one edit, and the line and column at which `§` stood in the edit.
fn edited(from: &str, to: &str) -> (String, usize, usize) {
    assert!(TEXT.contains(from), "the contract no longer holds {from:?}");
    let text = TEXT.replacen(from, to, 1);
    let mark = text.find('§').expect("the edit marks the place");
    let before = &text[..mark];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (text.replacen('§', "", 1), line, column)
}

#[rstest]
#[case::unknown_key("first = \"1.0.38\"", "first = \"1.0.38\"\n§frist = 1", &["unknown field `frist`"])]
#[case::unknown_key_of_an_event("fires = \"before each tool call", "§fire = 1\nfires = \"before each tool call", &["unknown field `fire`"])]
#[case::wrong_type("kill_grace_ms = 1400", "kill_grace_ms = §\"soon\"", &["invalid type: string \"soon\""])]
#[case::wrong_type_of_a_list("measured = [\"2.1.197\", \"2.1.329\"]", "measured = [\"2.1.197\", §2]", &["invalid type: integer `2`"])]
#[case::no_version("first = \"1.0.38\"", "first = §\"one\"", &["failed to read \"one\" as a version"])]
#[case::no_evidence("rule = \"braced-json\"\nevidence = \"measured\"", "rule = \"braced-json\"\nevidence = §\"guessed\"", &["unknown variant `guessed`", "`measured`"])]
#[case::missing_key("rule = \"name-list-or-pattern\"\n", "", &["missing field `rule`"])]
#[case::unknown_source_key("source = [\"M329\", \"D9\"]", "§source = [\"M330\", \"D9\"]", &["`reading.source`", "\"M330\" is no key of [sources]; known: ", "M329"])]
#[case::unknown_source_key_in_a_row("source = [\"M329: exit2_wrong_name\"]", "§source = [\"X1: seen\"]", &["`exits.blocking.2.source`", "\"X1\" is no key of [sources]"])]
#[case::unknown_source_key_in_a_change("source = [\"M197: deny_plus_continue_false\"]", "§source = [\"M42\"]", &["`change.1.source`", "\"M42\" is no key"])]
#[case::no_such_exit_table("exits = \"json-only\"", "§exits = \"jsononly\"", &["`event.PermissionRequest.exits`", "there is no exit table \"jsononly\"; known: ", "json-only"])]
#[case::discard_of_no_field("discard = [\"decision\", \"reason\"]", "§discard = [\"decision\", \"raison\"]", &["`event.PermissionRequest.discard`", "\"raison\" is no field of [common.output]"])]
#[case::matcher_of_no_field("matcher = \"tool_name\"", "§matcher = \"tool\"", &["`event.PreToolUse.matcher`", "\"tool\" is no input field of this event"])]
#[case::decision_without_map("role = \"decision\"\nmap = { approve = \"allow\", block = \"deny\" }", "role = \"decision\"", &["`common.output.decision`", "a decision needs a `map`"])]
#[case::map_of_no_value("map = { approve = \"allow\", block = \"deny\" }\nevidence", "map = { approve = \"allow\", blok = \"deny\" }\nevidence", &["`common.output.decision`", "`map` names \"blok\", which is none of its `values`"])]
#[case::output_without_role("stopReason]\ntype = \"string\"\nrole = \"stop-reason\"", "stopReason]\ntype = \"string\"", &["`common.output.stopReason`", "an output field needs a role"])]
#[case::no_such_tool("default_tool = \"Bash\"", "§default_tool = \"Bush\"", &["`platform.default_tool`", "there is no [tool.Bush]"])]
#[case::no_final_row("discarded = [\n  { on = [\"any\"]", "§discarded = [\n  { on = [\"2\"]", &["`exits.discarded`", "the table must end with a row for every ending"])]
#[case::no_pattern("stderr_matches = \"(?i)no such file|can't open\"", "stderr_matches = \"(no such file\"", &["`exits.stopping`", "\"(no such file\" is no pattern"])]
#[case::change_to_nowhere("at = \"event/Setup/exits\"", "at = \"event/Setap/exits\"", &["`setup-was-read`", "there is no `Setap` for \"event/Setap/exits\""])]
#[case::change_without_parent("at = \"event/Setup/exits\"", "at = \"exits\"", &["`setup-was-read`", "the path \"exits\" needs a parent"])]
#[case::change_of_a_wrong_type("value = { units = 50000 }", "value = { units = \"many\" }", &["`text-limit-was-50000`", "invalid type: string \"many\""])]
#[case::change_to_no_key("value = { units = 50000 }", "value = { units = 50000, bytes = 1 }", &["`text-limit-was-50000`", "unknown field `bytes`"])]
#[case::change_takes_away_what_is_not("set = [{ at = \"limits/stop_blocks\" }]", "set = [{ at = \"limits/stop_block\" }]", &["`no-stop-cap`", "there is no \"limits/stop_block\" to take away"])]
#[case::change_back_in_time("until = \"2.1.142\"\nsince = \"2.1.143\"", "until = \"2.1.143\"\nsince = \"2.1.143\"", &["`no-stop-cap` holds until 2.1.143 and is over since 2.1.143"])]
fn a_broken_contract_is_refused_at_its_place(#[case] from: &str, #[case] to: &str, #[case] says: &[&str]) {
    // Where the edit does not mark the place itself, the error stands at the table that the edit is in.
    let (text, place) = if to.contains('§') {
        let (text, line, column) = edited(from, to);
        (text, Some((line, column)))
    } else {
        assert!(TEXT.contains(from), "the contract no longer holds {from:?}");
        (TEXT.replacen(from, to, 1), None)
    };
    let error = ContractFile::parse(Path::new("platforms/made-up.toml"), &text).expect_err("the contract is broken");
    let message = error.to_string();
    for part in says {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    let (path, line, column) = match &error {
        ContractError::Syntax { path, line, column, .. } | ContractError::Meaning { path, line, column, .. } => {
            (path, *line, *column)
        }
        other => panic!("the error has no place: {other}"),
    };
    assert_eq!(path, Path::new("platforms/made-up.toml"));
    assert!(message.contains(&format!("platforms/made-up.toml:{line}:{column}: ")), "{message}");
    match place {
        Some(place) => assert_eq!((line, column), place, "{message}"),
        None => {
            let changed = TEXT[..TEXT.find(from).unwrap_or(0)].matches('\n').count() + 1;
            let header = text.lines().take(changed).enumerate().filter(|(_, line)| line.starts_with('['));
            let header = header.last().map_or(1, |(index, _)| index + 1);
            assert!((header..=changed).contains(&line), "{message}: the edit is in the lines {header} to {changed}");
        }
    }
}

#[test]
fn what_is_no_toml_is_refused_at_its_place() {
    let (text, line, column) = edited("[sources]", "[sources§\n");
    let error = ContractFile::parse(Path::new("made-up.toml"), &text).expect_err("this is no TOML");
    assert!(error.to_string().contains(&format!("made-up.toml:{line}:{column}: ")), "{error}");
}

#[test]
fn the_text_itself_is_sound() {
    let file = ContractFile::parse(Path::new("claude-code.toml"), TEXT).expect("the built-in contract is sound");
    assert_eq!(file.platform().id, "claude-code");
}

// ---------------------------------------------------------------------------------------------------------------
// Versions

#[rstest]
#[case("claude-code@1.0.37", "failed to select claude-code 1.0.37: its first version with hooks is 1.0.38")]
#[case("claude-code@0.2", "failed to select claude-code 0.2: its first version with hooks is 1.0.38")]
#[case("claude-code@latest", "failed to read \"latest\" as a version")]
#[case("claude-code@", "failed to read \"\" as a version")]
#[case("claude-cod", "failed to find the platform \"claude-cod\": known are antigravity, ")]
fn a_version_or_platform_that_is_not_is_an_error(#[case] name: &str, #[case] says: &str) {
    let error: UnknownPlatform = LIBRARY.select(name).expect_err("there is no such contract");
    assert!(error.to_string().starts_with(says), "{error}");
}

#[test]
fn the_first_version_has_hooks() {
    let contract = contract("1.0.38");
    assert!(contract.events.contains_key("PreToolUse"));
    assert!(!contract.events.contains_key("SessionEnd"), "it came later");
}

/// What a contract says, without the name of its version.
fn facts_of(version: &Version) -> String {
    let mut contract = contract(&version.to_string());
    contract.changes.clear();
    contract.version = LIBRARY.select("claude-code").unwrap().platform.version;
    format!("{contract:?}")
}

/// A change that changes nothing is a fact that nobody reads.
#[test]
fn every_change_with_edits_makes_a_difference() {
    let changes = contract("1.0.38").changes;
    assert!(changes.len() > 20, "the oldest version is touched by all changes");
    for change in changes.iter().filter(|change| !change.set.is_empty()) {
        assert_ne!(facts_of(&change.until), facts_of(&change.since), "{}", change.id);
    }
}

/// One run of a hook, as the contract of a version judges it.
struct Said<'a> {
    event: &'a str,
    ended: Ended,
    stdout: &'a str,
    stderr: &'a str,
    held: bool,
    options: &'a [(&'a str, &'a str)],
}

impl Said<'_> {
    const PLAIN: Said<'static> =
        Said { event: "PreToolUse", ended: Ended::Exit(0), stdout: "", stderr: "", held: false, options: &[] };

    fn at(&self, version: &str) -> Effect {
        self.by(&contract(version))
    }

    fn by(&self, contract: &Contract) -> Effect {
        let mut facts = Facts::new(self.ended, self.stdout.as_bytes(), self.stderr.as_bytes());
        facts.stdout_held = self.held;
        facts.handler = self.options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        interpret(contract, &contract.events[self.event], &facts)
    }
}

const ALLOW: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#;
const DENY: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"not here"}}"#;
const DEFER: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"defer"}}"#;
const REFUSED: &str = r#"{"decision":"maybe"}"#;

#[rstest]
#[case("2.1.197", HookStatus::Ok, true)]
#[case("2.1.247", HookStatus::Ok, true)]
#[case("2.1.248", HookStatus::Failed, false)]
#[case("2.1.329", HookStatus::Failed, false)]
fn broken_json_was_text(#[case] version: &str, #[case] status: HookStatus, #[case] read: bool) {
    let effect = Said { event: "UserPromptSubmit", stdout: "{\"a\": }", ..Said::PLAIN }.at(version);
    assert_eq!((effect.hook_status, effect.model_sees.contains(&"{\"a\": }".to_owned())), (status, read));
    assert!(effect.evidence.is_settled(), "both sides were seen: {}", effect.evidence);
}

#[rstest]
#[case("2.1.197", Action::Proceeds, Evidence::Measured)]
#[case("2.1.198", Action::Blocked, Evidence::Disputed)]
#[case("2.1.328", Action::Blocked, Evidence::Disputed)]
#[case("2.1.329", Action::Blocked, Evidence::Measured)]
fn held_pipes_were_waited_for(#[case] version: &str, #[case] action: Action, #[case] evidence: Evidence) {
    let effect = Said { stdout: ALLOW, held: true, ..Said::PLAIN }.at(version);
    assert_eq!((effect.action, effect.evidence), (action, evidence));
}

#[rstest]
#[case("2.1.197", HookStatus::Ok, Evidence::Measured)]
#[case("2.1.198", HookStatus::Background, Evidence::Disputed)]
#[case("2.1.328", HookStatus::Background, Evidence::Disputed)]
#[case("2.1.329", HookStatus::Background, Evidence::Measured)]
fn an_announcement_line_was_text(#[case] version: &str, #[case] status: HookStatus, #[case] evidence: Evidence) {
    let effect = Said { event: "UserPromptSubmit", stdout: "{\"async\":true}\nmore\n", ..Said::PLAIN }.at(version);
    assert_eq!((effect.hook_status, effect.evidence), (status, evidence));
}

#[rstest]
#[case("2.1.88", Action::Proceeds, HookStatus::Failed)]
#[case("2.1.89", Action::TurnEnded, HookStatus::Ok)]
fn there_was_no_defer(#[case] version: &str, #[case] action: Action, #[case] status: HookStatus) {
    let effect = Said { stdout: DEFER, ..Said::PLAIN }.at(version);
    assert_eq!((effect.action, effect.hook_status), (action, status));
    let refused = effect.problems.iter().any(|problem| problem.requirement == "schema.value");
    assert_eq!(refused, status == HookStatus::Failed);
}

#[rstest]
#[case("2.1.2", 60.0)]
#[case("2.1.3", 600.0)]
fn the_time_limit_was_60_s(#[case] version: &str, #[case] seconds: f64) {
    let limit = &contract(version).events["PreToolUse"].timeout_s;
    assert!((limit.is - seconds).abs() < f64::EPSILON, "{}", limit.is);
}

#[rstest]
#[case::an_answer_counted("2.1.89", ALLOW, Action::Proceeds, HookStatus::Ok)]
#[case::exit_2_counts("2.1.90", ALLOW, Action::Blocked, HookStatus::Ok)]
#[case::a_refused_answer_was_a_failure("2.1.213", REFUSED, Action::Proceeds, HookStatus::Failed)]
#[case::exit_2_counts_all_the_same("2.1.214", REFUSED, Action::Blocked, HookStatus::Ok)]
fn exit_2_beside_json(#[case] version: &str, #[case] stdout: &str, #[case] action: Action, #[case] status: HookStatus) {
    let effect = Said { ended: Ended::Exit(2), stdout, stderr: "oops\n", ..Said::PLAIN }.at(version);
    assert_eq!((effect.action, effect.hook_status), (action, status));
    assert_eq!(effect.model_sees == ["oops"], action == Action::Blocked);
}

/// The old row was one of PreToolUse alone.
#[test]
fn exit_2_beside_json_always_blocked_a_prompt() {
    let said = Said {
        event: "UserPromptSubmit",
        ended: Ended::Exit(2),
        stdout: r#"{"systemMessage":"hello"}"#,
        stderr: "oops\n",
        ..Said::PLAIN
    };
    assert_eq!(said.at("2.1.89").action, Action::Blocked);
}

#[rstest]
#[case("2.1.294", Action::Proceeds)]
#[case("2.1.295", Action::Blocked)]
fn on_failure_is_known_since(#[case] version: &str, #[case] action: Action) {
    let said = Said { ended: Ended::Exit(1), stderr: "oops\n", options: &[("onFailure", "block")], ..Said::PLAIN };
    assert_eq!(said.at(version).action, action);
}

#[rstest]
#[case("2.1.41", Action::Proceeds)]
#[case("2.1.42", Action::Blocked)]
#[case("2.1.196", Action::Blocked)]
#[case("2.1.197", Action::Blocked)]
fn stderr_voided_success(#[case] version: &str, #[case] action: Action) {
    let effect = Said { stdout: DENY, stderr: "a warning\n", ..Said::PLAIN }.at(version);
    assert_eq!(effect.action, action);
    // Somebody said so of the older versions, and nobody looked between.
    assert_eq!(effect.evidence.is_settled(), version == "2.1.197", "{}", effect.evidence);
    if version == "2.1.41" {
        assert_eq!((effect.hook_status, effect.evidence), (HookStatus::Failed, Evidence::Disputed));
    }
}

#[rstest]
#[case("2.1.41", HookStatus::Failed)]
#[case("2.1.42", HookStatus::Ok)]
#[case("2.1.197", HookStatus::Ok)]
fn keys_were_strict(
    #[case] version: &str,
    #[case] status: HookStatus,
    #[values(
        ("Stop", r#"{"decision":"block","reason":"go on","hookSpecificOutput":{"hookEventName":"Stop"}}"#),
        ("PreToolUse", r#"{"decision":"approve","note":"mine"}"#),
        ("SessionStart", r#"{"decision":"approve"}"#),
    )]
    said: (&str, &str),
) {
    let effect = Said { event: said.0, stdout: said.1, ..Said::PLAIN }.at(version);
    assert_eq!(effect.hook_status, status);
    assert_eq!(effect.evidence.is_settled(), version == "2.1.197", "{}", effect.evidence);
}

// ---------------------------------------------------------------------------------------------------------------
// What is not settled fails nobody

/// What all requirements say of this run, as they would of a hook that was really started.
fn judged(version: &str, said: &Said<'_>) -> Vec<Judgement> {
    let contract = contract(version);
    let subjects = [from_command("made-up".as_ref(), &[])];
    let filter = Filter { events: vec![said.event.to_owned()], scenarios: vec!["baseline".to_owned()] };
    let cases = plan(
        &contract,
        &subjects,
        Payloads::built_in().expect("payloads"),
        Scenarios::built_in().expect("scenarios"),
        &filter,
    );
    let case = cases.iter().find(|case| case.payload.is("typical")).expect("every event has a typical payload");
    let capture = |text: &str| Capture {
        bytes: text.as_bytes().to_vec(),
        total: text.len() as u64,
        chunks: Vec::new(),
        eof: (!said.held).then_some(Duration::from_millis(3)),
        closed_by_us: None,
        full: None,
    };
    let Ended::Exit(code) = said.ended else { panic!("only exit codes are judged here") };
    let run = Run {
        lateness: None,
        held_barely: false,
        step: None,
        launch_fault: None,
        helper: 0,
        connections: None,
        observation: Observation {
            watch: None,
            sandbox: None,
            ending: Ending::Exited { code },
            stdout: capture(said.stdout),
            stderr: capture(said.stderr),
            stdin: StdinReport::default(),
            wall: Duration::from_millis(3),
            cpu_user: None,
            cpu_system: None,
            peak_memory: None,
            leaks: Leaks { stdout_held: said.held, ..Leaks::default() },
            mechanism: Mechanism::default(),
            limits: Vec::new(),
        },
        effect: said.by(&contract),
        stdin: Arc::from(&b"{}\n"[..]),
        limit: TimeLimit::Platform,
        result_exists: None,
        written_elsewhere: Vec::new(),
        state: None,
        further: None,
    };
    let runs = [run];
    let material = Material {
        contract: &contract,
        event: &contract.events[said.event],
        case,
        runs: &runs,
        baseline: None,
        typical: None,
        patience: Duration::from_secs(10),
        together: None,
    };
    judge_all(Catalogue::built_in().expect("the catalogue"), &material)
}

fn verdict<'j>(judgements: &'j [Judgement], requirement: &str) -> &'j Verdict {
    let judgement = judgements.iter().find(|judgement| judgement.requirement == requirement);
    &judgement.unwrap_or_else(|| panic!("{requirement} said nothing")).verdict
}

#[rstest]
#[case::settled("2.1.329", "PreToolUse", DEFER_OF_STOP, 0, "schema.event-name-wrong", true)]
#[case::disputed_keys("2.1.41", "SessionStart", r#"{"decision":"approve"}"#, 0, "schema.unknown-field", false)]
#[case::value_of_old("2.1.88", "PreToolUse", DEFER, 0, "schema.value", true)]
#[case::value_of_new("2.1.329", "PreToolUse", r#"{"decision":"deny"}"#, 0, "schema.value", true)]
#[case::documented_too("2.1.100", "UserPromptSubmit", DENY, 0, "schema.event-name-wrong", true)]
#[case::seen("2.1.329", "PreToolUse", "", 1, "exit.silent-failure", true)]
#[case::seen_in_other_versions_only("2.1.100", "PreToolUse", "", 1, "exit.silent-failure", false)]
fn a_doubt_is_a_note(
    #[case] version: &str,
    #[case] event: &str,
    #[case] stdout: &str,
    #[case] code: i32,
    #[case] requirement: &str,
    #[case] settled: bool,
) {
    let said = Said { event, stdout, ended: Ended::Exit(code), ..Said::PLAIN };
    let judgements = judged(version, &said);
    match (verdict(&judgements, requirement), settled) {
        (Verdict::Fail(_), true) | (Verdict::Note(_), false) => {}
        (other, _) => panic!("{requirement} at {version}: {other:?}"),
    }
}

const DEFER_OF_STOP: &str = r#"{"hookSpecificOutput":{"hookEventName":"Stop","permissionDecision":"defer"}}"#;

/// The same run, with an answer whose pipe is held: lost for sure in one version, perhaps in another, never in a third.
#[rstest]
#[case("2.1.329", Some(true))]
#[case("2.1.250", Some(false))]
#[case("2.1.197", None)]
fn an_answer_lost_to_a_held_pipe(#[case] version: &str, #[case] fails: Option<bool>) {
    let judgements = judged(version, &Said { stdout: ALLOW, held: true, ..Said::PLAIN });
    let found = judgements.iter().find(|judgement| judgement.requirement == "timing.held-pipe-loses-answer");
    let verdict = found.map(|judgement| &judgement.verdict);
    match (verdict, fails) {
        (Some(Verdict::Fail(_)), Some(true))
        | (Some(Verdict::Note(_)), Some(false))
        | (None | Some(Verdict::Pass), None) => {}
        (other, _) => panic!("{version}: {other:?}"),
    }
}

/// Whatever a hook does, nothing that rests on 2.1.41's hearsay alone fails it.
#[test]
fn hearsay_fails_nobody() {
    let said = Said { stdout: DENY, stderr: "a warning\n", ..Said::PLAIN };
    let failed: Vec<String> = judged("2.1.41", &said)
        .into_iter()
        .filter(|judgement| matches!(judgement.verdict, Verdict::Fail(_)))
        .map(|judgement| judgement.requirement)
        .collect();
    // A deny with a reason, beside a warning, is a sound answer everywhere else.
    assert_eq!(failed, Vec::<String>::new());
    assert!(Said { ..said }.at("2.1.329").problems.is_empty());
}
