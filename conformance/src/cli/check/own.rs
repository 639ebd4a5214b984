//! Payloads of the user: `--with-payload`, and `[[case]]` in `hookproof.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hookproof::contract::{Contract, Evidence, Library};
use hookproof::outside;
use hookproof::payload::{Expectation, Expected, OwnDocument, Payload, Payloads, Placed};
use hookproof::plan::Case;
use hookproof::requirement::Level;
use hookproof::subject::{ConfigNotice, ProjectCase};

use super::super::{CliError, unknown};

#[derive(Debug, Args)]
#[command(next_help_heading = "Payloads of your own")]
pub(super) struct OwnArguments {
    /// Also run the hooks with this input: a JSON file, or a directory of them. A part of a document is enough, such as
    /// {"tool_input":{"command":"git push --force"}}: it is merged over a payload of the suite for the same event and tool
    /// (null removes a key). The event is taken from the document, or from --event. Can be repeated
    #[arg(long, value_name = "FILE|DIR")]
    with_payload: Vec<PathBuf>,
    /// What the platform must do because of the hooks, for each --with-payload; otherwise expect.decision fails
    #[arg(long, value_enum, value_name = "DECISION", requires = "with_payload")]
    expect: Option<ExpectName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExpectName {
    /// The action does not happen
    Block,
    /// The user is asked
    Ask,
    /// The hook answers `allow`
    Allow,
    /// Nothing is decided, and nothing reaches the model or the user
    Silent,
    /// The model is given a text
    Context,
}

impl From<ExpectName> for Expected {
    fn from(name: ExpectName) -> Expected {
        match name {
            ExpectName::Block => Expected::Block,
            ExpectName::Ask => Expected::Ask,
            ExpectName::Allow => Expected::Allow,
            ExpectName::Silent => Expected::Silent,
            ExpectName::Context => Expected::Context,
        }
    }
}

/// Adds the payloads of the user for these contracts.
pub(super) fn add(
    payloads: &mut Payloads,
    arguments: &OwnArguments,
    cases: &[ProjectCase],
    contracts: &[Contract],
    library: &Library,
    events: &[String],
) -> Result<(), CliError> {
    for document in given(arguments)? {
        let placed = place(payloads, &document, contracts, events);
        if placed.payloads.is_empty() {
            return Err(nowhere(&document, &placed, contracts));
        }
        add_all(payloads, placed.payloads, &document, events)?;
    }
    for case in cases {
        check_names(case, library)?;
        let placed = place(payloads, &case.document, contracts, events);
        if placed.payloads.is_empty() && placed.without_event {
            return Err(nowhere(&case.document, &placed, contracts));
        }
        // A case of another platform, or of an event that --event leaves out, is not about this run.
        for payload in placed.payloads.into_iter().filter(|own| events.is_empty() || events.contains(&own.event)) {
            payloads.add(payload);
        }
    }
    Ok(())
}

fn add_all(
    payloads: &mut Payloads,
    placed: Vec<Payload>,
    document: &OwnDocument,
    events: &[String],
) -> Result<(), CliError> {
    for payload in placed {
        if !events.is_empty() && !events.contains(&payload.event) {
            return Err(CliError::Usage(format!(
                "failed to use {}: it is for {}, which --event leaves out",
                document.own.file.display(),
                payload.event
            )));
        }
        payloads.add(payload);
    }
    Ok(())
}

/// The documents of `--with-payload`.
fn given(arguments: &OwnArguments) -> Result<Vec<OwnDocument>, CliError> {
    let mut documents = Vec::new();
    for path in &arguments.with_payload {
        for file in files(path)? {
            let mut document = OwnDocument::read(&file).map_err(CliError::usage)?;
            document.own.expectation = arguments
                .expect
                .map(|expected| Expectation { decision: Some(expected.into()), ..Expectation::default() });
            documents.push(document);
        }
    }
    Ok(documents)
}

/// The file, or the JSON files of the directory, sorted by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let fail =
        |error: std::io::Error| CliError::Usage(format!("failed to read --with-payload {}: {error}", path.display()));
    if outside::is_handed_over(path) || !fs::metadata(path).map_err(fail)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(is_json).collect();
    files.sort();
    if files.is_empty() {
        return Err(CliError::Usage(format!(
            "failed to find a payload in {}: there is no file that ends in .json",
            path.display()
        )));
    }
    Ok(files)
}

/// What a document is on all platforms of the check.
#[derive(Default)]
struct AllPlaced {
    payloads: Vec<Payload>,
    /// Whether a platform does not know which event it is for.
    without_event: bool,
    /// The fields that would say so.
    fields: Vec<String>,
    /// The event that it names.
    elsewhere: Option<String>,
}

fn place(payloads: &Payloads, document: &OwnDocument, contracts: &[Contract], events: &[String]) -> AllPlaced {
    let mut all = AllPlaced::default();
    for contract in contracts {
        match document.on(contract, payloads, events) {
            Placed::Payloads(own) => all.payloads.extend(own),
            Placed::Elsewhere(event) => all.elsewhere = Some(event),
            Placed::NoEvent(field) => {
                all.without_event = true;
                all.fields.extend(field.filter(|field| !all.fields.contains(field)));
            }
        }
    }
    all
}

/// Why a document is a payload on no platform of the check.
fn nowhere(document: &OwnDocument, placed: &AllPlaced, contracts: &[Contract]) -> CliError {
    let at = if document.own.line > 1 {
        format!("{}:{}:{}", document.own.file.display(), document.own.line, document.own.column)
    } else {
        document.own.file.display().to_string()
    };
    match &placed.elsewhere {
        Some(event) if !placed.without_event => {
            let known: Vec<&str> =
                contracts.iter().flat_map(|contract| contract.events.keys()).map(String::as_str).collect();
            CliError::Usage(format!("failed to use {at}: {}", unknown("event", event, &known)))
        }
        _ => {
            let field = match placed.fields.as_slice() {
                [] => String::new(),
                fields => format!("set `{}` in it, or ", fields.join("` or `")),
            };
            CliError::Usage(format!(
                "failed to use {at}: nothing says which event it is for; {field}name the event with --event"
            ))
        }
    }
}

/// Refuses platforms and events that no contract has.
fn check_names(case: &ProjectCase, library: &Library) -> Result<(), CliError> {
    let known: Vec<&str> = library.platforms().collect();
    if let Some(place) = &case.platforms
        && let Some(wrong) = case.document.platforms.iter().find(|name| !known.contains(&name.as_str()))
    {
        return Err(CliError::usage(place.error(unknown("platform", wrong, &known).to_string())));
    }
    let (Some(place), Some(event)) = (&case.event, &case.document.event) else { return Ok(()) };
    let wanted =
        |name: &&str| case.document.platforms.is_empty() || case.document.platforms.iter().any(|own| own == name);
    let mut events: Vec<String> = Vec::new();
    for name in known.into_iter().filter(wanted) {
        events.extend(library.select(name).map_err(CliError::usage)?.events.keys().cloned());
    }
    if events.contains(event) {
        return Ok(());
    }
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    Err(CliError::usage(place.error(unknown("event", event, &events).to_string())))
}

/// Payloads of the user that no hook of a configuration is run with: an expectation that something happens is not met.
pub(super) fn not_run(contract: &Contract, payloads: &Payloads, cases: &[Case<'_>]) -> Vec<ConfigNotice> {
    let is_run =
        |payload: &Payload| cases.iter().any(|case| case.id.event == payload.event && case.id.payload == payload.name);
    let own = payloads.all().iter().filter(|payload| payload.platform == contract.platform.id && !is_run(payload));
    own.filter_map(|payload| {
        let own = payload.own.as_ref()?;
        let decision = own.expectation.as_ref().and_then(|expectation| expectation.decision);
        let wants_text = own.expectation.as_ref().is_some_and(|one| one.reason.is_some() || one.context.is_some());
        let met = decision.is_none_or(|expected| expected == Expected::Silent) && !wants_text;
        let expected = decision.map_or(String::new(), |expected| format!("expected `{expected}`, and "));
        let (requirement, level) = match (met, decision) {
            (true, _) => ("config.not-run", None),
            (false, None) => ("expect.text", Some(Level::Must)),
            (false, Some(_)) => ("expect.decision", Some(Level::Must)),
        };
        Some(ConfigNotice {
            requirement: requirement.to_owned(),
            level,
            evidence: Evidence::Measured,
            message: format!("{}: {expected}no hook is run with it at {}", payload.name, payload.event),
            consequence: format!("{} goes on as without a hook", contract.platform.title),
            help: "compare the event and the matcher of the hook with the payload".to_owned(),
            file: own.file.clone(),
            line: own.line,
            column: own.column,
            excerpt: payload.stdin.to_string().chars().take(200).collect(),
        })
    })
    .collect()
}
