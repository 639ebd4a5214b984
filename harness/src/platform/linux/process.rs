//! One program that the spawner runs, as the harness sees it.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use super::client::Client;
use super::helper_tree::monotonic_nanoseconds;
use super::spawner::PATIENCE;
use super::trace::PreparedWatch;
use super::wire::{Reply, ReplyKind, Request};
use crate::error::HarnessError;
use crate::observation::{Descendant, KillStep, StartError};
use crate::platform::unix::{ChildEnds, FailedStep, OwnFacts, Process, Program, name_of, start_error};
use crate::platform::{Aftermath, End, Progress, StartFailure, Status};
use crate::watch::{Watch, WatchReport};

/// A peak is believed if it is so much above the spawner's own size: the kernel's counters are that exact (they are
/// kept per processor and added up now and then).
const COUNTER_ERROR: i64 = 256;

/// A program under way. Dropping it kills what is left.
#[derive(Debug)]
pub(super) struct SpawnedProcess<'a> {
    client: &'a mut Client,
    program: Program,
    /// Start of the run on the clock that the spawner uses, too.
    start: i64,
    state: State,
    /// A request to kill whose reply is still to come.
    killing: bool,
    finished: bool,
    watch: Option<PreparedWatch>,
}

/// What the spawner has told so far.
#[derive(Debug)]
enum State {
    Running,
    Failed(FailedStep, i32),
    Ended { reply: Reply, remain: bool },
}

impl<'a> SpawnedProcess<'a> {
    pub(super) fn start(
        client: &'a mut Client,
        program: Program,
        ends: &ChildEnds,
        cage: &[RawFd],
        start: Instant,
        watch: Option<&Watch>,
    ) -> Result<Self, StartFailure> {
        if client.shared().write_plan(&program).is_none() {
            return Err(StartFailure::NotStarted(too_long(&program)));
        }
        let watch = client.shared().write_watch(watch);
        let mut streams = vec![ends.stdout.as_raw_fd(), ends.stderr.as_raw_fd()];
        streams.extend(ends.stdin.as_ref().map(AsRawFd::as_raw_fd));
        streams.extend(cage);
        let since = i64::try_from(start.elapsed().as_nanos()).unwrap_or(0);
        let start = monotonic_nanoseconds() - since;
        client.request(Request::Start, &streams)?;
        Ok(SpawnedProcess { client, program, start, state: State::Running, killing: false, finished: false, watch })
    }

    /// Takes in everything that the spawner has said.
    fn listen(&mut self) -> Result<(), HarnessError> {
        while let Some(reply) = self.client.next_reply()? {
            take(&mut self.state, &mut self.killing, &reply);
        }
        Ok(())
    }

    /// Asks and waits for the answer.
    fn ask(&mut self, request: Request, answer: ReplyKind) -> Result<Reply, HarnessError> {
        self.client.request(request, &[])?;
        self.await_answer(answer)
    }

    fn await_answer(&mut self, answer: ReplyKind) -> Result<Reply, HarnessError> {
        let (state, killing) = (&mut self.state, &mut self.killing);
        self.client.await_reply(&mut |reply| {
            take(state, killing, reply);
            reply.is(answer)
        })
    }

    /// Kills what is left and waits until it is done.
    fn kill_rest(&mut self) -> Result<(), HarnessError> {
        let reply = if self.killing {
            self.await_answer(ReplyKind::Killed)?
        } else {
            self.ask(Request::Kill, ReplyKind::Killed)?
        };
        if reply.number == 0 {
            return Ok(());
        }
        // What stays would be taken for a descendant of the next program.
        self.client.give_up();
        Err(HarnessError::Unkillable {
            pid: u32::try_from(reply.number).unwrap_or(0),
            waited_ms: PATIENCE.unsigned_abs(),
        })
    }
}

fn take(state: &mut State, killing: &mut bool, reply: &Reply) {
    if reply.is(ReplyKind::Failed) {
        *state = State::Failed(FailedStep::from_number(reply.step), reply.number);
    } else if reply.is(ReplyKind::Ended) {
        *state = State::Ended { reply: *reply, remain: reply.remain != 0 };
    } else if reply.is(ReplyKind::Gone) {
        if let State::Ended { remain, .. } = state {
            *remain = false;
        }
    } else if reply.is(ReplyKind::Killed) {
        *killing = false;
    }
}

impl Process for SpawnedProcess<'_> {
    fn watch(&self) -> RawFd {
        self.client.socket()
    }

    fn pid(&self) -> u32 {
        u32::try_from(self.client.shared_view().program_id()).unwrap_or(0)
    }

    fn progress(&mut self) -> Result<Progress, HarnessError> {
        self.listen()?;
        Ok(match &self.state {
            State::Running => Progress::Running,
            State::Failed(step, errno) => {
                self.finished = true;
                Progress::NotStarted(start_error(*step, *errno, &self.program))
            }
            State::Ended { reply, .. } => Progress::Ended(end(reply, self.start)),
        })
    }

    fn own_facts(&self) -> OwnFacts {
        let report = self.client.shared_view().report();
        let mut facts = OwnFacts { answers: report.answers, cage: report.cage, ..OwnFacts::default() };
        if let State::Ended { reply, .. } = &self.state {
            facts.cpu = u64::try_from(reply.own_cpu).ok().map(Duration::from_nanos);
            facts.executed = (reply.executed >= 0).then_some(reply.executed == 1);
        }
        facts
    }

    fn members(&mut self) -> Vec<i32> {
        descendants(self.client.spawner())
    }

    fn descendants_remain(&mut self) -> Result<bool, HarnessError> {
        Ok(matches!(self.state, State::Ended { remain: true, .. }))
    }

    fn terminate(&mut self) -> Result<(), HarnessError> {
        self.client.request(Request::Terminate, &[])
    }

    fn kill(&mut self) -> Result<(), HarnessError> {
        self.client.request(Request::Kill, &[])?;
        self.killing = true;
        Ok(())
    }

    fn watch_report(&mut self) -> Option<WatchReport> {
        let watch = self.watch.as_ref()?;
        Some(watch.report(self.client.shared_view().watched(), self.start))
    }

    fn finish(&mut self) -> Result<Aftermath, HarnessError> {
        if self.killing {
            self.kill_rest()?;
        }
        let mut aftermath = Aftermath::default();
        if self.descendants_remain()? {
            let count = self.ask(Request::List, ReplyKind::Listed)?.number;
            let listed = self.client.shared().listed(usize::try_from(count).unwrap_or(0));
            aftermath.descendants = listed
                .into_iter()
                .map(|pid| Descendant { pid: u32::try_from(pid).unwrap_or(0), name: name_of(pid) })
                .collect();
            self.kill_rest()?;
        }
        self.finished = true;
        if let Some(watch) = &self.watch {
            aftermath.gaps.extend(watch.gaps(self.client.shared_view().watched()));
        }
        if let State::Ended { reply, .. } = &self.state {
            let microseconds = |count| Some(Duration::from_micros(u64::try_from(count).unwrap_or(0)));
            aftermath.cpu_user = microseconds(reply.cpu_user);
            aftermath.cpu_system = microseconds(reply.cpu_system);
            if reply.peak_memory > reply.floor + COUNTER_ERROR {
                aftermath.peak_memory = u64::try_from(reply.peak_memory * 1024).ok();
            } else {
                // Rounded up, so that it is the same sentence for every starting process.
                let mib = u64::try_from(reply.floor + COUNTER_ERROR).unwrap_or(0).div_ceil(1024);
                aftermath.gaps.push(format!(
                    "the peak memory is not known exactly: it stayed below what the starting process itself occupies \
                     (up to {mib} MiB)"
                ));
            }
        }
        Ok(aftermath)
    }
}

impl Drop for SpawnedProcess<'_> {
    fn drop(&mut self) {
        if !self.finished && !self.client.is_lost() {
            // An error here means that the helpers were given up, and with them whatever they ran.
            let _ = self.kill_rest();
        }
    }
}

/// Everyone below a process, as the kernel lists children.
fn descendants(root: i32) -> Vec<i32> {
    let mut members = vec![root];
    let mut next = 0;
    while let Some(pid) = members.get(next) {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let children: Vec<i32> =
            lists.flat_map(|list| list.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
        // Who changes its parent meanwhile can be met twice.
        for child in children {
            if !members.contains(&child) {
                members.push(child);
            }
        }
        next += 1;
    }
    members.split_off(1)
}

fn end(reply: &Reply, start: i64) -> End {
    let status = if libc::WIFSIGNALED(reply.status) {
        Status::Signaled { signal: libc::WTERMSIG(reply.status), core_dumped: libc::WCOREDUMP(reply.status) }
    } else {
        Status::Exited(libc::WEXITSTATUS(reply.status))
    };
    End {
        status,
        at: Duration::from_nanos(u64::try_from(reply.at - start).unwrap_or(0)),
        killed_by: match reply.step {
            0 => None,
            1 => Some(KillStep::Terminate),
            _ => Some(KillStep::Kill),
        },
        hit: None,
    }
}

/// The kernel would refuse it as well: what has no room is above its own bound.
fn too_long(program: &Program) -> StartError {
    start_error(FailedStep::Execute, libc::E2BIG, program)
}
