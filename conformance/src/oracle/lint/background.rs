//! Decisions of hooks that run in the background.

use serde_json::Value;

use super::Problems;
use crate::contract::{Action, Decision, ExitThen, OutcomeName, Role};
use crate::json;
use crate::oracle::exit::Ruling;
use crate::oracle::{Effect, Ended, Facts, Run, interpret};

pub(super) fn lint(problems: &mut Problems<'_>, ruling: &Ruling) {
    if ruling.then != ExitThen::Background {
        return;
    }
    let run = problems.run;
    let option = run.option(|option| option.backgrounds.as_ref()).map(|(name, _)| name);
    let mut facts = run.facts.clone();
    let announced = without_announcement(run);
    match (option, &announced) {
        // In the foreground the same output is read as an answer.
        (Some(name), _) => drop(facts.handler.remove(name)),
        (None, Some(rest)) => facts.stdout = rest.as_bytes(),
        (None, None) => return,
    }
    let Some(wish) = wish(run, &facts) else { return };
    let how = match option {
        Some(name) => format!("the configuration has `{name}`"),
        None => "the first line on stdout sends it to the background".to_owned(),
    };
    problems.add_on(
        &ruling.basis,
        "security.background-decision",
        format!("the hook {wish}, but {how}: {} does not wait for it", run.event.name),
    );
}

/// What the hook would have brought about in the foreground; `None` if it is nothing that comes too late.
fn wish(run: &Run<'_>, facts: &Facts<'_>) -> Option<String> {
    let effect: Effect = interpret(run.contract, run.event, facts);
    let by = match facts.ended {
        Ended::Exit(2) => " (exit code 2)",
        _ => "",
    };
    let usual = run.event.outcome(OutcomeName::Nothing).map(|outcome| outcome.action);
    match effect.action {
        Action::Continued => Some(format!("keeps the agent from stopping{by}")),
        _ if effect.stops_the_step() => Some(format!("blocks{by}")),
        Action::InputRewritten => Some("rewrites the input".to_owned()),
        Action::OutputReplaced => Some("replaces the output".to_owned()),
        Action::Prompted if effect.decision == Some(Decision::Ask) => Some("asks the user".to_owned()),
        Action::Allowed if usual != Some(Action::Allowed) => Some("grants the permission".to_owned()),
        _ => None,
    }
}

/// Stdout without what announces that the hook goes on in the background: without the line, or without the field of a
/// document that says more. `None` if nothing does.
fn without_announcement(run: &Run<'_>) -> Option<String> {
    let text = run.heard.trimmed();
    let fields: Vec<&str> = run.event.fields_with(Role::Background).map(|(path, _)| path.as_str()).collect();
    let announces = |value: &Value| fields.iter().any(|field| value.get(*field) == Some(&Value::Bool(true)));
    if let Ok(mut document) = json::parse(text)
        && announces(&document.value)
    {
        let object = document.value.as_object_mut()?;
        object.retain(|key, _| !fields.contains(&key.as_str()));
        return Some(document.value.to_string());
    }
    let (first, rest) = text.split_once('\n')?;
    json::parse(first.trim()).is_ok_and(|line| announces(&line.value)).then(|| rest.to_owned())
}
