//! Attempts with builders that end in every way. They are shell scripts, which stand in the place of this program.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rstest::rstest;

use super::*;
use ending::Killed;

const LIMIT: Duration = Duration::from_secs(20);

/// The handlers of signals are the process's: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A builder that is this script; `$2` is the folder. It waits for the word first, as a builder does.
fn script(text: &str) -> Own {
    Own::of("/bin/sh", &["-c", &format!("read -r word; {text}")])
}

fn run(state: &StateFolder, own: &Own, limit: Duration) -> Outcome {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    crate::platform::set_default_actions();
    prepare_in(state, own, limit).expect("nobody asks this process to end")
}

fn state() -> (tempfile::TempDir, StateFolder) {
    let root = tempfile::tempdir().expect("a folder");
    let state = StateFolder::new(root.path());
    (root, state)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[rstest]
#[case("kill -KILL $$", Killed::BySignal(9))]
#[case("kill -SEGV $$", Killed::BySignal(11))]
#[case("kill -ABRT $$", Killed::BySignal(6))]
#[case("kill -BUS $$", Killed::BySignal(libc::SIGBUS))]
#[case("kill -ILL $$", Killed::BySignal(4))]
#[case("kill -TRAP $$", Killed::BySignal(5))]
#[case("echo half > \"$2/places.txt\"; echo '{}' > \"$2/manifest.json\"; kill -KILL $$", Killed::BySignal(9))]
#[case("exit 80", Killed::Below)]
#[case("exit 127", Killed::WhileStarting)]
#[case("exit 137", Killed::Wrapped(9))]
fn a_kill_begins_a_cooldown_and_leaves_only_its_marker(#[case] text: &str, #[case] expected: Killed) {
    let (root, state) = state();
    let outcome = run(&state, &script(text), LIMIT);
    assert!(
        matches!(&outcome, Outcome::Killed { killed, marker: Ok(_) } if *killed == expected),
        "{text}: {outcome:?}"
    );
    assert_eq!(names(root.path()), ["guard-index.cooldown"]);
    // A script that would show that it was started.
    let told = script("echo started > \"$2/../started\"; exit 1");
    for _ in 0..20 {
        assert!(matches!(run(&state, &told, LIMIT), Outcome::CoolingDown(_)));
    }
    assert_eq!(names(root.path()), ["guard-index.cooldown"]);
}

#[rstest]
#[case("exit 1")]
#[case("exit 82")]
#[case("exit 255")]
#[case("kill -PIPE $$")]
#[case("kill -USR1 $$")]
#[case("echo half > \"$2/places.txt\"; exit 0")]
#[case("echo '{\"format\":1,\"parts\":{}}' > \"$2/manifest.json\"; exit 0")]
fn an_ordinary_failure_begins_none_and_leaves_nothing(#[case] text: &str) {
    let (root, state) = state();
    for _ in 0..2 {
        let outcome = run(&state, &script(text), LIMIT);
        assert!(matches!(outcome, Outcome::Failed(_)), "{text}: {outcome:?}");
        assert_eq!(names(root.path()), [""; 0], "{text}");
    }
}

#[rstest]
#[case("kill -TERM $$")]
#[case("kill -INT $$")]
#[case("kill -HUP $$")]
#[case("exit 81")]
fn a_wish_begins_none(#[case] text: &str) {
    let (root, state) = state();
    let outcome = run(&state, &script(text), LIMIT);
    assert!(matches!(outcome, Outcome::Stopped), "{text}: {outcome:?}");
    assert_eq!(names(root.path()), [""; 0]);
}

#[test]
fn a_program_that_is_missing_or_may_not_be_run_is_an_ordinary_failure() {
    let (root, state) = state();
    for program in [root.path().join("nothing"), root.path().to_owned()] {
        let outcome = run(&state, &Own::of(program, &[]), LIMIT);
        assert!(matches!(outcome, Outcome::Failed(Failure::NotStarted(_))), "{outcome:?}");
        assert_eq!(names(root.path()), [""; 0]);
    }
}

#[rstest]
#[case::stderr("echo 'one'; echo 'the network is down' >&2; exit 1")]
#[case::stdout("echo 'one' >&2; echo 'the network is down'; exit 1")]
fn the_last_words_of_the_builder_are_passed_on(#[case] text: &str) {
    let (_root, state) = state();
    let outcome = run(&state, &script(text), LIMIT);
    let report = Report { outcome, took: Duration::ZERO };
    let line = report.line().expect("a line");
    assert!(line.contains("build-index ended with code 1: the network is down"), "{line}");
    assert_eq!(report.telemetry()["bootstrap_status"], 1);
}

#[test]
fn a_builder_that_takes_too_long_is_ended_with_all_that_it_started() {
    let (root, state) = state();
    let pids = root.path().with_extension("pids");
    let text = format!("sleep 60 & echo $! $$ > '{}'; wait", pids.display());
    let begun = Instant::now();
    let outcome = run(&state, &script(&text), Duration::from_millis(400));
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(names(root.path()), [""; 0]);
    let text = fs::read_to_string(&pids).expect("the builder was started");
    fs::remove_file(&pids).expect("removed");
    for pid in text.split_whitespace() {
        let pid = pid.parse().expect("a number");
        assert_eq!(crate::platform::identity(pid), None, "{pid} lives");
    }
}

#[test]
fn what_a_killed_builder_started_does_not_outlive_the_attempt() {
    let (root, state) = state();
    let pids = root.path().with_extension("orphan");
    let text = format!("sleep 60 & echo $! > '{}'; kill -KILL $$", pids.display());
    let outcome = run(&state, &script(&text), LIMIT);
    assert!(matches!(outcome, Outcome::Killed { .. }), "{outcome:?}");
    let pid = fs::read_to_string(&pids).expect("written").trim().parse().expect("a number");
    fs::remove_file(&pids).expect("removed");
    assert_eq!(crate::platform::identity(pid), None);
}

#[test]
fn a_marker_that_cannot_be_written_is_told() {
    let (_root, state) = state();
    // A file where the state folder was keeps also those from writing whom modes do not keep from anything.
    let outcome =
        run(&state, &script("state=$(dirname \"$2\"); rm -rf \"$state\"; : > \"$state\"; kill -KILL $$"), LIMIT);
    assert!(matches!(&outcome, Outcome::Killed { marker: Err(_), .. }), "{outcome:?}");
    let report = Report { outcome, took: Duration::ZERO };
    assert_eq!(report.telemetry()["bootstrap_wait_s"], 0);
    assert!(report.line().is_some_and(|line| line.contains("could not be written")));
}
