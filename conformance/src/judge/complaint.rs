//! What programs that a hook starts complain of where nobody reads it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hookproof_harness::{AttemptOutcome, Ending};
use regex_lite::Regex;
use serde::Deserialize;

use super::whole_event::{BaselineRun, EventMaterial};
use super::{Finding, Verdict};
use crate::activity::PayloadKind;
use crate::contract::Evidence;
use crate::oracle::HookStatus;
use crate::requirement::Requirement;

/// So many payloads have to cause a complaint.
const ENOUGH: usize = 3;
/// Lines of stderr that are looked at.
const LINES: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "complaint")]
    complaints: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    means: String,
    evidence: Evidence,
    #[expect(dead_code, reason = "for readers of the file, as everywhere in the data")]
    source: Vec<String>,
    /// Why it may be this machine's fault, if it may.
    machine: Option<String>,
    patterns: Vec<String>,
}

/// What a program complains of.
struct Complaint {
    means: String,
    evidence: Evidence,
    machine: Option<String>,
    pattern: Regex,
}

/// The table of `complaints.toml`.
static TABLE: LazyLock<Vec<Complaint>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../complaints.toml")).expect("the file is a constant");
    let all = file.complaints.into_iter().flat_map(|Entry { means, evidence, machine, patterns, .. }| {
        patterns.into_iter().map(move |pattern| Complaint {
            means: means.clone(),
            evidence,
            machine: machine.clone(),
            pattern: Regex::new(&format!("^(?:{pattern})$")).expect("the pattern is a constant"),
        })
    });
    all.collect()
});

/// The complaint that a line is, and who complains.
fn read(line: &str) -> Option<(usize, String)> {
    TABLE.iter().enumerate().find_map(|(index, complaint)| {
        let found = complaint.pattern.captures(line)?;
        let program = found.name("program")?.as_str();
        Some((index, program.rsplit('/').next().unwrap_or(program).to_owned()))
    })
}

/// No program that the hook starts complains where nobody reads it. What few payloads cause may be in them.
pub(super) fn helper_complains(_: &Requirement, material: &EventMaterial<'_>) -> Option<Verdict> {
    if material.runs.len() < ENOUGH {
        return None;
    }
    // Lines of each program about the same thing, with the runs that they stand in.
    let mut found: BTreeMap<(usize, String), Vec<(&BaselineRun<'_>, String)>> = BTreeMap::new();
    for one in material.runs.iter().filter(|one| one.kind() != PayloadKind::Hostile) {
        for (line, who) in unread(one) {
            let places = found.entry(who).or_default();
            if places.last().is_none_or(|(last, _)| last.payload.name != one.payload.name) {
                places.push((one, line));
            }
        }
    }
    let most = found.into_iter().max_by_key(|(_, places)| places.len());
    let Some(((index, program), places)) = most.filter(|(_, places)| places.len() >= ENOUGH) else {
        return Some(Verdict::Pass);
    };
    let complaint = &TABLE[index];
    let (first, line) = places.first()?;
    let observed = format!(
        "`{program}` complains at {} payloads, on stderr, where nobody reads it: {line:?}; {}",
        if places.len() == material.runs.len() {
            format!("all {}", places.len())
        } else {
            format!("{} of {}", places.len(), material.runs.len())
        },
        complaint.means,
    );
    let facts = places.iter().map(|(one, _)| one.run.effect.evidence).max()?.max(complaint.evidence);
    Some(match (material.fail(first.run, observed, facts), &complaint.machine) {
        (Verdict::Fail(finding), Some(reason)) => Finding::doubted(finding, reason.clone()),
        (other, _) => other,
    })
}

/// Complaints on the stderr of a hook that ended well, which neither the user nor the model is given.
fn unread(one: &BaselineRun<'_>) -> Vec<(String, (usize, String))> {
    let (observation, effect) = (&one.run.observation, &one.run.effect);
    let refused = |attempt: &hookproof_harness::Attempt| attempt.outcome == AttemptOutcome::Refused;
    let kept = observation.sandbox.as_ref().is_some_and(|report| report.attempts.iter().any(refused));
    // What the sandbox refused may be what is complained of.
    if kept || effect.hook_status != HookStatus::Ok || !matches!(observation.ending, Ending::Exited { code: 0 }) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&observation.stderr.bytes);
    let read_by_somebody =
        |line: &str| effect.model_sees.iter().chain(&effect.user_sees).any(|text| text.contains(line));
    text.lines()
        .take(LINES)
        .map(str::trim)
        .filter(|line| !read_by_somebody(line))
        .filter_map(|line| Some((line.to_owned(), read(line)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::gnu_grep("grep: unrecognized option '--force'", Some("grep"))]
    #[case::short("grep: invalid option -- 'z'", Some("grep"))]
    #[case::a_builtin("/x/hook.sh: line 1: cd: -z: invalid option", Some("hook.sh"))]
    #[case::a_builtin_of_dash("/x/hook.sh: 1: cd: Illegal option -z", Some("hook.sh"))]
    #[case::a_builtin_of_zsh("hook.sh:read:1: bad option: -Q", Some("hook.sh"))]
    #[case::arithmetic_of_dash("u.sh: 1: arithmetic expression: expecting primary: \"1 + \"", Some("u.sh"))]
    #[case::arithmetic_of_zsh("u.sh:1: bad math expression: operand expected at end of string", Some("u.sh"))]
    #[case::jq_function("jq: error: foo/0 is not defined at <top-level>, line 1:", Some("jq"))]
    #[case::jq_option("jq: Unknown option --zork", Some("jq"))]
    #[case::jq_input("jq: error (at <stdin>:1): Cannot index string", None)]
    #[case::mawk("awk: line 2: missing } near end of file", Some("awk"))]
    #[case::empty("u.sh: 1: [: Illegal number:", Some("u.sh"))]
    #[case::nothing("u.sh: line 1: [: : integer expression expected", Some("u.sh"))]
    #[case::missing_in_zsh("u.sh:1: command not found: yqq", Some("u.sh"))]
    #[case::unset_in_zsh("u.sh:1: ZORK: parameter not set", Some("u.sh"))]
    #[case::unset_in_dash("u.sh: 1: ZORK: parameter not set", Some("u.sh"))]
    #[case::local_of_busybox("u.sh: local: line 1: not in a function", Some("u.sh"))]
    #[case::a_builtin_of_bash("./hook.sh: line 4: [: x: integer expression expected", Some("hook.sh"))]
    #[case::dash_test("hook.sh: 4: [: Illegal number: x", Some("hook.sh"))]
    #[case::dash_operator("hook.sh: 2: [: ==: unexpected operator", Some("hook.sh"))]
    #[case::arithmetic("hook.sh: line 2: 1 +: syntax error: operand expected (error token is \"+\")", Some("hook.sh"))]
    #[case::local("/x/hook.sh: line 9: local: can only be used in a function", Some("hook.sh"))]
    #[case::sed("sed: -e expression #1, char 4: unterminated `s' command", Some("sed"))]
    #[case::regular_expression("grep: Unmatched [, [^, [:, [., or [=", Some("grep"))]
    #[case::missing("hook.sh: line 3: yq: command not found", Some("hook.sh"))]
    #[case::missing_in_dash("hook.sh: 3: yq: not found", Some("hook.sh"))]
    #[case::unset("hook.sh: line 3: CONFIG: unbound variable", Some("hook.sh"))]
    #[case::a_log("[guard] checked: ls", None)]
    #[case::a_message("guard: nothing to do", None)]
    #[case::about_a_command("blocked: option --force is not allowed", None)]
    #[case("[handler] Error: Cannot find module '/hooks/index.js' imported from /hooks/guard.mjs", Some("[handler]"))]
    #[case("guard: Cannot find module './rules'", Some("guard"))]
    #[case("guard: No module named 'yaml'", Some("guard"))]
    #[case("No module is loaded", None)]
    #[case::a_warning("warning: unknown option in config", None)]
    fn complaints_have_a_form(#[case] line: &str, #[case] program: Option<&str>) {
        assert_eq!(read(line).map(|(_, program)| program).as_deref(), program);
    }
}
