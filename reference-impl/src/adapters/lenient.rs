//! Fields that no decision needs: missing, null or of another type, they cost nothing, so that a newer host with a changed
//! field meets a working hook.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A field that may be anything; it has a value only if it is what the contract says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The raw text is borrowed, so a large value of no interest is skipped and never copied or built.
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// The JSON text of a value that is looked at later, or never.
pub(crate) type Raw = Option<Box<RawValue>>;
/// A text that no decision needs.
pub(crate) type Text = Lenient<String>;

impl<T> Lenient<T> {
    /// The value, if there is one of the right type.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}
