//! The signals that ask this process to end, heard for a while and then given back.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// What asks a process to end.
const ASKING: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// The first such signal that has arrived; 0 for none.
static ARRIVED: AtomicI32 = AtomicI32::new(0);
/// The end of the pipe that the handler writes to, which wakes whoever waits; -1 for none.
static WAKER: AtomicI32 = AtomicI32::new(-1);

/// Hears the signals that ask for the end, and of children that end, until it is dropped.
///
/// One at a time is enough for a process that does one thing; a second one would take the first one's place.
pub(crate) struct Signals {
    before: Vec<(libc::c_int, libc::sigaction)>,
    reader: OwnedFd,
    _writer: OwnedFd,
}

/// Only what may be called in a handler: an atomic exchange and a write.
extern "C" fn heard(signal: libc::c_int) {
    if signal != libc::SIGCHLD {
        // The first one counts; the others say the same.
        let _ = ARRIVED.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
    }
    let waker = WAKER.load(Ordering::SeqCst);
    // SAFETY: errno belongs to the interrupted code, so it is put back; the write is of one byte from the stack, and a
    // full or closed pipe is no matter: whoever waits looks around by itself as well.
    unsafe {
        let errno = errno_place();
        let before = *errno;
        libc::write(waker, [1_u8].as_ptr().cast(), 1);
        *errno = before;
    }
}

#[cfg(target_os = "linux")]
unsafe fn errno_place() -> *mut libc::c_int {
    // SAFETY: always callable; the place belongs to this thread.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
unsafe fn errno_place() -> *mut libc::c_int {
    // SAFETY: always callable; the place belongs to this thread.
    unsafe { libc::__error() }
}

impl Signals {
    /// Begins to listen. A signal that is ignored stays ignored: whoever started this process wanted it so.
    ///
    /// # Errors
    ///
    /// Returns the system's error if no pipe can be had.
    pub(crate) fn listen() -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        ARRIVED.store(0, Ordering::SeqCst);
        WAKER.store(writer.as_raw_fd(), Ordering::SeqCst);
        let mut before = Vec::new();
        for signal in ASKING.into_iter().chain([libc::SIGCHLD]) {
            // SAFETY: both structures are plain data for which all zeroes are a value; the handler does only what a
            // handler may do, and it stays in the program for ever.
            unsafe {
                let mut old: libc::sigaction = std::mem::zeroed();
                if libc::sigaction(signal, std::ptr::null(), &raw mut old) != 0 {
                    continue;
                }
                if old.sa_sigaction == libc::SIG_IGN && signal != libc::SIGCHLD {
                    continue;
                }
                let mut new: libc::sigaction = std::mem::zeroed();
                new.sa_sigaction = heard as extern "C" fn(libc::c_int) as libc::sighandler_t;
                new.sa_flags = libc::SA_RESTART;
                libc::sigemptyset(&raw mut new.sa_mask);
                if libc::sigaction(signal, &raw const new, std::ptr::null_mut()) == 0 {
                    before.push((signal, old));
                }
            }
        }
        Ok(Self { before, reader, _writer: writer })
    }

    /// The signal that asked for the end, if one has arrived.
    pub(crate) fn asked(&self) -> Option<i32> {
        Some(ARRIVED.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
    }

    /// Waits until something was heard, at most this long.
    pub(super) fn wait(&self, time: Duration) {
        let mut fd = libc::pollfd { fd: self.reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // Rounded up, so that the last fraction of a millisecond is no busy loop.
        let time = i32::try_from(time.as_millis() + 1).unwrap_or(i32::MAX);
        // SAFETY: one valid pollfd and its count; then at most as many bytes as the buffer has.
        unsafe {
            if libc::poll(&raw mut fd, 1, time) > 0 {
                let mut bytes = [0_u8; 64];
                libc::read(self.reader.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len());
            }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for (signal, old) in &self.before {
            // SAFETY: what the system itself has given for this signal.
            unsafe { libc::sigaction(*signal, old, std::ptr::null_mut()) };
        }
        WAKER.store(-1, Ordering::SeqCst);
    }
}

/// A pipe of which neither end waits or is handed on.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: room for two descriptors; they are ours alone once the call has succeeded.
    let (reader, writer) = unsafe {
        if libc::pipe(ends.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
    };
    for end in [&reader, &writer] {
        // SAFETY: an open descriptor; the calls touch no memory.
        unsafe {
            libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC);
            libc::fcntl(end.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK);
        }
    }
    Ok((reader, writer))
}

/// Lets a segmentation fault and a bus error end this process whoever raises them. The runtime's handler, which is there to
/// tell of a stack overflow, lets the first one pass that comes from outside.
pub(crate) fn die_of_faults() {
    for fault in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action is always a valid one.
        unsafe { libc::signal(fault, libc::SIG_DFL) };
    }
}

/// Ends this process by this signal, as if it had never been heard, so that whoever waits for it sees what it was.
pub(crate) fn die_by(signal: i32) -> ! {
    // SAFETY: the default action of these signals is the end; the structures are plain data.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut only: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut());
        libc::raise(signal);
    }
    // Only a signal whose default is not the end leads here.
    std::process::exit(1)
}

/// Gives the signals that ask for the end their default action in this process, and so in what it starts. A test that
/// sends one of them must not depend on what started the test: `nohup` and `&` in a script ignore some of them.
#[cfg(test)]
pub(crate) fn set_default_actions() {
    for signal in ASKING {
        // SAFETY: the default action is always a valid one.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
