#![allow(unsafe_code)]
//! The helpers' view of the tree below them, and how they kill it.
//!
//! This runs in a copy of a process whose locks and allocator cannot be trusted: it allocates nothing, panics nowhere,
//! and uses fixed buffers and system calls only.

use std::ffi::{c_char, c_int, c_long};
use std::{mem, ptr};

use super::super::unix::{cpu_time, errno};
use super::proc_file::ProcPath;
use super::shared::Control;
use super::shared::walk_room;

/// News that are taken in before requests of the harness are. A tree that never rests must not keep it waiting.
const MOST_AT_ONCE: usize = 512;

/// What is done with each process of the tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Visit {
    /// Send this signal.
    Signal(c_int),
    /// Write the id of each living process down, up to the room there is.
    List,
}

/// Visits every process below the calling one. Processes that start meanwhile may be missed: killing repeats the walk.
///
/// # Safety
///
/// `control` is the address of the shared memory. Only in a helper process, which has one thread.
pub(super) unsafe fn walk(control: *mut Control, visit: Visit) -> usize {
    // SAFETY: the room is inside the shared memory and used by nobody else; indices stay below its capacity.
    unsafe {
        let (stack, capacity) = walk_room(control);
        let own = libc::getpid();
        let mut height = 0;
        let mut listed = 0;
        push_children(c"/proc/thread-self/children".as_ptr(), own, stack, capacity, &mut height);
        while height > 0 {
            height -= 1;
            let [pid, parent] = *stack.add(height);
            push_grandchildren(pid, stack, capacity, &mut height);
            match visit {
                // A child of ours keeps its id until we wait for it.
                Visit::Signal(signal) if parent == own => {
                    libc::kill(pid, signal);
                }
                Visit::Signal(signal) => signal_descendant(pid, parent, own, signal),
                Visit::List => list(control, pid, &mut listed),
            }
        }
        listed
    }
}

/// Stops every process below the calling one and lists who is there. Who runs from one id to the next can be missed; a
/// tree has been seen whole when two rounds bring the same number and the same sum of ids, because nobody in it runs any
/// more.
///
/// # Safety
///
/// As [`walk`].
pub(super) unsafe fn stop_and_list(control: *mut Control) -> (usize, i64) {
    // SAFETY: as above; the walk has filled so many entries.
    unsafe {
        walk(control, Visit::Signal(libc::SIGSTOP));
        let count = walk(control, Visit::List);
        let listed: *const c_int = (&raw const (*control).listed).cast();
        let mut sum = 0;
        for index in 0..count {
            sum += i64::from(*listed.add(index));
        }
        (count, sum)
    }
}

/// # Safety
///
/// As [`walk`].
unsafe fn list(control: *mut Control, pid: c_int, listed: &mut usize) {
    // SAFETY: the array is inside the shared memory; the index is checked.
    unsafe {
        let array = &raw mut (*control).listed;
        if *listed >= (*array).len() || !matches!(state_and_parent(pid), Some((state, _)) if state != b'Z') {
            return;
        }
        let array: *mut c_int = array.cast();
        // A process whose parent ends during the walk can be met twice.
        for index in 0..*listed {
            if *array.add(index) == pid {
                return;
            }
        }
        array.add(*listed).write(pid);
        *listed += 1;
    }
}

/// Kills everything below the calling process and waits for it. `reaped` is told of every child that has ended.
/// Returns the id of a process that is still there after `patience` milliseconds, or 0.
///
/// # Safety
///
/// As [`walk`].
pub(super) unsafe fn kill_all(control: *mut Control, patience: i64, mut reaped: impl FnMut(&Reaped)) -> c_int {
    // SAFETY: system calls; see `walk`.
    unsafe {
        let until = monotonic_nanoseconds() + patience * 1_000_000;
        loop {
            // Who is stopped is killed as well, so nobody needs to let it go on.
            let mut look = || {
                reap(&mut |news| {
                    if let News::Ended(child) = news {
                        reaped(child);
                    }
                })
            };
            if look() == Left::Nobody {
                return 0;
            }
            walk(control, Visit::Signal(libc::SIGKILL));
            if look() == Left::Nobody {
                return 0;
            }
            if monotonic_nanoseconds() > until {
                return if walk(control, Visit::List) > 0 { (*control).listed[0] } else { -1 };
            }
            // SIGKILL takes effect within microseconds where it does at all.
            libc::poll(ptr::null_mut(), 0, 1);
        }
    }
}

/// A child that has ended.
pub(super) struct Reaped {
    pub(super) pid: c_int,
    /// As `wait` gives it.
    pub(super) status: c_int,
    pub(super) usage: libc::rusage,
    /// CPU time of the process without its children, in nanoseconds; -1 if it is not known.
    pub(super) own_cpu: i64,
}

/// Who is left when [`reap`] has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nobody,
    Somebody,
    /// Somebody, and there may be more news.
    More,
}

/// News of a child or a tracee.
pub(super) enum News<'a> {
    Ended(&'a Reaped),
    /// A tracee has stopped. The status is as `wait` gives it.
    Stopped {
        pid: c_int,
        status: c_int,
    },
}

/// Takes in all news of children and tracees, without blocking.
///
/// Each is looked at before it is waited for, because the clock of an ended process is gone afterwards. What is waited
/// for then may still be something else: tracees report their stops whether they are asked for them or not.
pub(super) fn reap(take: &mut impl FnMut(News<'_>)) -> Left {
    for _ in 0..MOST_AT_ONCE {
        // SAFETY: the calls write plain structures.
        unsafe {
            let mut info: libc::siginfo_t = mem::zeroed();
            let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
            if libc::waitid(libc::P_ALL, 0, &raw mut info, flags) < 0 {
                return if errno() == libc::EINTR { Left::More } else { Left::Nobody };
            }
            let pid = info.si_pid();
            if pid == 0 {
                return Left::Somebody;
            }
            let stop = info.si_code == libc::CLD_TRAPPED;
            let own_cpu = if stop { -1 } else { cpu_time(pid).map_or(-1, |time| time.as_nanos() as i64) };
            let mut child = Reaped { pid, status: 0, usage: mem::zeroed(), own_cpu };
            if libc::wait4(pid, &raw mut child.status, libc::WNOHANG | libc::__WALL, &raw mut child.usage) != pid {
                continue;
            }
            if libc::WIFSTOPPED(child.status) {
                take(News::Stopped { pid, status: child.status });
            } else {
                take(News::Ended(&child));
            }
        }
    }
    Left::More
}

/// `CLOCK_MONOTONIC`, which is what `Instant` counts by, too.
pub(super) fn monotonic_nanoseconds() -> i64 {
    // SAFETY: clock_gettime writes a plain structure.
    unsafe {
        let mut now: libc::timespec = mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
        now.tv_sec * 1_000_000_000 + now.tv_nsec
    }
}

/// Signals a process that is not a child of ours. Its own parent may wait for it at any moment, and then the id may
/// name a stranger: so a descriptor of the process is taken first, and only then is it checked that it is still the
/// child that was found.
///
/// # Safety
///
/// As [`walk`].
unsafe fn signal_descendant(pid: c_int, parent: c_int, own: c_int, signal: c_int) {
    // SAFETY: system calls with plain numbers.
    unsafe {
        let descriptor = libc::syscall(libc::SYS_pidfd_open, pid, 0) as c_int;
        let is_ours = matches!(state_and_parent(pid), Some((_, p)) if p == parent || p == own);
        if is_ours && descriptor >= 0 {
            libc::syscall(libc::SYS_pidfd_send_signal, descriptor, signal, ptr::null::<()>(), 0);
        } else if is_ours {
            // Before Linux 5.3. The id was checked a moment ago.
            libc::kill(pid, signal);
        }
        if descriptor >= 0 {
            libc::close(descriptor);
        }
    }
}

/// State letter and parent of a process.
fn state_and_parent(pid: c_int) -> Option<(u8, c_int)> {
    let path = ProcPath::new(pid, b"/stat");
    let mut buffer = [0_u8; 512];
    // SAFETY: the path ends in NUL; the buffer has its size.
    let count = unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let count = libc::read(file, buffer.as_mut_ptr().cast(), buffer.len());
        libc::close(file);
        usize::try_from(count).ok()?
    };
    // The name in brackets may contain anything, but it is the last thing that can contain a bracket.
    let text = buffer.get(..count)?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let state = *text.get(close + 2)?;
    let mut parent: c_int = 0;
    for byte in text.get(close + 4..)? {
        if !byte.is_ascii_digit() {
            break;
        }
        parent = parent.wrapping_mul(10).wrapping_add(c_int::from(byte - b'0'));
    }
    Some((state, parent))
}

/// Pushes the children of every thread of a process.
///
/// # Safety
///
/// As [`push_children`].
unsafe fn push_grandchildren(pid: c_int, stack: *mut [i32; 2], capacity: usize, height: &mut usize) {
    // Offsets of `d_reclen` and `d_name` in the kernel's linux_dirent64.
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    let path = ProcPath::new(pid, b"/task");
    // SAFETY: the path ends in NUL; the kernel fills the buffer with whole records.
    unsafe {
        let folder = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
        if folder < 0 {
            return;
        }
        let mut buffer = [0_u64; 256];
        loop {
            let size = mem::size_of_val(&buffer);
            let count: c_long = libc::syscall(libc::SYS_getdents64, folder, buffer.as_mut_ptr(), size);
            let Ok(count) = usize::try_from(count) else {
                break;
            };
            if count == 0 {
                break;
            }
            let bytes: *const u8 = buffer.as_ptr().cast();
            let mut at = 0;
            while at + NAME_AT < count {
                let length = bytes.add(at + LENGTH_AT).cast::<u16>().read_unaligned();
                let thread = parse_number(bytes.add(at + NAME_AT));
                if thread > 0 {
                    let mut children = ProcPath::new(pid, b"/task/");
                    children.push_number(thread);
                    children.push(b"/children");
                    push_children(children.as_ptr(), pid, stack, capacity, height);
                }
                if length == 0 {
                    break;
                }
                at += usize::from(length);
            }
        }
        libc::close(folder);
    }
}

/// # Safety
///
/// The text ends in something that is no digit.
unsafe fn parse_number(mut text: *const u8) -> c_int {
    let mut number: c_int = 0;
    // SAFETY: ends at the first byte that is no digit.
    unsafe {
        while (*text).is_ascii_digit() {
            number = number.wrapping_mul(10).wrapping_add(c_int::from(*text - b'0'));
            text = text.add(1);
        }
        if *text == 0 { number } else { 0 }
    }
}

/// Pushes the ids that a `children` file lists.
///
/// # Safety
///
/// `path` ends in NUL; `stack` has room for `capacity` entries, of which `height` are used.
unsafe fn push_children(path: *const c_char, parent: c_int, stack: *mut [i32; 2], capacity: usize, height: &mut usize) {
    // SAFETY: see above; the index is checked against the capacity.
    unsafe {
        let file = libc::open(path, libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return;
        }
        let mut buffer = [0_u8; 512];
        let mut number: c_int = 0;
        loop {
            let count = libc::read(file, buffer.as_mut_ptr().cast(), buffer.len());
            let Ok(count) = usize::try_from(count) else {
                break;
            };
            // The list ends in a space after the last id, so an id that is cut by a read goes on in the next.
            for byte in buffer.get(..count).unwrap_or_default() {
                if byte.is_ascii_digit() {
                    number = number.wrapping_mul(10).wrapping_add(c_int::from(byte - b'0'));
                } else if number > 0 {
                    if *height < capacity {
                        stack.add(*height).write([number, parent]);
                        *height += 1;
                    }
                    number = 0;
                }
            }
            if count == 0 {
                break;
            }
        }
        libc::close(file);
    }
}

/// Whether the system lists the children of a process, without which there is no walk (`CONFIG_PROC_CHILDREN`).
pub(super) fn is_possible() -> bool {
    // SAFETY: opens and closes a file.
    unsafe {
        let file = libc::open(c"/proc/thread-self/children".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file >= 0 {
            libc::close(file);
        }
        file >= 0
    }
}
