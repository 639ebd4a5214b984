//! The cooldown: a marker that keeps a build that was killed from being tried again for a day.
//!
//! The window counts from the time that stands *in* the marker; the file's own times are not looked at, because copying a
//! folder or restoring a backup changes them. A marker that cannot be believed (empty, broken, no file, from the future by
//! more than a small skew of the clock) is no marker: locking out for ever is worse than one attempt too many.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Seconds;
use super::ending::Killed;
use super::folder::{StateFolder, remove};

/// How long nothing is tried after a build that was killed.
pub(crate) const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// A marker is a line; what is longer is none of ours.
const LONGEST: u64 = 4 * 1024;

/// What stands in the marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    /// When the build was killed.
    since: Seconds,
    /// How, for people who look into the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    killed: Option<String>,
}

/// What the marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cooldown {
    /// There is no marker.
    None,
    /// Nothing is tried for so long.
    Active(Duration),
    /// The window is over.
    Over,
    /// There is something that cannot be believed.
    Unbelievable,
}

impl Cooldown {
    /// What the marker in this folder says.
    pub(crate) fn read(state: &StateFolder, now: Seconds) -> Self {
        let text = match content(&state.marker()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::None,
            Err(_) => return Self::Unbelievable,
        };
        let Ok(marker) = serde_json::from_str::<Marker>(&text) else { return Self::Unbelievable };
        match marker.since.age(now) {
            None => Self::Unbelievable,
            Some(age) => WINDOW.checked_sub(age).filter(|left| !left.is_zero()).map_or(Self::Over, Self::Active),
        }
    }

    /// Begins a window now, whatever stood there before.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the marker cannot be written: nothing holds back the next attempt then.
    pub(crate) fn begin(state: &StateFolder, killed: Killed, now: Seconds) -> io::Result<()> {
        let marker = Marker { since: now, killed: Some(format!("{killed:?}")) };
        let text = serde_json::to_string(&marker).map_err(io::Error::other)? + "\n";
        let (new, path) = (state.aside("marker"), state.marker());
        // In one piece: half a marker would be no marker.
        let written = fs::write(&new, text).and_then(|()| {
            if path.is_dir() {
                // A file cannot take the place of a folder. Its content is nobody's: the folder is ours.
                remove(&path)?;
            }
            fs::rename(&new, &path)
        });
        if written.is_err() {
            let _ = remove(&new);
        }
        written
    }

    /// Ends the window after a success. A marker that cannot be removed does no harm: a good index goes before it.
    pub(crate) fn end(state: &StateFolder) {
        let _ = remove(&state.marker());
    }
}

/// The text of a plain file of a sensible length. A pipe would be waited on, and a device read for ever.
fn content(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NOW: Seconds = Seconds(1_800_000_000);
    const DAY: u64 = 86_400;

    fn state() -> (tempfile::TempDir, StateFolder) {
        let root = tempfile::tempdir().expect("a folder");
        let state = StateFolder::new(root.path());
        (root, state)
    }

    #[rstest]
    #[case(0, Cooldown::Active(WINDOW))]
    #[case(DAY - 60, Cooldown::Active(Duration::from_secs(60)))]
    #[case(DAY - 1, Cooldown::Active(Duration::from_secs(1)))]
    #[case(DAY, Cooldown::Over)]
    #[case(DAY + 60, Cooldown::Over)]
    #[case(NOW.0, Cooldown::Over)]
    fn the_window_is_a_day(#[case] ago: u64, #[case] expected: Cooldown) {
        let (_root, state) = state();
        fs::write(state.marker(), format!("{{\"since\":{}}}", NOW.0 - ago)).expect("written");
        assert_eq!(Cooldown::read(&state, NOW), expected);
    }

    #[rstest]
    #[case(300, Cooldown::Active(WINDOW))]
    #[case(301, Cooldown::Unbelievable)]
    #[case(365 * DAY, Cooldown::Unbelievable)]
    fn a_marker_from_the_future_locks_nobody_out(#[case] ahead: u64, #[case] expected: Cooldown) {
        let (_root, state) = state();
        fs::write(state.marker(), format!("{{\"since\":{}}}", NOW.0 + ahead)).expect("written");
        assert_eq!(Cooldown::read(&state, NOW), expected);
    }

    #[rstest]
    #[case("")]
    #[case("{")]
    #[case("[]")]
    #[case("1799999999")]
    #[case("{\"since\":\"yesterday\"}")]
    #[case("{\"since\":-1}")]
    #[case("{\"since\":18446744073709551616}")]
    fn what_is_no_marker_is_none(#[case] text: &str) {
        let (_root, state) = state();
        fs::write(state.marker(), text).expect("written");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Unbelievable);
        Cooldown::begin(&state, Killed::Below, NOW).expect("written");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Active(WINDOW));
    }

    #[test]
    fn a_folder_in_its_place_is_no_marker_and_is_replaced() {
        let (root, state) = state();
        fs::create_dir(state.marker()).expect("made");
        fs::write(state.marker().join("a"), "b").expect("written");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Unbelievable);
        Cooldown::begin(&state, Killed::BySignal(9), NOW).expect("written");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Active(WINDOW));
        assert_eq!(fs::read_dir(root.path()).expect("listed").count(), 1, "nothing is left beside it");
        Cooldown::end(&state);
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::None);
    }

    #[test]
    fn the_times_of_the_file_are_not_looked_at() {
        let (_root, state) = state();
        Cooldown::begin(&state, Killed::BySignal(9), NOW).expect("written");
        let file = fs::File::options().write(true).open(state.marker()).expect("opened");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("set");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Active(WINDOW));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_device_is_not_read() {
        let (_root, state) = state();
        std::os::unix::fs::symlink("/dev/zero", state.marker()).expect("linked");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Unbelievable);
        Cooldown::begin(&state, Killed::BySignal(9), NOW).expect("written");
        assert_eq!(Cooldown::read(&state, NOW), Cooldown::Active(WINDOW));
    }
}
