//! Readers that stop: what a program meets that writes to somebody who has gone.

use std::time::Duration;

use hookproof_harness::{Capture, Ending, FullDevice, HookCommand, Observation, ReadPlan, ReaderPlan};
use libtest_mimic::Failed;

use crate::{Bench, Suite, ensure, ensure_eq, me, under_wine};

/// Who notices that nobody reads ends like this.
const NOTICED: Ending = Ending::Exited { code: 9 };

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A reader of the stream that is called so, and a reader of everything on the other one.
fn reader(stream: &str, plan: ReadPlan) -> ReaderPlan {
    match stream {
        "stdout" => ReaderPlan { stdout: plan, ..ReaderPlan::default() },
        _ => ReaderPlan { stderr: plan, ..ReaderPlan::default() },
    }
}

/// A program that writes pieces to a stream until it is refused.
fn writer(stream: &str, piece: u64, pause: u64) -> HookCommand {
    let numbers = [piece, pause].map(|number| number.to_string());
    // What a mistake costs.
    patient(me("write-until-refused").arg(stream).args(numbers).deadline(ms(20_000)))
}

/// Wine's conhost.exe inherits the streams of the program that it serves, and goes some time after it.
fn patient(command: HookCommand) -> HookCommand {
    if under_wine() { command.leak_grace(ms(5_000)) } else { command }
}

fn output<'a>(observation: &'a Observation, stream: &str) -> &'a Capture {
    if stream == "stdout" { &observation.stdout } else { &observation.stderr }
}

/// The stream was closed by us, the other one was not, and the program has noticed. Returns how much it wrote before.
fn ensure_noticed(observation: &Observation, stream: &str) -> Result<u64, Failed> {
    let (closed, other) = match stream {
        "stdout" => (&observation.stdout, &observation.stderr),
        _ => (&observation.stderr, &observation.stdout),
    };
    ensure_eq("ending", &observation.ending, &NOTICED)?;
    ensure(closed.closed_by_us.is_some() && closed.eof.is_none(), || format!("{closed:?}"))?;
    ensure(other.closed_by_us.is_none() && other.eof.is_some(), || format!("{other:?}"))?;
    ensure_eq("leaks", &observation.leaks, &hookproof_harness::Leaks::default())?;
    String::from_utf8_lossy(&other.bytes).parse().map_err(|_| format!("{other:?}").into())
}

pub(crate) fn add(suite: &mut Suite) {
    suite.add("the_first_byte_for_a_closed_stream_is_refused", |bench| {
        for (stream, plan) in [
            ("stdout", ReadPlan::Closed),
            ("stderr", ReadPlan::Closed),
            ("stdout", ReadPlan::Bytes(0)),
            ("stderr", ReadPlan::For(Duration::ZERO)),
        ] {
            let observation = bench.run(&writer(stream, 1, 0).reader(reader(stream, plan)))?;
            ensure_eq("what went away", &ensure_noticed(&observation, stream)?, &0)?;
            let capture = output(&observation, stream);
            let expected = Capture { closed_by_us: Some(Duration::ZERO), ..Capture::default() };
            ensure_eq("what was read", capture, &expected)?;
        }
        Ok(())
    });
    suite.add("a_stream_without_room_takes_nothing", |bench| {
        for stream in ["stdout", "stderr"] {
            let plan = reader(stream, ReadPlan::Full);
            let once = bench.run(&me("exit").arg("3").reader(plan))?;
            ensure_eq("ending", &once.ending, &Ending::Exited { code: 3 })?;
            let capture = output(&once, stream);
            if let Some(FullDevice::NotPossible { because }) = &capture.full {
                ensure(!cfg!(target_os = "linux") && capture.eof.is_some(), || because.clone())?;
                continue;
            }
            ensure_eq("what is said of it", &capture.full, &Some(FullDevice::Full))?;
            let observation = bench.run(&writer(stream, 1, 0).reader(plan))?;
            ensure_eq("what went away", &ensure_noticed(&observation, stream)?, &0)?;
            ensure_eq("bytes", &output(&observation, stream).total, &0)?;
        }
        Ok(())
    });
    suite.add("nobody_reads_anything", |bench| {
        let nobody = ReaderPlan { stdout: ReadPlan::Closed, stderr: ReadPlan::Closed };
        let observation = bench.run(&writer("stdout", 1, 0).reader(nobody))?;
        ensure_eq("ending", &observation.ending, &NOTICED)?;
        ensure_eq("bytes", &(observation.stdout.total + observation.stderr.total), &0)
    });
    suite.add("exactly_so_many_bytes_are_read", |bench| {
        // Below and above what is read at once, and what a pipe holds.
        for (stream, count, piece) in [("stdout", 1000, 1), ("stderr", 1, 70_000), ("stdout", 300_001, 4096)] {
            let observation = bench.run(&writer(stream, piece, 0).reader(reader(stream, ReadPlan::Bytes(count))))?;
            let written = ensure_noticed(&observation, stream)?;
            let capture = output(&observation, stream);
            ensure_eq("bytes read", &(capture.total, capture.bytes.len() as u64), &(count, count))?;
            // The piece that was refused may have been taken in part.
            ensure(written + piece >= count, || format!("{written} written, {count} read"))?;
        }
        Ok(())
    });
    suite.add("a_stream_is_read_so_long", |bench| {
        let time = ms(150);
        let observation = bench.run(&writer("stdout", 1, 10).reader(reader("stdout", ReadPlan::For(time))))?;
        ensure_noticed(&observation, "stdout")?;
        let stdout = &observation.stdout;
        ensure(stdout.closed_by_us.is_some_and(|at| at >= time && at < ms(10_000)), || format!("{stdout:?}"))?;
        ensure(observation.wall >= time, || format!("wall {:?}", observation.wall))
    });
    suite.add("what_ends_before_it_is_closed_has_an_end", |bench| {
        for plan in [ReadPlan::Bytes(101), ReadPlan::For(ms(20_000))] {
            let observation = bench.run(&patient(me("flood").arg("100")).reader(reader("stdout", plan)))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })?;
            let stdout = &observation.stdout;
            ensure(stdout.total == 100 && stdout.eof.is_some() && stdout.closed_by_us.is_none(), || {
                format!("{stdout:?}")
            })?;
        }
        Ok(())
    });
    suite.add("who_writes_nothing_does_not_notice", |bench| {
        let nobody = ReaderPlan { stdout: ReadPlan::Closed, stderr: ReadPlan::Bytes(7) };
        let observation = bench.run(&patient(me("exit").arg("3")).reader(nobody))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 3 })?;
        ensure(observation.stdout.closed_by_us.is_some() && observation.stderr.eof.is_some(), || {
            format!("{observation:?}")
        })
    });
    suite.add("a_stream_that_we_closed_is_nobodys_leak", a_descendant_with_a_closed_stream);
    #[cfg(unix)]
    suite.add("who_does_not_ignore_it_dies_of_a_broken_pipe", |bench| {
        let command = HookCommand::shell("while :; do echo x; done").deadline(ms(20_000));
        for plan in [ReadPlan::Closed, ReadPlan::Bytes(2), ReadPlan::For(ms(50))] {
            let observation = bench.run(&command.clone().reader(reader("stdout", plan)))?;
            let expected = Ending::Signaled { signal: libc::SIGPIPE, core_dumped: false };
            ensure_eq("ending", &observation.ending, &expected)?;
        }
        Ok(())
    });
}

/// A descendant that stays is one all the same, and what we still read is held.
fn a_descendant_with_a_closed_stream(bench: &Bench) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let command = me("leave-ticker").arg(folder.path().join("ticks")).reader(reader("stdout", ReadPlan::Closed));
    let observation = bench.run(&command)?;
    let leaks = &observation.leaks;
    ensure_eq("descendants", &leaks.descendants.len(), &1)?;
    ensure_eq("held streams", &(leaks.stdout_held, leaks.stderr_held), &(false, true))
}
