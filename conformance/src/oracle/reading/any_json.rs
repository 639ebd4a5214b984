//! The rules `any-json`, where what parses as one JSON value is one, and `control-line`, which looks for it behind a
//! prefix first.

use super::{Reader, Reading};
use crate::json;

pub(super) fn read(reader: &mut Reader<'_>, text: &str) -> Reading {
    match json::parse(text) {
        Ok(document) => reader.document(document),
        Err(_) => Reading::Text,
    }
}

/// What stands behind the prefix on the last line that begins with it; without such a line, the whole text.
pub(super) fn read_control_line(reader: &mut Reader<'_>, text: &str) -> Reading {
    let prefix = reader.rules().control_prefix.clone();
    match text.lines().rev().find_map(|line| line.strip_prefix(prefix.as_str())) {
        Some(told) => match json::parse(told.trim()) {
            Ok(document) => reader.document(document),
            Err(error) => reader.broken(error),
        },
        None => read(reader, text),
    }
}
