//! Names of variables that appear in commands, besides those of the hook's environment; and the field on stdin that holds
//! what the author of such a name wanted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::evidence::{Basis, Evidence};
use super::model::Contract;
use super::phantom::Place;

/// Names of variables, with `*` at the end for any characters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableNames {
    /// How the names of the platform's own variables begin.
    pub prefixes: Vec<String>,
    /// Names that users set themselves, or that the platform sets in some sessions only.
    pub users: Vec<String>,
    /// Names that hooks are often written for and that the platform does not set.
    #[serde(default)]
    pub never: Vec<NeverSet>,
    /// Whether each text, number and boolean at the top of stdin is also a variable of the same name.
    #[serde(default)]
    pub of_fields: bool,
    /// How well the names that users set and the prefixes are known.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

/// Names of variables that the platform does not set, with what this rests on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeverSet {
    /// The names, with `*` at the end for any characters.
    pub names: Vec<String>,
    /// Whether a user may well set a variable of such a name himself.
    #[serde(default)]
    pub plausible: bool,
    /// How well it is known that the platform does not set them.
    pub evidence: Evidence,
    /// What it rests on.
    pub source: Vec<String>,
}

impl NeverSet {
    /// What it rests on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }
}

impl VariableNames {
    /// What the names rest on.
    pub fn basis(&self) -> Basis {
        Basis { evidence: self.evidence, source: self.source.clone() }
    }

    /// The entry that says that the platform does not set the variable; one that has the whole name goes first.
    pub fn never_set(&self, name: &str) -> Option<&NeverSet> {
        let exact = self.never.iter().find(|never| never.names.iter().any(|known| known == name));
        let found = exact.or_else(|| self.never.iter().find(|never| takes(&never.names, name)));
        found.filter(|_| !self.is_users(name))
    }

    /// Whether users set the variable themselves.
    pub fn is_users(&self, name: &str) -> bool {
        // A longer name says more than the beginning that it has in common with others.
        let never = self.never.iter().filter_map(|never| closest(&never.names, name)).max();
        closest(&self.users, name).is_some_and(|users| never.is_none_or(|never| users > never))
    }

    /// Whether the name begins like those of the platform's own variables.
    pub fn is_like_own(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

/// The length of the longest pattern that takes a name; a whole name is longer than any beginning.
fn closest(patterns: &[String], name: &str) -> Option<usize> {
    let fitting = patterns.iter().filter(|pattern| takes(std::slice::from_ref(*pattern), name));
    fitting.map(|pattern| if pattern == name { usize::MAX } else { pattern.len() }).max()
}

fn takes(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    })
}

/// The least letters that a part of a name says something with.
const TELLING: usize = 4;

impl Contract {
    /// The field on stdin at `event` that holds what somebody wanted who wrote `name`: a variable such as
    /// `CLAUDE_FILE_PATHS`, a path such as `tool_input.file_path`, or a name such as `filePath`. Without an event, any
    /// event's fields are taken. `None` if no field is like it.
    ///
    /// ```
    /// use hookproof::contract::Library;
    ///
    /// let contract = Library::built_in()?.select("claude-code")?;
    /// let event = contract.events.get("PostToolUse");
    /// assert_eq!(contract.field_meant_by("CLAUDE_FILE_PATHS", event).as_deref(), Some("tool_input.file_path"));
    /// assert_eq!(contract.field_meant_by("NOTHING_LIKE_IT", event), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn field_meant_by(&self, name: &str, event: Option<&Event>) -> Option<String> {
        let sent = |path: &str| {
            let top = path.split('.').next().unwrap_or(path);
            let has = |event: &Event| event.input.keys().any(|key| key.split(['.', '#']).next() == Some(top));
            event.map_or_else(|| self.events.values().any(has), has)
        };
        let phantom = self.phantoms.iter().find(|phantom| match &phantom.place {
            Place::Field(at) => plain(at) == plain(name),
            Place::Variable(variable) => variable == name,
        });
        if let Some(phantom) = phantom.filter(|phantom| sent(&phantom.instead)) {
            return Some(phantom.instead.clone());
        }
        let fields: Vec<String> = self.fields().into_iter().filter(|path| sent(path)).collect();
        let names = [plain(name), plain(self.without_prefix(name))];
        let last = |path: &String| plain(path.rsplit('.').next().unwrap_or(path));
        let whole = |name: &String| fields.iter().find(|path| plain(path) == *name || last(path) == *name);
        if let Some(found) = names.iter().find_map(whole) {
            return Some(found.clone());
        }
        // The longest likeness is the best; of equal ones the field at the top.
        let mut best: Option<(usize, &String)> = None;
        for path in &fields {
            for name in &names {
                let field = last(path);
                let length = if field.len() >= TELLING && name.ends_with(&field) {
                    field.len()
                } else if name.len() >= TELLING && field.starts_with(name.as_str()) {
                    name.len()
                } else {
                    continue;
                };
                if best.is_none_or(|(longest, _)| length > longest) {
                    best = Some((length, path));
                }
            }
        }
        best.map(|(_, path)| path.clone())
    }

    /// Whether `name` is the path of a field on stdin at `event`, or its last part, in whatever case.
    pub(crate) fn is_field(&self, name: &str, event: Option<&Event>) -> bool {
        let Some(field) = self.field_meant_by(name, event) else { return false };
        let own = plain(name);
        plain(&field) == own || plain(field.rsplit('.').next().unwrap_or(&field)) == own
    }

    /// Whether `name` is a field of stdin at `event` that the platform also sets as a variable.
    pub(crate) fn is_exported_field(&self, name: &str, event: Option<&Event>) -> bool {
        if !self.variables.as_ref().is_some_and(|names| names.of_fields) {
            return false;
        }
        let has = |event: &Event| event.input.keys().any(|key| key.split('#').next() == Some(name));
        event.map_or_else(|| self.events.values().any(has), has)
    }

    /// The paths of the fields on stdin, those of tools below the field that holds their input; those at the top first.
    fn fields(&self) -> Vec<String> {
        let own = self.events.values().flat_map(|event| event.input.keys());
        let mut own: BTreeSet<String> = own.map(|path| path.split('#').next().unwrap_or(path).to_owned()).collect();
        let parents: BTreeSet<String> = self
            .phantoms
            .iter()
            .filter_map(|phantom| phantom.instead.rsplit_once('.').map(|(parent, _)| parent.to_owned()))
            .collect();
        let tools: BTreeSet<&String> = self.tools.values().flat_map(|tool| tool.input.keys()).collect();
        for parent in &parents {
            own.extend(tools.iter().map(|key| format!("{parent}.{key}")));
        }
        own.extend(self.phantoms.iter().map(|phantom| phantom.instead.clone()));
        let mut all: Vec<String> = own.into_iter().collect();
        all.sort_by_key(|path| path.matches('.').count());
        all
    }

    /// The name without the beginning that the platform's variables have.
    fn without_prefix<'n>(&self, name: &'n str) -> &'n str {
        let prefixes = self.variables.iter().flat_map(|names| names.prefixes.iter().map(String::as_str));
        prefixes.chain(["CLAUDE_"]).find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
    }
}

/// The letters and digits of a name, in lower case and without a plural.
fn plain(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let lower = letters.to_lowercase();
    lower.strip_suffix('s').unwrap_or(&lower).to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::contract::{Evidence, Library};

    #[rstest]
    #[case("claude-code", "PreToolUse", "CLAUDE_TOOL_INPUT_FILE_PATH", Some("tool_input.file_path"))]
    #[case("claude-code", "PostToolUse", "CLAUDE_FILE_PATHS", Some("tool_input.file_path"))]
    #[case("claude-code", "PostToolUse", "CLAUDE_FILE_PATH", Some("tool_input.file_path"))]
    #[case("claude-code", "PreToolUse", "CLAUDE_TOOL_INPUT", Some("tool_input"))]
    #[case("claude-code", "PreToolUse", "CLAUDE_TOOL_NAME", Some("tool_name"))]
    #[case("claude-code", "PreToolUse", "CLAUDE_HOOK_EVENT", Some("hook_event_name"))]
    #[case("claude-code", "PreToolUse", "CLAUDE_BASH_COMMAND", Some("tool_input.command"))]
    #[case("claude-code", "UserPromptSubmit", "CLAUDE_USER_PROMPT", Some("prompt"))]
    #[case("claude-code", "PreToolUse", "filePath", Some("tool_input.file_path"))]
    #[case("claude-code", "PreToolUse", "tool_input.file_path", Some("tool_input.file_path"))]
    #[case("claude-code", "PreToolUse", "file", Some("tool_input.file_path"))]
    #[case::no_tool_here("claude-code", "Stop", "CLAUDE_FILE_PATHS", None)]
    #[case::nothing_like_it("claude-code", "PreToolUse", "WORKSPACE", None)]
    #[case("gemini-cli", "BeforeTool", "GEMINI_TOOL_INPUT", Some("tool_input"))]
    #[case("codex", "PreToolUse", "CLAUDE_TOOL_NAME", Some("tool_name"))]
    fn finds_the_field_that_was_meant(
        #[case] platform: &str,
        #[case] event: &str,
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        assert_eq!(contract.field_meant_by(name, Some(&contract.events[event])).as_deref(), expected);
    }

    #[rstest]
    #[case("CLAUDE_FILE_PATHS", true, false)]
    #[case("CLAUDE_TOOL_INPUT_FILE_PATH", true, false)]
    #[case("TOOL_INPUT", true, false)]
    #[case("CLAUDE_CONFIG_DIR", false, true)]
    #[case("CLAUDE_CODE_ENTRYPOINT", false, true)]
    #[case("CLAUDE_SOMETHING", false, false)]
    #[case("HOME", false, false)]
    fn knows_names(#[case] name: &str, #[case] never: bool, #[case] users: bool) {
        let contract = Library::built_in().unwrap().select("claude-code").unwrap();
        let names = contract.variables.unwrap();
        assert_eq!((names.never_set(name).is_some(), names.is_users(name)), (never, users));
        assert_eq!(names.is_like_own(name), name.starts_with("CLAUDE_"));
    }

    #[rstest]
    #[case("claude-code", "CLAUDE_SESSION_ID", Evidence::Measured, false)]
    #[case("claude-code", "TOOL_INPUT", Evidence::Measured, true)]
    #[case("gemini-cli", "CLAUDE_TOOL_INPUT_FILE_PATH", Evidence::Measured, false)]
    #[case("qwen-code", "QWEN_TOOL_NAME", Evidence::Source, false)]
    #[case("cursor", "CURSOR_TOOL_NAME", Evidence::Documented, false)]
    #[case("antigravity", "CLAUDE_TOOL_INPUT", Evidence::Unconfirmed, false)]
    fn each_name_has_its_own_evidence(
        #[case] platform: &str,
        #[case] name: &str,
        #[case] evidence: Evidence,
        #[case] plausible: bool,
    ) {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        let names = contract.variables.unwrap();
        let never = names.never_set(name).unwrap();
        assert_eq!((never.evidence, never.plausible), (evidence, plausible));
    }

    #[rstest]
    #[case("factory-droid", "tool_name", true)]
    #[case("factory-droid", "tool_inputs", false)]
    #[case("claude-code", "tool_name", false)]
    fn knows_fields_that_are_variables(#[case] platform: &str, #[case] name: &str, #[case] expected: bool) {
        let contract = Library::built_in().unwrap().select(platform).unwrap();
        assert_eq!(contract.is_exported_field(name, Some(&contract.events["PreToolUse"])), expected);
    }

    #[test]
    fn what_the_platform_sets_is_not_said_to_be_never_set() {
        let library = Library::built_in().unwrap();
        for platform in library.platforms() {
            let contract = library.select(platform).unwrap();
            let Some(names) = &contract.variables else { continue };
            for (name, _) in contract.environment.iter().filter(|(_, variable)| variable.exists) {
                assert!(names.never_set(name).is_none(), "{platform} sets {name}");
            }
        }
    }
}
