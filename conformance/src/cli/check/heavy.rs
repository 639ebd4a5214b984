//! What a person says of the heavy work of a hook, and of the local service that it talks to: flags, and `hookproof.toml`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use hookproof::subject::{Heavy, LocalService, ProjectCase, ProjectFile, duration, settings_text};
use hookproof_harness::CommandPattern;

use super::super::CliError;

#[derive(Debug, Args)]
#[command(next_help_heading = "Hook-specific options")]
pub(super) struct HeavyArguments {
    /// An expensive command that the hook starts, such as 'python* -m venv'; `*` matches anything. Can be repeated. The suite
    /// kills it and checks that the hook does not retry at once
    #[arg(long, value_name = "PATTERN")]
    heavy: Vec<CommandPattern>,
    /// The environment variable that names the hook's state directory
    #[arg(long, value_name = "NAME")]
    state_variable: Option<String>,
    /// Cooldown: how long the hook does not retry after a kill [default: 24 h]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    window: Option<Duration>,
    /// How old a lock must be before another run may take it over [default: the window]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    stale_after: Option<Duration>,
    /// How long to wait for a run that starts the expensive command [default: 1 min]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    heavy_patience: Option<Duration>,
    /// The environment variable that names the hook's local service (worker, daemon), and its form: url [default], port or
    /// host-port. The suite replaces the service by ones that refuse, hang and fail
    #[arg(long, value_name = "VARIABLE[=FORM]")]
    worker: Option<LocalService>,
    /// File with these options [default: hookproof.toml in what is checked, or in the current directory]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// What is known of the hook besides its command.
pub(super) struct KnownOfHook {
    pub(super) heavy: Option<Heavy>,
    /// The local service that it talks to.
    pub(super) worker: Option<LocalService>,
    /// Variables for the hook.
    pub(super) environment: BTreeMap<OsString, OsString>,
    /// Payloads of the project, and what is expected for them.
    pub(super) cases: Vec<ProjectCase>,
}

/// What the file and the flags say together; a flag goes before the file.
pub(super) fn known(
    arguments: &HeavyArguments,
    mut file: ProjectFile,
    given: &BTreeMap<OsString, OsString>,
) -> Result<KnownOfHook, CliError> {
    let cases = std::mem::take(&mut file.cases);
    let mut environment: BTreeMap<OsString, OsString> =
        file.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    environment.extend(given.clone());
    let worker = arguments.worker.clone().or_else(|| file.worker.clone());
    let mut heavy = file.heavy();
    if !arguments.heavy.is_empty() {
        let usual = Heavy::new(arguments.heavy.clone());
        heavy = Some(Heavy {
            commands: usual.commands,
            state_variable: file.state_variable.clone(),
            window: file.window.unwrap_or(usual.window),
            stale_after: file.stale_after.or(file.window).unwrap_or(usual.stale_after),
            patience: file.patience.unwrap_or(usual.patience),
        });
    }
    let said = arguments.state_variable.is_some()
        || arguments.window.is_some()
        || arguments.stale_after.is_some()
        || arguments.heavy_patience.is_some();
    let Some(heavy) = heavy.as_mut() else {
        if said {
            return Err(CliError::Usage(
                "failed to see what is heavy: --state-variable, --window, --stale-after and --heavy-patience need \
                 --heavy PATTERN, or `heavy` in hookproof.toml"
                    .to_owned(),
            ));
        }
        return Ok(KnownOfHook { heavy: None, worker, environment, cases });
    };
    if let Some(name) = &arguments.state_variable {
        heavy.state_variable = Some(name.clone());
    }
    if let Some(window) = arguments.window {
        heavy.window = window;
        if file.stale_after.is_none() {
            heavy.stale_after = window;
        }
    }
    heavy.stale_after = arguments.stale_after.unwrap_or(heavy.stale_after);
    heavy.patience = arguments.heavy_patience.unwrap_or(heavy.patience);
    if heavy.window < Duration::from_secs(120) {
        return Err(CliError::Usage(format!(
            "failed to use a window of {}: the suite keeps a minute away from its end, so it has to be 2 min or more",
            humantime::format_duration(heavy.window)
        )));
    }
    Ok(KnownOfHook { heavy: Some(heavy.clone()), worker, environment, cases })
}

/// A `hookproof.toml`, and how it was found.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) file: ProjectFile,
    path: PathBuf,
    /// Whether the command line names it.
    pub(super) named: bool,
}

impl Settings {
    /// The file that the command line names, or the one in what is checked, or else the one in this directory.
    pub(super) fn find(arguments: &HeavyArguments, checked: Option<&Path>) -> Result<Self, CliError> {
        if let Some(path) = &arguments.settings {
            let file = ProjectFile::read(path)
                .map_err(CliError::usage)?
                .ok_or_else(|| CliError::Usage(format!("failed to read {}: there is no such file", path.display())))?;
            return Ok(Settings { file, path: path.clone(), named: true });
        }
        let beside =
            |path: &Path| if path.is_dir() { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) };
        let folders = checked.and_then(beside).into_iter().chain([PathBuf::new()]);
        for folder in folders {
            let path = folder.join(ProjectFile::NAME);
            if let Some(file) = ProjectFile::read(&path).map_err(CliError::usage)? {
                return Ok(Settings { file, path, named: false });
            }
        }
        Ok(Settings::default())
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was found in the current directory.
    pub(super) fn is_in_current_directory(&self) -> bool {
        self.path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder == Path::new("."))
    }

    /// What the file does, for a person; empty if it does nothing.
    pub(super) fn shown(&self) -> String {
        settings_text(&self.file, &self.path)
    }
}
