//! Judges one call: what it would do, whether that is allowed, and what it is answered.

use std::ffi::c_int;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::address::{self, Address};
use super::calls::{self, Ask, Call, Effect, Follow, OpenFlags, Place, Whom};
use super::control;
use super::copies::Copy;
use super::listener::Answer;
use super::objects::{Kind, Maker, Object, Objects};
use super::permission::{may_write, own_user};
use super::rules::{Rules, Touch};
use super::target::{Meaning, Target, is_proc_there};
use super::terminals::Terminal;
use crate::platform::unix::name_of;
use crate::sandbox::{AttemptKind, AttemptOutcome};

/// The answer, and what is worth being told.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) answer: Answer,
    pub(super) found: Option<Found>,
    /// What is made of it on a copy, in place of `answer`, if that can be.
    pub(super) copy: Option<Box<Copy>>,
    /// The terminal that is opened for it, and with which flags, in place of `answer`, if that can be.
    pub(super) terminal: Option<(Terminal, c_int)>,
    /// The entry of `/dev/shm` that it makes, if it goes on.
    pub(super) made: Option<PathBuf>,
}

/// An attempt at something that is not allowed.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: AttemptKind,
    pub(super) target: String,
    pub(super) outcome: AttemptOutcome,
}

impl Judgement {
    const FINE: Judgement = Judgement { answer: Answer::Continue, found: None, copy: None, terminal: None, made: None };

    pub(super) fn refused(kind: AttemptKind, target: String, errno: c_int) -> Self {
        let found = Found { kind, target, outcome: AttemptOutcome::Refused };
        Judgement { answer: Answer::Fail(errno), found: Some(found), copy: None, terminal: None, made: None }
    }
}

/// What a call would do to one file, were nobody to hold it back.
#[derive(Debug)]
struct Deed {
    touch: Touch,
    path: PathBuf,
    /// Whether the system lets it.
    permitted: bool,
}

/// One call with its arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) target: &'a Target,
    pub(super) call: &'a Call,
    pub(super) arguments: &'a [u64; 6],
}

/// The kernel takes no more messages at once (`UIO_MAXIOV`).
const MOST_MESSAGES: u64 = 1024;
const UNREADABLE: &str = "an address that the harness cannot read";

impl Question<'_> {
    pub(super) fn judge(&self, rules: &Rules, objects: &mut Objects) -> Judgement {
        let deeds = match self.call.ask {
            Ask::Open(place, flags) => self.open(place, flags),
            Ask::Files(places) => self.files(places),
            Ask::Access(place) => self.asked(place),
            Ask::Socket => return self.socket(),
            Ask::Connect => return self.reach(AttemptKind::Connect, &[(self.arguments[1], self.arguments[2])]),
            Ask::SendTo => return self.reach(AttemptKind::Send, &[(self.arguments[4], self.arguments[5])]),
            Ask::SendMessage => return self.messages(&[self.arguments[1]]),
            Ask::SendMessages => return self.message_list(),
            Ask::Get(kind) => return self.object(objects, kind),
            Ask::Use(kind, command) => return self.used(objects, kind, command),
            Ask::Queue => return self.queue(),
            Ask::Listen => return self.listen(),
            Ask::SocketOption => return self.socket_option(),
            Ask::Process(argument, whom) => return self.process(argument, whom),
            Ask::Request if calls::TERMINAL_REQUESTS.contains(&(self.arguments[1] as u32)) => {
                let target = format!("the request {:#06x} to a terminal", self.arguments[1] as u32);
                return Judgement::refused(AttemptKind::System, target, libc::EPERM);
            }
            Ask::Request => self.files(calls::REQUESTED),
            Ask::Bind => match self.bind(rules) {
                Ok(deed) => Ok(deed.into_iter().collect()),
                Err(judgement) => return judgement,
            },
        };
        match deeds {
            Ok(deeds) => self.weigh(rules, objects, &deeds),
            // The kernel will find the same: an address that leads nowhere, or text without end.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EFAULT | libc::ENAMETOOLONG | libc::ESRCH)) => {
                Judgement::FINE
            }
            // Where no process is shown, the kernel's own rules hold for all that they know.
            Err(_) if !is_proc_there() && rules.held_by_kernel && !self.changes_facts() => Judgement::FINE,
            // Not even what the call names is known.
            Err(error) if rules.allowed().is_some() => {
                let target = format!("a path that cannot be told ({error})");
                Judgement::refused(AttemptKind::Write, target, libc::EACCES)
            }
            Err(_) => Judgement::FINE,
        }
    }

    /// Whether it is about modes, owners, times or attributes, of which Landlock knows nothing.
    fn changes_facts(&self) -> bool {
        match self.call.ask {
            Ask::Files(places) => places.iter().any(|(effect, _)| *effect == Effect::Change),
            Ask::Request => true,
            _ => false,
        }
    }

    fn weigh(&self, rules: &Rules, objects: &Objects, deeds: &[Deed]) -> Judgement {
        let mut made = None;
        for deed in deeds {
            let told = |outcome| {
                Some(Found { kind: AttemptKind::Write, target: deed.path.to_string_lossy().into_owned(), outcome })
            };
            if let Some((refusal, errno)) = rules.fault(&deed.path, deed.touch) {
                // To ask is no attempt.
                let found = told(AttemptOutcome::Faulted { refusal }).filter(|_| deed.touch != Touch::Asked);
                return Judgement { answer: Answer::Fail(errno), found, copy: None, terminal: None, made: None };
            }
            let allowed = if rules.is_shared_memory(&deed.path) {
                let is_free = std::fs::symlink_metadata(self.target.our_name(&deed.path)).is_err();
                made = made.or_else(|| is_free.then(|| deed.path.clone()));
                is_free || objects.has(&deed.path)
            } else {
                rules.allows(&deed.path)
            };
            let is_attempt = deed.permitted && deed.touch != Touch::Asked && !allowed;
            if is_attempt && !self.is_own_entry(&deed.path) {
                let terminal = self.terminal(&deed.path);
                let copy = rules.copies().filter(|_| terminal.is_none()).and_then(|_| self.copied(deeds)).map(Box::new);
                let (answer, found) = (Answer::Fail(libc::EACCES), told(AttemptOutcome::Refused));
                return Judgement { answer, found, copy, terminal, made: None };
            }
        }
        Judgement { made, ..Judgement::FINE }
    }

    /// Gives the program the number of an object, or says that it may not have it.
    fn object(&self, objects: &mut Objects, kind: Kind) -> Judgement {
        let [first, second, third] = [0, 1, 2].map(|argument| self.number(argument));
        let object = match kind {
            Kind::Memory => Object::Memory(first, self.arguments[1] as usize, third),
            Kind::Semaphores => Object::Semaphores(first, second, third),
            Kind::Messages => Object::Messages(first, second),
        };
        let process = self.target.process();
        let maker = || Maker { process, program: name_of(process), call: self.call.name };
        let answer = match objects.get(&object, maker) {
            Ok(number) => Answer::Number(number),
            Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EIO)),
        };
        Judgement { answer, ..Judgement::FINE }
    }

    /// Whether an object is the run's own, or is only looked at.
    fn used(&self, objects: &Objects, kind: Kind, command: Option<usize>) -> Judgement {
        let number = self.number(0);
        if objects.owns(kind, number) || command.is_some_and(|argument| kind.only_asks(self.number(argument))) {
            return Judgement::FINE;
        }
        Judgement::refused(AttemptKind::Write, kind.name(number), libc::EACCES)
    }

    fn queue(&self) -> Judgement {
        match self.target.read_text(self.arguments[0]) {
            Ok(name) => {
                let target = format!("the message queue /{}", name.to_string_lossy());
                Judgement::refused(AttemptKind::Write, target, libc::EACCES)
            }
            Err(_) => Judgement { answer: Answer::Fail(libc::EACCES), ..Judgement::FINE },
        }
    }

    /// Whether this is what the kernel shows of the process itself.
    fn is_own_entry(&self, path: &Path) -> bool {
        path.starts_with("/proc") && path.starts_with(format!("/proc/{}", self.target.process()))
    }

    /// The terminal that is to be opened, if it is one.
    fn terminal(&self, path: &Path) -> Option<(Terminal, c_int)> {
        let Ask::Open(_, flags) = self.call.ask else {
            return None;
        };
        // With another root directory, the names mean other files.
        let own = self.target.our_name(path);
        let facts = std::fs::symlink_metadata(&own).ok().filter(|_| own == path)?;
        Some((Terminal::of(path, &facts)?, self.flags(flags).ok()?))
    }

    /// What would come of the call on copies; `None` where it has no such form.
    fn copied(&self, deeds: &[Deed]) -> Option<Copy> {
        match (self.call.ask, deeds) {
            (Ask::Open(_, flags), [deed]) => {
                let (flags, mode) = (self.flags(flags).ok()?, self.mode(flags).ok()?);
                (flags & libc::O_TMPFILE != libc::O_TMPFILE).then(|| Copy::Open {
                    original: self.target.our_name(&deed.path),
                    path: deed.path.clone(),
                    flags,
                    mode,
                })
            }
            (Ask::Files([(Effect::Remove, _), (Effect::Replace, _)]), [from, to]) => Some(Copy::Rename {
                original: self.target.our_name(&from.path),
                from: from.path.clone(),
                to: to.path.clone(),
            }),
            (Ask::Files([(Effect::Create, _)]), [deed]) if self.call.name.starts_with("mkdir") => {
                Some(Copy::Directory { path: deed.path.clone() })
            }
            (Ask::Files([(Effect::Remove, _)]), [deed]) => Some(Copy::Remove { path: deed.path.clone() }),
            (Ask::Files([(Effect::Change, _)]), [_]) => Some(Copy::Nothing),
            _ => None,
        }
    }

    fn flags(&self, flags: OpenFlags) -> io::Result<c_int> {
        Ok(match flags {
            OpenFlags::Argument(argument) => self.number(argument),
            OpenFlags::How(argument) => self.target.read_value::<u64>(self.arguments[argument])? as c_int,
            OpenFlags::Creat => libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC,
        })
    }

    /// The mode of a file that the call makes.
    fn mode(&self, flags: OpenFlags) -> io::Result<u32> {
        Ok(match flags {
            OpenFlags::Argument(argument) => self.arguments[argument + 1] as u32,
            // The second number of an `open_how`.
            OpenFlags::How(argument) => self.target.read_value::<[u64; 2]>(self.arguments[argument])?[1] as u32,
            OpenFlags::Creat => self.arguments[1] as u32,
        })
    }

    fn open(&self, place: Place, flags: OpenFlags) -> io::Result<Vec<Deed>> {
        let flags = self.flags(flags)?;
        if flags & libc::O_PATH != 0 {
            return Ok(Vec::new());
        }
        let has = |flag: c_int| flags & flag == flag;
        let writes = flags & (libc::O_ACCMODE | libc::O_TRUNC) != 0;
        let must_be_new = has(libc::O_CREAT | libc::O_EXCL);
        let follow = !has(libc::O_NOFOLLOW) && !must_be_new;
        let deed = match self.meaning(place, Some(follow))? {
            Meaning::There { path, facts } if facts.is_dir() => {
                // A nameless file in it.
                has(libc::O_TMPFILE).then(|| Deed {
                    touch: Touch::Open { new: true },
                    permitted: self.may(&path),
                    path,
                })
            }
            Meaning::There { path, facts } if writes && !must_be_new && !facts.is_symlink() => {
                Some(Deed { touch: Touch::Open { new: false }, permitted: self.may(&path), path })
            }
            Meaning::Free { path } if has(libc::O_CREAT) => {
                Some(Deed { touch: Touch::Open { new: true }, permitted: self.may_in_folder_of(&path), path })
            }
            Meaning::Unknown => return Err(untranslatable()),
            _ => None,
        };
        Ok(deed.into_iter().collect())
    }

    /// All deeds of a call, or none if one of them is not possible, because then the call fails by itself.
    fn files(&self, places: &[(Effect, Place)]) -> io::Result<Vec<Deed>> {
        let mut deeds = Vec::new();
        for (effect, place) in places {
            let (path, permitted) = match (*effect, self.meaning(*place, None)?) {
                (Effect::Create | Effect::Replace, Meaning::Free { path })
                | (Effect::Replace | Effect::Remove, Meaning::There { path, .. }) => {
                    let permitted = self.may_in_folder_of(&path);
                    (path, permitted)
                }
                (Effect::Change, Meaning::There { path, facts }) => {
                    let permitted = self.owns(&facts);
                    (path, permitted)
                }
                (Effect::Truncate, Meaning::There { path, .. }) => {
                    let permitted = self.may(&path);
                    (path, permitted)
                }
                (Effect::Link, Meaning::There { path, .. }) => (path, true),
                (_, Meaning::Unknown) => return Err(untranslatable()),
                _ => return Ok(Vec::new()),
            };
            deeds.push(Deed { touch: Touch::Effect(*effect), path, permitted });
        }
        // What is not permitted in one place does not happen in the other.
        let permitted = deeds.iter().all(|deed| deed.permitted);
        deeds.iter_mut().for_each(|deed| deed.permitted = permitted);
        Ok(deeds)
    }

    fn asked(&self, place: Place) -> io::Result<Vec<Deed>> {
        Ok(match self.meaning(place, None)? {
            Meaning::There { path, .. } => vec![Deed { touch: Touch::Asked, path, permitted: true }],
            _ => Vec::new(),
        })
    }

    /// `follow` if it is not the place that says so.
    fn meaning(&self, place: Place, follow: Option<bool>) -> io::Result<Meaning> {
        let folder = place.dir.map_or(libc::AT_FDCWD, |argument| self.number(argument));
        let address = place.path.map_or(0, |argument| self.arguments[argument]);
        if address == 0 {
            return Ok(self.target.opened(folder));
        }
        let path = self.target.read_text(address)?;
        if path.is_empty() {
            // `AT_EMPTY_PATH`; without that flag the kernel finds nothing.
            return Ok(if place.dir.is_some() { self.target.opened(folder) } else { Meaning::Nothing });
        }
        let flag = |argument: usize, flag: c_int| self.number(argument) & flag != 0;
        let follow = follow.unwrap_or_else(|| match place.follow {
            Follow::Always => true,
            Follow::Never => false,
            Follow::Unless(argument, no) => !flag(argument, no),
            Follow::If(argument, yes) => flag(argument, yes),
        });
        Ok(self.target.resolve(folder, &path, follow))
    }

    fn may(&self, path: &Path) -> bool {
        may_write(&self.target.our_name(path)) || self.target.is_only_a_copy(path)
    }

    fn may_in_folder_of(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| self.may(folder))
    }

    #[expect(clippy::unused_self, reason = "belongs to the two above")]
    fn owns(&self, facts: &Metadata) -> bool {
        own_user() == 0 || facts.uid() == own_user()
    }

    fn socket(&self) -> Judgement {
        const HARMLESS: [c_int; 2] = [libc::AF_UNSPEC, libc::AF_ALG];
        // Echo requests, which anybody may send: their addresses are judged.
        const ECHO: [c_int; 2] = [libc::IPPROTO_ICMP, libc::IPPROTO_ICMPV6];
        let (family, kind, protocol) = (self.number(0), self.number(1) & calls::SOCKET_KIND as c_int, self.number(2));
        if HARMLESS.contains(&family) {
            return Judgement::FINE;
        }
        if !calls::USUAL_SOCKETS.iter().any(|(known, _, _)| *known as c_int == family) {
            return Judgement::refused(
                AttemptKind::Connect,
                format!("a socket of family {family}"),
                libc::EAFNOSUPPORT,
            );
        }
        let is_internet = family == libc::AF_INET || family == libc::AF_INET6;
        if is_internet && kind == libc::SOCK_DGRAM && ECHO.contains(&protocol) {
            return Judgement::FINE;
        }
        let target = format!("a socket of family {family}, kind {kind}, protocol {protocol}");
        Judgement::refused(AttemptKind::Connect, target, libc::EPERM)
    }

    /// Whether others may connect to the socket: it has to have an address of this machine alone. The kernel gives one that
    /// has none an address of every interface. The harness makes the call itself, so nobody exchanges the socket before.
    fn listen(&self) -> Judgement {
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
    fn socket_option(&self) -> Judgement {
        let target = format!("option {} of a socket at level {}", self.number(2), self.number(1));
        Judgement::refused(AttemptKind::System, target, libc::EPERM)
    }

    /// What is changed about a process: only its own may be.
    fn process(&self, argument: usize, whom: Whom) -> Judgement {
        const ONE: [c_int; 2] = [libc::PRIO_PROCESS as c_int, 1];
        const GROUP: [c_int; 2] = [libc::PRIO_PGRP as c_int, 2];
        let number = self.number(argument);
        let kind = |of: [c_int; 2]| match whom {
            Whom::One => false,
            Whom::ByPriority => self.number(argument - 1) == of[0],
            Whom::ByIoPriority => self.number(argument - 1) == of[1],
        };
        let own = match whom {
            Whom::One => self.target.may_act_on(number),
            _ if kind(ONE) => self.target.may_act_on(number),
            _ if kind(GROUP) => number == 0,
            // All of a user.
            _ => false,
        };
        if own {
            return Judgement::FINE;
        }
        Judgement::refused(AttemptKind::System, format!("process {number}"), libc::EPERM)
    }

    /// Judges addresses, each given by where it is and how long.
    fn reach(&self, kind: AttemptKind, places: &[(u64, u64)]) -> Judgement {
        for (at, length) in places {
            match self.address(*at, *length) {
                Ok(Address::Path(_) | Address::Harmless) => {}
                Ok(Address::Internet(address)) if !address::is_beyond(&address) => {}
                Ok(Address::Internet(address)) => {
                    return Judgement::refused(kind, address.to_string(), libc::ENETUNREACH);
                }
                Ok(Address::Other(family)) => {
                    return Judgement::refused(kind, format!("an address of family {family}"), libc::ENETUNREACH);
                }
                Err(error) => return unreadable(kind, &error),
            }
        }
        Judgement::FINE
    }

    /// Judges messages, given by where their headers are.
    fn messages(&self, headers: &[u64]) -> Judgement {
        /// `msghdr` on a 64-bit machine.
        #[repr(C)]
        #[derive(Clone, Copy)]
        struct Header {
            name: u64,
            name_length: u32,
            padding: u32,
            parts: [u64; 2],
            control: u64,
            control_length: u64,
        }
        let mut places = Vec::new();
        for header in headers {
            let header = match self.target.read_value::<Header>(*header) {
                Ok(header) => header,
                Err(error) => return unreadable(AttemptKind::Send, &error),
            };
            if header.name != 0 {
                places.push((header.name, u64::from(header.name_length)));
            }
            if header.control != 0 && header.control_length != 0 {
                match self.control(header.control, header.control_length) {
                    Ok(None) => {}
                    Ok(Some((level, kind))) => {
                        let target = format!("control data of kind {kind} at level {level}");
                        return Judgement::refused(AttemptKind::System, target, libc::EPERM);
                    }
                    Err(error) => return unreadable(AttemptKind::Send, &error),
                }
            }
        }
        self.reach(AttemptKind::Send, &places)
    }

    /// Level and kind of the first control data that may say where a packet goes.
    fn control(&self, at: u64, length: u64) -> io::Result<Option<(c_int, c_int)>> {
        /// The kernel takes no more (`net.core.optmem_max` is smaller everywhere).
        const MOST: u64 = 128 * 1024;
        let mut bytes = vec![0; usize::try_from(length.min(MOST)).unwrap_or_default()];
        self.target.read(at, &mut bytes)?;
        Ok(control::deciding(&bytes))
    }

    fn message_list(&self) -> Judgement {
        let size = size_of::<libc::mmsghdr>() as u64;
        let count = self.arguments[2].min(MOST_MESSAGES);
        let headers: Vec<u64> = (0..count).map(|place| self.arguments[1].wrapping_add(place * size)).collect();
        self.messages(&headers)
    }

    /// A file, if the name of the socket is one.
    fn bind(&self, rules: &Rules) -> Result<Option<Deed>, Judgement> {
        match self.address(self.arguments[1], self.arguments[2]) {
            Ok(Address::Path(path)) => {
                let meaning = self.target.resolve(libc::AT_FDCWD, path.as_os_str(), false);
                let touch = Touch::Effect(Effect::Create);
                Ok(match meaning {
                    Meaning::Free { path } => Some(Deed { touch, permitted: self.may_in_folder_of(&path), path }),
                    _ => None,
                })
            }
            Ok(Address::Internet(address)) if rules.local_only && address::is_exposed(&address) => {
                Err(Judgement::refused(AttemptKind::Bind, address.to_string(), libc::EACCES))
            }
            Err(error) if rules.local_only => Err(unreadable(AttemptKind::Bind, &error)),
            _ => Ok(None),
        }
    }

    fn address(&self, at: u64, length: u64) -> io::Result<Address> {
        let mut bytes = [0; address::LONGEST];
        let length = (length as u32 as usize).min(bytes.len());
        self.target.read(at, &mut bytes[..length])?;
        Ok(address::parse(&bytes[..length]))
    }

    /// An argument that is an `int`: the upper half means nothing.
    fn number(&self, argument: usize) -> c_int {
        self.arguments[argument] as u32 as c_int
    }
}

fn untranslatable() -> io::Error {
    io::Error::other("the system does not show where it leads")
}

/// What cannot be judged is not let out.
fn unreadable(kind: AttemptKind, error: &io::Error) -> Judgement {
    match error.raw_os_error() {
        Some(libc::EFAULT) => {
            Judgement { answer: Answer::Fail(libc::EFAULT), found: None, copy: None, terminal: None, made: None }
        }
        Some(libc::ESRCH) => {
            Judgement { answer: Answer::Fail(libc::ENETUNREACH), found: None, copy: None, terminal: None, made: None }
        }
        _ => Judgement::refused(kind, UNREADABLE.into(), libc::ENETUNREACH),
    }
}
