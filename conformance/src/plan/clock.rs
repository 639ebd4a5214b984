//! A clock that is wrong.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How wrong the clock of a run is; in a file `{ ahead = "15 years" }` or `{ behind = "1 h" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrongClock {
    /// It tells a time that is still to come.
    Ahead(Span),
    /// It tells a time that is long over.
    Behind(Span),
}

/// A length of time as people write it, such as `15 years`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map(Span).map_err(|error| {
            serde::de::Error::custom(format!(
                "failed to read {text:?} as a length of time such as \"15 years\": {error}"
            ))
        })
    }
}

impl fmt::Display for WrongClock {
    /// How wrong it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (span, where_to) = match self {
            WrongClock::Ahead(span) => (span, "ahead"),
            WrongClock::Behind(span) => (span, "behind"),
        };
        // "15years 3days" as a person writes it.
        let mut text = String::new();
        for c in humantime::format_duration(span.0).to_string().chars() {
            if c.is_ascii_alphabetic() && text.ends_with(|last: char| last.is_ascii_digit()) {
                text.push(' ');
            }
            text.push(c);
        }
        write!(f, "{text} {where_to}, for the hook and for all that it starts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        clock: WrongClock,
    }

    #[test]
    fn a_wrong_clock_is_data() {
        let hour = Span(Duration::from_secs(3600));
        for (text, clock) in [
            ("clock = { ahead = \"1 h\" }", WrongClock::Ahead(hour)),
            ("clock.behind = \"60 min\"", WrongClock::Behind(hour)),
        ] {
            let file: File = toml::from_str(text).expect("reads");
            assert_eq!(file, File { clock });
            let stored = serde_json::to_string(&file).expect("writes");
            assert_eq!(serde_json::from_str::<File>(&stored).expect("reads"), file);
        }
        assert_eq!(WrongClock::Ahead(hour).to_string(), "1 h ahead, for the hook and for all that it starts");
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in ["clock = { ahead = \"soon\" }", "clock = { beside = \"1 h\" }", "clock = { ahead = 3600 }"] {
            assert!(toml::from_str::<File>(text).is_err(), "{text}");
        }
        let error = toml::from_str::<File>("clock = { ahead = \"soon\" }").expect_err("is none").to_string();
        assert!(error.contains("failed to read \"soon\" as a length of time"), "{error}");
    }
}
