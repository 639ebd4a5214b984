//! From ruling and answer to the effect.

use super::answer::{Answer, Fault};
use super::effect::{Effect, HookStatus};
use super::exit::Ruling;
use super::texts::{Texts, bounded};
use super::{Ended, Run, Said};
use crate::contract::{
    Action, Basis, Decision, Evidence, ExitThen, HandlerOption, Outcome, OutcomeName, Question, Reader, ReasonSource,
    Role, Tool,
};

/// What it came down to, before anybody reads anything.
struct Verdict {
    name: OutcomeName,
    decision: Option<Decision>,
    reason: Option<String>,
    basis: Vec<Basis>,
}

impl Verdict {
    fn plain(name: OutcomeName) -> Self {
        Verdict { name, decision: None, reason: None, basis: Vec::new() }
    }
}

pub(super) fn effect(run: &Run<'_>, ruling: &Ruling) -> Effect {
    let answer = match run.said {
        Said::Answer(answer) => Some(&**answer),
        _ => None,
    };
    // Fields other than the decision count where the answer decides, and where the exit table says so.
    let fields = answer.filter(|_| ruling.then == ExitThen::Answer || ruling.fields);
    let verdict = match ruling.then {
        ExitThen::Answer => answer.map_or_else(|| Verdict::plain(OutcomeName::Nothing), |answer| decided(run, answer)),
        ExitThen::Deny | ExitThen::Halt => denied(run, ruling, answer),
        ExitThen::Failed => Verdict::plain(OutcomeName::Failed),
        ExitThen::LastLine if !is_absolute(&last_line(run)) => Verdict::plain(OutcomeName::Failed),
        ExitThen::Text | ExitThen::LastLine | ExitThen::Background | ExitThen::Nothing => {
            Verdict::plain(OutcomeName::Nothing)
        }
    };
    let halts = ruling.then == ExitThen::Halt;
    let (mut outcome, verdict) = outcome_of(run, fields, verdict, halts);
    // A denial that leaves the step alone does not keep the answer's new output from counting.
    let replaced = ruling.then == ExitThen::Deny && fields.is_some_and(|answer| replaces_output(run, answer));
    if let Some(update) = run.event.outcome(OutcomeName::OutputUpdate).filter(|_| replaced && !run.event.can_deny()) {
        outcome.action = update.action;
    }
    let mut texts = texts(run, ruling, fields, &outcome, &verdict);
    if outcome.mute {
        texts.model.clear();
    }
    let evidence = weakest(run, ruling, fields, &outcome, &verdict);
    let rewritten = matches!(outcome.action, Action::InputRewritten | Action::Allowed | Action::Prompted);
    Effect {
        action: outcome.action,
        turn_ended: outcome.turn_ended,
        decision: verdict.decision,
        question: question(run, &verdict),
        hook_status: status(run, ruling),
        read_as: run.said.class(),
        reason: verdict.reason,
        model_sees: texts.model,
        user_sees: texts.user,
        updated_input: fields.and_then(|answer| answer.input_update.clone()).filter(|_| rewritten),
        result: (ruling.then == ExitThen::LastLine).then(|| last_line(run)),
        problems: Vec::new(),
        evidence,
    }
}

/// What becomes of the platform's own permission question.
fn question(run: &Run<'_>, verdict: &Verdict) -> Option<Question> {
    let allow = (verdict.decision == Some(Decision::Allow)).then(|| run.event.outcome(OutcomeName::Allow)).flatten()?;
    allow.question.map(|fact| fact.is)
}

/// What an answer that decides comes down to.
fn decided(run: &Run<'_>, answer: &Answer) -> Verdict {
    let made = answer.decision();
    let decision = made.map(|made| made.decision);
    let tool = run.tool.and_then(|tool| run.contract.tools.get(tool));
    let name = match decision {
        Some(Decision::Deny) if answer.interrupt => OutcomeName::DenyAndInterrupt,
        Some(Decision::Deny) => OutcomeName::Deny,
        Some(Decision::Ask) => OutcomeName::Ask,
        Some(Decision::Defer) => OutcomeName::Defer,
        Some(Decision::Allow) | None => {
            if let Some(input) = &answer.input_update {
                let merges = run.event.fields_with(Role::InputUpdate).any(|(_, field)| field.merges);
                let misfit = if merges { Tool::misfit_of_part } else { Tool::misfit };
                let fits_tool = tool.is_none_or(|tool| misfit(&tool.input, input).is_none());
                // A text is a new input where the field is one for texts; one that should hold an object is none.
                let right_form = input.is_object()
                    || run.event.fields_with(Role::InputUpdate).any(|(_, field)| {
                        !field.unwrap && tool.is_none() && field.types.iter().any(|kind| kind.admits(input))
                    });
                if right_form && fits_tool { OutcomeName::InputUpdate } else { OutcomeName::InputMisfit }
            } else if replaces_output(run, answer) {
                OutcomeName::OutputUpdate
            } else if decision == Some(Decision::Allow) {
                OutcomeName::Allow
            } else if !answer.contexts.is_empty() && run.event.outcome(OutcomeName::Context).is_some() {
                OutcomeName::Context
            } else {
                OutcomeName::Nothing
            }
        }
    };
    Verdict {
        name,
        decision,
        reason: made.and_then(|made| made.reason.clone()),
        basis: made.map(|made| made.basis.clone()).into_iter().collect(),
    }
}

/// Whether the answer holds a new output that the platform takes.
fn replaces_output(run: &Run<'_>, answer: &Answer) -> bool {
    let tool = run.tool.and_then(|tool| run.contract.tools.get(tool));
    let fields = tool.map(|tool| &tool.output).filter(|fields| !fields.is_empty());
    answer
        .output_update
        .as_ref()
        .is_some_and(|(output, _)| fields.is_none_or(|fields| Tool::misfit(fields, output).is_none()))
}

/// A denial by exit code, by a held pipe, or by the handler's wish.
fn denied(run: &Run<'_>, ruling: &Ruling, answer: Option<&Answer>) -> Verdict {
    let from_answer = || {
        let made = answer?.decision()?;
        made.reason.clone().filter(|_| made.decision == Decision::Deny)
    };
    let reason = ruling.reason.iter().find_map(|source| {
        let text = match source {
            ReasonSource::Answer => from_answer(),
            ReasonSource::Stderr => Some(run.stderr()),
            ReasonSource::Text => Some(run.heard.trimmed().to_owned()),
            ReasonSource::Host => None,
        };
        text.filter(|text| !text.trim().is_empty())
    });
    Verdict { name: OutcomeName::Deny, decision: Some(Decision::Deny), reason, basis: Vec::new() }
}

/// What the verdict means at this event, with a wish to end the run taken in.
fn outcome_of(run: &Run<'_>, fields: Option<&Answer>, verdict: Verdict, halts: bool) -> (Outcome, Verdict) {
    let event = run.event;
    let nothing = || event.outcome(OutcomeName::Nothing).unwrap_or_else(|| Outcome::bare(Action::Proceeds));
    let (own, verdict) = match event.outcome(verdict.name) {
        Some(outcome) => (outcome, verdict),
        None if verdict.name == OutcomeName::DenyAndInterrupt => {
            (event.outcome(OutcomeName::Deny).unwrap_or_else(nothing), verdict)
        }
        // The decision means nothing here, so that nobody made one.
        None => (nothing(), Verdict { decision: None, reason: None, ..verdict }),
    };
    let denies = verdict.decision == Some(Decision::Deny);
    let wish = if denies { OutcomeName::StopRunAndDeny } else { OutcomeName::StopRun };
    let wished = halts || fields.is_some_and(|answer| answer.stop_run);
    match wished.then(|| event.outcome(wish)).flatten() {
        // Ending the run leaves the step as the rest of the answer made it.
        Some(stop) if !denies && stop.action == nothing().action => {
            (Outcome { action: own.action, reason: own.reason, ..stop }, verdict)
        }
        // Where the end of the run is told with a reason, its own text is that reason.
        Some(stop) if verdict.reason.is_none() && !stop.reason.is_empty() => {
            let reason = fields.and_then(|answer| answer.stop_reason.clone()).filter(|text| !text.trim().is_empty());
            (stop, Verdict { reason, ..verdict })
        }
        Some(stop) => (stop, verdict),
        None => (Outcome { turn_ended: own.turn_ended || halts, ..own }, verdict),
    }
}

fn texts(run: &Run<'_>, ruling: &Ruling, fields: Option<&Answer>, outcome: &Outcome, verdict: &Verdict) -> Texts {
    let limit = run.contract.limits.text.as_ref();
    let mut texts = Texts::default();
    if let Some(reason) = &verdict.reason {
        texts.give(&outcome.reason, reason);
    }
    if let Some(answer) = fields {
        for context in &answer.contexts {
            texts.give(&[Reader::Model], &bounded(limit, Some(Role::ModelContext), context));
        }
        for (readers, message) in &answer.messages {
            texts.give(readers, &bounded(limit, Some(Role::UserMessage), message));
        }
        let ends = answer.stop_run && run.event.outcome(OutcomeName::StopRun).is_some();
        let told = verdict.reason == answer.stop_reason && !outcome.reason.is_empty();
        if let Some(reason) = answer.stop_reason.as_ref().filter(|_| ends && !told) {
            texts.give(&[Reader::User], reason);
        }
        if (verdict.name == OutcomeName::OutputUpdate || outcome.action == Action::OutputReplaced)
            && let Some((output, audience)) = &answer.output_update
        {
            let readers = audience.clone().unwrap_or_else(|| vec![Reader::Model]);
            leaves(output, &mut |text| texts.give(&readers, text));
        }
    }
    match ruling.then {
        ExitThen::Text => {
            texts.give(&run.event.text, &bounded(limit, None, run.heard.trimmed()));
        }
        ExitThen::Failed if !ruling.silent => {
            let shown = run.contract.notice.shows_stderr.is;
            let readers: Vec<Reader> =
                run.event.failure.stderr.iter().copied().filter(|reader| shown || *reader != Reader::User).collect();
            texts.give(&readers, &run.stderr());
            if matches!(run.said, Said::Refused(refusal) if refusal.fault != Fault::WrongEvent) {
                texts.give(&run.event.failure.answer, run.heard.trimmed());
            }
        }
        _ => {}
    }
    if run.shows_streams().is_some() && matches!(ruling.then, ExitThen::Text | ExitThen::Failed) {
        texts.give(&[Reader::User], run.heard.trimmed());
        texts.give(&[Reader::User], &run.stderr());
    }
    texts
}

/// Every string in a value.
fn leaves(value: &serde_json::Value, give: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::String(text) => give(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, give)),
        serde_json::Value::Object(map) => map.values().for_each(|item| leaves(item, give)),
        _ => {}
    }
}

/// Whether the text is an absolute path on some operating system.
pub(in crate::oracle) fn is_absolute(path: &str) -> bool {
    let mut start = path.chars();
    path.starts_with('/')
        || path.starts_with("\\\\")
        || (start.next().is_some_and(|c| c.is_ascii_alphabetic())
            && start.next() == Some(':')
            && matches!(start.next(), Some('\\' | '/')))
}

/// The last line of stdout that is not blank, without terminal escapes.
fn last_line(run: &Run<'_>) -> String {
    let line = run.heard.text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    regex_lite::Regex::new("\u{1b}\\[[0-9;?]*[ -/]*[@-~]")
        .map_or_else(|_| line.to_owned(), |escapes| escapes.replace_all(line, "").into_owned())
}

fn status(run: &Run<'_>, ruling: &Ruling) -> HookStatus {
    match (run.facts.ended, ruling.then) {
        (Ended::TimedOut, _) => HookStatus::Cancelled,
        (_, ExitThen::Background) => HookStatus::Background,
        (_, ExitThen::Failed) => HookStatus::Failed,
        (Ended::Exit(0), ExitThen::Nothing) => HookStatus::Ok,
        (_, ExitThen::Nothing) => HookStatus::Failed,
        (_, ExitThen::Deny) if ruling.by_option || ruling.held => HookStatus::Failed,
        _ => HookStatus::Ok,
    }
}

/// How well the weakest fact is known that made the effect what it is.
fn weakest(run: &Run<'_>, ruling: &Ruling, fields: Option<&Answer>, outcome: &Outcome, verdict: &Verdict) -> Evidence {
    let contract = run.contract;
    let mut used: Vec<Basis> = ruling.basis.clone();
    if !matches!(run.facts.ended, Ended::TimedOut | Ended::NotStarted) && ruling.then != ExitThen::Nothing {
        used.extend(run.heard.basis.iter().cloned());
    }
    if let Some(answer) = fields {
        used.extend(answer.basis.iter().cloned());
    }
    if let Said::Refused(refusal) = run.said
        && ruling.then == ExitThen::Failed
    {
        used.push(refusal.basis.clone());
    }
    used.extend(verdict.basis.iter().cloned());
    if matches!(ruling.then, ExitThen::Text | ExitThen::Failed) {
        used.extend(run.shows_streams().map(HandlerOption::basis));
    }
    used.push(Basis {
        evidence: outcome.evidence.unwrap_or(run.event.basis.evidence),
        source: outcome.source.clone().unwrap_or_else(|| run.event.basis.source.clone()),
    });
    used.iter().map(|basis| contract.weigh(basis)).max().unwrap_or(Evidence::Unconfirmed)
}
