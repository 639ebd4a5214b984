#![allow(unsafe_code)]
//! From a fresh copy of a process to the program: what happens between fork and exec.
//!
//! Everything here may run in a copy of a multi-threaded process, or in one that still shares its memory with the
//! process it came from. It allocates nothing, takes no lock, and calls only what POSIX calls async-signal-safe.

use std::ffi::{c_char, c_int};
use std::{mem, ptr};

use super::cage::{self, CageAnswers, ChildCage};

/// Limits that one child sets for itself at most.
pub(crate) const MOST_LIMITS: usize = 7;

/// A limit as `setrlimit` wants it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChildLimit {
    /// A `RLIMIT_*` constant.
    pub(crate) resource: c_int,
    pub(crate) soft: libc::rlim_t,
    pub(crate) hard: libc::rlim_t,
}

/// What the child finds out before it executes. Only the entries of its limits mean something.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChildReport {
    /// The system's answer to each limit: 0 or an `errno`.
    pub(crate) answers: [c_int; MOST_LIMITS],
    /// 1 if the parent traces the child until it has executed.
    pub(crate) traced: c_int,
    pub(crate) cage: CageAnswers,
}

/// Pointers for one start. They point into memory that outlives the exec.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildPlan {
    /// Paths to try, ended by a null pointer.
    pub(crate) candidates: *const *const c_char,
    /// Arguments, ended by a null pointer.
    pub(crate) arguments: *const *const c_char,
    /// Variables, ended by a null pointer.
    pub(crate) variables: *const *const c_char,
    /// Working directory, or null.
    pub(crate) directory: *const c_char,
    /// File by which a control group is entered, or null.
    pub(crate) group: *const c_char,
    /// Limits, as many as the number says.
    pub(crate) limits: [ChildLimit; MOST_LIMITS],
    pub(crate) limit_count: usize,
    /// Whether the parent is to see that the program was executed.
    pub(crate) traced: bool,
    pub(crate) cage: ChildCage,
}

/// Descriptors that become 0, 1 and 2. All of them are above 2 and close on exec.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildStreams {
    /// -1 if descriptor 0 is not to be open.
    pub(crate) stdin: c_int,
    pub(crate) stdout: c_int,
    pub(crate) stderr: c_int,
}

/// The step that failed, as a number that fits through a pipe or shared memory.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailedStep {
    CreateProcess = 1,
    StartSession = 2,
    ChangeDirectory = 3,
    ConnectStreams = 4,
    Execute = 5,
    EnterGroup = 6,
    Contain = 7,
}

impl FailedStep {
    pub(crate) fn from_number(number: i32) -> Self {
        match number {
            1 => FailedStep::CreateProcess,
            2 => FailedStep::StartSession,
            3 => FailedStep::ChangeDirectory,
            4 => FailedStep::ConnectStreams,
            6 => FailedStep::EnterGroup,
            7 => FailedStep::Contain,
            _ => FailedStep::Execute,
        }
    }
}

/// Sets every signal to its default.
///
/// # Safety
///
/// Only in a child that has a table of signal dispositions of its own.
#[cfg(target_os = "linux")]
pub(crate) unsafe fn reset_dispositions() {
    // Bytes of a signal set, as the kernel counts them.
    const SET_SIZE: usize = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };
    // Larger than the kernel's structure on any architecture, in which zero means the default action.
    let action = [0_u64; 8];
    for signal in 1..=SET_SIZE * 8 {
        // SAFETY: the structure is only read. The system call itself is used, because the C library refuses to touch
        // the two signals that its threads use, which somebody may have ignored before this process began. Signals
        // that cannot be changed answer with an error that does not matter.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), ptr::null_mut::<()>(), SET_SIZE);
        }
    }
}

/// Sets every signal to its default.
///
/// # Safety
///
/// Only in a child that has a table of signal dispositions of its own.
#[cfg(not(target_os = "linux"))]
pub(crate) unsafe fn reset_dispositions() {
    // NSIG of the BSD family, macOS included.
    const SIGNALS: c_int = 32;
    // SAFETY: an all-zero action is the default action with an empty mask. Signals that cannot be changed answer with
    // an error that does not matter.
    unsafe {
        let action: libc::sigaction = mem::zeroed();
        for signal in 1..SIGNALS {
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
}

/// Lets all signals through.
///
/// # Safety
///
/// Only in a child whose dispositions have been reset: a handler of the host must never run there.
unsafe fn unblock_signals() {
    // SAFETY: the set is plain data that sigemptyset fills.
    unsafe {
        let mut none: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Prepares for the program: session of its own (so there is no controlling terminal), control group, working
/// directory, streams, cage, limits. If a step fails, it is returned with `errno`; a limit that the system refuses only
/// stands in the report.
///
/// # Safety
///
/// Only in a child, between fork and exec, whose dispositions of signals have been reset; the pointers of `plan` are
/// valid; every descriptor above 2 closes on exec.
pub(crate) unsafe fn prepare(
    plan: &ChildPlan,
    streams: ChildStreams,
    report: *mut ChildReport,
) -> Result<(), (FailedStep, c_int)> {
    // SAFETY: system calls with arguments that the caller vouches for.
    unsafe {
        if libc::setsid() < 0 {
            return Err((FailedStep::StartSession, errno()));
        }
        if !plan.group.is_null() {
            enter_group(plan.group).map_err(|errno| (FailedStep::EnterGroup, errno))?;
        }
        if !plan.directory.is_null() && libc::chdir(plan.directory) < 0 {
            return Err((FailedStep::ChangeDirectory, errno()));
        }
        if streams.stdin < 0 {
            libc::close(0);
        } else if libc::dup2(streams.stdin, 0) < 0 {
            return Err((FailedStep::ConnectStreams, errno()));
        }
        if libc::dup2(streams.stdout, 1) < 0 || libc::dup2(streams.stderr, 2) < 0 {
            return Err((FailedStep::ConnectStreams, errno()));
        }
        // Before the limits, which may leave no descriptor for it.
        cage::enter(&plan.cage, &raw mut (*report).cage).map_err(|errno| (FailedStep::Contain, errno))?;
        set_limits(plan, report);
    }
    Ok(())
}

/// # Safety
///
/// As [`prepare`].
unsafe fn enter_group(file: *const c_char) -> Result<(), c_int> {
    // SAFETY: the path ends in NUL; the descriptor is closed again.
    unsafe {
        let file = libc::open(file, libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return Err(errno());
        }
        // 0 means the writing process.
        let entered = if libc::write(file, c"0".as_ptr().cast(), 1) == 1 { Ok(()) } else { Err(errno()) };
        libc::close(file);
        entered
    }
}

/// # Safety
///
/// As [`prepare`].
unsafe fn set_limits(plan: &ChildPlan, report: *mut ChildReport) {
    // SAFETY: the count is at most the length of both arrays; the report is the caller's to be written to.
    unsafe {
        for (place, limit) in plan.limits.iter().take(plan.limit_count).enumerate() {
            let value = libc::rlimit { rlim_cur: limit.soft, rlim_max: limit.hard };
            let answer = if libc::setrlimit(limit.resource as _, &raw const value) < 0 { errno() } else { 0 };
            let answers: *mut c_int = (&raw mut (*report).answers).cast();
            ptr::write_volatile(answers.add(place), answer);
        }
    }
}

/// Becomes the program: empty signal mask, exec. Returns only if the exec failed, with `errno`.
///
/// # Safety
///
/// As [`prepare`], which comes before.
pub(crate) unsafe fn become_program(plan: &ChildPlan) -> c_int {
    // SAFETY: as above.
    unsafe {
        unblock_signals();
        execute(plan)
    }
}

/// Tries the candidates as `execvp` does, but never hands a file that is no program to a shell: what the operating
/// system refuses is reported.
///
/// # Safety
///
/// As [`prepare`].
unsafe fn execute(plan: &ChildPlan) -> c_int {
    let mut denied = false;
    let mut candidate = plan.candidates;
    // SAFETY: the arrays end in null pointers.
    unsafe {
        while !(*candidate).is_null() {
            libc::execve(*candidate, plan.arguments, plan.variables);
            match errno() {
                libc::EACCES => denied = true,
                libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
                other => return other,
            }
            candidate = candidate.add(1);
        }
    }
    if denied { libc::EACCES } else { libc::ENOENT }
}

/// The calling thread's `errno`, without the allocation that a message would need.
pub(crate) fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
