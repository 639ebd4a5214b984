//! A TOML document as the same tree with positions that a JSON document becomes.

use toml::de::{DeTable, DeValue};

use super::node::{Kind, Member, Node};

/// Where and how a text fails to be TOML.
#[derive(Debug)]
pub(crate) struct TomlError {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Parses a document.
pub(crate) fn parse(text: &str) -> Result<Node, TomlError> {
    let table = DeTable::parse(text).map_err(|error| TomlError {
        offset: error.span().map_or(0, |span| span.start),
        message: error.message().to_owned(),
    })?;
    Ok(Node { start: 0, kind: map(table.into_inner()) })
}

fn map(table: DeTable<'_>) -> Kind {
    let members = table.into_iter().map(|(name, value)| {
        let key_start = name.span().start;
        let start = value.span().start;
        let node = Node { start, kind: kind(value.into_inner()) };
        Member::only(name.into_inner().into_owned(), key_start, node)
    });
    Kind::Map(members.collect())
}

fn kind(value: DeValue<'_>) -> Kind {
    match value {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX);
            #[allow(
                clippy::cast_precision_loss,
                reason = "a time limit beyond 2^53 is as long as one a little shorter"
            )]
            let exact = value as f64;
            Kind::Number(exact, number.as_str().to_owned())
        }
        DeValue::Float(number) => Kind::Number(number.as_str().parse().unwrap_or(f64::NAN), number.as_str().to_owned()),
        DeValue::Boolean(value) => Kind::Bool(value),
        DeValue::Datetime(time) => Kind::Text(time.to_string()),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| {
                let start = item.span().start;
                Node { start, kind: kind(item.into_inner()) }
            });
            Kind::List(items.collect())
        }
        DeValue::Table(table) => map(table),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn every_value_and_key_knows_its_place() {
        let text = "a = 1\n[[hooks.Stop]]\nmatcher = \"x\"\n[[hooks.Stop.hooks]]\ntimeout = 0x10\nlate = true\n";
        let root = parse(text).unwrap();
        let group = &root.get("hooks").unwrap().get("Stop").unwrap().items().unwrap()[0];
        let matcher = group.member("matcher").unwrap();
        assert!(text[matcher.key_start..].starts_with("matcher"));
        assert!(text[matcher.value.start..].starts_with("\"x\""));
        let handler = &group.get("hooks").unwrap().items().unwrap()[0];
        assert_eq!(handler.get("timeout").unwrap().number(), Some(16.0));
        assert_eq!(handler.get("late").unwrap().scalar().as_deref(), Some("true"));
    }

    #[test]
    fn an_error_knows_its_place() {
        let error = parse("a = 1\nb = \n").unwrap_err();
        assert!(error.offset >= 6, "{error:?}");
    }
}
