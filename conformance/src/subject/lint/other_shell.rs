//! Spellings of another shell in a line that a POSIX shell reads: `config.unsubstituted-placeholder` for variables of cmd
//! and PowerShell, `config.other-shell` for everything else.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::line::Line;
use crate::contract::Evidence;
use crate::requirement::Level;
use crate::subject::notice::Remark;
use crate::subject::shell_line::Quoting;

static PERCENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^A-Za-z0-9%])(%([A-Z_][A-Z0-9_]+)%)").expect("the pattern is a constant"));
static ENV: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$(?:env:(\w+)|\{env:(\w+)\})").expect("the pattern is a constant"));
static NUL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)[0-9&]?>{1,2}\s*nul(?:$|[\s;&|])").expect("the pattern is a constant"));
static CONTINUED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[ \t]`\r?\n").expect("the pattern is a constant"));

/// Variables that Windows has and other systems do not. Another name between percent signs may be anything: `sed` takes
/// them for its own.
const OF_WINDOWS: &[&str] = &[
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMFILES",
    "PROGRAMDATA",
    "SYSTEMROOT",
    "WINDIR",
    "HOMEPATH",
    "HOMEDRIVE",
    "USERNAME",
    "COMSPEC",
    "TEMP",
    "TMP",
    "CD",
    "PUBLIC",
];

/// Looks at a line.
pub(crate) fn check(line: &Line<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    variables(line, &mut remarks);
    if line.text.trim_start().starts_with('&') {
        remarks.push(other_shell(
            line,
            Level::Must,
            "the line begins with `&`, which calls a program in PowerShell only",
            "a POSIX shell cannot read the line: it exits with 2 (dash, bash) or another error, and where 2 denies, every \
             step is blocked",
            "leave the `&` out: \"C:/path/program\" \"C:/path/script\"".to_owned(),
        ));
    }
    if line.text.contains("%~dp0") {
        remarks.push(other_shell(
            line,
            Level::Must,
            "`%~dp0` is a batch file's own directory in cmd only",
            "a POSIX shell leaves it as it is spelled: the file is not found",
            "write the path from the project's or the plugin's directory".to_owned(),
        ));
    }
    if CONTINUED.is_match(line.text) {
        remarks.push(other_shell(
            line,
            Level::Must,
            "a backtick at the end of a line continues it in PowerShell only",
            "a POSIX shell takes it for the beginning of a command substitution, and cannot read the line",
            "write the command in one line, or end the line with a backslash".to_owned(),
        ));
    }
    let null = line.parts.references.iter().any(|found| found.name == "null" && found.quoting != Quoting::Single);
    if null && !line.parts.assigned().contains("null") {
        remarks.push(other_shell(
            line,
            Level::Must,
            "`$null` is PowerShell's",
            "a POSIX shell puts nothing in its place: a redirection to it fails, and the command does not run",
            "write /dev/null".to_owned(),
        ));
    }
    if NUL.is_match(line.text) {
        remarks.push(other_shell(
            line,
            Level::Should,
            "output is redirected to `nul`",
            "a POSIX shell writes it into a file of that name, in the directory in which the session is",
            "write /dev/null".to_owned(),
        ));
    }
    remarks
}

fn variables(line: &Line<'_>, remarks: &mut Vec<Remark>) {
    let mut told: Vec<String> = Vec::new();
    let mut tell = |spelled: &str, name: &str, shell: &str, remarks: &mut Vec<Remark>| {
        if told.iter().any(|known| known == name) {
            return;
        }
        told.push(name.to_owned());
        let is_set = line.set.contains(name)
            || line.contract.environment.get(name).is_some_and(|variable| variable.exists)
            || line.contract.variables.as_ref().is_some_and(|names| names.is_users(name));
        let help = match (is_set, name) {
            (true, _) => format!("write \"${{{name}}}\""),
            (false, "USERPROFILE" | "HOMEPATH") => "write \"$HOME\"".to_owned(),
            (false, name) if line.contract.field_meant_by(name, line.event).is_some() => line.remedy(name),
            (false, name) => format!("write \"${{{name}}}\", and check that it is set on every system"),
        };
        remarks.push(Remark {
            requirement: "config.unsubstituted-placeholder",
            level: Some(line.level(Level::Must)),
            evidence: Evidence::Measured,
            message: format!("`{spelled}` is a variable in {shell} only"),
            consequence: format!("the shell that {} runs does not replace it", line.contract.platform.title),
            help,
        });
    };
    for found in PERCENT.captures_iter(line.text) {
        // Behind a letter it is an expression of `sed`.
        let name = &found[2];
        let known = OF_WINDOWS.contains(&name)
            || line.set.contains(name)
            || line.contract.environment.contains_key(name)
            || line
                .contract
                .variables
                .as_ref()
                .is_some_and(|names| names.is_like_own(name) || names.never_set(name).is_some());
        if known {
            tell(&found[1], name, "cmd", remarks);
        }
    }
    // In single quotes the text may be a script for PowerShell itself.
    if line.parts.references.iter().any(|found| found.name == "env" && found.quoting != Quoting::Single)
        || line.text.contains("${env:")
    {
        for found in ENV.captures_iter(line.text) {
            let name = found.get(1).or_else(|| found.get(2)).map_or("", |name| name.as_str());
            tell(&found[0], name, "PowerShell", remarks);
        }
    }
}

fn other_shell(line: &Line<'_>, level: Level, message: &str, consequence: &str, help: String) -> Remark {
    Remark {
        requirement: "config.other-shell",
        level: Some(line.level(level)),
        evidence: Evidence::Measured,
        message: message.to_owned(),
        consequence: consequence.to_owned(),
        help,
    }
}
