//! The form of the document on stdout: bytes, and JSON itself.

use super::Problems;
use crate::contract::ExitThen;
use crate::json::Fault;
use crate::oracle::Said;
use crate::oracle::reading::Reading;

pub(super) fn lint(problems: &mut Problems<'_>) {
    let run = problems.run;
    if run.facts.stdout.starts_with(b"\xEF\xBB\xBF") {
        problems.add("json.byte-order-mark", "stdout begins with a byte-order mark");
    }
    if let Err(error) = std::str::from_utf8(run.facts.stdout) {
        problems.add(
            "json.invalid-utf8",
            format!("stdout is no UTF-8 from byte {} on; such bytes are read as U+FFFD", error.valid_up_to()),
        );
    }
    if let Reading::Document(document) = &run.stdout.reading
        && let Some(first) = document.duplicates.first()
    {
        problems.add(
            "json.duplicate-keys",
            format!("the key `{first}` stands twice in the same object; the last one counts"),
        );
    }
    if let Said::Broken(error) = run.said
        && run.event.exits.iter().any(|row| row.then == ExitThen::Answer)
        && super::stream::documents(run.stdout.trimmed()) < 2
    {
        let requirement = match error.fault {
            Fault::ControlCharacter => "json.raw-control-character",
            Fault::BareWord => "json.bare-word",
            _ => "json.syntax",
        };
        let basis = run.contract.reading.broken.basis();
        problems.add_on(&[basis], requirement, format!("stdout is meant as JSON and is none: {error}"));
    }
}
