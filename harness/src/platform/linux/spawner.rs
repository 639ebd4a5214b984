#![allow(unsafe_code)]
//! The process that starts programs: one at a time, on request, and child subreaper of all they start.
//!
//! It allocates nothing and takes no lock, see `helper_tree`. All signals are blocked but SIGKILL and SIGSTOP, so a
//! program cannot disturb it with anything less; SIGCHLD is read from a descriptor.

use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::{mem, ptr};

use super::super::unix::{ChildReport, ChildStreams, FailedStep, errno};
use super::cage::privileges::{SPAWNER_NEEDS, keep as keep_capabilities};
use super::child::{child_main, see_exec};
use super::helper_tree::{
    Left, News, Reaped, Visit, is_possible, kill_all, monotonic_nanoseconds, reap, stop_and_list, walk,
};
use super::shared::{Control, Stack, stack_top, watch_area};
use super::trace::Tracer;
use super::wire::{MOST_STREAMS, Received, Reply, ReplyKind, Request, receive, send};

/// How long a tree may take to die of SIGKILL, in milliseconds.
pub(super) const PATIENCE: i64 = 2000;
/// How long a tree may take to stand still, in milliseconds.
const LISTS_WITHIN: i64 = 200;
/// Sent by the kernel when the guardian dies.
const GUARDIAN_DIED: c_int = libc::SIGHUP;

/// What the spawner knows of the program it runs.
struct Spawner {
    control: *mut Control,
    socket: RawFd,
    /// The running program, 0 if there is none or it has ended.
    program: c_int,
    /// Whether the program was executed: 1 yes, 0 not that we know, -1 nobody looks.
    executed: i32,
    /// The last kill step: 0 none, 1 terminate, 2 kill.
    step: i32,
    /// The end has been told, with descendants left, and their end has not.
    owes_gone: bool,
    /// The start has been asked for, and whether it succeeds is only seen when the child ends.
    forked: bool,
    /// Who watches over the tree, if it is watched.
    tracer: Option<Tracer>,
    /// There may be news that nobody has looked at.
    more: bool,
}

/// Entry of the spawner. Never returns.
pub(super) extern "C" fn spawner_main(control: *mut c_void) -> c_int {
    let control: *mut Control = control.cast();
    // SAFETY: this is a fresh copy of the guardian, on a stack of its own in the shared memory.
    unsafe {
        let socket = (*control).socket;
        libc::prctl(libc::PR_SET_NAME, c"hookproof-spawn".as_ptr());
        libc::prctl(libc::PR_SET_PDEATHSIG, GUARDIAN_DIED);
        // A program that is not contained gets what the harness has, so all of it stays permitted.
        keep_capabilities(SPAWNER_NEEDS, true);
        let subreaper = libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::sigaddset(&raw mut set, GUARDIAN_DIED);
        let signals = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if subreaper < 0 || signals < 0 || !is_possible() {
            let _ = send(socket, &Reply::new(ReplyKind::Unfit, errno()), &[]);
            libc::_exit(1);
        }
        let mut spawner = Spawner {
            control,
            socket,
            program: 0,
            executed: -1,
            step: 0,
            owes_gone: false,
            forked: false,
            tracer: None,
            more: false,
        };
        spawner.reply(&Reply::new(ReplyKind::Ready, libc::getpid()));
        loop {
            let mut polled = [
                libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 },
                libc::pollfd { fd: signals, events: libc::POLLIN, revents: 0 },
            ];
            libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, spawner.patience());
            if let Some(tracer) = &mut spawner.tracer {
                tracer.when_due();
            }
            if polled[1].revents != 0 || spawner.more {
                // Which signals came does not matter: both causes are looked at.
                let mut info: [libc::signalfd_siginfo; 2] = mem::zeroed();
                libc::read(signals, info.as_mut_ptr().cast(), mem::size_of_val(&info));
                if libc::getppid() != (*control).guardian {
                    spawner.end();
                }
                spawner.reap();
            }
            if polled[0].revents != 0 {
                spawner.answer();
            }
        }
    }
}

impl Spawner {
    /// The harness reads as long as it lives; a failed send is followed by the end of the socket.
    fn reply(&self, reply: &Reply) {
        let _ = send(self.socket, reply, &[]);
    }

    /// # Safety
    ///
    /// Only in the spawner, as everything here.
    unsafe fn answer(&mut self) {
        // SAFETY: as above.
        unsafe {
            match receive::<u32>(self.socket) {
                Received::Nothing => {}
                Received::Closed => self.end(),
                Received::Record(request, streams, count) => {
                    if request == Request::Start as u32 {
                        self.start(&streams, count);
                    } else if request == Request::Terminate as u32 {
                        self.terminate();
                    } else if request == Request::Kill as u32 {
                        // Whoever has ended already did not do so because of this.
                        self.reap();
                        self.step = 2;
                        let left = self.kill();
                        self.reply(&Reply::new(ReplyKind::Killed, left));
                    } else if request == Request::List as u32 {
                        let count = self.list();
                        self.reply(&Reply::new(ReplyKind::Listed, c_int::try_from(count).unwrap_or(0)));
                    }
                }
            }
        }
    }

    /// Starts the program that the shared memory describes. The child shares the memory of the spawner until it
    /// executes, and the spawner stands still meanwhile: nothing is copied.
    ///
    /// # Safety
    ///
    /// As [`Spawner::answer`].
    unsafe fn start(&mut self, streams: &[RawFd; MOST_STREAMS], count: usize) {
        // SAFETY: the stack is the child's alone, the control part outlives it, and all received descriptors are
        // above 2 (0, 1 and 2 are taken) and close on exec.
        unsafe {
            let control = self.control;
            let cage = &mut (*control).plan.cage;
            let stdin = count > 2 + cage.descriptors();
            cage.take(&streams[count.saturating_sub(cage.descriptors())..count]);
            (*control).streams =
                ChildStreams { stdout: streams[0], stderr: streams[1], stdin: if stdin { streams[2] } else { -1 } };
            (*control).failed_step = 0;
            (*control).report = ChildReport::default();
            self.executed = -1;
            self.step = 0;
            self.owes_gone = false;
            self.tracer = None;
            self.more = false;
            self.forked = (*control).watched != 0;
            if self.forked {
                self.start_watched(streams, count);
                return;
            }
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            let pid = libc::clone(child_main, stack_top(control, Stack::Child), flags, control.cast());
            let create_errno = errno();
            for stream in streams.iter().take(count) {
                libc::close(*stream);
            }
            let step = ptr::read_volatile(&raw const (*control).failed_step);
            if pid < 0 || step != 0 {
                let mut reply = Reply::new(ReplyKind::Failed, create_errno);
                reply.step = FailedStep::CreateProcess as i32;
                if pid >= 0 {
                    libc::waitpid(pid, ptr::null_mut(), libc::__WALL);
                    reply.step = step;
                    reply.number = ptr::read_volatile(&raw const (*control).failed_errno);
                }
                self.reply(&reply);
                return;
            }
            self.program = pid;
            if ptr::read_volatile(&raw const (*control).report.traced) != 0 {
                self.executed = 0;
            }
            ptr::write_volatile(&raw mut (*control).program, pid);
            if self.executed == 0 {
                // It stands still until somebody has looked.
                self.reap();
            }
        }
    }

    /// Starts a program that is to be watched. The child is a process of its own from the beginning, because the
    /// spawner has to look at its stops while it executes.
    ///
    /// # Safety
    ///
    /// As [`Spawner::answer`].
    unsafe fn start_watched(&mut self, streams: &[RawFd; MOST_STREAMS], count: usize) {
        // SAFETY: as `start`; the child waits before the gate until the tracer has let it in.
        unsafe {
            let control = self.control;
            // Nobody is traced whose memory is nobody's business, such as a process that has changed its user. What the
            // child is until its exec is a copy of a helper that has dropped what it had inherited.
            let private = libc::prctl(libc::PR_GET_DUMPABLE) != 1;
            if private {
                libc::prctl(libc::PR_SET_DUMPABLE, 1);
            }
            let pid = libc::clone(child_main, stack_top(control, Stack::Child), libc::SIGCHLD, control.cast());
            let create_errno = errno();
            if private {
                libc::prctl(libc::PR_SET_DUMPABLE, 0);
            }
            if pid > 0 {
                self.program = pid;
                self.tracer = Tracer::begin(watch_area(control), pid);
                if self.tracer.is_some() && (*control).plan.traced {
                    self.executed = 0;
                }
                ptr::write_volatile(&raw mut (*control).program, pid);
            }
            for stream in streams.iter().take(count) {
                libc::close(*stream);
            }
            if pid < 0 {
                let mut reply = Reply::new(ReplyKind::Failed, create_errno);
                reply.step = FailedStep::CreateProcess as i32;
                self.reply(&reply);
            }
        }
    }

    /// How long to wait for news, in milliseconds; -1 for ever.
    fn patience(&self) -> c_int {
        match &self.tracer {
            _ if self.more => 0,
            // SAFETY: the area is in the shared memory.
            Some(tracer) => unsafe { tracer.due_in() },
            None => -1,
        }
    }

    /// # Safety
    ///
    /// As [`Spawner::answer`].
    unsafe fn terminate(&mut self) {
        // Whoever has ended already did not do so because of this.
        self.reap();
        self.step = 1;
        // SAFETY: as above. A stopped process can obey only when it runs.
        unsafe {
            walk(self.control, Visit::Signal(libc::SIGTERM));
            walk(self.control, Visit::Signal(libc::SIGCONT));
        }
    }

    /// Kills the tree. Returns a process that does not die, or 0.
    ///
    /// # Safety
    ///
    /// As [`Spawner::answer`].
    unsafe fn kill(&mut self) -> c_int {
        let mut ended = None;
        let program = self.program;
        let tracer = &mut self.tracer;
        // SAFETY: as above.
        let left = unsafe {
            kill_all(self.control, PATIENCE, |child| {
                if let Some(tracer) = tracer {
                    tracer.ended(child);
                }
                if child.pid == program {
                    ended = Some(end_of(child));
                }
            })
        };
        self.tell(ended, left != 0);
        left
    }

    /// Stops the tree and writes down who is in it. Nobody gets away by being somebody else all the time, and everybody
    /// can still be asked for a name; the harness kills them afterwards.
    ///
    /// # Safety
    ///
    /// As [`Spawner::answer`].
    unsafe fn list(&mut self) -> usize {
        let until = monotonic_nanoseconds() + LISTS_WITHIN * 1_000_000;
        let mut before = (0, 0);
        loop {
            if !self.reap() {
                return 0;
            }
            // SAFETY: as above.
            let found = unsafe { stop_and_list(self.control) };
            let whole = found.0 > 0 && found == before;
            if whole || monotonic_nanoseconds() > until {
                return found.0;
            }
            before = found;
        }
    }

    /// Takes in all news of the tree and tells the harness what it needs to know. `false` if there is no child any more.
    fn reap(&mut self) -> bool {
        let mut ended = None;
        let Spawner { program, executed, tracer, .. } = self;
        let left = reap(&mut |news| match (news, tracer.as_mut()) {
            (News::Ended(child), watching) => {
                if let Some(tracer) = watching {
                    // SAFETY: the tracer's area is in the shared memory.
                    unsafe { tracer.ended(child) };
                }
                if child.pid == *program {
                    ended = Some(end_of(child));
                }
            }
            (News::Stopped { pid, status }, Some(tracer)) => {
                // SAFETY: as above; who has stopped is a tracee of this process.
                unsafe { tracer.stopped(pid, status) };
                if tracer.began && *executed == 0 {
                    *executed = 1;
                }
            }
            // SAFETY: as above.
            (News::Stopped { pid, status }, None) => unsafe { see_exec(pid, status, executed) },
        });
        self.more = left == Left::More;
        self.tell(ended, left != Left::Nobody);
        left != Left::Nobody
    }

    fn tell(&mut self, ended: Option<Reply>, remain: bool) {
        if let Some(mut reply) = ended {
            if let Some(failed) = self.failed() {
                self.program = 0;
                self.reply(&failed);
                return;
            }
            reply.step = self.step;
            reply.executed = self.executed;
            reply.remain = i32::from(remain);
            self.program = 0;
            self.owes_gone = remain;
            self.reply(&reply);
        } else if self.owes_gone && !remain {
            self.owes_gone = false;
            self.reply(&Reply::new(ReplyKind::Gone, 0));
        }
    }

    /// What a child that did not share our memory has failed at.
    fn failed(&self) -> Option<Reply> {
        // SAFETY: inside the mapping; the child has ended.
        unsafe {
            let step = ptr::read_volatile(&raw const (*self.control).failed_step);
            if !self.forked || step == 0 {
                return None;
            }
            let mut reply = Reply::new(ReplyKind::Failed, ptr::read_volatile(&raw const (*self.control).failed_errno));
            reply.step = step;
            Some(reply)
        }
    }

    /// The harness or the guardian is gone: nothing may be left behind. The harness is not told of any end, because it
    /// was not the program's own: it sees the socket close when all is done.
    ///
    /// # Safety
    ///
    /// As [`Spawner::answer`].
    unsafe fn end(&mut self) -> ! {
        // SAFETY: as above.
        unsafe {
            kill_all(self.control, PATIENCE, |_| {});
            libc::_exit(0)
        }
    }
}

/// The facts of a program's end.
fn end_of(child: &Reaped) -> Reply {
    let usage = &child.usage;
    let microseconds = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    // SAFETY: getrusage writes a plain structure.
    let own = unsafe {
        let mut own: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut own);
        own
    };
    Reply {
        status: child.status,
        own_cpu: child.own_cpu,
        at: monotonic_nanoseconds(),
        cpu_user: microseconds(usage.ru_utime),
        cpu_system: microseconds(usage.ru_stime),
        peak_memory: usage.ru_maxrss,
        floor: own.ru_maxrss,
        ..Reply::new(ReplyKind::Ended, 0)
    }
}
