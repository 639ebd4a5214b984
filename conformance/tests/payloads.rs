//! The payloads that the suite gives to hooks: complete, valid, and labelled as they are.

use std::collections::BTreeSet;
use std::path::Path;

use hookproof::contract::{Contract, Event, Library, Moment};
use hookproof::payload::{Payload, Payloads, ProvenanceKind};
use hookproof::schema::Validators;
use serde_json::Value;

/// Every payload with its contract and event. A payload without them makes the tests fail.
fn each(check: &mut dyn FnMut(&Contract, &Event, &Payload)) {
    let library = Library::built_in().unwrap();
    for contract in contracts(&library) {
        for event in contract.events.values() {
            for payload in payloads().of(&contract.platform.id, &event.name) {
                check(&contract, event, payload);
            }
        }
    }
}

fn contracts(library: &Library) -> Vec<Contract> {
    library.files().unwrap().iter().map(|file| file.select(&file.platform().version).unwrap()).collect()
}

fn payloads() -> &'static Payloads {
    Payloads::built_in().unwrap_or_else(|error| panic!("{error}"))
}

fn place(payload: &Payload) -> String {
    format!("fixtures/payloads/{}/{}/{}.json", payload.platform, payload.event, payload.name)
}

/// Fails with all of `faults`, so that one run shows everything that has to be mended.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_file_is_built_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/payloads");
    let mut found = BTreeSet::new();
    for platform in std::fs::read_dir(&root).unwrap().flatten() {
        for event in std::fs::read_dir(platform.path()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            for file in std::fs::read_dir(event.path()).unwrap().flatten() {
                let parts = [platform.file_name(), event.file_name(), file.file_name()];
                let parts = parts.map(|part| part.into_string().unwrap());
                found.insert(format!("fixtures/payloads/{}", parts.join("/")));
            }
        }
    }
    assert!(found.len() >= 99, "33 events have three payloads each, found {}", found.len());
    let from_files = payloads().all().iter().filter(|payload| !payload.made);
    assert_eq!(from_files.map(place).collect::<BTreeSet<_>>(), found);
}

/// Situations of each kind that an event must have, by its moment.
const AT_MOMENTS: &[(&[Moment], &str)] = &[
    (&[Moment::BeforeTool, Moment::BeforeCommand, Moment::Permission], "git-push-force-main"),
    (&[Moment::BeforeTool, Moment::BeforeCommand, Moment::Permission], "compound-ls-first"),
    (&[Moment::BeforeTool, Moment::BeforeCommand, Moment::Permission], "npm-install"),
    (&[Moment::BeforeTool, Moment::BeforeWrite, Moment::Permission], "write-env"),
    (&[Moment::BeforeTool, Moment::BeforeWrite, Moment::Permission], "edit-yarn-lock"),
    (&[Moment::BeforeTool, Moment::BeforeWrite, Moment::Permission], "write-secret-api-key"),
    (&[Moment::BeforeTool, Moment::BeforeRead, Moment::Permission], "read-env"),
    (&[Moment::Prompt], "prompt-secret-github-token"),
];

/// Where a situation has no document, with the reason.
const NOT_THERE: &[(&str, &str, &str)] = &[
    ("claude-code/PermissionRequest", "read-env", "nobody is asked before a file of the project is read"),
    ("codex/PreToolUse", "read-env", "there is no tool that reads a file but the shell"),
    ("codex/PermissionRequest", "read-env", "there is no tool that reads a file but the shell"),
    ("devin-cli/PreToolUse", "read-env", "the contract knows no tool that reads a file"),
    ("devin-cli/PermissionRequest", "read-env", "the contract knows no tool that reads a file"),
    ("goose/PreToolUse", "read-env", "there is no tool that reads a file of text but the shell"),
    ("goose/BeforeReadFile", "read-env", "the event is about images"),
    ("kiro-v3/PreToolUse", "read-env", "the contract knows no tool that reads a file"),
];

#[test]
fn every_platform_has_the_situations_that_guards_are_about() {
    let library = Library::built_in().unwrap();
    let mut faults = Vec::new();
    for contract in contracts(&library) {
        for event in contract.events.values() {
            let place = format!("{}/{}", contract.platform.id, event.name);
            for (moments, name) in AT_MOMENTS {
                let wanted = event.moment.is_some_and(|moment| moments.contains(&moment));
                let excused = NOT_THERE.iter().any(|(at, what, _)| *at == place && what == name);
                let there = payloads().get(&contract.platform.id, &event.name, name).is_some();
                if there != (wanted && !excused) {
                    faults.push(format!("{place}: {name} is {}there", if there { "" } else { "not " }));
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn what_is_made_says_the_same_on_every_platform() {
    let made = || payloads().all().iter().filter(|payload| payload.made);
    assert!(made().count() > 1000, "{}", made().count());
    let mut faults = Vec::new();
    for payload in made() {
        let twin = made().find(|other| other.name == payload.name).expect("it is one of them");
        if (&twin.title, &twin.labels) != (&payload.title, &payload.labels) {
            faults.push(place(payload));
        }
        let mut texts = Vec::new();
        strings(&payload.stdin, &mut texts);
        // What a template said before is gone.
        let left = ["npm test", "authorized_keys", "new.txt", "AAAAC3Nza"];
        if texts.iter().any(|text| left.iter().any(|old| text.contains(old))) {
            faults.push(format!("{}: the template shows through", place(payload)));
        }
    }
    none(&faults);
}

#[test]
fn what_looks_like_a_credential_stands_in_no_file_in_one_piece() {
    let shapes = [
        r"gh[pousr]_[A-Za-z0-9]{36}",
        r"xox[bpa]-[0-9A-Za-z-]{20}",
        r"sk_live_[0-9A-Za-z]{20}",
        r"AIza[0-9A-Za-z_-]{35}",
        r"eyJ[0-9A-Za-z_-]{10,}\.eyJ",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"postgres(ql)?://[^ :]+:[^ @]+@",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/situations");
    let files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let documents: Vec<String> = payloads().all().iter().filter(|payload| payload.made).map(texts_of).collect();
    for shape in shapes {
        let pattern = regex_lite::Regex::new(shape).unwrap();
        assert!(!files.iter().any(|text| pattern.is_match(text)), "{shape} stands in a file");
        assert!(documents.iter().any(|text| pattern.is_match(text)), "{shape} is in no document");
    }
}

/// The texts of a document, one a line.
fn texts_of(payload: &Payload) -> String {
    let mut texts = Vec::new();
    strings(&payload.stdin, &mut texts);
    texts.join("\n")
}

#[test]
fn each_folder_is_an_event_and_each_event_has_a_folder() {
    let library = Library::built_in().unwrap();
    let mut wanted = BTreeSet::new();
    for contract in contracts(&library) {
        wanted.extend(contract.events.keys().map(|event| (contract.platform.id.clone(), event.clone())));
    }
    let all = payloads().all().iter();
    let found: BTreeSet<_> = all.map(|payload| (payload.platform.clone(), payload.event.clone())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn every_event_has_a_typical_a_minimal_and_a_hostile_one() {
    let library = Library::built_in().unwrap();
    let mut faults = Vec::new();
    for contract in contracts(&library) {
        for event in contract.events.keys() {
            for name in ["typical", "minimal", "hostile"] {
                let labelled: Vec<_> = payloads()
                    .of(&contract.platform.id, event)
                    .filter(|payload| payload.is(name))
                    .map(|payload| payload.name.as_str())
                    .collect();
                if labelled != [name] {
                    faults.push(format!("{event}: the label {name} is on {labelled:?}, not on {name}.json alone"));
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn all_are_valid_against_the_input_schema() {
    let library = Library::built_in().unwrap();
    let mut faults = Vec::new();
    for contract in contracts(&library) {
        let validators = Validators::new(&contract);
        for event in contract.events.keys() {
            let validator = validators.input(event).unwrap();
            for payload in payloads().of(&contract.platform.id, event) {
                for fault in validator.faults(&payload.stdin) {
                    let kind = payload.provenance.kind;
                    faults.push(format!("{} ({kind:?}): {fault}", place(payload)));
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn none_has_a_field_that_the_contract_does_not_know() {
    let mut faults = Vec::new();
    each(&mut |_, event, payload| {
        unknown(event, "", &payload.stdin, &mut |path, value| {
            let kind = payload.provenance.kind;
            let value: String = value.to_string().chars().take(60).collect();
            faults.push(format!("{} ({kind:?}): `{path}` = {value}", place(payload)));
        });
    });
    none(&faults);
}

/// Members of objects that the contract describes, and that it does not name. What it calls an object and says no
/// more of (a tool's input) may hold anything.
fn unknown(event: &Event, at: &str, value: &Value, tell: &mut dyn FnMut(&str, &Value)) {
    let prefix = if at.is_empty() { String::new() } else { format!("{at}.") };
    let is_described = event.input.keys().any(|path| path.starts_with(&prefix));
    match value {
        Value::Object(members) if is_described => {
            for (name, member) in members {
                let path = format!("{prefix}{name}");
                if event.input.contains_key(&path) {
                    unknown(event, &path, member, tell);
                } else {
                    tell(&path, member);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| unknown(event, &format!("{at}[]"), item, tell)),
        _ => {}
    }
}

#[test]
fn what_was_recorded_is_among_the_values_seen() {
    let mut faults = Vec::new();
    let mut seen = 0;
    each(&mut |_, event, payload| {
        for (path, field) in &event.input {
            let value = path.split('.').try_fold(&payload.stdin, |here, name| here.get(name)).and_then(Value::as_str);
            let Some(value) = value.filter(|_| !field.known.is_empty()) else {
                continue;
            };
            if payload.provenance.kind == ProvenanceKind::Recorded {
                seen += 1;
                if !field.known.iter().any(|known| known == value) {
                    faults.push(format!("{}: `{path}` = {value:?}, known are {:?}", place(payload), field.known));
                }
            }
        }
    });
    assert!(seen > 0);
    none(&faults);
}

#[test]
fn each_names_the_event_of_its_folder() {
    let mut named = 0;
    each(&mut |contract, event, payload| {
        if let Some(field) = &contract.platform.event_field {
            assert_eq!(payload.stdin[field], event.name.as_str(), "{}", place(payload));
            named += 1;
        }
    });
    assert!(named > 0);
}

#[test]
fn the_minimal_one_has_what_is_required_and_nothing_else() {
    let mut faults = Vec::new();
    each(&mut |_, event, payload| {
        if payload.is("minimal") {
            let keys: BTreeSet<&str> = payload.stdin.as_object().unwrap().keys().map(String::as_str).collect();
            let required = event.input.iter().filter(|(path, field)| field.required && !path.contains(['.', '[']));
            let required: BTreeSet<&str> = required.map(|(path, _)| path.as_str()).collect();
            if keys != required {
                let more: Vec<_> = keys.difference(&required).collect();
                let missing: Vec<_> = required.difference(&keys).collect();
                faults.push(format!("{}: more {more:?}, missing {missing:?}", place(payload)));
            }
        }
    });
    none(&faults);
}

#[test]
fn the_hostile_one_is_hostile() {
    let mut faults = Vec::new();
    each(&mut |_, _, payload| {
        if !payload.is("hostile") {
            return;
        }
        let mut texts = Vec::new();
        strings(&payload.stdin, &mut texts);
        let any = |test: &dyn Fn(&str) -> bool| texts.iter().any(|text| test(text));
        let traits = [
            ("a string of 100 KiB", any(&|text| text.len() >= 100 * 1024)),
            ("an empty string", any(&str::is_empty)),
            ("a character outside of the basic plane", any(&|text| text.chars().any(|c| c > '\u{FFFF}'))),
            ("a combining character", any(&|text| text.contains('\u{301}'))),
            ("a line end", any(&|text| text.contains('\n'))),
            ("a quote", any(&|text| text.contains('"'))),
            ("a backslash", any(&|text| text.contains('\\'))),
            ("a command substitution", any(&|text| text.contains("$("))),
            ("a format directive", any(&|text| text.contains("%s"))),
        ];
        // Where only the folder can be chosen, it cannot be long and empty.
        let leaves = payload.stdin.as_object().map_or(0, serde_json::Map::len);
        for (what, there) in traits {
            if !there && (what != "an empty string" || leaves > 2) {
                faults.push(format!("{} has no {what}", place(payload)));
            }
        }
    });
    none(&faults);
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                found.push(name);
                strings(member, found);
            }
        }
        _ => {}
    }
}

#[test]
fn labels_are_those_of_the_readme() {
    let readme = include_str!("../../fixtures/README.md");
    let section = readme.split("| label | meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let known: BTreeSet<&str> = section
        .lines()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(known.len() >= 9, "{known:?}");
    let mut used = BTreeSet::new();
    for payload in payloads().all() {
        for label in &payload.labels {
            assert!(known.contains(label.as_str()), "{}: the label {label:?} is not in the README", place(payload));
            used.insert(label.as_str());
        }
        assert!(!(payload.is("benign") && payload.is("dangerous")), "{}", place(payload));
        assert!(!payload.title.ends_with('.'), "{}: the title ends with a full stop", place(payload));
    }
    assert_eq!(used, known, "a label of the README is on no payload");
}

#[test]
fn bytes_are_one_line_that_reads_back_as_the_document() {
    each(&mut |contract, _, payload| {
        let bytes = payload.bytes(&contract.process.stdin_suffix);
        let text = String::from_utf8(bytes).unwrap();
        let line = text.strip_suffix(&contract.process.stdin_suffix).unwrap();
        assert!(!line.contains(['\n', '\r']), "{}", place(payload));
        let back: Value = serde_json::from_str(line).unwrap();
        assert_eq!(back, payload.stdin, "{}", place(payload));
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&back), keys(&payload.stdin), "{}", place(payload));
    });
}
