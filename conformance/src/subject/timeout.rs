//! The time limit of a handler.

use std::time::Duration;

use super::node::Node;
use super::sheet::Handler;

/// The longest limit that is told; a configuration may name any number of seconds.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// The seconds that the handler gives itself, fractions too; `None` if it names none.
pub(crate) fn of(handler: &Handler<'_>) -> Option<Duration> {
    let seconds = seconds(handler)?;
    Some(Duration::try_from_secs_f64(seconds).map_or(LONGEST, |limit| limit.min(LONGEST)))
}

/// The number as it is written.
pub(crate) fn seconds(handler: &Handler<'_>) -> Option<f64> {
    handler.node.get(&handler.scope().dialect.timeout.key).and_then(Node::number)
}
