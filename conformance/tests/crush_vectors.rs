//! What Crush's own packages were seen to make of one hook, row by row, against what the oracle says: decision, reason,
//! whether the turn ends, and what the model reads.

use std::path::Path;

use hookproof::contract::{Contract, Decision, Library};
use hookproof::oracle::{Effect, Ended, Facts, interpret};
use serde::Deserialize;

/// As many as were recorded. A file that loses some of them is a defect.
const ROWS: usize = 30;

/// The file: where the rows come from, and the rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    provenance: Provenance,
    /// What Crush says in place of a reason where the hook gives none.
    host_words: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provenance {
    kind: String,
    platform: String,
    version: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    platform: String,
    version: String,
    event: String,
    hook: Hook,
    observed: Observed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hook {
    /// What was run; the other fields say what it did.
    command: String,
    exit: Option<i32>,
    signal: Option<i32>,
    stdout: String,
    stderr: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    decision: Option<Decision>,
    reason: Option<String>,
    turn_ended: bool,
    context: Option<String>,
    updated_input: Option<serde_json::Value>,
}

fn vectors() -> Vectors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/behaviour/crush-0.90.0.vectors.json");
    let text = std::fs::read_to_string(&path).expect("the vectors can be read");
    serde_json::from_str(&text).expect("the vectors have their form")
}

fn effect(contract: &Contract, row: &Row) -> Effect {
    let ended = match (row.hook.exit, row.hook.signal) {
        (Some(code), None) => Ended::Exit(code),
        (None, Some(signal)) => Ended::Signal(signal),
        _ => panic!("{}: the row must have exactly one of exit and signal", row.id),
    };
    let facts = Facts::new(ended, row.hook.stdout.as_bytes(), row.hook.stderr.as_bytes());
    interpret(contract, &contract.events[&row.event], &facts)
}

/// Every point on which the oracle and the platform disagree.
fn faults(row: &Row, effect: &Effect, host_words: &[String]) -> Vec<String> {
    let observed = &row.observed;
    let mut faults = Vec::new();
    let mut compare = |what: &str, really: String, said: String| {
        if really != said {
            faults.push(format!("{} ({}): {what}: Crush {really}, the oracle {said}", row.id, row.hook.command));
        }
    };
    compare("decision", format!("{:?}", observed.decision), format!("{:?}", effect.decision));
    compare("turn_ended", observed.turn_ended.to_string(), effect.turn_ended.to_string());
    // Words of the platform's own are no text of the hook, and the oracle knows only those.
    let reason = observed.reason.as_deref().filter(|reason| !host_words.iter().any(|words| words == reason));
    compare("reason", format!("{reason:?}"), format!("{:?}", effect.reason.as_deref().map(str::trim)));
    // The reason of a refusal reaches the model as well, as the refused tool's result.
    let contexts: Vec<&str> =
        effect.model_sees.iter().map(String::as_str).filter(|text| Some(text.trim()) != reason).collect();
    compare("context", format!("{:?}", Vec::from_iter(observed.context.as_deref())), format!("{contexts:?}"));
    compare("updated input", format!("{:?}", observed.updated_input), format!("{:?}", effect.updated_input));
    faults
}

#[test]
fn the_oracle_agrees_with_every_vector() {
    let vectors = vectors();
    let library = Library::built_in().expect("the built-in contracts are sound");
    let contract = library.select("crush@0.90.0").expect("the contract is there");
    let faults: Vec<String> =
        vectors.rows.iter().flat_map(|row| faults(row, &effect(&contract, row), &vectors.host_words)).collect();
    assert!(faults.is_empty(), "{} disagreements:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_rows_are_sound() {
    let vectors = vectors();
    let Provenance { kind, platform, version, source } = &vectors.provenance;
    assert_eq!((kind.as_str(), platform.as_str(), version.as_str()), ("recorded", "crush", "0.90.0"));
    assert!(source.contains("37f36e93"));
    assert_eq!(vectors.rows.len(), ROWS);
    let mut ids: Vec<&str> = vectors.rows.iter().map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ROWS, "an id stands twice");
    for row in &vectors.rows {
        assert_eq!((&row.platform, &row.version), (platform, version), "{}", row.id);
        assert!(row.id.starts_with(&format!("{}/{}/", row.platform, row.event)), "{}", row.id);
    }
}

/// A comparison that cannot fail proves nothing.
#[test]
fn a_disagreement_is_seen() {
    let vectors = vectors();
    let library = Library::built_in().expect("the built-in contracts are sound");
    let contract = library.select("crush@0.90.0").expect("the contract is there");
    for row in &vectors.rows {
        let mut wrong = effect(&contract, row);
        wrong.decision = if wrong.decision.is_none() { Some(Decision::Deny) } else { None };
        wrong.turn_ended = !wrong.turn_ended;
        wrong.reason = Some("another".to_owned());
        wrong.model_sees.push("something else".to_owned());
        assert_eq!(faults(row, &wrong, &vectors.host_words).len(), 4, "{}", row.id);
    }
}
