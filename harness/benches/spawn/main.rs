//! What supervision costs: a run of the harness, without limits and with some, against a bare `posix_spawn` with three
//! pipes and against `std::process::Command`.
//!
//! The ways take turns in batches of ten inside one process, so that a busy machine disturbs all of them alike; the
//! ratio to the first way is the figure to quote. All give the program 1 KiB on stdin, read stdout and stderr to their
//! end and wait. Everything is measured twice: in a small process, and with 500 MiB resident.
//!
//! ```text
//! cargo bench -p hookproof-harness --bench spawn [-- RUNS [/PATH/OF/A/PROGRAM]]
//! ```
#![allow(clippy::print_stdout, reason = "a report for people")]

#[cfg(unix)]
mod bare;

use std::hint::black_box;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hookproof_harness::{Ending, Harness, HookCommand, Limits, MechanismChoice, Network, Sandbox, StdinPlan};

const BATCH: usize = 10;
const RUNS: usize = 1000;
const LARGE: usize = 500 << 20;

type Way = (String, Box<dyn FnMut()>);
/// A path and arguments.
type Program = (String, &'static [&'static str]);

fn main() {
    // Cargo passes `--bench`.
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runs = args.iter().find_map(|a| a.parse().ok()).unwrap_or(RUNS);
    let program = match args.into_iter().find(|a| a.contains('/')) {
        Some(path) => (path, [].as_slice()),
        None => program(),
    };
    println!(
        "{:<24} {:<18} {:>10} {:>10} {:>10} {:>10}",
        "harness size", "way", "p10 µs", "median µs", "p10", "median"
    );
    measure("small", &program, runs);
    let memory = vec![1_u8; LARGE];
    measure("500 MiB resident", &program, runs);
    black_box(&memory);
}

fn payload() -> Vec<u8> {
    format!("{{\"filler\":\"{}\"}}", "x".repeat(1010)).into_bytes()
}

/// A program that does nothing, and is everywhere.
fn program() -> Program {
    if cfg!(windows) {
        (r"C:\Windows\System32\cmd.exe".to_owned(), &["/D", "/C", "exit"])
    } else {
        ("/bin/true".to_owned(), &[])
    }
}

fn measure(size: &str, program: &Program, runs: usize) {
    let mut ways = ways(program);
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(runs); ways.len()];
    // The first batch warms up and does not count.
    for round in 0..=runs.div_ceil(BATCH) {
        for ((_, run), times) in ways.iter_mut().zip(&mut times) {
            for _ in 0..BATCH {
                let begin = Instant::now();
                run();
                if round > 0 {
                    times.push(begin.elapsed());
                }
            }
        }
    }
    let quantiles: Vec<_> = times.into_iter().map(quantiles).collect();
    for ((name, _), (low, median)) in ways.iter().zip(&quantiles) {
        let (low_ratio, median_ratio) = (low / quantiles[0].0, median / quantiles[0].1);
        println!("{size:<24} {name:<18} {low:>10.1} {median:>10.1} {low_ratio:>10.2} {median_ratio:>10.2}");
    }
}

/// The 10th and the 50th percentile in microseconds.
fn quantiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e6;
    (at(10), at(50))
}

fn ways((program, args): &Program) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    #[cfg(unix)]
    {
        let (program, payload) = (program.clone(), payload());
        ways.push(("posix_spawn".into(), Box::new(move || bare::run(&program, &payload))));
    }
    let own = (program.clone(), *args);
    ways.push(("std".into(), Box::new(move || by_the_standard_library(&own))));
    for (name, choice) in [("harness", MechanismChoice::Best), ("posix", MechanismChoice::Posix)] {
        for (what, limits, sandbox) in [
            ("", Limits::none(), None),
            (" contained", Limits::none(), Some(contained())),
            (" cpu files", cheap(), None),
            (" all sizes", sizes(), None),
            (" memory", memory(), None),
        ] {
            let Ok(harness) = Harness::with_mechanism(choice) else {
                continue;
            };
            let mut command = HookCommand::new(program.clone())
                .args(args.iter().copied())
                .stdin(StdinPlan::Whole(payload()))
                .limits(limits);
            command.sandbox = sandbox;
            let run = move || {
                let observation = harness.run(&command).expect("a run");
                assert_eq!(observation.ending, Ending::Exited { code: 0 });
            };
            ways.push((format!("{name}{what}"), Box::new(run)));
        }
    }
    ways
}

/// Limits that need nothing but being set.
fn cheap() -> Limits {
    Limits::none().cpu_seconds(60).open_files(256).file_size(1 << 30)
}

/// With those that may prevent the program from being loaded, so that its beginning is watched.
fn sizes() -> Limits {
    cheap().address_space(1 << 40).data(1 << 36).stack(8 << 20)
}

/// The limit on real memory, by whatever mechanism this system has.
fn memory() -> Limits {
    Limits::none().memory(1 << 30)
}

/// Nothing may be written but in the temporary folder, and nobody be reached beyond this machine. The program tries
/// neither, so this is what the sandbox itself costs.
fn contained() -> Sandbox {
    Sandbox::open().writable(std::env::temp_dir()).network(Network::Loopback)
}

fn by_the_standard_library((program, args): &Program) {
    let mut child = Command::new(program)
        .args(*args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("was asked for");
    // A program that reads nothing may be gone already.
    let _ = stdin.write_all(&payload());
    drop(stdin);
    assert!(child.wait_with_output().expect("a run").status.success());
}
