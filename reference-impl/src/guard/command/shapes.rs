//! Shapes of commands that tell something by themselves: who feeds whom, what contains what.

use super::wrappers::{self, Effective, effective};
use crate::shell::{Command, Part, Pipeline, Script, Word};

/// A subshell and those it stands in, outermost first. Scripts that were joined have an outermost shell each, which is
/// the same shell.
pub(super) fn ancestry(subshell: usize, script: &Script) -> Vec<usize> {
    let mut line = Vec::new();
    let mut current = subshell;
    while let Some(parent) = script.subshells.get(current).copied() {
        if parent == current {
            break;
        }
        line.push(current);
        current = parent;
    }
    line.push(0);
    line.reverse();
    line
}

/// A function whose pipeline is made of itself, in the background: each call becomes two.
pub(super) fn is_fork_bomb(pipeline: &Pipeline, script: &Script) -> bool {
    let calls =
        |command: &Command| command.words.first().map(Word::text).filter(|name| script.functions.contains(name));
    pipeline.background
        && pipeline.commands.len() > 1
        && calls(&pipeline.commands[0]).is_some_and(|name| {
            pipeline.commands.iter().all(|command| calls(command).is_some_and(|other| other == name))
        })
}

pub(super) fn reads_script_from_stdin(command: &Command) -> bool {
    match effective(&command.words) {
        Effective::Program { name, arguments } => {
            wrappers::shell(&name, arguments).is_some_and(|shell| shell.reads_stdin)
        }
        _ => false,
    }
}

pub(super) fn is_downloader(command: &Command) -> bool {
    matches!(effective(&command.words), Effective::Program { name, .. } if matches!(name.as_str(), "curl" | "wget"))
}

/// Whether a word begins with what a download gives.
pub(super) fn downloads(word: &Word) -> bool {
    matches!(word.parts.first(), Some(Part::Substitution { .. }))
        && word
            .substitutions()
            .iter()
            .any(|script| script.pipelines.iter().flat_map(|p| &p.commands).any(is_downloader))
}
