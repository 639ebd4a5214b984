//! `config.unsubstituted-placeholder`: fields of the document in the form of a template, which no platform fills in.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::line::{Line, remedy};
use crate::contract::{Contract, Event, Evidence};
use crate::requirement::Level;
use crate::subject::notice::Remark;

/// `{{name}}`, without the blanks, dots in front and words that templates of other programs have.
static BRACES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.\[\]]*)\s*\}\}").expect("the pattern is a constant"));

/// `$(.path)` and `$(tool_input.path)`: a filter where a command is meant.
static COMMAND: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\(\s*(\.?[A-Za-z_][A-Za-z0-9_.\[\]]*)\s*\)").expect("the pattern is a constant"));

/// `<tool_input.file_path>` with a name of more than one part, and `{tool_input.file_path}`.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^$\{\w])[<{]([a-z_]+\.[A-Za-z0-9_.]+)[>}]").expect("the pattern is a constant")
});

/// Words of template languages.
const KEYWORDS: &[&str] = &["end", "else", "range", "if", "with", "block", "define", "endif", "endfor"];

/// Looks at a line for a shell.
pub(crate) fn in_line(line: &Line<'_>) -> Vec<Remark> {
    // A here-document is the text of another program.
    let text = line.text.split("<<").next().unwrap_or(line.text);
    let mut remarks = in_word(line.contract, line.event, text);
    let mut told = Vec::new();
    for found in COMMAND.captures_iter(text) {
        let path = found[1].trim_start_matches('.');
        let filter = found[1].starts_with('.');
        let known = line.contract.field_meant_by(path, line.event).is_some();
        let variable = line.contract.environment.contains_key(path);
        // `$(name)` is a command as any other; only what no command is called is taken for a field or a variable.
        if told.contains(&path.to_owned()) || !(filter || variable || (path.contains('.') && known && !is_script(path)))
        {
            continue;
        }
        told.push(path.to_owned());
        let help = if variable { format!("write \"${{{path}}}\"") } else { line.remedy(path) };
        remarks.push(remark(
            &found[0],
            "nothing replaces it: in single quotes it stays as it is spelled, elsewhere the shell runs it as a command that \
             does not exist",
            help,
            Level::Must,
        ));
    }
    remarks
}

/// Looks at a text that may be given to a program as it is.
pub(crate) fn in_word(contract: &Contract, event: Option<&Event>, text: &str) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut told: Vec<String> = Vec::new();
    let found = BRACES.captures_iter(text).chain(OTHER.captures_iter(text));
    for found in found {
        let path = &found[1];
        if KEYWORDS.contains(&path) || told.iter().any(|known| known == path) {
            continue;
        }
        told.push(path.to_owned());
        let exactly = contract.is_field(path, event);
        let meant = contract.field_meant_by(path, event).is_some();
        let braces = found[0].starts_with("{{");
        if !braces && !exactly {
            continue;
        }
        let spelled = found[0].trim_start_matches(|c: char| !"<{".contains(c));
        let consequence =
            format!("{} fills in no templates: the hook is given the text as it is spelled", contract.platform.title);
        let level = match (exactly, meant) {
            (true, _) => Level::Must,
            (false, true) => Level::Should,
            (false, false) => Level::May,
        };
        remarks.push(remark(spelled, &consequence, remedy(contract, event, path), level));
    }
    remarks
}

fn is_script(path: &str) -> bool {
    crate::subject::program::looks_like_script(path)
}

fn remark(spelled: &str, consequence: &str, help: String, level: Level) -> Remark {
    Remark {
        requirement: "config.unsubstituted-placeholder",
        level: Some(level),
        evidence: Evidence::Documented,
        message: format!("`{spelled}` is a template"),
        consequence: consequence.to_owned(),
        help,
    }
}
