//! What a command really runs: behind assignments, reserved words, and programs that only start another one.

use crate::shell::{RESERVED, Word};

/// What is left when everything in front has been taken away.
pub(super) enum Effective<'a> {
    /// Nothing is run.
    Nothing,
    /// The name of what is run is itself an expansion.
    Expansion(&'a Word),
    /// Texts that are run as scripts.
    Texts(Vec<String>),
    /// A program with its arguments; the name is without folder and without `.exe`.
    Program { name: String, arguments: &'a [Word] },
}

/// A program that starts the command in its arguments.
struct Wrapper {
    /// Options that take the next argument as their value.
    valued: &'static [&'static str],
    /// How many arguments that are no options stand before the command.
    positional: usize,
    /// Options after which no command is run.
    queries: &'static [&'static str],
}

const fn wrapper(valued: &'static [&'static str], positional: usize) -> Wrapper {
    Wrapper { valued, positional, queries: &[] }
}

fn wrapper_named(name: &str) -> Option<Wrapper> {
    Some(match name {
        "sudo" => wrapper(
            &[
                "-u",
                "-g",
                "-h",
                "-p",
                "-C",
                "-r",
                "-t",
                "-T",
                "-U",
                "-D",
                "-R",
                "--user",
                "--group",
                "--host",
                "--prompt",
                "--chdir",
                "--chroot",
                "--role",
                "--type",
                "--command-timeout",
                "--close-from",
                "--other-user",
            ],
            0,
        ),
        "doas" => wrapper(&["-u", "-C"], 0),
        "env" => wrapper(&["-u", "-C", "--unset", "--chdir"], 0),
        "nice" => wrapper(&["-n", "--adjustment"], 0),
        "ionice" => wrapper(&["-c", "-n", "-p", "--class", "--classdata"], 0),
        "timeout" => wrapper(&["-k", "-s", "--kill-after", "--signal"], 1),
        "time" => wrapper(&["-f", "-o", "--format", "--output"], 0),
        "stdbuf" => wrapper(&["-i", "-o", "-e", "--input", "--output", "--error"], 0),
        "exec" => wrapper(&["-a"], 0),
        "chroot" => wrapper(&[], 1),
        "flock" => wrapper(&["-w", "--timeout", "-E"], 1),
        "xargs" => wrapper(
            &[
                "-I",
                "-n",
                "-P",
                "-d",
                "-L",
                "-s",
                "-a",
                "-E",
                "--max-args",
                "--max-procs",
                "--delimiter",
                "--max-lines",
                "--arg-file",
                "--replace",
            ],
            0,
        ),
        "nohup" | "setsid" | "builtin" | "busybox" | "toybox" | "unbuffer" | "winpty" => wrapper(&[], 0),
        "command" => Wrapper { valued: &[], positional: 0, queries: &["-v", "-V"] },
        _ => return None,
    })
}

/// Takes wrappers away until a program is left.
pub(super) fn effective(words: &[Word]) -> Effective<'_> {
    let mut rest = words;
    loop {
        while rest
            .first()
            .is_some_and(|word| word.assignment().is_some() || word.bare().is_some_and(|text| RESERVED.contains(&text)))
        {
            rest = &rest[1..];
        }
        let Some((first, arguments)) = rest.split_first() else {
            return Effective::Nothing;
        };
        if !is_literal(first) {
            return Effective::Expansion(first);
        }
        let name = program_name(&first.text());
        match name.as_str() {
            "eval" => {
                let texts: Vec<String> = arguments.iter().map(Word::text).collect();
                return Effective::Texts(vec![texts.join(" ")]);
            }
            "su" | "runuser" => {
                return Effective::Texts(option_values(arguments, &["-c", "--command"]));
            }
            "env" => {
                let split = option_values(arguments, &["-S", "--split-string"]);
                if !split.is_empty() {
                    return Effective::Texts(split);
                }
            }
            _ => {}
        }
        let Some(wrapper) = wrapper_named(&name) else {
            return Effective::Program { name, arguments };
        };
        rest = match wrapper.command(arguments) {
            Some(command) => command,
            None => return Effective::Nothing,
        };
    }
}

impl Wrapper {
    /// The arguments from the command on.
    fn command<'a>(&self, arguments: &'a [Word]) -> Option<&'a [Word]> {
        let mut rest = arguments;
        while let Some((first, after)) = rest.split_first() {
            let text = first.text();
            if text == "--" {
                rest = after;
                break;
            }
            if !text.starts_with('-') || text == "-" {
                break;
            }
            if self.queries.contains(&text.as_str()) {
                return None;
            }
            rest = if self.valued.contains(&text.as_str()) { after.get(1..).unwrap_or_default() } else { after };
        }
        rest.get(self.positional..)
    }
}

/// The values of options, given as `-c value`, `-cvalue`, `--command value` or `--command=value`.
fn option_values(arguments: &[Word], options: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    for (index, word) in arguments.iter().enumerate() {
        let text = word.text();
        for option in options {
            let Some(attached) = text.strip_prefix(option) else {
                continue;
            };
            let is_long = option.starts_with("--");
            if attached.is_empty() {
                values.extend(arguments.get(index + 1).map(Word::text));
            } else if let Some(value) = attached.strip_prefix('=') {
                values.push(value.to_owned());
            } else if !is_long {
                values.push(attached.to_owned());
            }
        }
    }
    values
}

/// Whether the word's text is the word itself, with nothing expanded.
fn is_literal(word: &Word) -> bool {
    use crate::shell::Part;
    word.parts.iter().all(|part| matches!(part, Part::Text { .. } | Part::Glob(_) | Part::Tilde))
}

/// A program's name without its folder and without `.exe`.
fn program_name(text: &str) -> String {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let stem = name.len().saturating_sub(4);
    if name.is_char_boundary(stem) && name[stem..].eq_ignore_ascii_case(".exe") {
        return name[..stem].to_owned();
    }
    name.to_owned()
}

/// What a shell has been asked to run.
pub(super) struct ShellCall<'a> {
    /// The text behind `-c`.
    pub(super) script: Option<&'a Word>,
    /// The file to read the script from.
    pub(super) file: Option<&'a Word>,
    /// Whether the script comes on stdin.
    pub(super) reads_stdin: bool,
}

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash", "fish"];

/// Options of shells that take the next argument as their value.
const SHELL_VALUED: &[&str] = &["--rcfile", "--init-file", "-o", "+o", "-O", "+O"];

/// The call of a shell, or `None` if the program is none.
pub(super) fn shell<'a>(name: &str, arguments: &'a [Word]) -> Option<ShellCall<'a>> {
    if !SHELLS.contains(&name) {
        return None;
    }
    let mut rest = arguments;
    let (mut from_text, mut from_stdin) = (false, false);
    while let Some((first, after)) = rest.split_first() {
        let text = first.text();
        if text == "--" || text == "-" {
            rest = after;
            break;
        }
        if !text.starts_with(['-', '+']) {
            break;
        }
        let letters = if text.starts_with("--") { "" } else { &text[1..] };
        from_text |= letters.contains('c') || text == "--command";
        from_stdin |= letters.contains('s');
        let valued = SHELL_VALUED.contains(&text.as_str()) || (letters.len() > 1 && letters.ends_with('o'));
        rest = if valued { after.get(1..).unwrap_or_default() } else { after };
    }
    let first = rest.first();
    Some(ShellCall {
        script: first.filter(|_| from_text),
        file: first.filter(|_| !from_text && !from_stdin),
        reads_stdin: !from_text
            && (from_stdin
                || first.is_none_or(|file| matches!(file.text().as_str(), "-" | "/dev/stdin" | "/dev/fd/0"))),
    })
}
