//! Places that hooks look at although the platform never puts anything there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::Event;
use super::evidence::{Basis, Evidence};
use super::field::FieldPath;
use super::model::Contract;
use super::version::Version;
use crate::json;

/// How a value stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhantomForm {
    /// As in the real field.
    #[default]
    Same,
    /// A JSON text of an object, as that object.
    Object,
    /// An object, as its JSON text.
    Text,
}

/// A place that hooks look at although the platform never puts anything there: a name that another platform or an older
/// document uses, an object where the platform sends a text, a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PhantomEntry")]
pub struct Phantom {
    /// The place.
    pub place: Place,
    /// The field in which the platform sends the value.
    pub instead: FieldPath,
    /// How the value stands at the place.
    pub form: PhantomForm,
    /// Whether other tools are, or may be, sent the field (tools of servers are sent anything): to look there as well is no
    /// fault, to look only there is.
    pub shared: bool,
    /// First version for which it holds.
    pub since: Option<Version>,
    /// Last version for which it holds.
    pub until: Option<Version>,
    /// How well it is known that nothing stands there.
    pub evidence: Evidence,
    /// What that rests on.
    pub source: Vec<String>,
}

/// Where it is that nothing stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A field of the document that is never sent. The same as `instead` if only the form is never sent.
    Field(FieldPath),
    /// A variable of the environment that is never set so.
    Variable(String),
}

/// [`Phantom`] as the file spells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhantomEntry {
    at: Option<FieldPath>,
    variable: Option<String>,
    instead: FieldPath,
    #[serde(default)]
    form: PhantomForm,
    #[serde(default)]
    shared: bool,
    since: Option<Version>,
    until: Option<Version>,
    evidence: Evidence,
    source: Vec<String>,
}

impl TryFrom<PhantomEntry> for Phantom {
    type Error = &'static str;

    fn try_from(entry: PhantomEntry) -> Result<Self, Self::Error> {
        let PhantomEntry { at, variable, instead, form, shared, since, until, evidence, source } = entry;
        let place = match (at, variable) {
            (Some(at), None) if at == instead && form == PhantomForm::Same => {
                return Err("a phantom at the real field needs a `form` that is never sent");
            }
            (Some(at), None) => Place::Field(at),
            (None, Some(variable)) => Place::Variable(variable),
            _ => return Err("a phantom needs either `at`, a field, or `variable`"),
        };
        Ok(Phantom { place, instead, form, shared, since, until, evidence, source })
    }
}

/// What is harmless as a command line, as a name of a file and as a request to a model. No platform sends it; it takes the
/// place of every text in a real field.
const HARMLESS: &str = "ls";

impl Phantom {
    /// The name of the place, for people.
    pub fn name(&self) -> String {
        let shape = match self.form {
            PhantomForm::Same => "",
            PhantomForm::Object => " as an object",
            PhantomForm::Text => " as a JSON text",
        };
        match &self.place {
            Place::Field(at) => format!("`{at}`{shape}"),
            Place::Variable(variable) => format!("the variable `{variable}`{shape}"),
        }
    }

    /// The name of the real field, for people, with its form where that is what differs.
    pub fn real_name(&self) -> String {
        let shape = match self.form {
            PhantomForm::Same => "",
            PhantomForm::Object => " as a JSON text",
            PhantomForm::Text => " as an object",
        };
        format!("`{}`{shape}", self.instead)
    }

    /// What the fact rests on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }

    /// The value in the form of the place; `None` if it has none.
    fn formed(&self, value: &Value) -> Option<Value> {
        match (self.form, value) {
            (PhantomForm::Same, _) => Some(value.clone()),
            (PhantomForm::Object, Value::String(text)) => {
                serde_json::from_str(text).ok().filter(|value: &Value| value.is_object())
            }
            (PhantomForm::Text, Value::Object(_)) => Some(Value::String(value.to_string())),
            _ => None,
        }
    }

    fn is_form_of_the_real_one(&self) -> bool {
        matches!(&self.place, Place::Field(at) if *at == self.instead)
    }

    /// Whether the place can be taken in this document: the real value is there, and nothing is at the place.
    fn is_free(&self, event: &Event, stdin: &Value) -> bool {
        let Some(value) = json::at(stdin, &self.instead) else { return false };
        let sent = match &self.place {
            Place::Field(at) if !self.is_form_of_the_real_one() => {
                event.input.contains_key(at) || json::at(stdin, at).is_some()
            }
            Place::Field(_) | Place::Variable(_) => false,
        };
        !sent && self.formed(value).is_some()
    }

    /// Puts what `real` holds in the real field at the place.
    fn place(&self, real: &Value, document: &mut Value, environment: &mut BTreeMap<String, String>) {
        let Some(value) = json::at(real, &self.instead).and_then(|value| self.formed(value)) else { return };
        match &self.place {
            Place::Field(at) => put(document, at, value),
            Place::Variable(variable) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                environment.insert(variable.clone(), text);
            }
        }
    }
}

/// Fields by which hooks of other platforms learn the event and the tool, and that this platform never sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsentNames {
    /// Fields in which other platforms name the event.
    pub event: Vec<FieldPath>,
    /// Fields in which other platforms name the tool.
    #[serde(default)]
    pub tool: Vec<FieldPath>,
    /// How well it is known that they are never sent.
    pub evidence: Evidence,
    /// What that rests on.
    pub source: Vec<String>,
}

/// A name in a field that the platform does not send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForeignName<'c> {
    /// The field.
    pub(crate) at: &'c str,
    /// The field in which the platform sends the name, if there is one.
    pub(crate) instead: Option<&'c str>,
    value: Value,
}

impl ForeignName<'_> {
    /// The field, for people, with the one that is sent.
    pub(crate) fn described(&self) -> String {
        match self.instead {
            Some(instead) => format!("`{}` (sent in `{instead}`)", self.at),
            None => format!("`{}` (never sent)", self.at),
        }
    }
}

/// The documents of a case about such names: all of them at once, then one each.
pub(crate) fn with_names(stdin: &Value, names: &[ForeignName<'_>]) -> Vec<Value> {
    let with = |names: &[ForeignName<'_>]| {
        let mut document = stdin.clone();
        names.iter().for_each(|name| put(&mut document, name.at, name.value.clone()));
        document
    };
    let all = std::iter::once(with(names));
    all.chain(names.iter().map(|name| with(std::slice::from_ref(name)))).collect()
}

/// A document of which what matters was put elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Misplaced {
    /// The document.
    pub(crate) document: Value,
    /// Variables of the environment.
    pub(crate) environment: BTreeMap<String, String>,
}

/// The phantoms of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phantoms<'c> {
    /// Those at places of their own.
    pub(crate) elsewhere: Vec<&'c Phantom>,
    /// Those that are another form of the real field. They cannot be there together with it.
    pub(crate) instead: Vec<&'c Phantom>,
}

impl Phantoms<'_> {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.elsewhere.is_empty() && self.instead.is_empty()
    }

    /// How many of [`Phantoms::documents`] are needed to see whether any place counts. The others tell which one does.
    pub(crate) fn needed(&self) -> usize {
        2 + 2 * self.instead.len()
    }

    /// `stdin` with harmless texts in every field that has a phantom, and in all phantoms: first as it is, then with the
    /// real values in all phantoms elsewhere; then a pair for each one that stands instead of the real field, harmless
    /// and real; then with the real values in one phantom elsewhere each. A hook that shies at the place itself answers
    /// both documents of a pair alike.
    pub(crate) fn documents(&self, stdin: &Value) -> Vec<Misplaced> {
        let mut harmless = stdin.clone();
        for phantom in self.elsewhere.iter().chain(&self.instead) {
            if let Some(value) = at_mut(&mut harmless, &phantom.instead) {
                disarm(value);
            }
        }
        let with = |there: &[&Phantom], real: &[&Phantom]| {
            let mut misplaced = Misplaced { document: harmless.clone(), environment: BTreeMap::new() };
            for phantom in there {
                let source = if real.contains(phantom) { stdin } else { &harmless };
                phantom.place(source, &mut misplaced.document, &mut misplaced.environment);
            }
            misplaced
        };
        let all = self.elsewhere.as_slice();
        let mut documents = vec![with(all, &[]), with(all, all)];
        for phantom in &self.instead {
            documents.extend([with(&[phantom], &[]), with(&[phantom], &[phantom])]);
        }
        documents.extend(all.iter().map(|phantom| with(all, &[phantom])));
        documents
    }
}

impl Contract {
    /// The names of event and tool in fields that `stdin`, a document of `event`, does not have.
    pub(crate) fn foreign_names(&self, event: &Event, stdin: &Value) -> Vec<ForeignName<'_>> {
        let Some(names) = &self.unsent_names else { return Vec::new() };
        let event_sent = sent(self.platform.event_field.as_deref(), stdin);
        let own = event_sent.as_ref().map_or_else(|| Value::String(event.name.clone()), |(_, value)| value.clone());
        let events = names.event.iter().map(|at| (at, event_sent.as_ref().map(|(field, _)| *field), own.clone()));
        let tool = sent(self.platform.tool_field.as_deref(), stdin);
        let tools =
            tool.iter().flat_map(|(field, value)| names.tool.iter().map(|at| (at, Some(*field), value.clone())));
        let is_free = |at: &FieldPath| !event.input.contains_key(at) && json::at(stdin, at).is_none();
        events
            .chain(tools)
            .filter(|(at, ..)| is_free(at))
            .map(|(at, instead, value)| ForeignName { at, instead, value })
            .collect()
    }

    /// The places that can be taken in `stdin`, a document of `event`.
    pub(crate) fn phantoms_of(&self, event: &Event, stdin: &Value) -> Phantoms<'_> {
        let free = self.phantoms.iter().filter(|phantom| phantom.is_free(event, stdin));
        let (instead, elsewhere) = free.partition(|phantom| phantom.is_form_of_the_real_one());
        Phantoms { elsewhere, instead }
    }
}

/// A field that the document has, with its value.
fn sent<'f>(field: Option<&'f str>, stdin: &Value) -> Option<(&'f str, Value)> {
    let field = field?;
    Some((field, json::at(stdin, field)?.clone()))
}

/// Makes every text in `value` harmless, also in a JSON text of an object.
fn disarm(value: &mut Value) {
    match value {
        Value::String(text) => {
            let inner: Option<Value> = serde_json::from_str(text).ok().filter(Value::is_object);
            *text = match inner {
                Some(mut inner) => {
                    disarm(&mut inner);
                    inner.to_string()
                }
                None => HARMLESS.to_owned(),
            };
        }
        Value::Array(items) => items.iter_mut().for_each(disarm),
        Value::Object(map) => map.values_mut().for_each(disarm),
        _ => {}
    }
}

fn at_mut<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    path.split('.').try_fold(value, |here, key| here.as_object_mut()?.get_mut(key))
}

/// Sets the value at a dotted path; objects on the way are made where there are none.
fn put(document: &mut Value, path: &str, value: Value) {
    let (parents, last) = path.rsplit_once('.').map_or((None, path), |(parents, last)| (Some(parents), last));
    let mut here = document;
    for key in parents.into_iter().flat_map(|parents| parents.split('.')) {
        let Some(map) = here.as_object_mut() else { return };
        here = map.entry(key).or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    if let Some(map) = here.as_object_mut() {
        map.insert(last.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Misplaced, Phantom};
    use crate::contract::{Contract, ContractFile};

    const CONTRACT: &str = r#"
[platform]
id = "p"
title = "P"
version = "1.0"
first = "1.0"
measured = []
event_field = "event"
[sources]
S = "made up"
[reading]
rule = "never"
evidence = "documented"
source = ["S"]
[reading.trim]
is = "unicode"
evidence = "documented"
source = ["S"]
[process]
shell = []
shell_windows = []
stdin_suffix = ""
kill_grace_ms = 0
pipe_grace_ms = 0
terminal = false
tolerates_unread_stdin = true
evidence = "documented"
source = ["S"]
[notice.shows_stderr]
is = true
evidence = "documented"
source = ["S"]
[matching]
rule = "none"
evidence = "documented"
source = ["S"]
[limits.timeout_s]
is = 60.0
evidence = "documented"
source = ["S"]
[[exits.all]]
on = ["any"]
then = "nothing"
evidence = "documented"
source = ["S"]
[event.Gate]
kind = "gate"
fires = "before a step"
exits = "all"
evidence = "documented"
source = ["S"]
[event.Gate.input]
event = { type = "string", required = true }
message = { type = "string" }
args = { type = "object" }
text = { type = "string" }
[[phantom]]
at = "command"
instead = "args.command"
evidence = "documented"
source = ["S"]
[[phantom]]
at = "message"
instead = "args.command"
evidence = "documented"
source = ["S"]
[[phantom]]
variable = "INPUT"
instead = "args"
evidence = "documented"
source = ["S"]
[[phantom]]
at = "text"
instead = "text"
form = "object"
evidence = "documented"
source = ["S"]
"#;

    fn contract(text: &str) -> Result<Contract, String> {
        let file = ContractFile::parse(Path::new("p.toml"), text).map_err(|error| error.to_string())?;
        file.select(&file.platform().version).map_err(|error| error.to_string())
    }

    fn documents(stdin: &Value) -> (Vec<Misplaced>, usize) {
        let contract = contract(CONTRACT).unwrap();
        let phantoms = contract.phantoms_of(&contract.events["Gate"], stdin);
        (phantoms.documents(stdin), phantoms.needed())
    }

    #[test]
    fn the_real_values_stand_nowhere_then_everywhere_then_in_one_place_each() {
        let (documents, needed) = documents(&json!({"event": "Gate", "args": {"command": "rm -rf /", "n": 1}}));
        assert_eq!(needed, 2);
        let seen: Vec<_> = documents
            .iter()
            .map(|one| (one.document["command"].as_str().unwrap(), one.environment["INPUT"].as_str()))
            .collect();
        let (no, real) = (r#"{"command":"ls","n":1}"#, r#"{"command":"rm -rf /","n":1}"#);
        assert_eq!(seen, [("ls", no), ("rm -rf /", real), ("rm -rf /", no), ("ls", real)]);
        // `message` is sent at this event, and the real field is harmless in all of them.
        assert!(documents.iter().all(|one| one.document.get("message").is_none()));
        assert!(documents.iter().all(|one| one.document["args"] == json!({"command": "ls", "n": 1})));
    }

    #[test]
    fn another_form_of_the_real_field_is_tried_by_itself() {
        let (documents, needed) = documents(&json!({"event": "Gate", "text": r#"{"command":"rm -rf /"}"#}));
        assert_eq!(needed, 4);
        let texts: Vec<&Value> = documents.iter().map(|one| &one.document["text"]).collect();
        let harmless = json!(r#"{"command":"ls"}"#);
        assert_eq!(texts, [&harmless, &harmless, &json!({"command": "ls"}), &json!({"command": "rm -rf /"})]);
    }

    #[test]
    fn a_document_without_the_real_field_has_none() {
        let contract = contract(CONTRACT).unwrap();
        assert!(contract.phantoms_of(&contract.events["Gate"], &json!({"event": "Gate"})).is_empty());
    }

    #[rstest]
    #[case("variable = \"INPUT\"\n", "", "either `at`, a field, or `variable`")]
    #[case("variable = \"INPUT\"\n", "variable = \"INPUT\"\nat = \"x\"\n", "either `at`, a field, or `variable`")]
    #[case("form = \"object\"\n", "", "needs a `form`")]
    #[case("form = \"object\"\n", "form = \"list\"\n", "unknown variant `list`")]
    #[case("variable = \"INPUT\"\n", "variable = \"INPUT\"\nmore = 1\n", "unknown field `more`")]
    fn says_what_is_wrong(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
        let error = contract(&CONTRACT.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn is_named_for_people() {
        let names: Vec<String> = contract(CONTRACT).unwrap().phantoms.iter().map(Phantom::name).collect();
        assert_eq!(names, ["`command`", "`message`", "the variable `INPUT`", "`text` as an object"]);
        let real: Vec<String> = contract(CONTRACT).unwrap().phantoms.iter().map(Phantom::real_name).collect();
        assert_eq!(real, ["`args.command`", "`args.command`", "`args`", "`text` as a JSON text"]);
    }
}
