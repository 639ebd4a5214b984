//! Programs that use the harness themselves, for facts of a whole process: other trials run in this one meanwhile.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hookproof_harness::{CaptureBounds, Harness, Limits, MechanismChoice};

use crate::me;

/// Entry of the hosts: `host-NAME MECHANISM ...`, answers on stdout.
pub(crate) fn host(args: &[String]) -> ExitCode {
    let choice = if args[1].starts_with("posix") { MechanismChoice::Posix } else { MechanismChoice::Best };
    let harness = Harness::with_mechanism(choice).expect("a harness");
    let answer = match args[0].as_str() {
        // Runs something until it is killed.
        "host-run" => {
            let _ = harness.run(&me("tick").arg(args[2].as_str()));
            String::new()
        }
        "host-descriptors" => {
            run_some(&harness, 5);
            let before = descriptors();
            run_some(&harness, 200);
            format!("{before} {}", descriptors())
        }
        "host-gibibyte" => {
            let bound = 1024 * 1024;
            let command =
                me("flood").arg((1_u64 << 30).to_string()).capture(CaptureBounds { stdout: bound, stderr: bound });
            let before = resident_peak();
            let begin = Instant::now();
            let observation = harness.run(&command).expect("a run");
            let speed = 1.0 / begin.elapsed().as_secs_f64();
            assert_eq!(observation.stdout.bytes.len(), bound);
            assert_eq!(observation.stdout.total, 1 << 30, "{:?}", observation.ending);
            format!("{} {speed:.2} GiB/s", resident_peak() - before)
        }
        // A large harness must not lend its size to a small program.
        "host-large" => {
            let memory = vec![1_u8; 300 << 20];
            let large = Harness::with_mechanism(choice).expect("a harness");
            let small = large.run(&me("exit").arg("0")).expect("a run").peak_memory;
            let grown = large.run(&me("fill-memory").arg((400_u64 << 20).to_string())).expect("a run").peak_memory;
            std::hint::black_box(&memory);
            format!("{} {}", small.unwrap_or(0), grown.unwrap_or(0))
        }
        // As a user whom the number of processes is counted for.
        #[cfg(unix)]
        "host-nobody" => {
            crate::children::become_nobody();
            let harness = Harness::with_mechanism(choice).expect("a harness");
            let command = me("start-child").limits(Limits::none().processes(1));
            let observation = harness.run(&command).expect("a run");
            let text = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
            format!("{text}, {}", observation.limits[0])
        }
        #[cfg(unix)]
        "host-situation" => crate::situation::host(crate::BEST, &args[2..]),
        #[cfg(unix)]
        "host-soak" => crate::situation::soak::host(
            if choice == MechanismChoice::Posix { crate::POSIX } else { crate::BEST },
            &args[2..],
        ),
        other => panic!("there is no host {other}"),
    };
    io::stdout().write_all(answer.as_bytes()).expect("writes");
    ExitCode::SUCCESS
}

fn run_some(harness: &Harness, count: usize) {
    for index in 0..count {
        // All kinds of ends: by itself, not started, killed, with something left behind.
        let command = match index % 4 {
            0 => me("exit").arg("0").limits(Limits::none().address_space(1 << 40).memory(1 << 30)),
            1 => hookproof_harness::HookCommand::new("surely-no-such-program"),
            2 => me("sleep").arg("60000").deadline(Duration::from_millis(20)).grace(Duration::from_millis(20)),
            _ => me("flooding-orphan").leak_grace(Duration::from_millis(5)),
        };
        harness.run(&command).expect("a run");
    }
}

#[cfg(unix)]
fn descriptors() -> usize {
    std::fs::read_dir("/dev/fd").expect("every Unix lists them").count()
}

#[cfg(windows)]
#[allow(unsafe_code)]
fn descriptors() -> usize {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessHandleCount};
    let mut count = 0;
    // SAFETY: the handle of this very process; the call writes a number.
    unsafe { GetProcessHandleCount(GetCurrentProcess(), &raw mut count) };
    count as usize
}

/// Peak resident memory in KiB, 0 where it is not told in a file.
fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
