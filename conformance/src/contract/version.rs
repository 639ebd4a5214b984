//! Versions of platforms, compared number by number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A dotted version such as `2.1.329`. Missing parts count as zero, so `2.1` equals `2.1.0`.
///
/// ```
/// use hookproof::contract::Version;
/// let old: Version = "2.1.41".parse()?;
/// let new: Version = "2.1.329".parse()?;
/// assert!(old < new);
/// # Ok::<(), hookproof::contract::ParseVersionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    parts: [u32; 4],
    text: String,
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read {0:?} as a version: expected up to four numbers with dots between them, such as 2.1.329")]
pub struct ParseVersionError(String);

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseVersionError(text.to_owned());
        let mut parts = [0; 4];
        for (count, part) in text.trim_start_matches('v').split('.').enumerate() {
            if count == parts.len() || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad());
            }
            parts[count] = part.parse().map_err(|_| bad())?;
        }
        Ok(Version { parts, text: text.trim_start_matches('v').to_owned() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Version;

    #[rstest]
    #[case("2.1.41", "2.1.329")]
    #[case("1.0.38", "2.0.0")]
    #[case("2.1", "2.1.1")]
    fn orders_by_number(#[case] low: Version, #[case] high: Version) {
        assert!(low < high);
    }

    #[rstest]
    #[case("")]
    #[case("2..1")]
    #[case("two")]
    #[case("1.2.3.4.5")]
    #[case("2.1.-1")]
    fn refuses(#[case] text: &str) {
        assert!(text.parse::<Version>().is_err());
    }
}
