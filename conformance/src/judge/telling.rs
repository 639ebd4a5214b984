//! What a hook tells, so that two runs can be compared.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::{Run, without_scratch};

/// All that a run tells anybody: texts for people and the model, stderr, and what stands in its answer, numbers for
/// telemetry above all. Names of scratch folders are taken out, and so is what counts time or names processes in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling(BTreeSet<String>);

/// Words in a key whose value differs from run to run.
const PASSING: [&str; 24] = [
    "ms",
    "us",
    "ns",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "millis",
    "milliseconds",
    "micros",
    "nanos",
    "time",
    "times",
    "timestamp",
    "ts",
    "date",
    "at",
    "duration",
    "elapsed",
    "took",
    "latency",
    "pid",
    "ppid",
];

impl Telling {
    /// What this run tells.
    pub(super) fn of(run: &Run) -> Self {
        let effect = &run.effect;
        Self::new(
            &String::from_utf8_lossy(&run.observation.stdout.bytes),
            &String::from_utf8_lossy(&run.observation.stderr.bytes),
            effect.model_sees.iter().chain(&effect.user_sees),
        )
    }

    fn new<'a>(stdout: &str, stderr: &str, texts: impl IntoIterator<Item = &'a String>) -> Self {
        let mut told = BTreeSet::new();
        let mut add = |text: &str| {
            told.insert(without_scratch(text.trim()));
        };
        texts.into_iter().for_each(|text| add(text));
        stderr.lines().for_each(&mut add);
        // One document, perhaps over several lines, or one in each line.
        let documents: Vec<Value> = match serde_json::from_str(stdout) {
            Ok(whole) => vec![whole],
            Err(_) => stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        };
        documents.iter().for_each(|document| leaves(document, "", &mut add));
        told.remove("");
        Telling(told)
    }

    /// In a line, what is told here and not there.
    pub(super) fn beside(&self, other: &Telling) -> String {
        let own: Vec<&str> = self.0.difference(&other.0).map(String::as_str).collect();
        if own.is_empty() { "nothing more".to_owned() } else { own.join("; ") }
    }
}

/// Every value in an answer that is no container, with the way to it.
fn leaves(value: &Value, way: &str, add: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter().filter(|(key, _)| !is_passing(key)) {
                leaves(value, &format!("{way}.{key}"), add);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| leaves(value, &format!("{way}[]"), add)),
        leaf => add(&format!("{}: {leaf}", way.trim_start_matches('.'))),
    }
}

/// Whether the key is one of a time, a length of time, or a process.
fn is_passing(key: &str) -> bool {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in key.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.iter().any(|word| PASSING.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn telling(stdout: &str, stderr: &str) -> Telling {
        Telling::new(stdout, stderr, &[])
    }

    #[rstest]
    #[case("sdk_bootstrap_ms", true)]
    #[case("elapsedMs", true)]
    #[case("startedAt", true)]
    #[case("pid", true)]
    #[case("build-time", true)]
    #[case("sdk_bootstrap_err", false)]
    #[case("items", false)]
    #[case("status", false)]
    #[case("systemMessage", false)]
    #[case("", false)]
    fn keys_of_what_passes(#[case] key: &str, #[case] expected: bool) {
        assert_eq!(is_passing(key), expected);
    }

    #[rstest]
    #[case::time(r#"{"err": 99, "ms": 4}"#, r#"{"err": 99, "ms": 7}"#, true)]
    #[case::code(r#"{"err": 99, "ms": 4}"#, r#"{"err": 7, "ms": 4}"#, false)]
    #[case::second_line("{\"async\": true}\n{\"err\": 99}\n", "{\"async\": true}\n{\"err\": 7}\n", false)]
    #[case::more_keys(r#"{"m": {"a": 1}}"#, r#"{"m": {"a": 1, "b": 1}}"#, false)]
    #[case::same_value_elsewhere(r#"{"a": 1}"#, r#"{"b": 1}"#, false)]
    #[case::layout(r#"{"a": [1, 2]}"#, "{\n\"a\": [\n1, 2]\n}", true)]
    #[case::scratch(r#"{"a": "/tmp/run-abcd1234/x"}"#, r#"{"a": "/tmp/run-wxyz9876/x"}"#, true)]
    fn answers_that_tell_the_same(#[case] one: &str, #[case] other: &str, #[case] expected: bool) {
        assert_eq!(telling(one, "") == telling(other, ""), expected);
    }

    #[test]
    fn texts_and_stderr_count() {
        let said = ["full".to_owned()];
        assert_ne!(telling("", ""), Telling::new("", "", &said));
        assert_ne!(telling("", "code 1"), telling("", "code 2"));
        assert_eq!(telling("", "a\n\n"), telling("", " a"));
        let (silent, loud) = (telling("", "a"), telling("", "a\nb\nc"));
        assert_eq!((loud.beside(&silent).as_str(), silent.beside(&loud).as_str()), ("b; c", "nothing more"));
    }
}
