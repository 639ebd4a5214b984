//! Who reads what.

use crate::contract::{OverLimit, Reader, Role, TextLimit};

/// The texts that reach somebody.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) model: Vec<String>,
    pub(super) user: Vec<String>,
}

impl Texts {
    /// Gives `text` to `readers`; blank texts reach nobody.
    pub(super) fn give(&mut self, readers: &[Reader], text: &str) {
        if text.trim().is_empty() {
            return;
        }
        for reader in readers {
            let list = match reader {
                Reader::Model => &mut self.model,
                Reader::User => &mut self.user,
            };
            if !list.iter().any(|known| known == text) {
                list.push(text.to_owned());
            }
        }
    }
}

/// What of a text with this role is read; `role` is `None` for plain text on stdout.
pub(super) fn bounded(limit: Option<&TextLimit>, role: Option<Role>, text: &str) -> String {
    match limit {
        Some(limit) if applies(limit, role) && units(text) > limit.units => {
            let keep = match limit.over {
                OverLimit::Preview => limit.preview,
                OverLimit::Cut => limit.units,
            };
            first_units(text, keep)
        }
        _ => text.to_owned(),
    }
}

/// Whether the limit is for texts with this role.
pub(super) fn applies(limit: &TextLimit, role: Option<Role>) -> bool {
    role.map_or(limit.plain_text, |role| limit.roles.contains(&role))
}

/// Length in UTF-16 code units, as JavaScript counts.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

fn first_units(text: &str, count: usize) -> String {
    let mut left = count;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{first_units, units};

    #[test]
    fn counts_as_javascript_does() {
        assert_eq!(units("é😀"), 3);
        assert_eq!(first_units("a😀b", 2), "a");
        assert_eq!(first_units("a😀b", 3), "a😀");
    }
}
