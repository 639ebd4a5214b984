//! What stands on which stream, and who reads it.

use serde_json::Value;

use super::Problems;
use super::words::is_meant;
use crate::contract::{Action, Basis, EventKind, ExitThen, OutcomeName, Role, StreamName};
use crate::oracle::answer::at;
use crate::oracle::effect::Effect;
use crate::oracle::exit::Ruling;
use crate::oracle::reading::Reading;
use crate::oracle::texts::{applies, units};
use crate::oracle::{Ended, Run, Said};

/// Of text that is called broken JSON it is not said again that nobody reads it.
const NO_JSON: [&str; 3] = ["json.syntax", "json.raw-control-character", "json.bare-word"];

pub(super) fn lint(problems: &mut Problems<'_>, ruling: &Ruling, effect: &Effect) {
    let run = problems.run;
    let reads_answers = run.event.exits.iter().any(|row| row.then == ExitThen::Answer);
    if reads_answers {
        super::around::lint(problems);
    }
    if ruling.then == ExitThen::LastLine {
        result_path(problems);
    } else if !reads_answers && let Some(said) = telling_json(run) {
        problems.add_on(
            &unread_basis(run, ruling),
            "stream.json-never-read",
            format!("`{said}` stands in JSON on stdout, and {} never reads JSON", run.event.name),
        );
    } else if matches!(run.said, Said::Text) && run.facts.ended == Ended::Exit(0) && ruling.then == ExitThen::Failed {
        problems.add_on(
            &ruling.basis,
            "stream.text-refused",
            format!(
                "{} on {}, where only JSON is taken: the hook counts as failed",
                amount(run.heard.trimmed()),
                name(run.heard.stream)
            ),
        );
    } else if matches!(run.said, Said::Text) && !problems.any("stream.") && !NO_JSON.iter().any(|id| problems.any(id)) {
        unread_text(problems, ruling);
    }
    silence(problems, ruling);
    super::unread::lint(problems, ruling, effect);
    over_limit(problems, ruling);
}

/// What an event that reads no JSON rests on.
fn unread_basis(run: &Run<'_>, ruling: &Ruling) -> Vec<crate::contract::Basis> {
    let mut basis = vec![run.contract.reading.basis(), run.event.basis.clone()];
    basis.extend(ruling.basis.iter().cloned());
    basis
}

/// The first key in a JSON object on stdout whose value asks for something or tells somebody something.
fn telling_json(run: &Run<'_>) -> Option<String> {
    fn telling(value: &Value) -> Option<String> {
        value.as_object()?.iter().find_map(|(key, value)| {
            let tells = match value {
                Value::String(text) => {
                    let names_event = key.to_ascii_lowercase().ends_with("eventname");
                    !names_event && !text.trim().is_empty() && !["allow", "approve"].contains(&text.as_str())
                }
                Value::Bool(value) => key == "continue" && !value,
                Value::Object(_) => return telling(value),
                _ => false,
            };
            tells.then(|| key.clone())
        })
    }
    let text = String::from_utf8_lossy(run.facts.stdout);
    match serde_json::from_str(text.trim().trim_start_matches('\u{feff}')) {
        Ok(whole) => telling(&whole),
        Err(_) => {
            let meant = |object: &super::around::Object| is_meant(run.contract, run.event, &object.value);
            super::around::objects(&text)
                .iter()
                .filter(|object| meant(object))
                .find_map(|object| telling(&object.value))
        }
    }
}

/// No word at a gate at which it is not settled what that means.
fn silence(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let is_gate = matches!(run.event.kind, EventKind::Gate | EventKind::Request);
    let says_nothing = matches!(run.said, Said::Nothing) && run.facts.ended == Ended::Exit(0);
    let nothing = run.event.outcome(OutcomeName::Nothing).filter(|nothing| nothing.action == Action::Prompted);
    if let Some(nothing) = nothing.filter(|_| run.event.kind == EventKind::Gate && says_nothing) {
        let basis = Basis {
            evidence: nothing.evidence.unwrap_or(run.event.basis.evidence),
            source: nothing.source.unwrap_or_else(|| run.event.basis.source.clone()),
        };
        problems.add_on(
            &[ruling.basis.clone(), vec![basis]].concat(),
            "stream.silence-asks",
            format!("nothing on stdout at {}: the platform asks the user at every call", run.event.name),
        );
        return;
    }
    let doubted = ruling.basis.iter().any(|basis| !run.contract.weigh(basis).is_settled());
    if is_gate && doubted && says_nothing {
        problems.add_on(
            &ruling.basis,
            "stream.silence-at-gate",
            format!(
                "nothing on stdout at {}, where it is not settled that silence lets the step go ahead",
                run.event.name
            ),
        );
    }
}

/// Plain text that nobody reads.
fn unread_text(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let text = run.heard.trimmed();
    let read = (ruling.then == ExitThen::Text && !run.event.text.is_empty())
        || run.shows_streams().is_some()
        // What a hook in the background prints is not what the event is about.
        || ruling.then == ExitThen::Background;
    // Nobody has to read what a hook writes into its log.
    let is_log = run.heard.stream == StreamName::Stderr;
    if !read && !is_log && matches!(run.facts.ended, Ended::Exit(_)) && !text.is_empty() {
        let why = match run.facts.ended {
            Ended::Exit(0) => format!("{} drops plain text on stdout", run.event.name),
            _ => "plain text on stdout is not read at this exit code".to_owned(),
        };
        problems.add("stream.text-reaches-nobody", format!("{} on stdout, but {why}", amount(text)));
    }
}

fn result_path(problems: &mut Problems<'_>) {
    let run = problems.run;
    let last = run.heard.text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if !super::super::decide::is_absolute(last) {
        problems.add(
            "stream.result-path",
            format!("the last line of stdout is taken as a path, and {:?} is no absolute path", shorten(last)),
        );
    }
}

/// Texts that are longer than the platform passes on.
fn over_limit(problems: &mut Problems<'_>, ruling: &Ruling) {
    let run = problems.run;
    let Some(limit) = &run.contract.limits.text else { return };
    let basis = crate::contract::Basis { evidence: limit.evidence, source: limit.source.clone() };
    let mut check = |role: Option<Role>, name: &str, text: &str| {
        let length = units(text);
        if applies(limit, role) && length > limit.units {
            problems.add_on(
                std::slice::from_ref(&basis),
                "stream.over-limit",
                format!(
                    "{name} is {length} UTF-16 units long; above {} only {} of them are read",
                    limit.units, limit.preview
                ),
            );
        }
    };
    match run.said {
        Said::Answer(_) => {
            if let Reading::Document(document) = &run.heard.reading {
                for (path, field) in &run.event.output {
                    if let (Some(role), Some(text)) = (field.role, at(&document.value, path).and_then(Value::as_str)) {
                        check(Some(role), &format!("`{path}`"), text);
                    }
                }
            }
        }
        Said::Text if ruling.then == ExitThen::Text && !run.event.text.is_empty() => {
            check(None, &format!("the text on {}", name(run.heard.stream)), run.heard.trimmed());
        }
        _ => {}
    }
}

pub(super) fn name(stream: StreamName) -> &'static str {
    match stream {
        StreamName::Stdout => "stdout",
        StreamName::Stderr => "stderr",
    }
}

pub(super) fn amount(text: &str) -> String {
    match text.lines().count() {
        0 | 1 => format!("the text {:?} stands", shorten(text)),
        count => format!("{count} lines, beginning with {:?}, stand", shorten(text.lines().next().unwrap_or_default())),
    }
}

/// At most 60 characters of a text.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(57).chain("...".chars()).collect() }
}

impl Run<'_> {
    /// Whether anything but white space stands on stdout.
    pub(super) fn has_stdout(&self) -> bool {
        !String::from_utf8_lossy(self.facts.stdout).trim().is_empty()
    }
}
