//! The form of the document on stdout: bytes, and JSON itself.

use super::Problems;
use crate::contract::{BrokenRule, ExitThen, Reading as Rules, ReadingRule};
use crate::json::{self, Fault};
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
    if let Reading::Document(document) = &run.heard.reading
        && let Some(first) = document.duplicates.first()
    {
        problems.add(
            "json.duplicate-keys",
            format!("the key `{first}` stands twice in the same object; the last one counts"),
        );
    }
    let text = run.heard.trimmed();
    let meant = match run.said {
        Said::Broken(error) => Some(error.clone()),
        // Older versions read it as plain text; the answer is lost all the same.
        Said::Text if breaks_as_text(&run.contract.reading) && text.starts_with('{') && text.ends_with('}') => {
            json::parse(text).err()
        }
        _ => None,
    };
    if let Some(error) = meant
        && run.event.exits.iter().any(|row| row.then == ExitThen::Answer)
        && super::around::documents(text).len() < 2
    {
        let requirement = match error.fault {
            Fault::ControlCharacter => "json.raw-control-character",
            Fault::BareWord => "json.bare-word",
            _ => "json.syntax",
        };
        let basis = run.contract.reading.basis_of(run.contract.reading.broken.as_ref());
        problems.add_on(&[basis], requirement, format!("stdout is meant as JSON and is none: {error}"));
    }
}

/// Whether what was meant as JSON and is none is taken for plain text.
fn breaks_as_text(rules: &Rules) -> bool {
    rules.rule != ReadingRule::Never && Rules::or(rules.broken.as_ref(), BrokenRule::Text) == BrokenRule::Text
}
