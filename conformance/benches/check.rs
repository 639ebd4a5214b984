//! What the suite costs: `cargo bench -p hookproof`.
//!
//! Every figure is a comparison of two things that are measured in turns in this one process, and the median of the
//! ratios of neighbouring turns: a machine that is busy for a while slows both sides. Absolute times are printed beside
//! it for orientation and hold for this machine only.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hint::black_box;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hookproof::contract::{Contract, Library};
use hookproof::oracle::{Ended, Facts, interpret};
use hookproof::payload::Payloads;
use hookproof::plan::{Case, Filter, Scenarios, plan};
use hookproof::requirement::{Catalogue, Level};
use hookproof::run::{CheckOptions, Checker, Confinement, Interrupter};
use hookproof::schema::{Validator, output};
use hookproof::subject::{Subject, from_command};

/// Turns of each comparison of short work.
const TURNS: usize = 31;
/// Turns of a whole check of the reference hook.
const WHOLE_CHECKS: usize = 3;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let contract = Library::built_in()?.select("claude-code")?;
    let mut out = io::stdout().lock();
    interpreting(&mut out, &contract)?;
    schemas(&mut out, &contract)?;
    one_case(&mut out, &contract)?;
    whole_check(&mut out, &contract)
}

/// Two kinds of work, measured in turns.
struct Pair {
    /// Median time of the first kind.
    first: Duration,
    /// Median time of the second kind.
    second: Duration,
    /// Median of first to second, turn by turn.
    ratio: f64,
}

fn pair(turns: usize, mut first: impl FnMut() -> Duration, mut second: impl FnMut() -> Duration) -> Pair {
    // One turn to warm up, which is not counted.
    let _ = (first(), second());
    let mut turns: Vec<(Duration, Duration)> = (0..turns)
        .map(|turn| {
            // Who goes first changes, so that neither always finds the caches of the other.
            if turn % 2 == 0 {
                let first = first();
                (first, second())
            } else {
                let second = second();
                (first(), second)
            }
        })
        .collect();
    let middle = turns.len() / 2;
    let mut ratios: Vec<f64> = turns.iter().map(|(a, b)| a.as_secs_f64() / b.as_secs_f64().max(1e-9)).collect();
    ratios.sort_by(f64::total_cmp);
    turns.sort_by_key(|(a, _)| *a);
    let first = turns[middle].0;
    turns.sort_by_key(|(_, b)| *b);
    Pair { first, second: turns[middle].1, ratio: ratios[middle] }
}

/// Time of one of `count` calls.
fn per_call(count: u32, mut work: impl FnMut()) -> Duration {
    let begun = Instant::now();
    for _ in 0..count {
        work();
    }
    begun.elapsed() / count
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The oracle against plain parsing of the same stdout.
fn interpreting(out: &mut impl Write, contract: &Contract) -> Result<(), AnyError> {
    let event = &contract.events["PreToolUse"];
    let deny = br#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"not here"}}"#;
    let long = format!(r#"{{"systemMessage":"{}"}}"#, "a word and ".repeat(90_000));
    for (name, stdout, count) in [("a deny", deny.as_slice(), 500), ("1 MB of text", long.as_bytes(), 3)] {
        let facts = Facts::new(Ended::Exit(0), stdout, b"");
        let pair = pair(
            TURNS,
            || per_call(count, || drop(black_box(interpret(contract, event, black_box(&facts))))),
            || per_call(count, || drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(stdout))))),
        );
        writeln!(
            out,
            "interpret, {name}: {:.1} us a call; {:.1} times what serde_json takes to parse it ({:.1} us)",
            micros(pair.first),
            pair.ratio,
            micros(pair.second)
        )?;
    }
    Ok(())
}

/// A schema that is compiled for each document against one that is kept.
fn schemas(out: &mut impl Write, contract: &Contract) -> Result<(), AnyError> {
    let schema = output(contract, &contract.events["PreToolUse"]);
    let document =
        serde_json::json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "ask"}});
    let kept = Validator::new(&schema);
    assert!(kept.is_valid(&document), "a sound answer is measured");
    let pair = pair(
        TURNS,
        || per_call(5, || assert!(Validator::new(black_box(&schema)).is_valid(black_box(&document)))),
        || per_call(5000, || assert!(kept.is_valid(black_box(&document)))),
    );
    writeln!(
        out,
        "schema, compiled anew: {:.1} us a document; {:.0} times a kept one ({:.2} us)",
        micros(pair.first),
        pair.ratio,
        micros(pair.second)
    )?;
    Ok(())
}

const HOOK: &str = env!("CARGO_BIN_EXE_hookproof");

fn reference() -> Subject {
    let arguments = ["__reference-hook", "{platform}", "{event}"].map(OsString::from);
    from_command(&OsString::from(HOOK), &arguments)
}

fn checker(contract: &Contract, jobs: usize) -> Result<Checker<'_>, AnyError> {
    Ok(Checker {
        contract,
        catalogue: Catalogue::built_in()?,
        options: CheckOptions {
            slots: None,
            jobs,
            patience: Duration::from_secs(10),
            level: Level::May,
            fail_fast: false,
            environment: BTreeMap::new(),
            launchers: Vec::new(),
            confinement: Confinement::default(),
            left_out: Vec::new(),
        },
        interrupter: Interrupter::default(),
    })
}

/// The time of a check, with the number of processes that it started.
fn check(checker: &Checker<'_>, subjects: &[Subject], cases: &[Case<'_>]) -> Result<(Duration, usize), AnyError> {
    let begun = Instant::now();
    let summary = checker.check(subjects, &[], cases, |_| Ok(()))?;
    let wall = begun.elapsed();
    // A check that went wrong is not what anybody wants to know the speed of.
    assert_eq!((summary.must, summary.harness_errors), (0, 0), "the reference hook conforms");
    Ok((wall, summary.spawns))
}

/// One case, with all that belongs to it, against a bare start of the same command.
fn one_case(out: &mut impl Write, contract: &Contract) -> Result<(), AnyError> {
    let subjects = [reference()];
    let filter = Filter { events: vec!["PreToolUse".to_owned()], scenarios: vec!["baseline".to_owned()] };
    let cases = plan(contract, &subjects, Payloads::built_in()?, Scenarios::built_in()?, &filter);
    let documents: Vec<Vec<u8>> = cases.iter().map(|case| format!("{}\n", case.payload.stdin).into_bytes()).collect();
    let checker = checker(contract, 1)?;
    let count = u32::try_from(cases.len())?;
    let mut failure = None;
    let pair = pair(
        TURNS,
        || match check(&checker, &subjects, &cases) {
            Ok((wall, _)) => wall / count,
            Err(error) => {
                failure = Some(error.to_string());
                Duration::ZERO
            }
        },
        || {
            let begun = Instant::now();
            for document in &documents {
                bare(document).expect("the reference hook can be started");
            }
            begun.elapsed() / count
        },
    );
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    writeln!(
        out,
        "a case: {:.2} ms; {:.2} times a bare start of the same command ({:.2} ms), {:.2} ms more",
        micros(pair.first) / 1e3,
        pair.ratio,
        micros(pair.second) / 1e3,
        (micros(pair.first) - micros(pair.second)) / 1e3
    )?;
    Ok(())
}

/// Starts the hook as a program would that measures nothing.
fn bare(document: &[u8]) -> io::Result<()> {
    let mut child = Command::new(PathBuf::from(HOOK))
        .args(["__reference-hook", "claude-code", "PreToolUse"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(document)?;
    }
    child.wait_with_output().map(drop)
}

/// All cases of the reference hook, on one processor and on all.
fn whole_check(out: &mut impl Write, contract: &Contract) -> Result<(), AnyError> {
    let subjects = [reference()];
    let cases = plan(contract, &subjects, Payloads::built_in()?, Scenarios::built_in()?, &Filter::default());
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (one, all) = (checker(contract, 1)?, checker(contract, processors)?);
    let mut processes = 0;
    let mut time = |checker: &Checker<'_>| match check(checker, &subjects, &cases) {
        Ok((wall, runs)) => {
            processes = runs;
            wall
        }
        Err(error) => panic!("the check of the reference hook failed: {error}"),
    };
    // Two closures cannot both borrow the clock, so that the turns are made by hand here.
    let mut turns: Vec<(Duration, Duration)> = (0..WHOLE_CHECKS).map(|_| (time(&one), time(&all))).collect();
    turns.sort_by(|a, b| (a.0.as_secs_f64() / a.1.as_secs_f64()).total_cmp(&(b.0.as_secs_f64() / b.1.as_secs_f64())));
    let (alone, together) = turns[turns.len() / 2];
    let rate = |wall: Duration| f64::from(u32::try_from(cases.len()).unwrap_or(u32::MAX)) / wall.as_secs_f64();
    writeln!(
        out,
        "the reference hook: {} cases, {processes} processes; {:.0} cases a second one at a time, {:.0} with {processors} at a time ({:.2} times)",
        cases.len(),
        rate(alone),
        rate(together),
        alone.as_secs_f64() / together.as_secs_f64()
    )?;
    Ok(())
}
