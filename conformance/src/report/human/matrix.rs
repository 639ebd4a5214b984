//! The matrix as text: one row an event, one column a scenario.

use anstyle::Style;

use super::page::{BOLD, DIM, Line, style};
use super::text;
use crate::report::{Cell, Matrix, Row};
use crate::requirement::Level;

/// Columns that the name of a row may take.
const NAME: usize = 32;

/// Columns that the whole may take, however wide the terminal is.
const MOST: usize = 100;

const LEGEND: [(Cell, &str); 7] = [
    (Cell::Passed, "passed"),
    (Cell::Broken(Level::Must), "a MUST is broken"),
    (Cell::Broken(Level::Should), "a SHOULD is broken"),
    (Cell::Broken(Level::May), "a MAY is broken"),
    (Cell::Noted, "in doubt"),
    (Cell::Skipped, "not judged"),
    (Cell::HarnessError, "the harness failed"),
];

/// The matrix, the key of its columns and its legend; nothing if no case was run.
pub(super) fn lines(matrix: &Matrix, width: usize) -> Vec<Line> {
    let width = width.min(MOST);
    let (columns, rows) = (matrix.columns(), matrix.rows());
    if rows.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = rows.iter().map(|row| name(row, matrix.subjects() > 1)).collect();
    let indent = names.iter().map(|name| text::width(name)).max().unwrap_or(0);
    // Where the columns do not fit side by side, they go on below.
    let per_block = (width.saturating_sub(indent) / 2).max(1);
    let mut lines = Vec::new();
    for first in (0..columns.len()).step_by(per_block) {
        let numbers = first..columns.len().min(first + per_block);
        lines.extend(heads(numbers.clone(), columns.len(), indent));
        for (name, row) in names.iter().zip(&rows) {
            let gap = indent - text::width(name);
            let mut line = Line::new().plain(name).plain(&" ".repeat(gap));
            for cell in &row.cells[numbers.clone()] {
                line = line.plain(" ").add(style(*cell), &cell.sign().to_string());
            }
            lines.push(line);
        }
        lines.push(Line::new());
    }
    let key = columns.iter().enumerate().map(|(at, name)| (BOLD, (at + 1).to_string(), (*name).to_owned()));
    let legend = LEGEND.iter().map(|(cell, text)| (style(*cell), cell.sign().to_string(), (*text).to_owned()));
    lines.extend(table(&key.collect::<Vec<_>>(), width));
    lines.push(Line::new());
    lines.extend(table(&legend.collect::<Vec<_>>(), width));
    lines
}

/// The name of a row. The names of hooks found in a configuration begin with their event already.
fn name(row: &Row<'_>, several: bool) -> String {
    let name = match (several, row.subject.starts_with(row.event)) {
        (false, _) => row.event.to_owned(),
        (true, true) => row.subject.to_owned(),
        (true, false) => format!("{} {}", row.subject, row.event),
    };
    text::cut_middle(&text::visible(&name), NAME)
}

/// The numbers of these columns, from top to bottom.
fn heads(columns: std::ops::Range<usize>, all: usize, indent: usize) -> Vec<Line> {
    let digits = all.to_string().len();
    let number = |column: usize| format!("{:>digits$}", column + 1);
    let head = |digit: usize| {
        columns
            .clone()
            .fold(Line::indent(indent), |line, column| line.add(DIM, &format!(" {}", &number(column)[digit..=digit])))
    };
    (0..digits).map(head).collect()
}

/// Signs and their meanings in as many columns as fit.
fn table(entries: &[(Style, String, String)], width: usize) -> Vec<Line> {
    let sign = entries.iter().map(|(_, sign, _)| text::width(sign)).max().unwrap_or(0);
    let room = width.saturating_sub(sign + 3);
    let texts: Vec<String> = entries.iter().map(|(_, _, text)| text::cut_middle(&text::visible(text), room)).collect();
    let column = texts.iter().map(|text| text::width(text)).max().unwrap_or(0) + sign + 3;
    // The last column needs no gap behind it.
    let across = ((width + 2) / column).max(1);
    let down = entries.len().div_ceil(across);
    let mut lines = vec![Line::new(); down];
    for (at, ((style, mark, _), text)) in entries.iter().zip(&texts).enumerate() {
        let line = std::mem::take(&mut lines[at % down]);
        let line = line.plain(&" ".repeat(sign - text::width(mark))).add(*style, mark).plain(" ").plain(text);
        let gap = column.saturating_sub(sign + 1 + text::width(text));
        lines[at % down] = line.plain(&" ".repeat(gap));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{bare_deny, broken, case, held, id, long, noise, pass, skip};
    use super::*;
    use crate::judge::Judgement;

    fn told(matrix: &Matrix, width: usize) -> String {
        let lines = lines(matrix, width);
        lines.iter().map(|line| line.render(false) + "\n").collect()
    }

    fn matrix(cases: impl IntoIterator<Item = (&'static str, &'static str, Vec<Judgement>)>) -> Matrix {
        let mut matrix = Matrix::default();
        for (event, scenario, judgements) in cases {
            matrix.add(&case(event, "typical", scenario, judgements));
        }
        matrix
    }

    #[test]
    fn a_small_matrix() {
        let matrix = matrix([
            ("PreToolUse", "baseline", vec![noise()]),
            ("PreToolUse", "stdin-held-open", vec![held()]),
            ("PreToolUse", "bare-environment", vec![bare_deny(), pass("x")]),
            ("Stop", "baseline", vec![pass("x"), skip("y", "why")]),
            ("Stop", "stdin-held-open", vec![skip("y", "why")]),
            ("UserPromptSubmit", "baseline", vec![long()]),
            ("UserPromptSubmit", "stdin-held-open", vec![broken("no memory")]),
        ]);
        let expected = "
                 1 2 3
PreToolUse       M n m
Stop             . - -
UserPromptSubmit S ! -

1 baseline          2 stdin-held-open   3 bare-environment

. passed              S a SHOULD is broken  n in doubt            ! the harness failed
M a MUST is broken    m a MAY is broken     - not judged
";
        assert_eq!(format!("\n{}", told(&matrix, 100)), expected);
    }

    #[test]
    fn many_scenarios_are_numbered_in_two_digits_and_fit() {
        let mut matrix = Matrix::default();
        for event in ["PreToolUse", "PostToolUseFailure", "UserPromptExpansion"] {
            for number in 0..25 {
                matrix.add(&case(event, "typical", &format!("scenario-with-a-name-{number:02}"), vec![pass("x")]));
            }
        }
        let told = told(&matrix, 100);
        let heads = "
                                      1 1 1 1 1 1 1 1 1 1 2 2 2 2 2 2
                    1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
";
        assert!(format!("\n{told}").starts_with(heads), "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
        assert_eq!(told.matches("UserPromptExpansion").count(), 1);
        assert!(told.contains("25 scenario-with-a-name-24"));
    }

    #[test]
    fn what_does_not_fit_goes_on_below() {
        let mut matrix = Matrix::default();
        for number in 0..60 {
            matrix.add(&case("UserPromptExpansion", "typical", &format!("s{number:02}"), vec![pass("x")]));
        }
        let told = told(&matrix, 60);
        assert!(told.lines().all(|line| line.chars().count() <= 60), "{told}");
        assert_eq!(told.matches("UserPromptExpansion").count(), 3);
        let cells = told.lines().filter(|line| line.starts_with("User")).map(|line| line.matches('.').count());
        assert_eq!(cells.sum::<usize>(), 60);
    }

    #[test]
    fn hooks_are_told_apart_where_there_are_several() {
        let mut matrix = Matrix::default();
        for (subject, event) in [("Stop-1-a.sh", "Stop"), ("guard.py", "Stop")] {
            let mut case = case(event, "typical", "baseline", vec![pass("x")]);
            case.case = id(subject, event, "typical", "baseline");
            matrix.add(&case);
        }
        assert!(told(&matrix, 100).contains("\nStop-1-a.sh   .\nguard.py Stop .\n"));
    }

    #[test]
    fn no_case_no_matrix() {
        assert_eq!(lines(&Matrix::default(), 100), []);
    }
}
