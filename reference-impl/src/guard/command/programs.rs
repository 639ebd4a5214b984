//! Programs that are judged by their arguments.

use crate::guard::place::Place;
use crate::guard::rule::Rule;
use crate::shell::{Part, Word};

/// Judges one program; `place` tells where a word points to.
pub(super) fn judge(name: &str, arguments: &[Word], place: &dyn Fn(&Word) -> Place) -> Option<Rule> {
    match name {
        "rm" => removal(arguments, place),
        "chmod" => opening(arguments, place),
        "dd" => arguments
            .iter()
            .filter_map(Word::assignment)
            .any(|(key, value)| key == "of" && is_disk(&place(&value)))
            .then_some(Rule::OverwriteDisk),
        "tee" => arguments.iter().find_map(|word| {
            let target = place(word);
            if is_disk(&target) {
                return Some(Rule::OverwriteDisk);
            }
            crate::guard::file::judge_place(&target)
        }),
        "find" => deletion(arguments, place),
        "git" => push(arguments),
        _ if name == "mkfs" || name.starts_with("mkfs.") => {
            arguments.iter().any(|word| is_device_or_unknown(word, place)).then_some(Rule::FormatDisk)
        }
        _ => super::remote::judge(name, arguments),
    }
}

/// Options and operands as GNU programs tell them apart: in any order, up to `--`.
fn split(arguments: &[Word]) -> (Vec<String>, Vec<&Word>) {
    let (mut options, mut operands) = (Vec::new(), Vec::new());
    let mut open = true;
    for word in arguments {
        let text = word.text();
        if open && text == "--" {
            open = false;
        } else if open && text.len() > 1 && text.starts_with('-') {
            options.push(text);
        } else {
            operands.push(word);
        }
    }
    (options, operands)
}

/// Whether a short option stands in a cluster such as `-rf`, or a long one in full or cut short as GNU allows it.
fn has(options: &[String], short: &[char], long: &str) -> bool {
    options.iter().any(|option| match option.strip_prefix("--") {
        Some(name) => name.len() > 2 && long.starts_with(name),
        None => option.chars().skip(1).any(|c| short.contains(&c)),
    })
}

/// Recursive removal, forced or not: without a terminal `rm -r` does not ask either.
fn removal(arguments: &[Word], place: &dyn Fn(&Word) -> Place) -> Option<Rule> {
    let (options, operands) = split(arguments);
    if !has(&options, &['r', 'R'], "recursive") {
        return None;
    }
    if operands.iter().any(|word| place(word).is_protected()) {
        return Some(Rule::RecursiveRemoval);
    }
    let is_repository = |word: &&Word| place(word).below().is_some_and(|names| names.last() == Some(&".git"));
    operands.iter().any(is_repository).then_some(Rule::RemoveHistory)
}

/// `find` that deletes what it finds below a folder that is not to be removed. What stands before the first test is where
/// it looks.
fn deletion(arguments: &[Word], place: &dyn Fn(&Word) -> Place) -> Option<Rule> {
    let is_test = |word: &&Word| word.text().starts_with(['-', '(', '!']);
    let options = ["-H", "-L", "-P"];
    let folders = arguments.iter().skip_while(|word| options.contains(&word.text().as_str()));
    let mut folders = folders.take_while(|word| !is_test(word));
    (arguments.iter().any(|word| word.text() == "-delete") && folders.any(|word| place(word).is_protected()))
        .then_some(Rule::RecursiveRemoval)
}

/// `chmod -R` that lets everyone write.
fn opening(arguments: &[Word], place: &dyn Fn(&Word) -> Place) -> Option<Rule> {
    let (options, operands) = split(arguments);
    if !has(&options, &['R'], "recursive") {
        return None;
    }
    let (mode, targets) = operands.split_first()?;
    (lets_everyone_write(&mode.text()) && targets.iter().any(|word| place(word).is_protected()))
        .then_some(Rule::OpenToAll)
}

fn lets_everyone_write(mode: &str) -> bool {
    if mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return mode.bytes().last().is_some_and(|last| last & 2 != 0);
    }
    mode.split(',').any(|clause| {
        clause.find(['+', '=']).is_some_and(|at| {
            let (who, what) = clause.split_at(at);
            (who.is_empty() || who.contains(['a', 'o'])) && what.contains('w')
        })
    })
}

/// A disk or a part of one, in `/dev`.
pub(super) fn is_disk(place: &Place) -> bool {
    let Some(names) = place.names() else {
        return false;
    };
    let ["dev", rest @ ..] = names.as_slice() else {
        return false;
    };
    let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let letters = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
    match rest {
        ["disk" | "mapper", _, ..] => true,
        [name] => {
            ["sd", "hd", "vd", "xvd"].iter().any(|kind| name.strip_prefix(kind).is_some_and(letters))
                || ["nvme", "mmcblk", "disk", "rdisk", "md", "dm-"]
                    .iter()
                    .any(|kind| name.strip_prefix(kind).is_some_and(digits))
        }
        _ => false,
    }
}

/// A file below `/dev`, or something that only the shell will know.
fn is_device_or_unknown(word: &Word, place: &dyn Fn(&Word) -> Place) -> bool {
    let place = place(word);
    let unknown = word.parts.iter().any(|part| matches!(part, Part::Variable { .. } | Part::Substitution { .. }));
    matches!(place.names().as_deref(), Some(["dev", _, ..])) || (unknown && place.names().is_none())
}

/// Options of `git` itself that take the next argument as their value.
const GIT_VALUED: &[&str] = &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--exec-path"];

/// Options of `git push` that take the next argument as their value.
const PUSH_VALUED: &[&str] = &["-o", "--push-option", "--receive-pack", "--exec", "--repo"];

/// `git push` that overwrites `main` or `master` by name. `--force-with-lease` looks before it overwrites and passes.
fn push(arguments: &[Word]) -> Option<Rule> {
    let texts: Vec<String> = arguments.iter().map(Word::text).collect();
    let mut rest = texts.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if !first.starts_with('-') {
            break;
        }
        rest = if GIT_VALUED.contains(&first.as_str()) { after.get(1..).unwrap_or_default() } else { after };
    }
    let ("push", rest) = rest.split_first().map(|(first, rest)| (first.as_str(), rest))? else {
        return None;
    };
    let mut force = false;
    let mut operands = Vec::new();
    let mut skip = false;
    for text in rest {
        if std::mem::take(&mut skip) {
            continue;
        }
        if text.starts_with("--") {
            force |= text == "--force";
            skip = PUSH_VALUED.contains(&text.as_str());
        } else if text.starts_with('-') {
            force |= text.contains('f');
            skip = PUSH_VALUED.contains(&text.as_str());
        } else {
            operands.push(text.as_str());
        }
    }
    // The first operand names the remote, the others what goes where.
    operands
        .iter()
        .skip(1)
        .any(|refspec| {
            let (forced, refspec) = match refspec.strip_prefix('+') {
                Some(rest) => (true, rest),
                None => (force, *refspec),
            };
            let target = refspec.rsplit(':').next().unwrap_or(refspec);
            let branch = target.strip_prefix("refs/heads/").unwrap_or(target);
            forced && matches!(branch, "main" | "master")
        })
        .then_some(Rule::ForcePush)
}
