//! What a person is shown before a stranger's commands are run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::loader_variable;
use super::{Discovery, Origin, PLUGIN_DATA_AT_RUN, PROJECT_AT_RUN, ProjectFile, Subject};
use crate::payload::OwnDocument;

/// What a person is shown before a stranger's commands are run: every command in full, with its event, its matcher and
/// its place, and the variables that it is given.
///
/// Commands are shown as the configuration spells them; whatever could drive or deceive a terminal (control characters,
/// invisible ones, changes of direction) is shown as an escape.
///
/// ```
/// # use hookproof::contract::Library;
/// # use hookproof::subject::{consent_text, discover};
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("settings.json");
/// std::fs::write(&file, r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "./stop.sh"}]}]}}"#)?;
/// let found = discover(&Library::built_in()?.select("claude-code")?, &file)?;
/// let text = consent_text(&found);
/// assert!(text.contains("./stop.sh") && text.contains("Stop") && text.contains("settings.json:1:32"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn consent_text(discovery: &Discovery) -> String {
    let mut out = String::new();
    let count = discovery.subjects.len();
    let commands = if count == 1 { "1 command was".to_owned() } else { format!("{count} commands were") };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{commands} found. To check them is to run them, with your rights:");
    for subject in &discovery.subjects {
        let _ = writeln!(out, "\n  {}", headline(subject));
        // The bar keeps a command of several lines from looking like the next entry.
        for line in visible(&subject.display).lines() {
            let _ = writeln!(out, "  | {line}");
        }
        if let Origin::Config { file, line, column } = &subject.origin {
            let file = plain(&file.display().to_string());
            let _ = writeln!(out, "    at {file}:{line}:{column}");
        }
    }
    let mut variables: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (name, value) in discovery.subjects.iter().flat_map(|subject| &subject.environment) {
        *variables.entry((name, value)).or_default() += 1;
    }
    if !variables.is_empty() {
        let _ = writeln!(out, "\n  with these variables:");
    }
    for ((name, value), uses) in variables {
        let value = match value {
            PROJECT_AT_RUN | PLUGIN_DATA_AT_RUN => "a new folder".to_owned(),
            value => visible(value).replace('\n', "\\n"),
        };
        let some = if uses == count { String::new() } else { format!("   ({uses} of {count})") };
        let _ = writeln!(out, "    {}={value}{some}{}", plain(name), marked(name));
    }
    out
}

/// What a person is shown of a `hookproof.toml` before it is applied: everything that it does. Empty if that is nothing.
///
/// ```
/// use hookproof::subject::{ProjectFile, settings_text};
///
/// let path = std::path::Path::new("hookproof.toml");
/// let file = ProjectFile::parse("environment = { LD_PRELOAD = \"/x.so\" }", path)?;
/// assert!(settings_text(&file, path).contains("LD_PRELOAD=/x.so   <- loads code into programs"));
/// assert_eq!(settings_text(&ProjectFile::default(), path), "");
/// # Ok::<(), hookproof::subject::ProjectFileError>(())
/// ```
#[must_use]
pub fn settings_text(file: &ProjectFile, path: &Path) -> String {
    let ProjectFile { heavy, state_variable, window, stale_after, patience, worker, environment, cases, .. } = file;
    let mut lines = Vec::new();
    for (name, value) in environment {
        lines.push(format!("sets {}={}{}", plain(name), plain(value), marked(name)));
    }
    for pattern in heavy {
        lines.push(format!("kills and repeats the command {}", plain(pattern.0.as_str())));
    }
    if let Some(name) = state_variable {
        lines.push(format!("sets {} to a new folder{}", plain(name), marked(name)));
    }
    let times = [("window", window), ("stale_after", stale_after), ("patience", patience)];
    for (name, time) in times.into_iter().filter_map(|(name, time)| Some((name, (*time)?))) {
        lines.push(format!("sets the time `{name}` to {}", humantime::format_duration(time)));
    }
    if let Some(worker) = worker {
        let name = &worker.variable;
        lines.push(format!("sets {} to the address of a service that fails{}", plain(name), marked(name)));
    }
    for case in cases {
        let OwnDocument { name, event, platforms, value, own } = &case.document;
        let event = event.as_deref().map_or_else(String::new, |event| format!(" at {}", plain(event)));
        let on = if platforms.is_empty() { String::new() } else { format!(" on {}", plain(&platforms.join(", "))) };
        let expected = own.expectation.as_ref().map_or_else(String::new, |expectation| {
            let decision = expectation.decision.iter().map(|decision| format!("expects {decision}"));
            let texts = [("reason", &expectation.reason), ("context", &expectation.context)].into_iter();
            let texts =
                texts.filter_map(|(what, text)| Some(format!("expects the {what} {}", plain(text.as_ref()?.as_str()))));
            decision.chain(texts).map(|what| format!(", {what}")).collect()
        });
        let payload: String = serde_json::Value::Object(value.clone()).to_string().chars().take(PAYLOAD).collect();
        lines.push(format!("runs the hooks with `{name}`{event}{on}{expected}: {}", plain(&payload)));
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("\n  {} applies to all of them:\n", plain(&path.display().to_string()));
    for line in lines {
        let _ = writeln!(out, "    {line}");
    }
    out
}

/// Characters of a payload that are shown.
const PAYLOAD: usize = 200;

/// A mark behind a variable that can have other code run.
fn marked(name: &str) -> String {
    loader_variable::warning(name).map_or_else(String::new, |does| format!("   <- {does}"))
}

/// The text in one line, with everything that is not plainly visible as an escape.
fn plain(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

fn headline(subject: &Subject) -> String {
    let event = subject.event.as_deref().unwrap_or("every event");
    let mut line = event.to_owned();
    if let Some(matcher) = &subject.matcher {
        let _ = write!(line, ", matcher {}", visible(matcher).replace('\n', "\\n"));
    }
    let _ = write!(line, "   [{}]", subject.name);
    line
}

/// The text with everything that is not plainly visible as an escape; line ends stay.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !hidden(c) {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }
    out
}

/// Control characters, line and paragraph separators, and characters that are not seen or change what is seen.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
                 | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{consent_text, settings_text, visible};
    use crate::subject::{Discovery, ProjectFile, from_command};

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        let text = "a\u{1b}[2Kb\rc\u{202e}d\u{200b}e\tf\u{9b}g\n\u{e0041}";
        assert_eq!(visible(text), r"a\u{1b}[2Kb\u{d}c\u{202e}d\u{200b}e\u{9}f\u{9b}g".to_owned() + "\n\\u{e0041}");
    }

    #[test]
    fn shows_everything_that_settings_do() {
        let text = "heavy = [\"pip *\"]\nstate_variable = \"BASH_ENV\"\nwindow = \"2 h\"\nworker = { variable = \"W\" }\n\
                    environment = { NODE_OPTIONS = \"--require /x\", A = \"\\u001b[2J\\nB\" }\n[[case]]\nevent = \"Stop\"\n\
                    platform = \"codex\"\nexpect = \"block\"\nreason = \"no\"\npayload = { a = \"\\u202e\" }\n";
        let path = Path::new("dir\u{1b}/hookproof.toml");
        let shown = settings_text(&ProjectFile::parse(text, path).unwrap(), path);
        let expected = [
            r"dir\u{1b}/hookproof.toml applies",
            r"sets A=\u{1b}[2J\nB",
            "sets NODE_OPTIONS=--require /x   <- makes interpreters run other code",
            "the command pip *",
            "sets BASH_ENV to a new folder   <- makes shells run other code",
            "`window` to 2h",
            "sets W to the address",
            r#"runs the hooks with `case-1` at Stop on codex, expects block, expects the reason no: {"a":"\u{202e}"}"#,
        ];
        for part in expected {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn shows_every_command_in_full() {
        let mut one = from_command("sh".as_ref(), &["-c".into(), format!("{}; end", "x ".repeat(500)).into()]);
        one.display = "first line\nsecond line; end".to_owned();
        one.environment.insert("LD_PRELOAD".to_owned(), "/x.so\u{7}".to_owned());
        let two = from_command("guard".as_ref(), &[]);
        let discovery = Discovery { subjects: vec![one, two], notices: Vec::new(), files: Vec::new() };
        let text = consent_text(&discovery);
        assert!(text.contains("  | first line\n  | second line; end\n"), "{text}");
        assert!(text.contains("LD_PRELOAD=/x.so\\u{7}   (1 of 2)   <- loads code into programs"), "{text}");
        assert!(text.contains("\n  | guard\n"), "{text}");
    }
}
