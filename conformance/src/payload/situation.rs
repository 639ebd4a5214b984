//! Situations: what an agent is about to do, said once for all platforms.
//!
//! A situation is an entry of `fixtures/situations/*.toml`. A platform's document for it is made with a template of that
//! platform (`template.rs`).

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::PayloadError;
use super::file::is_name;
use super::place::line_and_column;

/// The kind of a step. A template makes documents for the situations of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A shell command.
    Command,
    /// A file that is written as a whole.
    Write,
    /// A part of a file that is replaced.
    Edit,
    /// A file that is read.
    Read,
    /// A prompt of the user.
    Prompt,
}

/// The part of a document that a situation replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Slot {
    /// The shell command.
    Command,
    /// The path of a file below the project.
    Path,
    /// The content of a file.
    Content,
    /// The text that an edit removes.
    Old,
    /// The text that an edit inserts.
    New,
    /// The user's prompt.
    Prompt,
    /// The model's own description of the step.
    Note,
}

impl Kind {
    /// The slots that a template of this kind must have.
    pub(super) fn required(self) -> &'static [Slot] {
        match self {
            Kind::Command => &[Slot::Command],
            Kind::Write => &[Slot::Path, Slot::Content],
            Kind::Edit => &[Slot::Path, Slot::New],
            Kind::Read => &[Slot::Path],
            Kind::Prompt => &[Slot::Prompt],
        }
    }

    /// The kind whose template serves where an event has none of this kind: where every change is a write, an edit
    /// writes the new text.
    pub(super) fn stand_in(self) -> Option<Kind> {
        (self == Kind::Edit).then_some(Kind::Write)
    }
}

/// One situation.
#[derive(Debug, Clone)]
pub(super) struct Situation {
    /// Name of the payload on every platform.
    pub(super) name: String,
    /// What happens, in a few words.
    pub(super) title: String,
    /// Labels of the payload.
    pub(super) labels: BTreeSet<String>,
    /// The kind of the step.
    pub(super) kind: Kind,
    texts: Vec<(Slot, String)>,
}

impl Situation {
    /// Parses a file of situations.
    ///
    /// # Errors
    /// [`PayloadError`] names file, line and column.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Situation>, PayloadError> {
        let file: File = toml::from_str(text).map_err(|error| syntax(path, text, &error))?;
        file.situation.into_iter().map(|entry| entry.read().map_err(|message| refused(path, message))).collect()
    }

    /// The text for a slot of a template.
    pub(super) fn text(&self, slot: Slot) -> Option<&str> {
        if slot == Slot::Note {
            return Some(&self.title);
        }
        let own = |slot: Slot| self.texts.iter().find(|(known, _)| *known == slot).map(|(_, text)| text.as_str());
        // An edit that is shown as a write has the inserted text as content.
        own(slot).or_else(|| own(Slot::New).filter(|_| slot == Slot::Content))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    situation: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    title: String,
    labels: BTreeSet<String>,
    command: Option<Text>,
    prompt: Option<Text>,
    write: Option<Change>,
    edit: Option<Change>,
    read: Option<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    path: String,
    content: Option<Text>,
    old: Option<Text>,
    new: Option<Text>,
}

/// A text, or the parts that it is put together from. What looks like a credential stands in parts, so that no secret
/// scanner reports the file.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a text, or a list of texts that are joined")]
        enum Spelled {
            Whole(String),
            Parts(Vec<String>),
        }
        Ok(Text(match Spelled::deserialize(deserializer)? {
            Spelled::Whole(text) => text,
            Spelled::Parts(parts) => parts.concat(),
        }))
    }
}

impl Entry {
    fn read(self) -> Result<Situation, String> {
        let Entry { name, title, labels, command, prompt, write, edit, read } = self;
        let fail = |message: &str| Err(format!("the situation {name:?}: {message}"));
        if !is_name(&name) || labels.iter().any(|label| !is_name(label)) {
            return fail("names and labels are made of a-z, 0-9 and hyphens");
        }
        if title.trim().is_empty() {
            return fail("the title must say in a few words what happens");
        }
        let single = |kind: Kind, slot: Slot, text: Text| (kind, vec![(slot, text.0)]);
        let change = |kind: Kind, change: Change| {
            let texts = [(Slot::Content, change.content), (Slot::Old, change.old), (Slot::New, change.new)];
            let texts = texts.into_iter().filter_map(|(slot, text)| Some((slot, text?.0)));
            (kind, std::iter::once((Slot::Path, change.path)).chain(texts).collect::<Vec<_>>())
        };
        let mut steps = [
            command.map(|text| single(Kind::Command, Slot::Command, text)),
            prompt.map(|text| single(Kind::Prompt, Slot::Prompt, text)),
            write.map(|write| change(Kind::Write, write)),
            edit.map(|edit| change(Kind::Edit, edit)),
            read.map(|read| change(Kind::Read, read)),
        ]
        .into_iter()
        .flatten();
        let (Some((kind, texts)), None) = (steps.next(), steps.next()) else {
            return fail("must have exactly one of `command`, `write`, `edit`, `read` and `prompt`");
        };
        let has = |slot: &Slot| texts.iter().any(|(known, text)| known == slot && !text.is_empty());
        if let Some(missing) = kind.required().iter().find(|slot| !has(slot)) {
            return fail(&format!("the text for {missing:?} is missing or empty"));
        }
        if texts.iter().any(|(slot, text)| *slot == Slot::Path && (text.starts_with('/') || text.contains('\\'))) {
            return fail("the path must be relative to the project, with forward slashes");
        }
        Ok(Situation { name, title, labels, kind, texts })
    }
}

/// A TOML error with its place.
pub(super) fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> PayloadError {
    let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
    PayloadError::Syntax { path: path.to_owned(), line, column, message: error.message().to_owned() }
}

/// A file that can be read and says something that cannot be.
pub(super) fn refused(path: &Path, message: String) -> PayloadError {
    PayloadError::Path { path: path.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(entry: &str) -> Result<Vec<Situation>, String> {
        let text = format!("[[situation]]\nname = \"n\"\ntitle = \"a title\"\nlabels = [\"guarded\"]\n{entry}\n");
        Situation::parse(Path::new("s.toml"), &text).map_err(|error| error.to_string())
    }

    #[test]
    fn texts_are_joined_from_their_parts() {
        let all = parse("write = { path = \".env\", content = [\"A\", \"KIA\", \"1\"] }").expect("reads");
        let [situation] = all.as_slice() else { panic!("one situation") };
        assert_eq!((situation.kind, situation.text(Slot::Content)), (Kind::Write, Some("AKIA1")));
        assert_eq!((situation.text(Slot::Path), situation.text(Slot::Note)), (Some(".env"), Some("a title")));
        assert_eq!(situation.text(Slot::Old), None);
    }

    #[test]
    fn an_edit_can_be_shown_as_a_write() {
        let all = parse("edit = { path = \"a\", old = \"1\", new = \"2\" }").expect("reads");
        assert_eq!((all[0].text(Slot::Content), all[0].text(Slot::Old)), (Some("2"), Some("1")));
        assert_eq!(all[0].kind.stand_in(), Some(Kind::Write));
    }

    #[rstest]
    #[case("", "exactly one of")]
    #[case("command = \"a\"\nprompt = \"b\"", "exactly one of")]
    #[case("command = \"\"", "the text for Command is missing or empty")]
    #[case("write = { path = \"a\" }", "the text for Content is missing or empty")]
    #[case("read = { path = \"/etc/passwd\" }", "must be relative to the project")]
    #[case("command = 1", "s.toml:5:11: expected a text, or a list of texts that are joined")]
    #[case("commands = \"a\"", "s.toml:5:1: unknown field `commands`")]
    fn says_what_is_wrong(#[case] entry: &str, #[case] expected: &str) {
        let error = parse(entry).expect_err("is wrong");
        assert!(error.contains(expected), "{error}");
    }
}
