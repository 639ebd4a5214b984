//! Each strategy on bytes, with a contract that is made up for it.

use std::path::Path;

use rstest::rstest;

use crate::contract::{AnswerClass, Contract, ContractFile};
use crate::oracle::{Effect, Ended, Facts, interpret};

/// A contract whose `[reading]` has these lines.
fn contract(reading: &str) -> Contract {
    let text = format!(
        r#"
[platform]
id = "made-up"
title = "Made Up"
version = "1.0"
first = "1.0"
measured = ["1.0"]
[sources]
S = "made up"
[reading]
evidence = "source"
source = ["S"]
{reading}
[reading.trim]
is = "javascript"
evidence = "source"
source = ["S"]
[process]
shell = []
shell_windows = []
stdin_suffix = ""
kill_grace_ms = 0
pipe_grace_ms = 0
terminal = false
tolerates_unread_stdin = true
evidence = "source"
source = ["S"]
[notice.shows_stderr]
is = true
evidence = "source"
source = ["S"]
[matching]
rule = "none"
evidence = "source"
source = ["S"]
[limits.timeout_s]
is = 1.0
evidence = "source"
source = ["S"]
[[exits.all]]
on = ["any"]
answer = ["valid"]
then = "answer"
evidence = "source"
source = ["S"]
[[exits.all]]
on = ["any"]
answer = ["text"]
then = "text"
evidence = "source"
source = ["S"]
[[exits.all]]
on = ["any"]
then = "failed"
evidence = "source"
source = ["S"]
[event.before]
kind = "gate"
fires = "before a step"
exits = "all"
text = ["user"]
evidence = "source"
source = ["S"]
[event.before.output.verdict]
type = "string"
values = ["yes", "no"]
role = "decision"
map = {{ yes = "allow", no = "deny" }}
any_case = true
needs = [{{ values = ["no"], field = "why", otherwise = "ignored" }}]
refuse = [{{ values = ["yes"], without = "input" }}]
[event.before.output.why]
type = "string"
role = "reason"
explains = "verdict"
[event.before.output.input]
type = ["object", "string"]
role = "input-update"
unwrap = true
merges = true
[event.before.output.box]
type = "object"
role = "container"
[event.before.output."box.event"]
type = "string"
role = "event-name"
[event.before.output."box.notes"]
type = ["string", "array"]
items = "string"
role = "model-context"
wrong_type = "ignored"
"#
    );
    ContractFile::parse(Path::new("made-up.toml"), &text)
        .unwrap_or_else(|error| panic!("{error}"))
        .select(&"1.0".parse().unwrap())
        .unwrap()
}

fn effect(reading: &str, ended: Ended, stdout: &str, stderr: &str) -> Effect {
    let contract = contract(reading);
    interpret(&contract, &contract.events["before"], &Facts::new(ended, stdout.as_bytes(), stderr.as_bytes()))
}

fn class(reading: &str, stdout: &str) -> AnswerClass {
    effect(reading, Ended::Exit(0), stdout, "").read_as
}

const NO: &str = r#"{"verdict":"no","why":"w"}"#;

#[rstest]
#[case::object(NO, AnswerClass::Valid)]
#[case::byte_order_mark("\u{FEFF}{\"why\":\"w\"}", AnswerClass::Valid)]
#[case::array("[1]", AnswerClass::Valid)]
#[case::number("7", AnswerClass::Valid)]
#[case::noise("log\n{}", AnswerClass::Text)]
#[case::broken("{\"verdict\":", AnswerClass::Text)]
#[case::blank(" \n", AnswerClass::Empty)]
fn any_json(#[case] stdout: &str, #[case] expected: AnswerClass) {
    assert_eq!(class("rule = \"any-json\"", stdout), expected);
}

#[rstest]
#[case::object(NO, AnswerClass::Valid)]
#[case::array("[1]", AnswerClass::Invalid)]
#[case::broken("{\"verdict\":", AnswerClass::Broken)]
#[case::two("{}\n{}", AnswerClass::Broken)]
#[case::word("\"no\"", AnswerClass::Text)]
#[case::noise("log {}", AnswerClass::Text)]
fn opener_json(#[case] stdout: &str, #[case] expected: AnswerClass) {
    let rules = "rule = \"opener-json\"\nopeners = \"{[\"\n\
                 broken = { is = \"failed\", evidence = \"source\", source = [\"S\"] }\n\
                 non_object = { is = \"refused\", evidence = \"source\", source = [\"S\"] }";
    assert_eq!(class(rules, stdout), expected);
}

#[rstest]
#[case::alone(NO, Some("w"))]
#[case::in_a_log("start\n{\"why\":\"x\",\"verdict\":\"no\"} done\n", Some("x"))]
#[case::the_last("{\"verdict\":\"no\",\"why\":\"a\"}\n{\"verdict\":\"no\",\"why\":\"b\"}", Some("b"))]
#[case::the_outer_one("x {\"verdict\":\"no\",\"why\":\"o\",\"input\":{\"why\":\"i\"}}", Some("o"))]
#[case::none("{ no", None)]
fn last_object(#[case] stdout: &str, #[case] reason: Option<&str>) {
    assert_eq!(effect("rule = \"last-object\"", Ended::Exit(0), stdout, "").reason.as_deref(), reason);
}

#[rstest]
#[case::whole(NO, Some("w"))]
#[case::line("log\nGO {\"verdict\":\"no\",\"why\":\"x\"}\nmore", Some("x"))]
#[case::the_last("GO {\"verdict\":\"no\",\"why\":\"a\"}\nGO {\"verdict\":\"no\",\"why\":\"b\"}", Some("b"))]
#[case::broken("GO {\"verdict\"", None)]
fn control_line(#[case] stdout: &str, #[case] reason: Option<&str>) {
    let rules = "rule = \"control-line\"\ncontrol_prefix = \"GO \"";
    assert_eq!(effect(rules, Ended::Exit(0), stdout, "").reason.as_deref(), reason);
}

#[test]
fn never_reads_json() {
    assert_eq!(class("rule = \"never\"", NO), AnswerClass::Text);
    assert_eq!(effect("rule = \"never\"", Ended::Exit(0), NO, "").user_sees, [NO]);
}

const STREAMS: &str = "rule = \"any-json\"\n\
    streams = { is = [\"stdout\", \"stderr\"], evidence = \"source\", source = [\"S\"] }\n\
    streams_at = { 2 = { is = [\"stderr\"], evidence = \"source\", source = [\"S\"] } }";

#[rstest]
#[case::stdout_first(0, NO, r#"{"verdict":"no","why":"e"}"#, Some("w"))]
#[case::else_stderr(0, " ", r#"{"verdict":"no","why":"e"}"#, Some("e"))]
#[case::by_exit_code(2, NO, r#"{"verdict":"no","why":"e"}"#, Some("e"))]
fn streams(#[case] code: i32, #[case] stdout: &str, #[case] stderr: &str, #[case] reason: Option<&str>) {
    assert_eq!(effect(STREAMS, Ended::Exit(code), stdout, stderr).reason.as_deref(), reason);
}

#[rstest]
#[case::decoded("strings_decoded", r#""{\"verdict\":\"no\",\"why\":\"w\"}""#, Some("w"))]
#[case::progress(
    "progress_lines",
    "{\"type\":\"progress\",\"message\":\"m\"}\n{\"verdict\":\"no\",\"why\":\"w\"}\n",
    Some("w")
)]
fn switches(#[case] switch: &str, #[case] stdout: &str, #[case] reason: Option<&str>) {
    let plain = "rule = \"any-json\"";
    let on = format!("{plain}\n{switch} = {{ is = true, evidence = \"source\", source = [\"S\"] }}");
    assert_eq!(effect(&on, Ended::Exit(0), stdout, "").reason.as_deref(), reason);
    assert_eq!(effect(plain, Ended::Exit(0), stdout, "").reason, None);
}

#[rstest]
#[case::spelling(r#"{"VERDICT":"no","Why":"w"}"#, Some("w"))]
#[case::the_last_counts(r#"{"why":"a","WHY":"b","verdict":"no"}"#, Some("b"))]
fn keys_of_any_case(#[case] stdout: &str, #[case] reason: Option<&str>) {
    let rules = "rule = \"any-json\"\nkeys = { is = \"any-case\", evidence = \"source\", source = [\"S\"] }";
    assert_eq!(effect(rules, Ended::Exit(0), stdout, "").reason.as_deref(), reason);
    assert_ne!(effect("rule = \"any-json\"", Ended::Exit(0), stdout, "").reason.as_deref(), reason);
}

#[rstest]
#[case::top(r#"{"verdict":"no","why":"w","more":1}"#, AnswerClass::Invalid)]
#[case::inside(r#"{"box":{"more":1}}"#, AnswerClass::Invalid)]
#[case::open(r#"{"input":{"more":1}}"#, AnswerClass::Valid)]
fn unknown_keys(#[case] stdout: &str, #[case] expected: AnswerClass) {
    let rules = "rule = \"any-json\"\nunknown_keys = { is = \"refused\", evidence = \"source\", source = [\"S\"] }";
    assert_eq!(class(rules, stdout), expected);
    assert_eq!(class("rule = \"any-json\"", stdout), AnswerClass::Valid);
}

#[rstest]
#[case::firing("before", "firing-event", AnswerClass::Valid, true)]
#[case::another("after", "firing-event", AnswerClass::Invalid, false)]
#[case::known("before", "known-event", AnswerClass::Valid, true)]
#[case::unknown("after", "known-event", AnswerClass::Invalid, false)]
#[case::kept("before", "dropped-if-other", AnswerClass::Valid, true)]
#[case::dropped("after", "dropped-if-other", AnswerClass::Valid, false)]
#[case::unchecked("after", "unchecked", AnswerClass::Valid, true)]
fn tags(#[case] name: &str, #[case] rule: &str, #[case] expected: AnswerClass, #[case] read: bool) {
    let rules = format!(
        "rule = \"any-json\"\n\
         union = {{ container = \"box\", tag = \"event\", rule = \"{rule}\", evidence = \"source\", source = [\"S\"] }}"
    );
    let stdout = format!(r#"{{"box":{{"event":"{name}","notes":["n"]}}}}"#);
    let effect = effect(&rules, Ended::Exit(0), &stdout, "");
    assert_eq!(effect.read_as, expected);
    assert_eq!(effect.model_sees, if read { vec!["n"] } else { Vec::new() });
}

#[rstest]
#[case::needed_text_is_there(NO, AnswerClass::Valid, true)]
#[case::needed_text_is_missing(r#"{"verdict":"no","why":" "}"#, AnswerClass::Valid, false)]
#[case::any_case(r#"{"verdict":"NO","why":"w"}"#, AnswerClass::Valid, true)]
#[case::refused_alone(r#"{"verdict":"yes"}"#, AnswerClass::Invalid, false)]
#[case::taken_beside(r#"{"verdict":"yes","input":{}}"#, AnswerClass::Valid, false)]
#[case::unknown_value(r#"{"verdict":"perhaps"}"#, AnswerClass::Invalid, false)]
#[case::wrong_type_that_costs_itself(r#"{"verdict":"no","why":"w","box":{"notes":[1]}}"#, AnswerClass::Valid, true)]
fn conditions(#[case] stdout: &str, #[case] expected: AnswerClass, #[case] blocked: bool) {
    let effect = effect("rule = \"any-json\"", Ended::Exit(0), stdout, "");
    assert_eq!(
        (effect.read_as, effect.decision.is_some_and(|d| d == crate::contract::Decision::Deny)),
        (expected, blocked)
    );
}

#[rstest]
#[case::wrong_type(r#"{"verdict":true,"why":"w"}"#)]
#[case::wrong_value(r#"{"verdict":"perhaps","why":"w"}"#)]
fn what_does_not_fit_may_cost_itself_only(#[case] stdout: &str) {
    let rules = "rule = \"any-json\"\nwrong_type = { is = \"ignored\", evidence = \"source\", source = [\"S\"] }\n\
                 wrong_value = { is = \"ignored\", evidence = \"source\", source = [\"S\"] }";
    assert_eq!(class(rules, stdout), AnswerClass::Valid);
    assert_eq!(class("rule = \"any-json\"", stdout), AnswerClass::Invalid);
}

#[test]
fn a_string_with_json_may_be_an_input() {
    let stdout = r#"{"verdict":"yes","input":"{\"a\":1}"}"#;
    let effect = effect("rule = \"any-json\"", Ended::Exit(0), stdout, "");
    assert_eq!(effect.updated_input, Some(serde_json::json!({"a": 1})));
}
