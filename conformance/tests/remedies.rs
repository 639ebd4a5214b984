//! Remedies are tried: what a requirement gives as an example is done in place of the defect of its witness, and then the
//! finding is gone and no other one comes.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use hookproof::contract::{Contract, Event, Library};
use hookproof::oracle::{Ended, Facts, interpret};
use hookproof::payload::{Payload, Payloads};
use hookproof::requirement::{Catalogue, Requirement};

/// Rules that one run shows and that have no example, each with the reason.
const WITHOUT: &[(&str, &str)] = &[
    (
        "exit.silent-failure",
        "every exit but 0 breaks `exit.failure`: the example is not to fail, which that rule shows",
    ),
    ("exit.killed-by-signal", "only the author can find a crash"),
    ("security.background-decision", "the remedy is made in the configuration"),
    ("stream.silence-asks", "the contract's facts on consent are not settled, so that nothing is failed by it"),
];

fn is_shown_by_one_run(requirement: &Requirement) -> bool {
    ["problem", "result-path"].contains(&requirement.judge.as_str())
}

#[test]
fn every_rule_that_one_run_shows_has_an_example_or_a_reason() {
    let without: BTreeMap<&str, &str> = WITHOUT.iter().copied().collect();
    let catalogue = Catalogue::built_in().unwrap();
    let wrong: Vec<&str> = catalogue
        .iter()
        .filter(|requirement| is_shown_by_one_run(requirement))
        .filter(|requirement| requirement.example.is_some() == without.contains_key(requirement.id.as_str()))
        .map(|requirement| requirement.id.as_str())
        .collect();
    assert!(wrong.is_empty(), "neither an example nor a reason, or both: {wrong:?}");
}

#[test]
fn what_is_done_as_the_example_says_has_no_finding() {
    let (catalogue, payloads) = (Catalogue::built_in().unwrap(), Payloads::built_in().unwrap());
    let library = Library::built_in().unwrap();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for requirement in catalogue.iter().filter(|requirement| is_shown_by_one_run(requirement)) {
        let Some(example) = &requirement.example else { continue };
        let witness = hookproof_witness::get(&requirement.id).unwrap();
        let contract = library.select(witness.platform).unwrap();
        for name in witness.events {
            // An example that names an event is for that one.
            let named = contract.events.keys().find(|event| example.contains(&format!("\"{event}\"")));
            if named.is_some_and(|named| named != name) {
                continue;
            }
            let event = &contract.events[*name];
            let payload = document(payloads, &contract, event, example);
            tried += 1;
            for problem in problems(&contract, event, payload, example) {
                wrong.push(format!("{} at {name} of {}: {problem}", requirement.id, witness.platform));
            }
        }
    }
    assert!(tried > 40, "{tried} examples were tried");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The event's typical document; one for a shell where the example looks at the tool's own fields.
fn document<'p>(payloads: &'p Payloads, contract: &Contract, event: &Event, example: &str) -> &'p Payload {
    let of_the_event = || payloads.of(&contract.platform.id, &event.name);
    let is_shell = |payload: &&Payload| payload.stdin.get("tool_name").is_some_and(|tool| tool == "Bash");
    let shell = of_the_event().find(is_shell).filter(|_| example.contains(".tool_"));
    shell.or_else(|| of_the_event().find(|payload| payload.is("typical"))).unwrap()
}

/// What the oracle has against an example: a JSON document on stdout, or lines for a shell.
fn problems(contract: &Contract, event: &Event, payload: &Payload, example: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let line = match serde_json::from_str::<serde_json::Value>(example) {
        Ok(_) => {
            fs::write(folder.path().join("answer"), example).unwrap();
            "cat >/dev/null; cat answer"
        }
        Err(_) => example,
    };
    let mut child = Command::new("/bin/sh")
        .args(["-c", line])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // An example need not read its stdin.
    let _ = child.stdin.take().unwrap().write_all(payload.stdin.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    let tool = contract.platform.tool_field.as_ref().and_then(|field| payload.stdin.pointer(&format!("/{field}")));
    let ended = Ended::Exit(output.status.code().unwrap());
    let mut facts = Facts::new(ended, &output.stdout, &output.stderr);
    facts.tool = tool.and_then(serde_json::Value::as_str);
    let effect = interpret(contract, event, &facts);
    effect.problems.iter().map(|problem| format!("{}: {}", problem.requirement, problem.message)).collect()
}
