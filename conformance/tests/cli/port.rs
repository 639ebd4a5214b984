//! One hook on several platforms.

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;

use super::hookproof;

#[test]
#[cfg(feature = "reference")]
fn the_reference_keeps_what_it_does_wherever_the_platform_lets_it() {
    let output = hookproof(&["port", "--reference", "--to", "codex,gemini-cli,windsurf,kiro-cli", "--format", "json"])
        .assert()
        .get_output()
        .clone();
    let matrix: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(matrix["from"].as_str().map(|from| from.starts_with("claude-code@")), Some(true));
    let fate = |platform: usize, situation: &str| {
        let cells = matrix["platforms"][platform]["cells"].as_array().expect("cells");
        let cell = cells.iter().find(|cell| cell["situation"] == situation).expect("a situation");
        cell["fate"].as_str().expect("a fate").to_owned()
    };
    for platform in 0..5 {
        for situation in ["command", "hidden", "harmless"] {
            assert_eq!(fate(platform, situation), "kept", "{} {situation}", matrix["platforms"][platform]["platform"]);
        }
    }
    // Windsurf has no permission prompt and no start of a session that a hook hears.
    assert_eq!(fate(3, "permission"), "no-moment");
    assert_eq!(fate(3, "session"), "no-moment");
}

#[test]
fn an_unknown_platform_is_told() {
    hookproof(&["port", "--to", "gemini", "--", "true"])
        .assert()
        .code(2)
        .stderr(contains("failed to find the platform").and(contains("did you mean gemini-cli?")));
}

#[cfg(unix)]
#[test]
fn a_deny_that_only_one_platform_hears_is_lost_elsewhere() {
    let script = r#"case $(cat) in *'rm -rf'*) echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}' ;; esac"#;
    let hook = ["--", "sh", "-c", script];
    let compared = |format: &str| {
        let mut command = hookproof(&["port", "--to", "codex,gemini-cli", "--format", format]);
        command.args(hook).assert().code(1)
    };
    compared("human").stdout(
        contains("codex@0.169.0        yes")
            .and(contains("gemini-cli@0.61.0    LOST"))
            .and(contains("schema.decision-not-read")),
    );
    compared("markdown").stdout(contains("| gemini-cli@0.61.0 | LOST |").and(contains("- **LOST**")));
}
