//! How a platform is told of the preparation: its adapter's own answer to the start of a session, with more in it.

use serde::Deserialize;
use serde_json::Value;

use super::report::Report;
use crate::adapters::PayloadError;
use crate::io::{Document, EmitError, Intent};
use crate::run::Notes;

/// Where a platform shows a person a line.
#[derive(Debug, Clone, Copy)]
enum Person {
    /// A field of the answer.
    Field(&'static str),
    /// Nowhere; but the model is told, in the field at this place, and can pass it on.
    Model(&'static str),
    /// Nowhere.
    Nowhere,
}

/// A platform's start of a session.
struct Start {
    platform: &'static str,
    events: &'static [&'static str],
    person: Person,
    /// Whether integers in `metrics` are taken.
    metrics: bool,
}

const SYSTEM_MESSAGE: Person = Person::Field("systemMessage");
const SPECIFIC_CONTEXT: Person = Person::Model("/hookSpecificOutput/additionalContext");

const fn start(platform: &'static str, events: &'static [&'static str], person: Person) -> Start {
    Start { platform, events, person, metrics: false }
}

/// Written from the documents of the platforms. Those that are not here have no start of a session.
const STARTS: &[Start] = &[
    Start { metrics: true, ..start("claude-code", &["SessionStart"], SYSTEM_MESSAGE) },
    start("codex", &["SessionStart"], SYSTEM_MESSAGE),
    start("gemini-cli", &["SessionStart"], SYSTEM_MESSAGE),
    start("qwen-code", &["SessionStart"], SYSTEM_MESSAGE),
    start("cursor", &["sessionStart"], Person::Model("/additional_context")),
    start("copilot-cli", &["sessionStart", "SessionStart"], Person::Model("/additionalContext")),
    start("vscode-copilot", &["SessionStart"], SYSTEM_MESSAGE),
    start("cline-vscode", &["TaskStart"], Person::Nowhere),
    start("cline-sdk", &["TaskStart"], Person::Nowhere),
    start("kiro-cli", &["agentSpawn"], Person::Nowhere),
    start("kiro-v3", &["SessionStart"], Person::Nowhere),
    start("factory-droid", &["SessionStart"], SYSTEM_MESSAGE),
    start("augment", &["SessionStart"], SYSTEM_MESSAGE),
    start("goose", &["SessionStart"], Person::Field("banner")),
    start("antigravity", &["SessionStart"], Person::Nowhere),
    start("devin-cli", &["SessionStart"], SPECIFIC_CONTEXT),
    start("raw", &["context"], SYSTEM_MESSAGE),
];

/// The fields by which payloads name their event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    hook_event_name: Option<Value>,
    #[serde(rename = "hookEventName")]
    hook_event_name_camel: Option<Value>,
    #[serde(rename = "hookName")]
    hook_name: Option<Value>,
    event: Option<Value>,
}

/// Whether a payload is the start of a session; `event` is what the command line says.
pub(crate) fn is_start(platform: &str, event: Option<&str>, payload: &str) -> bool {
    let Some(start) = STARTS.iter().find(|start| start.platform == platform) else { return false };
    let named: Named = serde_json::from_str(payload).unwrap_or_default();
    let named = [named.hook_event_name, named.hook_event_name_camel, named.hook_name, named.event];
    let named = named.iter().flatten().find_map(Value::as_str);
    // Some name the event in other words than they are configured with, which the command line then has.
    [named, event].into_iter().flatten().next().is_some_and(|name| start.events.contains(&name))
        || (platform == "cline-sdk" && event.is_some_and(|event| start.events.contains(&event)))
}

/// The adapter's answer with what there is to tell.
///
/// # Errors
///
/// Returns a [`PayloadError`] if the answer is no object any more.
pub(crate) fn told(platform: &str, intent: Intent, report: &Report, notes: &mut Notes) -> Result<Intent, PayloadError> {
    let telemetry = report.telemetry();
    let line = report.line();
    notes.add(format!("{platform}/bootstrap: {}", Value::Object(telemetry.clone())));
    notes.lines(line.as_deref());
    let Some(start) = STARTS.iter().find(|start| start.platform == platform) else { return Ok(intent) };
    let document = match &intent {
        Intent::ModelContext(document) | Intent::UserHint(document) => Some(document),
        Intent::GracefulExit => None,
        // A decision, a line or a failure has no place for more.
        _ => return Ok(intent),
    };
    let changed = |change: &dyn Fn(&mut Value)| -> Result<Document, EmitError> {
        match document {
            Some(document) => document.changed(change),
            None => {
                let mut object = Value::Object(serde_json::Map::new());
                change(&mut object);
                Document::new(&object)
            }
        }
    };
    let (is_shown, is_counted) = (line.is_some() && !matches!(start.person, Person::Nowhere), start.metrics);
    if !is_shown && !is_counted {
        return Ok(intent);
    }
    let document = changed(&|answer| {
        match (start.person, &line) {
            (Person::Field(name), Some(line)) => answer[name] = line.as_str().into(),
            (Person::Model(place), Some(line)) => {
                if let Some(Value::String(text)) = answer.pointer_mut(place) {
                    text.push(' ');
                    text.push_str(line);
                }
            }
            (Person::Nowhere, _) | (_, None) => {}
        }
        if start.metrics {
            answer["metrics"] = Value::Object(telemetry.clone());
        }
    })?;
    Ok(if matches!(intent, Intent::GracefulExit) { Intent::UserHint(document) } else { Intent::ModelContext(document) })
}
