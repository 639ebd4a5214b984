#![allow(unsafe_code)]
//! The harness's side of the helpers: creates them, asks, and ends them.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};
use std::{ptr, thread};

use super::guardian::{block_signals, guardian_main, restore_signals};
use super::shared::{Shared, Stack, stack_top};
use super::wire::{Received, Reply, ReplyKind, Request, receive, send};
use crate::error::HarnessError;
use crate::platform::unix::above_two;

/// How long the helpers may take to answer. Killing a tree takes the spawner 2 s at most.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How long the guardian may take to clean up and end before it is killed itself.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// A guardian and its spawner.
#[derive(Debug)]
pub(super) struct Client {
    shared: Shared,
    socket: OwnedFd,
    guardian: libc::pid_t,
    spawner: libc::pid_t,
    lost: bool,
}

impl Client {
    pub(super) fn new() -> Result<Self, HarnessError> {
        let shared = Shared::new()?;
        let (socket, helper_socket) = socket_pair().map_err(HarnessError::system("create a socket"))?;
        // keep_only fills 0, 1 and 2 in the helper.
        let helper_socket = above_two(helper_socket)?;
        let before = block_signals();
        // SAFETY: the guardian runs on a stack of its own and touches nothing but the shared memory. It is created
        // without a signal, so that the host's own waiting for children never meets it.
        let guardian = unsafe {
            (*shared.control()).socket = helper_socket.as_raw_fd();
            libc::clone(guardian_main, stack_top(shared.control(), Stack::Guardian), 0, shared.control().cast())
        };
        let error = io::Error::last_os_error();
        restore_signals(&before);
        if guardian < 0 {
            return Err(HarnessError::System { doing: "start the helper process", source: error });
        }
        drop(helper_socket);
        let mut client = Client { shared, socket, guardian, spawner: 0, lost: false };
        let reply = client.await_reply(&mut |reply| reply.is(ReplyKind::Ready) || reply.is(ReplyKind::Unfit))?;
        if reply.is(ReplyKind::Unfit) {
            client.lost = true;
            return Err(HarnessError::Unavailable {
                name: "linux-spawner",
                reason: format!("the helper process cannot work here ({})", io::Error::from_raw_os_error(reply.number)),
            });
        }
        client.spawner = reply.number;
        Ok(client)
    }

    /// Whether the helpers are gone.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    pub(super) fn shared(&mut self) -> &mut Shared {
        &mut self.shared
    }

    pub(super) fn shared_view(&self) -> &Shared {
        &self.shared
    }

    /// The process id of the spawner, below which everything runs.
    pub(super) fn spawner(&self) -> libc::pid_t {
        self.spawner
    }

    pub(super) fn socket(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Sends a request. If that fails, the helpers are gone.
    pub(super) fn request(&mut self, request: Request, streams: &[RawFd]) -> Result<(), HarnessError> {
        if matches!(request, Request::Terminate | Request::Kill) {
            // Whoever is stopped cannot obey.
            self.wake_helpers();
        }
        match send(self.socket.as_raw_fd(), &(request as u32), streams) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.lose()),
        }
    }

    /// The next reply that is there already.
    pub(super) fn next_reply(&mut self) -> Result<Option<Reply>, HarnessError> {
        match receive(self.socket.as_raw_fd()) {
            Received::Record(reply, _, _) => Ok(Some(reply)),
            Received::Nothing => Ok(None),
            Received::Closed => Err(self.lose()),
        }
    }

    /// Waits for the reply that `wanted` accepts; every reply on the way is shown to it.
    pub(super) fn await_reply(&mut self, wanted: &mut dyn FnMut(&Reply) -> bool) -> Result<Reply, HarnessError> {
        let until = Instant::now() + ANSWERS_WITHIN;
        loop {
            while let Some(reply) = self.next_reply()? {
                if wanted(&reply) {
                    return Ok(reply);
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.lose());
            }
            let mut polled = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let milliseconds = i32::try_from(left.as_millis()).unwrap_or(i32::MAX).max(1);
            // SAFETY: one initialised entry.
            unsafe { libc::poll(&raw mut polled, 1, milliseconds) };
        }
    }

    /// Uses these helpers no more: ends them and waits until what they ran is gone, too.
    pub(super) fn give_up(&mut self) {
        self.lost = true;
        self.end();
    }

    /// The helpers are gone or do not answer.
    fn lose(&mut self) -> HarnessError {
        self.give_up();
        HarnessError::StarterLost
    }

    /// Somebody may have stopped a helper.
    fn wake_helpers(&self) {
        // SAFETY: the guardian is our child and has not been waited for. The spawner is the guardian's; if it has
        // ended, its id may name a stranger, whom SIGCONT does no harm unless somebody has stopped it on purpose.
        unsafe {
            if self.guardian > 0 {
                libc::kill(self.guardian, libc::SIGCONT);
            }
            if self.spawner > 0 {
                libc::kill(self.spawner, libc::SIGCONT);
            }
        }
    }

    /// Ends the helpers and waits for the guardian, which ends last.
    fn end(&mut self) {
        if self.guardian == 0 {
            return;
        }
        // Closing alone would not do: another process may hold a copy of the socket for a moment.
        // SAFETY: our own socket.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
        self.wake_helpers();
        let begin = Instant::now();
        let mut pause = Duration::from_micros(50);
        loop {
            // SAFETY: the guardian is our child; nobody else waits for it, because it was created without a signal.
            let pid = unsafe { libc::waitpid(self.guardian, ptr::null_mut(), libc::WNOHANG | libc::__WALL) };
            if pid != 0 {
                break;
            }
            if begin.elapsed() > ENDS_WITHIN {
                // SAFETY: as above. The spawner notices and ends, too.
                unsafe {
                    libc::kill(self.guardian, libc::SIGKILL);
                    libc::waitpid(self.guardian, ptr::null_mut(), libc::__WALL);
                }
                break;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        self.guardian = 0;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}

/// Two ends of a connection on which every send is a record of its own.
pub(super) fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut sockets = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: the call fills the array with two descriptors that nobody else owns.
    unsafe {
        if libc::socketpair(libc::AF_UNIX, kind, 0, sockets.as_mut_ptr()) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((OwnedFd::from_raw_fd(sockets[0]), OwnedFd::from_raw_fd(sockets[1])))
    }
}
