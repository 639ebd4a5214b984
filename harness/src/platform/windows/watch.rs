#![allow(unsafe_code)]
//! Watching the processes of a job: the job tells of every one that begins or ends, and a thread looks at each.
//!
//! What is looked at runs already, and nothing stops it meanwhile: one that ends at once may be gone before it can be
//! looked at, and one that is ended may have run for a moment.

use std::collections::HashMap;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{mem, ptr};

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, PROCESSINFOCLASS};
use windows_sys::Win32::Foundation::{HANDLE, STILL_ACTIVE, UNICODE_STRING};
use windows_sys::Win32::System::IO::PostQueuedCompletionStatus;
use windows_sys::Win32::System::SystemServices::{
    JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS, JOB_OBJECT_MSG_EXIT_PROCESS, JOB_OBJECT_MSG_NEW_PROCESS,
};
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, INFINITE, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE, TerminateProcess,
};

use super::job::{Job, name_of};
use super::limits::{Overheard, messages_of, next_message};
use super::program_name;
use super::run::CONSOLE_HOST;
use super::words::split;
use crate::error::HarnessError;
use crate::watch::{
    CommandEnd, CommandForm, Coverage, FaultAction, FaultDone, FaultReport, FaultSignal, Generation, SeenCommand,
    Watch, WatchReport, begins, glob,
};

/// The exit code of whoever a fault ends: like that of the harness's own terminations, but another.
const FAULT_CODE: u32 = 0xE048_4B02;
/// How long a new process may take until its command line can be read.
const READABLE_WITHIN: Duration = Duration::from_millis(250);
/// Starts that are written down at most, and as many besides that match.
const MOST_SEEN: usize = 4096;
/// The key of the message by which the thread is told to end.
const STOP: usize = 1;

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

    /// What was seen. Nothing more is seen afterwards.
    pub(super) fn report(&mut self) -> WatchReport {
        self.stop();
        lock(&self.watcher).report()
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
    due: Instant,
    command_line: Vec<String>,
}

struct Watcher {
    watch: Watch,
    start: Instant,
    /// Whether the hook's own process has been told of, which is the first.
    program_seen: bool,
    members: HashMap<u32, Member>,
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
    fault: Option<FaultReport>,
}

impl Watcher {
    fn new(watch: &Watch, start: Instant) -> Self {
        let mut this = Watcher {
            watch: watch.clone(),
            start,
            program_seen: false,
            members: HashMap::new(),
            seen: Vec::new(),
            others: 0,
            dropped: 0,
            unread: 0,
            undecided: 0,
            aim: 0,
            counted: 0,
            chosen: None,
            fault: None,
        };
        if let Some(fault) = &watch.fault {
            let impossible = match &fault.action {
                FaultAction::Kill { signal: FaultSignal::Kill, .. } => None,
                FaultAction::Kill { .. } => Some("this system knows no signals: it can only end a process"),
                FaultAction::Hold { .. } => Some("this system does not tell of a process before it runs"),
                FaultAction::KillHook { .. } | FaultAction::Exit => {
                    Some("this is only done where a start is seen before it happens")
                }
                FaultAction::FailExec { .. } => Some("this system does not let a start be refused from outside"),
                FaultAction::Cap { .. } => Some("this system does not tell of a process before it runs"),
            };
            match (impossible, watch.aimed_at(&fault.target)) {
                (Some(because), _) => this.fault = Some(FaultReport::Impossible { because: because.into() }),
                (None, Err(because)) => this.fault = Some(FaultReport::Impossible { because }),
                (None, Ok(aim)) => this.aim = aim,
            }
        }
        this
    }

    fn began(&mut self, pid: u32) {
        if !mem::replace(&mut self.program_seen, true) {
            self.members.insert(pid, Member { handle: None, own: 0, above: 0, nearest: None, place: None });
            return;
        }
        let at = self.start.elapsed();
        let process = open(pid);
        let handle = process.as_ref().map(AsRawHandle::as_raw_handle);
        let (image, line) = handle.map(|handle| read_soon(pid, handle)).unwrap_or_default();
        if image.to_ascii_lowercase().ends_with(CONSOLE_HOST) {
            return;
        }
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
        self.counted += 1;
        if self.counted == fault.target.nth.max(1)
            && self.fault.is_none()
            && let FaultAction::Kill { after, .. } = fault.action
        {
            self.chosen = Some(Chosen { pid, due: Instant::now() + after, command_line });
            self.when_due();
        }
    }

    /// Milliseconds until somebody is to be ended.
    fn until_due(&self) -> u32 {
        self.chosen.as_ref().map_or(INFINITE, |chosen| {
            let left = chosen.due.saturating_duration_since(Instant::now());
            u32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1)
        })
    }

    fn when_due(&mut self) {
        let Some(chosen) = self.chosen.take_if(|chosen| Instant::now() >= chosen.due) else {
            return;
        };
        let handle = self.members.get(&chosen.pid).and_then(|member| member.handle.as_ref());
        // SAFETY: a handle of ours that may terminate.
        let terminated =
            handle.is_some_and(|handle| unsafe { TerminateProcess(handle.as_raw_handle(), FAULT_CODE) } != 0);
        let Chosen { pid, command_line, .. } = chosen;
        self.fault = Some(if terminated {
            FaultReport::Done(FaultDone {
                pid,
                at: self.start.elapsed(),
                command_line,
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

    fn report(&mut self) -> WatchReport {
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
        let seen = mem::take(&mut self.seen);
        WatchReport { coverage, seen, dropped: self.dropped, undecided: self.undecided, fault }
    }
}

/// Path and command line of a process that may just be on its way into the world: it is told of before it has them.
fn read_soon(pid: u32, process: HANDLE) -> (String, Option<String>) {
    let begin = Instant::now();
    loop {
        let found = (name_of(pid), command_line(process));
        let complete = !found.0.is_empty() && found.1.is_some();
        let gone = exit_code(process).is_some_and(|code| code != STILL_ACTIVE.cast_unsigned());
        if complete || gone || begin.elapsed() > READABLE_WITHIN {
            return found;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn open(pid: u32) -> Option<OwnedHandle> {
    // SAFETY: the handle is checked and ours.
    unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE, 0, pid);
        (!process.is_null()).then(|| OwnedHandle::from_raw_handle(process))
    }
}

fn exit_code(process: HANDLE) -> Option<u32> {
    let mut code = 0;
    // SAFETY: a handle of ours; the call writes a number.
    (unsafe { GetExitCodeProcess(process, &raw mut code) } != 0).then_some(code)
}

/// The command line as the process was given it (`ProcessCommandLineInformation`, since Windows 8.1).
fn command_line(process: HANDLE) -> Option<String> {
    const COMMAND_LINE: PROCESSINFOCLASS = 60;
    // Of pointer-sized words, because a structure with a pointer comes first. A text has at most 64 KiB.
    let mut room = vec![0_usize; (mem::size_of::<UNICODE_STRING>() + 0x1_0000).div_ceil(mem::size_of::<usize>())];
    let size = u32::try_from(mem::size_of_val(room.as_slice())).ok()?;
    let mut filled = 0;
    // SAFETY: the room has that size; the system puts the structure in front and the text behind it.
    unsafe {
        let place = room.as_mut_ptr().cast();
        if NtQueryInformationProcess(process, COMMAND_LINE, place, size, &raw mut filled) < 0 {
            return None;
        }
        let text = &*place.cast::<UNICODE_STRING>();
        if text.Buffer.is_null() {
            return None;
        }
        let units = std::slice::from_raw_parts(text.Buffer, usize::from(text.Length) / 2);
        Some(String::from_utf16_lossy(units))
    }
}

/// The process that created it (`ProcessBasicInformation`).
fn parent_of(process: HANDLE) -> Option<u32> {
    const BASIC: PROCESSINFOCLASS = 0;
    const PARENT_AT: usize = 5;
    // PROCESS_BASIC_INFORMATION: six words of the size of a pointer, of which the last is the parent's id.
    let mut words = [0_usize; 6];
    let mut filled = 0;
    let size = mem::size_of_val(&words) as u32;
    // SAFETY: a handle of ours; the room has that size.
    let answer = unsafe { NtQueryInformationProcess(process, BASIC, words.as_mut_ptr().cast(), size, &raw mut filled) };
    (answer >= 0).then(|| words[PARENT_AT] as u32)
}
