//! Scenarios: the circumstances of a run, as data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use hookproof_harness::{Limit, Limits};
use serde::{Deserialize, Deserializer, Serialize};

use super::clock::WrongClock;
use super::document::{Edit, Spelling, StdinSpec};
use super::doubt::DoubtSpec;
use super::pad::PadSpec;
use super::step::Step;
use super::trouble::{HelperSpec, ReaderSpec, RefuseSpec, ServiceFault};
use crate::contract::{Contract, Event};
use crate::embedded;
use crate::payload::Payload;
use crate::quantity;

/// How the environment differs from the platform's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Nothing but what every process needs.
    #[serde(default)]
    pub bare: bool,
    /// Variables to set.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Variables that are not set, whoever would set them.
    #[serde(default)]
    pub unset: Vec<String>,
    /// Without the variables that say which agent is running.
    #[serde(default)]
    pub without_agent: bool,
    /// Text that shell start-up files print.
    pub startup_prints: Option<String>,
}

/// Where the process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folder {
    /// In the project.
    #[default]
    Project,
    /// In another folder.
    Elsewhere,
    /// In a project whose path holds spaces, quotes and letters outside ASCII.
    Odd,
}

/// How long the suite waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Patience {
    /// As long as the event's limit and the suite's own allow.
    #[default]
    Limit,
    /// A few times as long as the same document took at the baseline.
    Baseline,
}

/// The circumstances of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// Why it is run.
    pub why: String,
    /// Head of its column in the matrix, at most eight characters.
    pub column: String,
    /// Whether a platform that keeps its contract can bring it about.
    pub sound: bool,
    /// Labels of the payloads that it is run with; all payloads if empty. Payloads that are made from situations are only
    /// among them where the platform has none of its own for what guards object to, and where the hook objects to none of
    /// the platform's own (`run/telling.rs`).
    #[serde(default)]
    pub payloads: Vec<String>,
    /// Whether it proves nothing with other payloads; otherwise the first that is heard stands in for them.
    #[serde(default)]
    pub only_labelled: bool,
    /// Of each label one payload only: the first by name.
    #[serde(default)]
    pub one_each: bool,
    /// Platforms that it is run for; all if empty.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// How long the suite waits.
    #[serde(default)]
    pub patience: Patience,
    /// How the document is written.
    #[serde(default)]
    pub spelling: Spelling,
    /// What is dangerous in the document stands only where the platform never puts it: see
    /// [`Phantom`](crate::contract::Phantom). The first run has it nowhere, the second in all of these places; further
    /// ones tell them apart. Documents without such a place are left out.
    #[serde(default)]
    pub misplaced: bool,
    /// The names of the event and of the tool stand, besides, in fields of other platforms: in all of them at once, then
    /// in one each. See [`UnsentNames`](crate::contract::UnsentNames).
    #[serde(default)]
    pub misnamed: bool,
    /// How stdin is fed.
    #[serde(default)]
    pub stdin: StdinSpec,
    /// Edits of the document.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// Bytes in place of the document; `{event}` is replaced by the event's name.
    pub raw: Option<String>,
    /// How the environment differs.
    #[serde(default)]
    pub environment: EnvironmentSpec,
    /// Where the process starts.
    #[serde(default)]
    pub folder: Folder,
    /// How many runs.
    #[serde(default = "one")]
    pub runs: usize,
    /// Whether they are started together.
    #[serde(default)]
    pub at_once: bool,
    /// How often all of it is done at most: again where a requirement that says so would fail, so that a busy machine
    /// does not speak in the hook's name.
    #[serde(default = "one")]
    pub rounds: usize,
    /// Harmless text around texts that hooks read. Documents without such a text are left out.
    #[serde(default)]
    pub pad: Vec<PadSpec>,
    /// Lengths in bytes of the fields that edits fill, and of what surrounds texts, a run each; one length, that of the edit, if empty.
    #[serde(default)]
    pub sizes: Vec<usize>,
    /// Only at one event of a platform, because it takes long: the first at which something dangerous can happen, or
    /// else the first that the hook hears.
    #[serde(default)]
    pub one_event: bool,
    /// Whether what lies in the folders of the run is counted after every run.
    #[serde(default)]
    pub watch_state: bool,
    /// How many more runs are made in the same folders, where a requirement that wants more of them would fail.
    pub in_doubt: Option<DoubtSpec>,
    /// Whether every process that the hook creates is counted. It is traced for that, which a platform does not do, so that
    /// only the requirements that name the scenario are judged.
    #[serde(default)]
    pub count_processes: bool,
    /// Runs in the same folders, with something happening in between. Such a story is only told of a hook of which it is
    /// known what it does that is heavy: see [`Heavy`](crate::subject::Heavy).
    #[serde(default)]
    pub step: Vec<Step>,
    /// What the hook may use, by the names of [`Limit`]: numbers in the limit's own unit, or texts such as `512 MiB`.
    /// Where there is a limit, only the requirements that name the scenario are judged, and none where the system does
    /// not hold the hook to it.
    #[serde(default, deserialize_with = "limits")]
    pub limits: Limits,
    /// Folders that take nothing.
    #[serde(default)]
    pub refuse: RefuseSpec,
    /// Whether anybody reads what the hook writes.
    #[serde(default)]
    pub reader: ReaderSpec,
    /// What goes wrong with a program that the hook starts.
    pub helper: Option<HelperSpec>,
    /// How wrong the clock is.
    pub clock: Option<WrongClock>,
    /// What goes wrong with the local service that the hook talks to.
    pub worker: Option<ServiceFault>,
}

/// A value of a limit as a file may have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum LimitValue {
    Number(u64),
    Text(String),
}

fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limits, D::Error> {
    let values = BTreeMap::<Limit, LimitValue>::deserialize(deserializer)?;
    values.into_iter().try_fold(Limits::none(), |limits, (limit, value)| {
        let value = match value {
            LimitValue::Number(value) => value,
            LimitValue::Text(text) => quantity::parse(limit, &text).map_err(serde::de::Error::custom)?,
        };
        Ok(limits.with(limit, value))
    })
}

pub(super) fn one() -> usize {
    1
}

impl Scenario {
    /// Whether it is the baseline that others are compared with.
    pub fn is_baseline(&self) -> bool {
        self.id == "baseline"
    }

    /// Whether it is told in steps.
    pub fn is_story(&self) -> bool {
        !self.step.is_empty()
    }

    /// Whether a run mostly waits for its document, so that it takes time and no processor: for several times as long as
    /// a start takes.
    pub fn mostly_waits(&self) -> bool {
        self.stdin.pauses() >= std::time::Duration::from_millis(30)
    }

    /// Whether something is kept from the hook, or goes wrong around it, that only some requirements are about. What is
    /// traced gets no privileges by set-user-id programs, and can trace nobody.
    pub fn has_fault(&self) -> bool {
        self.count_processes
            || !self.limits.is_empty()
            || !self.refuse.is_nothing()
            || self.reader != ReaderSpec::default()
            || self.helper.is_some()
            || self.clock.is_some()
            || self.worker.is_some()
    }

    /// The payloads that it is run with, of those that the subject hears at this event: the ones with its labels, or
    /// the first one where a matcher left none of these.
    pub(super) fn choose<'a>(&self, contract: &Contract, event: &Event, heard: &[&'a Payload]) -> Vec<&'a Payload> {
        if !self.platforms.is_empty() && !self.platforms.contains(&contract.platform.id) {
            return Vec::new();
        }
        // Where a platform always starts hooks in the project, no other folder has to be coped with.
        if self.folder == Folder::Elsewhere && !contract.starts_elsewhere() {
            return Vec::new();
        }
        // What a user gives is run in all scenarios, but for those that take long and those that are about something else
        // than the document.
        let (own, heard): (Vec<&Payload>, Vec<&Payload>) = heard.iter().partition(|payload| payload.own.is_some());
        let usable = |payload: &&Payload| match self.misplaced || self.misnamed {
            true => payload.counts_as("dangerous"),
            false => !self.one_event && !self.is_story(),
        };
        let own = own.into_iter().filter(usable);
        if self.misplaced {
            let possible = |payload: &&Payload| !contract.phantoms_of(event, &payload.stdin).is_empty();
            return self.labelled(&heard).into_iter().chain(own).filter(possible).collect();
        }
        // Where no other platform knows the moment, no hook of another platform is moved to.
        if self.misnamed {
            let possible = |payload: &&Payload| {
                event.moment.is_some() && !contract.foreign_names(event, &payload.stdin).is_empty()
            };
            return self.labelled(&heard).into_iter().chain(own).filter(possible).collect();
        }
        let fits = |payload: &&Payload| self.pad.is_empty() || self.pad.iter().any(|pad| pad.fits(&payload.stdin));
        let heard: Vec<&Payload> = heard.into_iter().filter(fits).collect();
        let mut chosen = match self.labelled(&heard) {
            _ if self.payloads.is_empty() => heard,
            labelled if labelled.is_empty() && !self.only_labelled => heard.into_iter().take(1).collect(),
            labelled => labelled,
        };
        chosen.extend(own.filter(fits));
        chosen
    }

    fn labelled<'a>(&self, heard: &[&'a Payload]) -> Vec<&'a Payload> {
        let own: Vec<&Payload> = heard.iter().copied().filter(|payload| !payload.made).collect();
        let is_first = |label: &String, payload: &Payload| {
            own.iter().find(|other| other.is(label)).is_some_and(|first| first.name == payload.name)
        };
        let wanted = |payload: &&Payload| {
            self.payloads.iter().any(|label| payload.is(label) && (!self.one_each || is_first(label, payload)))
        };
        let mut chosen: Vec<&Payload> = own.iter().copied().filter(wanted).collect();
        let asks = |label: &str| self.payloads.iter().any(|wanted| wanted == label);
        let guards = ["dangerous", "secret"];
        if guards.into_iter().any(asks) && !own.iter().any(|payload| guards.iter().any(|label| payload.is(label))) {
            // What is a question of policy is better than nothing for a hook that hears nothing worse.
            let labels = guards.into_iter().filter(|label| asks(label)).chain(["guarded"]);
            let made = |label: &str| heard.iter().copied().find(|payload| payload.made && payload.is(label));
            chosen.extend(labels.filter_map(made).next());
        }
        chosen
    }
}

/// A file that is no scenario.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the scenario {}: {message}", path.display())]
pub struct ScenarioError {
    path: PathBuf,
    message: String,
}

/// All scenarios.
#[derive(Debug, Clone)]
pub struct Scenarios(Vec<Scenario>);

impl Scenarios {
    /// The scenarios built into the suite; the baseline comes first.
    ///
    /// # Errors
    /// A built-in file that is no scenario is a defect of the suite; the error names it.
    pub fn built_in() -> Result<&'static Scenarios, ScenarioError> {
        static ALL: OnceLock<Scenarios> = OnceLock::new();
        if let Some(all) = ALL.get() {
            return Ok(all);
        }
        let mut list = Vec::new();
        for (path, text) in embedded::scenarios() {
            let fail = |message: String| ScenarioError { path: PathBuf::from(path), message };
            let scenario: Scenario = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
            if !path.ends_with(&format!("{}.toml", scenario.id)) {
                return Err(fail(format!("its id is {:?}, which is not its file name", scenario.id)));
            }
            list.push(scenario);
        }
        list.sort_by_key(|scenario| (!scenario.is_baseline(), scenario.id.clone()));
        Ok(ALL.get_or_init(|| Scenarios(list)))
    }

    /// All of them, the baseline first.
    pub fn iter(&self) -> impl Iterator<Item = &Scenario> {
        self.0.iter()
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Scenario> {
        self.0.iter().find(|scenario| scenario.id == id)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn with_limits(lines: &str) -> Result<Scenario, toml::de::Error> {
        let head = "id = \"x\"\ntitle = \"x\"\nwhy = \"x\"\ncolumn = \"x\"\nsound = false\n[limits]\n";
        toml::from_str(&format!("{head}{lines}"))
    }

    #[test]
    fn limits_are_numbers_or_texts_with_units() {
        let text = "address-space = \"1 GiB\"\ndata = \"64M\"\ncpu = \"2 s\"\nopen-files = 64\nprocesses = \"32\"\nfile-size = 4096\nmemory = \"512 MiB\"";
        let limits = with_limits(text).expect("limits").limits;
        let listed: Vec<_> = limits.iter().collect();
        assert_eq!(
            listed,
            [
                (Limit::AddressSpace, 1 << 30),
                (Limit::Data, 64 << 20),
                (Limit::Cpu, 2),
                (Limit::OpenFiles, 64),
                (Limit::FileSize, 4096),
                (Limit::Processes, 32),
                (Limit::Memory, 512 << 20),
            ]
        );
    }

    #[rstest]
    #[case("memory = \"512\"", "failed to read \"512\" as a size")]
    #[case("open-files = \"64 MiB\"", "failed to read \"64 MiB\" as a number")]
    #[case("descriptors = 64", "unknown variant")]
    #[case("memory = 1.5", "data did not match")]
    fn limits_that_are_none_are_refused(#[case] line: &str, #[case] told: &str) {
        let error = with_limits(line).expect_err("is none").to_string();
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn stored_limits_are_read_again() {
        for scenario in Scenarios::built_in().expect("scenarios").iter() {
            let text = serde_json::to_string(scenario).expect("writes");
            assert_eq!(serde_json::from_str::<Scenario>(&text).expect("reads").limits, scenario.limits);
        }
    }
}
