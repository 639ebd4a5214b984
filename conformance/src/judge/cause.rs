//! What findings of different rules, events and scenarios have in common: the one thing in the hook that has to be fixed.
//!
//! A run that fails is told by how it fails: an uncaught error by the line of the hook that it comes from, any other failure
//! by its exit code and the last line on stderr. All that follows from the same failure has the same cause, whichever rule
//! says so. What a rule says of a run that did not fail has a cause of its own, where texts that differ only in a name, a
//! number, a path or a value count as the same.

use std::sync::LazyLock;

use hookproof_harness::Ending;
use regex_lite::Regex;

use super::Material;
use super::input::is_uncaught;
use crate::contract::Decision;
use crate::requirement::Requirement;
use crate::run::Run;

/// How the cause begins that is a line of the hook.
const UNCAUGHT: &str = "uncaught error at ";
/// Characters of a line that are compared.
const LONGEST: usize = 160;
/// Categories whose findings rest on how a run ended, or on what became of the step because of that.
const OF_ENDINGS: [&str; 5] = ["exit.", "input.", "consistency.", "security.", "worker."];
/// Judges of what a hook leaves running, which is one process for all of them.
const OF_BACKGROUND: [&str; 3] = ["no-process-left", "no-pipe-held", "held-pipe-loses-answer"];
/// Judges of these categories that look at something else than the ending.
const OF_OTHER_THINGS: [&str; 5] =
    ["drains-stdin", "writes-outside", "uses-network", "changes-system", "allows-dangerous"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// The cause of a finding, by which reports put findings together; `failure` is that of the run that it rests on.
pub(super) fn of(
    requirement: &Requirement,
    material: &Material<'_>,
    failure: Option<String>,
    observed: &str,
) -> String {
    let judge = requirement.judge.as_str();
    let mut left = material.runs.iter().filter_map(|run| run.observation.leaks.descendants.last());
    if OF_BACKGROUND.contains(&judge)
        && let Some(process) = left.next()
    {
        let program = process.name.split_whitespace().next().unwrap_or_default();
        return format!("left running: {}", program.rsplit(['/', '\\']).next().unwrap_or_default());
    }
    let by_ending = OF_ENDINGS.iter().any(|category| requirement.id.starts_with(category));
    if let Some(failure) = failure.filter(|_| by_ending && !OF_OTHER_THINGS.contains(&judge)) {
        return failure;
    }
    // Whatever stands there, it is the stream that has to be changed; whatever is allowed, it is the rule for `allow`.
    if requirement.id == "stream.decision-on-stderr" || judge == "allows-dangerous" {
        return requirement.id.clone();
    }
    let tool = run_tool(material).unwrap_or_default();
    format!("{}: {}", requirement.id, normal(observed, &[material.event.name.as_str(), tool]))
}

fn run_tool<'a>(material: &Material<'a>) -> Option<&'a str> {
    let field = material.contract.platform.tool_field.as_ref()?;
    crate::json::at(&material.case.payload.stdin, field)?.as_str()
}

/// How a run failed; `None` if it did not, or was ended by others.
pub(super) fn failure(run: &Run) -> Option<String> {
    let stderr = String::from_utf8_lossy(&run.observation.stderr.bytes);
    let how = match &run.observation.ending {
        Ending::Exited { code: 0 } => return None,
        // That is a decision, unless nobody caught it.
        Ending::Exited { code: 2 } if run.effect.decision == Some(Decision::Deny) && !is_uncaught(&stderr) => {
            return None;
        }
        Ending::Exited { code } => format!("exit {code}"),
        Ending::Signaled { signal, .. } => format!("signal {signal}"),
        Ending::Crashed { status } => format!("crash {status:#010x}"),
        Ending::NotStarted { .. } => return Some("not started".to_owned()),
        Ending::TimedOut { .. } | Ending::LimitHit { .. } => return None,
    };
    Some(match is_uncaught(&stderr).then(|| origin(&stderr)).flatten() {
        Some(origin) => format!("{UNCAUGHT}{origin}"),
        None => {
            // Names of directories may hold blanks and quotes; a single word may be part of the hook's own sentence.
            let plain = without_values(run, |value| value.contains(['/', '\\', ' ']));
            format!("{how}: {}", normal(last_line(&plain), &[]))
        }
    })
}

/// Whether a cause is a line of the hook: another line is another defect, whatever else is the same.
pub(crate) fn is_a_line(cause: &str) -> bool {
    cause.starts_with(UNCAUGHT)
}

/// What a run says on stderr, without what differs from run to run: values of its document, paths and numbers.
pub(super) fn complaint(run: &Run) -> String {
    let plain = without_values(run, |_| true);
    plain.lines().map(|line| normal(line.trim(), &[])).collect::<Vec<_>>().join("\n")
}

/// What a run says on stderr, without the values of its document that `is_left_out` holds of.
fn without_values(run: &Run, is_left_out: impl Fn(&str) -> bool) -> String {
    let stderr = String::from_utf8_lossy(&run.observation.stderr.bytes).into_owned();
    if stderr.is_empty() {
        return stderr;
    }
    let document: serde_json::Value = serde_json::from_slice(&run.stdin).unwrap_or_default();
    let mut values = Vec::new();
    texts(&document, &mut values);
    values.retain(|value| is_left_out(value));
    // A value may be a part of another one.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.iter().fold(stderr, |text, value| text.replace(value, "/…"))
}

/// The texts in a document that are long enough not to be part of any sentence.
fn texts<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a str>) {
    const SHORTEST: usize = 4;
    match value {
        serde_json::Value::String(text) if text.len() >= SHORTEST => found.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// The last line that says something.
fn last_line(stderr: &str) -> &str {
    // Node ends its traces with its own version.
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with("Node.js v");
    stderr.lines().rfind(says).unwrap_or("nothing on stderr").trim()
}

/// Where in the hook an uncaught error comes from: the innermost line of the file that the trace names first.
fn origin(stderr: &str) -> Option<String> {
    // `File "/x/hook.py", line 3`, `at main (/x/hook.js:5:18)`, `/x/hook.js:5`, `/x/hook.sh: line 5:`, `panicked at src/x.rs:5:1`.
    static PYTHON: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?m)^\s*File "([^"]+)", line (\d+)"#));
    static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)(?:^|\(|\bat |file://)((?:[A-Za-z]:)?[^\s():]+\.\w+):(?: line )?(\d+)(?::\d+)?\b")
    });
    let place = |found: &regex_lite::Captures<'_>| (found[1].to_owned(), found[2].to_owned());
    let mut frames: Vec<(String, String)> = PYTHON.captures_iter(stderr).map(|found| place(&found)).collect();
    if frames.is_empty() {
        frames = OTHERS.captures_iter(stderr).map(|found| place(&found)).collect();
        // The place comes first there, and what called it behind.
        frames.truncate(1);
    }
    let file = frames.first()?.0.clone();
    let (_, line) = frames.into_iter().rfind(|(other, _)| *other == file)?;
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    Some(format!("{name}:{line}"))
}

/// `text` with what differs from case to case left out: these words, values in quotes, paths, and numbers.
pub(crate) fn normal(text: &str, words: &[&str]) -> String {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#""(?:[^"\\]|\\.)*""#));
    static PATH: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?:[A-Za-z]:)?(?:[\\/][^\s\\/"'`,;()]+)+[\\/]?"#));
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"0x[0-9a-fA-F]+|\d+(?:[.,:]\d+)*"));
    let text = QUOTED.replace_all(text, "\"…\"");
    let text = PATH.replace_all(&text, "/…");
    let mut text = NUMBER.replace_all(&text, "#").into_owned();
    for word in words.iter().filter(|word| !word.is_empty()) {
        text = whole_words(&text, word);
    }
    text.chars().take(LONGEST).collect()
}

/// `text` without `word`, where it is one.
fn whole_words(text: &str, word: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        out.push_str(before);
        let whole = !out.ends_with(is_word) && !after.starts_with(is_word);
        out.push_str(if whole { "…" } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PYTHON: &str = "Traceback (most recent call last):\n  File \"/h/guard.py\", line 30, in <module>\n    main()\n  \
                          File \"/h/guard.py\", line 7, in main\n    data = json.load(sys.stdin)\n  File \
                          \"/usr/lib/python3.11/json/__init__.py\", line 293, in load\n    return loads(fp.read(),\n";
    const NODE: &str = "undefined:1\n\n\n\nSyntaxError: Unexpected end of JSON input\n    at JSON.parse (<anonymous>)\n    \
                        at ReadStream.<anonymous> (/h/guard.js:5:18)\n    at ReadStream.emit (node:events:530:35)\n\n\
                        Node.js v20.19.2\n";

    #[rstest]
    #[case::python(PYTHON, Some("guard.py:7"))]
    #[case::node(NODE, Some("guard.js:5"))]
    #[case::rust("thread 'main' (7) panicked at src/main.rs:12:5:\nno\n", Some("main.rs:12"))]
    #[case::bash("/h/x.sh: line 4: a: unbound variable\n", Some("x.sh:4"))]
    #[case::none("Segmentation fault\n", None)]
    fn an_error_comes_from_a_line_of_the_hook(#[case] stderr: &str, #[case] expected: Option<&str>) {
        assert!(is_uncaught(stderr), "{stderr}");
        assert_eq!(origin(stderr).as_deref(), expected);
    }

    #[rstest]
    #[case::process("blocked (4711)", "blocked (9)", true)]
    #[case::time("failed at 22:33:01.7", "failed at 9:00:00", true)]
    #[case::path("cannot write /tmp/a.1/x: no", "cannot write /tmp/b.2/x: no", true)]
    #[case::value("`decision` is \"deny\"", "`decision` is \"Deny\"", true)]
    #[case::field("`decision` is \"deny\"", "`permission` is \"deny\"", false)]
    #[case::tool("the tool Bash needs `command`", "the tool Bash needs `command`", true)]
    #[case::word("the Bashful", "the …ful", false)]
    fn texts_that_mean_the_same(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(normal(one, &["Bash"]) == normal(other, &["Bash"]), same);
    }

    #[test]
    fn the_version_of_node_is_no_message() {
        assert_eq!(last_line("Error: no\nNode.js v20.1.0\n\n"), "Error: no");
        assert_eq!(last_line(" \n"), "nothing on stderr");
    }
}
