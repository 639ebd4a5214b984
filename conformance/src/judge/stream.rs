//! Judges of what stands on the streams, beyond what one document shows.

use super::{Material, Verdict, problem};
use crate::requirement::Requirement;

/// The shortest document whose repetition on stdout is no accident, in bytes.
const ECHO: usize = 40;

/// The last line of stdout must be a folder that exists.
pub(super) fn result_path(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    match problem::judge(requirement, material)? {
        Verdict::Pass => {}
        other => return Some(other),
    }
    let missing = material.runs.iter().find(|run| run.result_exists == Some(false));
    Some(match missing {
        Some(run) => {
            let path = run.effect.result.clone().unwrap_or_default();
            material.fail_by_effect(run, format!("the last line of stdout is {path:?}, and there is no such folder"))
        }
        None => Verdict::Pass,
    })
}

/// stdout must not repeat stdin.
pub(super) fn echoes_stdin(_: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    if !material.is_sound() {
        return None;
    }
    let echo = material.runs.iter().find(|run| {
        let document = run.stdin.trim_ascii();
        document.len() >= ECHO && run.observation.stdout.bytes.windows(document.len()).any(|window| window == document)
    });
    Some(match echo {
        Some(run) => Verdict::Fail(material.finding(run, "stdout repeats the document from stdin")),
        None => Verdict::Pass,
    })
}
