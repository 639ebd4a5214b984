//! What a person is shown before a stranger's commands are run.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Discovery, Origin, PLUGIN_DATA_AT_RUN, PROJECT_AT_RUN, Subject};

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
            let file = visible(&file.display().to_string());
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
        let _ = writeln!(out, "    {}={value}{some}", visible(name));
    }
    out
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
    use super::{consent_text, visible};
    use crate::subject::{Discovery, from_command};

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        let text = "a\u{1b}[2Kb\rc\u{202e}d\u{200b}e\tf\u{9b}g\n\u{e0041}";
        assert_eq!(visible(text), r"a\u{1b}[2Kb\u{d}c\u{202e}d\u{200b}e\u{9}f\u{9b}g".to_owned() + "\n\\u{e0041}");
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
        assert!(text.contains("LD_PRELOAD=/x.so\\u{7}   (1 of 2)"), "{text}");
        assert!(text.contains("\n  | guard\n"), "{text}");
    }
}
