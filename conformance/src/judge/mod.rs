//! Judging: pure functions from a case and its runs to verdicts, one file a category.

mod activity;
mod cause;
mod complaint;
mod consistency;
mod cooldown;
mod exit;
mod expect;
mod gist;
mod help;
mod input;
mod interference;
mod phantom;
mod problem;
mod resource;
mod rewrite;
mod security;
mod stream;
mod telling;
mod timing;
mod tool_name;
mod unwritable;
mod verdict;
mod warning;
mod whole_event;

pub(crate) use cause::{is_a_line, normal as without_details};
pub use expect::{HookRuns, Together};
pub(crate) use gist::Gist;
pub(crate) use phantom::is_worth_telling_apart;
use telling::Telling;
pub use verdict::{Finding, Judgement, Verdict};
pub(crate) use whole_event::{BaselineRun, EventMaterial, judge_event};

use std::time::Duration;

use hookproof_harness::{Attempt, AttemptKind, AttemptOutcome, ClockReport, Containment, Enforcement, FullDevice};

use crate::contract::{Contract, Event, Evidence};
use crate::oracle::tell;
use crate::plan::Case;
use crate::quantity;
use crate::requirement::{Catalogue, Level, Requirement};
use crate::run::{Lateness, Run, TimeLimit};

/// Everything that a judge looks at.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The contract that is judged by.
    pub contract: &'a Contract,
    /// The event.
    pub event: &'a Event,
    /// The case.
    pub case: &'a Case<'a>,
    /// The runs of the case.
    pub runs: &'a [Run],
    /// The run of the same document at the baseline.
    pub baseline: Option<&'a Run>,
    /// The run of the event's typical document at the baseline.
    pub typical: Option<&'a Run>,
    /// How long the suite waits at most.
    pub patience: Duration,
    /// What all hooks did that are run with the payload, if something is expected of them and this is the last of them.
    pub together: Option<&'a Together>,
}

/// A judge: `None` where the requirement has nothing to say of the case.
pub type Judge = fn(&Requirement, &Material<'_>) -> Option<Verdict>;

const JUDGES: &[(&str, Judge)] = &[
    ("problem", problem::judge),
    ("config", config),
    ("result-path", stream::result_path),
    ("echoes-stdin", stream::echoes_stdin),
    ("one-where-two-was-meant", exit::one_where_two_was_meant),
    (NOT_STARTED, exit::not_started),
    ("survives", input::survives),
    ("lets-pass", input::lets_pass),
    ("drains-stdin", input::drains_stdin),
    ("stops-when-active", input::stops_when_active),
    ("stop-without-end", input::stop_without_end),
    ("phantom", phantom::judge),
    ("deaf", phantom::deaf),
    ("named-elsewhere", phantom::named_elsewhere),
    ("same-decision", consistency::same_decision),
    ("same-at-any-size", consistency::same_at_any_size),
    ("keeps-decision", consistency::keeps_decision),
    ("keeps-approval", consistency::keeps_approval),
    ("stops-odd-text", consistency::stops_odd_text),
    ("same-without-stderr", consistency::same_without_stderr),
    ("budget", timing::budget),
    ("patience", timing::patience),
    ("ends-unread", timing::ends_unread),
    ("ends-without-service", timing::ends_without_service),
    ("no-process-left", timing::no_process_left),
    ("no-pipe-held", timing::no_pipe_held),
    ("held-pipe-loses-answer", timing::held_pipe_loses_answer),
    ("peak-memory", resource::peak_memory),
    ("cpu-time", resource::cpu_time),
    ("memory-growth", resource::memory_growth),
    ("time-growth", resource::time_growth),
    ("latency", resource::latency),
    ("descendants", resource::descendants),
    ("written-elsewhere", resource::written_elsewhere),
    ("state-growth", resource::state_growth),
    ("text-length", resource::text_length),
    ("ends-well", cooldown::ends_well),
    ("is-told", cooldown::is_told),
    ("no-orphan", cooldown::no_orphan),
    ("leaves-nothing", cooldown::leaves_nothing),
    ("hears-both", cooldown::hears_both),
    ("no-attempt", cooldown::no_attempt),
    ("attempt", cooldown::attempt),
    ("one-attempt", cooldown::one_attempt),
    ("fast", cooldown::fast),
    ("recovers", cooldown::recovers),
    ("allows-dangerous", security::allows_dangerous),
    ("shell-expansion", security::shell_expansion),
    ("stops-or-tells", security::stops_or_tells),
    ("without-helper", security::without_helper),
    ("without-stdout", unwritable::without_stdout),
    ("without-stderr", unwritable::without_stderr),
    ("expected-decision", expect::decision),
    ("expected-text", expect::text),
    ("writes-outside", security::writes_outside),
    ("uses-network", security::uses_network),
    ("changes-system", security::changes_system),
];

/// The judge of hooks that do not start.
const NOT_STARTED: &str = "not-started";

/// Why what did not come in time is a doubt.
const WAITS_NO_LONGER: &str = "the platform would have waited longer than the suite (`--deadline`)";

/// Why what happened near one of the platform's times is a doubt.
const NEAR_A_LIMIT: &str = "it is so near to the platform's time that a busy machine may be the cause";

/// Judges of time itself, and of what was too much already when time was over: to them it does not matter whose patience
/// that was.
const TIMING: [&str; 6] = ["budget", "patience", "ends-without-service", "descendants", "cpu-time", "time-growth"];

/// Rules of configurations are judged when a configuration is read, and say nothing of runs.
fn config(_: &Requirement, _: &Material<'_>) -> Option<Verdict> {
    None
}

/// The judge of this name.
pub fn by_name(name: &str) -> Option<Judge> {
    JUDGES.iter().find(|(known, _)| *known == name).map(|(_, judge)| *judge)
}

/// Whether there is a judge of this name, of cases or of whole events.
pub(crate) fn is_known(name: &str) -> bool {
    by_name(name).is_some() || whole_event::by_name(name).is_some()
}

/// The names of the budgets that a judge compares with, sorted.
pub(crate) fn budgets(judge: &str) -> &'static [&'static str] {
    match judge {
        "peak-memory" | "cpu-time" | "descendants" | "text-length" | "fast" => &["most"],
        "memory-growth" | "time-growth" => &["factor", "floor", "floor-per-mib"],
        "latency" => &["percentile", "runs", "share"],
        "state-growth" => &["bytes-a-run", "entries-a-run", "runs"],
        _ => &[],
    }
}

/// Whether a requirement that wants more runs before it accuses anybody would fail by these.
pub(crate) fn in_doubt(catalogue: &Catalogue, material: &Material<'_>) -> bool {
    catalogue.iter().filter(|requirement| requirement.repeat && applies(requirement, material)).any(|requirement| {
        let verdict = by_name(&requirement.judge).and_then(|judge| judge(requirement, material));
        matches!(verdict, Some(Verdict::Fail(_) | Verdict::Note(_)))
    })
}

/// What all requirements say of a case.
pub fn judge_all(catalogue: &Catalogue, material: &Material<'_>) -> Vec<Judgement> {
    // Of a hook that did not start, nothing else can be said.
    let started = material.runs.iter().all(|run| run.launch_fault.is_none());
    let mut judgements: Vec<Judgement> = catalogue
        .iter()
        .filter(|requirement| applies(requirement, material) && (started || requirement.judge == NOT_STARTED))
        .filter_map(|requirement| {
            let judge = by_name(&requirement.judge)?;
            let verdict = match material.not_limited() {
                Some(reason) => Verdict::Skip { reason },
                None => judge(requirement, material)?,
            };
            let cut_off = !TIMING.contains(&requirement.judge.as_str()) && material.is_cut_off();
            let verdict = verdict.with(|finding| {
                let shown = material
                    .runs
                    .iter()
                    .find(|run| run.effect.problems.iter().any(|one| one.requirement == requirement.id));
                let shown = shown.or(material.runs.first());
                finding.help = shown.and_then(|run| help::of(requirement, material.contract, material.event, run));
            });
            let verdict = match verdict.with_cause(requirement, material) {
                Verdict::Fail(finding) => match material.kept_from_writing(requirement) {
                    Some(reason) => Verdict::Skip { reason },
                    None if !requirement.evidence.is_settled() => Verdict::Note(finding),
                    None if cut_off => finding.doubted(WAITS_NO_LONGER),
                    None if rests_on_a_limit(requirement, material) => finding.doubted(NEAR_A_LIMIT),
                    None => match interference::reason(requirement, material) {
                        Some(because) => Finding { sandboxed: true, ..finding }.doubted(because),
                        None => match interference::incomplete_copy(material) {
                            Some(because) => finding.doubted(because),
                            None => Verdict::Fail(finding),
                        },
                    },
                },
                Verdict::Note(finding) => match material.kept_from_writing(requirement) {
                    Some(reason) => Verdict::Skip { reason },
                    None => Verdict::Note(finding),
                },
                other => other,
            };
            Some(Judgement { requirement: requirement.id.clone(), level: requirement.level, verdict })
        })
        .collect();
    share_causes(&mut judgements);
    judgements
}

/// Rules that say the same of one case in two ways: where both are broken, the second goes with the first.
const SAME_DEFECT: [(&str, &str); 3] = [
    ("json.syntax", "stream.text-refused"),
    ("exit.two-without-reason", "schema.deny-without-reason"),
    ("input.deaf", "input.phantom-field"),
];

/// Gives findings that are one defect the same cause, so that reports count and show one.
fn share_causes(judgements: &mut [Judgement]) {
    for (first, second) in SAME_DEFECT {
        let cause = judgements.iter().find(|one| one.requirement == first).and_then(|one| match &one.verdict {
            Verdict::Fail(finding) => finding.cause.clone(),
            _ => None,
        });
        let other = judgements.iter_mut().find(|one| one.requirement == second);
        if let (Some(cause), Some(Judgement { verdict: Verdict::Fail(finding), .. })) = (cause, other) {
            finding.cause = Some(cause);
        }
    }
}

/// Whether a MUST would rest on a run that was killed so near to the platform's time limit that a busy machine may be the
/// cause.
fn rests_on_a_limit(requirement: &Requirement, material: &Material<'_>) -> bool {
    requirement.level == Level::Must && !TIMING.contains(&requirement.judge.as_str()) && material.is_near_a_limit()
}

/// Whether the requirement is about this case at all.
fn applies(requirement: &Requirement, material: &Material<'_>) -> bool {
    let any = |list: &[String], wanted: &str| list.is_empty() || list.iter().any(|item| item == wanted);
    let id = &material.case.id;
    // What a starved hook does is accused by the rules that are about starving, and by no others; so with other faults.
    if material.case.scenario.has_fault() && !requirement.scenarios.contains(&id.scenario) {
        return false;
    }
    any(&requirement.platforms, &id.platform)
        && any(&requirement.events, &id.event)
        && any(&requirement.scenarios, &id.scenario)
        && (requirement.labels.is_empty()
            || requirement.labels.iter().any(|label| material.case.payload.counts_as(label)))
}

impl Material<'_> {
    /// A finding about a run.
    fn finding(&self, run: &Run, observed: impl Into<String>) -> Finding {
        Finding {
            observed: observed.into(),
            consequence: self.consequence(run),
            evidence: evidence(run),
            cause: cause::failure(run),
            ..Finding::default()
        }
    }

    /// What the platform makes of a run, as a sentence.
    fn consequence(&self, run: &Run) -> String {
        let overdue = matches!(run.observation.ending, hookproof_harness::Ending::TimedOut { .. });
        if overdue && run.limit != TimeLimit::Platform {
            return format!("{} would wait longer; the suite does not", self.contract.platform.title);
        }
        tell(self.contract, self.event, &run.effect)
    }

    /// A failure that rests on what the platform makes of the run: a doubt, where that is not settled.
    fn fail_by_effect(&self, run: &Run, observed: impl Into<String>) -> Verdict {
        self.fail(run, observed, run.effect.evidence)
    }

    /// A failure that rests on a comparison: on what the platform makes of both runs, and on the weaker evidence.
    fn fail_by_both(&self, run: &Run, other: &Run, observed: impl Into<String>) -> Verdict {
        self.fail(run, observed, run.effect.evidence.max(other.effect.evidence))
    }

    /// The same for a comparison with the baseline, if there is one.
    fn fail_by_baseline(&self, run: &Run, observed: impl Into<String>) -> Verdict {
        self.fail_by_both(run, self.baseline.unwrap_or(run), observed)
    }

    /// A failure, or a doubt where the facts behind it are not settled.
    fn fail(&self, run: &Run, observed: impl Into<String>, facts: Evidence) -> Verdict {
        let finding = self.finding(run, observed);
        if facts.is_settled() { Verdict::Fail(finding) } else { Verdict::Note(finding) }
    }

    /// Whether a run was ended by the suite's patience alone: the platform would have waited, and might have got what is
    /// missing. Where a run took several times as long as the baseline, that is what the scenario is about.
    fn is_cut_off(&self) -> bool {
        let overdue = |run: &Run| matches!(run.observation.ending, hookproof_harness::Ending::TimedOut { .. });
        self.runs.iter().any(|run| run.limit == TimeLimit::Suite && overdue(run))
    }

    /// Whether a run was killed at the platform's time limit, and nothing shows that it is clearly too late.
    fn is_near_a_limit(&self) -> bool {
        let overdue = |run: &Run| matches!(run.observation.ending, hookproof_harness::Ending::TimedOut { .. });
        self.runs
            .iter()
            .any(|run| overdue(run) && run.limit == TimeLimit::Platform && run.lateness != Some(Lateness::Clear))
    }

    /// Why it may be the sandbox's doing, and not the scenario's, that a hook does something else: without the variables
    /// that name folders it has looked for one itself, as the system tells it, and found one that is not of the run.
    fn kept_from_writing(&self, requirement: &Requirement) -> Option<String> {
        let environment = &self.case.scenario.environment;
        if !environment.bare && environment.unset.is_empty() {
            return None;
        }
        let reports = self.runs.iter().filter_map(|run| run.observation.sandbox.as_ref());
        // A write to a copy is no obstacle; that there was one is not held against the hook here either.
        let of_attempts = requirement.judge == "writes-outside";
        let refused = |attempt: &&Attempt| {
            let kept = attempt.outcome == AttemptOutcome::Refused
                || (of_attempts && attempt.outcome == AttemptOutcome::Copied);
            attempt.kind == AttemptKind::Write && kept
        };
        let attempt = reports.flat_map(|report| &report.attempts).find(refused)?;
        Some(format!(
            "where no variable names a folder the hook writes to one that the system names, and the sandbox keeps it from \
             that ({}); `--sandbox off` tells what comes of it",
            attempt.target
        ))
    }

    /// Why the circumstances are not what the scenario says: a limit, or a refusal, that the system does not hold the hook
    /// to, or a clock that is right.
    fn not_limited(&self) -> Option<String> {
        if self.case.scenario.clock.is_some() {
            let clocks =
                self.runs.iter().map(|run| run.observation.watch.as_ref().and_then(|watch| watch.clock.as_ref()));
            if let Some(because) = clocks.filter_map(unmoved).next() {
                return Some(format!("the clock is not moved, because {because}"));
            }
        }
        let streams = self.runs.iter().flat_map(|run| [&run.observation.stdout, &run.observation.stderr]);
        for stream in streams {
            if let Some(FullDevice::NotPossible { because }) = &stream.full {
                return Some(format!("a stream without room cannot be had here, because {because}"));
            }
        }
        let reports = self.runs.iter().filter_map(|run| run.observation.sandbox.as_ref());
        let because = reports.filter_map(|report| match &report.refusals {
            Containment::NotEnforced { because } => Some(because),
            Containment::Enforced { .. } | Containment::NotAsked => None,
        });
        if let Some(because) = because.into_iter().next() {
            return Some(format!("that folders take nothing is not enforced, because {because}"));
        }
        self.runs.iter().flat_map(|run| &run.observation.limits).find_map(|report| match &report.enforcement {
            Enforcement::NotEnforced { because } => {
                let value = quantity::shown(report.limit, report.value);
                Some(format!("the limit `{}` of {value} is not enforced, because {because}", report.limit))
            }
            Enforcement::Enforced { .. } => None,
        })
    }

    /// Whether a platform that keeps its contract can bring the circumstances about.
    fn is_sound(&self) -> bool {
        self.case.scenario.sound
    }
}

/// Why a clock tells the system's time to somebody.
fn unmoved(report: Option<&ClockReport>) -> Option<String> {
    match report {
        None => Some("nobody watched the hook".to_owned()),
        Some(ClockReport::NotMoved { because }) => Some(because.clone()),
        Some(ClockReport::Moved { gaps, .. }) => (!gaps.is_empty()).then(|| gaps.join("; ")),
    }
}

/// Bytes kept of a stream in a finding.
const SHOWN: usize = 2000;

/// The facts of a run that prove a finding, one line each.
pub(crate) fn evidence(run: &Run) -> Vec<String> {
    let observation = &run.observation;
    let mut lines = vec![format!("{}, after {} ms", ending(run), observation.wall.as_millis())];
    for (name, capture) in [("stdout", &observation.stdout), ("stderr", &observation.stderr)] {
        if capture.total == 0 {
            lines.push(format!("{name}: empty"));
            continue;
        }
        let text = String::from_utf8_lossy(&capture.bytes[..capture.bytes.len().min(SHOWN)]).into_owned();
        lines.push(format!("{name}: {} bytes", capture.total));
        lines.extend(text.lines().take(12).map(|line| format!("  {line}")));
    }
    lines
}

/// How a run ended, in words.
pub(crate) fn ending(run: &Run) -> String {
    in_words(&run.observation.ending)
}

fn in_words(ending: &hookproof_harness::Ending) -> String {
    use hookproof_harness::Ending;
    match ending {
        Ending::Exited { code } => format!("exit code {code}"),
        Ending::Signaled { signal, .. } => format!("killed by signal {signal}"),
        Ending::Crashed { status } => format!("crashed with status {status:#010x}"),
        Ending::TimedOut { after, .. } => format!("still running after {:.1} s, and killed", after.as_secs_f64()),
        Ending::LimitHit { limit, proof, seen } => format!("{} at the limit `{limit}` ({proof})", in_words(seen)),
        Ending::NotStarted { error } => format!("not started: {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Judgement, Level, SAME_DEFECT, Verdict, share_causes};
    use crate::requirement::Catalogue;

    fn broken(requirement: &str, cause: &str) -> Judgement {
        let finding = Finding { cause: Some(cause.to_owned()), ..Finding::default() };
        Judgement { requirement: requirement.to_owned(), level: Level::Must, verdict: Verdict::Fail(finding) }
    }

    fn causes(judgements: &[Judgement]) -> Vec<Option<String>> {
        judgements
            .iter()
            .map(|one| match &one.verdict {
                Verdict::Fail(finding) => finding.cause.clone(),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_is_one_defect_has_one_cause() {
        for (first, second) in SAME_DEFECT {
            let mut both = [broken(second, "b"), broken("stream.two-documents", "c"), broken(first, "a")];
            share_causes(&mut both);
            assert_eq!(causes(&both), ["a", "c", "a"].map(|cause| Some(cause.to_owned())));
            let passed = Judgement { verdict: Verdict::Pass, ..broken(first, "a") };
            let mut one = [passed, broken(second, "b")];
            share_causes(&mut one);
            assert_eq!(causes(&one), [None, Some("b".to_owned())]);
        }
    }

    #[test]
    fn the_rules_of_one_defect_exist() {
        let catalogue = Catalogue::built_in().unwrap();
        for id in SAME_DEFECT.iter().flat_map(|(first, second)| [first, second]) {
            assert!(catalogue.get(id).is_some(), "{id}");
        }
    }
}
