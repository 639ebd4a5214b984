//! Judges calls of sockets: what they reach, and who may reach them.

use std::ffi::c_int;
use std::io;
use std::os::fd::OwnedFd;

use super::address::{self, Address};
use super::calls::{self, Ask, Effect};
use super::control;
use super::judge::{Deed, Judgement, Question};
use super::listener::Answer;
use super::rules::{Rules, Touch};
use super::sockets::{self, Header, Message};
use super::target::Meaning;
use crate::sandbox::AttemptKind;

/// The kernel takes no more messages at once (`UIO_MAXIOV`).
const MOST_MESSAGES: u64 = 1024;
const UNREADABLE: &str = "an address that the harness cannot read";

impl Question<'_> {
    pub(super) fn socket(&self) -> Judgement {
        const HARMLESS: [c_int; 2] = [libc::AF_UNSPEC, libc::AF_ALG];
        // Echo requests, which anybody may send: their addresses are judged.
        const ECHO: [c_int; 2] = [libc::IPPROTO_ICMP, libc::IPPROTO_ICMPV6];
        let (family, kind, protocol) = (self.number(0), self.number(1) & calls::SOCKET_KIND as c_int, self.number(2));
        if HARMLESS.contains(&family) {
            return Judgement::FINE;
        }
        let is_internet = family == libc::AF_INET || family == libc::AF_INET6;
        if !is_internet && !calls::USUAL_SOCKETS.iter().any(|(known, _, _)| *known as c_int == family) {
            return Judgement::refused(
                AttemptKind::Connect,
                format!("a socket of family {family}"),
                libc::EAFNOSUPPORT,
            );
        }
        let is_usual = match kind {
            libc::SOCK_STREAM => protocol != libc::IPPROTO_MPTCP && calls::INTERNET.contains(&(protocol as u32)),
            libc::SOCK_DGRAM => ECHO.contains(&protocol) || calls::INTERNET.contains(&(protocol as u32)),
            _ => false,
        };
        if is_internet && kind == libc::SOCK_STREAM && protocol == libc::IPPROTO_MPTCP {
            // As a kernel without it answers: its ways are sockets that are bound to nothing.
            return Judgement::answered(libc::EPROTONOSUPPORT);
        }
        if is_internet && is_usual {
            if sockets::unheld().is_some() || self.target.has_own_network() {
                return Judgement::FINE;
            }
            return match sockets::make(family, self.number(1), protocol) {
                Ok(socket) => {
                    let closes = self.number(1) & libc::SOCK_CLOEXEC != 0;
                    Judgement { given: Some((socket, closes)), ..Judgement::answered(libc::EACCES) }
                }
                Err(error) => Judgement::answered(error.raw_os_error().unwrap_or(libc::EACCES)),
            };
        }
        let target = format!("a socket of family {family}, kind {kind}, protocol {protocol}");
        Judgement::refused(AttemptKind::Connect, target, libc::EPERM)
    }

    /// Whether others may connect to the socket: it has to have an address of this machine alone. The kernel gives one that
    /// has none an address of every interface. The harness makes the call itself, so nobody exchanges the socket before.
    pub(super) fn listen(&self) -> Judgement {
        let socket = match self.target.duplicate(self.number(0)) {
            Ok(socket) => socket,
            Err(error) if matches!(error.raw_os_error(), Some(libc::EBADF | libc::ESRCH)) => {
                return Judgement { answer: Answer::Fail(libc::EBADF), ..Judgement::FINE };
            }
            Err(error) => {
                let target = format!("a socket that the harness cannot read ({error})");
                return Judgement::refused(AttemptKind::Bind, target, libc::EACCES);
            }
        };
        match address::own(&socket) {
            Ok(Address::Internet(address)) if !address.ip().to_canonical().is_loopback() => {
                Judgement::refused(AttemptKind::Bind, address.to_string(), libc::EACCES)
            }
            Ok(Address::Internet(_)) => {
                let answer = match address::listen(&socket, self.number(1)) {
                    Ok(()) => Answer::Done,
                    Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EIO)),
                };
                Judgement { answer, ..Judgement::FINE }
            }
            // Sockets of files remember who listens.
            _ => Judgement::FINE,
        }
    }

    /// An option of a socket that is not known to leave the way of packets alone.
    pub(super) fn socket_option(&self) -> Judgement {
        let target = format!("option {} of a socket at level {}", self.number(2), self.number(1));
        Judgement::refused(AttemptKind::System, target, libc::EPERM)
    }

    /// Judges an address that is connected or sent to; an answer if that may not be.
    fn reach(kind: AttemptKind, address: &Address) -> Option<Judgement> {
        match address {
            Address::Path(_) | Address::Harmless => None,
            Address::Internet(address) if address::is_beyond(address) => {
                Some(Judgement::refused(kind, address.to_string(), libc::ENETUNREACH))
            }
            // It is this machine's, and only the sandbox that does not reach it.
            Address::Internet(address) if address::is_of_another_device(address) && sockets::unheld().is_none() => {
                Some(Judgement::answered(libc::ENETUNREACH))
            }
            Address::Internet(_) => None,
            Address::Other(family) => {
                Some(Judgement::refused(kind, format!("an address of family {family}"), libc::ENETUNREACH))
            }
        }
    }

    /// The socket of the call, if it sends datagrams of the internet.
    fn datagram_socket(&self) -> Option<OwnedFd> {
        self.target.duplicate(self.number(0)).ok().filter(sockets::sends_datagrams)
    }

    pub(super) fn connect(&self) -> Judgement {
        let address = match self.address_bytes(self.arguments[1], self.arguments[2]) {
            Ok(bytes) => bytes,
            Err(error) => return unreadable(AttemptKind::Connect, &error),
        };
        if let Some(judgement) = Self::reach(AttemptKind::Connect, &address::parse(&address)) {
            return judgement;
        }
        let Some(socket) = self.datagram_socket() else {
            return Judgement::FINE;
        };
        Judgement::doing(move || match sockets::connect(&socket, &address) {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EIO)),
        })
    }

    pub(super) fn send(&self) -> Judgement {
        let address = match self.address_bytes(self.arguments[4], self.arguments[5]) {
            Ok(bytes) => bytes,
            Err(error) => return unreadable(AttemptKind::Send, &error),
        };
        if let Some(judgement) = Self::reach(AttemptKind::Send, &address::parse_without_family(&address)) {
            return judgement;
        }
        let Some(socket) = self.datagram_socket() else {
            return Judgement::FINE;
        };
        let flags = self.number(3);
        match Message::of_one_piece(self, address, self.arguments[1], self.arguments[2]) {
            Ok(mut message) => Judgement::doing(move || match message.send(&socket, flags) {
                Ok(count) => Answer::Number(count.cast_signed()),
                Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EIO)),
            }),
            Err(error) => unreadable_data(&error),
        }
    }

    /// Where the headers of the messages are, and the flags of the call.
    fn headers(&self) -> (Vec<u64>, c_int) {
        match self.call.ask {
            Ask::SendMessages => {
                let size = size_of::<libc::mmsghdr>() as u64;
                let count = u64::from(self.arguments[2] as u32).min(MOST_MESSAGES);
                let place = |number: u64| self.arguments[1].wrapping_add(number * size);
                ((0..count).map(place).collect(), self.number(3))
            }
            _ => (vec![self.arguments[1]], self.number(2)),
        }
    }

    /// Judges messages. Those of datagram sockets are sent by the harness.
    pub(super) fn messages(&self) -> Judgement {
        let (places, flags) = self.headers();
        let socket = self.datagram_socket();
        let mut messages = Vec::new();
        for place in &places {
            match self.message(*place, socket.is_some()) {
                Ok(message) => messages.push(message),
                // Those before it are sent, and their number is the answer.
                Err(judgement) if socket.is_some() && !messages.is_empty() && judgement.found.is_none() => break,
                Err(judgement) => return *judgement,
            }
        }
        let Some(socket) = socket else {
            return Judgement::FINE;
        };
        let (target, is_list) = (self.target.clone(), matches!(self.call.ask, Ask::SendMessages));
        Judgement::doing(move || {
            let mut count = 0;
            for (message, place) in messages.iter_mut().zip(places) {
                match message.send(&socket, flags) {
                    Ok(length) if is_list => {
                        let at = place.wrapping_add(size_of::<libc::msghdr>() as u64);
                        let _ = target.write(at, &length.to_ne_bytes());
                        count += 1;
                    }
                    Ok(length) => return Answer::Number(length.cast_signed()),
                    Err(_) if count > 0 => break,
                    Err(error) => return Answer::Fail(error.raw_os_error().unwrap_or(libc::EIO)),
                }
            }
            Answer::Number(count)
        })
    }

    /// Reads and judges one message, with its data if it is to be sent.
    fn message(&self, place: u64, with_data: bool) -> Result<Message, Box<Judgement>> {
        let unread = |error: io::Error| Box::new(unreadable(AttemptKind::Send, &error));
        let header = self.target.read_value::<Header>(place).map_err(unread)?;
        let mut message = Message::default();
        if header.name != 0 && header.name_length != 0 {
            message.name = self.address_bytes(header.name, u64::from(header.name_length)).map_err(unread)?;
            if let Some(judgement) = Self::reach(AttemptKind::Send, &address::parse_without_family(&message.name)) {
                return Err(Box::new(judgement));
            }
        }
        if header.control != 0 && header.control_length != 0 {
            message.control = self.control(header.control, header.control_length).map_err(unread)?;
            if let Some((level, kind)) = control::deciding(&message.control) {
                let target = format!("control data of kind {kind} at level {level}");
                return Err(Box::new(Judgement::refused(AttemptKind::System, target, libc::EPERM)));
            }
        }
        if with_data {
            message.read_data(self, &header).map_err(|error| Box::new(unreadable_data(&error)))?;
        }
        Ok(message)
    }

    /// The control data of a message.
    fn control(&self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        /// The kernel takes no more (`net.core.optmem_max` is smaller everywhere).
        const MOST: u64 = 128 * 1024;
        let mut bytes = vec![0; usize::try_from(length.min(MOST)).unwrap_or_default()];
        self.target.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// A file, if the name of the socket is one.
    pub(super) fn bind(&self, rules: &Rules) -> Result<Option<Deed>, Box<Judgement>> {
        let address = self.address_bytes(self.arguments[1], self.arguments[2]);
        match address.map(|bytes| address::parse_without_family(&bytes)) {
            Ok(Address::Path(path)) => {
                let meaning = self.target.resolve(libc::AT_FDCWD, path.as_os_str(), false);
                let touch = Touch::Effect(Effect::Create);
                Ok(match meaning {
                    Meaning::Free { path } => Some(Deed { touch, permitted: self.may_in_folder_of(&path), path }),
                    _ => None,
                })
            }
            Ok(Address::Internet(address)) if rules.local_only && address::is_exposed(&address) => {
                Err(Box::new(Judgement::refused(AttemptKind::Bind, address.to_string(), libc::EACCES)))
            }
            Err(error) if rules.local_only => Err(Box::new(unreadable(AttemptKind::Bind, &error))),
            _ => Ok(None),
        }
    }

    fn address_bytes(&self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; (length as u32 as usize).min(address::LONGEST)];
        self.target.read(at, &mut bytes)?;
        Ok(bytes)
    }
}

/// What cannot be read cannot be sent.
fn unreadable_data(error: &io::Error) -> Judgement {
    Judgement::answered(match error.raw_os_error() {
        Some(libc::EMSGSIZE) => libc::EMSGSIZE,
        _ => libc::EFAULT,
    })
}

/// What cannot be judged is not let out.
fn unreadable(kind: AttemptKind, error: &io::Error) -> Judgement {
    match error.raw_os_error() {
        Some(libc::EFAULT) => Judgement::answered(libc::EFAULT),
        Some(libc::ESRCH) => Judgement::answered(libc::ENETUNREACH),
        _ => Judgement::refused(kind, UNREADABLE.into(), libc::ENETUNREACH),
    }
}
