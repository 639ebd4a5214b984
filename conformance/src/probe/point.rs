//! One run under a limit.

use hookproof_harness::{Behaviour, Cause, Ending, likely_cause};
use serde::{Deserialize, Serialize};

use super::likeness::Likeness;
use crate::contract::{Contract, Event};
use crate::judge;
use crate::oracle::{HookStatus, tell};
use crate::run::Run;

/// Characters kept of what the hook said.
const SAID: usize = 200;

/// One run of a hook under a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The limit's value, in its own unit.
    pub value: u64,
    /// How the hook behaved.
    pub behaviour: Behaviour,
    /// How it ended.
    pub ending: Ending,
    /// How it ended, in words.
    pub ended: String,
    /// What probably stands behind that.
    pub cause: Option<Cause>,
    /// The line of what it wrote that says most, on stderr or else on stdout. `None` if both streams are empty.
    pub said: Option<String>,
    /// What differs from the runs without a limit.
    pub differs: Vec<String>,
    /// What the platform makes of it.
    pub told: String,
    /// Whether a step that the hook stops without the limit goes ahead.
    pub fails_open: bool,
    /// Whether that happens while the platform takes the hook for one that did its work.
    pub unnoticed: bool,
}

impl Point {
    /// The run of a hook under a limit of `value`, compared with what runs without a limit agree on.
    pub(super) fn of(contract: &Contract, event: &Event, value: u64, run: &Run, wanted: &Likeness) -> Self {
        let differs = wanted.differs(run);
        let observation = &run.observation;
        let fails_open = wanted.stops_the_step && !run.effect.stops_the_step();
        Point {
            value,
            behaviour: Behaviour::of(observation, differs.is_empty()),
            ending: observation.ending.clone(),
            ended: judge::ending(run),
            cause: likely_cause(observation),
            said: telling(&observation.stderr.bytes, likely_cause(observation).as_ref())
                .or_else(|| telling(&observation.stdout.bytes, None)),
            fails_open,
            unnoticed: fails_open && run.effect.hook_status == HookStatus::Ok,
            told: tell(contract, event, &run.effect),
            differs: differs.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The line that names the cause, or else the first that holds a word; of a traceback the last.
fn telling(bytes: &[u8], cause: Option<&Cause>) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().find(|line| line.contains(char::is_alphabetic)).or_else(|| lines.next())?;
    let named = cause.map(|cause| cause.basis.as_str()).filter(|basis| text.contains(basis));
    let last = lines.next_back().filter(|_| first.starts_with("Traceback "));
    Some(named.or(last).unwrap_or(first).chars().take(SAID).collect())
}

#[cfg(test)]
mod tests {
    use hookproof_harness::CauseKind;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("\n one\ntwo\n", None, Some("one"))]
    #[case("Traceback (most recent call last):\n  File \"x\"\nMemoryError\n", None, Some("MemoryError"))]
    #[case("warning\nsh: 1: Cannot fork\n", Some("sh: 1: Cannot fork"), Some("sh: 1: Cannot fork"))]
    #[case("warning\n", Some("exit code 139 is 128 + 11"), Some("warning"))]
    #[case("=====\nhas crashed\n", None, Some("has crashed"))]
    #[case("---\n", None, Some("---"))]
    #[case(" \n", None, None)]
    fn the_line_that_says_most(#[case] text: &str, #[case] basis: Option<&str>, #[case] expected: Option<&str>) {
        let cause = |basis: &str| Cause { kind: CauseKind::OutOfMemory, limit: None, basis: basis.to_owned() };
        assert_eq!(telling(text.as_bytes(), basis.map(cause).as_ref()).as_deref(), expected);
    }
}
