//! JSON with positions: a tree in which every value and every key knows where it stands in the text.

use std::collections::HashMap;

use crate::json::{self, Fault, Step, SyntaxError};

/// A value and the byte offset of its first character.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Byte offset in the text.
    pub(crate) start: usize,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// The value and its spelling.
    Number(f64, String),
    Text(String),
    List(Vec<Node>),
    /// Every member as it is spelled, duplicates too.
    Map(Vec<Member>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// Byte offset of the key's opening quotation mark.
    pub(crate) key_start: usize,
    pub(crate) value: Node,
    /// Whether the same key stands earlier in the object.
    again: bool,
    /// Whether the same key stands later in the object, so that this member does not count.
    superseded: bool,
}

/// A key that stands more than once in the same object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Duplicate {
    /// Dotted path of the key; `[]` stands for an item of an array.
    pub(crate) path: String,
    /// Byte offset of the later key.
    pub(crate) start: usize,
}

impl Member {
    /// A member of an object in which its key stands once.
    pub(crate) fn only(key: String, key_start: usize, value: Node) -> Member {
        Member { key, key_start, value, again: false, superseded: false }
    }
}

impl Node {
    /// Parses one strict JSON document.
    ///
    /// What is JSON and what is not is decided by [`json::parse`], so that a configuration and a hook's output are
    /// judged by one grammar (nesting is bounded there too); here only the positions are added.
    pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
        json::parse(text)?;
        let mut reader = Reader { text, at: 0 };
        reader.value().ok_or_else(|| SyntaxError {
            fault: Fault::Other,
            line: 1,
            column: 1,
            offset: reader.at.min(text.len()),
            message: "positions could not be told".to_owned(),
        })
    }

    /// The value of `key`: the last one if there are several, as in JavaScript. `None` if this is no object.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The value at a path of keys with dots between them.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |here, key| here.get(key))
    }

    /// The member that counts for `key`.
    pub(crate) fn member(&self, key: &str) -> Option<&Member> {
        match &self.kind {
            Kind::Map(members) => members.iter().rev().find(|member| member.key == key),
            _ => None,
        }
    }

    /// The members that count, in the order of the text; `None` if this is no object.
    pub(crate) fn members(&self) -> Option<impl Iterator<Item = &Member>> {
        let Kind::Map(members) = &self.kind else {
            return None;
        };
        Some(members.iter().filter(|member| !member.superseded))
    }

    /// The items of an array.
    pub(crate) fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a number.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.kind {
            Kind::Number(value, _) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is a number that is spelled without a fraction.
    pub(crate) fn whole(&self) -> bool {
        matches!(&self.kind, Kind::Number(_, spelling) if !spelling.contains(['.', 'e', 'E']))
    }

    /// A string, number, boolean or null as text; `None` for what has parts.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Null => Some("null".to_owned()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Number(_, spelling) => Some(spelling.clone()),
            Kind::Text(text) => Some(text.clone()),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The value in one spelling, so that equal values have equal texts.
    pub(crate) fn canonical(&self) -> String {
        match &self.kind {
            Kind::Number(value, _) => value.to_string(),
            Kind::Text(text) => format!("{text:?}"),
            Kind::List(items) => format!("[{}]", items.iter().map(Node::canonical).collect::<Vec<_>>().join(",")),
            Kind::Map(members) => {
                let counting = members.iter().filter(|member| !member.superseded);
                let mut parts: Vec<_> =
                    counting.map(|member| format!("{:?}:{}", member.key, member.value.canonical())).collect();
                parts.sort();
                format!("{{{}}}", parts.join(","))
            }
            Kind::Null | Kind::Bool(_) => self.scalar().unwrap_or_default(),
        }
    }

    /// What it is, for a sentence.
    pub(crate) fn noun(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(..) => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "an array",
            Kind::Map(_) => "an object",
        }
    }

    /// Whether there are more values in it than `most`, itself included.
    pub(crate) fn has_more_values_than(&self, most: usize) -> bool {
        fn take(node: &Node, left: &mut usize) -> bool {
            let Some(rest) = left.checked_sub(1) else { return false };
            *left = rest;
            match &node.kind {
                Kind::List(items) => items.iter().all(|item| take(item, left)),
                Kind::Map(members) => members.iter().all(|member| take(&member.value, left)),
                _ => true,
            }
        }
        !take(self, &mut { most })
    }

    /// Keys that stand more than once in the same object, in the order of the text. Of very many the first are enough.
    pub(crate) fn duplicates(&self) -> Vec<Duplicate> {
        let mut found = Vec::new();
        self.collect_duplicates(&mut Vec::new(), &mut found);
        found
    }

    fn collect_duplicates<'n>(&'n self, path: &mut Vec<Step<'n>>, found: &mut Vec<Duplicate>) {
        if found.len() >= json::MOST_DUPLICATES {
            return;
        }
        match &self.kind {
            Kind::List(items) => {
                path.push(Step::Item);
                items.iter().for_each(|item| item.collect_duplicates(path, found));
                path.pop();
            }
            Kind::Map(members) => {
                for member in members {
                    path.push(Step::Key(&member.key));
                    if member.again && found.len() < json::MOST_DUPLICATES {
                        found.push(Duplicate { path: json::dotted(path), start: member.key_start });
                    }
                    member.value.collect_duplicates(path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}

/// Walks over a text that is known to be JSON. `None` would mean that it is not.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Node> {
        self.skip_space();
        let start = self.at;
        let kind = match self.peek()? {
            b'{' => self.map()?,
            b'[' => self.list()?,
            b'"' => Kind::Text(self.string()?),
            b't' => self.word("true", Kind::Bool(true))?,
            b'f' => self.word("false", Kind::Bool(false))?,
            b'n' => self.word("null", Kind::Null)?,
            _ => self.number()?,
        };
        Some(Node { start, kind })
    }

    fn map(&mut self) -> Option<Kind> {
        let mut members: Vec<Member> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        self.at += 1;
        while !self.closes(b'}')? {
            let key_start = self.at;
            let key = self.string()?;
            self.skip_space();
            (self.peek()? == b':').then(|| self.at += 1)?;
            let value = self.value()?;
            let earlier = seen.insert(key.clone(), members.len());
            if let Some(earlier) = earlier {
                members[earlier].superseded = true;
            }
            members.push(Member { key, key_start, value, again: earlier.is_some(), superseded: false });
        }
        Some(Kind::Map(members))
    }

    fn list(&mut self) -> Option<Kind> {
        let mut items = Vec::new();
        self.at += 1;
        while !self.closes(b']')? {
            items.push(self.value()?);
        }
        Some(Kind::List(items))
    }

    /// Steps over white space and a comma; whether the closing bracket followed, which is stepped over as well.
    fn closes(&mut self, bracket: u8) -> Option<bool> {
        self.skip_space();
        if self.peek()? == b',' {
            self.at += 1;
            self.skip_space();
        }
        let closed = self.peek()? == bracket;
        if closed {
            self.at += 1;
        }
        Some(closed)
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        (self.peek()? == b'"').then(|| self.at += 1)?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        json::parse(self.text.get(start..self.at)?).ok()?.value.as_str().map(str::to_owned)
    }

    fn number(&mut self) -> Option<Kind> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
            self.at += 1;
        }
        let spelling = self.text.get(start..self.at)?;
        spelling.parse().ok().map(|value| Kind::Number(value, spelling.to_owned()))
    }

    fn word(&mut self, word: &str, kind: Kind) -> Option<Kind> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())?;
        Some(kind)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Kind, Node};

    #[test]
    fn every_value_and_key_knows_its_place() {
        let text = "{\n  \"a\": [1, \"zwei\", {\"b\" : null}],\n  \"é\\n\": true\n}";
        let root = Node::parse(text).unwrap();
        let list = root.get("a").unwrap().items().unwrap();
        assert_eq!(&text[list[0].start..=list[0].start], "1");
        assert!(text[list[1].start..].starts_with("\"zwei\""));
        assert!(text[list[2].get("b").unwrap().start..].starts_with("null"));
        let last = root.member("é\n").unwrap();
        assert!(text[last.key_start..].starts_with("\"é\\n\""));
        assert_eq!(last.value.kind, Kind::Bool(true));
    }

    #[rstest]
    #[case("-1.5e3", -1500.0)]
    #[case("0", 0.0)]
    #[case("600", 600.0)]
    fn numbers_keep_value_and_spelling(#[case] text: &str, #[case] value: f64) {
        assert_eq!(Node::parse(text).unwrap().kind, Kind::Number(value, text.to_owned()));
    }

    #[test]
    fn the_last_of_several_keys_counts_and_all_are_told() {
        let root = Node::parse(r#"{"a":{"k":1,"k":2},"b":[{"x":1,"x":2,"y":3}]}"#).unwrap();
        assert_eq!(root.get("a").unwrap().get("k").unwrap().number(), Some(2.0));
        let paths: Vec<_> = root.duplicates().into_iter().map(|duplicate| duplicate.path).collect();
        assert_eq!(paths, ["a.k", "b[].x"]);
        let item = &root.get("b").unwrap().items().unwrap()[0];
        let keys: Vec<_> = item.members().unwrap().map(|member| member.key.as_str()).collect();
        assert_eq!(keys, ["x", "y"]);
    }

    #[rstest]
    #[case("{\"a\": 1,}")]
    #[case("{} {}")]
    #[case("// c\n{}")]
    #[case("")]
    fn what_is_no_json_is_refused(#[case] text: &str) {
        assert!(Node::parse(text).is_err());
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_crash() {
        assert!(Node::parse(&"[".repeat(200_000)).is_err());
        assert!(Node::parse(&format!("{}{}", "[".repeat(5000), "]".repeat(5000))).is_err());
    }
}
