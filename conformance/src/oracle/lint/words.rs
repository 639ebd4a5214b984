//! The words by which hooks decide, on whichever platform: what an answer was meant to do that this platform does not read.
//!
//! These are words of hook authors and not facts of a platform; whether the platform reads a field is the contract's business.

use serde_json::Value;

use crate::contract::{Contract, Event, Role, plain_path};
use crate::oracle::answer::at;
use crate::oracle::reading::sets_output_field;

/// What somebody wanted to become of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::oracle) enum Wish {
    /// The user is to be asked.
    Ask,
    /// It is not to happen.
    Deny,
}

/// A wish, and the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::oracle) struct Said {
    pub(in crate::oracle) wish: Wish,
    /// Where it is inside of the value, with a dot before it; empty if the value itself says it.
    pub(super) below: String,
    /// The value, as JSON.
    pub(super) word: String,
}

/// Fields whose value is a verdict.
const VERDICTS: [&str; 13] = [
    "decision",
    "permission",
    "permissiondecision",
    "permissionbehavior",
    "verdict",
    "behavior",
    "behaviour",
    "action",
    "ruling",
    "disposition",
    "judgement",
    "judgment",
    "hookdecision",
];
/// Fields that report, and whose value is a verdict in few words only.
const REPORTS: [&str; 6] = ["status", "result", "outcome", "state", "effect", "response"];
/// Verdicts against the step.
const AGAINST: [&str; 17] = [
    "deny",
    "denied",
    "block",
    "blocked",
    "reject",
    "rejected",
    "refuse",
    "refused",
    "forbid",
    "forbidden",
    "disallow",
    "disallowed",
    "veto",
    "cancel",
    "abort",
    "halt",
    "stop",
];
/// The first of them are verdicts in a report as well.
const IN_REPORTS: usize = 13;
/// Verdicts that leave it to the user.
const ASKING: [&str; 6] = ["ask", "prompt", "confirm", "askuser", "review", "escalate"];
/// Fields by which a hook denies with `true`.
const DENY_IF_TRUE: [&str; 17] = [
    "block",
    "blocked",
    "deny",
    "denied",
    "reject",
    "rejected",
    "refuse",
    "refused",
    "forbidden",
    "disallow",
    "cancel",
    "cancelled",
    "halt",
    "abort",
    "shouldblock",
    "preventexecution",
    "stop",
];
/// Fields by which a hook denies with `false`.
const DENY_IF_FALSE: [&str; 17] = [
    "continue",
    "proceed",
    "allow",
    "allowed",
    "isallowed",
    "approve",
    "approved",
    "permit",
    "permitted",
    "authorized",
    "shouldcontinue",
    "shouldproceed",
    "canproceed",
    "allowexecution",
    "ok",
    "safe",
    "accept",
];
/// Fields by which a hook asks with `true`.
const ASK_IF_TRUE: [&str; 4] = ["ask", "askuser", "requireconfirmation", "requiresapproval"];
/// Fields that hold a text for a reader.
const TEXTS: [&str; 20] = [
    "message",
    "msg",
    "reason",
    "text",
    "context",
    "additionalcontext",
    "note",
    "notice",
    "warning",
    "feedback",
    "output",
    "content",
    "systemmessage",
    "usermessage",
    "agentmessage",
    "stopreason",
    "prompt",
    "instructions",
    "hint",
    "error",
];
/// Fields of a line in a log.
const LOG: [&str; 9] = ["level", "ts", "time", "timestamp", "severity", "logger", "pid", "hostname", "loglevel"];
/// How deep objects are looked into.
const DEPTH: usize = 4;

/// A name without its spelling: letters and digits in lower case.
pub(super) fn squash(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a field with this key and value was meant to do, by itself or by what is in it.
pub(super) fn said(key: &str, value: &Value) -> Option<Said> {
    said_within(key, value, DEPTH)
}

/// The same for a whole document; of several wishes the strongest.
pub(in crate::oracle) fn said_in(document: &Value) -> Option<Said> {
    let members = document.as_object()?;
    if is_log(document) {
        return None;
    }
    members.iter().filter_map(|(key, value)| said(key, value)).max_by_key(|said| said.wish)
}

fn said_within(key: &str, value: &Value, depth: usize) -> Option<Said> {
    if let Value::Object(members) = value {
        let below = members.iter().filter(|_| depth > 0).filter_map(|(key, value)| {
            let said = said_within(key, value, depth - 1)?;
            Some(Said { below: format!(".{key}{}", said.below), ..said })
        });
        return below.max_by_key(|said| said.wish);
    }
    let wish = wish(&squash(key), value)?;
    Some(Said { wish, below: String::new(), word: value.to_string() })
}

fn wish(key: &str, value: &Value) -> Option<Wish> {
    let has = |list: &[&str], word: &str| list.contains(&word);
    let flag = match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    };
    if let Some(flag) = flag {
        return match flag {
            true if has(&DENY_IF_TRUE, key) => Some(Wish::Deny),
            true if has(&ASK_IF_TRUE, key) => Some(Wish::Ask),
            false if has(&DENY_IF_FALSE, key) => Some(Wish::Deny),
            _ => None,
        };
    }
    let word = squash(value.as_str()?);
    if has(&VERDICTS, key) {
        let asks = has(&ASKING, &word).then_some(Wish::Ask);
        return if has(&AGAINST, &word) { Some(Wish::Deny) } else { asks };
    }
    (has(&REPORTS, key) && has(&AGAINST[..IN_REPORTS], &word)).then_some(Wish::Deny)
}

/// Whether the field holds a text that somebody was to read.
pub(super) fn is_text(key: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => TEXTS.contains(&squash(key).as_str()) && !text.trim().is_empty(),
        Value::Object(members) => members.iter().any(|(key, value)| is_text(key, value)),
        _ => false,
    }
}

/// Whether the object is a line of a log.
fn is_log(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.keys().any(|key| LOG.contains(&squash(key).as_str())))
}

/// Whether an object inside of other text was meant as an answer: in the form of this event, or in another one.
pub(super) fn is_meant(contract: &Contract, event: &Event, value: &Value) -> bool {
    let Some(members) = value.as_object() else { return false };
    let container = contract.reading.union.as_ref().map_or("hookSpecificOutput", |union| union.container.as_str());
    let names_field = || {
        members.keys().any(|key| {
            event.output.iter().any(|(path, field)| {
                let name = plain_path(path).rsplit('.').next().unwrap_or(path);
                tells(field.role) && squash(name) == squash(key)
            })
        })
    };
    sets_output_field(event, value)
        || members.get(container).is_some_and(Value::is_object)
        || said_in(value).is_some()
        || (!is_log(value) && names_field())
}

/// Whether a document says something in this event's own form that should have been read.
pub(super) fn speaks(event: &Event, value: &Value) -> bool {
    event.output.iter().any(|(path, field)| {
        tells(field.role)
            && at(value, path).is_some_and(|found| {
                field.values.is_empty() || found.as_str().is_some_and(|word| field.values.iter().any(|v| v == word))
            })
    })
}

fn tells(role: Option<Role>) -> bool {
    let telling = [Role::Decision, Role::Continuation, Role::ModelContext, Role::InputUpdate, Role::OutputUpdate];
    role.is_some_and(|role| telling.contains(&role))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Wish, is_text, said_in};

    #[rstest]
    #[case(json!({"approve": false}))]
    #[case(json!({"allowed": false}))]
    #[case(json!({"block": true}))]
    #[case(json!({"action": "deny"}))]
    #[case(json!({"permission": "deny"}))]
    #[case(json!({"verdict": "block"}))]
    #[case(json!({"status": "blocked"}))]
    #[case(json!({"continue": "false"}))]
    #[case(json!({"ok": false}))]
    #[case(json!({"Decision": "DENY"}))]
    #[case(json!({"allow": 0}))]
    #[case(json!({"result": {"decision": "reject"}}))]
    #[case(json!({"hookSpecificOutput": {"permissionDecision": "deny"}}))]
    #[case(json!({"permission": "ask", "block": true}))]
    fn denials(#[case] document: Value) {
        assert_eq!(said_in(&document).map(|said| said.wish), Some(Wish::Deny), "{document}");
    }

    #[rstest]
    #[case(json!({"permission": "ask"}))]
    #[case(json!({"permissionDecision": "ask"}))]
    #[case(json!({"requires_approval": true}))]
    fn questions(#[case] document: Value) {
        assert_eq!(said_in(&document).map(|said| said.wish), Some(Wish::Ask), "{document}");
    }

    #[rstest]
    #[case(json!({"action": "logged"}))]
    #[case(json!({"status": "ok"}))]
    #[case(json!({"status": "error"}))]
    #[case(json!({"status": "stopped"}))]
    #[case(json!({"permission_mode": "default"}))]
    #[case(json!({"permission_mode": "deny"}))]
    #[case(json!({"continue": true, "allowed": true, "blocked": false, "ok": true}))]
    #[case(json!({"decision": "allow"}))]
    #[case(json!({"success": false, "valid": false}))]
    #[case(json!({"reason": "block"}))]
    #[case(json!({"count": 0, "version": 1}))]
    #[case(json!({"level": "info", "action": "deny"}))]
    fn harmless(#[case] document: Value) {
        assert_eq!(said_in(&document), None, "{document}");
    }

    #[test]
    fn texts_for_a_reader() {
        assert!(is_text("message", &json!("mind the tests")));
        assert!(is_text("data", &json!({"reason": "no"})));
        assert!(!is_text("message", &json!(" ")));
        assert!(!is_text("status", &json!("all is well")));
    }
}
