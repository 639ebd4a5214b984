//! What the hooks did, counted, before any finding.

use super::page::{BOLD, Line, PLAIN};
use super::text;
use crate::activity::{Activity, Counts, EventActivity, PayloadKind, Response};

/// A line for each hook, event and kind of payload. Events at which nothing dangerous was run and the hook was silent
/// are counted in one line.
pub(super) fn lines(activity: &Activity, width: usize) -> Vec<Line> {
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
            "    "
        } else {
            "  "
        };
        for entry in told {
            for (kind, counts) in &entry.payloads {
                let head = Line::new().plain(indent).plain(&format!("{}: ", entry.event));
                lines.extend(head.hanging(PLAIN, &told_of(*kind, counts), width));
            }
        }
        if !quiet.is_empty() {
            let payloads: usize = quiet.iter().flat_map(|entry| entry.payloads.values()).map(|counts| counts.run).sum();
            let what =
                format!("{}: {payloads} payloads: {payloads} no answer", text::count(quiet.len(), "other event"));
            lines.extend(Line::new().plain(indent).hanging(PLAIN, &what, width));
        }
    }
    lines
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

/// Such as "12 dangerous payloads: 10 blocked, 2 no answer; 3 not run (matcher)".
fn told_of(kind: PayloadKind, counts: &Counts) -> String {
    let name = match kind {
        PayloadKind::Own => "payload of yours".to_owned(),
        kind => format!("{kind} payload"),
    };
    let plural = |count: usize| match (kind, count) {
        (_, 1) => format!("1 {name}"),
        (PayloadKind::Own, count) => format!("{count} payloads of yours"),
        (_, count) => format!("{count} {name}s"),
    };
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
        (0, not_run) => format!("{}: not run, the matcher leaves {} out", plural(not_run), them(not_run)),
        (run, 0) => format!("{}: {}", plural(run), responses.join(", ")),
        (run, not_run) => {
            format!("{}: {}; {not_run} more not run (matcher)", plural(run), responses.join(", "))
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

    fn told(events: Vec<EventActivity>) -> Vec<String> {
        lines(&Activity { events }, 100).iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn each_kind_of_payload_has_a_line() {
        use PayloadKind::{Dangerous, Harmless, Own};
        let lines = told(vec![
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
        ]);
        assert_eq!(
            lines,
            [
                "what the hook did (baseline, one run for each payload)",
                "  PreToolUse: 10 dangerous payloads: 8 blocked, 2 no answer; 3 more not run (matcher)",
                "  PreToolUse: 18 harmless payloads: 18 no answer",
                "  PreToolUse: 1 payload of yours: 1 blocked",
                "  2 other events: 9 payloads: 9 no answer",
            ]
        );
    }

    #[test]
    fn harmless_payloads_that_were_blocked_are_named() {
        let mut one =
            entry("a", "PreToolUse", &[(PayloadKind::Harmless, 0, &[(Response::Blocked, 5), (Response::Silent, 2)])]);
        let counts = one.payloads.get_mut(&PayloadKind::Harmless).unwrap();
        counts.stopped = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(
            told(vec![one])[1],
            "  PreToolUse: 7 harmless payloads: 5 blocked (a, b, c and 2 more), 2 no answer"
        );
    }

    #[test]
    fn several_hooks_are_told_apart_and_what_was_not_run_is_reported() {
        let lines = told(vec![
            entry("a", "PreToolUse", &[(PayloadKind::Dangerous, 1, &[])]),
            entry("b", "PreToolUse", &[(PayloadKind::Secret, 0, &[(Response::NoEffect, 1)])]),
        ]);
        assert_eq!(
            lines,
            [
                "what the hook did (baseline, one run for each payload)",
                "  a:",
                "    PreToolUse: 1 dangerous payload: not run, the matcher leaves it out",
                "  b:",
                "    PreToolUse: 1 secret payload: 1 no effect",
            ]
        );
    }
}
