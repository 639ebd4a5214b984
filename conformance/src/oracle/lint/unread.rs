//! Answers on a stream that the platform does not read as one.

use serde_json::Value;

use super::around::objects;
use super::words::{Wish, said_in, speaks};
use super::{Problems, answered};
use crate::contract::{Basis, Decision, ExitThen, Reader, StreamName};
use crate::oracle::effect::Effect;
use crate::oracle::exit::Ruling;
use crate::oracle::{Ended, Run, Said};

pub(super) fn lint(problems: &mut Problems<'_>, ruling: &Ruling, effect: &Effect) {
    let run = problems.run;
    if !matches!(run.facts.ended, Ended::Exit(_) | Ended::Signal(_)) || ruling.then == ExitThen::Background {
        return;
    }
    match run.heard.stream {
        StreamName::Stdout => on_stderr(problems, ruling, effect),
        StreamName::Stderr => on_stdout(problems, effect),
    }
}

/// What stands on the stream that is not read.
struct Lost {
    wish: Option<Wish>,
    /// What it was meant to do, in words: "`hookSpecificOutput.permissionDecision: "ask"`".
    words: String,
}

/// The first object in `text` that says something which is not done.
fn lost(run: &Run<'_>, text: &str, effect: &Effect) -> Option<Lost> {
    objects(text).into_iter().find_map(|object| {
        let said = said_in(&object.value);
        let wish = said.as_ref().map(|said| said.wish);
        let is_done = match wish {
            Some(Wish::Deny) => effect.stops_the_step() || effect.decision == Some(Decision::Deny),
            Some(Wish::Ask) => effect.decision == Some(Decision::Ask),
            None => false,
        };
        let in_own_form = speaks(run.event, &object.value);
        let counts = in_own_form || (wish.is_some() && run.event.can_deny());
        // Beside an accepted answer only what it does not say itself is lost.
        let outdone = answered(run) && (wish.is_none() || effect.decision >= Some(Decision::Ask));
        (counts && !is_done && !outdone).then(|| Lost { wish, words: words(&object.value) })
    })
}

fn words(value: &Value) -> String {
    let of = |key: &str| {
        let said = super::words::said(key, &value[key])?;
        Some(format!("`{key}{}: {}`", said.below, said.word))
    };
    let keys = value.as_object().into_iter().flat_map(|members| members.keys());
    keys.filter_map(|key| of(key)).next().unwrap_or_else(|| "an answer".to_owned())
}

fn on_stderr(problems: &mut Problems<'_>, ruling: &Ruling, effect: &Effect) {
    let run = problems.run;
    let stderr = run.stderr();
    let stderr = stderr.trim();
    if stderr.is_empty() {
        return;
    }
    let reads_answers = run.event.exits.iter().any(|row| row.then == ExitThen::Answer);
    let streams = run.contract.reading.basis_of(run.contract.reading.streams.as_ref());
    let basis: Vec<Basis> = [vec![streams, run.event.basis.clone()], ruling.basis.clone()].concat();
    let denies = effect.decision == Some(Decision::Deny);
    let is_read = effect.reason.as_deref().is_some_and(|reason| reason.trim() == stderr);
    if let Some(lost) = lost(run, stderr, effect) {
        let requirement = if reads_answers { "stream.decision-on-stderr" } else { "stream.json-never-read" };
        let asks = if lost.wish == Some(Wish::Ask) { " and asks nobody" } else { "" };
        let then = if is_read {
            format!(": {} reads the raw JSON as the reason of a denial", reader(effect))
        } else {
            String::new()
        };
        problems.add_on(
            &basis,
            requirement,
            format!("{} stands on stderr, where it is not read as an answer{asks}{then}", lost.words),
        );
        if lost.wish.is_some() {
            problems.loses_denial();
        }
    } else if denies && is_read && objects(stderr).iter().any(|object| said_in(&object.value).is_some()) {
        problems.add_on(
            &basis,
            "stream.raw-json-reason",
            format!("stderr beside this exit code holds JSON, and {} reads it as it is, as the reason", reader(effect)),
        );
    } else if run.facts.ended == Ended::Exit(0)
        && run.event.text.contains(&Reader::Model)
        && matches!(run.said, Said::Nothing)
        && !run.event.failure.stderr.contains(&Reader::Model)
    {
        problems.add(
            "stream.model-text-on-stderr",
            format!("{} on stderr and nothing on stdout; at exit 0 nobody reads stderr", super::stream::amount(stderr)),
        );
    }
}

/// Where stderr is read, and stdout holds an answer that is not.
fn on_stdout(problems: &mut Problems<'_>, effect: &Effect) {
    let run = problems.run;
    let stdout = String::from_utf8_lossy(run.facts.stdout).into_owned();
    let Ended::Exit(code) = run.facts.ended else { return };
    if let Some(lost) = lost(run, &stdout, effect) {
        let own = run.contract.reading.streams_after(Some(code)).1;
        problems.add_on(
            &[own],
            "exit.answer-not-read",
            format!("{} stands on stdout, and beside exit code {code} only stderr is read", lost.words),
        );
    }
}

fn reader(effect: &Effect) -> &'static str {
    if effect.model_sees.is_empty() { "the user" } else { "the model" }
}
