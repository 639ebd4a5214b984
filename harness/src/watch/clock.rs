//! A time of day for a hook, and for all that it starts, that is not the system's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far the time of day is moved, in whole seconds; to the past if it is negative. It goes on as fast as the system's.
///
/// What counts from the start of the system (`CLOCK_MONOTONIC`, `CLOCK_BOOTTIME`) is not moved, as it is not when
/// somebody sets the clock. Neither are the times that the file system gives to files.
///
/// ```
/// use std::time::Duration;
/// use hookproof_harness::{ClockShift, Harness, HookCommand, Watch};
///
/// let command = HookCommand::shell("date +%Y").watch(Watch::default().clock(ClockShift::back(Duration::from_secs(1 << 30))));
/// # if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
/// let observation = Harness::new()?.run(&command)?;
/// let year: i32 = String::from_utf8_lossy(&observation.stdout.bytes).trim().parse()?;
/// let report = observation.watch.and_then(|watch| watch.clock).expect("was asked for");
/// assert!(report.is_moved() && year < 2000 + 25, "it is 34 years ago");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClockShift {
    seconds: i64,
}

impl ClockShift {
    /// To the future, by whole seconds.
    #[must_use]
    pub fn ahead(by: Duration) -> Self {
        ClockShift { seconds: i64::try_from(by.as_secs()).unwrap_or(i64::MAX) }
    }

    /// To the past, by whole seconds. There is no time before 1970: a clock that would have to be told one says 1970.
    #[must_use]
    pub fn back(by: Duration) -> Self {
        ClockShift { seconds: -Self::ahead(by).seconds }
    }

    /// Seconds; negative to the past.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }
}

/// What became of a moved clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ClockReport {
    /// Whoever asked the system for the time of day was told the moved one.
    Moved {
        /// How.
        means: String,
        /// How often somebody asked.
        answered: u64,
        /// How often somebody waited until a time of day, and was woken at that time of the moved clock.
        waits: u64,
        /// What was not moved although it was to be, in sentences.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gaps: Vec<String>,
    },
    /// The clock was the system's.
    NotMoved {
        /// Why.
        because: String,
    },
}

impl ClockReport {
    /// Whether the time of day was moved, for every program that the hook consists of.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        matches!(self, ClockReport::Moved { gaps, .. } if gaps.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_a_number_of_seconds() {
        let day = Duration::from_secs(86_400);
        assert_eq!(serde_json::to_string(&ClockShift::back(day)).expect("writes"), "-86400");
        assert_eq!(serde_json::from_str::<ClockShift>("86400").expect("reads"), ClockShift::ahead(day));
        assert_eq!(ClockShift::ahead(Duration::MAX).seconds(), i64::MAX);
        assert_eq!(ClockShift::back(Duration::MAX).seconds(), -i64::MAX);
    }

    #[test]
    fn who_was_left_out_keeps_a_clock_from_being_moved() {
        let moved = |gaps: &[&str]| ClockReport::Moved {
            means: "m".into(),
            answered: 1,
            waits: 0,
            gaps: gaps.iter().map(|gap| (*gap).to_owned()).collect(),
        };
        assert!(moved(&[]).is_moved() && !moved(&["one"]).is_moved());
        assert!(!ClockReport::NotMoved { because: "no".into() }.is_moved());
        for report in [moved(&["one"]), ClockReport::NotMoved { because: "no".into() }] {
            let text = serde_json::to_string(&report).expect("writes");
            assert_eq!(serde_json::from_str::<ClockReport>(&text).expect("reads"), report);
        }
    }
}
