//! `hookproof check`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use hookproof::contract::{Contract, Evidence, Library};
use hookproof::payload::Payloads;
use hookproof::plan::{Filter, Scenarios, left_out, plan};
use hookproof::report::{Reporter, Summary, visible};
use hookproof::requirement::{Catalogue, Level};
use hookproof::run::{
    CheckError, CheckOptions, Checker, Confinement, Interrupter, Launcher, Mode, Slots, launchers, path_through,
    start_through,
};
use hookproof::subject::{ConfigNotice, Origin, Subject};

use super::known::Known;
use super::{CliError, Exit, unknown};

mod across;
mod consent;
mod events;
mod heavy;
mod output;
mod own;
mod target;

use events::{Asked, guessed};
use output::Output;
pub(super) use target::here;
use target::{Found, Target};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["path", "reference", "hook"]))]
pub(crate) struct CheckArguments {
    /// Platform, with or without a version: claude-code, claude-code@2.1.197; several separated by commas, or all
    /// [default: the platforms whose files are found, else claude-code]
    #[arg(long)]
    platform: Option<String>,
    /// Only this event, also by another platform's name for it; can be repeated. `all`: every event
    /// [default: for a command, the events that it seems to be written for]
    #[arg(long)]
    event: Vec<String>,
    /// Only this scenario, besides the baseline; can be repeated
    #[arg(long)]
    scenario: Vec<String>,
    /// The lowest level that fails the check
    #[arg(long, value_enum, default_value_t = LevelName::Should)]
    level: LevelName,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the report to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Cases run at the same time, at least 1; the number of processors if not given
    #[arg(long, value_parser = at_least_one)]
    jobs: Option<NonZeroUsize>,
    /// Seconds after which the suite kills a hook, even if the platform would wait longer
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    deadline: Duration,
    /// Pass an environment variable to the hooks, or set one; can be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Whether to confine hooks to their scratch directories and to this machine (Linux)
    #[arg(long, value_enum, value_name = "MODE", default_value_t = SandboxName::Auto)]
    sandbox: SandboxName,
    /// Allow hooks to connect to any address
    #[arg(long)]
    allow_net: bool,
    /// Allow hooks to write to this file or directory; can be repeated
    #[arg(long, value_name = "PATH")]
    allow_write: Vec<PathBuf>,
    /// Stop at the first finding that fails the check
    #[arg(long)]
    fail_fast: bool,
    /// Check the configuration only, and run no hook
    #[arg(long)]
    no_run: bool,
    /// Run the hooks of a configuration without asking (also: set CI)
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    own: own::OwnArguments,
    #[command(flatten)]
    heavy: heavy::HeavyArguments,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Show every case, every finding with all places, and what was skipped
    #[arg(short, long)]
    verbose: bool,
    /// Show the matrix of events and scenarios
    #[arg(long)]
    matrix: bool,
    /// Check the bundled reference hook
    #[arg(long)]
    reference: bool,
    /// A script or program that is the hook, a settings file, a plugin, or a project [default: the current directory]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The hook's command and its arguments; `{event}` and `{platform}` are replaced
    #[arg(last = true, value_name = "CMD")]
    hook: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LevelName {
    Must,
    Should,
    May,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SandboxName {
    /// As far as the system allows; the report says what is confined
    Auto,
    /// Fail if hooks cannot be confined completely
    Strict,
    /// Hooks run with all your permissions
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Whether colours are wanted, on a terminal or elsewhere.
    pub(super) fn wanted(self, terminal: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }
}

pub(super) fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number, at least 1".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if number > 0.0 && number <= 86_400.0 {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("expected more than 0 and at most 86400 seconds".to_owned())
    }
}

pub(crate) fn run(arguments: &CheckArguments, known: &Known) -> Result<Exit, CliError> {
    let (target, run_as) = Target::of(arguments, known);
    let (contracts, found_here) = target.contracts(arguments.platform.as_deref(), known)?;
    // Wrong usage is told before anybody is asked for consent.
    let asked = Asked::of(&arguments.event, &contracts, &known.library)?;
    check_scenarios(arguments)?;
    confinement(arguments)?;
    for note in run_as.iter().chain(&found_here).chain(&asked.told) {
        tell(note);
    }
    let catalogue = Catalogue::built_in().map_err(CliError::harness)?;
    let mut payloads = known.payloads()?;
    let interrupter = Interrupter::default();
    watch_interrupts(&interrupter)?;
    let mut settings = heavy::Settings::find(&arguments.heavy, arguments.path.as_deref())?;
    let is_typed = !matches!(target, Target::Configuration(_));
    if is_typed && !settings.named && !consent::may_apply(arguments, &settings)? {
        settings = heavy::Settings::default();
    }
    let shown = settings.shown();
    let known_of_hook = heavy::known(&arguments.heavy, settings.file, &environment(&arguments.env)?)?;
    let cases = &known_of_hook.cases;
    own::add(&mut payloads, &arguments.own, cases, &contracts, &known.library, &asked.everywhere())?;
    let slots = (contracts.len() > 1).then(|| Slots::new(jobs(arguments)));
    let session = Session {
        arguments,
        library: &known.library,
        target,
        asked,
        catalogue,
        payloads: &payloads,
        interrupter,
        known_of_hook,
        settings: shown,
        slots,
    };
    let output = Output::of(arguments)?;
    if let [contract] = contracts.as_slice() {
        let found = session.find(contract)?;
        let mut reporter = output.reporter(arguments, catalogue);
        return match session.check(contract, found, &mut *reporter)? {
            Some(summary) => Ok(exit(&summary, session.level())),
            None if arguments.no_run => {
                writeln!(output.clone(), "no findings in the configuration; no hook was run")?;
                Ok(Exit::Conforms)
            }
            None => Err(CliError::Usage(
                "failed to find anything to check: no hook listens to the chosen events".to_owned(),
            )),
        };
    }
    let guesses = matches!(session.target, Target::Command(_)) && !session.asked.is_said();
    if guesses && !arguments.verbose {
        tell(
            "events: on each platform those that the hook seems to be written for (-v says which); --event all: every event",
        );
    }
    across::run(&session, &contracts, &output)
}

/// Says something about how the check is made, in one line.
fn tell(note: &str) {
    // Nothing is left to be told if stderr cannot be written.
    let _ = writeln!(io::stderr(), "hookproof: {}", visible(note));
}

/// How many cases run at the same time.
fn jobs(arguments: &CheckArguments) -> usize {
    let jobs = arguments.jobs.map_or_else(thread::available_parallelism, Ok);
    jobs.map_or(1, NonZeroUsize::get)
}

/// What all platforms of one check share.
struct Session<'a> {
    arguments: &'a CheckArguments,
    library: &'a Library,
    target: Target,
    asked: Asked,
    catalogue: &'static Catalogue,
    payloads: &'a Payloads,
    interrupter: Interrupter,
    known_of_hook: heavy::KnownOfHook,
    /// Shared by platforms that are checked at the same time.
    slots: Option<Slots>,
    /// What `hookproof.toml` does, for the question.
    settings: String,
}

impl Session<'_> {
    /// The names of the variables that the user gives the hooks.
    fn given(&self) -> BTreeSet<String> {
        self.known_of_hook.environment.keys().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn level(&self) -> Level {
        match self.arguments.level {
            LevelName::Must => Level::Must,
            LevelName::Should => Level::Should,
            LevelName::May => Level::May,
        }
    }

    /// The hooks for one platform, and what the configuration itself gives away.
    fn find(&self, contract: &Contract) -> Result<Found, CliError> {
        self.target.find(self.arguments, contract, &self.given(), &self.settings, self.asked.at(contract))
    }

    /// Checks the hooks against one contract; `None` if there is nothing to run.
    fn check(
        &self,
        contract: &Contract,
        found: Found,
        reporter: &mut dyn Reporter,
    ) -> Result<Option<Summary>, CliError> {
        let arguments = self.arguments;
        let scenarios = Scenarios::built_in().map_err(CliError::harness)?;
        let Found { mut subjects, mut notices } = found;
        for subject in &mut subjects {
            subject.heavy = subject.heavy.take().or_else(|| self.known_of_hook.heavy.clone());
            subject.worker = subject.worker.take().or_else(|| self.known_of_hook.worker.clone());
        }
        let mut environment = self.known_of_hook.environment.clone();
        let launchers = through_launchers(&mut subjects, &mut environment);
        let mut checker = Checker {
            contract,
            catalogue: self.catalogue,
            options: CheckOptions {
                slots: self.slots.clone(),
                jobs: jobs(arguments),
                patience: arguments.deadline,
                level: self.level(),
                fail_fast: arguments.fail_fast,
                environment,
                launchers,
                confinement: confinement(arguments)?,
                left_out: Vec::new(),
            },
            interrupter: self.interrupter.clone(),
        };
        let filter =
            Filter { events: self.events(contract, &subjects, &checker)?, scenarios: arguments.scenario.clone() };
        let cases = plan(contract, &subjects, self.payloads, scenarios, &filter);
        let unheard = |subject: &&Subject| !cases.iter().any(|case| case.id.subject == subject.name);
        let chosen = |subject: &&Subject| {
            subject.event.as_ref().is_none_or(|event| filter.events.is_empty() || filter.events.contains(event))
        };
        notices.extend(subjects.iter().filter(chosen).filter(unheard).filter_map(not_run));
        if !(subjects.is_empty() && notices.is_empty()) {
            notices.extend(own::not_run(contract, self.payloads, &cases));
        }
        if cases.is_empty() && notices.is_empty() {
            return Ok(None);
        }
        checker.options.left_out = left_out(contract, &subjects, self.payloads, &filter);
        let summary =
            checker.check(&subjects, &notices, &cases, |event| reporter.on(event)).map_err(|error| match error {
                CheckError::Report(error) => CliError::Output(error),
                other => CliError::harness(other),
            })?;
        Ok(Some(summary))
    }

    /// The events at which the hooks are checked; empty for all of the platform.
    fn events(
        &self,
        contract: &Contract,
        subjects: &[Subject],
        checker: &Checker<'_>,
    ) -> Result<Vec<String>, CliError> {
        if self.asked.is_said() {
            return Ok(self.asked.at(contract).map(<[String]>::to_vec).unwrap_or_default());
        }
        let [subject] = subjects else { return Ok(Vec::new()) };
        if subject.origin != Origin::Command {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        if let Some((guessed, told)) = guessed(contract, self.library, self.payloads, subject, checker)? {
            // Of many platforms a line each would be more than the report.
            if self.slots.is_none() {
                tell(&told);
            } else if self.arguments.verbose {
                tell(&format!("{}: {told}", contract.platform.id));
            }
            events = guessed;
        }
        // A payload that somebody brings along says of itself which event it is for.
        let own = self.payloads.all().iter().filter(|payload| payload.own.is_some());
        let own = own.filter(|payload| payload.platform == contract.platform.id).map(|payload| payload.event.clone());
        let new: Vec<String> = own.filter(|event| !events.is_empty() && !events.contains(event)).collect();
        events.extend(new);
        events.dedup();
        Ok(events)
    }
}

/// Has the hooks run by the interpreters that launcher scripts start, and says which. A `PATH` that was asked for stays.
fn through_launchers(subjects: &mut [Subject], environment: &mut BTreeMap<OsString, OsString>) -> Vec<Launcher> {
    let name = OsString::from("PATH");
    let Some(path) = std::env::var_os(&name).filter(|_| !environment.contains_key(&name)) else { return Vec::new() };
    let found = launchers(subjects, &path);
    if found.is_empty() {
        return found;
    }
    if let Ok(path) = path_through(&found, &path) {
        environment.insert(name, path);
    }
    subjects.iter_mut().for_each(|subject| start_through(&found, subject));
    found
}

/// Says of a hook that no payload of the suite gets past its matcher.
fn not_run(subject: &Subject) -> Option<ConfigNotice> {
    let Origin::Config { file, line, column } = &subject.origin else { return None };
    let matcher = subject.matcher.clone().unwrap_or_default();
    let event = subject.event.clone().unwrap_or_default();
    Some(ConfigNotice {
        requirement: "config.not-run".to_owned(),
        level: None,
        evidence: Evidence::Measured,
        message: format!("no payload of {event} gets past the matcher {matcher:?}; the hook was not run"),
        consequence: "nothing is said of this hook".to_owned(),
        help: format!("check the command itself: hookproof check --event {event} -- COMMAND"),
        file: file.clone(),
        line: *line,
        column: *column,
        excerpt: subject.display.clone(),
    })
}

#[cfg(feature = "reference")]
pub(super) fn reference() -> Result<Subject, CliError> {
    let own = std::env::current_exe()
        .map_err(|error| CliError::Harness(format!("failed to find the program itself: {error}")))?;
    Ok(super::reference::subject(own))
}

#[cfg(not(feature = "reference"))]
pub(super) fn reference() -> Result<Subject, CliError> {
    Err(CliError::Usage(
        "failed to find the reference hook: this build was made without the feature `reference`".to_owned(),
    ))
}

/// Whether each scenario that was asked for exists.
fn check_scenarios(arguments: &CheckArguments) -> Result<(), CliError> {
    let scenarios = Scenarios::built_in().map_err(CliError::harness)?;
    for scenario in &arguments.scenario {
        if scenarios.get(scenario).is_none() {
            let known: Vec<_> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
            return Err(unknown("scenario", scenario, &known));
        }
    }
    Ok(())
}

pub(super) fn environment(list: &[String]) -> Result<BTreeMap<OsString, OsString>, CliError> {
    let mut environment = BTreeMap::new();
    for item in list {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (item.as_str(), std::env::var_os(item)),
        };
        if name.is_empty() {
            return Err(CliError::Usage(format!("failed to read --env {item:?}: expected NAME or NAME=VALUE")));
        }
        if let Some(value) = value {
            environment.insert(OsString::from(name), value);
        }
    }
    Ok(environment)
}

/// What hooks may reach. A path that is not there cannot be allowed.
fn confinement(arguments: &CheckArguments) -> Result<Confinement, CliError> {
    let writable = arguments.allow_write.iter().map(|path| {
        path.canonicalize()
            .map_err(|error| CliError::Usage(format!("failed to read --allow-write {}: {error}", path.display())))
    });
    Ok(Confinement {
        mode: match arguments.sandbox {
            SandboxName::Auto => Mode::Auto,
            SandboxName::Strict => Mode::Strict,
            SandboxName::Off => Mode::Off,
        },
        network: arguments.allow_net,
        writable: writable.collect::<Result<_, _>>()?,
    })
}

/// Ctrl-C kills all hooks and lets the report be finished; a second one ends the program, and so does one while no hook
/// runs.
pub(super) fn watch_interrupts(interrupter: &Interrupter) -> Result<(), CliError> {
    let interrupter = interrupter.clone();
    ctrlc::set_handler(move || {
        if interrupter.is_interrupted() || !interrupter.is_running() {
            std::process::exit(130);
        }
        interrupter.interrupt();
    })
    .map_err(|error| CliError::Harness(format!("failed to watch for interrupts: {error}")))
}

fn exit(summary: &Summary, level: Level) -> Exit {
    let broken = summary.must
        + if level <= Level::Should { summary.should } else { 0 }
        + if level <= Level::May { summary.may } else { 0 };
    if summary.interrupted {
        Exit::Interrupted
    } else if summary.harness_errors > 0 {
        Exit::HarnessFailed
    } else if broken > 0 {
        Exit::Findings
    } else {
        Exit::Conforms
    }
}
