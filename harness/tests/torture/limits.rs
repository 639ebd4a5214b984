//! Limits: they hold from the first instruction, what the system does not hold is told, and an ending is called a
//! limit's only with proof.

#[cfg(unix)]
use std::time::Duration;

#[cfg(target_os = "linux")]
use hookproof_harness::{Behaviour, probe};
#[cfg(unix)]
use hookproof_harness::{CauseKind, HookCommand, LimitProof, likely_cause};
use hookproof_harness::{Ending, Limit, LimitReport, Limits, Observation};
use libtest_mimic::Failed;

use crate::{Suite, ensure, ensure_eq, me};

const MIB: u64 = 1024 * 1024;

#[cfg(unix)]
fn output(observation: &Observation) -> String {
    String::from_utf8_lossy(&observation.stdout.bytes).into_owned()
}

fn report(observation: &Observation, limit: Limit) -> Result<LimitReport, Failed> {
    let found = observation.limits.iter().find(|report| report.limit == limit);
    found.cloned().ok_or_else(|| format!("there is no report on {limit}: {:?}", observation.limits).into())
}

/// The program ended by this limit, and there is a proof that says so, in the ending and in the report.
#[cfg(unix)]
fn ensure_hit(observation: &Observation, limit: Limit, fits: impl Fn(&LimitProof) -> bool) -> Result<(), Failed> {
    let Ending::LimitHit { limit: hit, proof, .. } = &observation.ending else {
        return Err(format!("{:?}, {:?}", observation.ending, observation.limits).into());
    };
    ensure(*hit == limit && fits(proof), || format!("{:?}", observation.ending))?;
    ensure_eq("the proof of the report", &report(observation, limit)?.proof, &Some(*proof))?;
    ensure_eq("the cause", &likely_cause(observation), &None)
}

#[cfg(unix)]
fn ensure_cause(observation: &Observation, kind: CauseKind, limit: Option<Limit>) -> Result<(), Failed> {
    let cause = likely_cause(observation);
    let fits = cause.as_ref().is_some_and(|cause| cause.kind == kind && cause.limit == limit);
    ensure(fits, || format!("{:?}: {cause:?}", observation.ending))
}

#[cfg(unix)]
fn ensure_signal(observation: &Observation, signal: i32) -> Result<(), Failed> {
    let fits = matches!(observation.ending, Ending::Signaled { signal: found, .. } if found == signal);
    ensure(fits, || format!("{:?}", observation.ending))
}

pub(crate) fn add(suite: &mut Suite) {
    suite.add("no_limit_is_reported_that_was_not_asked_for", |bench| {
        let observation = bench.run(&me("exit").arg("0"))?;
        ensure_eq("limits", &observation.limits, &Vec::new())
    });
    suite.add("what_a_report_says_of_memory_is_true", |bench| {
        for limit in [Limit::Memory, Limit::Data] {
            // Committed memory counts on Windows, so the program needs room for itself.
            let hog = me("fill-memory").arg((400 * MIB).to_string());
            let observation = bench.run(&hog.limits(Limits::none().with(limit, 150 * MIB)))?;
            let held = report(&observation, limit)?.is_enforced();
            // What is watched from outside can be gone before anybody looks.
            let quick = format!("{:?}", observation.limits).contains("watched");
            let survived = observation.ending == Ending::Exited { code: 0 };
            ensure(survived != held || (quick && held), || {
                format!("{:?}, {:?}", observation.ending, observation.limits)
            })?;
        }
        Ok(())
    });
    suite.add("enough_is_enough", |bench| {
        let limits = Limits::none().memory(512 * MIB).cpu_seconds(60).processes(10_000);
        let observation = bench.run(&me("hold-memory").args([(20 * MIB).to_string(), "50".into()]).limits(limits))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        ensure_eq("reports", &observation.limits.len(), &3)?;
        ensure(observation.limits.iter().all(|report| report.proof.is_none()), || format!("{:?}", observation.limits))
    });
    #[cfg(windows)]
    suite.add("a_system_without_a_limit_says_so", |bench| {
        let limits = Limits::none().address_space(MIB).stack(MIB).open_files(1).file_size(1);
        let observation = bench.run(&me("exit").arg("0").limits(limits))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        ensure_eq("reports", &observation.limits.len(), &4)?;
        ensure(!observation.limits.iter().any(LimitReport::is_enforced), || format!("{:?}", observation.limits))
    });
    #[cfg(unix)]
    add_unix(suite);
    #[cfg(target_os = "linux")]
    add_linux(suite);
}

#[cfg(unix)]
fn add_unix(suite: &mut Suite) {
    suite.add("cpu_time_ends_a_program_with_proof", |bench| {
        let command = me("spin").arg("20000").limits(Limits::none().cpu_seconds(1));
        let observation = bench.run(&command)?;
        ensure_hit(&observation, Limit::Cpu, |proof| *proof == LimitProof::Signal { signal: libc::SIGXCPU })?;
        let Ending::LimitHit { seen, .. } = &observation.ending else { return Err("checked above".into()) };
        ensure(matches!(**seen, Ending::Signaled { signal: libc::SIGXCPU, .. }), || format!("{seen:?}"))
    });
    suite.add("somebody_elses_signal_is_no_limit", |bench| {
        let limits = Limits::none().cpu_seconds(20).memory(512 * MIB);
        for signal in [libc::SIGKILL, libc::SIGFPE, libc::SIGTRAP] {
            let observation = bench.run(&me("signal-self").arg(signal.to_string()).limits(limits.clone()))?;
            ensure_signal(&observation, signal)?;
        }
        let killed = bench.run(&me("signal-self").arg(libc::SIGKILL.to_string()).limits(limits))?;
        ensure_cause(&killed, CauseKind::ForeignSignal { signal: libc::SIGKILL }, None)
    });
    suite.add("a_large_file_ends_a_program_with_proof", |bench| {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("large");
        let command = me("write-file").arg(&file).arg((2 * MIB).to_string());
        let observation = bench.run(&command.limits(Limits::none().file_size(MIB)))?;
        ensure_hit(&observation, Limit::FileSize, |proof| *proof == LimitProof::Signal { signal: libc::SIGXFSZ })?;
        ensure_eq("size of the file", &file.metadata()?.len(), &MIB)
    });
    suite.add("pipes_are_no_files", |bench| {
        let observation = bench.run(&me("flood").arg("1000000").limits(Limits::none().file_size(10)))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        ensure_eq("stdout", &observation.stdout.total, &1_000_000)
    });
    suite.add("descriptors_run_out", |bench| {
        let observation = bench.run(&me("open-files").arg("100").limits(Limits::none().open_files(20)))?;
        ensure_eq("opened, besides the three streams", &output(&observation), &"17".to_owned())
    });
    suite.add("what_the_system_refuses_is_told", |bench| {
        let observation = bench.run(&me("exit").arg("0").limits(Limits::none().open_files(1 << 50)))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        let report = report(&observation, Limit::OpenFiles)?;
        ensure(!report.is_enforced() && report.to_string().contains("refused"), || report.to_string())
    });
    suite.add("the_superuser_may_have_any_number_of_processes_and_others_not", |bench| {
        let direct = bench.run(&me("start-child").limits(Limits::none().processes(1)))?;
        let told = report(&direct, Limit::Processes)?;
        // SAFETY: answers with a number.
        #[allow(unsafe_code)]
        let superuser = unsafe { libc::getuid() } == 0;
        ensure_eq("enforced", &told.is_enforced(), &!superuser)?;
        ensure_eq("child", &output(&direct), &if superuser { "started" } else { "refused" }.to_owned())?;
        if bench.mechanism.contained {
            // Nobody becomes another user in a sandbox.
            return Ok(());
        }
        let host = bench.run(&me("host-nobody").arg(bench.mechanism.name))?;
        let text = output(&host);
        ensure(text.starts_with("refused, processes 1 processes: RLIMIT_NPROC, "), || {
            format!("{text} {:?} {}", host.ending, String::from_utf8_lossy(&host.stderr.bytes))
        })
    });
    suite.add("a_wrapper_hides_the_signal_of_its_child", |bench| {
        let command = HookCommand::shell("sh -c 'while :; do :; done'; exit $?").limits(Limits::none().cpu_seconds(1));
        let observation = bench.run(&command)?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 128 + libc::SIGXCPU })?;
        ensure_cause(&observation, CauseKind::InnerSignal { signal: libc::SIGXCPU }, None)
    });
    suite.add("a_tree_is_stopped_though_none_of_it_is_large", |bench| {
        let command = me("hold-memory-together").args(["3".into(), (60 * MIB).to_string(), "4000".into()]);
        let observation = bench.run(&command.limits(Limits::none().memory(120 * MIB)))?;
        let memory = report(&observation, Limit::Memory)?;
        ensure(memory.is_enforced() && memory.proof.is_some(), || memory.to_string())?;
        ensure(observation.wall < Duration::from_secs(15), || format!("{:?}", observation.wall))?;
        // The kernel kills one of the children, and then its parent gives up; we kill all of them.
        let watched = memory.to_string().contains("watched");
        ensure(!watched || matches!(observation.ending, Ending::LimitHit { limit: Limit::Memory, .. }), || {
            format!("{:?}", observation.ending)
        })
    });
    suite.add("a_program_that_fills_memory_is_ended_with_proof", |bench| {
        let command = me("hold-memory").args([(300 * MIB).to_string(), "20000".into()]);
        let observation = bench.run(&command.limits(Limits::none().memory(100 * MIB)))?;
        let watched = report(&observation, Limit::Memory)?.to_string().contains("watched");
        ensure_hit(&observation, Limit::Memory, |proof| match proof {
            LimitProof::OomKill { count } => !watched && *count > 0,
            LimitProof::Footprint { bytes } => watched && *bytes > 100 * MIB,
            _ => false,
        })
    });
    suite.add("a_wrapper_that_outlives_the_memory_of_its_child", |bench| {
        let hog = format!("{} {} 20000; exit $?", me("hold-memory"), 300 * MIB);
        let observation = bench.run(&HookCommand::shell(hog).limits(Limits::none().memory(100 * MIB)))?;
        let memory = report(&observation, Limit::Memory)?;
        ensure(memory.proof.is_some(), || memory.to_string())?;
        if memory.to_string().contains("watched") {
            return ensure_hit(&observation, Limit::Memory, |_| true);
        }
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 128 + libc::SIGKILL })?;
        ensure_cause(&observation, CauseKind::OutOfMemory, Some(Limit::Memory))
    });
    suite.add("a_flood_under_a_memory_limit_is_read_as_fast_as_any", |bench| {
        let limits = Limits::none().memory(512 * MIB);
        let observation = bench.run(&me("flood").arg((256 * MIB).to_string()).limits(limits))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        ensure_eq("stdout", &observation.stdout.total, &(256 * MIB))
    });
    suite.add("limits_of_one_run_do_not_reach_the_next", |bench| {
        bench.run(&me("exit").arg("0").limits(Limits::none().open_files(10).cpu_seconds(1).data(100 * MIB)))?;
        let observation = bench.run(&me("open-files").arg("50"))?;
        ensure_eq("opened", &output(&observation), &"50".to_owned())
    });
    suite.add("a_deadline_ends_a_limited_program_as_any_other", |bench| {
        let limits = Limits::none().address_space(1 << 40).memory(512 * MIB).cpu_seconds(30);
        let command = me("sleep").arg("60000").limits(limits).deadline(Duration::from_millis(300));
        let observation = bench.run(&command)?;
        ensure(matches!(observation.ending, Ending::TimedOut { .. }), || format!("{:?}", observation.ending))
    });
}

#[cfg(target_os = "linux")]
fn add_linux(suite: &mut Suite) {
    suite.add("limits_hold_at_the_first_instruction_and_cannot_be_raised", |bench| {
        let limits = Limits::none()
            .address_space(1 << 40)
            .data(1 << 39)
            .stack(4 * MIB)
            .cpu_seconds(7)
            .open_files(50)
            .file_size(12_345)
            .processes(9000);
        let observation = bench.run(&me("print-limits").limits(limits.clone()))?;
        let expected = "address-space 1099511627776 1099511627776\ndata 549755813888 549755813888\n\
                        stack 4194304 4194304\ncpu 7 8\nopen-files 50 50\nfile-size 12345 12345\n\
                        processes 9000 9000\ncore 0 0";
        ensure_eq("limits", &output(&observation), &expected.to_owned())?;
        ensure_eq("reports", &observation.limits.len(), &7)
    });
    suite.add("who_ignores_the_end_of_its_time_is_killed_with_proof", |bench| {
        let observation = bench.run(&me("spin-on").limits(Limits::none().cpu_seconds(1)))?;
        let two = Duration::from_secs(2);
        ensure_hit(&observation, Limit::Cpu, |proof| matches!(proof, LimitProof::CpuTime { used } if *used >= two))
    });
    suite.add("the_signal_without_the_time_is_no_limit", |bench| {
        let limits = Limits::none().cpu_seconds(20);
        let observation = bench.run(&me("signal-self").arg(libc::SIGXCPU.to_string()).limits(limits))?;
        ensure_signal(&observation, libc::SIGXCPU)
    });
    suite.add("an_allocation_that_fails_is_the_programs_own_end", |bench| {
        for limit in [Limit::AddressSpace, Limit::Data] {
            let command = me("fill-memory").arg((400 * MIB).to_string()).limits(Limits::none().with(limit, 200 * MIB));
            let observation = bench.run(&command)?;
            ensure_signal(&observation, libc::SIGABRT)?;
            ensure_cause(&observation, CauseKind::RuntimeAbort, Some(limit))?;
        }
        Ok(())
    });
    suite.add("killed_while_it_was_loaded_is_not_started", |bench| {
        // Less than any program needs for its own text and stack.
        let observation = bench.run(&me("exit").arg("0").limits(Limits::none().address_space(64 * 1024)))?;
        if bench.mechanism.choice == hookproof_harness::MechanismChoice::Posix {
            ensure_signal(&observation, libc::SIGSEGV)?;
            return ensure_cause(&observation, CauseKind::SilentCrash, Some(Limit::AddressSpace));
        }
        let Ending::NotStarted { error } = &observation.ending else {
            return Err(format!("{:?}", observation.ending).into());
        };
        ensure_eq("step", &error.step.as_str(), &"load the program")?;
        ensure(error.message.contains("address-space 65536 bytes"), || error.message.clone())?;
        ensure(report(&observation, Limit::AddressSpace)?.is_enforced(), || format!("{:?}", observation.limits))
    });
    suite.add_if(
        "a_crash_of_its_own_is_told_from_one_in_exec",
        |m| m.name == "best",
        |bench| {
            let limits = Limits::none().address_space(1 << 40);
            let observation = bench.run(&HookCommand::shell("kill -SEGV $$").limits(limits))?;
            ensure_signal(&observation, libc::SIGSEGV)
        },
    );
    // Where the bands begin is a matter of the program's file; that they follow one another is not.
    #[cfg(target_env = "gnu")]
    suite.add("between_no_room_at_all_and_enough_the_loader_complains", |bench| {
        let mut complained = false;
        for quarters in 1..64 {
            let limits = Limits::none().address_space(quarters * MIB / 4);
            let observation = bench.run(&me("exit").arg("0").limits(limits))?;
            match observation.ending {
                Ending::Exited { code: 0 } => return ensure(complained, || "no loader was heard of".into()),
                Ending::Exited { code: 127 } => {
                    complained = true;
                    ensure_cause(&observation, CauseKind::LoaderFailure, Some(Limit::AddressSpace))?;
                }
                _ => {}
            }
        }
        Err("16 MiB were not enough".into())
    });
    suite.add("no_real_memory_at_all_is_not_called_an_exit", |bench| {
        let observation = bench.run(&me("hold-memory").args(["1", "5000"]).limits(Limits::none().memory(64 * 1024)))?;
        let fits = match &observation.ending {
            Ending::NotStarted { error } => error.step == "load the program",
            // The kernel may let it begin before it kills it.
            Ending::LimitHit { limit: Limit::Memory, .. } => true,
            _ => false,
        };
        ensure(fits, || format!("{:?}, {:?}", observation.ending, observation.limits))
    });
    suite.add("a_probe_finds_what_a_program_needs", |bench| {
        let limit = Limit::AddressSpace;
        let run = |value| {
            let command = me("exit").arg("0").limits(Limits::none().with(limit, value));
            bench.harness.run(&command.deadline(Duration::from_secs(10)))
        };
        let works = |observation: &Observation| observation.ending == Ending::Exited { code: 0 };
        let found = probe(limit, 64 * 1024, 1 << 40, run, works)?;
        let floor = found.floor.ok_or("a tebibyte was not enough")?;
        ensure((MIB..64 * MIB).contains(&floor), || format!("{floor}"))?;
        ensure(works(&run(floor)?) && !works(&run(floor * 9 / 10)?), || format!("{:?}", found.points))?;
        let silent = found.points.iter().any(|point| point.behaviour == Behaviour::SilentDeath);
        ensure(silent, || format!("{:?}", found.points))
    });
    suite.add("a_small_stack_leaves_no_room_for_arguments", |bench| {
        let command = me("exit").arg("0").args(vec!["x".repeat(1000); 500]).limits(Limits::none().stack(MIB));
        let observation = bench.run(&command)?;
        let Ending::NotStarted { error } = &observation.ending else {
            return Err(format!("{:?}", observation.ending).into());
        };
        ensure_eq("error", &error.os_error, &Some(libc::E2BIG))?;
        ensure(error.message.contains("262144"), || error.message.clone())
    });
    suite.add("a_script_is_seen_to_begin", |bench| {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("hook");
        std::fs::write(&script, "#!/bin/sh\necho here\n")?;
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let observation = bench.run(&HookCommand::new(script).limits(Limits::none().address_space(1 << 40)))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
        ensure_eq("stdout", &output(&observation), &"here\n".to_owned())
    });
    suite.add("shared_memory_counts_once", |bench| {
        let command = me("share-memory").args(["4".into(), (60 * MIB).to_string(), "400".into()]);
        let observation = bench.run(&command.limits(Limits::none().memory(120 * MIB)))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })
    });
    suite.add_if(
        "a_daemon_counts_too",
        |mechanism| mechanism.sees_daemons,
        |bench| {
            let command = me("leave-memory-daemon").arg((200 * MIB).to_string());
            let observation =
                bench.run(&command.limits(Limits::none().memory(100 * MIB)).deadline(Duration::from_secs(10)))?;
            ensure(report(&observation, Limit::Memory)?.proof.is_some(), || format!("{:?}", observation.limits))
        },
    );
    suite.add("a_hundred_limited_runs_are_all_alike", |bench| {
        let limits = Limits::none().address_space(1 << 40).cpu_seconds(5).memory(1 << 30).open_files(64);
        for _ in 0..100 {
            let observation = bench.run(&me("exit").arg("3").limits(limits.clone()))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code: 3 })?;
            ensure_eq("reports", &observation.limits.len(), &4)?;
        }
        Ok(())
    });
}
