//! Ways in which a hook can bring something about at an event, for the help that a finding gives.
//!
//! They are made from the fields and exit codes of the contract, and each is tried with the oracle before it is
//! recommended: a remedy that does nothing at the event, or that breaks another rule, is never given.

use serde_json::{Map, Value};

use super::effect::{Effect, HookStatus};
use super::lint::words::{Wish, said_in};
use super::{Ended, Facts, interpret};
use crate::contract::{Action, Contract, Decision, Event, Field, OutcomeName, Role, ValueType, plain_path};

/// What stands for the hook's own words in an example.
const WORDS: &str = "<text>";

/// What a hook wants to bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// The step does not happen, and the reason is read.
    Deny,
    /// The user is asked.
    Ask,
    /// The step goes ahead.
    Allow,
    /// The model or the user reads a text.
    Tell,
}

/// Whether silence is a valid answer at the event: it is settled what it means, and it breaks no rule.
pub(crate) fn silence_is_valid(contract: &Contract, event: &Event) -> bool {
    let effect = interpret(contract, event, &Facts::new(Ended::Exit(0), b"", b""));
    effect.evidence.is_settled() && effect.hook_status == HookStatus::Ok && effect.problems.is_empty()
}

/// The ways that work, as what to do: "print `...` on stdout and exit with 0". Those on settled facts come first.
pub(crate) fn ways(contract: &Contract, event: &Event, want: Want) -> Vec<String> {
    let mut found: Vec<(bool, String)> = Vec::new();
    for candidate in candidates(contract, event, want) {
        let facts = Facts::new(Ended::Exit(candidate.code), candidate.stdout.as_bytes(), candidate.stderr.as_bytes());
        let effect = interpret(contract, event, &facts);
        if effect.problems.is_empty() && brings_about(contract, event, &effect, want) {
            found.push((effect.evidence.is_settled(), candidate.words));
        }
    }
    found.sort_by_key(|(settled, _)| !settled);
    found.dedup();
    found.into_iter().map(|(_, words)| words).collect()
}

/// What a document was meant to bring about, in whichever platform's words.
pub(crate) fn want_of(document: &Value) -> Want {
    match said_in(document).map(|said| said.wish) {
        Some(Wish::Deny) => Want::Deny,
        Some(Wish::Ask) => Want::Ask,
        None if consents(document) => Want::Allow,
        None => Want::Tell,
    }
}

fn consents(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(consents),
        Value::String(word) => ["allow", "approve", "allowed", "approved"].contains(&word.as_str()),
        _ => false,
    }
}

fn brings_about(contract: &Contract, event: &Event, effect: &Effect, want: Want) -> bool {
    let is_told = !effect.model_sees.is_empty() || !effect.user_sees.is_empty();
    match want {
        Want::Deny => {
            let readers = event.outcome(OutcomeName::Deny).is_some_and(|deny| !deny.reason.is_empty());
            let stops = effect.stops_the_step() || matches!(effect.action, Action::Continued | Action::OutputReplaced);
            let decided = effect.decision == Some(Decision::Deny) || effect.turn_ended;
            decided && stops && (is_told || !readers)
        }
        Want::Ask => effect.decision == Some(Decision::Ask) && effect.action == Action::Prompted,
        Want::Allow => effect.decision == Some(Decision::Allow),
        Want::Tell => {
            let usual = interpret(contract, event, &Facts::new(Ended::Exit(0), b"", b"")).action;
            is_told && effect.hook_status == HookStatus::Ok && effect.action == usual
        }
    }
}

/// Something that may work.
struct Candidate {
    code: i32,
    stdout: String,
    stderr: &'static str,
    words: String,
}

fn candidates(contract: &Contract, event: &Event, want: Want) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut print = |document: &Value| {
        let prefix = &contract.reading.control_prefix;
        let stdout = format!("{prefix}{document}");
        let words = format!("print `{stdout}` on stdout and exit with 0");
        found.push(Candidate { code: 0, stdout, stderr: "", words });
    };
    let mut fields: Vec<_> = event.output.iter().filter(|(_, field)| field.deprecated.is_none()).collect();
    // What the model reads comes before what only the user does.
    fields.sort_by_key(|(_, field)| field.role == Some(Role::UserMessage));
    for (path, field) in fields {
        let text = || Value::String(WORDS.to_owned());
        let bare = match (want, field.role) {
            (Want::Tell, Some(Role::ModelContext | Role::UserMessage)) if takes_text(field) => vec![(path, text())],
            (Want::Deny, Some(Role::Continuation)) if takes_text(field) => vec![(path, text())],
            // Where nothing else denies: it ends the whole run.
            (Want::Deny, Some(Role::StopRun)) if !decides(event) => {
                let mut fields = vec![(path, Value::Bool(field.stops_when))];
                let texts = event.output.iter().filter(|(_, other)| {
                    other.role == Some(Role::StopReason) || other.with.as_ref().is_some_and(|with| with.field == *path)
                });
                fields.extend(texts.filter(|(_, other)| takes_text(other)).map(|(path, _)| (path, text())));
                fields
            }
            (Want::Deny | Want::Ask | Want::Allow, Some(Role::Decision)) => match value_for(field, want) {
                Some(value) => {
                    let mut fields = vec![(path, value)];
                    if want != Want::Allow {
                        let reasons = event.fields_with(Role::Reason);
                        let of_it = reasons.filter(|(_, reason)| {
                            reason.explains.as_ref() == Some(path) && reason.deprecated.is_none()
                        });
                        fields.extend(of_it.map(|(path, _)| (path, text())));
                    }
                    fields
                }
                None => continue,
            },
            _ => continue,
        };
        if path.contains("[]") {
            continue;
        }
        // The shortest form that works is shown: with the event's name only where that is looked at.
        let plain = document(&bare);
        let tags = event.fields_with(Role::EventName).filter(|(tag, _)| match tag.rsplit_once('.') {
            Some((object, _)) => path.starts_with(&format!("{object}.")),
            None => true,
        });
        let tags = tags.map(|(path, _)| (path, Value::String(event.name.clone())));
        let named: Vec<_> = tags.chain(bare.clone()).collect();
        let is_enough = {
            let stdout = format!("{}{plain}", contract.reading.control_prefix);
            let effect = interpret(contract, event, &Facts::new(Ended::Exit(0), stdout.as_bytes(), b""));
            effect.problems.is_empty() && brings_about(contract, event, &effect, want)
        };
        if is_enough || named.len() == bare.len() {
            print(&plain);
        } else {
            print(&document(&named));
        }
    }
    match want {
        Want::Deny => found.push(Candidate {
            code: 2,
            stdout: String::new(),
            stderr: "text",
            words: "print the reason on stderr and exit with 2".to_owned(),
        }),
        Want::Tell => found.push(Candidate {
            code: 0,
            stdout: "text".to_owned(),
            stderr: "",
            words: "print the text on stdout and exit with 0".to_owned(),
        }),
        Want::Ask | Want::Allow => {}
    }
    found
}

/// Whether the event has a field by which a hook denies.
fn decides(event: &Event) -> bool {
    event.fields_with(Role::Decision).any(|(_, field)| value_for(field, Want::Deny).is_some())
}

fn takes_text(field: &Field) -> bool {
    field.types.contains(&ValueType::String) && field.values.is_empty()
}

/// The value of a decision field that means this.
fn value_for(field: &Field, want: Want) -> Option<Value> {
    let decision = match want {
        Want::Deny => Decision::Deny,
        Want::Ask => Decision::Ask,
        Want::Allow => Decision::Allow,
        Want::Tell => return None,
    };
    let (word, _) =
        field.map.iter().find(|(word, meaning)| **meaning == decision && !field.deprecated_values.contains(word))?;
    Some(match word.as_str() {
        "true" | "false" if field.types.contains(&ValueType::Boolean) => Value::Bool(word == "true"),
        word => Value::String(word.to_owned()),
    })
}

fn document(fields: &[(&String, Value)]) -> Value {
    let mut root = Value::Object(Map::new());
    for (path, value) in fields {
        // Indexing makes the objects on the way.
        *plain_path(path).split('.').fold(&mut root, |here, name| &mut here[name]) = value.clone();
    }
    root
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::contract::{Library, Moment};

    fn first(platform: &str, event: &str, want: Want) -> Option<String> {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        let found = ways(&contract, &contract.events[event], want);
        found.into_iter().next()
    }

    #[rstest]
    #[case("cursor", "beforeShellExecution", Want::Ask, Some(r#""permission":"ask""#))]
    #[case("cursor", "beforeShellExecution", Want::Allow, Some(r#"{"permission":"allow"}"#))]
    #[case("claude-code", "PreToolUse", Want::Deny, Some(r#""permissionDecision":"deny""#))]
    #[case("claude-code", "PermissionRequest", Want::Allow, Some(r#""decision":{"behavior":"allow"}"#))]
    #[case("claude-code", "UserPromptSubmit", Want::Tell, Some("additionalContext"))]
    #[case("claude-code", "Notification", Want::Ask, None)]
    #[case(
        "copilot-cli",
        "preToolUse",
        Want::Deny,
        Some(r#"{"permissionDecision":"deny","permissionDecisionReason":"<text>"}"#)
    )]
    fn the_first_way(#[case] platform: &str, #[case] event: &str, #[case] want: Want, #[case] expected: Option<&str>) {
        let found = first(platform, event, want);
        match expected {
            Some(part) => assert!(found.as_ref().is_some_and(|way| way.contains(part)), "{found:?}"),
            None => assert_eq!(found, None),
        }
    }

    #[test]
    fn stderr_is_offered_only_where_somebody_reads_it() {
        let of = |platform: &str, event: &str| {
            let contract = Library::built_in().unwrap().select(platform).unwrap();
            ways(&contract, &contract.events[event], Want::Deny).iter().any(|way| way.contains("stderr"))
        };
        assert!(of("claude-code", "PreToolUse"));
        assert!(!of("copilot-cli", "preToolUse"));
        assert!(!of("claude-code", "Notification"));
    }

    /// What is recommended works, breaks no rule, and needs no placeholder but the words.
    #[test]
    fn every_gate_before_a_tool_has_a_way_to_deny() {
        let library = Library::built_in().unwrap();
        let mut without = Vec::new();
        for platform in library.platforms() {
            let contract = library.select(platform).unwrap();
            let before = |event: &&Event| event.can_deny() && event.moment == Some(Moment::BeforeTool);
            for event in contract.events.values().filter(before) {
                if ways(&contract, event, Want::Deny).is_empty() {
                    without.push(format!("{platform} {}", event.name));
                }
            }
        }
        assert!(without.is_empty(), "{without:?}");
    }

    #[rstest]
    #[case(json!({"decision": "block"}), Want::Deny)]
    #[case(json!({"hookSpecificOutput": {"permissionDecision": "allow"}}), Want::Allow)]
    #[case(json!({"permission": "ask"}), Want::Ask)]
    #[case(json!({"message": "x"}), Want::Tell)]
    fn documents_have_a_meaning(#[case] document: Value, #[case] expected: Want) {
        assert_eq!(want_of(&document), expected);
    }
}
