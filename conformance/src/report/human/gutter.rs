//! The left margin of a message, and what stands behind it.

use super::page::{BOLD, DIM, GUTTER, Line, PLAIN, style};
use super::text;
use crate::report::Cell;

/// A line of evidence.
///
/// A line is printed as it is given. Only where a judge numbers lines does the number go into the margin: a line that
/// begins with `12 | ` is numbered, and in evidence with such a line ` | ` begins a line that belongs to the one above. A
/// quoted line of a stream is indented by the judge, so that no hook can number its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof<'a> {
    number: &'a str,
    text: &'a str,
}

impl<'a> Proof<'a> {
    /// The lines of one finding.
    pub(super) fn all(evidence: &'a [String]) -> Vec<Proof<'a>> {
        let mut proofs: Vec<Proof<'a>> = evidence.iter().map(|line| Proof::numbered(line)).collect();
        if proofs.iter().any(|proof| !proof.number.is_empty()) {
            for proof in &mut proofs {
                let rest = proof.text.trim_start_matches(' ');
                if let Some(text) = rest.strip_prefix('|').filter(|_| rest.len() < proof.text.len()) {
                    proof.text = text.strip_prefix(' ').unwrap_or(text);
                }
            }
        }
        proofs
    }

    fn numbered(line: &'a str) -> Proof<'a> {
        let number = |label: &str| (1..=9).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_digit());
        match line.split_once(" | ") {
            Some((label, text)) if number(label) => Proof { number: label, text },
            _ => Proof { number: "", text: line },
        }
    }

    /// Whether it points at the line above.
    fn points(&self) -> bool {
        self.number.is_empty() && self.text.trim_start_matches(' ').starts_with('^')
    }
}

/// The left margin of one message.
pub(super) struct Gutter {
    digits: usize,
    width: usize,
}

impl Gutter {
    /// A margin with room for the numbers of these lines, of a message of `width` columns.
    pub(super) fn new(evidence: &[Proof<'_>], width: usize) -> Gutter {
        let digits = evidence.iter().map(|proof| proof.number.len()).max().unwrap_or(0);
        Gutter { digits: digits.max(1), width }
    }

    /// ` --> where`.
    pub(super) fn arrow(&self, arrow: &str, text: &str) -> Vec<Line> {
        Line::indent(self.digits + 1).add(GUTTER, arrow).plain(" ").hanging(PLAIN, text, self.width)
    }

    /// ` |`.
    pub(super) fn bar(&self) -> Line {
        Line::indent(self.digits + 2).add(GUTTER, "|")
    }

    /// ` 1 | text`, cut to the width.
    pub(super) fn proof(&self, proof: &Proof<'_>, cell: Cell) -> Line {
        let number = format!(" {:>width$} |", proof.number, width = self.digits);
        let room = self.width.saturating_sub(number.len() + 1);
        let look = if proof.points() { style(cell) } else { PLAIN };
        Line::new().add(GUTTER, &number).plain(" ").add(look, &text::cut_middle(&text::visible(proof.text), room))
    }

    /// ` | text` that is no evidence.
    pub(super) fn note(&self, text: &str) -> Line {
        self.bar().plain(" ").add(DIM, text)
    }

    /// ` = label: text`.
    pub(super) fn remark(&self, label: &str, text: &str) -> Vec<Line> {
        let line = Line::indent(self.digits + 2).add(GUTTER, "=").plain(" ");
        match label {
            "" => line.hanging(PLAIN, text, self.width),
            // A label that is a long list would push its text into a narrow column.
            _ if text::width(&text::visible(label)) > self.width / 3 => {
                line.hanging(PLAIN, &format!("{label}: {text}"), self.width)
            }
            _ => line.add(BOLD, label).plain(": ").hanging(PLAIN, text, self.width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::numbered(&["9 | {", "  | ^ here", "10 | }"], &["  9 | {", "    | ^ here", " 10 | }"])]
    #[case::empty_lines(&["1 | a", "  |", "2 | "], &[" 1 | a", "   |", " 2 |"])]
    #[case::as_given(&["exit 0", "  text", ""], &["   | exit 0", "   |   text", "   |"])]
    #[case::table_of_a_hook(&["  | a | b |", "| c |"], &["   |   | a | b |", "   | | c |"])]
    #[case::forged(&["  1 | all is well", "  | ^^^"], &["   |   1 | all is well", "   |   | ^^^"])]
    #[case::no_number(&["a 1 | b", "1| b", "1 || b"], &["   | a 1 | b", "   | 1| b", "   | 1 || b"])]
    #[case::long_number(&["1234567890 | b"], &["   | 1234567890 | b"])]
    fn evidence_stands_in_the_margin(#[case] evidence: &[&str], #[case] printed: &[&str]) {
        let evidence: Vec<String> = evidence.iter().map(|&line| line.to_owned()).collect();
        let proofs = Proof::all(&evidence);
        let gutter = Gutter::new(&proofs, 80);
        let told: Vec<_> = proofs.iter().map(|proof| gutter.proof(proof, Cell::Passed).render(false)).collect();
        assert_eq!(told, printed);
    }

    #[test]
    fn a_long_line_loses_its_middle() {
        let evidence = [format!("123 | {}end", "x".repeat(200))];
        let proofs = Proof::all(&evidence);
        let line = Gutter::new(&proofs, 40).proof(&proofs[0], Cell::Passed).render(false);
        assert!(line.starts_with(" 123 | xxx") && line.contains('…') && line.ends_with("end"), "{line}");
        assert_eq!(text::width(&line), 40);
    }
}
