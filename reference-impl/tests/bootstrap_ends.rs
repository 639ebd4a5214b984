//! The heavy bootstrap when processes end: its builder, what the builder starts, and the hook itself. Signals, so Unix.
#![cfg(unix)]
#![allow(unsafe_code)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Answer, binary, payload};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than any test looks for a process.
const SLOW: &str = "60000";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn hook(state: &Path, time: &str) -> Command {
    let mut command = Command::new(binary());
    command.args(["bootstrap", "claude-code", "SessionStart"]);
    environment(&mut command, state, time);
    command
}

fn environment(command: &mut Command, state: &Path, time: &str) {
    command
        .env_remove("HOOKPROOF_REFERENCE_STATE")
        .env("HOOKPROOF_STATE_DIR", state)
        .env("HOOKPROOF_REFERENCE_BUILD_TIME_MS", time)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // `nohup`, and `&` in a script, ignore some of the signals that are sent here, and a child inherits that.
    // SAFETY: signal(2) is async-signal-safe, and the default action is always a valid one.
    unsafe {
        command.pre_exec(|| {
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
}

fn start(mut command: Command) -> Child {
    let mut child = command.spawn().expect("the program starts");
    let text = payload("SessionStart", &json!({ "source": "startup" }));
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    child
}

fn finish(child: Child) -> Output {
    child.wait_with_output().expect("ended")
}

fn document(output: &Output) -> Value {
    let answer = Answer::of(output);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""), "{answer:?}");
    answer.document()
}

fn run(state: &Path) -> Value {
    document(&finish(start(hook(state, "0"))))["metrics"].clone()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The processes that work in this folder and have this word among their arguments.
fn processes(state: &Path, word: &str) -> Vec<u32> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,stat=,args="]).output().expect("ps runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let inside = format!("--into {}/", state.display());
    text.lines()
        .filter(|line| line.contains(&inside) && line.contains(&format!(" {word} ")))
        .filter(|line| !line.split_whitespace().nth(1).is_some_and(|stat| stat.starts_with('Z')))
        .map(|line| line.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("a number"))
        .collect()
}

/// Waits until there is such a process.
fn process(state: &Path, word: &str) -> u32 {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let [pid, ..] = processes(state, word)[..] {
            return pid;
        }
        assert!(Instant::now() < until, "no process {word}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// Nothing of the build runs any more; what was killed may take a moment.
fn assert_nothing_runs(state: &Path) {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let left = [processes(state, "build-index"), processes(state, "index-part")].concat();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "{left:?} outlive the hook");
        thread::sleep(Duration::from_millis(20));
    }
}

#[rstest]
#[case::builder_kill("build-index", "KILL", 1, Some(9))]
#[case::builder_segv("build-index", "SEGV", 1, Some(11))]
#[case::builder_abort("build-index", "ABRT", 1, Some(6))]
#[case::part_kill("index-part", "KILL", 2, None)]
#[case::part_segv("index-part", "SEGV", 2, None)]
#[case::part_abort("index-part", "ABRT", 2, None)]
fn a_kill_begins_a_cooldown(#[case] word: &str, #[case] signal: &str, #[case] why: u64, #[case] number: Option<u64>) {
    let state = folder();
    let child = start(hook(state.path(), SLOW));
    process(state.path(), "index-part");
    kill(signal, process(state.path(), word));
    let document = document(&finish(child));
    let metrics = &document["metrics"];
    assert_eq!((metrics["bootstrap"].as_u64(), metrics["bootstrap_why"].as_u64()), (Some(3), Some(why)), "{metrics}");
    assert_eq!(metrics["bootstrap_signal"].as_u64(), number);
    assert_eq!(metrics["bootstrap_wait_s"], 86_400);
    let line = document["systemMessage"].as_str().expect("a line for the person");
    assert!(line.contains("24 hours") && line.contains("guard-index.cooldown"), "{line}");
    assert_nothing_runs(state.path());
    assert_eq!(names(state.path()), ["guard-index.cooldown"]);

    let together: Vec<Child> = (0..8).map(|_| start(hook(state.path(), SLOW))).collect();
    for child in together {
        let metrics = self::document(&finish(child))["metrics"].clone();
        assert_eq!(metrics["bootstrap"], 4, "{metrics}");
    }
    // Somebody reads the line and makes room.
    fs::remove_file(state.path().join("guard-index.cooldown")).expect("removed");
    assert_eq!(run(state.path())["bootstrap"], 1);
    assert_eq!(names(state.path()), ["guard-index"]);
}

#[rstest]
#[case("build-index", "TERM")]
#[case("build-index", "INT")]
#[case("build-index", "HUP")]
#[case("index-part", "TERM")]
#[case("index-part", "INT")]
fn a_wish_begins_none(#[case] word: &str, #[case] signal: &str) {
    let state = folder();
    let child = start(hook(state.path(), SLOW));
    process(state.path(), "index-part");
    kill(signal, process(state.path(), word));
    assert_eq!(document(&finish(child))["metrics"]["bootstrap"], 7);
    assert_nothing_runs(state.path());
    assert_eq!(names(state.path()), [""; 0]);
}

#[rstest]
#[case("TERM", 15)]
#[case("INT", 2)]
#[case("HUP", 1)]
fn a_hook_that_is_asked_to_end_leaves_nothing(#[case] signal: &str, #[case] number: i32) {
    let state = folder();
    let child = start(hook(state.path(), SLOW));
    process(state.path(), "index-part");
    assert!(names(state.path()).contains(&"guard-index.lock".to_owned()));
    kill(signal, child.id());
    let begun = Instant::now();
    let output = finish(child);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(output.status, ExitStatus::from_raw(number), "it dies by the signal that it was sent");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    assert_nothing_runs(state.path());
    assert_eq!(names(state.path()), [""; 0]);
}

#[test]
fn a_hook_that_is_killed_leaves_a_lock_that_one_of_eight_takes_over_when_it_is_stale() {
    let state = folder();
    let child = start(hook(state.path(), SLOW));
    process(state.path(), "index-part");
    kill("KILL", child.id());
    finish(child);
    assert_nothing_runs(state.path());
    let left = names(state.path());
    assert!(matches!(&left[..], [building, lock] if building.contains("building") && lock == "guard-index.lock"));

    // Young: left alone.
    assert_eq!(run(state.path())["bootstrap"], 5);
    assert_eq!(names(state.path()), left);

    let path = state.path().join("guard-index.lock");
    let mut lock: Value = serde_json::from_str(&fs::read_to_string(&path).expect("read")).expect("JSON");
    lock["since"] = (lock["since"].as_u64().expect("a number") - 301).into();
    fs::write(&path, lock.to_string()).expect("written");
    let together: Vec<Child> = (0..8).map(|_| start(hook(state.path(), "400"))).collect();
    let outcomes: Vec<u64> = together
        .into_iter()
        .map(|child| document(&finish(child))["metrics"]["bootstrap"].as_u64().expect("a number"))
        .collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == 1).count(), 1, "{outcomes:?}");
    assert_eq!(names(state.path()), ["guard-index"], "also what the killed one had half built is gone");
}

#[test]
fn a_living_owners_lock_is_left_alone_however_old_it_says_it_is() {
    let state = folder();
    let child = start(hook(state.path(), SLOW));
    process(state.path(), "index-part");
    let path = state.path().join("guard-index.lock");
    let mut lock: Value = serde_json::from_str(&fs::read_to_string(&path).expect("read")).expect("JSON");
    lock["since"] = 1_000.into();
    fs::write(&path, lock.to_string()).expect("written");
    assert_eq!(run(state.path())["bootstrap"], 5);
    assert!(path.exists());
    kill("TERM", child.id());
    finish(child);
    // It is not the lock any more that the owner made, so the owner does not take it for its own.
    assert!(path.exists());
    assert_eq!(run(state.path())["bootstrap"], 1);
}

#[test]
fn a_build_that_takes_too_long_is_ended_without_a_cooldown() {
    let state = folder();
    let mut command = hook(state.path(), SLOW);
    command.env("HOOKPROOF_REFERENCE_BUILD_LIMIT_MS", "300");
    let document = document(&finish(start(command)));
    assert_eq!(document["metrics"]["bootstrap"], 8);
    assert!(document["systemMessage"].as_str().is_some_and(|line| line.contains("longer than 0.3 s")));
    assert_nothing_runs(state.path());
    assert_eq!(names(state.path()), [""; 0]);
}

/// A real cap: enough address space for the hook and its builder, and not for the table of a part.
#[cfg(target_os = "linux")]
#[test]
fn a_lack_of_memory_is_a_kill() {
    let state = folder();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 16000 && exec \"$0\" bootstrap claude-code"]).arg(binary());
    environment(&mut command, state.path(), "0");
    let document = document(&finish(start(command)));
    let metrics = &document["metrics"];
    assert_eq!((metrics["bootstrap"].as_u64(), metrics["bootstrap_why"].as_u64()), (Some(3), Some(2)), "{document}");
    assert_eq!(names(state.path()), ["guard-index.cooldown"]);
    assert_eq!(run(state.path())["bootstrap"], 4, "also when there is memory again");
}

#[test]
fn an_ignored_hang_up_stays_ignored() {
    let state = folder();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" bootstrap claude-code"]).arg(binary());
    environment(&mut command, state.path(), "600");
    let child = start(command);
    process(state.path(), "index-part");
    kill("HUP", child.id());
    assert_eq!(document(&finish(child))["metrics"]["bootstrap"], 1);
}
