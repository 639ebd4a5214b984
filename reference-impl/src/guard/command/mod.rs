//! Shell commands that are not to be run.
//!
//! The command is parsed as a shell would parse it and each simple command is judged, wherever it stands: so what is
//! merely mentioned (`echo "rm -rf /"`, a commit message, a here-document for `cat`) passes, and what is run through
//! `sudo`, `env`, `sh -c`, `eval`, `xargs`, a pipe or a substitution does not.
//!
//! The guard reads; it does not execute. What a program reads from a file or decodes on the way is out of its sight.

use std::collections::HashMap;

use super::place::{Place, Variables};
use super::rule::Rule;
use crate::shell::{self, Command, Part, Pipeline, Script, Word};

mod programs;
mod remote;
mod shapes;
mod wrappers;

use shapes::{ancestry, downloads, is_downloader, is_fork_bomb, reads_script_from_stdin};
use wrappers::{Effective, effective};

/// Commands within commands are followed this far.
const DEPTH_LIMIT: usize = 12;

/// Judges a command line that is about to run in `folder`, the session's folder; `None` means no opinion.
pub(crate) fn judge(command: &str, folder: &str) -> Option<Rule> {
    let place = Place::of_path(folder, &Place::unknown());
    let mut judge = Judge { depth: 0, shells: vec![Shell { folder: place, values: HashMap::new() }] };
    judge.text(command)
}

/// The programs that are judged by what they are told to do, in order.
pub(super) fn known() -> Vec<&'static str> {
    let mut all = vec!["chmod", "curl", "dd", "find", "git", "mkfs", "rm", "tee", "wget"];
    all.extend(remote::known());
    all.sort_unstable();
    all.dedup();
    all
}

/// What a shell knows while it works through a script.
#[derive(Clone)]
struct Shell {
    folder: Place,
    values: HashMap<String, Word>,
}

impl Variables for Shell {
    fn value(&self, name: &str) -> Option<&Word> {
        self.values.get(name)
    }
}

struct Judge {
    depth: usize,
    /// The shells, innermost last.
    shells: Vec<Shell>,
}

impl Judge {
    fn shell(&mut self) -> &mut Shell {
        self.shells.last_mut().expect("the outermost shell is never left")
    }

    fn place(&mut self, word: &Word) -> Place {
        let shell = self.shell();
        Place::of_word(word, &shell.folder, shell)
    }

    /// A text that is run as a script of its own.
    fn text(&mut self, text: &str) -> Option<Rule> {
        if self.depth >= DEPTH_LIMIT {
            return Some(Rule::TooComplex);
        }
        let Ok(script) = shell::parse(text) else {
            return Some(Rule::TooComplex);
        };
        self.depth += 1;
        let found = self.script(&script);
        self.depth -= 1;
        found
    }

    fn script(&mut self, script: &Script) -> Option<Rule> {
        let outside = self.shells.len();
        // The subshells that are open, outermost first; the last `open.len()` of `self.shells` are theirs. The script's
        // own shell is the one it is run in, so that what it does to folder and variables holds afterwards, as in `eval`.
        let mut open = vec![0];
        let found = script.pipelines.iter().find_map(|pipeline| self.pipeline(pipeline, script, &mut open));
        self.shells.truncate(outside);
        found
    }

    fn pipeline(&mut self, pipeline: &Pipeline, script: &Script, open: &mut Vec<usize>) -> Option<Rule> {
        if is_fork_bomb(pipeline, script) {
            return Some(Rule::ForkBomb);
        }
        pipeline.commands.iter().enumerate().find_map(|(index, command)| {
            self.enter(&ancestry(command.subshell, script), open);
            self.command(command, script).or_else(|| self.fed(&pipeline.commands[..=index], script))
        })
    }

    /// Leaves the subshells that have ended and enters those that begin: with what their parent knows, and nothing that
    /// they learn goes back.
    fn enter(&mut self, ancestry: &[usize], open: &mut Vec<usize>) {
        let common = open.iter().zip(ancestry).take_while(|(a, b)| a == b).count().max(1);
        self.shells.truncate(self.shells.len() - (open.len() - common));
        open.truncate(common);
        for subshell in ancestry.iter().skip(common) {
            let parent = self.shell().clone();
            self.shells.push(parent);
            open.push(*subshell);
        }
    }

    /// One simple command, with everything that it substitutes.
    fn command(&mut self, command: &Command, script: &Script) -> Option<Rule> {
        let texts = command.reads.iter().filter_map(|index| script.texts.get(*index));
        for word in command.all_words().chain(texts) {
            for inner in word.substitutions() {
                if self.depth >= DEPTH_LIMIT {
                    return Some(Rule::TooComplex);
                }
                // A substitution is a subshell.
                self.depth += 1;
                let state = self.shell().clone();
                self.shells.push(state);
                let found = self.script(inner);
                self.shells.pop();
                self.depth -= 1;
                if found.is_some() {
                    return found;
                }
            }
        }
        for file in &command.writes {
            let place = self.place(file);
            if programs::is_disk(&place) {
                return Some(Rule::OverwriteDisk);
            }
            if let Some(rule) = super::file::judge_place(&place) {
                return Some(rule);
            }
        }
        self.words(&command.words)
    }

    /// The words of a command, assignments and wrappers included.
    fn words(&mut self, words: &[Word]) -> Option<Rule> {
        if self.depth >= DEPTH_LIMIT {
            return Some(Rule::TooComplex);
        }
        let words: Vec<Word> = words.iter().flat_map(shell::alternatives).collect();
        if words.iter().all(|word| word.assignment().is_some()) {
            for (name, value) in words.iter().filter_map(Word::assignment) {
                self.assign(name, &value);
            }
            return None;
        }
        match effective(&words) {
            Effective::Nothing => None,
            // What a server sends is the command itself: `$(curl ...)`, also behind `sh -c` and `eval`.
            Effective::Expansion(word) if downloads(word) => Some(Rule::RunDownload),
            Effective::Expansion(word) => self.expanded(word, &words),
            Effective::Texts(texts) => texts.iter().find_map(|text| self.text(text)),
            Effective::Program { name, arguments } => self.program(&name, arguments),
        }
    }

    fn assign(&mut self, name: &str, value: &Word) {
        // `A=$A/x` must not refer to itself for ever: the old value is put in its place.
        let mut parts = Vec::new();
        for part in &value.parts {
            match part {
                Part::Variable { name: used, .. } if used == name => match self.shell().values.get(name) {
                    Some(old) => parts.extend(old.parts.iter().cloned()),
                    None => parts.push(part.clone()),
                },
                other => parts.push(other.clone()),
            }
        }
        // A value that keeps growing is no folder's name any more, and a shell is copied for each subshell.
        let value = Word { parts };
        let values = &mut self.shell().values;
        if value.parts.len() > 16 || value.text().len() > 512 {
            values.remove(name);
        } else if values.len() < 64 || values.contains_key(name) {
            values.insert(name.to_owned(), value);
        }
    }

    /// A command whose name is a variable: with a known value it is that command.
    fn expanded(&mut self, word: &Word, words: &[Word]) -> Option<Rule> {
        let [Part::Variable { name, .. }] = word.parts.as_slice() else {
            return None;
        };
        let value = self.shell().values.get(name)?.text();
        let start = words.iter().position(|candidate| candidate == word)?;
        self.depth += 1;
        let mut joined: Vec<Word> = value.split_whitespace().map(Word::plain).collect();
        joined.extend_from_slice(&words[start + 1..]);
        let found = self.words(&joined);
        self.depth -= 1;
        found
    }

    fn program(&mut self, name: &str, arguments: &[Word]) -> Option<Rule> {
        match name {
            "cd" | "pushd" => {
                let target = arguments.iter().find(|word| !word.text().starts_with('-'));
                let place = match target {
                    Some(word) => self.place(word),
                    None if arguments.is_empty() => Place::home(),
                    None => Place::unknown(),
                };
                self.shell().folder = if place.is_endless() { Place::unknown() } else { place };
                None
            }
            "popd" => {
                self.shell().folder = Place::unknown();
                None
            }
            "export" | "local" | "declare" | "typeset" | "readonly" => {
                for (name, value) in arguments.iter().filter_map(Word::assignment) {
                    self.assign(name, &value);
                }
                None
            }
            // The loop's variable takes each value; the one that would be refused is the one that counts.
            "for" | "select" => {
                let (variable, values) = arguments.split_first()?;
                let protected = values.iter().find(|word| self.place(word).is_protected())?.clone();
                self.assign(&variable.text(), &protected);
                None
            }
            _ => self.nested(name, arguments).or_else(|| {
                let shell = self.shell();
                programs::judge(name, arguments, &|word| Place::of_word(word, &shell.folder, shell))
            }),
        }
    }

    /// Programs that run what their arguments say.
    fn nested(&mut self, name: &str, arguments: &[Word]) -> Option<Rule> {
        if let Some(shell) = wrappers::shell(name, arguments) {
            if let Some(script) = shell.script {
                return self.text(&script.text());
            }
            return shell.file.is_some_and(downloads).then_some(Rule::RunDownload);
        }
        match name {
            "." | "source" => arguments.first().is_some_and(downloads).then_some(Rule::RunDownload),
            "trap" => {
                let action = arguments.iter().find(|word| !word.text().starts_with("--"))?.text();
                self.text(&action)
            }
            "find" => {
                let mut rest = arguments;
                while let Some(at) =
                    rest.iter().position(|word| matches!(word.text().as_str(), "-exec" | "-execdir" | "-ok" | "-okdir"))
                {
                    rest = &rest[at + 1..];
                    let end =
                        rest.iter().position(|word| matches!(word.text().as_str(), ";" | "+")).unwrap_or(rest.len());
                    self.depth += 1;
                    let found = self.words(&rest[..end]);
                    self.depth -= 1;
                    if found.is_some() {
                        return found;
                    }
                    rest = &rest[end..];
                }
                // What it deletes itself is judged as that of any other program.
                None
            }
            _ => None,
        }
    }

    /// A shell that reads its script from stdin: from a download, an `echo`, or a here-document.
    fn fed(&mut self, commands: &[Command], script: &Script) -> Option<Rule> {
        let (last, before) = commands.split_last()?;
        if !reads_script_from_stdin(last) {
            return None;
        }
        if before.iter().any(is_downloader) {
            return Some(Rule::RunDownload);
        }
        for command in commands {
            for text in command.reads.iter().filter_map(|index| script.texts.get(*index)) {
                let found = self.text(&text.text());
                if found.is_some() {
                    return found;
                }
            }
        }
        let printer = before.last()?;
        let words: Vec<Word> = printer.words.clone();
        if let Effective::Program { name, arguments } = effective(&words)
            && matches!(name.as_str(), "echo" | "printf")
        {
            let printed: Vec<String> = arguments.iter().map(Word::text).collect();
            // `printf` and many an `echo` make a line break of `\n`.
            return self.text(&printed.join(" ").replace("\\n", "\n"));
        }
        None
    }
}

#[cfg(test)]
mod tests;
