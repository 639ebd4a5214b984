#![allow(unsafe_code)]
//! The descriptor at which the kernel shows the calls of a program and waits for answers. See `seccomp_unotify(2)`.

use std::ffi::c_int;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::{io, mem};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The kernel goes on with it.
    Continue,
    /// It fails with this `errno`.
    Fail(c_int),
    /// It is not made, and the program is told that it succeeded.
    Done,
    /// The same, with a number.
    Number(c_int),
}

/// The kernel waits for our answers.
#[derive(Debug)]
pub(super) struct Listener {
    descriptor: OwnedFd,
}

/// What the listener has.
#[derive(Debug)]
pub(super) enum Next {
    Call(libc::seccomp_notif),
    Nothing,
    /// Nobody is left who could be asked about.
    Over,
}

impl Listener {
    /// Takes over a descriptor that has just arrived.
    pub(super) fn received(descriptor: RawFd) -> Self {
        // Since Linux 6.6: whoever asks hands its processor to us, and gets it back with the answer. It is a hint.
        const SYNC_WAKE_UP: u64 = 1;
        // SAFETY: nobody else knows the descriptor; the flags are passed as a number.
        unsafe {
            libc::ioctl(descriptor, libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP);
            Listener { descriptor: OwnedFd::from_raw_fd(descriptor) }
        }
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// The next call that waits for an answer.
    pub(super) fn next(&self) -> Next {
        let mut polled = libc::pollfd { fd: self.descriptor(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one initialised entry; the kernel wants an empty structure and fills it.
        unsafe {
            if libc::poll(&raw mut polled, 1, 0) <= 0 {
                return Next::Nothing;
            }
            // Receiving would wait if there were nothing.
            if polled.revents & libc::POLLIN == 0 {
                return Next::Over;
            }
            let mut call: libc::seccomp_notif = mem::zeroed();
            if libc::ioctl(self.descriptor(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) < 0 {
                // It was killed, or interrupted, just before.
                return Next::Nothing;
            }
            Next::Call(call)
        }
    }

    /// Whether the call still waits. If so, what was read of its process until now was its own, and not that of another
    /// one with the same number.
    pub(super) fn still_waits(&self, id: u64) -> bool {
        // SAFETY: the kernel reads a number.
        unsafe { libc::ioctl(self.descriptor(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) == 0 }
    }

    /// Answers. Whoever has been killed meanwhile needs no answer.
    pub(super) fn answer(&self, id: u64, answer: Answer) {
        let mut response = libc::seccomp_notif_resp { id, val: 0, error: 0, flags: 0 };
        match answer {
            Answer::Continue => response.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
            Answer::Fail(errno) => response.error = -errno,
            Answer::Done => {}
            Answer::Number(number) => response.val = number.into(),
        }
        // SAFETY: the kernel reads the structure.
        unsafe { libc::ioctl(self.descriptor(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const response) };
    }
}

impl Listener {
    /// Answers with a descriptor of the program's own, for the same file as this one. An error is no answer. Before Linux 5.14
    /// this takes two steps, and a program that is killed between them has the descriptor already.
    pub(super) fn give(&self, id: u64, file: &OwnedFd, close_on_exec: bool) -> io::Result<()> {
        let mut given = libc::seccomp_notif_addfd {
            id,
            flags: libc::SECCOMP_ADDFD_FLAG_SEND as u32,
            srcfd: file.as_raw_fd().cast_unsigned(),
            newfd: 0,
            newfd_flags: if close_on_exec { libc::O_CLOEXEC.cast_unsigned() } else { 0 },
        };
        // SAFETY: the kernel reads the structure.
        let give = |given: &libc::seccomp_notif_addfd| match unsafe {
            libc::ioctl(self.descriptor(), libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw const *given)
        } {
            ..0 => Err(io::Error::last_os_error()),
            number => Ok(number),
        };
        match give(&given) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                given.flags = 0;
                self.answer(id, Answer::Number(give(&given)?));
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }
}

/// Whether a program can be given a descriptor (Linux 5.9).
pub(super) fn gives_descriptors() -> bool {
    release().is_none_or(|release| release >= (5, 9))
}

/// Why there can be no listener here.
pub(super) fn unavailable() -> Option<String> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    REASON.get_or_init(look_for_listeners).clone()
}

fn look_for_listeners() -> Option<String> {
    let action: u32 = libc::SECCOMP_RET_USER_NOTIF;
    // SAFETY: the kernel reads a number.
    let known =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0_usize, &raw const action) == 0 };
    if !known {
        let error = io::Error::last_os_error();
        return Some(format!("seccomp cannot ask the harness about calls here: {error}"));
    }
    match release() {
        // Before that, a call that was asked about could not be let through.
        Some(release) if release < (5, 5) => Some("Linux 5.5 is the first that can let a call through".into()),
        _ => None,
    }
}

/// Version of the kernel.
fn release() -> Option<(u32, u32)> {
    // SAFETY: the kernel fills a plain structure with texts that end in NUL.
    let text = unsafe {
        let mut name: libc::utsname = mem::zeroed();
        if libc::uname(&raw mut name) < 0 {
            return None;
        }
        std::ffi::CStr::from_ptr(name.release.as_ptr()).to_string_lossy().into_owned()
    };
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_the_kernel_can_be_read() {
        assert!(super::release().is_some_and(|release| release >= (2, 6)));
    }
}
