//! `hookproof check` on hooks whose heavy work is known.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use tempfile::TempDir;

use crate::hookproof;

/// A hook that installs something at every start of a session, in a folder with the program that installs, and with a
/// `hookproof.toml`.
struct Hook {
    folder: TempDir,
}

impl Hook {
    fn new(script: &str, settings: &str) -> Self {
        let hook = Hook { folder: tempfile::tempdir().expect("a folder") };
        let write = |name: &str, text: &str| fs::write(hook.path(name), text).expect("the file is written");
        // The tool is found by its name, with the folder in front of PATH.
        write("install-tool", "#!/bin/sh\nsleep 0.05\necho done > \"$MY_STATE/installed\"\n");
        write("hook.sh", script);
        write("hookproof.toml", settings);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(hook.path("install-tool"), mode).expect("the tool can be executed");
        }
        hook
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `hookproof check MORE -- sh hook.sh` at the start of a session, in one story.
    fn check(&self, story: &str, more: &[&str]) -> assert_cmd::Command {
        let tools = std::env::join_paths([self.folder.path()].into_iter().chain(["/usr/bin", "/bin"].map(Path::new)))
            .expect("no colon in it");
        let mut command = hookproof(&["check", "-v", "--event", "SessionStart", "--scenario", story]);
        command
            .args(["--settings", "hookproof.toml"])
            .args(more)
            .current_dir(self.folder.path())
            .env("PATH", tools)
            .args(["--", "sh"])
            .arg(self.path("hook.sh"));
        command
    }
}

const SETTINGS: &str = "heavy = [\"install-tool*\"]\nstate_variable = \"MY_STATE\"\n";

/// It tries again and again.
const NAIVE: &str =
    "cat >/dev/null\n[ -e \"$MY_STATE/installed\" ] || install-tool --all || echo 'installation failed' >&2\nexit 0\n";

#[test]
#[cfg_attr(not(unix), ignore = "the hooks are scripts for sh")]
fn a_hook_that_tries_again_at_once_is_found_with_its_story() {
    Hook::new(NAIVE, SETTINGS)
        .check("heavy-killed-segv", &[])
        .assert()
        .code(1)
        .stdout(contains("warning[cooldown.other-signals]: again: 1 of 1 runs start the heavy work"))
        .stdout(contains("killed (0s later): heavy work started 1 time"))
        .stderr("");
}

#[test]
#[cfg_attr(not(unix), ignore = "the hooks are scripts for sh")]
fn a_hook_that_waits_for_the_window_is_not() {
    let waits = "cat >/dev/null\n\
        find \"$MY_STATE/killed\" -mmin -1440 2>/dev/null | grep -q . && exit 0\n\
        [ -e \"$MY_STATE/installed\" ] && exit 0\n\
        install-tool --all 2>/dev/null\n\
        status=$?\n\
        [ $status -le 128 ] || { touch \"$MY_STATE/killed\"; echo \"install-tool was killed ($status)\" >&2; }\n\
        exit 0\n";
    Hook::new(waits, SETTINGS).check("heavy-killed-segv", &[]).assert().code(0).stdout(contains("conforms"));
}

/// It waits for so many seconds, and writes down when it was killed in letters, which nobody else reads as a time.
fn waits_by_letters(seconds: u64) -> String {
    format!(
        "cat >/dev/null\n\
        if [ -e \"$MY_STATE/killed\" ]; then\n\
            killed=$(tr a-j 0-9 <\"$MY_STATE/killed\")\n\
            [ $(($(date +%s) - killed)) -ge {seconds} ] || exit 0\n\
        fi\n\
        [ -e \"$MY_STATE/installed\" ] && exit 0\n\
        install-tool --all 2>/dev/null\n\
        status=$?\n\
        [ $status -le 128 ] || {{ date +%s | tr 0-9 a-j >\"$MY_STATE/killed\"; echo \"killed ($status)\" >&2; }}\n\
        exit 0\n"
    )
}

#[rstest]
#[case::a_day(86_400, 0, "conforms")]
#[case::an_hour(3_600, 1, "warning[cooldown.whole-window]: just inside the window: 1 of 2 runs start the heavy work")]
#[case::for_ever(99_999_999, 1, "warning[cooldown.after-window]: just outside the window: none of 9 runs starts")]
#[cfg_attr(not(target_os = "linux"), ignore = "the clock is only moved on Linux")]
fn times_that_nobody_can_read_are_reached_by_the_clock(#[case] seconds: u64, #[case] code: i32, #[case] said: &str) {
    let assertion = Hook::new(&waits_by_letters(seconds), SETTINGS).check("heavy-killed", &[]).assert();
    assertion.code(code).stdout(contains(said));
}

#[test]
#[cfg_attr(not(unix), ignore = "the hooks are scripts for sh")]
fn what_is_never_started_is_skipped_with_the_reason() {
    Hook::new("cat >/dev/null\n", SETTINGS)
        .check("heavy-killed", &[])
        .assert()
        .code(0)
        .stdout(contains("the hook starts nothing like `install-tool*` here"))
        .stdout(contains("cooldown.").not());
}

#[test]
#[cfg_attr(not(unix), ignore = "the hooks are scripts for sh")]
fn a_flag_goes_before_the_file() {
    Hook::new(NAIVE, "heavy = [\"something-else\"]\nstate_variable = \"MY_STATE\"\n")
        .check("heavy-killed-segv", &["--heavy", "install-tool*"])
        .assert()
        .code(1)
        .stdout(contains("cooldown.other-signals"));
}

#[rstest]
#[case(&["--window", "2 h"], "--state-variable, --window, --stale-after and --heavy-patience need")]
#[case(&["--heavy", "x", "--window", "1 s"], "has to be 2 min or more")]
#[case(&["--heavy", "x", "--window", "soon"], "is no time, such as")]
#[case(&["--heavy", ""], "it is empty")]
#[case(&["--settings", "not-there.toml"], "not-there.toml")]
fn wrong_usage_is_told_before_anything_is_run(#[case] arguments: &[&str], #[case] said: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let marker = folder.path().join("ran");
    let mut command = hookproof(&["check"]);
    command.current_dir(folder.path()).args(arguments).args(["--", "touch"]).arg(&marker);
    command.assert().code(2).stdout("").stderr(contains(said));
    assert!(!marker.exists());
}

#[test]
fn a_misspelt_key_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("hookproof.toml"), "heavy = [\"x\"]\nwindwo = \"24 h\"\n").expect("is written");
    let mut command = hookproof(&["check", "--", "true"]);
    command.current_dir(folder.path());
    command.assert().code(2).stderr(contains("hookproof.toml:2:1: unknown field `windwo`"));
}

#[test]
fn a_story_is_explained_step_by_step() {
    hookproof(&["explain", "heavy-killed"])
        .assert()
        .code(0)
        .stdout(contains("1. killed: a run, the heavy command killed by SIGKILL"))
        .stdout(contains("5. just inside the window: a minute before the window ends, a run"))
        .stdout(contains("with the hook's clock put forward"))
        .stdout(contains("cooldown.one-of-many"));
}
