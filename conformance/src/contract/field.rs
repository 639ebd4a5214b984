//! Fields of stdin and stdout documents.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::evidence::{Basis, Evidence};
use super::outcome::Reader;
use super::reading::Mismatch;
use super::version::Version;

/// A JSON type as contracts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// A string.
    String,
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An object.
    Object,
    /// An array.
    Array,
    /// The literal `null`.
    Null,
    /// Anything at all.
    Any,
}

impl ValueType {
    /// Whether `value` is of this type.
    pub fn admits(self, value: &serde_json::Value) -> bool {
        match self {
            ValueType::String => value.is_string(),
            ValueType::Number => value.is_number(),
            ValueType::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            ValueType::Boolean => value.is_boolean(),
            ValueType::Object => value.is_object(),
            ValueType::Array => value.is_array(),
            ValueType::Null => value.is_null(),
            ValueType::Any => true,
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueType::String => "string",
            ValueType::Number => "number",
            ValueType::Integer => "integer",
            ValueType::Boolean => "boolean",
            ValueType::Object => "object",
            ValueType::Array => "array",
            ValueType::Null => "null",
            ValueType::Any => "any",
        })
    }
}

/// What the oracle does with an output field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Decides; `map` says which value means what.
    Decision,
    /// The text that goes with a decision.
    Reason,
    /// A text for the model.
    ModelContext,
    /// A text for the person.
    UserMessage,
    /// A new input for the step.
    InputUpdate,
    /// A new output of the tool.
    OutputUpdate,
    /// `false` asks that the whole run end.
    StopRun,
    /// The text that goes with it.
    StopReason,
    /// `true` next to a deny asks that the run be interrupted.
    Interrupt,
    /// Names the event that the answer is for.
    EventName,
    /// `true` sends the hook to the background.
    Background,
    /// Numbers for the platform's own telemetry.
    Metrics,
    /// Holds other fields.
    Container,
    /// Is read, with an effect that touches neither the step nor anybody's reading.
    Setting,
    /// Is accepted and does nothing.
    Ignored,
    /// A text that makes the agent go on: a decision against its end, and the reason.
    Continuation,
}

/// What a value of a decision field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Decided for.
    Allow,
    /// The person is to be asked.
    Ask,
    /// Put off.
    Defer,
    /// Decided against. The strongest.
    Deny,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Allow => "allow",
            Decision::Ask => "ask",
            Decision::Defer => "defer",
            Decision::Deny => "deny",
        })
    }
}

/// The form of a string or of a whole value beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A UUID.
    Uuid,
    /// An absolute path.
    AbsolutePath,
    /// The input of the tool that the event is about.
    ToolInput,
    /// The structured output of the tool that the event is about.
    ToolOutput,
}

/// A dotted path into a JSON document; `[]` behind a name means each item of an array. What follows a `#` at its end tells
/// further meanings of the same field apart.
pub type FieldPath = String;

/// The path in the document: without what tells meanings apart.
pub fn plain_path(path: &str) -> &str {
    path.split('#').next().unwrap_or(path)
}

/// A field that is read only where another one has a certain value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct With {
    /// The other field.
    pub field: FieldPath,
    /// Its values; booleans as `true` and `false`.
    pub values: Vec<String>,
}

/// Values that are read and then void the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// The values; any that is not `null` if empty.
    #[serde(default)]
    pub values: Vec<String>,
    /// Not while this other field is there.
    pub without: Option<FieldPath>,
}

/// Values that need a text in another field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The values; any if empty.
    #[serde(default)]
    pub values: Vec<String>,
    /// The other field.
    pub field: FieldPath,
    /// What a missing text costs.
    pub otherwise: Mismatch,
}

/// One field of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its types, one or more.
    pub types: Vec<ValueType>,
    /// Whether it must be there.
    pub required: bool,
    /// The values it may have; empty if any.
    pub values: Vec<String>,
    /// Values seen so far, where more may come.
    pub known: Vec<String>,
    /// Type of an array's items.
    pub items: Option<ValueType>,
    /// What the oracle does with it. Input fields have none.
    pub role: Option<Role>,
    /// What its values decide.
    pub map: BTreeMap<String, Decision>,
    /// For a reason: the decision field that it explains.
    pub explains: Option<FieldPath>,
    /// Who reads the text, where that differs from what the role says.
    pub audience: Option<Vec<Reader>>,
    /// What to use instead, if the field or some of its values should no longer be used.
    pub deprecated: Option<String>,
    /// Values that are deprecated; all, if `deprecated` is set and this is empty.
    pub deprecated_values: Vec<String>,
    /// Read only next to another field's value.
    pub with: Option<With>,
    /// Not read while this other field is there.
    pub hidden_by: Option<FieldPath>,
    /// ... unless this one is there too.
    pub unhidden_by: Option<FieldPath>,
    /// Read only where another field has none of its values.
    pub unless: Option<With>,
    /// Whether its values are compared without regard to case.
    pub any_case: bool,
    /// Whether its key is exact although keys are compared without regard to case.
    pub exact_key: bool,
    /// What a wrong type costs, where that differs from the reading.
    pub wrong_type: Option<Mismatch>,
    /// What an unknown value costs, where that differs from the reading.
    pub wrong_value: Option<Mismatch>,
    /// For a wish to end the run: the value that says so.
    pub stops_when: bool,
    /// Values that are read and then void the answer.
    pub refuse: Vec<Refuse>,
    /// Values that need a text in another field.
    pub needs: Vec<Need>,
    /// Whether a string that holds JSON is taken for that JSON.
    pub unwrap: bool,
    /// Whether a new input is merged into the step's own.
    pub merges: bool,
    /// The field of stdin that a new input takes the place of as a whole, if that is known: what the new one leaves out is
    /// gone.
    pub replaces: Option<FieldPath>,
    /// For a name of the event outside of the union: whether another event's name voids the answer.
    pub binding: bool,
    /// Characters of the text that are replaced by their entities (`&lt;`) before anybody reads it.
    pub escapes: String,
    /// Its form beyond the type.
    pub shape: Option<Shape>,
    /// Read only where the tool's name begins so.
    pub tool_prefix: Option<String>,
    /// First version that knows it.
    pub since: Option<Version>,
    /// Last version that knows it.
    pub until: Option<Version>,
    /// What more a person should know.
    pub note: Option<String>,
    /// What the fact rests on.
    pub basis: Basis,
}

/// [`Field`] as the file spells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldEntry {
    #[serde(rename = "type")]
    types: OneOrMany,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    known: Vec<String>,
    items: Option<ValueType>,
    role: Option<Role>,
    #[serde(default)]
    map: BTreeMap<String, Decision>,
    explains: Option<FieldPath>,
    audience: Option<Vec<Reader>>,
    deprecated: Option<String>,
    #[serde(default)]
    deprecated_values: Vec<String>,
    with: Option<With>,
    hidden_by: Option<FieldPath>,
    unhidden_by: Option<FieldPath>,
    unless: Option<With>,
    #[serde(default)]
    any_case: bool,
    #[serde(default)]
    exact_key: bool,
    wrong_type: Option<Mismatch>,
    wrong_value: Option<Mismatch>,
    #[serde(default)]
    stops_when: bool,
    #[serde(default)]
    refuse: Vec<Refuse>,
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    unwrap: bool,
    #[serde(default)]
    merges: bool,
    replaces: Option<FieldPath>,
    #[serde(default)]
    binding: bool,
    #[serde(default)]
    escapes: String,
    shape: Option<Shape>,
    tool_prefix: Option<String>,
    pub(super) since: Option<Version>,
    pub(super) until: Option<Version>,
    note: Option<String>,
    pub(super) evidence: Option<Evidence>,
    pub(super) source: Option<Vec<String>>,
}

/// A type name or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a type name such as \"string\", or a list of them")]
enum OneOrMany {
    One(ValueType),
    Many(Vec<ValueType>),
}

/// Fields by their path, in the order of the file.
pub(super) type FieldEntries = IndexMap<FieldPath, FieldEntry>;

impl FieldEntry {
    /// The field with what it does not say itself taken from `inherited`.
    pub(super) fn resolve(&self, inherited: &Basis) -> Field {
        let entry = self.clone();
        Field {
            types: match entry.types {
                OneOrMany::One(one) => vec![one],
                OneOrMany::Many(many) => many,
            },
            required: entry.required,
            values: entry.values,
            known: entry.known,
            items: entry.items,
            role: entry.role,
            map: entry.map,
            explains: entry.explains,
            audience: entry.audience,
            deprecated: entry.deprecated,
            deprecated_values: entry.deprecated_values,
            with: entry.with,
            hidden_by: entry.hidden_by,
            unhidden_by: entry.unhidden_by,
            unless: entry.unless,
            any_case: entry.any_case,
            exact_key: entry.exact_key,
            wrong_type: entry.wrong_type,
            wrong_value: entry.wrong_value,
            stops_when: entry.stops_when,
            refuse: entry.refuse,
            needs: entry.needs,
            unwrap: entry.unwrap,
            merges: entry.merges,
            replaces: entry.replaces,
            binding: entry.binding,
            escapes: entry.escapes,
            shape: entry.shape,
            tool_prefix: entry.tool_prefix,
            since: entry.since,
            until: entry.until,
            note: entry.note,
            basis: Basis {
                evidence: entry.evidence.unwrap_or(inherited.evidence),
                source: entry.source.unwrap_or_else(|| inherited.source.clone()),
            },
        }
    }
}
