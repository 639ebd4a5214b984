//! What an ending counts as.

use regex_lite::Regex;

use super::{Ended, Run, Said};
use crate::contract::{Basis, Decision, EndingPattern, ExitRow, ExitThen, ReasonSource, Role, StreamState};

/// What an ending counts as, after the exit table, held pipes and the handler's options.
#[derive(Debug, Clone)]
pub(super) struct Ruling {
    pub(super) then: ExitThen,
    pub(super) reason: Vec<ReasonSource>,
    /// The other fields of an accepted answer count all the same.
    pub(super) fields: bool,
    /// Nobody is told of the failure.
    pub(super) silent: bool,
    /// An answer was refused because somebody still held its pipe open.
    pub(super) held: bool,
    /// The denial is the handler's wish for the case of a failure.
    pub(super) by_option: bool,
    pub(super) basis: Vec<Basis>,
}

pub(super) fn rule(run: &Run<'_>) -> Ruling {
    let row = run.event.exits.iter().find(|row| fits(run, row));
    let mut ruling = match row {
        Some(row) => Ruling {
            then: row.then,
            reason: row.reason.clone(),
            fields: row.fields,
            silent: row.silent,
            held: false,
            by_option: false,
            basis: vec![row.basis()],
        },
        // Contracts are checked to end with a row for everything; this is only for types.
        None => Ruling {
            then: ExitThen::Failed,
            reason: Vec::new(),
            fields: false,
            silent: false,
            held: false,
            by_option: false,
            basis: Vec::new(),
        },
    };
    if let Some((_, option)) = run.option(|option| option.backgrounds.as_ref()) {
        ruling.then = ExitThen::Background;
        ruling.fields = false;
        ruling.basis = vec![option.basis()];
        return ruling;
    }
    if let Some(voids) = run.contract.reading.stderr_voids_success.as_ref().filter(|fact| fact.is)
        && run.facts.ended == Ended::Exit(0)
        && !run.stderr().trim().is_empty()
    {
        ruling.then = ExitThen::Failed;
        ruling.basis.push(voids.basis());
    }
    if run.facts.stdout_held && matches!(ruling.then, ExitThen::Answer | ExitThen::Text) {
        refuse_held(run, &mut ruling);
    }
    if ruling.then == ExitThen::Failed {
        apply_options(run, &mut ruling);
    }
    ruling
}

fn fits(run: &Run<'_>, row: &ExitRow) -> bool {
    let state = |bytes: &[u8]| {
        if String::from_utf8_lossy(bytes).trim().is_empty() { StreamState::Empty } else { StreamState::NonEmpty }
    };
    let decision = match run.said {
        Said::Answer(answer) => answer.decision().map(|made| made.decision),
        _ => None,
    };
    row.on.iter().any(|pattern| ended_so(run.facts.ended, *pattern))
        && (row.answer.is_empty() || row.answer.contains(&run.said.class()))
        && (row.decision.is_empty() || decision.is_some_and(|made: Decision| row.decision.contains(&made)))
        && row.stdout.is_none_or(|wanted| wanted == state(run.facts.stdout))
        && row.stderr.is_none_or(|wanted| wanted == state(run.facts.stderr))
        && row.stderr_matches.as_ref().is_none_or(|pattern| {
            Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&String::from_utf8_lossy(run.facts.stderr)))
        })
}

fn ended_so(ended: Ended, pattern: EndingPattern) -> bool {
    match (pattern, ended) {
        (EndingPattern::Any, _)
        | (EndingPattern::Timeout, Ended::TimedOut)
        | (EndingPattern::NotStarted, Ended::NotStarted)
        | (EndingPattern::Signal, Ended::Signal(_)) => true,
        (EndingPattern::Exactly(wanted), Ended::Exit(code)) => code == wanted,
        (EndingPattern::AtLeast(least), Ended::Exit(code)) => code >= least,
        (EndingPattern::NonZero, Ended::Exit(code)) => code != 0,
        _ => false,
    }
}

/// Refuses an answer whose pipe somebody still held open, where the contract says so.
fn refuse_held(run: &Run<'_>, ruling: &mut Ruling) {
    let Some(held) = &run.event.held else { return };
    let refused = match run.said {
        Said::Answer(answer) => {
            let decided = answer.decision().map(|made| made.decision);
            decided.is_some_and(|decision| held.refuses_decisions.contains(&decision))
                || (held.refuses.contains(&Role::InputUpdate) && answer.input_update.is_some())
                || (held.refuses.contains(&Role::ModelContext) && !answer.contexts.is_empty())
        }
        Said::Text => held.refuses_unfinished && run.heard.trimmed().starts_with('{'),
        _ => false,
    };
    if refused {
        ruling.then = held.then;
        ruling.reason = vec![ReasonSource::Host];
        ruling.fields = false;
        ruling.held = true;
        ruling.basis.push(Basis { evidence: held.evidence, source: held.source.clone() });
    }
}

/// Lets the handler's own wish for the case of a failure count.
fn apply_options(run: &Run<'_>, ruling: &mut Ruling) {
    if let Some((_, option)) = run.option(|option| option.failure_denies.as_ref()) {
        ruling.then = ExitThen::Deny;
        ruling.reason = vec![ReasonSource::Host];
        ruling.fields = false;
        ruling.by_option = true;
        ruling.basis.push(option.basis());
    }
}
