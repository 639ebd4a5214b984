//! Templates: how a platform's document for a situation is made from a document that the platform has.
//!
//! `fixtures/payloads/<platform>/templates.toml` names, for a kind of step, the events, the payload that serves as a
//! template at each of them, and the texts in it that a situation replaces.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::situation::{Kind, Situation, Slot, refused, syntax};
use super::{Payload, PayloadError, Payloads, Provenance, ProvenanceKind};

/// Where projects lie in payloads; [`crate::run`] replaces it by the folder of the run.
const PROJECT: &str = "/home/dev/project/";

/// The templates of one platform.
#[derive(Debug, Clone)]
pub(super) struct Templates {
    platform: String,
    all: Vec<Template>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    kind: Kind,
    events: Vec<String>,
    /// Name of the payload at each of the events.
    from: String,
    /// The texts of the payload that are replaced.
    slots: BTreeMap<Slot, Marker>,
}

/// A text of a template that a situation replaces.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a text of the payload, or { text, line_prefix }")]
enum Marker {
    Plain(String),
    Prefixed(Prefixed),
}

/// Every line of what takes the text's place begins with a prefix, as in a patch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prefixed {
    text: String,
    line_prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    template: Vec<Template>,
}

impl Templates {
    /// Parses a file of templates; the last folder of `path` is the platform.
    ///
    /// # Errors
    /// [`PayloadError`] names file, line and column.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Templates, PayloadError> {
        let platform = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let platform =
            platform.ok_or_else(|| refused(path, "the path must end in <platform>/templates.toml".to_owned()))?;
        let File { template: all } = toml::from_str(text).map_err(|error| syntax(path, text, &error))?;
        for template in &all {
            let missing = template.kind.required().iter().find(|slot| !template.slots.contains_key(slot));
            if let Some(slot) = missing {
                let message = format!("the template from {:?} has no slot for {slot:?}", template.from);
                return Err(refused(path, message));
            }
            if template.slots.values().any(|marker| marker.text().is_empty()) {
                let message = format!("the template from {:?} has an empty slot", template.from);
                return Err(refused(path, message));
            }
        }
        Ok(Templates { platform: platform.to_owned(), all })
    }

    /// The payloads for all situations at all events that have a template. A payload that is there already goes before
    /// one that would be made.
    ///
    /// # Errors
    /// A template that names a payload that there is not, or a text that is not in it.
    pub(super) fn make(
        &self,
        path: &Path,
        situations: &[Situation],
        payloads: &Payloads,
    ) -> Result<Vec<Payload>, PayloadError> {
        let mut made = Vec::new();
        for template in &self.all {
            for event in &template.events {
                let base = payloads
                    .get(&self.platform, event, &template.from)
                    .ok_or_else(|| refused(path, format!("there is no payload {event}/{}.json", template.from)))?;
                for (slot, marker) in &template.slots {
                    let mut found = false;
                    each_text(&mut base.stdin.clone(), &mut |text| found |= text.contains(marker.text()));
                    if !found {
                        let message =
                            format!("{event}/{}.json has no text {:?} for {slot:?}", template.from, marker.text());
                        return Err(refused(path, message));
                    }
                }
                let is_served = |kind: Kind| {
                    let has =
                        |kind: Kind| self.all.iter().any(|other| other.kind == kind && other.events.contains(event));
                    kind == template.kind || (!has(kind) && kind.stand_in() == Some(template.kind))
                };
                // What makes a file that is read a secret is its content, which few events have.
                let is_shown = |wanted: &Situation| {
                    !(wanted.kind == Kind::Read && wanted.labels.contains("secret"))
                        || template.slots.contains_key(&Slot::Content)
                };
                let wanted = situations.iter().filter(|wanted| is_served(wanted.kind) && is_shown(wanted));
                for situation in wanted.filter(|wanted| payloads.get(&self.platform, event, &wanted.name).is_none()) {
                    made.push(template.fill(base, situation));
                }
            }
        }
        Ok(made)
    }
}

impl Template {
    fn fill(&self, base: &Payload, situation: &Situation) -> Payload {
        let mut stdin = base.stdin.clone();
        let slots: Vec<(&str, String)> = self
            .slots
            .iter()
            .filter_map(|(slot, marker)| {
                let text = situation.text(*slot)?;
                let absolute = *slot == Slot::Path && marker.text().starts_with('/');
                let text = if absolute { format!("{PROJECT}{text}") } else { text.to_owned() };
                Some((marker.text(), marker.spell(&text)))
            })
            .collect();
        each_text(&mut stdin, &mut |text| *text = replaced(text, &slots));
        Payload {
            platform: base.platform.clone(),
            event: base.event.clone(),
            name: situation.name.clone(),
            title: situation.title.clone(),
            provenance: Provenance {
                kind: ProvenanceKind::Synthetic,
                platform: base.platform.clone(),
                version: base.provenance.version.clone(),
                source: format!("made from {}.json and the situation {}", base.name, situation.name),
            },
            labels: situation.labels.clone(),
            stdin,
            made: true,
            own: None,
        }
    }
}

impl Marker {
    fn text(&self) -> &str {
        match self {
            Marker::Plain(text) | Marker::Prefixed(Prefixed { text, .. }) => text,
        }
    }

    fn spell(&self, text: &str) -> String {
        match self {
            Marker::Plain(_) => text.to_owned(),
            Marker::Prefixed(Prefixed { line_prefix, .. }) => {
                text.lines().map(|line| format!("{line_prefix}{line}")).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Calls `change` for every text of a document, also for those in JSON that is itself a text of the document.
fn each_text(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => {
            let inner = text.starts_with(['{', '[']).then(|| serde_json::from_str::<Value>(text).ok()).flatten();
            match inner {
                Some(mut inner) => {
                    each_text(&mut inner, change);
                    *text = inner.to_string();
                }
                None => change(text),
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, change)),
        _ => {}
    }
}

/// `text` with every marker replaced, in one pass, so that nothing is replaced in what was just put in.
fn replaced(text: &str, slots: &[(&str, String)]) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((at, marker, new)) =
        slots.iter().filter_map(|(marker, new)| Some((rest.find(marker)?, *marker, new))).min_by_key(|(at, ..)| *at)
    {
        result.push_str(&rest[..at]);
        result.push_str(new);
        rest = &rest[at + marker.len()..];
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SITUATIONS: &str = r#"
[[situation]]
name = "push"
title = "a push"
labels = ["guarded"]
command = "git push \"npm test\""

[[situation]]
name = "env"
title = "an env file"
labels = ["guarded"]
edit = { path = ".env", old = "A", new = "B\nC\n" }
"#;

    fn payloads(stdin: &Value, name: &str) -> Payloads {
        let file = json!({
            "title": "t", "labels": [], "stdin": stdin,
            "provenance": {"kind": "recorded", "platform": "p", "version": "1", "source": "s"},
        });
        Payloads::parse([(format!("p/E/{name}.json").as_str(), file.to_string().as_str())]).expect("a payload")
    }

    fn make(template: &str, stdin: &Value, name: &str) -> Result<Vec<Payload>, String> {
        let situations = Situation::parse(Path::new("s.toml"), SITUATIONS).expect("situations");
        let path = Path::new("p/templates.toml");
        let templates = Templates::parse(path, template).map_err(|error| error.to_string())?;
        templates.make(path, &situations, &payloads(stdin, name)).map_err(|error| error.to_string())
    }

    #[test]
    fn replaces_texts_wherever_they_stand() {
        let template = "[[template]]\nkind = \"command\"\nevents = [\"E\"]\nfrom = \"bash\"\n\
                        slots = { command = \"npm test\", note = \"Run it\" }";
        let stdin = json!({"a": ["npm test:*"], "b": "{\"command\":\"npm test\"}", "c": "Run it", "d": 1});
        let made = make(template, &stdin, "bash").expect("is made");
        let [payload] = made.as_slice() else { panic!("one") };
        let expected = json!({
            "a": ["git push \"npm test\":*"],
            "b": "{\"command\":\"git push \\\"npm test\\\"\"}",
            "c": "a push",
            "d": 1,
        });
        assert_eq!(payload.stdin, expected);
        assert!(payload.made && payload.is("guarded") && payload.provenance.kind == ProvenanceKind::Synthetic);
    }

    #[test]
    fn an_edit_is_a_write_where_there_is_no_edit() {
        let template = "[[template]]\nkind = \"write\"\nevents = [\"E\"]\nfrom = \"write-file\"\n\
                        slots = { path = \"/home/dev/project/new.txt\", content = { text = \"+a\\n+b\", line_prefix = \"+\" } }";
        let stdin = json!({"path": "/home/dev/project/new.txt", "patch": "Add\n+a\n+b\nEnd"});
        let made = make(template, &stdin, "write-file").expect("is made");
        assert_eq!(made[0].stdin, json!({"path": "/home/dev/project/.env", "patch": "Add\n+B\n+C\nEnd"}));
    }

    #[test]
    fn says_what_does_not_fit() {
        let template =
            "[[template]]\nkind = \"command\"\nevents = [\"E\"]\nfrom = \"bash\"\nslots = { command = \"x\" }";
        let error = make(template, &json!({"a": "b"}), "bash").expect_err("no such text");
        assert!(error.contains("E/bash.json has no text \"x\" for Command"), "{error}");
        let error = make(template, &json!({"a": "b"}), "other").expect_err("no such payload");
        assert!(error.contains("there is no payload E/bash.json"), "{error}");
        let error =
            make(&template.replace("command = \"x\"", "note = \"x\""), &json!({}), "bash").expect_err("no slot");
        assert!(error.contains("has no slot for Command"), "{error}");
    }
}
