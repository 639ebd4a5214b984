#![allow(unsafe_code)]
//! Starting and watching with what every Unix has: fork, process groups, a waiting thread.

use std::ffi::c_int;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{mem, ptr};

use super::cage::Cage;
use super::child::{ChildReport, ChildStreams, FailedStep};
use super::fork::fork_program;
use super::groups::Groups;
use super::limits::{Keeper, OwnFacts};
use super::process_clock::cpu_time;
use super::process_table::{self, Family, name_of, snapshot};
use super::program::Program;
use super::run::{Process, UnixRun};
use super::start_error::start_error;
use super::streams::{Streams, Waker, above_two};
use crate::command::HookCommand;
use crate::error::HarnessError;
use crate::observation::{Descendant, KillStep, Mechanism};
use crate::platform::{Aftermath, End, Progress, Running, StartFailure, Status};
use crate::watch::WatchReport;

/// How often the process table is looked at for descendants that are about to end.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long stragglers may take to die of the final signal.
const STRAGGLERS_FOR: Duration = Duration::from_secs(2);
/// How often it is looked at until two looks show the same.
const MOST_LOOKS: usize = 10;
/// Stack of the waiting thread, which makes two system calls.
const WAITER_STACK: usize = 64 * 1024;

/// Why nothing is seen of what a program starts.
const BLIND: &str = "this mechanism cannot see which programs are started";
/// One start at a time in the whole process. A fork copies every descriptor, and until the copy executes it would hold
/// the ends that are meant for another thread's program: that program's streams would seem to be held, and its stdin to
/// be read, by somebody.
static STARTING: Mutex<()> = Mutex::new(());

/// The mechanism `posix`.
#[derive(Debug)]
pub(crate) struct PosixBackend {
    instead: Option<String>,
    groups: Groups,
}

impl PosixBackend {
    /// `instead` says why nothing better is used, if something better was tried.
    pub(crate) fn new(instead: Option<String>) -> Self {
        PosixBackend { instead, groups: Groups::default() }
    }

    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn set_groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    pub(crate) fn mechanism(&self) -> Mechanism {
        let mut gaps = Vec::new();
        gaps.push(
            "a descendant that has left the session and whose parents have ended is neither seen nor killed".into(),
        );
        gaps.push(
            "a descendant that has left the process group may be missed if it becomes another process faster than the \
             process table can be read"
                .into(),
        );
        gaps.push("what runs is not killed if the harness itself is killed".into());
        let blind = !process_table::is_known();
        if blind {
            gaps.push(
                "the process table cannot be read here, so that what outlives a program is not seen, and only the process \
                 group is killed"
                    .into(),
            );
        }
        Mechanism { name: "posix".into(), gaps, instead: self.instead.clone(), blind }
    }

    pub(crate) fn start<'a>(
        &'a mut self,
        command: &HookCommand,
        start: Instant,
        waker: &'a Waker,
    ) -> Result<Box<dyn Running + 'a>, StartFailure> {
        let mut program = Program::new(command).map_err(StartFailure::NotStarted)?;
        let keeper = Keeper::new(&command.limits, &mut self.groups);
        program.keep_to(&keeper);
        let mut cage = Cage::new(command.sandbox.as_ref(), start)?;
        program.cage = cage.orders();
        let name = program.name();
        let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let (streams, ends) = Streams::new(command)?;
        let stdin = ends.stdin.map(above_two).transpose()?;
        let (stdout, stderr) = (above_two(ends.stdout)?, above_two(ends.stderr)?);
        let (failure, failure_writer) = io::pipe().map_err(HarnessError::system("create a pipe"))?;
        let failure_writer = above_two(failure_writer.into())?;
        let child_streams = ChildStreams {
            stdin: stdin.as_ref().map_or(-1, AsRawFd::as_raw_fd),
            stdout: stdout.as_raw_fd(),
            stderr: stderr.as_raw_fd(),
        };
        let pid = match fork_program(&program, child_streams, &cage.child_ends(), failure_writer.as_raw_fd()) {
            Ok(pid) => pid,
            Err(errno) => {
                return Err(StartFailure::NotStarted(start_error(FailedStep::CreateProcess, errno, &program)));
            }
        };
        drop((stdin, stdout, stderr, failure_writer));
        drop(starting);
        cage.handed_over();
        let mut process = PosixProcess::watch_over(pid, failure, program, start)?;
        process.watch = command.watch.as_ref().map(|watch| WatchReport::blind(watch, BLIND));
        Ok(Box::new(UnixRun::new(streams, process, waker, name, keeper, cage)))
    }
}

/// What the waiting thread finds out.
enum Outcome {
    Failed(FailedStep, c_int, ChildReport),
    Ended { status: Status, at: Duration, cpu: Option<Duration>, report: ChildReport },
    Lost(io::Error),
}

/// A child of this process. A thread waits for it and leaves it a zombie, so that its id stays ours until the tree
/// has been dealt with.
#[derive(Debug)]
struct PosixProcess {
    pid: libc::pid_t,
    program: Program,
    outcome: Receiver<Outcome>,
    /// Becomes readable when the outcome is there.
    announced: PipeReader,
    ended: bool,
    reaped: bool,
    killed_by: Option<KillStep>,
    family: Family,
    facts: OwnFacts,
    watch: Option<WatchReport>,
}

impl PosixProcess {
    fn watch_over(
        pid: libc::pid_t,
        failure: PipeReader,
        program: Program,
        start: Instant,
    ) -> Result<Self, HarnessError> {
        let (sender, outcome) = sync_channel(1);
        let pipe = io::pipe().map_err(HarnessError::system("create a pipe"));
        let spawned = pipe.and_then(|(announced, announce)| {
            let wait = move || {
                // The channel holds one message, so this never blocks; the pipe is closed after it.
                let _ = sender.send(wait_for(pid, failure, start));
                drop::<PipeWriter>(announce);
            };
            thread::Builder::new()
                .name("hookproof-wait".into())
                .stack_size(WAITER_STACK)
                .spawn(wait)
                .map_err(HarnessError::system("start a thread"))?;
            Ok(announced)
        });
        match spawned {
            Ok(announced) => {
                let family = Family::new(pid);
                Ok(PosixProcess {
                    pid,
                    program,
                    outcome,
                    announced,
                    ended: false,
                    reaped: false,
                    killed_by: None,
                    family,
                    facts: OwnFacts::default(),
                    watch: None,
                })
            }
            Err(error) => {
                // SAFETY: the child is ours and was not waited for.
                unsafe {
                    libc::kill(pid, libc::SIGKILL);
                    libc::waitpid(pid, ptr::null_mut(), 0);
                }
                Err(error)
            }
        }
    }

    fn signal(&mut self, signal: c_int) {
        if self.reaped {
            return;
        }
        let members = self.family.members(&snapshot());
        // SAFETY: the process has not been waited for, so its id, and with it the id of its group, is still ours.
        // Members were in the table a moment ago. Between fork and setsid there is no group yet.
        unsafe {
            // Each once, so that a handler runs once. The group catches who was born meanwhile.
            if signal == libc::SIGKILL || !process_table::is_known() {
                libc::kill(-self.pid, signal);
            }
            libc::kill(self.pid, signal);
            for member in members {
                libc::kill(member, signal);
            }
        }
    }

    /// Stops the tree and says who is in it besides the program. Who is born while the table is read, or runs from one id
    /// to the next, is not in it, and once its parents are gone nobody can say whose it was: so all have to stand still
    /// first. The group can be stopped as one; whoever has left it is stopped when it is seen.
    fn stand_still(&mut self) -> Vec<i32> {
        let mut before = Vec::new();
        if self.reaped {
            return before;
        }
        for _ in 0..MOST_LOOKS {
            // SAFETY: the process has not been waited for, as in `signal`. Between fork and setsid there is no group yet.
            unsafe {
                libc::kill(-self.pid, libc::SIGSTOP);
                libc::kill(self.pid, libc::SIGSTOP);
            }
            let members = self.family.members(&snapshot());
            if members == before {
                break;
            }
            for member in &members {
                // SAFETY: as in `signal`.
                unsafe { libc::kill(*member, libc::SIGSTOP) };
            }
            before = members;
        }
        before
    }

    /// Kills until nobody is left, or until it is clear that somebody cannot be killed.
    fn kill_stragglers(&mut self) {
        let begin = Instant::now();
        loop {
            self.signal(libc::SIGKILL);
            if self.family.members(&snapshot()).is_empty() || begin.elapsed() > STRAGGLERS_FOR {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for the zombie and returns what it has used.
    fn reap(&mut self) -> Option<libc::rusage> {
        let mut status = 0;
        // SAFETY: the structure is plain numbers, and the process is our child.
        unsafe {
            let mut usage: libc::rusage = mem::zeroed();
            let reaped = libc::wait4(self.pid, &raw mut status, 0, &raw mut usage);
            self.reaped = true;
            (reaped == self.pid).then_some(usage)
        }
    }
}

/// Runs in the waiting thread: first until the exec has happened or failed, then until the process has ended.
fn wait_for(pid: libc::pid_t, failure: PipeReader, start: Instant) -> Outcome {
    // SAFETY: takes over the only owner of the descriptor.
    let mut failure = unsafe { File::from_raw_fd(failure.into_raw_fd()) };
    let report = read_report(&mut failure);
    let mut answer = [0; mem::size_of::<[c_int; 2]>()];
    let failed = failure.read_exact(&mut answer).is_ok();
    // SAFETY: waitid only writes the structure, which is plain numbers.
    let info = unsafe {
        let mut info: libc::siginfo_t = mem::zeroed();
        while libc::waitid(libc::P_PID, pid.cast_unsigned(), &raw mut info, libc::WEXITED | libc::WNOWAIT) < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Outcome::Lost(error);
            }
        }
        info
    };
    let at = start.elapsed();
    if failed {
        let [step, errno] =
            [0, 4].map(|i| c_int::from_ne_bytes([answer[i], answer[i + 1], answer[i + 2], answer[i + 3]]));
        return Outcome::Failed(FailedStep::from_number(step), errno, report);
    }
    // It is a zombie still, so its clock can be read.
    let cpu = cpu_time(pid);
    // SAFETY: waitid has filled in a child's end.
    let number = unsafe { info.si_status() };
    let status = match info.si_code {
        libc::CLD_EXITED => Status::Exited(number),
        code => Status::Signaled { signal: number, core_dumped: code == libc::CLD_DUMPED },
    };
    Outcome::Ended { status, at, cpu, report }
}

/// What the child was answered about its limits. Nothing arrives if it was killed before it came to that.
fn read_report(failure: &mut File) -> ChildReport {
    let mut bytes = [0; mem::size_of::<ChildReport>()];
    if failure.read_exact(&mut bytes).is_err() {
        return ChildReport::default();
    }
    // SAFETY: the structure is plain numbers, written by a copy of this very program.
    unsafe { bytes.as_ptr().cast::<ChildReport>().read_unaligned() }
}

impl Process for PosixProcess {
    fn watch(&self) -> RawFd {
        // The pipe stays readable for ever; after the end there is nothing to learn from it.
        if self.ended { -1 } else { self.announced.as_raw_fd() }
    }

    fn attention_span(&self) -> Duration {
        if self.ended { LOOK_EVERY } else { Duration::MAX }
    }

    fn pid(&self) -> u32 {
        self.pid.cast_unsigned()
    }

    fn progress(&mut self) -> Result<Progress, HarnessError> {
        match self.outcome.try_recv() {
            Ok(Outcome::Ended { status, at, cpu, report }) => {
                self.ended = true;
                // Whether it began to run cannot be seen without tracing it, which only the thread that forked could.
                self.facts = OwnFacts { cpu, executed: None, answers: report.answers, cage: report.cage };
                Ok(Progress::Ended(End { status, at, killed_by: self.killed_by, hit: None }))
            }
            Ok(Outcome::Failed(step, errno, report)) => {
                self.ended = true;
                self.facts.answers = report.answers;
                self.facts.cage = report.cage;
                self.reap();
                Ok(Progress::NotStarted(start_error(step, errno, &self.program)))
            }
            Ok(Outcome::Lost(source)) => {
                self.ended = true;
                self.reaped = true;
                Err(HarnessError::System { doing: "wait for the program", source })
            }
            Err(_) => Ok(Progress::Running),
        }
    }

    fn own_facts(&self) -> OwnFacts {
        self.facts
    }

    fn members(&mut self) -> Vec<i32> {
        let mut members = self.family.members(&snapshot());
        members.push(self.pid);
        members
    }

    fn descendants_remain(&mut self) -> Result<bool, HarnessError> {
        Ok(!self.family.members(&snapshot()).is_empty())
    }

    fn terminate(&mut self) -> Result<(), HarnessError> {
        self.killed_by = Some(KillStep::Terminate);
        self.stand_still();
        self.signal(libc::SIGTERM);
        // A stopped process can obey only when it runs.
        self.signal(libc::SIGCONT);
        Ok(())
    }

    fn kill(&mut self) -> Result<(), HarnessError> {
        self.killed_by = Some(KillStep::Kill);
        self.stand_still();
        self.kill_stragglers();
        Ok(())
    }

    fn watch_report(&mut self) -> Option<WatchReport> {
        self.watch.clone()
    }

    fn finish(&mut self) -> Result<Aftermath, HarnessError> {
        let left = self.stand_still();
        let descendants = left.iter().map(|pid| Descendant { pid: pid.cast_unsigned(), name: name_of(*pid) }).collect();
        if !left.is_empty() {
            self.kill_stragglers();
        } else if !self.reaped {
            // Who was stopped with the group and is in no table would stay stopped for ever.
            // SAFETY: as in `signal`.
            unsafe { libc::kill(-self.pid, libc::SIGKILL) };
        }
        let usage = self.reap();
        let mut aftermath = Aftermath { descendants, ..Aftermath::default() };
        if let Some(usage) = usage {
            aftermath.cpu_user = Some(duration(usage.ru_utime));
            aftermath.cpu_system = Some(duration(usage.ru_stime));
            let floor = own_peak();
            match peak(&usage) {
                peak if peak > floor => aftermath.peak_memory = Some(peak),
                _ => aftermath.gaps.push(format!(
                    "the peak memory is not known: a forked child starts with the size of the harness, and it stayed \
                     below that ({} KiB)",
                    floor / 1024
                )),
            }
        }
        Ok(aftermath)
    }
}

impl Drop for PosixProcess {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        self.stand_still();
        self.kill_stragglers();
        if self.ended || self.outcome.recv_timeout(STRAGGLERS_FOR).is_ok() {
            self.reap();
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::new(time.tv_sec.cast_unsigned(), 0) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Bytes. macOS counts bytes already, the others KiB.
fn peak(usage: &libc::rusage) -> u64 {
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit
}

fn own_peak() -> u64 {
    // SAFETY: only writes the structure, which is plain numbers.
    unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        peak(&usage)
    }
}
