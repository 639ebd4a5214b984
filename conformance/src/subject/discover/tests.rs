//! What a search makes of its surroundings.

use std::collections::BTreeSet;
use std::path::Path;

use hookproof_harness::Invocation;

use super::{Host, PathBuf, Search};
use crate::contract::Library;
use crate::subject::{PROJECT_AT_RUN, Subject};

const SETTINGS: &str = r#"{"hooks": {"Stop": [{"hooks": [
    {"type": "command", "command": "& '${CLAUDE_PROJECT_DIR}/a.ps1'", "shell": "powershell"},
    {"type": "command", "command": "b", "shell": "bash"}]}]}}"#;

fn search(path: &Path, host: Host, home: Option<PathBuf>) -> Vec<Subject> {
    let contract = Library::built_in().unwrap().select("claude-code").unwrap();
    let search = Search { contract: &contract, host, home, has: |_| true, given: BTreeSet::new() };
    search.run(path).unwrap().subjects
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".claude")).unwrap();
    std::fs::write(folder.path().join(".claude/settings.json"), SETTINGS).unwrap();
    folder
}

fn shell(subject: &Subject) -> (Vec<String>, String) {
    let Invocation::Shell { shell, line } = &subject.invocation else { panic!("{subject:?}") };
    let shell = shell.iter().map(|word| word.to_string_lossy().into_owned());
    (shell.collect(), line.to_string_lossy().into_owned())
}

#[test]
fn the_settings_of_a_person_belong_to_no_project() {
    let folder = folder();
    let home = Some(folder.path().to_owned());
    for path in [".claude", ".claude/settings.json", ""] {
        let subjects = search(&folder.path().join(path), Host::Unix, home.clone());
        assert_eq!(subjects[0].environment["CLAUDE_PROJECT_DIR"], PROJECT_AT_RUN, "{path}");
        assert_eq!(subjects[0].project, None, "{path}");
        let subjects = search(&folder.path().join(path), Host::Unix, None);
        assert!(subjects[0].project.is_some(), "{path}");
    }
}

#[test]
fn a_command_for_this_system_counts_before_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hooks.json");
    let both =
        r#"{"hooks": {"preToolUse": [{"powershell": "p", "bash": "b", "command": "c"}, {"powershell": "only"}]}}"#;
    std::fs::write(&file, both).unwrap();
    let contract = Library::built_in().unwrap().select("copilot-cli").unwrap();
    let found = |host| {
        Search { contract: &contract, host, home: None, has: |_| true, given: BTreeSet::new() }.run(&file).unwrap()
    };
    let unix = found(Host::Unix);
    assert_eq!(unix.subjects.iter().map(|subject| subject.display.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(unix.notices[0].requirement, "config.unsupported-handler");
    let windows = found(Host::Windows);
    assert_eq!(windows.subjects.iter().map(|subject| subject.display.as_str()).collect::<Vec<_>>(), ["p", "only"]);
}

#[test]
fn a_persons_own_files_are_looked_for_at_home_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".copilot/hooks")).unwrap();
    let file = folder.path().join(".copilot/hooks/a.json");
    std::fs::write(&file, r#"{"hooks": {"preToolUse": [{"command": "a"}]}}"#).unwrap();
    let contract = Library::built_in().unwrap().select("copilot-cli").unwrap();
    let home = Some(folder.path().to_owned());
    let found = |path: &Path, home| {
        Search { contract: &contract, host: Host::Unix, home, has: |_| true, given: BTreeSet::new() }.run(path)
    };
    let at_home = found(folder.path(), home.clone()).unwrap();
    assert_eq!(at_home.files, std::slice::from_ref(&file));
    assert_eq!(at_home.subjects[0].project, None);
    assert_eq!(found(&folder.path().join(".copilot"), home).unwrap().subjects, at_home.subjects);
    assert!(found(folder.path(), None).is_err());
}

#[test]
fn the_shell_is_that_of_the_system() {
    let folder = folder();
    let here = |host| search(folder.path(), host, None).iter().map(shell).collect::<Vec<_>>();
    let unix = here(Host::Unix);
    assert_eq!(unix[0].0, ["pwsh", "-NoProfile", "-NonInteractive", "-Command"]);
    assert_eq!(unix[0].1, "& '${env:CLAUDE_PROJECT_DIR}/a.ps1'");
    assert_eq!(unix[1], (vec!["/bin/sh".to_owned(), "-c".to_owned()], "b".to_owned()));
    let windows = here(Host::Windows);
    assert_eq!(windows[0].0[0], "powershell");
    assert_eq!(windows[0].1, "& '${env:CLAUDE_PROJECT_DIR}/a.ps1'");
    assert_eq!(windows[1].0, ["bash", "-c"]);
}

#[test]
fn a_line_for_a_shell_that_is_not_here_is_run_by_none() {
    let folder = folder();
    let contract = Library::built_in().unwrap().select("claude-code").unwrap();
    for host in [Host::Unix, Host::Windows] {
        let found = Search { contract: &contract, host, home: None, has: |_| false, given: BTreeSet::new() }
            .run(folder.path())
            .unwrap();
        assert_eq!(found.subjects.iter().map(|subject| subject.display.as_str()).collect::<Vec<_>>(), ["b"]);
        let notice = &found.notices[0];
        assert_eq!((notice.requirement.as_str(), notice.level), ("config.unsupported-handler", None));
    }
}
