//! Small made-up events for the tests of reporters.

use std::collections::BTreeMap;
use std::time::Duration;

use hookproof_harness::{Capture, Chunk, Ending, Leaks, Mechanism, Observation, StdinReport};

use super::{CaseFinished, ReportEvent, ReportedRun, RunStarted, SubjectInfo, Tally};
use crate::activity::PayloadKind;
use crate::contract::{Action, AnswerClass, Evidence};
use crate::judge::{Finding, Judgement, Verdict};
use crate::oracle::{Effect, HookStatus};
use crate::plan::CaseId;
use crate::report::Rules;
use crate::requirement::{Level, Requirement};

pub(crate) const NOISE: &str = "stream.noise-before-json";
pub(crate) const CONTEXT: &str = "stream.context-limit";
pub(crate) const REASON: &str = "schema.deny-reason";
pub(crate) const HELD: &str = "timing.stdin-held-open";

pub(crate) fn started(cases: usize) -> RunStarted {
    RunStarted {
        hookproof: "0.1.0".to_owned(),
        subjects: vec![SubjectInfo {
            name: "guard.py".to_owned(),
            command: "python3 guard.py".to_owned(),
            place: None,
        }],
        platform: "claude-code".to_owned(),
        platform_title: "Claude Code".to_owned(),
        version: "2.1.329".to_owned(),
        level: Level::Should,
        cases,
        jobs: 2,
        launchers: Vec::new(),
        not_copied: Vec::new(),
    }
}

pub(crate) fn run(stdout: &[u8], stderr: &[u8]) -> ReportedRun {
    let capture = |bytes: &[u8]| Capture {
        bytes: bytes.to_vec(),
        total: bytes.len() as u64,
        chunks: vec![Chunk { at: Duration::from_micros(1500), len: bytes.len() }],
        eof: Some(Duration::from_millis(2)),
        closed_by_us: None,
        full: None,
    };
    ReportedRun {
        observation: Observation {
            ending: Ending::Exited { code: 0 },
            stdout: capture(stdout),
            stderr: capture(stderr),
            stdin: StdinReport { planned: 10, written: 10, refused: false },
            wall: Duration::from_micros(12_345),
            cpu_user: Some(Duration::from_millis(3)),
            cpu_system: None,
            peak_memory: Some(1 << 20),
            leaks: Leaks::default(),
            mechanism: Mechanism {
                name: "posix".to_owned(),
                gaps: vec!["peak memory is not known".to_owned()],
                instead: None,
                blind: false,
            },
            limits: Vec::new(),
            watch: None,
            sandbox: None,
        },
        effect: Effect {
            action: Action::Proceeds,
            turn_ended: false,
            decision: None,
            question: None,
            hook_status: HookStatus::Ok,
            read_as: AnswerClass::Text,
            reason: None,
            model_sees: vec!["Loading rules...".to_owned()],
            user_sees: Vec::new(),
            updated_input: Some(serde_json::json!({"z": 1, "a": [1.5, null, -3, u64::MAX]})),
            result: None,
            problems: Vec::new(),
            evidence: Evidence::Measured,
        },
        step: None,
        further: 0,
    }
}

pub(crate) fn id(subject: &str, event: &str, payload: &str, scenario: &str) -> CaseId {
    CaseId {
        subject: subject.to_owned(),
        platform: "claude-code".to_owned(),
        version: "2.1.329".to_owned(),
        event: event.to_owned(),
        payload: payload.to_owned(),
        scenario: scenario.to_owned(),
    }
}

pub(crate) fn case(event: &str, payload: &str, scenario: &str, judgements: Vec<Judgement>) -> CaseFinished {
    CaseFinished {
        case: id("guard.py", event, payload, scenario),
        judgements,
        runs: vec![run(b"Loading rules...\n{}", b"")],
        wall: Duration::from_millis(15),
        harmful: false,
        kind: Some(PayloadKind::Harmless),
        unless_stopped: None,
    }
}

pub(crate) fn judgement(requirement: &str, level: Level, verdict: Verdict) -> Judgement {
    Judgement { requirement: requirement.to_owned(), level, verdict }
}

pub(crate) fn pass(requirement: &str) -> Judgement {
    judgement(requirement, Level::Must, Verdict::Pass)
}

pub(crate) fn skip(requirement: &str, reason: &str) -> Judgement {
    judgement(requirement, Level::Must, Verdict::Skip { reason: reason.to_owned() })
}

pub(crate) fn broken(message: &str) -> Judgement {
    judgement(NOISE, Level::Must, Verdict::HarnessError { message: message.to_owned() })
}

pub(crate) fn finding(observed: &str, consequence: &str, evidence: &[&str]) -> Finding {
    Finding {
        observed: observed.to_owned(),
        consequence: consequence.to_owned(),
        evidence: evidence.iter().map(|&line| line.to_owned()).collect(),
        ..Finding::default()
    }
}

pub(crate) fn noise() -> Judgement {
    let finding = finding(
        "something stands before the JSON document on stdout",
        "the tool call goes ahead; the deny is lost",
        &[
            "1 | Loading rules...",
            "  | ^^^^^^^^^^^^^^^^ this line makes Claude Code read everything as plain text",
            "2 | {\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",...",
        ],
    );
    judgement(NOISE, Level::Must, Verdict::Fail(finding))
}

pub(crate) fn long() -> Judgement {
    let finding = finding("12,000 characters are for the model", "the rest is cut off", &["stdout: 12,000 characters"]);
    judgement(CONTEXT, Level::Should, Verdict::Fail(finding))
}

pub(crate) fn bare_deny() -> Judgement {
    let finding = finding("a deny gives no reason", "the model guesses why", &[]);
    judgement(REASON, Level::May, Verdict::Fail(finding))
}

pub(crate) fn held() -> Judgement {
    let finding = finding("the hook waits for the end of stdin", "it may be killed after 60 s", &["no end after 5 s"]);
    judgement(HELD, Level::Must, Verdict::Note(finding))
}

/// A run with findings of each kind.
pub(crate) fn failing_run() -> Vec<ReportEvent> {
    let cases = vec![
        case("PreToolUse", "bash-rm-rf-root", "baseline", vec![noise(), long(), pass(REASON)]),
        case("PreToolUse", "typical", "baseline", vec![noise(), bare_deny()]),
        case("Stop", "typical", "baseline", vec![pass(NOISE), skip(CONTEXT, "the event takes no answer")]),
        case("PreToolUse", "typical", "stdin-held-open", vec![pass(NOISE), held()]),
        case("Stop", "typical", "stdin-held-open", vec![skip(HELD, "the event takes no answer")]),
    ];
    run_of(cases)
}

/// A whole run of these cases.
pub(crate) fn run_of(cases: Vec<CaseFinished>) -> Vec<ReportEvent> {
    let started = started(cases.len());
    let mut tally = Tally::new(started.cases);
    cases.iter().for_each(|case| tally.add(case));
    tally.finish(Duration::from_millis(2500), false);
    let mut events = vec![ReportEvent::RunStarted(started)];
    events.extend(cases.into_iter().map(|case| ReportEvent::CaseFinished(Box::new(case))));
    events.push(ReportEvent::RunFinished(tally.summary()));
    events
}

/// A catalogue of the requirements above.
pub(crate) struct Catalogue(BTreeMap<&'static str, Requirement>);

impl Rules for Catalogue {
    fn rule(&self, id: &str) -> Option<&Requirement> {
        self.0.get(id)
    }
}

pub(crate) fn catalogue() -> Catalogue {
    let rule = |id: &'static str, level, title: &str, mend: &str| {
        let requirement = Requirement {
            budget: BTreeMap::new(),
            repeat: false,
            id: id.to_owned(),
            level,
            title: title.to_owned(),
            rule: "A rule.".to_owned(),
            why: "A reason.".to_owned(),
            mend: mend.to_owned(),
            example: None,
            judge: "x".to_owned(),
            scenarios: Vec::new(),
            steps: Vec::new(),
            labels: Vec::new(),
            platforms: Vec::new(),
            events: Vec::new(),
            evidence: Evidence::Measured,
            source: Vec::new(),
            since: "0.1.0".to_owned(),
        };
        (id, requirement)
    };
    Catalogue(BTreeMap::from([
        rule(
            NOISE,
            Level::Must,
            "nothing before the JSON document",
            "print nothing but one JSON document on stdout; send logs to stderr",
        ),
        rule(CONTEXT, Level::Should, "texts stay below the limit", "say less,\n  or write a file and name it"),
        rule(REASON, Level::May, "a deny says why", "give `permissionDecisionReason`"),
    ]))
}
