//! The help of a finding where it depends on what the platform offers at the event.

use hookproof_harness::Ending;

use crate::contract::{Contract, Event};
use crate::oracle::remedy::{Want, silence_is_valid, want_of, ways};
use crate::oracle::{BROKEN_PIPE_SIGNAL, reported_signal};
use crate::requirement::Requirement;
use crate::run::Run;

/// Ways that one finding names.
const NAMED: usize = 2;

/// How a pipeline outlives a part that ends early.
const BROKEN_PIPE: &str = "With `set -o pipefail`, a pipeline fails where a part ends before it has read everything, as \
                           `head` and `grep -q` do at a long text. Read everything (`sed -n 1p`, `grep -c`), \
                           or put `|| true` behind the pipeline where its code does not matter.";

/// How the requirement is met at this event; `None` where what the requirement itself says is enough.
pub(super) fn of(requirement: &Requirement, contract: &Contract, event: &Event, run: &Run) -> Option<String> {
    let ways = |want: Want| ways(contract, event, want);
    match requirement.id.as_str() {
        "security.allows-dangerous" if !silence_is_valid(contract, event) => {
            let rest = either(&[ways(Want::Ask), ways(Want::Deny)].concat())?;
            Some(format!(
                "Keep `allow` for a short list of harmless calls. For all others {rest}: nothing on stdout is no settled \
                 answer at {}.",
                event.name
            ))
        }
        "stream.text-reaches-nobody" | "security.warning-discarded" => Some(reaches(requirement, event, &ways)),
        "schema.misplaced-field" | "schema.wrong-case" => {
            let document = serde_json::from_slice(&run.observation.stdout.bytes).ok()?;
            let lost = run.effect.decision.is_none() && want_of(&document) == Want::Allow;
            if lost { consent(contract, event, &ways) } else { None }
        }
        "exit.killed-by-signal" | "input.hostile-values" if is_broken_pipe(run) => Some(BROKEN_PIPE.to_owned()),
        "schema.foreign-field" | "schema.unknown-field" | "schema.decision-not-read" => {
            let document = serde_json::from_slice(&run.observation.stdout.bytes).ok()?;
            let want = want_of(&document);
            if want == Want::Allow
                && let Some(consent) = consent(contract, event, &ways)
            {
                return Some(consent);
            }
            let found = either(&ways(want));
            let what = match want {
                Want::Deny => "deny",
                Want::Ask => "ask the user",
                Want::Allow => "allow",
                Want::Tell => "say something",
            };
            match (found, want) {
                (Some(found), _) => Some(format!("To {what} at {}, {found}.", event.name)),
                (None, Want::Ask) => {
                    let found = either(&ways(Want::Deny))?;
                    Some(format!("No hook can ask the user at {}. To deny, {found}.", event.name))
                }
                (None, _) => {
                    Some(format!("No hook can {what} at {}: remove the field, or use another event.", event.name))
                }
            }
        }
        "exit.two-without-reason" if !run.observation.stderr.bytes.is_empty() => {
            Some(capital(&format!("{}.", either(&ways(Want::Deny))?)))
        }
        "exit.one-where-two-was-meant" | "exit.denies-by-accident" => {
            Some(format!("To deny, {}. End with 0 where the hook has no objection.", either(&ways(Want::Deny))?))
        }
        "stream.silence-at-gate" | "stream.silence-asks" => {
            Some(format!("Where the hook has no objection, {}.", either(&ways(Want::Allow))?))
        }
        _ => None,
    }
}

/// How a hook consents and denies at a gate. An unread `allow` that is only put at the right place allows everything that
/// the hook does not know.
fn consent(contract: &Contract, event: &Event, ways: &dyn Fn(Want) -> Vec<String>) -> Option<String> {
    let allowed = either(&ways(Want::Allow)).filter(|_| event.can_deny())?;
    let denied = either(&ways(Want::Deny)).map_or_else(String::new, |denied| format!(" To deny, {denied}."));
    Some(if silence_is_valid(contract, event) {
        format!(
            "Print nothing where the hook has no objection. To allow a short list of harmless calls, {allowed}.{denied}"
        )
    } else {
        format!("To allow at {}, {allowed}; keep that for a short list of harmless calls.{denied}", event.name)
    })
}

/// Whether SIGPIPE ended a part of the hook, and the hook with it.
fn is_broken_pipe(run: &Run) -> bool {
    matches!(run.observation.ending, Ending::Exited { code } if reported_signal(code) == Some(BROKEN_PIPE_SIGNAL))
}

/// How a text reaches somebody, and how a step is stopped with it.
fn reaches(requirement: &Requirement, event: &Event, ways: &dyn Fn(Want) -> Vec<String>) -> String {
    let (told, denied) = (either(&ways(Want::Tell)), either(&ways(Want::Deny)));
    let warns = requirement.id == "security.warning-discarded";
    match (told, denied) {
        (told, Some(denied)) if warns => {
            let told = told.map_or_else(String::new, |told| format!(" To warn only, {told}."));
            format!("To stop the step with the text as the reason, {denied}.{told}")
        }
        (Some(told), Some(denied)) => {
            format!("Print nothing, or {told}. To stop the step with the text as the reason, {denied}.")
        }
        (Some(told), None) => format!("Print nothing, or {told}."),
        (None, Some(denied)) => {
            format!(
                "Print nothing. To stop the step with the text as the reason, {denied}; no other text is read at {}.",
                event.name
            )
        }
        (None, None) => format!(
            "Print nothing: no text of a hook is read at {}. Write it to a file, or use an event at which one is read.",
            event.name
        ),
    }
}

/// The first of these, as alternatives; `None` if there is none.
fn either(ways: &[String]) -> Option<String> {
    let named: Vec<&str> = ways.iter().take(NAMED).map(String::as_str).collect();
    (!named.is_empty()).then(|| named.join(", or "))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Library;
    use crate::requirement::Catalogue;

    fn reaching(platform: &str, event: &str) -> String {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        let event = &contract.events[event];
        let requirement = Catalogue::built_in().unwrap().get("stream.text-reaches-nobody").unwrap();
        reaches(requirement, event, &|want| ways(&contract, event, want))
    }

    #[rstest]
    #[case("claude-code", "Notification", "no text of a hook is read", "stderr")]
    #[case("claude-code", "PreToolUse", "print the reason on stderr and exit with 2", "no other text")]
    #[case("copilot-cli", "preToolUse", "permissionDecisionReason", "stderr")]
    #[case("windsurf", "pre_run_command", "print the reason on stderr and exit with 2", "{")]
    fn only_what_works_at_the_event_is_named(
        #[case] platform: &str,
        #[case] event: &str,
        #[case] there: &str,
        #[case] absent: &str,
    ) {
        let help = reaching(platform, event);
        assert!(help.contains(there) && !help.contains(absent), "{help}");
    }
}
