//! The mark of unfinished work in an agent's last message.

/// A line that begins with this, after white space and list signs, says that something is to be done before stopping.
const MARK: &str = "TODO(before-stop):";

/// An item longer than this many characters is cut.
const ITEM_LIMIT: usize = 200;

/// The first item that the message marks with `TODO(before-stop):`; a mark without an item counts for nothing.
pub(crate) fn find(message: &str) -> Option<String> {
    message.lines().find_map(|line| {
        let item = line.trim_start_matches(|c: char| c.is_whitespace() || "-*+".contains(c)).strip_prefix(MARK)?.trim();
        let item: String = item.chars().filter(|c| !c.is_control() && *c != '"').take(ITEM_LIMIT).collect();
        (!item.trim().is_empty()).then_some(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("TODO(before-stop): run the tests", Some("run the tests"))]
    #[case("Done.\n  - TODO(before-stop):  run \"the\" tests \nmore", Some("run the tests"))]
    #[case("TODO(before-stop):", None)]
    #[case("TODO(before-stop): \nTODO(before-stop): b", Some("b"))]
    #[case("I left no TODO(before-stop): mark.", None)]
    #[case("TODO: later", None)]
    #[case("", None)]
    fn only_a_line_that_begins_with_the_mark_counts(#[case] message: &str, #[case] item: Option<&str>) {
        assert_eq!(find(message).as_deref(), item);
    }

    #[test]
    fn an_item_is_cut() {
        let message = format!("{MARK} {}", "é".repeat(100_000));
        assert_eq!(find(&message).expect("an item").chars().count(), ITEM_LIMIT);
    }
}
