//! The heavy bootstrap: at the start of a session an index of what the guard knows is prepared, once, by a separate
//! program that takes time and memory.
//!
//! It is the kind of hook that hurts most when it is wrong: the builder is killed for want of memory, nothing is said, and
//! it is tried again at every session, thousands of times a day. So:
//!
//! * a builder that was killed, or one of whose processes was, is not tried again for a day ([`cooldown`]);
//! * a person's wish to end it, an ordinary failure and a build that took too long are no reason for that;
//! * one process builds at a time, and a lock outlives nobody for long ([`lock`]);
//! * what is half built has another name than what is finished ([`index`], [`attempt`]);
//! * nothing outlives the hook: the builder's whole tree ends with it ([`crate::platform`]);
//! * whatever happens, the session starts: the answer is the ordinary one, with a line for the person and integers for
//!   telemetry beside it ([`report`], [`answer`]).

use std::io;
use std::time::{Duration, Instant};

pub(crate) mod answer;
mod attempt;
pub(crate) mod builder;
mod clock;
mod cooldown;
mod ending;
mod folder;
mod index;
mod lock;
mod report;
mod settings;

use attempt::{Attempt, Failure};
use builder::Own;
use clock::Seconds;
use cooldown::Cooldown;
use folder::StateFolder;
use lock::{Acquired, Lock};
use report::{Outcome, Report};

use crate::platform::{Signals, die_by};

/// A lock can be stale when it is this old and its owner is dead; much longer than any build may take.
const LOCK_LIMIT: Duration = Duration::from_secs(300);

/// Prepares the index as the environment says. Does not return if this process was asked to end meanwhile.
pub(crate) fn prepare(own: io::Result<Own>) -> Report {
    let begun = Instant::now();
    let outcome = match (settings::state_folder(), own) {
        (Err(reason), _) => Outcome::NoStateFolder(reason),
        (_, Err(error)) => Outcome::Failed(Failure::NotStarted(error)),
        (Ok(folder), Ok(own)) => match prepare_in(&StateFolder::new(folder), &own, settings::build_limit()) {
            Ok(outcome) => outcome,
            Err(Asked(signal)) => die_by(signal),
        },
    };
    Report { outcome, took: begun.elapsed() }
}

/// This process was asked to end by this signal; everything is cleared away.
#[derive(Debug)]
struct Asked(i32);

fn prepare_in(state: &StateFolder, own: &Own, limit: Duration) -> Result<Outcome, Asked> {
    if let Some(outcome) = settled(state) {
        return Ok(outcome);
    }
    if let Err(error) = state.make() {
        return Ok(Outcome::Failed(Failure::State(error)));
    }
    // Before there is anything that a sudden end would leave behind.
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return Ok(Outcome::Failed(Failure::NotStarted(error))),
    };
    let lock = match Lock::acquire(state, LOCK_LIMIT.max(limit * 2)) {
        Ok(Acquired::Ours(lock)) => lock,
        Ok(Acquired::Busy) => return Ok(Outcome::Busy),
        Err(error) => return Ok(Outcome::Failed(Failure::Lock(error))),
    };
    // Somebody may have built, or been killed, between the first look and the lock.
    if let Some(outcome) = settled(state) {
        return Ok(outcome);
    }
    state.sweep();
    if let Some(signal) = signals.asked() {
        drop(lock);
        return Err(Asked(signal));
    }
    let attempt = attempt::run(state, own, limit, &signals);
    let asked = if let Attempt::Asked(signal) = attempt { Some(signal) } else { signals.asked() };
    let outcome = match attempt {
        Attempt::Built(entries) => {
            Cooldown::end(state);
            Outcome::Built(entries)
        }
        Attempt::Killed(killed) => {
            let marker = Cooldown::begin(state, killed, Seconds::now()).map(|()| state.marker());
            Outcome::Killed { killed, marker }
        }
        Attempt::Stopped => Outcome::Stopped,
        Attempt::TimedOut => Outcome::TimedOut(limit),
        Attempt::Failed(failure) => Outcome::Failed(failure),
        Attempt::Asked(_) => Outcome::Stopped,
    };
    // After the marker: what is swept next time is no harm, a kill that nobody remembers is.
    attempt::clear(state);
    drop(lock);
    asked.map_or(Ok(outcome), |signal| Err(Asked(signal)))
}

/// What needs no attempt: the index is there, or none is to be made now.
fn settled(state: &StateFolder) -> Option<Outcome> {
    if let Ok(entries) = index::check(&state.index()) {
        // A marker beside a good index is left over from before it.
        Cooldown::end(state);
        return Some(Outcome::Ready(entries));
    }
    match Cooldown::read(state, Seconds::now()) {
        Cooldown::Active(left) => Some(Outcome::CoolingDown(left)),
        Cooldown::None | Cooldown::Over | Cooldown::Unbelievable => None,
    }
}

#[cfg(all(test, unix))]
mod tests;
