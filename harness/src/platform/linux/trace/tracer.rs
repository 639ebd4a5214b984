#![allow(unsafe_code)]
//! The tracer: lets the program in, looks at every stop of the tree, and lets it go on.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::Ordering;

use super::super::super::unix::errno;
use super::super::helper_tree::{Reaped, monotonic_nanoseconds};
use super::super::proc_file::ProcStatus;
use super::area::{Stage, WatchArea};
use super::call::Call;
use super::calls::{
    Ask, END_OF_CALL, EVENT_STOP, OPTIONS, go_on, go_on_to_the_end_of_the_call, message, ptrace, stay_stopped,
};
use super::clock::{self, Goes};
use super::command_line::{read_called, read_loaded};
use super::exec_call::{self, ExecCall, exit_instead, read_call, refuse};
use super::fault::{Entry, Matched, Names};
use super::log::Start;
use super::saying::say_instead;
use super::tracees::Tracee;
use crate::platform::program_name;
use crate::watch::{Watch, glob};

/// What the child is told when it may go on.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Gate {
    Shut = 0,
    /// It is traced.
    Traced = 1,
    /// It is not.
    Free = 2,
}

/// Watches over one run. Lives in the spawner, like all that follows.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Tracer {
    area: *mut WatchArea,
    /// The hook's own process.
    program: c_int,
    /// Whether the hook's own program has been loaded.
    pub(in super::super) began: bool,
}

impl Tracer {
    /// Traces the child that stands before the gate, and opens it. `None` if the kernel refuses.
    ///
    /// # Safety
    ///
    /// `area` is in the shared memory, and `program` a child that waits by [`Gate::wait`].
    pub(in super::super) unsafe fn begin(area: *mut WatchArea, program: c_int) -> Option<Self> {
        // SAFETY: by the contract; the area is the spawner's now.
        unsafe {
            let (entries, moved) = ((*area).plan.needs_entries(), (*area).clock.shift != 0);
            let options = OPTIONS
                | if entries || moved { libc::PTRACE_O_TRACESECCOMP } else { 0 }
                | if moved { libc::PTRACE_O_TRACESYSGOOD } else { 0 };
            let data = ptr::without_provenance_mut(options as usize);
            let refused = if ptrace(Ask::Seize, program, 0, data) == 0 { 0 } else { errno() };
            let area_ref = &mut *area;
            area_ref.entrance.refused.store(refused, Ordering::Relaxed);
            area_ref.faulted.hook = program;
            area_ref.tracees.insert(Tracee::new(program, libc::getpid()));
            Gate::open(area, if refused == 0 { Gate::Traced } else { Gate::Free });
            (refused == 0).then_some(Tracer { area, program, began: false })
        }
    }

    /// A tracee has stopped, with a status as `wait` gives it.
    ///
    /// # Safety
    ///
    /// As [`Tracer::begin`].
    pub(in super::super) unsafe fn stopped(&mut self, tid: c_int, status: c_int) {
        // SAFETY: the area is the spawner's.
        let area = unsafe { &mut *self.area };
        self.stop(area, tid, libc::WSTOPSIG(status), status >> 16);
    }

    fn stop(&mut self, area: &mut WatchArea, tid: c_int, signal: c_int, event: c_int) {
        match event {
            // Only of calls that wait until a time of day.
            0 if signal == END_OF_CALL => {
                clock::leave(tid);
                go_on(tid, 0);
            }
            // A signal that arrives, passed on as it came.
            0 => go_on(tid, signal),
            EVENT_STOP => {
                adopt(area, tid);
                if matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) {
                    stay_stopped(tid);
                } else {
                    go_on(tid, 0);
                }
            }
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                if let Some(child) = message(tid) {
                    announce(area, tid, child as c_int, event == libc::PTRACE_EVENT_CLONE);
                }
                go_on(tid, 0);
            }
            libc::PTRACE_EVENT_EXEC => {
                if self.loaded(area, tid) {
                    go_on(tid, 0);
                }
            }
            libc::PTRACE_EVENT_SECCOMP => match self.entered(area, tid) {
                Goes::On => go_on(tid, 0),
                Goes::ToTheEndOfTheCall => go_on_to_the_end_of_the_call(tid),
            },
            _ => go_on(tid, 0),
        }
    }

    /// Somebody is about to make a call that one of the filters stops for.
    fn entered(&self, area: &mut WatchArea, tid: c_int) -> Goes {
        // What the child does before it is the hook is our own.
        if !self.began && tid == self.program {
            return Goes::On;
        }
        let Some(call) = Call::read(tid) else {
            return Goes::On;
        };
        if call.mark == clock::MARK {
            return area.clock.enter(tid, &call);
        }
        if let Some(exec) = read_call(&call) {
            enter(area, tid, &exec);
        }
        Goes::On
    }

    /// A program has been loaded and has not run yet. Whichever thread asked for it, it has the process's id now.
    /// Whether it may run.
    fn loaded(&mut self, area: &mut WatchArea, pid: c_int) -> bool {
        area.clock.loaded(pid);
        if pid == self.program && !self.began {
            self.began = true;
            return true;
        }
        let now = monotonic_nanoseconds();
        read_loaded(area, pid, area.plan.pattern_count > 0);
        let matched = matches(area);
        let mask = matched.mask();
        let known = area.tracees.alive(pid);
        let tracee = known.as_deref().copied().unwrap_or(Tracee::new(pid, 0));
        let mut start = Start::new(now, pid, tracee.parent, tracee.belongs_to());
        if mask != 0 {
            let first = mask.trailing_zeros();
            start.pattern = first as i32;
            start.called = i32::from(matched.run & (1 << first) == 0);
        }
        let place = area.log.write(start, area.run.as_bytes());
        let counts = area.plan.counts(&tracee, mask);
        if let Some(known) = known {
            known.own |= mask;
            known.place = place;
            known.flags |= Tracee::EXECUTED;
            if tracee.above & area.plan.aim != 0 {
                known.flags |= Tracee::STARTED_BELOW;
            }
        }
        if pid != self.program && !tracee.has(Tracee::EXECUTED) {
            area.tracees.executed = area.tracees.executed.saturating_add(1);
        }
        area.faulted.loaded(&area.plan, pid);
        if area.plan.counts_starts() {
            return area.faulted.at_start(&area.plan, pid, counts, &matched, area.run.as_bytes());
        }
        true
    }

    /// A process (or a thread) has ended and been waited for.
    ///
    /// # Safety
    ///
    /// As [`Tracer::begin`].
    pub(in super::super) unsafe fn ended(&mut self, child: &Reaped) {
        // SAFETY: the area is the spawner's.
        let area = unsafe { &mut *self.area };
        if let Some(tracee) = area.tracees.end(child.pid) {
            let now = monotonic_nanoseconds();
            area.log.end(tracee.place, child.status, now);
            area.faulted.end(child.pid, child.status, now);
        }
    }

    /// Milliseconds until there is something to do; -1 if there is not.
    ///
    /// # Safety
    ///
    /// As [`Tracer::begin`].
    pub(in super::super) unsafe fn due_in(&self) -> c_int {
        // SAFETY: the area is the spawner's.
        unsafe { (*self.area).faulted.due_in() }
    }

    /// Does what is to be done now.
    ///
    /// # Safety
    ///
    /// As [`Tracer::begin`].
    pub(in super::super) unsafe fn when_due(&mut self) {
        // SAFETY: the area is the spawner's.
        let area = unsafe { &mut *self.area };
        area.faulted.when_due(&area.plan);
    }
}

/// What the command line that is being looked at matches.
fn matches(area: &WatchArea) -> Matched {
    let (mut run, mut called) = (0, 0);
    for index in 0..Watch::MOST_PATTERNS {
        let Some(pattern) = area.plan.pattern(index) else {
            break;
        };
        let fits = |words: &[u8]| u64::from(!words.is_empty() && glob(pattern, words, program_name)) << index;
        run |= fits(area.run.as_bytes());
        called |= fits(area.called.as_bytes());
    }
    Matched { run, called, names: Names::of(area.run.as_bytes(), area.called.as_bytes()) }
}

/// A call of `execve` is about to be made.
fn enter(area: &mut WatchArea, tid: c_int, call: &ExecCall) {
    match read_called(area, tid, call) {
        None => area.faulted.unread = area.faulted.unread.saturating_add(1),
        // There is nothing to be executed: this is a search for it, and goes on elsewhere.
        Some(false) => {}
        Some(true) => {
            let matched = matches(area);
            let pid = process_of(area, tid);
            let WatchArea { plan, faulted, tracees, run: line, .. } = area;
            let changed = match faulted.at_entry(plan, tracees.alive(pid), &matched, line.as_bytes()) {
                Entry::Made => true,
                Entry::Refused => refuse(tid, plan.number),
                Entry::ExitInstead => exit_instead(tid, call),
                Entry::SayInstead => say_instead(tid, call, plan.script()),
            };
            if !changed {
                faulted.stage = Stage::Failed as i32;
            }
        }
    }
}

/// The process of a thread.
fn process_of(area: &mut WatchArea, tid: c_int) -> c_int {
    if area.tracees.alive(tid).is_some() {
        return tid;
    }
    ProcStatus::of(tid).and_then(|status| status.number(b"Tgid:", 10)).map_or(tid, |pid| pid as c_int)
}

/// A process tells of a task that it has created.
fn announce(area: &mut WatchArea, tid: c_int, child: c_int, may_be_a_thread: bool) {
    if area.tracees.announce(child) {
        return;
    }
    // A thread may have ended before it is told of, and then nothing is left of it. A process that has ended was known
    // before, or waits to be reaped.
    if may_be_a_thread && !is_process(child) {
        return;
    }
    area.tracees.created = area.tracees.created.saturating_add(1);
    let parent = process_of(area, tid);
    let tracee = area.tracees.child_of(parent, child);
    take_in(area, tracee);
}

/// Whether a task is a process, and no thread of one.
fn is_process(tid: c_int) -> bool {
    ProcStatus::of(tid).and_then(|status| status.number(b"Tgid:", 10)).is_some_and(|pid| pid as c_int == tid)
}

/// A task has stopped that may be new: its first stop can come before its parent tells of it. The parent is in the
/// kernel then, on its way to tell, so it can be asked for.
fn adopt(area: &mut WatchArea, tid: c_int) {
    if area.tracees.alive(tid).is_some() {
        return;
    }
    let Some(status) = ProcStatus::of(tid) else {
        return;
    };
    let number = |name: &[u8]| status.number(name, 10).map_or(0, |number| number as c_int);
    if number(b"Tgid:") != tid {
        return;
    }
    let tracee = area.tracees.child_of(number(b"PPid:"), tid);
    // Who is not taken in here is counted when its parent tells of it.
    if take_in(area, tracee.map(|tracee| Tracee { flags: Tracee::EARLY, ..tracee })) {
        area.tracees.created = area.tracees.created.saturating_add(1);
    }
}

/// Whether there was a parent, and room.
fn take_in(area: &mut WatchArea, tracee: Option<Tracee>) -> bool {
    let taken = tracee.is_some_and(|tracee| area.tracees.insert(tracee));
    if !taken {
        area.faulted.lost = area.faulted.lost.saturating_add(1);
    }
    taken
}

impl WatchArea {
    /// Installs the filters that the fault and the moved clock need, and writes down what came of it.
    ///
    /// # Safety
    ///
    /// Only in the child, just before its exec, if it is traced. `area` is in the shared memory.
    pub(in super::super) unsafe fn install_filters(area: *const WatchArea) {
        // SAFETY: by the contract; the numbers are changed by nobody else now.
        unsafe {
            let entrance = &(*area).entrance;
            let note = |installed: Result<bool, c_int>| match installed {
                Ok(true) => entrance.no_new_privileges.store(1, Ordering::Relaxed),
                Ok(false) => {}
                Err(error) => entrance.filter_refused.store(error.max(1), Ordering::Relaxed),
            };
            if (*area).plan.needs_entries() {
                note(exec_call::install_filter());
            }
            if (*area).clock.shift != 0 {
                note(clock::install_filter());
            }
        }
    }
}

impl Gate {
    /// Waits until the gate is open, and says what has been decided.
    ///
    /// # Safety
    ///
    /// Only in the child, and `area` is in the shared memory.
    pub(in super::super) unsafe fn wait(area: *const WatchArea) -> Gate {
        // SAFETY: the number is in the shared memory, and only the spawner changes it.
        unsafe {
            let gate = &(*area).entrance.gate;
            loop {
                match gate.load(Ordering::Acquire) {
                    0 => {
                        let none = ptr::null::<libc::timespec>();
                        libc::syscall(libc::SYS_futex, gate.as_ptr(), libc::FUTEX_WAIT, Gate::Shut as u32, none);
                    }
                    1 => return Gate::Traced,
                    _ => return Gate::Free,
                }
            }
        }
    }

    /// # Safety
    ///
    /// `area` is in the shared memory.
    unsafe fn open(area: *const WatchArea, gate: Gate) {
        // SAFETY: as above.
        unsafe {
            let number = &(*area).entrance.gate;
            number.store(gate as u32, Ordering::Release);
            libc::syscall(libc::SYS_futex, number.as_ptr(), libc::FUTEX_WAKE, 1);
        }
    }
}
