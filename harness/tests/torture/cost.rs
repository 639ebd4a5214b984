//! Cost: what a run uses is told, and what the harness uses is bounded.

use std::time::Duration;

use hookproof_harness::{Ending, StdinPlan};
use libtest_mimic::Failed;

use crate::{Bench, Suite, ensure, ensure_eq, me};

const MIB: u64 = 1024 * 1024;

/// Runs a host and returns the numbers it answers with.
fn ask_host(bench: &Bench, host: &str) -> Result<(Vec<u64>, String), Failed> {
    let command = me(host).arg(bench.mechanism.name).deadline(Duration::from_secs(120));
    let observation = bench.harness.run(&command)?;
    let text = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
    ensure(observation.ending == Ending::Exited { code: 0 }, || {
        format!("{:?}: {}", observation.ending, String::from_utf8_lossy(&observation.stderr.bytes))
    })?;
    ensure(observation.leaks.descendants.is_empty(), || format!("left behind: {:?}", observation.leaks))?;
    Ok((text.split(' ').map_while(|word| word.parse().ok()).collect(), text))
}

pub(crate) fn add(suite: &mut Suite) {
    suite.add("time_of_the_processor_is_counted", |bench| {
        let observation = bench.run(&me("spin").arg("400"))?;
        let (user, system) = (observation.cpu_user, observation.cpu_system);
        ensure(user.zip(system).is_some_and(|(u, s)| u + s >= Duration::from_millis(50)), || {
            format!("{user:?} and {system:?} of {:?}", observation.wall)
        })?;
        ensure(observation.wall >= Duration::from_millis(400), || format!("wall {:?}", observation.wall))
    });
    suite.add("peak_memory_is_told", |bench| {
        // More than this process itself ever has, with several trials at once.
        let observation = bench.run(&me("fill-memory").arg((400 * MIB).to_string()))?;
        let peak = observation.peak_memory;
        ensure(peak.is_some_and(|p| (400 * MIB..500 * MIB).contains(&p)), || format!("{peak:?}"))
    });
    #[cfg(target_os = "linux")]
    suite.add("a_large_harness_does_not_lend_its_size", |bench| {
        let (numbers, text) = ask_host(bench, "host-large")?;
        // 0 stands for "not known", which is honest; 300 MiB would be the harness's own.
        ensure(numbers.len() == 2 && numbers[0] < 20 * MIB, || text.clone())?;
        ensure(numbers[1] >= 400 * MIB && numbers[1] < 450 * MIB, || text)?;
        let exact = bench.mechanism.name == "best";
        ensure(!exact || numbers[0] > 0, || "the peak of a small program is not known".into())
    });
    suite.add("no_descriptor_is_lost_in_200_runs", |bench| {
        let (numbers, text) = ask_host(bench, "host-descriptors")?;
        ensure(numbers.len() == 2 && numbers[0] == numbers[1], || format!("before and after: {text}"))
    });
    suite.add("a_gibibyte_of_output_stays_within_bounds", |bench| {
        let (numbers, text) = ask_host(bench, "host-gibibyte")?;
        // KiB of growth; where the system does not tell there is nothing to compare.
        ensure(numbers.first().is_some_and(|grown| *grown < 16 * 1024), || text)
    });
    suite.add("threads_with_a_harness_each_do_not_disturb_one_another", |bench| {
        let mechanism = bench.mechanism;
        let worker = |thread: usize| -> Result<(), Failed> {
            let bench = Bench::new(mechanism)?;
            for run in 0..15 {
                let text = format!("thread {thread} run {run}");
                let observation = bench.run(&me("cat").stdin(StdinPlan::Whole(text.clone().into_bytes())))?;
                ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
                ensure_eq("stdout", &observation.stdout.bytes, &text.into_bytes())?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..6).map(|thread| scope.spawn(move || worker(thread))).collect();
            workers.into_iter().try_for_each(|w| w.join().map_err(|_| Failed::from("a thread failed"))?)
        })
    });
}
