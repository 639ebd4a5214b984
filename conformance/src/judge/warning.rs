//! A warning that only dangerous payloads cause, and that no one reads.

use serde_json::Value;

use super::Verdict;
use super::whole_event::{BaselineRun, EventMaterial, is_reported};
use crate::activity::{PayloadKind, Response};
use crate::oracle::HookStatus;
use crate::payload::Payload;
use crate::requirement::Requirement;

/// A line that more than one in this many harmless payloads cause is no warning.
const FEW: usize = 4;
/// Lines of a run that are looked at.
const LINES: usize = 50;
/// Words of a line that are looked at.
const WORDS: usize = 60;
/// Shorter words have to be whole words of a payload in order to come from there.
const SHORT: usize = 4;

/// What a hook writes for dangerous payloads only reaches the user or the model.
pub(super) fn warning_discarded(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    // Many guards stop what is guarded. Whether a hook says something of hostile payloads is open.
    let others: Vec<&BaselineRun<'_>> =
        material.runs.iter().filter(|one| one.kind() == PayloadKind::Harmless).collect();
    let is_special = |one: &&BaselineRun<'_>| one.kind().is_threat() || one.kind() == PayloadKind::Guarded;
    let threats: Vec<&BaselineRun<'_>> = material.runs.iter().filter(is_special).collect();
    if threats.is_empty() || others.is_empty() {
        return None;
    }
    let usual: Vec<Vec<Written>> = others.iter().map(|one| lines(one)).collect();
    // A pattern that also fits a few harmless payloads still makes a warning, and not a log.
    let is_usual = |line: &Written| {
        let with_it = usual.iter().filter(|own| own.iter().any(|other| line.is_like(other))).count();
        with_it * FEW >= usual.len()
    };
    let mut lost = threats.iter().filter(|one| {
        let effect = &one.run.effect;
        effect.hook_status == HookStatus::Ok
            && one.response(material.event) == Response::NoEffect
            && !effect.problems.iter().any(|problem| is_reported(&problem.requirement))
    });
    let found = lost.find_map(|one| {
        let special = lines(one).into_iter().find(|line| !is_usual(line))?;
        Some((one, special))
    });
    Some(match found {
        Some((one, special)) => {
            let observed = format!(
                "for {} ({}) the hook wrote {:?}, as it does for few or no harmless payloads, and no one reads it",
                one.payload.name,
                one.payload.title,
                shorten(&special.words.join(" "))
            );
            material.fail(one.run, observed, one.run.effect.evidence)
        }
        None => Verdict::Pass,
    })
}

/// A line that a hook wrote.
struct Written {
    words: Vec<String>,
    /// The same with `None` for words that come from the payload, and for numbers.
    form: Vec<Option<String>>,
}

impl Written {
    fn new(line: &str, payload: &[String]) -> Self {
        let words: Vec<String> = line.split_whitespace().take(WORDS).map(str::to_owned).collect();
        let form = words.iter().map(|word| (!is_from(word, payload)).then(|| word.clone())).collect();
        Written { words, form }
    }

    /// Whether both lines may be the same message about different payloads.
    fn is_like(&self, other: &Written) -> bool {
        fits(&self.form, &other.words) || fits(&other.form, &self.words)
    }
}

/// Whether the words have the form; each `None` stands for any number of words.
fn fits(form: &[Option<String>], words: &[String]) -> bool {
    match form.split_first() {
        None => words.is_empty(),
        Some((Some(first), rest)) => {
            words.split_first().is_some_and(|(word, words)| word == first && fits(rest, words))
        }
        Some((None, rest)) => {
            let rest = rest.iter().position(Option::is_some).map_or(&rest[rest.len()..], |at| &rest[at..]);
            (0..=words.len()).any(|skipped| fits(rest, &words[skipped..]))
        }
    }
}

/// Whether a word is a number, or a part of the payload.
fn is_from(word: &str, payload: &[String]) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).trim_end_matches('…');
    if bare.is_empty() || bare.chars().any(|c| c.is_ascii_digit()) {
        return true;
    }
    payload.iter().any(|text| {
        if bare.chars().count() < SHORT {
            text.split(|c: char| !c.is_alphanumeric()).any(|known| known == bare)
        } else {
            text.contains(bare)
        }
    })
}

/// What a hook wrote on both streams, line by line; of a JSON document its texts.
fn lines(one: &BaselineRun<'_>) -> Vec<Written> {
    let payload = strings_of(one.payload);
    let observation = &one.run.observation;
    let mut lines = Vec::new();
    for bytes in [&observation.stdout.bytes, &observation.stderr.bytes] {
        let text = String::from_utf8_lossy(bytes);
        match serde_json::from_str::<Value>(text.trim()) {
            Ok(value @ Value::Object(_)) => strings(&value, &mut lines),
            _ => lines.extend(text.lines().map(str::to_owned)),
        }
    }
    let told = lines.iter().filter(|line| !line.trim().is_empty()).take(LINES);
    told.map(|line| Written::new(line, &payload)).collect()
}

fn strings_of(payload: &Payload) -> Vec<String> {
    let mut all = Vec::new();
    strings(&payload.stdin, &mut all);
    all
}

fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, all)),
        Value::Object(fields) => fields.values().for_each(|item| strings(item, all)),
        _ => {}
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 100 { text.to_owned() } else { text.chars().take(99).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same("checked", "x", "checked", "y", true)]
    #[case::with_the_command("checking rm -rf /", "rm -rf /", "checking ls -la", "ls -la", true)]
    #[case::cut_off("checking: rm -rf /home…", "rm -rf /home/dev", "checking: ls", "ls", true)]
    #[case::numbers("12:01:07 run 4", "x", "12:01:09 run 5", "y", true)]
    #[case::a_warning("WARNING: rm -rf / is dangerous", "rm -rf /", "checking ls", "ls", false)]
    #[case::beside_a_log("[guard] dangerous: rm", "rm", "[guard] fine: ls", "ls", false)]
    #[case::a_short_word_of_a_payload("this is not good", "what is this", "fine", "y", false)]
    fn messages_are_compared_without_what_comes_from_the_payload(
        #[case] one: &str,
        #[case] of_one: &str,
        #[case] other: &str,
        #[case] of_other: &str,
        #[case] same: bool,
    ) {
        let written = |line, payload: &str| Written::new(line, &[payload.to_owned()]);
        assert_eq!(written(one, of_one).is_like(&written(other, of_other)), same);
    }
}
