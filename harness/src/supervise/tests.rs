//! The loop against a process that plays a script.

use super::*;
use crate::observation::KillStep;
use crate::platform::Aftermath;
use crate::reader::{ReadPlan, ReaderPlan};
use crate::sandbox::SandboxReport;
use crate::watch::WatchReport;
use rstest::rstest;

const AT: Duration = Duration::from_millis(7);
const ASKED: Kill = Kill::Asked { at: AT };
const KILLED: Kill = Kill::Killed { first: AT, at: Duration::from_millis(9) };

#[rstest]
#[case::by_itself(Status::Exited(3), None, Kill::Not, Ending::Exited { code: 3 })]
#[case::at_the_last_moment(Status::Exited(0), None, ASKED, Ending::Exited { code: 0 })]
#[case::signal(
    Status::Signaled { signal: 11, core_dumped: true }, None, Kill::Not,
    Ending::Signaled { signal: 11, core_dumped: true }
)]
#[case::crash(Status::Crashed(0xC000_0005), None, Kill::Not, Ending::Crashed { status: 0xC000_0005 })]
#[case::obeyed(
    Status::Exited(0), Some(KillStep::Terminate), ASKED,
    Ending::TimedOut { after: AT, killed_by: KillStep::Terminate }
)]
#[case::obeyed_while_we_were_about_to_kill(
    Status::Exited(0), Some(KillStep::Terminate), KILLED,
    Ending::TimedOut { after: AT, killed_by: KillStep::Terminate }
)]
#[case::killed(
    Status::Signaled { signal: 9, core_dumped: false }, Some(KillStep::Kill), KILLED,
    Ending::TimedOut { after: AT, killed_by: KillStep::Kill }
)]
fn endings(#[case] status: Status, #[case] killed_by: Option<KillStep>, #[case] kill: Kill, #[case] expected: Ending) {
    assert_eq!(ending(&End { status, at: AT, killed_by, hit: None }, kill, None), expected);
}

const KILLED_STATUS: Status = Status::Signaled { signal: 9, core_dumped: false };
const OOM: (Limit, LimitProof) = (Limit::Memory, LimitProof::OomKill { count: 1 });
const FOOTPRINT: (Limit, LimitProof) = (Limit::Memory, LimitProof::Footprint { bytes: 5 });

#[rstest]
#[case::proven(None, Some(OOM), Kill::Not, None, Some(OOM))]
#[case::not_proven(None, None, Kill::Not, None, None)]
#[case::we_killed_it_for_its_memory(Some(KillStep::Kill), None, KILLED, Some(5), Some(FOOTPRINT))]
#[case::it_died_just_before_we_did(None, None, KILLED, Some(5), None)]
fn a_limit_is_hit_only_with_proof(
    #[case] killed_by: Option<KillStep>,
    #[case] hit: Option<(Limit, LimitProof)>,
    #[case] kill: Kill,
    #[case] over_memory: Option<u64>,
    #[case] expected: Option<(Limit, LimitProof)>,
) {
    let seen = Ending::Signaled { signal: 9, core_dumped: false };
    let expected = match expected {
        Some((limit, proof)) => Ending::LimitHit { limit, proof, seen: Box::new(seen) },
        None => seen,
    };
    assert_eq!(ending(&End { status: KILLED_STATUS, at: AT, killed_by, hit }, kill, over_memory), expected);
}

/// What the scripted process does. Every list is played from its front; its last entry repeats.
struct Script {
    progress: Vec<Progress>,
    stdout: Vec<ReadOutcome>,
    writes: Vec<WriteOutcome>,
    polite: bool,
    /// What the tree occupies, the last first.
    footprints: Vec<u64>,
    /// How often somebody waited.
    waits: usize,
    done: Vec<&'static str>,
}

impl Default for Script {
    /// Ended at once, with streams that stay open and empty.
    fn default() -> Self {
        let end = End { status: Status::Exited(0), at: AT, killed_by: None, hit: None };
        Script {
            progress: vec![Progress::Ended(end)],
            stdout: vec![ReadOutcome::Pending],
            writes: vec![WriteOutcome::Pending],
            polite: true,
            footprints: Vec::new(),
            waits: 0,
            done: Vec::new(),
        }
    }
}

fn play<T: Copy>(list: &mut Vec<T>) -> T {
    if list.len() > 1 { list.remove(0) } else { list[0] }
}

impl Running for Script {
    fn wait(&mut self, _: Interest, timeout: Duration) -> Result<(), HarnessError> {
        self.waits += 1;
        std::thread::sleep(timeout.min(Duration::from_millis(1)));
        Ok(())
    }

    fn pid(&self) -> u32 {
        7
    }

    fn read(&mut self, stream: Stream, _: &mut [u8]) -> Result<ReadOutcome, HarnessError> {
        Ok(if stream == Stream::Stdout { play(&mut self.stdout) } else { ReadOutcome::End })
    }

    fn write(&mut self, _: &[u8]) -> Result<WriteOutcome, HarnessError> {
        Ok(play(&mut self.writes))
    }

    fn close_stdin(&mut self) {
        self.done.push("close stdin");
    }

    fn close_output(&mut self, stream: Stream) {
        self.done.push(if stream == Stream::Stdout { "close stdout" } else { "close stderr" });
    }

    fn progress(&mut self) -> Result<Progress, HarnessError> {
        if self.progress.len() > 1 {
            return Ok(self.progress.remove(0));
        }
        Ok(match &self.progress[0] {
            Progress::Ended(end) => Progress::Ended(*end),
            _ => Progress::Running,
        })
    }

    fn watch_report(&mut self) -> Option<WatchReport> {
        None
    }

    fn descendants_remain(&mut self) -> Result<bool, HarnessError> {
        Ok(false)
    }

    fn terminate(&mut self) -> Result<bool, HarnessError> {
        self.done.push("terminate");
        Ok(self.polite)
    }

    fn kill(&mut self) -> Result<(), HarnessError> {
        self.done.push("kill");
        let status = Status::Signaled { signal: 9, core_dumped: false };
        self.progress = vec![Progress::Ended(End { status, at: AT, killed_by: Some(KillStep::Kill), hit: None })];
        Ok(())
    }

    fn over_memory(&mut self) -> Option<u64> {
        self.footprints.pop().filter(|bytes| *bytes > 100)
    }

    fn watch_memory_every(&self) -> Option<Duration> {
        (!self.footprints.is_empty()).then_some(Duration::from_millis(1))
    }

    fn sandbox_report(&mut self) -> Option<SandboxReport> {
        None
    }

    fn limit_reports(&mut self) -> Vec<LimitReport> {
        vec![LimitReport::enforced(Limit::Memory, 100, "a script")]
    }

    fn finish(&mut self) -> Result<Aftermath, HarnessError> {
        self.done.push("finish");
        Ok(Aftermath::default())
    }
}

fn supervised(script: &mut Script, command: &HookCommand) -> Result<Observation, HarnessError> {
    let cancellation = Cancellation::new().expect("a waker");
    let mut buffer = vec![b'x'; READ_SIZE];
    supervise(script, command, Instant::now(), &cancellation, Mechanism::default(), &mut buffer)
}

fn command() -> HookCommand {
    HookCommand::new("x").leak_grace(Duration::ZERO)
}

#[test]
fn what_is_still_in_a_pipe_when_the_time_for_leaks_is_over_is_read() {
    let stdout = vec![ReadOutcome::Pending, ReadOutcome::Data(5), ReadOutcome::Data(2), ReadOutcome::Pending];
    let observation = supervised(&mut Script { stdout, ..Script::default() }, &command()).expect("a run");
    assert_eq!(observation.stdout.bytes, b"xxxxxxx");
    assert!(observation.leaks.stdout_held && !observation.leaks.stderr_held);
}

#[rstest]
#[case::after_bytes(ReadPlan::Bytes(3), &["close stdin", "close stdout", "finish"], 3)]
#[case::after_a_time(ReadPlan::For(Duration::from_millis(30)), &["close stdin", "close stdout", "finish"], 5)]
#[case::from_the_beginning(ReadPlan::Closed, &["close stdin", "finish"], 0)]
#[case::never(ReadPlan::ToEnd, &["close stdin", "finish"], 5)]
fn an_output_is_closed_once_when_its_plan_is_over(
    #[case] stdout_plan: ReadPlan,
    #[case] steps: &[&str],
    #[case] total: u64,
) {
    let reader = ReaderPlan { stdout: stdout_plan, ..ReaderPlan::default() };
    let command = command().reader(reader).leak_grace(Duration::from_millis(60));
    let stdout = vec![ReadOutcome::Data(usize::try_from(total).expect("fits")), ReadOutcome::Pending];
    let mut script = Script { stdout, ..Script::default() };
    let begin = Instant::now();
    let observation = supervised(&mut script, &command).expect("a run");
    assert_eq!(script.done, steps);
    let closed = stdout_plan != ReadPlan::ToEnd;
    assert_eq!(observation.stdout.total, total);
    assert_eq!(observation.stdout.closed_by_us.is_some(), closed);
    assert_eq!(observation.leaks.stdout_held, !closed, "what we have closed is nobody's");
    // Both streams are over then, and nobody is waited for any more.
    assert!(!closed || begin.elapsed() < Duration::from_millis(60));
}

#[test]
fn somebody_who_never_stops_writing_does_not_keep_us() {
    let stdout = vec![ReadOutcome::Data(READ_SIZE)];
    let observation = supervised(&mut Script { stdout, ..Script::default() }, &command()).expect("a run");
    assert!(observation.stdout.total <= (LAST_DRAIN + 2 * READ_SIZE) as u64);
    assert!(observation.leaks.stdout_held);
}

#[test]
fn a_refusal_that_shows_only_after_the_end_is_told() {
    let writes = vec![WriteOutcome::Taken(1), WriteOutcome::Refused];
    let stdout = vec![ReadOutcome::End];
    let command = command().stdin(crate::StdinPlan::Whole(b"abc".to_vec()));
    let observation = supervised(&mut Script { stdout, writes, ..Script::default() }, &command).expect("a run");
    assert_eq!(observation.stdin, StdinReport { planned: 3, written: 1, refused: true });
}

#[rstest]
#[case::with_a_polite_signal(true, &["terminate", "kill", "finish"])]
#[case::without_one(false, &["terminate", "kill", "finish"])]
fn who_stays_is_killed(#[case] polite: bool, #[case] steps: &[&str]) {
    let grace = Duration::from_millis(40);
    let command = command().stdin(crate::StdinPlan::Closed).deadline(Duration::from_millis(10)).grace(grace);
    let mut script = Script { progress: vec![Progress::Running], polite, ..Script::default() };
    let begin = Instant::now();
    let observation = supervised(&mut script, &command).expect("a run");
    assert!(matches!(observation.ending, Ending::TimedOut { killed_by: KillStep::Kill, .. }));
    assert_eq!(script.done, steps);
    assert!(!polite || begin.elapsed() >= grace, "the grace was not waited for");
}

#[test]
fn nobody_turns_in_circles_while_a_watched_tree_is_being_killed() {
    let command = command().deadline(Duration::ZERO).grace(Duration::from_millis(50));
    let mut script = Script { progress: vec![Progress::Running], footprints: vec![1; 1000], ..Script::default() };
    supervised(&mut script, &command).expect("a run");
    assert_eq!(script.done, ["close stdin", "terminate", "kill", "finish"]);
    // The script waits a millisecond at most.
    assert!(script.waits < 60, "{} waits", script.waits);
}

#[test]
fn who_could_not_be_started_is_no_exit() {
    let error = StartError { os_error: Some(2), step: "execute".into(), message: "no".into() };
    let progress = vec![Progress::NotStarted(error.clone()), Progress::Running];
    let observation = supervised(&mut Script { progress, ..Script::default() }, &command()).expect("a run");
    assert_eq!(observation.ending, Ending::NotStarted { error });
}

#[test]
fn who_occupies_more_than_the_limit_is_killed_at_once_and_not_politely() {
    let footprints = vec![500, 101, 100, 7];
    let command = command().deadline(Duration::from_secs(20));
    let mut script = Script { progress: vec![Progress::Running], footprints, ..Script::default() };
    let observation = supervised(&mut script, &command).expect("a run");
    let proof = LimitProof::Footprint { bytes: 101 };
    let Ending::LimitHit { limit: Limit::Memory, proof: found, .. } = observation.ending else {
        panic!("{:?}", observation.ending)
    };
    assert_eq!(found, proof);
    assert_eq!(observation.limits[0].proof, Some(proof));
    assert_eq!(script.done, ["close stdin", "kill", "finish"]);
}
