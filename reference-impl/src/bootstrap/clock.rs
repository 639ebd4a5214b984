//! Wall-clock time in whole seconds, as it stands in files.

use std::time::{Duration, SystemTime};

/// A time that is further ahead than this is no time that this machine has seen. Clocks that are set by the network jump
/// by less.
const SKEW: u64 = 300;

/// Seconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Seconds(pub(crate) u64);

impl Seconds {
    /// Now, by the clock on the wall: it has to hold over reboots.
    pub(crate) fn now() -> Self {
        SystemTime::now().into()
    }

    /// How long ago this was; `None` for a time that cannot have been. A little ahead counts as now.
    pub(crate) fn age(self, now: Self) -> Option<Duration> {
        (self.0 <= now.0.saturating_add(SKEW)).then(|| Duration::from_secs(now.0.saturating_sub(self.0)))
    }
}

impl From<SystemTime> for Seconds {
    fn from(time: SystemTime) -> Self {
        // A clock before 1970 is a clock that was never set.
        Self(time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1_000, Some(0))]
    #[case(900, Some(100))]
    #[case(0, Some(1_000))]
    #[case(1_300, Some(0))]
    #[case(1_301, None)]
    #[case(u64::MAX, None)]
    fn ages(#[case] then: u64, #[case] age: Option<u64>) {
        assert_eq!(Seconds(then).age(Seconds(1_000)), age.map(Duration::from_secs));
    }
}
