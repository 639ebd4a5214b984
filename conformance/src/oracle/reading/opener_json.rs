//! The rule `opener-json`: what starts with one of some characters is meant as one JSON document.

use super::{Reader, Reading};
use crate::json;

pub(super) fn read(reader: &mut Reader<'_>, text: &str) -> Reading {
    let opens = |text: &str| text.chars().next().is_some_and(|first| reader.rules().openers.contains(first));
    let is_string = text.starts_with('"') && reader.rules().strings_decoded.as_ref().is_some_and(|fact| fact.is);
    if !opens(text) && !is_string {
        return Reading::Text;
    }
    match json::parse(text) {
        Ok(document) => reader.document(document),
        Err(_) if !opens(text) => Reading::Text,
        Err(error) => reader.broken(error),
    }
}
