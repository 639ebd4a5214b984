//! Streams: whatever a program reads, writes or closes, nothing hangs and nothing is lost.

use std::time::Duration;

use hookproof_harness::{CaptureBounds, Ending, StdinPlan, StdinReport};
use libtest_mimic::Failed;

use crate::{Suite, ensure, ensure_eq, me};

const MIB: usize = 1024 * 1024;
const SUCCESS: Ending = Ending::Exited { code: 0 };

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Bytes in which every position can be told from its neighbours.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n % 251) as u8).collect()
}

pub(crate) fn add(suite: &mut Suite) {
    suite.add("what_goes_in_comes_out", |bench| {
        let bytes = pattern(3 * MIB + 7);
        let observation = bench.run(&me("cat").stdin(StdinPlan::Whole(bytes.clone())))?;
        ensure_eq("ending", &observation.ending, &SUCCESS)?;
        ensure(observation.stdout.bytes == bytes, || "the bytes differ".into())?;
        let size = bytes.len() as u64;
        ensure_eq("stdin", &observation.stdin, &StdinReport { planned: size, written: size, refused: false })?;
        ensure(observation.stdout.eof.is_some() && observation.stderr.eof.is_some(), || "no end of file".into())
    });
    suite.add("streams_stay_apart_byte_for_byte", |bench| {
        let observation = bench.run(&me("both-streams"))?;
        ensure_eq("stdout", &observation.stdout.bytes, &b"out\xff\0\r\n".to_vec())?;
        ensure_eq("stderr", &observation.stderr.bytes, &b"err\xfe".to_vec())
    });
    suite.add("stdin_that_is_never_read", |bench| {
        let command = me("sleep").arg("200").stdin(StdinPlan::Whole(vec![b'x'; 64 * MIB]));
        let observation = bench.run(&command)?;
        ensure_eq("ending", &observation.ending, &SUCCESS)?;
        let stdin = observation.stdin;
        ensure(stdin.refused && stdin.written < stdin.planned, || format!("{stdin:?}"))
    });
    suite.add("stdin_that_is_never_read_by_a_program_that_stays", |bench| {
        let plan = StdinPlan::Whole(vec![b'x'; 64 * MIB]);
        let observation = bench.run(&me("sleep").arg("60000").stdin(plan).deadline(ms(300)))?;
        timed_out(&observation.ending)
    });
    suite.add("writing_before_reading_does_not_deadlock", |bench| {
        let command = me("write-first").arg((4 * MIB).to_string()).stdin(StdinPlan::Whole(vec![b'x'; 4 * MIB]));
        let observation = bench.run(&command)?;
        ensure_eq("ending", &observation.ending, &SUCCESS)?;
        ensure_eq("stdout", &observation.stdout.total, &(4 * MIB as u64))?;
        ensure_eq("stdin", &observation.stdin.written, &(4 * MIB as u64))
    });
    suite.add("what_is_over_the_bound_is_counted", |bench| {
        let bounds = CaptureBounds { stdout: 1000, stderr: 1 };
        let observation = bench.run(&me("flood").arg("1000000").capture(bounds))?;
        ensure_eq("kept", &observation.stdout.bytes.len(), &1000)?;
        ensure_eq("total", &observation.stdout.total, &1_000_000)?;
        let counted: usize = observation.stdout.chunks.iter().map(|c| c.len).sum();
        ensure_eq("chunks", &counted, &1_000_000)
    });
    suite.add("endless_output_ends_at_the_deadline", |bench| {
        let bounds = CaptureBounds { stdout: MIB, stderr: MIB };
        let observation =
            bench.run(&me("flood").arg("1000000000000").capture(bounds).deadline(ms(300)).grace(ms(100)))?;
        timed_out(&observation.ending)?;
        ensure_eq("kept", &observation.stdout.bytes.len(), &MIB)
    });
    suite.add("many_single_bytes_make_a_bounded_list", |bench| {
        let observation = bench.run(&me("single-bytes").arg("20000"))?;
        ensure_eq("total", &observation.stdout.total, &20_000)?;
        ensure(observation.stdout.chunks.len() <= 4096, || format!("{} chunks", observation.stdout.chunks.len()))
    });
    suite.add("end_of_file_is_not_the_end", |bench| {
        let observation = bench.run(&me("close-streams").arg("300"))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 3 })?;
        let eof = observation.stdout.eof;
        ensure(eof.is_some_and(|eof| eof + ms(100) < observation.wall), || {
            format!("end of file at {eof:?}, end at {:?}", observation.wall)
        })
    });
    suite.add("pieces_carry_their_time", |bench| {
        let observation = bench.run(&me("pieces").arg("300"))?;
        ensure_eq("stdout", &observation.stdout.bytes, &b"ab".to_vec())?;
        let chunks = &observation.stdout.chunks;
        ensure(chunks.len() == 2 && chunks[1].at >= chunks[0].at + ms(150), || format!("{chunks:?}"))?;
        ensure(observation.wall >= ms(500), || format!("wall {:?}", observation.wall))
    });
    plans(suite);
}

fn plans(suite: &mut Suite) {
    suite.add("plan_empty", |bench| {
        let observation = bench.run(&me("cat"))?;
        ensure_eq("ending", &observation.ending, &SUCCESS)?;
        ensure_eq("stdin", &observation.stdin, &StdinReport::default())
    });
    suite.add("plan_closed", |bench| {
        let observation = bench.run(&me("cat").stdin(StdinPlan::Closed))?;
        ensure_eq("ending", &observation.ending, &SUCCESS)?;
        ensure_eq("stdin", &observation.stdin, &StdinReport::default())
    });
    suite.add("plan_held_open_is_read_and_never_ends", |bench| {
        let plan = StdinPlan::HeldOpen(b"document".to_vec());
        let reads_all = bench.run(&me("cat").stdin(plan.clone()).deadline(ms(500)))?;
        timed_out(&reads_all.ending)?;
        ensure_eq("stdout", &reads_all.stdout.bytes, &b"document".to_vec())?;
        let reads_some = bench.run(&me("read-some").arg("8").stdin(plan))?;
        ensure_eq("ending", &reads_some.ending, &SUCCESS)?;
        ensure_eq("stdin", &reads_some.stdin, &StdinReport { planned: 8, written: 8, refused: false })
    });
    suite.add("plan_slow", |bench| {
        let plan = StdinPlan::Slow { bytes: b"abcde".to_vec(), piece: 2, pause: ms(100) };
        let observation = bench.run(&me("cat").stdin(plan))?;
        ensure_eq("stdout", &observation.stdout.bytes, &b"abcde".to_vec())?;
        ensure(observation.wall >= ms(200), || format!("wall {:?}", observation.wall))
    });
    suite.add("plan_slow_that_the_program_does_not_wait_for", |bench| {
        let plan = StdinPlan::Slow { bytes: pattern(1000), piece: 1, pause: ms(50) };
        let observation = bench.run(&me("exit").arg("0").stdin(plan))?;
        ensure_eq("ending", &observation.ending, &SUCCESS)
    });
    suite.add("plan_truncated", |bench| {
        let plan = StdinPlan::Truncated { bytes: b"abcdef".to_vec(), at: 4 };
        let observation = bench.run(&me("cat").stdin(plan))?;
        ensure_eq("stdout", &observation.stdout.bytes, &b"abcd".to_vec())?;
        ensure_eq("planned", &observation.stdin.planned, &4)
    });
    #[cfg(unix)]
    suite.add("plan_closed_leaves_descriptor_0_shut", |bench| {
        let line = "if (: 3<&0) 2>/dev/null; then exit 1; else exit 9; fi";
        let command = hookproof_harness::HookCommand::shell(line);
        let closed = bench.run(&command.clone().stdin(StdinPlan::Closed))?;
        ensure_eq("ending", &closed.ending, &Ending::Exited { code: 9 })?;
        let empty = bench.run(&command)?;
        ensure_eq("ending", &empty.ending, &Ending::Exited { code: 1 })
    });
}

pub(crate) fn timed_out(ending: &Ending) -> Result<(), Failed> {
    ensure(matches!(ending, Ending::TimedOut { .. }), || format!("ended by {ending:?}"))
}
