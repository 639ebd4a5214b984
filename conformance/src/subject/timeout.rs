//! The time limit of a handler.

use std::time::Duration;

use super::node::Node;
use super::sheet::Handler;

/// The longest limit that is told; a configuration may name any number of seconds.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// The time that the handler gives itself, fractions too; `None` if it names none, or one that the platform passes
/// over.
pub(crate) fn of(handler: &Handler<'_>) -> Option<Duration> {
    let known = handler.scope().dialect.timeout.as_ref()?;
    let mut seconds = written(handler)?.seconds;
    if let Some(least) = known.least_s {
        seconds = seconds.max(least);
    }
    if let Some(most) = known.most_s.get(&handler.group.event.name) {
        seconds = seconds.min(*most);
    }
    if seconds <= 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).map_or(LONGEST, |limit| limit.min(LONGEST)))
}

/// A time limit as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a> {
    /// The key that counts.
    pub(crate) key: &'a str,
    /// The number.
    pub(crate) number: f64,
    /// What it means.
    pub(crate) seconds: f64,
}

/// The time limit as it is written.
pub(crate) fn written<'a>(handler: &Handler<'a>) -> Option<Written<'a>> {
    let known = handler.scope().dialect.timeout.as_ref()?;
    let (key, number) = known.keys.iter().find_map(|key| Some((key, handler.get(key).and_then(Node::number)?)))?;
    Some(Written { key, number, seconds: known.unit.seconds(number) })
}
