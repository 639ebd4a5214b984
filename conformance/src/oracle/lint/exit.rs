//! Exit codes and signals.

use regex_lite::Regex;

use super::{Problems, answered};
use crate::contract::{Basis, Decision, EndingPattern, ExitThen, OutcomeName};
use crate::launcher::Launchers;
use crate::oracle::effect::Effect;
use crate::oracle::exit::Ruling;
use crate::oracle::{Ended, Facts, Run, Said, interpret, say_signal};

pub(super) fn lint(problems: &mut Problems<'_>, ruling: &Ruling, effect: &Effect) {
    let run = problems.run;
    let silent = !run.has_stdout() && run.stderr().trim().is_empty();
    match run.facts.ended {
        Ended::NotStarted => {
            problems.add("exit.not-started", "the command could not be started");
        }
        Ended::Signal(signal) => {
            let said = if silent { ", with nothing on either stream" } else { "" };
            problems.add("exit.killed-by-signal", format!("the hook was killed by signal {signal}{said}"));
        }
        Ended::Exit(code) if run.facts.signal().is_some() => {
            let said = if silent { ", with nothing on either stream" } else { "" };
            problems.add("exit.killed-by-signal", format!("{}{said}", say_signal(code)));
            deny_by_accident(problems, ruling, code);
        }
        Ended::Exit(2) => two(problems, ruling, effect),
        Ended::Exit(code) if code != 0 => {
            if deny_by_accident(problems, ruling, code) {
                // Said, or the platform's own word for a denial.
            } else if answered(run) && ruling.then != ExitThen::Answer {
                unread_answer(problems, ruling, code);
            } else if answered(run) {
                problems.add_on(
                    &ruling.basis,
                    "exit.code-beside-answer",
                    format!("exit code {code} beside an accepted answer: the code is ignored"),
                );
            } else if silent {
                problems.add("exit.silent-failure", format!("exit code {code} with nothing on either stream"));
            } else if matches!(ruling.then, ExitThen::Deny | ExitThen::Halt) && !ruling.by_option {
                problems.add_on(
                    &ruling.basis,
                    "exit.failure",
                    format!("exit code {code} at {}, where nothing can be denied", run.event.name),
                );
            } else if ruling.then == ExitThen::Failed {
                problems.add_on(
                    &ruling.basis,
                    "exit.failure",
                    format!("exit code {code}: the platform takes the hook for failed"),
                );
            }
            if code == 126 || code == 127 || code > 128 {
                problems.add(
                    "exit.reserved-code",
                    format!("exit code {code} is what a shell says of a command that {}", meaning(code)),
                );
            }
        }
        Ended::Exit(_) | Ended::TimedOut => {}
    }
}

/// Whether a denial does anything at this event: to the step, or by a reason that is passed on.
fn counts(run: &Run<'_>) -> bool {
    run.event.can_deny() || run.event.outcome(OutcomeName::Deny).is_some_and(|deny| !deny.reason.is_empty())
}

/// Whether the code denies; notes it where errors end with the same one.
fn deny_by_accident(problems: &mut Problems<'_>, ruling: &Ruling, code: i32) -> bool {
    let by_code = matches!(ruling.then, ExitThen::Deny | ExitThen::Halt) && !ruling.by_option;
    let denies = by_code && problems.run.event.can_deny();
    if denies && !is_chosen(problems.run, code) {
        problems.add_on(
            &ruling.basis,
            "exit.denies-by-accident",
            format!("exit code {code} denies the step, as every error of the hook does that ends with it"),
        );
    }
    denies
}

/// Whether the exit table names this very code as one that denies.
fn is_chosen(run: &Run<'_>, code: i32) -> bool {
    run.event.exits.iter().any(|row| {
        matches!(row.then, ExitThen::Deny | ExitThen::Halt) && row.on.contains(&EndingPattern::Exactly(code))
    })
}

/// An answer that would count beside another exit code.
fn unread_answer(problems: &mut Problems<'_>, ruling: &Ruling, code: i32) {
    if !problems.run.event.exits.iter().any(|row| row.then == ExitThen::Answer) || ruling.then == ExitThen::Background {
        return;
    }
    problems.add_on(
        &ruling.basis,
        "exit.answer-not-read",
        format!("the answer on stdout is not read beside exit code {code}"),
    );
}

/// Whether exit code 2 would deny if something stood on stderr.
fn needs_stderr(run: &Run<'_>) -> bool {
    // What stands on stderr may be read as an answer, so that the whole run is looked at anew.
    let facts = Facts { stderr: b"not allowed", ..run.facts.clone() };
    run.stderr().trim().is_empty() && interpret(run.contract, run.event, &facts).decision == Some(Decision::Deny)
}

fn meaning(code: i32) -> String {
    match code {
        126 => "cannot be executed".to_owned(),
        127 => "is not found".to_owned(),
        _ => format!("was killed by signal {}", code - 128),
    }
}

fn two(problems: &mut Problems<'_>, ruling: &Ruling, effect: &Effect) {
    let run = problems.run;
    let stderr = run.stderr();
    // Words such as "no such file" may be a reason of the hook's own; only a launcher's whole sentence is one.
    let launcher = !run.has_stdout()
        && Launchers::built_in().is_ok_and(|all| all.says_script_is_missing(2, &format!("{stderr}\n")));
    let by_contract = run.event.exits.iter().any(|row| {
        row.then == ExitThen::Failed
            && row.stderr_matches.as_ref().is_some_and(|pattern| {
                Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&stderr)) && !run.has_stdout()
            })
    });
    if launcher || by_contract {
        let consequence = if ruling.then == ExitThen::Deny {
            "a missing script then denies everything"
        } else {
            "the platform takes the hook for missing and goes on"
        };
        problems.add_on(
            &ruling.basis,
            "exit.looks-like-missing-script",
            format!("exit code 2 and what a launcher says of a missing script on stderr: {consequence}"),
        );
        return;
    }
    let allowed = match run.said {
        Said::Answer(answer) => answer.decision().map(|made| made.decision),
        _ => None,
    };
    if ruling.then == ExitThen::Deny && counts(run) {
        match allowed {
            Some(Decision::Allow) => {
                problems.add_on(
                    &ruling.basis,
                    "exit.two-beside-allow",
                    "exit code 2 beside an answer that allows: the code wins",
                );
            }
            Some(Decision::Ask) => {
                problems.add_on(
                    &ruling.basis,
                    "exit.two-beside-ask",
                    "exit code 2 turns the `ask` of the answer into a denial",
                );
            }
            _ => {}
        }
        let readers = run.event.outcome(OutcomeName::Deny).map(|outcome| outcome.reason).unwrap_or_default();
        if effect.reason.is_none() && !readers.is_empty() {
            let reason = if stderr.trim().is_empty() {
                "exit code 2 with nothing on stderr, and no other reason"
            } else {
                "exit code 2 with a text on stderr, which nobody reads here, and no other reason"
            };
            problems.add_on(&ruling.basis, "exit.two-without-reason", reason);
        }
    } else if needs_stderr(run) {
        problems.add_on(
            &ruling.basis,
            "exit.two-needs-stderr",
            "exit code 2 with nothing on stderr: without a text it denies nothing",
        );
    } else if answered(run) && ruling.then != ExitThen::Answer {
        unread_answer(problems, ruling, 2);
    } else if (!answered(run) || ruling.then == ExitThen::Deny) && ruling.then != ExitThen::Background {
        let basis = [ruling.basis.clone(), vec![run.event.basis.clone()]].concat();
        let basis: Vec<Basis> = basis;
        problems.add_on(
            &basis,
            "exit.two-where-nothing-blocks",
            format!("exit code 2 has no effect at {}", run.event.name),
        );
    }
}
