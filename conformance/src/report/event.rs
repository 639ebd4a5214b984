//! The one stream of events that all reporters consume.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hookproof_harness::{Containment, Observation, SandboxReport};
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::activity::{Activity, PayloadKind};
use crate::judge::Judgement;
use crate::oracle::Effect;
use crate::plan::CaseId;
use crate::requirement::Level;
use crate::run::{Launcher, NotCopied, StepRun};

/// Something that a reporter may want to tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ReportEvent {
    /// A run begins.
    RunStarted(RunStarted),
    /// A case is finished.
    CaseFinished(Box<CaseFinished>),
    /// The run is over.
    RunFinished(Summary),
}

/// How deep a line of a report may be nested: the deepest document that a hook's answer may be (128), and what the
/// report puts around it.
const DEEPEST: usize = 160;

impl ReportEvent {
    /// Reads a line of a JSON report. Unlike plain `serde_json::from_str` it also takes the lines that quote the most
    /// deeply nested answers a hook can give.
    ///
    /// # Errors
    /// Says where the line is no event, or that it is nested more deeply than any event.
    pub fn from_line(line: &str) -> Result<ReportEvent, serde_json::Error> {
        if depth(line) > DEEPEST {
            return Err(serde_json::Error::custom(format!("a line nested more than {DEEPEST} deep is no event")));
        }
        let mut deserializer = serde_json::Deserializer::from_str(line);
        deserializer.disable_recursion_limit();
        let event = ReportEvent::deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(event)
    }
}

/// The deepest nesting of brackets outside of strings.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// A run begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunStarted {
    /// Version of hookproof.
    pub hookproof: String,
    /// The hooks under check, in short and in full.
    pub subjects: Vec<SubjectInfo>,
    /// The platform's id.
    pub platform: String,
    /// The platform's name for people; the id where it is empty.
    #[serde(default)]
    pub platform_title: String,
    /// The version that is judged by.
    pub version: String,
    /// The level from which a finding fails the run.
    pub level: Level,
    /// Cases to come.
    pub cases: usize,
    /// Cases run at the same time.
    pub jobs: usize,
    /// Launcher scripts that the hooks name as their interpreters, and what is run in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launchers: Vec<Launcher>,
    /// What the copies of projects that hooks are run in do not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_copied: Vec<NotCopied>,
}

/// A hook under check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectInfo {
    /// Its name in case ids.
    pub name: String,
    /// Its command line, as a person would type it.
    pub command: String,
    /// The place of its configuration (`file:line:column`), if it has one.
    pub place: Option<String>,
}

/// A case is finished.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseFinished {
    /// Its name.
    pub case: CaseId,
    /// What every requirement says that applies.
    pub judgements: Vec<Judgement>,
    /// What was observed: one for most cases, several where a case needs several runs.
    pub runs: Vec<ReportedRun>,
    /// Wall time of the whole case.
    pub wall: Duration,
    /// Whether the payload is dangerous, or has a secret, and a run of the case did not stop it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harmful: bool,
    /// The kind of its payload; `None` where nothing was run, or all payloads of an event are judged together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PayloadKind>,
    /// What happens if nothing stops the agent, as far as the payload says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless_stopped: Option<String>,
}

/// One run of a case. Its JSON has another key, `text`, with the beginning of both streams as text: for the eyes of
/// those who read or search a report; the bytes in `observation` are what counts, and `text` is not read back.
#[derive(Debug, Clone, Deserialize)]
pub struct ReportedRun {
    /// The facts.
    pub observation: Observation,
    /// What the platform would do.
    pub effect: Effect,
    /// What is known of it because it was part of a story.
    #[serde(default)]
    pub step: Option<StepRun>,
    /// How many runs were made after it in the same folders, of which nothing else is told.
    #[serde(default)]
    pub further: usize,
}

impl Serialize for ReportedRun {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut run = serializer.serialize_struct("ReportedRun", 5)?;
        run.serialize_field("observation", &self.observation)?;
        run.serialize_field("effect", &self.effect)?;
        match &self.step {
            Some(step) => run.serialize_field("step", step)?,
            None => run.skip_field("step")?,
        }
        match self.further {
            0 => run.skip_field("further")?,
            further => run.serialize_field("further", &further)?,
        }
        let Observation { stdout, stderr, .. } = &self.observation;
        run.serialize_field("text", &Texts { stdout: readable(&stdout.bytes), stderr: readable(&stderr.bytes) })?;
        run.end()
    }
}

/// The beginnings of both streams.
#[derive(Serialize)]
struct Texts {
    stdout: String,
    stderr: String,
}

/// The first 4096 bytes as text, with an ellipsis where there is more.
fn readable(bytes: &[u8]) -> String {
    const MOST: usize = 4096;
    if bytes.len() <= MOST {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    // A character must not be cut in two: in UTF-8, one takes at most four bytes.
    let continues = |at: &usize| bytes[*at] & 0b1100_0000 == 0b1000_0000;
    let end = (MOST - 3..=MOST).rev().find(|at| !continues(at)).unwrap_or(MOST);
    format!("{}…", String::from_utf8_lossy(&bytes[..end]))
}

/// The run is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Cases finished.
    pub cases: usize,
    /// Cases planned.
    pub planned: usize,
    /// Processes started.
    pub spawns: usize,
    /// Requirements that held, counted by case.
    pub passed: usize,
    /// Broken MUSTs, counted by case.
    pub must: usize,
    /// Broken SHOULDs, counted by case.
    pub should: usize,
    /// Broken MAYs, counted by case.
    pub may: usize,
    /// Doubts, counted by case.
    pub notes: usize,
    /// Doubts that are none about the hook, because the sandbox refused something to a run, by level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sandbox_doubts: BTreeMap<Level, usize>,
    /// Skipped judgements, counted by case.
    pub skipped: usize,
    /// Failures of the harness itself.
    pub harness_errors: usize,
    /// Wall time of the run.
    pub wall: Duration,
    /// Whether the run was interrupted before all cases were finished.
    pub interrupted: bool,
    /// By which mechanism hooks were started and why it was not the best that this system has, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// What held the hooks; `None` if nothing did, or no hook was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confined: Option<Confined>,
    /// What the hooks did at the baseline, counted by hook, event and kind of payload.
    #[serde(default)]
    pub activity: Activity,
    /// Cases that were not run because earlier ones showed that they would tell nothing new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_short: Vec<CutShort>,
}

/// A hook that was not run to the end of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutShort {
    /// The hook.
    pub subject: String,
    /// The event, if the hook was cut short at this event only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Why.
    pub because: CutShortBecause,
    /// Cases that were not run.
    pub cases: usize,
}

/// Why a hook was not run to the end of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutShortBecause {
    /// It cannot be started.
    NotStarted,
    /// It reached its time limit at the baseline, and again in two more tries.
    TimeLimit,
    /// It failed at every payload of the event.
    AlwaysFails,
    /// A finding was made, and the user wants no more than one.
    FailFast,
}

impl fmt::Display for CutShortBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CutShortBecause::NotStarted => "it does not start",
            CutShortBecause::TimeLimit => "it reached its time limit three times",
            CutShortBecause::FailFast => "the check ends at its first finding",
            CutShortBecause::AlwaysFails => "it fails at every payload",
        })
    }
}

/// What held the hooks in all runs: the worst of what single runs report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// Writing only to the folders of the run.
    pub files: Containment,
    /// Reaching this machine only.
    pub network: Containment,
    /// What passes nevertheless, in sentences.
    pub gaps: Vec<String>,
    /// What passes on this system and not on a newer one, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl Confined {
    /// What a run reports.
    pub(crate) fn of(report: &SandboxReport) -> Self {
        let SandboxReport { files, network, gaps, missing, .. } = report.clone();
        Confined { files, network, gaps, missing }
    }

    /// The worse of both.
    pub(crate) fn and(&mut self, report: &SandboxReport) {
        for (own, other) in [(&mut self.files, &report.files), (&mut self.network, &report.network)] {
            if matches!(other, Containment::NotEnforced { .. }) && !matches!(own, Containment::NotEnforced { .. }) {
                *own = other.clone();
            }
        }
        for (own, other) in [(&mut self.gaps, &report.gaps), (&mut self.missing, &report.missing)] {
            let new: Vec<String> = other.iter().filter(|text| !own.contains(text)).cloned().collect();
            own.extend(new);
        }
    }
}
