//! Judges one call: what it would do, whether that is allowed, and what it is answered.

use std::ffi::c_int;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::calls::{self, Ask, Call, Effect, Follow, OpenFlags, Place, Whom};
use super::copies::Copy;
use super::facts;
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
    /// What the harness does in the program's place, once it is sure that what was read is the program's. It gives the answer.
    pub(super) act: Option<Act>,
    /// What the program is given a descriptor of in answer, and whether that is closed when it executes another program.
    pub(super) given: Option<(OwnedFd, bool)>,
}

/// Something that is done later, and answers a call.
pub(super) struct Act(Box<dyn FnOnce() -> Answer>);

impl Act {
    pub(super) fn new(act: impl FnOnce() -> Answer + 'static) -> Self {
        Act(Box::new(act))
    }

    pub(super) fn now(self) -> Answer {
        (self.0)()
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Act")
    }
}

/// An attempt at something that is not allowed.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: AttemptKind,
    pub(super) target: String,
    pub(super) outcome: AttemptOutcome,
}

impl Judgement {
    pub(super) const FINE: Judgement = Judgement {
        answer: Answer::Continue,
        found: None,
        copy: None,
        terminal: None,
        made: None,
        act: None,
        given: None,
    };

    /// Fails, and that is worth no word.
    pub(super) fn answered(errno: c_int) -> Self {
        Judgement { answer: Answer::Fail(errno), ..Judgement::FINE }
    }

    /// The harness does it, once it is sure whose it is.
    pub(super) fn doing(act: impl FnOnce() -> Answer + 'static) -> Self {
        Judgement { act: Some(Act::new(act)), ..Judgement::answered(libc::EACCES) }
    }

    pub(super) fn refused(kind: AttemptKind, target: String, errno: c_int) -> Self {
        let found = Found { kind, target, outcome: AttemptOutcome::Refused };
        Judgement { found: Some(found), ..Judgement::answered(errno) }
    }
}

/// What a call would do to one file, were nobody to hold it back.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) touch: Touch,
    pub(super) path: PathBuf,
    /// Whether the system lets it.
    pub(super) permitted: bool,
}

/// One call with its arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) target: &'a Target,
    pub(super) call: &'a Call,
    pub(super) arguments: &'a [u64; 6],
}

impl Question<'_> {
    pub(super) fn judge(&self, rules: &Rules, objects: &mut Objects) -> Judgement {
        let deeds = match self.call.ask {
            Ask::Open(place, flags) => self.open(place, flags),
            Ask::Files(places) => self.files(places),
            Ask::Access(place) => self.asked(place),
            Ask::Socket => return self.socket(),
            Ask::Connect => return self.connect(),
            Ask::SendTo => return self.send(),
            Ask::SendMessage => return self.messages(),
            Ask::SendMessages => return self.messages(),
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
                Err(judgement) => return *judgement,
            },
        };
        match deeds {
            Ok(deeds) => {
                let judgement = self.weigh(rules, objects, &deeds);
                match self.changed() {
                    Some(place) if judgement.answer == Answer::Continue && rules.allowed().is_some() => {
                        self.change(rules, objects, place)
                    }
                    _ => judgement,
                }
            }
            // An address that leads nowhere, or text without end. The kernel might find something else there by now.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EFAULT | libc::ENAMETOOLONG)) => {
                Judgement::answered(error.raw_os_error().unwrap_or(libc::EFAULT))
            }
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Judgement::answered(libc::EFAULT),
            // Where no process is shown, the kernel's own rules hold for all that they know.
            Err(_) if !is_proc_there() && rules.held_by_kernel && !self.changes_facts() => Judgement::FINE,
            // Not even what the call names is known.
            Err(error) if rules.allowed().is_some() => {
                // A descriptor tells by how it was opened.
                let change = self.changed().filter(|_| !is_proc_there());
                if let Some(own) = change
                    .map(|place| self.change(rules, objects, place))
                    .filter(|own| own.act.is_some() || own.answer == Answer::Fail(libc::EBADF))
                {
                    return own;
                }
                let target = format!("a path that cannot be told ({error})");
                Judgement::refused(AttemptKind::Write, target, libc::EACCES)
            }
            Err(_) => Judgement::FINE,
        }
    }

    /// Whether it is about modes, owners, times or attributes, of which Landlock knows nothing.
    fn changes_facts(&self) -> bool {
        self.changed().is_some()
    }

    /// Where the call names what gets another mode, owner, time or attribute.
    fn changed(&self) -> Option<Place> {
        let places = match self.call.ask {
            Ask::Files(places) => places,
            Ask::Request => calls::REQUESTED,
            _ => return None,
        };
        places.iter().find(|(effect, _)| *effect == Effect::Change).map(|(_, place)| *place)
    }

    /// Makes a change in the program's place.
    fn change(&self, rules: &Rules, objects: &Objects, place: Place) -> Judgement {
        let allows = |path: &Path| match rules.is_shared_memory(path) {
            true => objects.has(path),
            false => rules.allows(path),
        };
        match facts::change(self, place, allows) {
            Ok(act) => Judgement { act: Some(act), ..Judgement::answered(libc::EACCES) },
            Err(errno) => Judgement::answered(errno),
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
                return Judgement { found, ..Judgement::answered(errno) };
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
                return Judgement { answer, found, copy, terminal, ..Judgement::FINE };
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

    pub(super) fn may_in_folder_of(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| self.may(folder))
    }

    #[expect(clippy::unused_self, reason = "belongs to the two above")]
    fn owns(&self, facts: &Metadata) -> bool {
        own_user() == 0 || facts.uid() == own_user()
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

    /// An argument that is an `int`: the upper half means nothing.
    pub(super) fn number(&self, argument: usize) -> c_int {
        self.arguments[argument] as u32 as c_int
    }
}

fn untranslatable() -> io::Error {
    io::Error::other("the system does not show where it leads")
}
