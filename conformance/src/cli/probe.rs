//! `hookproof probe`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use hookproof::contract::{Contract, Library};
use hookproof::payload::Payloads;
use hookproof::probe::{Found, Moment, ProbeError, ProbeEvent, Prober, Probing, Wanted};
use hookproof::quantity;
use hookproof::report::{Look, ProbePage, ProbeText, json_line, json_page};
use hookproof::requirement::Level;
use hookproof::run::{CheckOptions, Confinement, Interrupter};
use hookproof::subject::{Subject, from_command};
use hookproof_harness::Limit;

use super::check::{Color, at_least_one, environment, here, reference, seconds, watch_interrupts};
use super::known::Known;
use super::{CliError, Exit, names, unknown};

/// What an option without a value stands for.
const ANY: &str = "any";

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("limit").required(true).multiple(true),
    group = ArgGroup::new("what").required(true).args(["reference", "hook"])
)]
pub(crate) struct ProbeArguments {
    /// Address space of each process; also real memory, where the system itself accounts for that. `--memory=1GiB` looks
    /// no further, and fails if the hook needs more; so do the other limits
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    memory: Option<String>,
    /// Real memory of all processes together: by a control group or a job, or else watched
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    real_memory: Option<String>,
    /// Private writable memory of each process
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    data: Option<String>,
    /// Stack of each process
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    stack: Option<String>,
    /// CPU time of each process, in whole seconds
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    cpu: Option<String>,
    /// Open descriptors of each process
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    files: Option<String>,
    /// Size of each file that is written
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    file_size: Option<String>,
    /// Processes, of which many systems count all of the user's
    #[arg(long, group = "limit", value_name = "MOST", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    processes: Option<String>,
    /// Platform, with or without a version
    #[arg(long, default_value = "claude-code")]
    platform: String,
    /// The event; if not given, the first at which something dangerous can happen
    #[arg(long)]
    event: Option<String>,
    /// The document on stdin; if not given, the first that the hook has something to say to
    #[arg(long)]
    payload: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the report to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write one HTML page besides
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Runs at the same time; the number of processors if not given
    #[arg(long, value_parser = at_least_one)]
    jobs: Option<NonZeroUsize>,
    /// Seconds after which the suite gives up on a run
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    deadline: Duration,
    /// Pass a variable of the environment on to the hook, or set one
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Probe the reference hook that hookproof carries
    #[arg(long)]
    reference: bool,
    /// The hook's command and its arguments; `{event}` and `{platform}` in them are filled in
    #[arg(last = true, value_name = "CMD")]
    hook: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Jsonl,
}

pub(crate) fn run(arguments: &ProbeArguments, known: &Known) -> Result<Exit, CliError> {
    let wanted = wanted(arguments)?;
    let contract = known.contract(&arguments.platform)?;
    let payloads = known.payloads()?;
    let subject = match arguments.hook.split_first() {
        Some((program, rest)) => {
            let program =
                if std::path::Path::new(program).components().count() > 1 { here(program) } else { program.clone() };
            from_command(&program, &rest.iter().map(here).collect::<Vec<_>>())
        }
        None => reference()?,
    };
    let moments = moments(arguments, &known.library, &contract, &payloads, &subject)?;
    // A file that cannot be written is told before anything is run.
    let mut html = arguments.html.as_deref().map(create).transpose()?;
    let mut output = Output::of(arguments)?;
    let interrupter = Interrupter::default();
    watch_interrupts(&interrupter)?;
    let prober = Prober {
        contract: &contract,
        options: CheckOptions {
            slots: None,
            jobs: arguments
                .jobs
                .map_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get),
            patience: arguments.deadline,
            level: Level::Should,
            fail_fast: false,
            environment: environment(&arguments.env)?,
            launchers: Vec::new(),
            confinement: Confinement::default(),
            left_out: Vec::new(),
        },
        interrupter,
    };
    let probing = prober.probe(&subject, &moments, &wanted, |event| output.on(event)).map_err(|error| match error {
        ProbeError::Report(error) => CliError::Output(error),
        other => CliError::harness(other),
    })?;
    let Some(probing) = probing else {
        return Ok(Exit::Interrupted);
    };
    output.finish(&probing)?;
    if let Some(file) = &mut html {
        ProbePage(&probing).write(file)?;
        file.flush()?;
    }
    exit(&probing)
}

fn create(path: &std::path::Path) -> Result<io::BufWriter<File>, CliError> {
    let file =
        File::create(path).map_err(|error| CliError::Usage(format!("failed to create {}: {error}", path.display())))?;
    Ok(io::BufWriter::new(file))
}

/// The limits that are asked for, in the order of the help text.
fn wanted(arguments: &ProbeArguments) -> Result<Vec<Wanted>, CliError> {
    [
        (Limit::AddressSpace, &arguments.memory),
        (Limit::Memory, &arguments.real_memory),
        (Limit::Data, &arguments.data),
        (Limit::Stack, &arguments.stack),
        (Limit::Cpu, &arguments.cpu),
        (Limit::OpenFiles, &arguments.files),
        (Limit::FileSize, &arguments.file_size),
        (Limit::Processes, &arguments.processes),
    ]
    .into_iter()
    .filter_map(|(limit, text)| {
        let text = text.as_deref()?;
        let most = if text == ANY { Ok(None) } else { quantity::parse(limit, text).map(Some) };
        Some(most.map(|most| Wanted { limit, most }).map_err(CliError::usage))
    })
    .collect()
}

/// The moments at which the hook may be probed, of which there is at least one.
fn moments<'a>(
    arguments: &ProbeArguments,
    library: &Library,
    contract: &'a Contract,
    payloads: &'a Payloads,
    subject: &Subject,
) -> Result<Vec<Moment<'a>>, CliError> {
    let event = arguments.event.as_deref().map(|event| names::one_event(contract, library, event)).transpose()?;
    let (event, payload) = (event.as_deref(), arguments.payload.as_deref());
    let moments = Moment::candidates(contract, payloads, subject, event, payload);
    if moments.is_empty() {
        let events = contract.events.keys().filter(|name| event.is_none_or(|event| event == *name));
        let known: Vec<&str> = events
            .flat_map(|name| payloads.of(&contract.platform.id, name))
            .map(|payload| payload.name.as_str())
            .collect();
        return Err(unknown("payload", payload.unwrap_or_default(), &known));
    }
    Ok(moments)
}

/// Where the report goes, and in which form.
struct Output {
    out: Form,
}

enum Form {
    Human(ProbeText<Box<dyn Write>>),
    Json(Box<dyn Write>),
    Jsonl(Box<dyn Write>),
}

impl Output {
    fn of(arguments: &ProbeArguments) -> Result<Self, CliError> {
        let (writer, terminal): (Box<dyn Write>, bool) = match &arguments.output {
            Some(path) => (Box::new(create(path)?), false),
            None => (Box::new(io::stdout()), io::stdout().is_terminal()),
        };
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        let look = Look { color: arguments.color.wanted(terminal), terminal, width, ..Look::default() };
        let out = match arguments.format {
            Format::Human => Form::Human(ProbeText::new(writer, look)),
            Format::Json => Form::Json(writer),
            Format::Jsonl => Form::Jsonl(writer),
        };
        Ok(Output { out })
    }

    fn on(&mut self, event: &ProbeEvent) -> io::Result<()> {
        match &mut self.out {
            Form::Human(text) => text.on(event),
            Form::Json(_) => Ok(()),
            Form::Jsonl(out) => {
                writeln!(out, "{}", json_line(event)?)?;
                out.flush()
            }
        }
    }

    fn finish(&mut self, probing: &Probing) -> io::Result<()> {
        if let Form::Json(out) = &mut self.out {
            writeln!(out, "{}", json_page(probing)?)?;
            out.flush()?;
        }
        Ok(())
    }
}

/// A hook that does not work, or that needs more than it may have, is a finding; limits that nobody enforces are not.
fn exit(probing: &Probing) -> Result<Exit, CliError> {
    if probing.closing.interrupted {
        return Ok(Exit::Interrupted);
    }
    if probing.baseline.does_not_work.is_some() || probing.limits.iter().any(Found::is_too_little) {
        return Ok(Exit::Findings);
    }
    if probing.limits.iter().all(|found| found.not_enforced.is_some()) {
        return Err(CliError::Usage("failed to probe anything: this system enforces none of these limits".to_owned()));
    }
    Ok(Exit::Conforms)
}
