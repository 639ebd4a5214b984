#![allow(unsafe_code)]
//! The cage of one run: what holds the program to its sandbox, and the harness's answers to what it tries.
//!
//! ```text
//! harness                                   child, before it executes
//! ruleset, filter, socket pair ───────────> no_new_privs, Landlock, filter
//! listener <─────────────────────────────── listener over the socket
//! poll: a call waits ── judge ── answer
//! ```
//!
//! The harness answers in its own wait, so no thread is needed. Whoever waits for an answer can be killed, and is let
//! go with an error if the harness dies.

mod address;
mod calls;
mod child;
mod control;
mod copies;
mod facts;
mod filter;
mod gaps;
mod judge;
mod landlock;
mod listener;
mod network;
mod objects;
mod permission;
pub(super) mod privileges;
mod rules;
mod sockets;
mod table;
mod target;
mod terminals;
#[cfg(test)]
mod walk;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use self::filter::{Scope, Secret};
use self::gaps::Ground;
use self::judge::{Act, Found, Judgement, Question};
use self::landlock::Ruleset;
use self::listener::{Listener, Next};
use self::objects::{Left, Maker, Objects};
use self::rules::Rules;
use self::table::Verdict;
use self::target::Target;
use self::terminals::Terminals;
use super::client::socket_pair;
use super::wire::{Received, receive};
use crate::error::HarnessError;
use crate::platform::unix::{above_two, name_of};
use crate::sandbox::{Attempt, AttemptKind, AttemptOutcome, Containment, Network, Sandbox, SandboxReport};

pub(crate) use self::child::{CageAnswers, CageOrders, ChildCage, enter};

/// Different attempts that are kept of a run.
const MOST_ATTEMPTS: usize = 256;
/// Calls that are answered before the clock and the streams are looked at again.
const MOST_ANSWERS: usize = 64;

/// Nothing, or what holds a program.
#[derive(Debug)]
pub(crate) struct Cage {
    inner: Option<Box<Inner>>,
}

#[derive(Debug)]
struct Inner {
    sandbox: Sandbox,
    start: Instant,
    rules: Rules,
    /// Version of Landlock, or why there is none.
    landlock: Result<i64, String>,
    /// Why nobody answers.
    unheard: Option<String>,
    orders: CageOrders,
    /// The ends that the child gets; gone when it has them.
    child_ends: Vec<OwnedFd>,
    /// Where the listener arrives.
    arrival: Option<OwnedFd>,
    listener: Option<Listener>,
    terminals: Terminals,
    objects: Objects,
    attempts: Vec<Attempt>,
    dropped: u64,
    gaps: Vec<String>,
}

impl Cage {
    pub(crate) fn new(sandbox: Option<&Sandbox>, start: Instant) -> Result<Self, HarnessError> {
        let Some(sandbox) = sandbox else {
            return Ok(Cage { inner: None });
        };
        let mut inner = Inner {
            sandbox: sandbox.clone(),
            start,
            rules: Rules::new(sandbox),
            landlock: Err("it was not asked for".into()),
            unheard: None,
            orders: CageOrders { strict: sandbox.strict, ..CageOrders::default() },
            child_ends: Vec::new(),
            arrival: None,
            listener: None,
            terminals: Terminals::default(),
            objects: Objects::default(),
            attempts: Vec::new(),
            dropped: 0,
            gaps: Vec::new(),
        };
        inner.orders.unprivileged = sandbox.writable.is_some() || sandbox.network == Network::Loopback;
        inner.make_ruleset()?;
        inner.make_filters()?;
        if sandbox.strict {
            inner.insist(&CageAnswers::default())?;
        }
        Ok(Cage { inner: Some(Box::new(inner)) })
    }

    /// What the child is told.
    pub(crate) fn orders(&self) -> CageOrders {
        self.inner.as_ref().map(|inner| inner.orders.clone()).unwrap_or_default()
    }

    /// Descriptors that the child needs.
    pub(crate) fn child_ends(&self) -> Vec<RawFd> {
        let inner = self.inner.iter();
        inner.flat_map(|inner| inner.child_ends.iter().map(AsRawFd::as_raw_fd)).collect()
    }

    /// The child has what it needs.
    pub(crate) fn handed_over(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.child_ends.clear();
        }
    }

    /// A descriptor that becomes readable when there is something to attend to, -1 if there never will be.
    pub(crate) fn watch(&self) -> RawFd {
        let Some(inner) = &self.inner else {
            return -1;
        };
        match (&inner.listener, &inner.arrival) {
            (Some(listener), _) => listener.descriptor(),
            (None, Some(arrival)) => arrival.as_raw_fd(),
            (None, None) => -1,
        }
    }

    /// Answers whoever waits. Never blocks.
    pub(crate) fn attend(&mut self) -> Result<(), HarnessError> {
        match &mut self.inner {
            Some(inner) => inner.attend(),
            None => Ok(()),
        }
    }

    /// What became of it, given what the child was answered.
    pub(crate) fn report(&mut self, answers: CageAnswers) -> Option<SandboxReport> {
        let inner = self.inner.as_mut()?;
        inner.remove_objects();
        let mut report = inner.containment(&answers);
        report.attempts = std::mem::take(&mut inner.attempts);
        report.dropped = inner.dropped;
        Some(report)
    }

    /// Why a strict run did not come about, if it was for its cage.
    pub(crate) fn failure(&self, answers: CageAnswers) -> Option<HarnessError> {
        self.inner.as_ref()?.insist(&answers).err()
    }
}

impl Inner {
    fn make_ruleset(&mut self) -> Result<(), HarnessError> {
        let Some(places) = self.rules.allowed() else {
            return Ok(());
        };
        self.landlock = match Ruleset::new(places, Rules::USUAL) {
            Ok(ruleset) => {
                for (place, error) in &ruleset.left_out {
                    self.gaps.push(format!("nothing can be written to `{}`: {error}", place.display()));
                }
                self.child_ends.push(above_two(ruleset.descriptor)?);
                self.orders.ruleset = true;
                Ok(ruleset.abi)
            }
            Err(because) => Err(because),
        };
        self.rules.held_by_kernel = self.landlock.is_ok();
        Ok(())
    }

    fn make_filters(&mut self) -> Result<(), HarnessError> {
        let scope = Scope {
            files: self.rules.allowed().is_some(),
            faults: self.rules.has_faults(),
            network: self.rules.local_only,
        };
        if scope == (Scope { files: false, faults: false, network: false }) {
            return Ok(());
        }
        let filter = match listener::unavailable() {
            Some(because) => Err(because),
            None => secret().and_then(|secret| {
                let filter = filter::listening(scope, secret);
                filter.map(|filter| (filter, secret)).ok_or_else(|| "no filter is known for this processor".to_owned())
            }),
        };
        match filter {
            Ok((filter, secret)) => {
                let (ours, theirs) = socket_pair().map_err(HarnessError::system("create a socket"))?;
                self.arrival = Some(ours);
                self.child_ends.push(above_two(theirs)?);
                self.orders.filter = filter;
                self.orders.secret = secret;
            }
            Err(because) => self.unheard = Some(because),
        }
        Ok(())
    }

    /// An error if something does not hold.
    fn insist(&self, answers: &CageAnswers) -> Result<(), HarnessError> {
        match self.containment(answers).lacking() {
            Some((part, because)) => Err(HarnessError::NotContained { part, because: because.to_owned() }),
            None => Ok(()),
        }
    }

    fn containment(&self, answers: &CageAnswers) -> SandboxReport {
        let refused = |answer: i32, what: &str| {
            (answer != 0).then(|| format!("{what} was refused: {}", io::Error::from_raw_os_error(answer)))
        };
        let unheard = self.unheard.clone().or_else(|| refused(answers.filter, "the seccomp filter"));
        // Whoever has one may undo the rest.
        let privileged = refused(answers.capabilities, "giving up the capabilities of the program");
        let landlock = match (&self.landlock, refused(answers.landlock, "the Landlock ruleset").or(privileged.clone()))
        {
            (Ok(abi), None) => Ok(*abi),
            (Ok(_), Some(because)) => Err(because),
            (Err(because), _) => Err(because.clone()),
        };
        let answered = || match unheard.as_ref().or(privileged.as_ref()) {
            None => Containment::Enforced { by: "the harness, asked by seccomp".into() },
            Some(because) => Containment::not(because),
        };
        let mut gaps = self.gaps.clone();
        let held = landlock.as_ref().ok().copied().filter(|_| self.sandbox.writable.is_some());
        let files = match (self.sandbox.writable.is_some(), landlock) {
            (false, _) => Containment::NotAsked,
            (true, Ok(abi)) => {
                let also = if unheard.is_none() { ", and the harness, asked by seccomp" } else { "" };
                Containment::Enforced { by: format!("Landlock (version {abi}){also}") }
            }
            (true, Err(because)) => {
                if unheard.is_none() {
                    gaps.push("what is seen to be written outside is refused all the same".into());
                }
                Containment::not(because)
            }
        };
        let network = match self.sandbox.network {
            Network::Open => Containment::NotAsked,
            Network::Loopback => answered(),
        };
        let ground = Ground::here(held, unheard.clone(), matches!(network, Containment::Enforced { .. }));
        gaps.extend(ground.gaps());
        let missing = ground.missing();
        let refusals = if self.sandbox.refusals.is_empty() { Containment::NotAsked } else { answered() };
        SandboxReport { files, network, refusals, seen: unheard.is_none(), gaps, missing, ..SandboxReport::default() }
    }

    fn attend(&mut self) -> Result<(), HarnessError> {
        if let Some(arrival) = &self.arrival {
            match receive::<u32>(arrival.as_raw_fd()) {
                Received::Nothing => return Ok(()),
                Received::Closed => self.arrival = None,
                Received::Record(_, [descriptor, ..], 1) => {
                    self.listener = Some(Listener::received(descriptor));
                    self.arrival = None;
                }
                Received::Record(..) => {
                    let source = io::Error::from_raw_os_error(libc::EMFILE);
                    return Err(HarnessError::System { doing: "take over the calls of the program", source });
                }
            }
        }
        for _ in 0..MOST_ANSWERS {
            let Some(listener) = &self.listener else {
                return Ok(());
            };
            match listener.next() {
                Next::Nothing => return Ok(()),
                // It stays readable for ever.
                Next::Over => self.listener = None,
                Next::Call(call) => self.decide(&call),
            }
        }
        Ok(())
    }

    fn decide(&mut self, asked: &libc::seccomp_notif) {
        let Some(listener) = &self.listener else {
            return;
        };
        let target = Target::new(asked.pid.cast_signed(), self.rules.copies());
        let (call, judgement) = match forbidden(&asked.data) {
            Some(forbidden) => forbidden,
            None => match calls::find(asked.data.nr.into()) {
                Some(call) => (
                    call.name,
                    Question { target: &target, call, arguments: &asked.data.args }
                        .judge(&self.rules, &mut self.objects),
                ),
                None => {
                    listener.answer(asked.id, listener::Answer::Continue);
                    return;
                }
            },
        };
        let who = judgement.found.map(|found| (target.process(), found));
        // Otherwise all that was read may be of somebody else.
        if !listener.still_waits(asked.id) {
            return;
        }
        let mut who = who.map(|(process, found)| (process, name_of(process), found));
        if let Some(path) = &judgement.made
            && let Err(full) = self.objects.note_file(path, maker(&target, call))
        {
            listener.answer(asked.id, listener::Answer::Fail(full.raw_os_error().unwrap_or(libc::ENOSPC)));
            return;
        }
        if let Some((terminal, flags)) = judgement.terminal {
            let file = self.terminals.open(terminal, target.process(), flags);
            match file.and_then(|file| listener.give(asked.id, &file, flags & libc::O_CLOEXEC != 0)) {
                Ok(()) => return,
                Err(error) if error.raw_os_error() != Some(libc::EACCES) => {
                    // Nobody's terminal was meant: there is none, or no further one.
                    listener.answer(asked.id, listener::Answer::Fail(error.raw_os_error().unwrap_or(libc::EIO)));
                    return;
                }
                Err(_) => {}
            }
        }
        if let Some((file, closes)) = &judgement.given {
            let given = listener.give(asked.id, file, *closes);
            if let Err(error) = given {
                listener.answer(asked.id, listener::Answer::Fail(error.raw_os_error().unwrap_or(libc::EMFILE)));
            }
            return;
        }
        match judgement.copy {
            None => listener.answer(asked.id, judgement.act.map_or(judgement.answer, Act::now)),
            // What cannot be copied is refused, as everything else is.
            Some(copy) => match copy.make(listener, asked.id, &self.rules) {
                Ok(()) => who.iter_mut().for_each(|(_, _, found)| found.outcome = AttemptOutcome::Copied),
                Err(_) => listener.answer(asked.id, judgement.answer),
            },
        }
        if let Some((process, name, found)) = who {
            self.write_down(process, name, call, found);
        }
    }

    /// The program is gone: so is what it has made elsewhere.
    fn remove_objects(&mut self) {
        for Left { what, maker, removed } in self.objects.remove() {
            if let Err(error) = &removed {
                self.gaps.push(format!("{what} was left behind and could not be removed: {error}"));
            }
            let outcome = AttemptOutcome::LeftBehind { removed: removed.is_ok() };
            let found = Found { kind: AttemptKind::Write, target: what, outcome };
            self.write_down(maker.process, maker.program, maker.call, found);
        }
    }

    fn write_down(&mut self, process: i32, program: String, call: &str, found: Found) {
        let Found { kind, target, outcome } = found;
        let same = |a: &&mut Attempt| a.kind == kind && a.target == target && a.call == call && a.outcome == outcome;
        if let Some(known) = self.attempts.iter_mut().find(same) {
            known.times += 1;
        } else if self.attempts.len() < MOST_ATTEMPTS {
            let at: Duration = self.start.elapsed();
            let pid = process.cast_unsigned();
            let call = call.to_owned();
            self.attempts.push(Attempt { at, pid, program, call, kind, target, outcome, times: 1 });
        } else {
            self.dropped += 1;
        }
    }
}

fn maker(target: &Target, call: &'static str) -> Maker {
    let process = target.process();
    Maker { process, program: name_of(process), call }
}

/// Numbers that nobody can guess, or why there are none.
fn secret() -> Result<Secret, String> {
    let mut secret = Secret::default();
    let size = size_of::<Secret>();
    // SAFETY: the kernel fills as many bytes as there are.
    let count = unsafe { libc::getrandom(secret.as_mut_ptr().cast(), size, 0) };
    match usize::try_from(count) {
        Ok(count) if count == size => Ok(secret),
        _ => Err(format!("the system gives no random numbers: {}", io::Error::last_os_error())),
    }
}

/// The name of a call that is refused whatever its arguments are, and what it is answered.
fn forbidden(call: &libc::seccomp_data) -> Option<(&'static str, Judgement)> {
    if !filter::is_native(call.arch) {
        let target = "a program for another architecture (32-bit)".to_owned();
        return Some(("any", Judgement::refused(AttemptKind::System, target, libc::ENOSYS)));
    }
    let known = table::find(call.nr.cast_unsigned())?;
    match known.verdict {
        Verdict::Refused { errno, because, .. } => {
            let target = format!("{} ({because})", known.name);
            Some((known.name, Judgement::refused(AttemptKind::System, target, errno)))
        }
        Verdict::Allowed | Verdict::Judged => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_resists_removal_is_a_finding_and_a_gap() {
        // An entry of our own that nobody can remove.
        let path = "/proc/self/comm";
        let sandbox = Sandbox::open().read_only();
        let mut cage = Cage::new(Some(&sandbox), Instant::now()).expect("a cage");
        let maker = Maker { process: 7, program: "sh".into(), call: "openat" };
        let inner = cage.inner.as_mut().expect("a sandbox was asked for");
        inner.objects.note_file(Path::new(path), maker).expect("room for it");
        let report = cage.report(CageAnswers::default()).expect("a report");
        let [left] = &report.attempts[..] else { panic!("{:?}", report.attempts) };
        assert_eq!((left.outcome.clone(), left.pid), (AttemptOutcome::LeftBehind { removed: false }, 7));
        assert_eq!(left.target, path);
        let told = format!("{path} was left behind and could not be removed: ");
        assert!(report.gaps.iter().any(|gap| gap.starts_with(&told)), "{:?}", report.gaps);
    }
}
