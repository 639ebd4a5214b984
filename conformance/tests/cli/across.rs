//! A check against several platforms.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use crate::hookproof;

/// A project with hooks of Codex, and settings of Claude Code with this text.
fn project(claude: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [".claude", ".codex"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    fs::write(folder.path().join(".claude/settings.json"), claude).expect("settings");
    let hooks = r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"cat >/dev/null"}]}]}}"#;
    fs::write(folder.path().join(".codex/hooks.json"), hooks).expect("hooks");
    folder
}

fn check(folder: &tempfile::TempDir, platforms: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let path = folder.path().to_string_lossy().into_owned();
    hookproof(&["check", "--scenario", "baseline", "--platform", platforms]).args(more).arg(path).assert()
}

#[cfg(unix)]
#[test]
fn an_error_of_one_platform_is_reported_and_fails_the_check() {
    let folder = project("{\"hooks\": ");
    for platforms in ["claude-code,codex", "codex,claude-code", "all"] {
        check(&folder, platforms, &["--yes"])
            .code(2)
            .stderr(contains("settings.json:1:").and(contains("claude-code")))
            .stdout(contains("not checked"))
            // The other platform is checked all the same.
            .stdout(predicate::str::is_match(r"(?m)^codex .* conforms; it never spoke").expect("a pattern"));
    }
}

#[test]
fn missing_consent_is_reported_and_fails_the_check() {
    let folder = project("{\"hooks\":{}}");
    check(&folder, "claude-code,codex", &[])
        .code(2)
        .stderr(contains("add --yes if you trust them").and(contains("(codex)")))
        .stdout(contains("not checked"));
}

#[cfg(unix)]
#[test]
fn a_platform_without_hooks_has_nothing_to_check() {
    let folder = project("{\"hooks\":{}}");
    check(&folder, "cursor,codex", &["--yes"]).success().stdout(contains("nothing to check")).stderr("");
}
