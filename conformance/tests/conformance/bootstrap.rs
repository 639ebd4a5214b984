//! What is known of the hooks that do something heavy.

use std::time::Duration;

use hookproof::subject::{Heavy, Subject};
use hookproof_harness::PatternError;

/// Long enough for a fault in the middle of the work, or below it, to find something to hit; in milliseconds.
const BUILD_TIME: &str = "400";
/// Age at which the bootstraps of reference and witnesses take over a lock whose owner is dead.
const STALE_AFTER: Duration = Duration::from_secs(300);

/// Says what the bootstrap does that is heavy. `state` and `build_time` are the names of its variables.
pub(crate) fn make_heavy(
    subject: &mut Subject,
    pattern: &str,
    (state, build_time): (&str, &str),
) -> Result<(), PatternError> {
    let heavy = Heavy::new(vec![pattern.parse()?]);
    subject.heavy = Some(Heavy { state_variable: Some(state.to_owned()), stale_after: STALE_AFTER, ..heavy });
    subject.environment.insert(build_time.to_owned(), BUILD_TIME.to_owned());
    Ok(())
}
