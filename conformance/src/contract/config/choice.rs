//! What a layout chooses from.

use serde::Deserialize;

/// The shape of a map of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MapShape {
    /// Event -> list of groups, group -> matcher and handlers.
    Groups,
    /// Event -> list of handlers, each with its own matcher.
    Flat,
    /// Name -> event -> list of groups or of handlers.
    Named,
    /// A list of entries, each of which names its event.
    List,
    /// A folder with a file for each event.
    EventFiles,
}

/// What something that is not in order costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cost {
    /// Itself only.
    Entry,
    /// The group or event in which it stands.
    Group,
    /// The whole file.
    File,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// How names of events are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Spelling {
    /// Letter by letter.
    #[default]
    Exact,
    /// Without case.
    AnyCase,
    /// Without case and underscores.
    Loose,
}

/// The folder in which hooks start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StartsIn {
    /// The session's, which changes.
    #[default]
    Session,
    /// The project's.
    Project,
    /// That of the configuration file.
    ConfigFolder,
    /// The plugin's.
    Plugin,
    /// The person's own.
    Home,
    /// Nobody knows.
    Unknown,
}

/// The unit of a time limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TimeUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds below 1000, else milliseconds.
    SecondsBelow1000,
}

impl TimeUnit {
    /// What a number means, in seconds.
    pub(crate) fn seconds(self, number: f64) -> f64 {
        match self {
            TimeUnit::Seconds => number,
            TimeUnit::Milliseconds => number / 1000.0,
            TimeUnit::SecondsBelow1000 if number < 1000.0 => number,
            TimeUnit::SecondsBelow1000 => number / 1000.0,
        }
    }
}

/// A kind of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum System {
    /// All but Windows.
    Unix,
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}
