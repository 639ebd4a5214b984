//! The reference hook inside the binary: `hookproof` starts itself again as the hook.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hookproof::subject::{Origin, Subject};
use hookproof_harness::Invocation;

/// The hidden subcommand under which the binary is the reference hook.
pub(crate) const SUBCOMMAND: &str = "__reference-hook";

#[derive(Debug, Args)]
pub(crate) struct ReferenceArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Is the reference hook, if that is what the arguments ask for. Done before anything else, so that it starts fast.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    arguments.next()?;
    if arguments.next()? != SUBCOMMAND {
        return None;
    }
    Some(hookproof_reference::main_from_args(arguments))
}

/// The reference hook as a subject.
pub(crate) fn subject(own: PathBuf) -> Subject {
    let args = [SUBCOMMAND, "{platform}", "{event}"].map(OsString::from).to_vec();
    Subject {
        name: "reference".to_owned(),
        origin: Origin::Reference,
        invocation: Invocation::Program { program: own, args },
        display: "reference-hook {platform} {event}".to_owned(),
        environment: std::collections::BTreeMap::new(),
        quotes_placeholders: false,
        event: None,
        matcher: None,
        timeout: None,
        handler: std::collections::BTreeMap::new(),
        project: None,
        folder: None,
        heavy: None,
        worker: None,
    }
}
