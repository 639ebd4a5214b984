//! Time travel: files that a hook has left are made older or younger, by their times and by what they say.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use filetime::FileTime;
use jiff::civil::DateTime;
use regex_lite::{Captures, Regex};

use super::super::state::walk;
use crate::outside;

/// Longer files are data, and times in them are not when they were written.
const READ_AT_MOST: usize = 64 * 1024;
/// Numbers count as times if they are no further from now than this, in seconds: three years.
const PLAUSIBLE: i128 = 3 * 366 * 86_400;

/// A shift in time, in whole seconds; to the past if it is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift(pub(super) i64);

impl Shift {
    /// Makes things older.
    pub(super) fn back(by: Duration) -> Self {
        Shift(-i64::try_from(by.as_secs()).unwrap_or(i64::MAX))
    }

    fn of(self, time: SystemTime) -> SystemTime {
        let by = Duration::from_secs(self.0.unsigned_abs());
        let moved = if self.0 < 0 { time.checked_sub(by) } else { time.checked_add(by) };
        moved.unwrap_or(time)
    }
}

/// Moves everything below `folder` in time.
///
/// Times of change and of birth cannot be moved by anybody. What cannot be touched stays as it is: it belongs to somebody
/// else, or is gone by now.
pub(super) fn shift_all(folder: &Path, shift: Shift) {
    let mut found = Vec::new();
    walk(folder, &[], &mut |path, metadata| found.push((path.to_owned(), metadata.clone())));
    // Folders come after what is in them: writing to a file changes no folder, but replacing one would.
    for (path, metadata) in found.into_iter().rev() {
        let _ = shift_one(&path, &metadata, shift);
    }
}

/// Moves one file, folder or link in time.
pub(super) fn shift_one(path: &Path, metadata: &Metadata, shift: Shift) -> io::Result<()> {
    let moved = |time: io::Result<SystemTime>| time.map(|time| FileTime::from_system_time(shift.of(time)));
    let (accessed, modified) = (moved(metadata.accessed())?, moved(metadata.modified())?);
    if metadata.is_file()
        && let Ok(text) = outside::text(path, READ_AT_MOST)
    {
        let told = rewritten(&text, shift, SystemTime::now());
        if told != text {
            fs::write(path, told)?;
        }
    }
    filetime::set_symlink_file_times(path, accessed, modified)
}

/// The text with every time in it moved: RFC 3339 dates with a time of day, and numbers that are seconds, milli-, micro-
/// or nanoseconds since 1970 not far from `now`.
fn rewritten(text: &str, shift: Shift, now: SystemTime) -> String {
    static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}"));
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d+"));
    let text = DATE.replace_all(text, |found: &Captures<'_>| {
        let separator = &found[0][10..11];
        let moved = found[0].replace(' ', "T").parse::<DateTime>().ok().and_then(|date| {
            let by = jiff::SignedDuration::from_secs(shift.0);
            date.checked_add(by).ok()
        });
        moved.map_or_else(
            || found[0].to_owned(),
            |date| date.strftime(&format!("%Y-%m-%d{separator}%H:%M:%S")).to_string(),
        )
    });
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| i128::from(since.as_secs()));
    NUMBER
        .replace_all(&text, |found: &Captures<'_>| {
            let units: i128 = match found[0].len() {
                10 => 1,
                13 => 1_000,
                16 => 1_000_000,
                19 => 1_000_000_000,
                _ => return found[0].to_owned(),
            };
            match found[0].parse::<i128>() {
                Ok(number) if (number / units - now).abs() <= PLAUSIBLE => {
                    (number + i128::from(shift.0) * units).to_string()
                }
                _ => found[0].to_owned(),
            }
        })
        .into_owned()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant that the tests compile")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: u64 = 1_795_000_000;
    const DAY: i64 = 86_400;

    #[rstest]
    #[case("2026-11-21T08:00:00Z\n", "2026-11-20T08:00:00Z\n")]
    #[case("2026-03-01 00:30:00.123456+01:00", "2026-02-28 00:30:00.123456+01:00")]
    #[case(r#"{"at":1795000000,"ms": 1795000000123}"#, r#"{"at":1794913600,"ms": 1794913600123}"#)]
    #[case("1795000000.25", "1794913600.25")]
    #[case("1795000000123456 1795000000123456789", "1794913600123456 1794913600123456789")]
    #[case("pid 4711, version 2026, 1234567890, 17950000001", "pid 4711, version 2026, 1234567890, 17950000001")]
    #[case("2026-13-41T08:00:00", "2026-13-41T08:00:00")]
    fn times_in_texts_move_and_nothing_else_does(#[case] text: &str, #[case] expected: &str) {
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        assert_eq!(rewritten(text, Shift(-DAY), now), expected);
        assert_eq!(rewritten(expected, Shift(DAY), now), text);
    }

    #[test]
    fn files_and_folders_get_older_and_younger() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("state");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("marker"), "x").unwrap();
        let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let before = [modified(&folder), modified(&folder.join("marker"))];
        shift_all(base.path(), Shift::back(Duration::from_secs(3600)));
        for (path, before) in [folder.clone(), folder.join("marker")].iter().zip(before) {
            let moved = before.duration_since(modified(path)).unwrap();
            assert!(moved.abs_diff(Duration::from_secs(3600)) < Duration::from_millis(10), "{moved:?}");
        }
        shift_all(base.path(), Shift(7200));
        assert!(modified(&folder.join("marker")) > SystemTime::now() + Duration::from_secs(3000));
    }
}
