//! Which program a command is really about: the script of an interpreter, behind wrappers and assignments.

use super::shell_line::{ShellLine, is_assignment};

/// The program that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// The program or the script as the command spells it, without quotes.
    pub(crate) text: String,
    /// Whether the text names a file, seen from where the command starts: it holds a separator, or an interpreter is
    /// given it.
    pub(crate) is_path: bool,
    /// Whether it is started by itself, and not given to an interpreter.
    pub(crate) itself: bool,
}

/// Words in front of a command that are no program of their own.
const PREFIXES: &[&str] = &[
    "busybox", "exec", "command", "builtin", "nohup", "time", "nice", "sudo", "env", "setsid", "stdbuf", "timeout",
    "flock", "if", "then", "elif", "else", "while", "until", "do", "!", "{",
];

/// Commands that only prepare for the one that matters, or feed it.
const PREPARATIONS: &[&str] = &[
    "cd", "[", "[[", "test", "export", "set", "unset", "local", "read", "umask", "mkdir", "true", "false", ":", "echo",
    "printf", "cat", "fi", "done", "}", "shopt", "trap", "sleep", "source", ".", "which", "type", "hash", "return",
    "exit",
];

/// Programs that are given a script.
const INTERPRETERS: &[&str] = &[
    "python",
    "pypy",
    "py",
    "node",
    "nodejs",
    "bun",
    "deno",
    "tsx",
    "ts-node",
    "ruby",
    "perl",
    "php",
    "lua",
    "bash",
    "sh",
    "zsh",
    "dash",
    "ksh",
    "mksh",
    "yash",
    "ash",
    "fish",
    "pwsh",
    "powershell",
    "uv",
    "osascript",
    "tclsh",
    "Rscript",
    "java",
    "poetry",
];

/// Programs that are given the name of a package.
const PACKAGE_RUNNERS: &[&str] = &["npx", "bunx", "uvx", "pipx", "pnpm", "yarn", "npm"];

/// Words of interpreters and package runners that stand in front of what is run.
const SUBCOMMANDS: &[&str] = &["run", "exec", "x", "dlx", "tool"];

/// Shells of the POSIX family, which take a line behind `-c`.
const SHELLS: &[&str] = &["bash", "sh", "zsh", "dash", "ksh", "mksh", "yash", "ash"];

/// Programs that an option gives a script.
const SCRIPT_BY_OPTION: &[&str] = &["awk", "gawk", "mawk", "sed", "jq", "make", "gmake"];

/// How the interpreters call a script that is a part of the command line.
const INLINE: &[&str] = &["<string>", "[eval]", "-e"];

/// How deep commands in commands are followed.
const DEEPEST: usize = 8;

/// The program that a line for a shell is about, and whether the line changes the folder before it.
pub(crate) fn of_line(line: &ShellLine) -> (Option<Program>, bool) {
    let mut preparation = None;
    let mut named = None;
    let mut moved = false;
    for command in &line.commands {
        let words: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
        let asks = words.first() == Some(&"command") && words.get(1).is_some_and(|flag| ["-v", "-V"].contains(flag));
        let words = without_prefixes(&words);
        let Some(head) = words.first() else { continue };
        let program = of_words_at(words, 0);
        if asks || PREPARATIONS.contains(head) {
            moved |= *head == "cd";
            preparation = preparation.or(program);
        } else if program.as_ref().is_some_and(|program| program.is_path) {
            // Of several commands the one that names a file is more likely the hook than a filter such as jq.
            return (program, moved);
        } else {
            named = named.or(program);
        }
    }
    (named.or(preparation), moved)
}

/// The program that a list of words is about: the program first, then its arguments.
pub(crate) fn of_words(words: &[&str]) -> Option<Program> {
    of_words_at(without_prefixes(words), 0)
}

/// Everything that a command line names to be started or read as a script.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Shells that are given a line.
    pub(crate) shells: Vec<String>,
    /// Programs and scripts as the line spells them, and whether each is started by itself.
    pub(crate) programs: Vec<(String, bool)>,
}

/// What a line for a shell names.
pub(crate) fn named(line: &ShellLine) -> Named {
    let mut found = Named::default();
    names_of_line(line, &mut found, 0);
    found
}

/// What a list of words names: the program first, then its arguments.
pub(crate) fn named_in_words(words: &[&str]) -> Named {
    let mut found = Named::default();
    names_of_words(words, &mut found, 0);
    found
}

fn names_of_line(line: &ShellLine, found: &mut Named, depth: usize) {
    for command in &line.commands {
        let words: Vec<&str> = command.iter().map(|word| word.text.as_str()).collect();
        names_of_words(&words, found, depth);
    }
}

fn names_of_words(words: &[&str], found: &mut Named, depth: usize) {
    let kept = without_prefixes(words);
    // A program that only starts another one can be the one that says that it could not.
    let prefixes = words[..words.len() - kept.len()].iter();
    found
        .programs
        .extend(prefixes.filter(|word| PREFIXES.contains(&bare(word))).map(|word| ((*word).to_owned(), false)));
    let Some((head, rest)) = kept.split_first() else { return };
    if [".", "source"].contains(head) {
        found.programs.extend(rest.first().map(|script| ((*script).to_owned(), false)));
        return;
    }
    found.programs.push(((*head).to_owned(), true));
    if SCRIPT_BY_OPTION.contains(&bare(head)) {
        let options = ["-f", "--file", "--from-file", "--makefile"];
        let scripts = rest.windows(2).filter(|pair| options.contains(&pair[0])).map(|pair| pair[1]);
        found.programs.extend(scripts.map(|script| (script.to_owned(), false)));
    } else if bare(head) == "xargs" {
        // Which of the words is the program depends on the options before it.
        found.programs.extend(rest.iter().map(|word| ((*word).to_owned(), false)));
    }
    if depth >= DEEPEST || !(INTERPRETERS.contains(&bare(head)) || SHELLS.contains(&bare(head))) {
        return;
    }
    if SHELLS.contains(&bare(head)) {
        // `-c` may stand among other letters, as in `-lc`.
        let flag = rest.iter().position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'));
        if let Some(script) = flag.and_then(|at| rest.get(at + 1)) {
            found.shells.push((*head).to_owned());
            names_of_line(&ShellLine::read(script), found, depth + 1);
            return;
        }
    } else if rest.iter().any(|word| ["-c", "-e", "--eval", "-p"].contains(word)) {
        found.programs.extend(INLINE.iter().map(|name| ((*name).to_owned(), false)));
        return;
    }
    let about = of_words_at(kept, depth).filter(|about| !about.itself && about.text != *head);
    found.programs.extend(about.map(|about| (about.text, false)));
}

fn of_words_at(words: &[&str], depth: usize) -> Option<Program> {
    let (head, rest) = words.split_first()?;
    let itself = Program { text: (*head).to_owned(), is_path: head.contains(['/', '\\']), itself: true };
    let name = bare(head);
    if depth >= DEEPEST {
        return Some(itself);
    }
    if PACKAGE_RUNNERS.contains(&name) {
        let mut words = rest.iter().filter(|word| !word.starts_with('-') && !SUBCOMMANDS.contains(word));
        return Some(words.next().map_or(itself, |word| Program {
            text: package(word).to_owned(),
            is_path: false,
            itself: false,
        }));
    }
    if !INTERPRETERS.contains(&name) {
        return Some(itself);
    }
    let inner = |words: &[&str]| of_words_at(without_prefixes(words), depth + 1);
    let mut words = rest.iter().enumerate().skip_while(|(at, word)| *at == 0 && SUBCOMMANDS.contains(word)).peekable();
    while let Some((at, word)) = words.next() {
        let value = rest.get(at + 1);
        match *word {
            "-m" => {
                return Some(value.map_or(itself, |module| Program {
                    text: (*module).to_owned(),
                    is_path: false,
                    itself: false,
                }));
            }
            "-jar" | "-File" | "-file" => {
                return Some(value.map_or(itself, |script| Program {
                    text: (*script).to_owned(),
                    is_path: true,
                    itself: false,
                }));
            }
            "-c" | "-lc" | "-Command" | "-command" => {
                let found = value.and_then(|script| {
                    let (program, moved) = of_line(&ShellLine::read(script));
                    let is_path = |program: &Program| program.is_path && !moved;
                    program.map(|program| Program { is_path: is_path(&program), ..program })
                });
                let shell = ["bash", "sh", "zsh", "dash", "ksh"].contains(&name);
                return if shell { found.or(Some(itself)) } else { Some(itself) };
            }
            "-e" | "-p" | "--eval" | "-" => return Some(itself),
            option if option.starts_with('-') => {
                // An option may take the next word as its value: a script is then found further on.
                if value.is_some_and(|value| !looks_like_script(value) && !value.starts_with('-'))
                    && rest[at + 1..].iter().any(|word| looks_like_script(word))
                {
                    words.next();
                }
            }
            word if INTERPRETERS.contains(&bare(word)) => return inner(&rest[at..]),
            word => {
                return Some(Program { text: word.to_owned(), is_path: true, itself: false });
            }
        }
    }
    Some(itself)
}

/// The path of the program with which a line begins, with nothing before it.
pub(crate) fn begins(line: &ShellLine) -> Option<&str> {
    let first = line.commands.first()?.first()?.text.as_str();
    first.contains('/').then_some(first)
}

/// Whether a command only prepares for the one that matters.
pub(crate) fn prepares(head: &str) -> bool {
    PREPARATIONS.contains(&head) || is_assignment(head)
}

/// The words without assignments and programs that only start another one.
pub(crate) fn without_prefixes<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    let mut rest = words;
    while let Some((head, tail)) = rest.split_first() {
        if is_assignment(head) {
            rest = tail;
        } else if PREFIXES.contains(&bare(head)) && !tail.is_empty() {
            let numbers = ["timeout", "nice", "flock"].contains(&bare(head));
            let skipped = tail.iter().take_while(|word| {
                word.starts_with('-') || (numbers && word.starts_with(|c: char| c.is_ascii_digit()))
            });
            // What stands first behind the options of flock is the lock.
            let skipped = skipped.count() + usize::from(bare(head) == "flock");
            rest = &tail[skipped.min(tail.len())..];
        } else {
            return rest;
        }
    }
    rest
}

/// Whether a program is a shell of the POSIX family.
pub(crate) fn is_shell(program: &str) -> bool {
    SHELLS.contains(&bare(program))
}

/// The name of a program without its folder, its version and `.exe`.
pub(crate) fn bare(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if plain.is_empty() { name } else { plain }
}

/// `@scope/name@1.2.3` without scope and version.
fn package(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or(word);
    match name.find('@') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// Whether a word looks like the path of a script.
pub(crate) fn looks_like_script(word: &str) -> bool {
    const ENDINGS: &[&str] = &[
        ".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".sh", ".bash", ".zsh", ".rb", ".pl", ".php", ".ps1", ".lua",
        ".jar",
    ];
    ENDINGS.iter().any(|ending| word.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{ShellLine, of_line};

    #[rstest]
    #[case("python3 /x/guard.py", "/x/guard.py", true)]
    #[case("/usr/bin/python3.12 -u -W ignore \"$D/guard.py\" --x", "$D/guard.py", true)]
    #[case("guard --mode strict", "guard", false)]
    #[case("./guard", "./guard", true)]
    #[case("FOO=1 env BAR=2 node --require ./r x.mjs", "x.mjs", true)]
    #[case("uv run --with cchooks --script hook.py", "hook.py", true)]
    #[case("uv run python hook.py", "hook.py", true)]
    #[case("npx -y @scope/guard@1.2.3 check", "guard", false)]
    #[case("python3 -m my_guard.cli", "my_guard.cli", false)]
    #[case("bash -c 'cd /x && exec ./run.sh'", "./run.sh", false)]
    #[case("bash -c 'exec ./run.sh'", "./run.sh", true)]
    #[case("node -e 'process.exit(0)'", "node", false)]
    #[case("cd \"$D\" && ./a.sh", "./a.sh", true)]
    #[case("[ -f x ] && bash x.sh || true", "x.sh", true)]
    #[case("if [ -x a ]; then ./a; fi", "./a", true)]
    #[case("cat | jq .", "jq", false)]
    #[case("timeout -k 1 5 ./slow", "./slow", true)]
    #[case("echo done", "echo", false)]
    #[case("cat | jq -c . | python3 x.py", "x.py", true)]
    #[case("command -v jq >/dev/null || exit 0; guard", "guard", false)]
    #[case("INPUT=$(cat); echo \"$INPUT\" | grep x", "grep", false)]
    #[case("bash \"${R}/a.sh\" \"${R}/b.py\"", "${R}/a.sh", true)]
    #[case("java -jar x.jar", "x.jar", true)]
    #[case("bun x.ts", "x.ts", true)]
    #[case("deno run --allow-all x.ts", "x.ts", true)]
    #[case("pwsh -NoProfile -File a.ps1", "a.ps1", true)]
    fn finds_what_it_is_about(#[case] line: &str, #[case] text: &str, #[case] is_path: bool) {
        let (program, _) = of_line(&ShellLine::read(line));
        let program = program.unwrap();
        assert_eq!((program.text.as_str(), program.is_path), (text, is_path));
    }

    #[rstest]
    #[case("cd x && ./a", true)]
    #[case("./a && cd x", false)]
    fn knows_whether_the_folder_was_changed_before(#[case] line: &str, #[case] moved: bool) {
        assert_eq!(of_line(&ShellLine::read(line)).1, moved);
    }

    #[rstest]
    #[case("python3 /x/guard.py --strict", "", "python3* /x/guard.py")]
    #[case("timeout 5 env A=1 node \"$D/a.js\"", "", "timeout env node* $D/a.js")]
    #[case("bash -lc 'cd /x && exec ./run.sh'", "bash", "bash* cd* exec ./run.sh*")]
    #[case(". ./lib.sh && check", "", "./lib.sh check*")]
    #[case("echo 'guard.py: cannot open x' >&2; exit 2", "", "echo* exit*")]
    #[case("python3 -c 'import sys'", "", "python3* <string> [eval] -e")]
    #[case("bash x.sh", "", "bash* x.sh")]
    fn names_what_is_started(#[case] line: &str, #[case] shells: &str, #[case] programs: &str) {
        let found = super::named(&ShellLine::read(line));
        let shown: Vec<String> =
            found.programs.iter().map(|(name, itself)| format!("{name}{}", if *itself { "*" } else { "" })).collect();
        assert_eq!((found.shells.join(" ").as_str(), shown.join(" ").as_str()), (shells, programs));
    }

    #[test]
    fn nothing_is_no_program() {
        assert_eq!(of_line(&ShellLine::read(" # nothing")), (None, false));
    }

    #[test]
    fn commands_in_commands_end() {
        let line = "bash -c ".repeat(1000);
        of_line(&ShellLine::read(&line));
        super::named(&ShellLine::read(&line));
        let words = ["uv", "run"].repeat(5000);
        super::of_words(&words);
        super::named_in_words(&words);
    }
}
