#![allow(unsafe_code)]
//! Watching the processes of a job: the job tells of every one that begins or ends, and a thread looks at each.
//!
//! What is looked at runs already, and nothing stops it meanwhile: one that ends at once may be gone before it can be
//! looked at, and one that is ended may have run for a moment.

use std::collections::HashMap;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{mem, ptr};

use windows_sys::Win32::System::IO::PostQueuedCompletionStatus;
use windows_sys::Win32::System::SystemServices::{
    JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS, JOB_OBJECT_MSG_EXIT_PROCESS, JOB_OBJECT_MSG_NEW_PROCESS,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, INFINITE, SetThreadPriority, THREAD_PRIORITY_TIME_CRITICAL,
};

use super::fault;
use super::job::Job;
use super::limits::{Overheard, messages_of, next_message};
use super::newcomer::{exit_code, open, parent_of, read_soon, runs};
use super::program_name;
use super::run::CONSOLE_HOST;
use super::words::split;
use crate::error::HarnessError;
use crate::watch::{
    ClockReport, CommandEnd, CommandForm, Coverage, Created, FaultAction, FaultDone, FaultReport, Generation,
    SeenCommand, Watch, WatchReport, begins, glob,
};

/// How long a process may take until it begins to run; who starts one may leave it suspended.
const RUNNING_WITHIN: Duration = Duration::from_secs(5);
/// Starts that are written down at most, and as many besides that match.
const MOST_SEEN: usize = 4096;
/// The key of the message by which the thread is told to end.
const STOP: usize = 1;
/// Why no clock is moved.
const NO_CLOCK: &str = "Windows tells every program its time in memory that they all share";

/// The thread, and what it has found out.
pub(super) struct JobWatch {
    port: Arc<OwnedHandle>,
    thread: Option<JoinHandle<()>>,
    watcher: Arc<Mutex<Watcher>>,
}

impl JobWatch {
    /// Listens to a job that nobody is in yet.
    pub(super) fn begin(watch: &Watch, job: &Job, overheard: Overheard, start: Instant) -> Result<Self, HarnessError> {
        let port = Arc::new(messages_of(job)?);
        let watcher = Arc::new(Mutex::new(Watcher::new(watch, start)));
        let (hears, writes) = (Arc::clone(&port), Arc::clone(&watcher));
        let listen = move || {
            // Whoever ends before it is looked at is not known, so this thread goes before others.
            // SAFETY: the thread of the caller, whose handle is none that has to be closed.
            unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL) };
            loop {
                let wait = lock(&writes).until_due();
                let message = next_message(hears.as_raw_handle(), wait);
                let mut watcher = lock(&writes);
                watcher.when_due();
                match message {
                    None => {}
                    Some(message) if message.key == STOP => return,
                    Some(message) => match message.kind {
                        JOB_OBJECT_MSG_NEW_PROCESS => watcher.began(message.process),
                        JOB_OBJECT_MSG_EXIT_PROCESS | JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS => {
                            watcher.ended(message.process);
                        }
                        _ => overheard.lock().unwrap_or_else(PoisonError::into_inner).push_back(message),
                    },
                }
            }
        };
        let thread = thread::Builder::new()
            .name("hookproof-watch".into())
            .spawn(listen)
            .map_err(HarnessError::system("start a thread"))?;
        Ok(JobWatch { port, thread: Some(thread), watcher })
    }

    /// What was seen, of so many processes of the job, if the system tells. Nothing more is seen afterwards.
    pub(super) fn report(&mut self, total: Option<u64>) -> WatchReport {
        self.stop();
        lock(&self.watcher).report(total)
    }

    /// Messages arrive in order, so everything that the job has said before is taken in first.
    fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // SAFETY: our own port; there is no structure behind the pointer, and nobody looks for one.
            unsafe { PostQueuedCompletionStatus(self.port.as_raw_handle(), 0, STOP, ptr::null()) };
            // A panic there means that nothing more was seen; what there is stays true.
            let _ = thread.join();
        }
    }
}

impl Drop for JobWatch {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(watcher: &Mutex<Watcher>) -> std::sync::MutexGuard<'_, Watcher> {
    watcher.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that is alive.
struct Member {
    handle: Option<OwnedHandle>,
    own: u64,
    above: u64,
    nearest: Option<u32>,
    /// Its place among those that were seen.
    place: Option<usize>,
}

/// A fault that waits for its time.
struct Chosen {
    pid: u32,
    when: When,
    command_line: Vec<String>,
}

/// The time of a fault.
#[derive(Clone, Copy)]
enum When {
    /// So long after the target has begun to run, which it had not at this time.
    Running { chosen: Instant, wait: Duration },
    /// Then.
    At(Instant),
}

struct Watcher {
    watch: Watch,
    start: Instant,
    /// The hook's own process, which is the first that is told of.
    program: Option<u32>,
    members: HashMap<u32, Member>,
    /// Processes below the hook that were told of.
    told: u64,
    /// The system's own helpers among the processes of the job.
    console_hosts: u64,
    seen: Vec<SeenCommand>,
    others: usize,
    dropped: u64,
    /// Processes that were gone, or would not say their command line.
    unread: u64,
    /// Those of them that may match.
    undecided: u64,
    aim: u64,
    counted: u32,
    chosen: Option<Chosen>,
    /// Later starts of the program that was broken, which are ended as soon as they run.
    others_due: Vec<(u32, Instant)>,
    fault: Option<FaultReport>,
}

impl Watcher {
    fn new(watch: &Watch, start: Instant) -> Self {
        let mut this = Watcher {
            watch: watch.clone(),
            start,
            program: None,
            members: HashMap::new(),
            told: 0,
            console_hosts: 0,
            seen: Vec::new(),
            others: 0,
            dropped: 0,
            unread: 0,
            undecided: 0,
            aim: 0,
            counted: 0,
            chosen: None,
            others_due: Vec::new(),
            fault: None,
        };
        if let Some(fault) = &watch.fault {
            match fault::code_of(&fault.action).map_err(str::to_owned).and(watch.aimed_at(&fault.target)) {
                Err(because) => this.fault = Some(FaultReport::Impossible { because }),
                Ok(aim) => this.aim = aim,
            }
        }
        this
    }

    fn began(&mut self, pid: u32) {
        if self.program.is_none() {
            self.program = Some(pid);
            self.members.insert(pid, Member { handle: open(pid), own: 0, above: 0, nearest: None, place: None });
            return;
        }
        let at = self.start.elapsed();
        let process = open(pid);
        let handle = process.as_ref().map(AsRawHandle::as_raw_handle);
        let (image, line) = handle.map(|handle| read_soon(pid, handle)).unwrap_or_default();
        if image.to_ascii_lowercase().ends_with(CONSOLE_HOST) {
            self.console_hosts += 1;
            return;
        }
        self.told += 1;
        let is_told = line.is_some();
        let words = line.map_or_else(|| vec![image.clone()], |line| split(&line));
        let parent = handle.and_then(parent_of).unwrap_or(0);
        let (above, nearest) = self.members.get(&parent).map_or((0, None), |member| {
            (member.own | member.above, if member.own != 0 { Some(parent) } else { member.nearest })
        });
        let run = self.mask(&words);
        let may_match = self
            .watch
            .effective()
            .iter()
            .any(|pattern| image.is_empty() || begins(pattern.as_str().as_bytes(), image.as_bytes(), program_name));
        let called: Vec<String> = [image].into_iter().chain(words.iter().skip(1).cloned()).collect();
        let mask = run | self.mask(&called);
        if !is_told {
            self.unread += 1;
            // What somebody who matches has started is no attempt of its own.
            self.undecided += u64::from(mask == 0 && nearest.is_none() && may_match);
        }
        let pattern = (mask != 0).then(|| mask.trailing_zeros() as usize);
        let form = pattern.map(|p| if run & (1 << p) != 0 { CommandForm::Run } else { CommandForm::Called });
        let seen =
            SeenCommand { at, pid, parent, command_line: words.clone(), pattern, form, below: nearest, ended: None };
        let place = self.write(seen);
        self.members.insert(pid, Member { handle: process, own: mask, above, nearest, place });
        self.consider(pid, mask, above, words);
    }

    fn mask(&self, words: &[String]) -> u64 {
        let line = words.join("\0");
        let fits = |pattern: &str| u64::from(glob(pattern.as_bytes(), line.as_bytes(), program_name));
        let patterns = self.watch.effective().iter().enumerate();
        patterns.fold(0, |mask, (index, pattern)| mask | fits(pattern.as_str()) << index)
    }

    fn write(&mut self, seen: SeenCommand) -> Option<usize> {
        if seen.pattern.is_none() {
            if self.others == MOST_SEEN {
                self.dropped += 1;
                return None;
            }
            self.others += 1;
        } else if self.seen.len() - self.others == MOST_SEEN {
            self.dropped += 1;
            return None;
        }
        self.seen.push(seen);
        Some(self.seen.len() - 1)
    }

    /// Looks whether the fault is for this process.
    fn consider(&mut self, pid: u32, mask: u64, above: u64, command_line: Vec<String>) {
        let Some(fault) = self.watch.fault.clone() else {
            return;
        };
        let fits = match fault.target.generation {
            Generation::Matched => mask & self.aim != 0 && above & self.aim == 0,
            Generation::Below => above & self.aim != 0,
        };
        if !fits {
            return;
        }
        let name = |words: &[String]| words.first().map(|word| program_name(word.as_bytes()).to_ascii_lowercase());
        if fault.target.every
            && matches!(&self.fault, Some(FaultReport::Done(done)) if name(&done.command_line) == name(&command_line))
        {
            self.others_due.push((pid, Instant::now()));
            self.when_due();
            return;
        }
        self.counted += 1;
        if self.counted != fault.target.nth.max(1) || self.fault.is_some() {
            return;
        }
        let wait = match fault.action {
            FaultAction::Kill { after, .. } | FaultAction::KillHook { after } => after,
            FaultAction::Hold { held, .. } => held,
            FaultAction::Exit
            | FaultAction::FailSaying { .. }
            | FaultAction::FailExec { .. }
            | FaultAction::Cap { .. } => Duration::ZERO,
        };
        self.chosen = Some(Chosen { pid, when: When::Running { chosen: Instant::now(), wait }, command_line });
        self.when_due();
    }

    /// Sets the time of the fault when its target has begun to run, and holds who is to be held.
    fn when_running(&mut self) {
        let Some(Chosen { pid, when: When::Running { chosen, wait }, .. }) = self.chosen else {
            return;
        };
        let runs = self.handle_of(pid).is_none_or(|process| runs(process.as_raw_handle()));
        if !runs && chosen.elapsed() < RUNNING_WITHIN {
            return;
        }
        let is_held = self.watch.fault.as_ref().is_some_and(|fault| matches!(fault.action, FaultAction::Hold { .. }));
        if is_held && !self.handle_of(pid).is_some_and(fault::hold) {
            let because = "the system did not let the program be held, or it had ended before".into();
            self.fault = Some(FaultReport::Impossible { because });
            self.chosen = None;
        } else if let Some(chosen) = &mut self.chosen {
            chosen.when = When::At(Instant::now() + wait);
        }
    }

    fn handle_of(&self, pid: u32) -> Option<&OwnedHandle> {
        self.members.get(&pid)?.handle.as_ref()
    }

    /// Milliseconds until somebody is to be ended.
    fn until_due(&self) -> u32 {
        match self.chosen.as_ref().map(|chosen| chosen.when) {
            _ if !self.others_due.is_empty() => 1,
            None => INFINITE,
            Some(When::Running { .. }) => 1,
            Some(When::At(due)) => {
                let left = due.saturating_duration_since(Instant::now());
                u32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1)
            }
        }
    }

    /// Ends later starts of the program that was broken which have begun to run.
    fn end_others(&mut self) {
        let Some(code) = self.watch.fault.as_ref().and_then(|fault| fault::code_of(&fault.action).ok()) else {
            return;
        };
        let waiting = mem::take(&mut self.others_due);
        let mut ended = 0;
        for (pid, since) in waiting {
            // Who has gone by itself is not waited for.
            let Some(process) = self.handle_of(pid) else { continue };
            if !runs(process.as_raw_handle()) && since.elapsed() < RUNNING_WITHIN {
                self.others_due.push((pid, since));
            } else if fault::end(process, code) {
                ended += 1;
            }
        }
        if let Some(FaultReport::Done(done)) = &mut self.fault {
            done.repeated += ended;
        }
    }

    fn when_due(&mut self) {
        self.end_others();
        self.when_running();
        let is_due = |chosen: &mut Chosen| matches!(chosen.when, When::At(due) if Instant::now() >= due);
        let Some(chosen) = self.chosen.take_if(is_due) else {
            return;
        };
        let action = self.watch.fault.as_ref().map(|fault| &fault.action);
        let Some((action, Ok(code))) = action.map(|action| (action, fault::code_of(action))) else {
            return;
        };
        let end = |pid: u32| self.handle_of(pid).is_some_and(|process| fault::end(process, code));
        // The hook goes first, or it would see the other end.
        let hook_ended = matches!(action, FaultAction::KillHook { .. }).then(|| self.program.is_some_and(end));
        let target_ended = end(chosen.pid);
        let is_done = hook_ended.unwrap_or(target_ended);
        let Chosen { pid, command_line, .. } = chosen;
        self.fault = Some(if is_done {
            FaultReport::Done(FaultDone {
                pid,
                of_the_hook: self.program == Some(pid),
                at: self.start.elapsed(),
                command_line,
                repeated: 0,
                disposition: None,
                limits: Vec::new(),
                began: true,
                ended: None,
            })
        } else {
            FaultReport::EndedBefore { pid, command_line, ended: None }
        });
    }

    fn ended(&mut self, pid: u32) {
        let at = self.start.elapsed();
        let Some(member) = self.members.remove(&pid) else {
            return;
        };
        let ended = member.handle.as_ref().and_then(|handle| exit_code(handle.as_raw_handle()));
        let ended = ended.map(|code| CommandEnd::Exited { code: code.cast_signed(), at });
        if let Some(seen) = member.place.and_then(|place| self.seen.get_mut(place)) {
            seen.ended = ended;
        }
        if let Some(chosen) = self.chosen.take_if(|chosen| chosen.pid == pid) {
            self.fault = Some(FaultReport::EndedBefore { pid, command_line: chosen.command_line, ended });
        }
        if let Some(FaultReport::Done(done)) = &mut self.fault
            && done.pid == pid
            && done.ended.is_none()
        {
            done.ended = ended;
        }
    }

    /// The processes below the hook. The job counts all that it has had; that each is told of is not promised.
    fn created(&self, total: Option<u64>) -> Created {
        let (count, incomplete) = match total {
            Some(total) => (total.saturating_sub(1 + self.console_hosts).max(self.told), None),
            None => (self.told, Some("the job does not say how many processes it has had".into())),
        };
        // Who is created here has a program, also where a library plays the fork of other systems.
        Created { count, copies: 0, incomplete }
    }

    fn report(&mut self, total: Option<u64>) -> WatchReport {
        let means = "job object: it tells of every process when it begins";
        let mut because = "a process runs already when it is looked at, so it may have ended before".to_owned();
        if self.unread > 0 {
            because = format!("{because}; the command lines of {} could not be read", self.unread);
        }
        let fault = self.watch.fault.as_ref().map(|_| match (&self.fault, self.chosen.take()) {
            (Some(fault), _) => fault.clone(),
            (None, Some(chosen)) => {
                FaultReport::EndedBefore { pid: chosen.pid, command_line: chosen.command_line, ended: None }
            }
            (None, None) => FaultReport::NotReached { matching_seen: self.counted },
        });
        let coverage = Coverage::Partial { means: means.into(), because };
        let created = Some(self.created(total));
        let seen = mem::take(&mut self.seen);
        let clock = self.watch.clock.map(|_| ClockReport::NotMoved { because: NO_CLOCK.into() });
        WatchReport { coverage, seen, dropped: self.dropped, undecided: self.undecided, created, fault, clock }
    }
}
