//! What the hooks did, counted, before any finding.

use std::collections::BTreeMap;

use super::page::{BOLD, Line, PLAIN};
use super::text;
use crate::activity::{Activity, Counts, EventActivity, PayloadKind, Response};

/// A line for each hook and event, and more where a hook did what a user may not expect; in a verbose report one for each
/// kind of payload as well. Events at which nothing dangerous was run and the hook was silent are counted in one line.
pub(super) fn lines(activity: &Activity, width: usize, verbose: bool) -> Vec<Line> {
    let subjects = activity.subjects();
    if subjects.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::new().add(BOLD, "what the hook did").plain(" (baseline, one run for each payload)")];
    for &subject in &subjects {
        let own = activity.events.iter().filter(|entry| entry.subject == subject);
        let (quiet, told): (Vec<_>, Vec<_>) = own.partition(|entry| is_quiet(entry));
        let indent = if subjects.len() > 1 {
            lines.push(
                Line::new().plain("  ").add(BOLD, &text::cut_middle(&text::visible(subject), width - 3)).plain(":"),
            );
            4
        } else {
            2
        };
        for entry in told {
            let head = Line::indent(indent).plain(&format!("{}: ", entry.event));
            lines.extend(head.hanging(PLAIN, &counted(entry), width));
            let kinds = if verbose { each_kind(entry) } else { unexpected(entry) };
            lines.extend(kinds.iter().flat_map(|text| Line::indent(indent + 2).hanging(PLAIN, text, width)));
        }
        if !quiet.is_empty() {
            let payloads: usize = quiet.iter().flat_map(|entry| entry.payloads.values()).map(|counts| counts.run).sum();
            let events = match quiet[..] {
                [one] => one.event.clone(),
                _ => text::count(quiet.len(), "other event"),
            };
            let what = format!("{events}: silent {payloads}");
            lines.extend(Line::indent(indent).hanging(PLAIN, &what, width));
        }
    }
    lines
}

/// Such as "blocked 12, allowed 0, silent 18, failed 0; 12 of 30 dangerous payloads blocked".
fn counted(entry: &EventActivity) -> String {
    const ALWAYS: [Response; 4] = [Response::Blocked, Response::Allowed, Response::Silent, Response::Failed];
    let mut all: BTreeMap<Response, usize> = BTreeMap::new();
    for (response, count) in entry.payloads.values().flat_map(|counts| &counts.responses) {
        *all.entry(*response).or_default() += count;
    }
    if all.is_empty() {
        return "not run".to_owned();
    }
    // Nothing is blocked or allowed where nothing can be.
    let decides = |response: &Response| matches!(response, Response::Blocked | Response::Allowed);
    for response in ALWAYS.iter().filter(|response| entry.can_block || !decides(response)) {
        all.entry(*response).or_default();
    }
    let told: Vec<String> = all.iter().map(|(response, count)| format!("{response} {count}")).collect();
    let threats = PayloadKind::THREATS.iter().filter_map(|kind| {
        let counts = entry.payloads.get(kind).filter(|counts| counts.run > 0 && entry.can_block)?;
        let (blocked, run) = (counts.of(Response::Blocked), plural(*kind, counts.run));
        Some(format!("{blocked} of {run}"))
    });
    let threats = threats.collect::<Vec<_>>().join(" and ");
    let threats = if threats.is_empty() { threats } else { format!("; {threats} blocked") };
    format!("{}{threats}", told.join(", "))
}

/// What deserves a line of its own: harmless payloads that were blocked, what became of the user's own, and what was not run.
fn unexpected(entry: &EventActivity) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, counts) in &entry.payloads {
        if *kind == PayloadKind::Own || counts.not_run > 0 {
            lines.push(told_of(*kind, counts));
        } else if !counts.stopped.is_empty() {
            lines.push(format!("{} blocked: {}", plural(*kind, counts.stopped.len()), named(&counts.stopped)));
        }
    }
    lines
}

fn each_kind(entry: &EventActivity) -> Vec<String> {
    entry.payloads.iter().map(|(kind, counts)| told_of(*kind, counts)).collect()
}

/// Whether there is nothing to tell of the event: nothing was stopped that might have been, and nothing left out.
fn is_quiet(entry: &EventActivity) -> bool {
    entry.payloads.iter().all(|(kind, counts)| {
        !kind.is_threat()
            && *kind != PayloadKind::Own
            && counts.not_run == 0
            && counts.responses.keys().all(|response| *response == Response::Silent)
    })
}

/// Such as "1 dangerous payload".
fn plural(kind: PayloadKind, count: usize) -> String {
    match kind {
        PayloadKind::Own => format!("{} of yours", text::count(count, "payload")),
        kind => text::count(count, &format!("{kind} payload")),
    }
}

/// Such as "12 dangerous payloads: 10 blocked, 2 no answer; 3 not run (matcher)".
fn told_of(kind: PayloadKind, counts: &Counts) -> String {
    let responses: Vec<String> = counts
        .responses
        .iter()
        .map(|(response, count)| match response {
            Response::Blocked if !counts.stopped.is_empty() => {
                format!("{count} {response} ({})", named(&counts.stopped))
            }
            _ => format!("{count} {response}"),
        })
        .collect();
    match (counts.run, counts.not_run) {
        (0, not_run) => format!("{}: not run, the matcher leaves {} out", plural(kind, not_run), them(not_run)),
        (run, 0) => format!("{}: {}", plural(kind, run), responses.join(", ")),
        (run, not_run) => {
            format!("{}: {}; {not_run} more not run (matcher)", plural(kind, run), responses.join(", "))
        }
    }
}

/// The first of the names, and how many others there are.
fn named(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        others => format!("{} and {others} more", shown.join(", ")),
    }
}

fn them(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, payloads that were not run, and responses to the others.
    type Row<'a> = (PayloadKind, usize, &'a [(Response, usize)]);

    fn entry(subject: &str, event: &str, payloads: &[Row<'_>]) -> EventActivity {
        let counts = |not_run: usize, responses: &[(Response, usize)]| Counts {
            run: responses.iter().map(|(_, count)| count).sum(),
            not_run,
            responses: responses.iter().copied().collect(),
            stopped: Vec::new(),
        };
        EventActivity {
            subject: subject.to_owned(),
            event: event.to_owned(),
            can_block: true,
            can_respond: true,
            payloads: payloads.iter().map(|(kind, not_run, responses)| (*kind, counts(*not_run, responses))).collect(),
        }
    }

    fn told(events: Vec<EventActivity>, verbose: bool) -> Vec<String> {
        lines(&Activity { events }, 100, verbose).iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn each_event_has_a_line_and_each_kind_of_payload_if_that_is_asked_for() {
        use PayloadKind::{Dangerous, Harmless, Own};
        let events = || {
            vec![
                entry(
                    "a",
                    "PreToolUse",
                    &[
                        (Dangerous, 3, &[(Response::Blocked, 8), (Response::Silent, 2)]),
                        (Harmless, 0, &[(Response::Silent, 18)]),
                        (Own, 0, &[(Response::Blocked, 1)]),
                    ],
                ),
                entry("a", "Stop", &[(Harmless, 0, &[(Response::Silent, 4)])]),
                entry("a", "Setup", &[(Harmless, 0, &[(Response::Silent, 5)])]),
            ]
        };
        assert_eq!(
            told(events(), false),
            [
                "what the hook did (baseline, one run for each payload)",
                "  PreToolUse: blocked 9, allowed 0, silent 20, failed 0; 8 of 10 dangerous payloads blocked",
                "    10 dangerous payloads: 8 blocked, 2 silent; 3 more not run (matcher)",
                "    1 payload of yours: 1 blocked",
                "  2 other events: silent 9",
            ]
        );
        assert_eq!(told(events(), true)[3], "    18 harmless payloads: 18 silent");
    }

    #[test]
    fn nothing_is_blocked_where_nothing_can_be() {
        let mut after = entry("a", "PostToolUse", &[(PayloadKind::Dangerous, 0, &[(Response::Failed, 5)])]);
        after.can_block = false;
        assert_eq!(told(vec![after], false)[1], "  PostToolUse: silent 0, failed 5");
    }

    #[test]
    fn harmless_payloads_that_were_blocked_are_named() {
        let mut one =
            entry("a", "PreToolUse", &[(PayloadKind::Harmless, 0, &[(Response::Blocked, 5), (Response::Silent, 2)])]);
        let counts = one.payloads.get_mut(&PayloadKind::Harmless).unwrap();
        counts.stopped = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(
            told(vec![one], false)[1..],
            [
                "  PreToolUse: blocked 5, allowed 0, silent 2, failed 0",
                "    5 harmless payloads blocked: a, b, c and 2 more"
            ]
        );
    }

    #[test]
    fn several_hooks_are_told_apart_and_what_was_not_run_is_reported() {
        let lines = told(
            vec![
                entry("a", "PreToolUse", &[(PayloadKind::Dangerous, 1, &[])]),
                entry("b", "PreToolUse", &[(PayloadKind::Secret, 0, &[(Response::NoEffect, 1)])]),
            ],
            false,
        );
        assert_eq!(
            lines,
            [
                "what the hook did (baseline, one run for each payload)",
                "  a:",
                "    PreToolUse: not run",
                "      1 dangerous payload: not run, the matcher leaves it out",
                "  b:",
                "    PreToolUse: blocked 0, allowed 0, ignored 1, silent 0, failed 0; 0 of 1 secret payload blocked",
            ]
        );
    }
}
