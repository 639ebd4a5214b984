//! What real platforms were seen to do with a hook's output, row by row, against what the oracle says.
//!
//! One trial a row, `PLATFORM::VERSION::EVENT::CASE`, so that `cargo test --test recorded -- Stop` picks an event. Rows
//! that show nothing which could be compared are ignored. A last trial keeps the statistic: all recorded rows agree, and
//! there are as many as were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookproof::contract::{Contract, Library};
use hookproof::oracle::{Effect, Ended, Facts, interpret};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

/// Recorded files, with how many of their rows show something that can be compared, and how many there are. A file that
/// loses some of them is a defect.
const RECORDED: &[(&str, usize, usize)] = &[
    ("claude-code-2.1.197.jsonl", 159, 159),
    ("claude-code-2.1.329.jsonl", 564, 658),
    ("codex-0.169.0.jsonl", 241, 241),
    ("gemini-cli-0.61.0.jsonl", 74, 74),
    ("qwen-code-0.24.4.jsonl", 17, 17),
];
/// Hand-written rows have files that begin so.
const BY_HAND: &str = "edge-";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let rows = rows();
    let contracts = Arc::new(contracts(&rows));
    let rows: Arc<[Row]> = rows.into();
    let mut trials: Vec<Trial> = (0..rows.len())
        .map(|index| {
            let (rows, contracts) = (Arc::clone(&rows), Arc::clone(&contracts));
            let (name, shows) = (rows[index].trial_name(), rows[index].shows_something());
            // A row without anything to compare agrees with everything, and must not count as a row that agrees.
            Trial::test(name, move || rows[index].agrees(&contracts).map_err(Failed::from)).with_ignored_flag(!shows)
        })
        .collect();
    trials.push(Trial::test("statistic::the-rows-are-sound", {
        let rows = Arc::clone(&rows);
        move || sound(&rows).map_err(Failed::from)
    }));
    trials.push(Trial::test("statistic::all-recorded-rows-agree", move || {
        share(&rows, &contracts).map_err(Failed::from)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The contract of every platform and version that a row is about.
type Contracts = BTreeMap<String, Contract>;

/// One row of `fixtures/behaviour`. The format is described in `fixtures/README.md`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    platform: String,
    version: String,
    event: String,
    hook: Hook,
    tool: Option<String>,
    #[serde(default)]
    handler: BTreeMap<String, String>,
    texts: Vec<String>,
    observed: Observed,
    source: Option<String>,
    /// The file that the row stands in.
    #[serde(skip)]
    file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hook {
    exit: Option<i32>,
    signal: Option<i32>,
    #[serde(default)]
    timed_out: bool,
    stdout: Option<String>,
    stdout_base64: Option<String>,
    #[serde(default)]
    stderr: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    action: Option<String>,
    model_saw: Vec<String>,
    user_saw: Vec<String>,
    turn_ended: Option<bool>,
    /// The platform's own record of the run, kept as it was; it is not compared.
    #[serde(rename = "status")]
    _status: Option<String>,
    #[serde(rename = "entries")]
    _entries: Option<serde_json::Value>,
}

impl Row {
    fn platform_at_version(&self) -> String {
        format!("{}@{}", self.platform, self.version)
    }

    /// `PLATFORM::VERSION::EVENT::CASE`; the case is the last part of the id, without its version.
    fn trial_name(&self) -> String {
        let case = self.id.rsplit('/').next().unwrap_or(&self.id);
        let case = case.strip_suffix(&format!("@{}", self.version)).unwrap_or(case);
        [&self.platform, &self.version, &self.event, case].join("::")
    }

    fn is_by_hand(&self) -> bool {
        self.file.starts_with(BY_HAND)
    }

    /// Whether there is anything in it that the oracle could get wrong.
    fn shows_something(&self) -> bool {
        self.observed.action.is_some() || self.observed.turn_ended.is_some() || !self.texts.is_empty()
    }

    fn ended(&self) -> Result<Ended, String> {
        match (self.hook.timed_out, self.hook.signal, self.hook.exit) {
            (true, None, None) => Ok(Ended::TimedOut),
            (false, Some(signal), None) => Ok(Ended::Signal(signal)),
            (false, None, Some(code)) => Ok(Ended::Exit(code)),
            _ => Err("the row must have exactly one of exit, signal and timed_out".to_owned()),
        }
    }

    fn stdout(&self) -> Result<Vec<u8>, String> {
        match (&self.hook.stdout, &self.hook.stdout_base64) {
            (Some(text), None) => Ok(text.clone().into_bytes()),
            (None, Some(encoded)) => STANDARD.decode(encoded).map_err(|error| format!("stdout_base64: {error}")),
            _ => Err("the row must have exactly one of stdout and stdout_base64".to_owned()),
        }
    }

    fn effect(&self, contracts: &Contracts) -> Result<Effect, String> {
        let contract = contracts
            .get(&self.platform_at_version())
            .ok_or_else(|| format!("there is no contract for {}", self.platform_at_version()))?;
        let event = contract.events.get(&self.event).ok_or_else(|| format!("there is no event {}", self.event))?;
        let stdout = self.stdout()?;
        let mut facts = Facts::new(self.ended()?, &stdout, self.hook.stderr.as_bytes());
        facts.tool = self.tool.as_deref();
        facts.handler.clone_from(&self.handler);
        Ok(interpret(contract, event, &facts))
    }

    /// Says every point on which the oracle and the platform disagree.
    fn agrees(&self, contracts: &Contracts) -> Result<(), String> {
        let effect = self.effect(contracts)?;
        let mut faults = Vec::new();
        if let Some(action) = &self.observed.action
            && *action != effect.action.to_string()
        {
            faults.push(format!("action: the platform {action}, the oracle {}", effect.action));
        }
        if let Some(ended) = self.observed.turn_ended
            && ended != effect.turn_ended
        {
            faults.push(format!("turn_ended: the platform {ended}, the oracle {}", effect.turn_ended));
        }
        for text in &self.texts {
            let really = self.observed.model_saw.contains(text);
            let said = effect.model_sees.iter().any(|seen| seen.contains(text));
            if really != said {
                let which = if really { "reached the model" } else { "did not reach the model" };
                let shown: String = text.chars().take(120).collect();
                faults.push(format!("{shown:?} {which}; the oracle says otherwise: {:?}", cut(&effect.model_sees)));
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        let source = self.source.as_ref().map(|source| format!("\n  source: {source}")).unwrap_or_default();
        let stdout = String::from_utf8_lossy(&self.stdout()?).into_owned();
        Err(format!(
            "{} in {}\n  {}\n  ended: {:?}, stdout: {:?}, stderr: {:?}{source}",
            self.id,
            self.file,
            faults.join("\n  "),
            self.ended()?,
            stdout.chars().take(400).collect::<String>(),
            self.hook.stderr.chars().take(200).collect::<String>(),
        ))
    }
}

fn cut(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.chars().take(120).collect()).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/behaviour")
}

/// All rows of all files. A line that is no row ends the test program with its place, because no trial could be named
/// after it.
fn rows() -> Vec<Row> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("fixtures/behaviour can be listed")
        .map(|entry| entry.expect("fixtures/behaviour can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let mut rows = Vec::new();
    for path in files {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (index, line) in text.lines().enumerate() {
            let mut row: Row =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}:{}: {error}", index + 1));
            row.file.clone_from(&file);
            rows.push(row);
        }
    }
    rows
}

fn contracts(rows: &[Row]) -> Contracts {
    let library = Library::built_in().expect("the built-in contracts are sound");
    rows.iter()
        .map(Row::platform_at_version)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|name| Some((name.clone(), library.select(&name).ok()?)))
        .collect()
}

/// What a row must be for its trial to mean something.
fn sound(rows: &[Row]) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    for row in rows {
        let fail = |message: &str| Err(format!("{} in {}: {message}", row.id, row.file));
        if !ids.insert(&row.id) {
            return fail("the id stands twice");
        }
        if !row.id.starts_with(&format!("{}/{}/", row.platform, row.event)) {
            return fail("the id does not begin with its platform and event");
        }
        if row.is_by_hand() != row.source.is_some() {
            return fail("hand-written rows, and only they, name a source");
        }
        if !row.is_by_hand() && row.file != format!("{}-{}.jsonl", row.platform, row.version) {
            return fail("it stands in the file of another version");
        }
        if let Some(text) =
            row.observed.model_saw.iter().chain(&row.observed.user_saw).find(|text| !row.texts.contains(text))
        {
            return fail(&format!("{text:?} was seen, and is none of its texts"));
        }
    }
    Ok(())
}

/// The share of recorded rows that agree, of those that can disagree. It has to be all of them.
fn share(rows: &[Row], contracts: &Contracts) -> Result<(), String> {
    let mut lines = Vec::new();
    let mut whole = true;
    for (file, comparable, all) in RECORDED {
        let of_file: Vec<&Row> = rows.iter().filter(|row| row.file == *file).collect();
        let shown: Vec<&Row> = of_file.iter().copied().filter(|row| row.shows_something()).collect();
        let agreeing = shown.iter().filter(|row| row.agrees(contracts).is_ok()).count();
        whole &= agreeing == shown.len() && shown.len() >= *comparable && of_file.len() >= *all;
        lines.push(format!(
            "{file}: {agreeing} of {} rows agree; {comparable} of {all} recorded ones were comparable, {} are there",
            shown.len(),
            of_file.len()
        ));
    }
    let known = |row: &Row| RECORDED.iter().any(|(file, ..)| *file == row.file);
    let unlisted: BTreeSet<&str> =
        rows.iter().filter(|row| !row.is_by_hand() && !known(row)).map(|row| row.file.as_str()).collect();
    if !unlisted.is_empty() {
        whole = false;
        lines.push(format!("not listed among the recorded files: {unlisted:?}"));
    }
    if whole { Ok(()) } else { Err(lines.join("\n")) }
}
