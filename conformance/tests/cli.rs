//! The binary as people and programs call it.

#[path = "cli/across.rs"]
mod across;
#[cfg(unix)]
#[path = "cli/activity.rs"]
mod activity;
#[path = "cli/answers.rs"]
mod answers;
#[path = "cli/batch.rs"]
mod batch;
#[path = "cli/check.rs"]
mod check;
#[cfg(unix)]
#[path = "cli/clean_hooks.rs"]
mod clean_hooks;
#[cfg(unix)]
#[path = "cli/configurations.rs"]
mod configurations;
#[path = "cli/contracts.rs"]
mod contracts;
#[cfg(unix)]
#[path = "cli/everyday.rs"]
mod everyday;
#[cfg(unix)]
#[path = "cli/faults.rs"]
mod faults;
#[cfg(unix)]
#[path = "cli/guards.rs"]
mod guards;
#[path = "cli/heavy.rs"]
mod heavy;
#[cfg(unix)]
#[path = "cli/help.rs"]
mod help;
#[cfg(target_os = "linux")]
#[path = "cli/interference.rs"]
mod interference;
#[path = "cli/interpret.rs"]
mod interpret;
#[path = "cli/knowledge.rs"]
mod knowledge;
#[cfg(unix)]
#[path = "cli/launch.rs"]
mod launch;
#[cfg(unix)]
#[path = "cli/own_payloads.rs"]
mod own_payloads;
#[path = "cli/port.rs"]
mod port;
#[path = "cli/probe.rs"]
mod probe;
#[cfg(target_os = "linux")]
#[path = "cli/reports.rs"]
mod reports;
#[cfg(unix)]
#[path = "cli/resources.rs"]
mod resources;
#[path = "cli/sandbox.rs"]
mod sandbox;
#[cfg(unix)]
#[path = "cli/shell_hooks.rs"]
mod shell_hooks;
#[cfg(unix)]
#[path = "cli/strangers.rs"]
mod strangers;
#[cfg(unix)]
#[path = "cli/target.rs"]
mod target;

use std::path::PathBuf;

use assert_cmd::Command;

/// The binary, without what the environment of the test run could change in it.
fn hookproof(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookproof"));
    command.args(arguments).env_remove("CI").env_remove("NO_COLOR");
    command
}

/// A sample configuration.
fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/configs/claude-code").join(name)
}
