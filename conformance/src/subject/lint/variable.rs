//! `config.unsubstituted-placeholder`: variables that nothing sets, and names of variables in other notations.

use std::collections::BTreeSet;

use super::line::Line;
use crate::contract::{Basis, Evidence};
use crate::requirement::Level;
use crate::subject::notice::Remark;
use crate::subject::shell_line::Quoting;

const ID: &str = "config.unsubstituted-placeholder";

/// Looks at the variables of a line. A placeholder that exists elsewhere only has a lint of its own.
pub(crate) fn check(line: &Line<'_>) -> Vec<Remark> {
    let own = line.parts.assigned();
    let mut told = BTreeSet::new();
    let mut remarks = Vec::new();
    for reference in &line.parts.references {
        let name = reference.name.as_str();
        // A script in single quotes is another program's.
        let replaced = reference.quoting != Quoting::Single || reference.one_word;
        if reference.defaulted || !replaced || own.contains(name) || line.set.contains(name) || !told.insert(name) {
            continue;
        }
        remarks.extend(never_set(line, name).or_else(|| field(line, name, reference.braced)));
    }
    remarks
}

/// A variable that is known to be set by nothing, or of which nothing is known.
fn never_set(line: &Line<'_>, name: &str) -> Option<Remark> {
    let platform = &line.contract.platform.title;
    // What the contract says of one variable goes before what it says of many names.
    if let Some(variable) = line.contract.environment.get(name) {
        let basis = Basis { evidence: variable.evidence, source: variable.source.clone() };
        let elsewhere = variable.meaning.strip_prefix("never set: ");
        return (!variable.exists).then(|| Remark {
            requirement: ID,
            level: Some(level_of(line.contract.weigh(&basis), false)),
            evidence: line.contract.weigh(&basis),
            message: format!("`{name}` is never set"),
            consequence: format!("{platform} does not set it, and the shell puts nothing in its place"),
            help: match (line.contract.field_meant_by(name, line.event), elsewhere) {
                (None, Some(elsewhere)) => elsewhere.to_owned(),
                _ => line.remedy(name),
            },
        });
    }
    let names = line.contract.variables.as_ref()?;
    let evidence = line.contract.weigh(&names.basis());
    if let Some(never) = names.never_set(name) {
        let evidence = line.contract.weigh(&never.basis());
        return Some(Remark {
            requirement: ID,
            level: Some(level_of(evidence, never.plausible)),
            evidence,
            message: format!("`{name}` is never set"),
            consequence: format!("{platform} does not set it, and the shell puts nothing in its place"),
            help: line.remedy(name),
        });
    }
    (names.is_like_own(name) && !names.is_users(name)).then(|| Remark {
        requirement: ID,
        level: Some(Level::May),
        evidence,
        message: format!("`{name}` is no variable that {platform} is known to set"),
        consequence: "where nothing sets it, the shell puts nothing in its place".to_owned(),
        help: format!("give it a default (`${{{name}:-...}}`), or check its name"),
    })
}

/// How much a variable that the platform does not set matters. What is only documented, and a name that a user may set
/// himself, breaks no MUST.
fn level_of(evidence: Evidence, plausible: bool) -> Level {
    let seen = matches!(evidence, Evidence::Measured | Evidence::Source);
    if seen && !plausible { Level::Must } else { Level::Should }
}

/// A field of the document, spelled as a variable: `${tool_input.file_path}`, `${filePath}`.
fn field(line: &Line<'_>, name: &str, braced: bool) -> Option<Remark> {
    let path = name.contains('.');
    let camel = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.contains(|c: char| c.is_ascii_uppercase());
    let meant = line.contract.field_meant_by(name, line.event);
    let exactly = line.contract.is_field(name, line.event);
    let plugin = line.options_prefix();
    if line.contract.is_exported_field(name, line.event) {
        return None;
    }
    if !braced || plugin.is_some_and(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let lower = !name.contains(|c: char| c.is_ascii_uppercase());
    if !(path || camel || (lower && meant.is_some())) {
        return None;
    }
    let platform = &line.contract.platform.title;
    let process = &line.contract.process;
    Some(Remark {
        requirement: ID,
        level: Some(if path || exactly { Level::Must } else { Level::Should }),
        evidence: process.evidence.max(Evidence::Documented),
        message: format!("`${{{name}}}` is no variable"),
        consequence: if path {
            format!(
                "{platform} does not replace it, and a shell takes it for a bad substitution: the hook does not start"
            )
        } else {
            format!("{platform} does not replace it, and the shell puts nothing in its place")
        },
        help: line.remedy(name),
    })
}
