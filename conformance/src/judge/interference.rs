//! What the sandbox did to a run, and what is not held against the hook because of it.

use std::path::Path;
use std::sync::LazyLock;

use hookproof_harness::{Attempt, AttemptKind, AttemptOutcome, Ending};
use regex_lite::Regex;

use super::Material;
use crate::requirement::Requirement;
use crate::run::{Run, copied};

/// Where Python keeps what it has compiled, beside the source. It works without where it cannot write.
const COMPILED: &str = "__pycache__";

/// Judges of the attempts themselves.
const OF_ATTEMPTS: [&str; 3] = ["writes-outside", "uses-network", "changes-system"];
/// Judges that compare with the event's typical document.
const BESIDE_TYPICAL: [&str; 2] = ["one-where-two-was-meant", "survives"];
/// What a JSON document says is wrong or right whatever else the hook could do.
const OF_DOCUMENTS: [&str; 2] = ["schema.", "json."];

/// Whether an attempt is one that the hook itself wanted.
pub(super) fn is_wanted(attempt: &Attempt) -> bool {
    let compiled = Path::new(&attempt.target).components().any(|part| part.as_os_str() == COMPILED);
    attempt.kind != AttemptKind::Write || !compiled
}

/// Why a finding of a requirement may be the sandbox's doing: a run that it rests on was refused something.
pub(super) fn reason(requirement: &Requirement, material: &Material<'_>) -> Option<String> {
    let of_document =
        requirement.judge == "problem" && OF_DOCUMENTS.iter().any(|part| requirement.id.starts_with(part));
    if of_document || OF_ATTEMPTS.contains(&requirement.judge.as_str()) {
        return None;
    }
    let typical = material.typical.filter(|_| BESIDE_TYPICAL.contains(&requirement.judge.as_str()));
    material.runs.iter().chain(material.baseline).chain(typical).find_map(of_run)
}

/// Why a finding may come from what the copy of a project does not have: a run that it rests on failed, and complains of
/// something that is not there.
pub(super) fn incomplete_copy(material: &Material<'_>) -> Option<String> {
    static NOT_THERE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)no such file|not found|cannot find|can't find|can't open|cannot open|no module named|enoent|does not exist")
            .expect("the pattern is a constant")
    });
    let run = material.runs.iter().chain(material.baseline).find(|run| {
        let observation = &run.observation;
        observation.ending != Ending::Exited { code: 0 }
            && NOT_THERE.is_match(&String::from_utf8_lossy(&observation.stderr.bytes))
    });
    run?;
    let plan = copied(material.case.subject)?;
    (!plan.not_copied.is_nothing()).then(|| format!("{}, which the hook may miss", plan.not_copied.told()))
}

/// What the sandbox did to a run that the hook may have noticed.
fn of_run(run: &Run) -> Option<String> {
    let report = run.observation.sandbox.as_ref()?;
    let attempt =
        report.attempts.iter().filter(|attempt| is_wanted(attempt)).find(|attempt| match attempt.outcome {
            AttemptOutcome::Refused => true,
            AttemptOutcome::Copied => is_missed(run, attempt),
            AttemptOutcome::Faulted { .. } | AttemptOutcome::LeftBehind { .. } | AttemptOutcome::LetThrough { .. } => {
                false
            }
        })?;
    let target = &attempt.target;
    Some(match (attempt.kind, &attempt.outcome) {
        (AttemptKind::Write, AttemptOutcome::Copied) => format!(
            "the hook wrote {target}, which the sandbox made to a copy that the hook does not find again; run it with \
             `--allow-write`"
        ),
        (AttemptKind::Write, _) => {
            format!(
                "the sandbox refused the write to {target}, and the hook may do something else because of that; run it with `--allow-write`"
            )
        }
        (AttemptKind::System, _) => format!(
            "the sandbox refused the hook something ({target}), and the hook may do something else because of that; run it \
             with `--sandbox off` if you trust it"
        ),
        _ => format!(
            "the sandbox refused to let the hook reach {target}, and the hook may do something else because of that; run it \
             with `--allow-net`"
        ),
    })
}

/// Whether a hook that failed complains of a file that exists only as a copy.
fn is_missed(run: &Run, attempt: &Attempt) -> bool {
    let Some(name) = Path::new(&attempt.target).file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return false;
    };
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&name);
    run.observation.ending != Ending::Exited { code: 0 }
        && (told(&run.observation.stderr.bytes) || told(&run.observation.stdout.bytes))
}
