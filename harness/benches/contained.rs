//! What a sandbox costs in processor time, of the program and of everything around it: user and system time of this process
//! and all that it has started, per run.
//!
//! Contained and uncontained runs take turns in batches, so that a busy machine disturbs both alike; the ratio of their
//! medians is the figure to quote.
//!
//! ```text
//! cargo bench -p hookproof-harness --bench contained [-- BATCHES]
//! ```
#![allow(clippy::print_stdout, reason = "a report for people")]

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("this system has no sandbox");
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod linux {
    use std::mem;
    use std::time::Duration;

    use hookproof_harness::{Ending, Harness, HookCommand, Network, Sandbox};

    const RUNS: u32 = 50;
    const BATCHES: usize = 20;
    const PROGRAMS: &[(&str, &[&str])] =
        &[("sh", &["-c", "exit 0"]), ("git", &["--version"]), ("python3", &["-c", "pass"]), ("node", &["-e", "0"])];

    pub(super) fn main() {
        let batches = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(BATCHES);
        println!("{:<10} {:>14} {:>14} {:>7}", "program", "uncontained µs", "contained µs", "ratio");
        for (program, arguments) in PROGRAMS {
            let mut times = [Vec::new(), Vec::new()];
            // The first batches warm up and do not count.
            for batch in 0..=batches {
                for (contained, times) in times.iter_mut().enumerate() {
                    let Some(time) = self::batch(program, arguments, contained == 1) else {
                        break;
                    };
                    if batch > 0 {
                        times.push(time);
                    }
                }
            }
            let [Some(free), Some(held)] = times.map(median) else {
                println!("{program:<10} is not here");
                continue;
            };
            println!("{program:<10} {free:>14.0} {held:>14.0} {:>7.2}", held / free);
        }
    }

    /// Processor time of one run. Helper processes are waited for with the harness, and counted then.
    fn batch(program: &str, arguments: &[&str], contained: bool) -> Option<f64> {
        let before = used();
        {
            let harness = Harness::new().expect("a harness");
            let mut command = HookCommand::new(program).args(arguments.iter().copied());
            if contained {
                command = command.sandbox(Sandbox::open().writable(std::env::temp_dir()).network(Network::Loopback));
            }
            for _ in 0..RUNS {
                let observation = harness.run(&command).expect("a run");
                if observation.ending != (Ending::Exited { code: 0 }) {
                    return None;
                }
            }
        }
        Some((used() - before).as_secs_f64() * 1e6 / f64::from(RUNS))
    }

    /// Of this process, and of all that it has waited for.
    fn used() -> Duration {
        let time = |time: libc::timeval| Duration::new(time.tv_sec.unsigned_abs(), time.tv_usec as u32 * 1000);
        let of = |whom| {
            // SAFETY: the kernel fills a plain structure.
            let usage = unsafe {
                let mut usage: libc::rusage = mem::zeroed();
                libc::getrusage(whom, &raw mut usage);
                usage
            };
            time(usage.ru_utime) + time(usage.ru_stime)
        };
        of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
    }

    fn median(mut times: Vec<f64>) -> Option<f64> {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    }
}
