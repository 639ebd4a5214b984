//! A YAML document as the same tree with positions that a JSON document becomes, and the front matter of a Markdown file.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::bounds;
use super::node::{Kind, Member, Node};

/// Where and how a text fails to be YAML.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// The front matter of a Markdown file, with positions in the whole text: what stands between a first line `---` and the
/// next one. An empty map if there is none.
pub(crate) fn front_matter(text: &str) -> Result<Node, YamlError> {
    let none = Node { start: 0, kind: Kind::Map(Vec::new()) };
    let Some(start) = text.find('\n').map(|at| at + 1).filter(|at| text[..*at].trim_end() == "---") else {
        return Ok(none);
    };
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            let root = parse(&text[start..end], start)?;
            return Ok(if matches!(root.kind, Kind::Map(_)) { root } else { none });
        }
        end += line.len();
    }
    Ok(none)
}

/// Whether front matter begins and does not end within the text.
pub(crate) fn is_unfinished(text: &str) -> bool {
    let mut lines = text.lines();
    lines.next().is_some_and(|line| line.trim_end() == "---") && !lines.any(|line| line.trim_end() == "---")
}

/// A collection that is not finished.
struct Open {
    start: usize,
    anchor: usize,
    /// The members of a map, or `None` for a list.
    map: Option<Vec<Member>>,
    items: Vec<Node>,
    /// The key whose value comes next.
    key: Option<(String, usize)>,
}

/// Parses one document; `base` is added to every offset.
pub(crate) fn parse(text: &str, base: usize) -> Result<Node, YamlError> {
    // Markers count characters.
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let offset = |span: Span| base + bytes.get(span.start.index()).copied().unwrap_or(text.len());
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut values = 0;
    let mut root = Node { start: base, kind: Kind::Null };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError {
            offset: base + bytes.get(error.marker().index()).copied().unwrap_or(text.len()),
            message: error.info().to_owned(),
        })?;
        let start = offset(span);
        if open.len() > bounds::DEPTH {
            return Err(YamlError { offset: start, message: "it is nested too deeply".to_owned() });
        }
        let is_alias = matches!(event, Event::Alias(_));
        let (done, anchor) = match event {
            Event::MappingStart(anchor, _) => {
                open.push(Open { start, anchor, map: Some(Vec::new()), items: Vec::new(), key: None });
                continue;
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { start, anchor, map: None, items: Vec::new(), key: None });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some(Open { start, anchor, map, items, .. }) = open.pop() else { continue };
                let kind = map.map_or(Kind::List(items), Kind::Map);
                (Node { start, kind }, anchor)
            }
            Event::Scalar(value, style, anchor, _) => {
                let kind = if style == ScalarStyle::Plain { plain(&value) } else { Kind::Text(value.into_owned()) };
                (Node { start, kind }, anchor)
            }
            Event::Alias(anchor) => {
                let known = anchors.get(&anchor).cloned();
                (known.unwrap_or(Node { start, kind: Kind::Null }), 0)
            }
            Event::DocumentEnd => break,
            _ => continue,
        };
        // What stands in a collection was counted when it came, but for what is copied for an alias, or by one.
        values += if is_alias || anchor != 0 { size(&done) } else { 1 };
        if values > bounds::VALUES {
            let message = "it has too many values".to_owned();
            return Err(YamlError { offset: start, message });
        }
        if anchor != 0 {
            anchors.insert(anchor, done.clone());
        }
        match open.last_mut() {
            None => root = done,
            Some(Open { map: None, items, .. }) => items.push(done),
            Some(Open { map: Some(members), key, .. }) => match key.take() {
                None => *key = Some((done.scalar().unwrap_or_default(), done.start)),
                Some((name, key_start)) => members.push(Member::only(name, key_start, done)),
            },
        }
    }
    Ok(root)
}

/// How many values it holds, itself included, where a long text counts as many.
fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(members) => members.iter().map(|member| size(&member.value) + member.key.len() / 32).sum(),
        Kind::Text(text) | Kind::Number(_, text) => text.len() / 32,
        _ => 0,
    }
}

/// What a scalar without quotes is.
fn plain(value: &str) -> Kind {
    match value {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ => match value.parse::<f64>() {
            Ok(number) if value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                Kind::Number(number, value.to_owned())
            }
            _ => Kind::Text(value.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, front_matter, parse};

    const AGENT: &str = "---\nname: prüfer\nhooks:\n  PreToolUse:\n    - matcher: \"Bash\"\n      hooks:\n        - type: \
                         command\n          command: ./a.sh\n          timeout: 5\n---\n# Text\nhooks: no\n";

    #[test]
    fn every_value_and_key_knows_its_place() {
        let root = front_matter(AGENT).unwrap();
        let group = &root.at("hooks.PreToolUse").unwrap().items().unwrap()[0];
        assert!(AGENT[group.get("matcher").unwrap().start..].starts_with("\"Bash\""));
        let handler = &group.get("hooks").unwrap().items().unwrap()[0];
        assert!(AGENT[handler.member("command").unwrap().key_start..].starts_with("command: ./a.sh"));
        assert_eq!(handler.get("timeout").unwrap().number(), Some(5.0));
    }

    #[test]
    fn what_is_no_front_matter_holds_nothing() {
        for text in ["", "# Text\n---\nhooks: x\n---\n", "---\nhooks:\n  a: b\n", "---\n- a\n---\n", "---\n---\n"] {
            assert_eq!(front_matter(text).unwrap().members().unwrap().count(), 0, "{text:?}");
        }
    }

    #[test]
    fn an_error_knows_its_place() {
        let error = front_matter("---\na: 1\nb: [1\nc: 2\n---\n").unwrap_err();
        assert!(error.offset > 8, "{error:?}");
    }

    #[test]
    fn aliases_are_written_out_and_cannot_fill_the_memory() {
        let root = parse("a: &x [1, 2]\nb: *x\n", 0).unwrap();
        assert_eq!(root.get("b").unwrap().items().unwrap().len(), 2);
        let mut text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for at in 1..40 {
            let before = at - 1;
            text += &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{before}"); 9].join(", "));
        }
        assert!(parse(&text, 0).is_err());
    }

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        let root = parse("a: ~\nb: yes\nc: 1.5\nd: \"1\"\ne: 2.1.0\nf: true\n", 0).unwrap();
        assert_eq!(root.get("a").unwrap().kind, Kind::Null);
        assert_eq!(root.get("b").unwrap().text(), Some("yes"));
        assert_eq!(root.get("c").unwrap().number(), Some(1.5));
        assert_eq!(root.get("d").unwrap().text(), Some("1"));
        assert_eq!(root.get("e").unwrap().text(), Some("2.1.0"));
        assert_eq!(root.get("f").unwrap().kind, Kind::Bool(true));
    }
}
