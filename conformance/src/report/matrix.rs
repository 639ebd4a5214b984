//! The matrix: events by scenarios, and the worst that happened in each.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::CaseFinished;
use crate::judge::Verdict;
use crate::requirement::Level;

/// What happened in the cases of one event and one scenario, from the best to what asks most for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Nothing was judged: skipped, not applicable or not reached.
    Skipped,
    /// All that was judged holds.
    Passed,
    /// There is a doubt.
    Noted,
    /// The worst broken rule is of this level.
    Broken(Level),
    /// The harness failed.
    HarnessError,
}

impl Cell {
    /// The worst of one case.
    pub fn of(case: &CaseFinished) -> Cell {
        let cell = |verdict: &Verdict, level| match verdict {
            Verdict::Skip { .. } => Cell::Skipped,
            Verdict::Pass => Cell::Passed,
            Verdict::Note(_) => Cell::Noted,
            Verdict::Fail(_) => Cell::Broken(level),
            Verdict::HarnessError { .. } => Cell::HarnessError,
        };
        let cells = case.judgements.iter().map(|judgement| cell(&judgement.verdict, judgement.level));
        cells.max().unwrap_or(Cell::Skipped)
    }

    /// Its sign: one character.
    pub fn sign(self) -> char {
        match self {
            Cell::Skipped => '-',
            Cell::Passed => '.',
            Cell::Noted => 'n',
            Cell::Broken(Level::May) => 'm',
            Cell::Broken(Level::Should) => 'S',
            Cell::Broken(Level::Must) => 'M',
            Cell::HarnessError => '!',
        }
    }
}

/// A row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The hook under check.
    pub subject: &'a str,
    /// The event.
    pub event: &'a str,
    /// One cell for each column.
    pub cells: Vec<Cell>,
}

/// Gathers the worst of each subject, event and scenario.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    rows: BTreeMap<(String, String), BTreeMap<String, Cell>>,
    scenarios: BTreeMap<String, usize>,
}

impl Matrix {
    /// Takes over a case.
    pub fn add(&mut self, case: &CaseFinished) {
        let id = &case.case;
        *self.scenarios.entry(id.scenario.clone()).or_default() += 1;
        let row = self.rows.entry((id.subject.clone(), id.event.clone())).or_default();
        let cell = row.entry(id.scenario.clone()).or_insert(Cell::Skipped);
        *cell = Cell::of(case).max(*cell);
    }

    /// The scenarios, those of most cases first.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<_> = self.scenarios.iter().map(|(name, &cases)| (Reverse(cases), name.as_str())).collect();
        columns.sort_unstable();
        columns.into_iter().map(|(_, name)| name).collect()
    }

    /// The rows, by subject and event, with a cell for each of [`Matrix::columns`].
    pub fn rows(&self) -> Vec<Row<'_>> {
        let columns = self.columns();
        let cells = |row: &BTreeMap<String, Cell>| {
            columns.iter().map(|&column| row.get(column).copied().unwrap_or(Cell::Skipped)).collect()
        };
        self.rows.iter().map(|((subject, event), row)| Row { subject, event, cells: cells(row) }).collect()
    }

    /// How many subjects there are.
    pub fn subjects(&self) -> usize {
        self.rows.keys().map(|(subject, _)| subject).collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{bare_deny, broken, case, held, id, long, noise, pass, skip};
    use super::*;
    use crate::judge::Judgement;
    use rstest::rstest;

    #[rstest]
    #[case(vec![], '-')]
    #[case(vec![skip("a", "why")], '-')]
    #[case(vec![skip("a", "why"), pass("b")], '.')]
    #[case(vec![held(), pass("b")], 'n')]
    #[case(vec![held(), bare_deny()], 'm')]
    #[case(vec![long(), bare_deny()], 'S')]
    #[case(vec![noise(), long()], 'M')]
    #[case(vec![noise(), broken("no memory")], '!')]
    fn the_worst_of_a_case(#[case] judgements: Vec<Judgement>, #[case] sign: char) {
        assert_eq!(Cell::of(&case("Stop", "a", "baseline", judgements)).sign(), sign);
    }

    #[test]
    fn payloads_are_folded_and_the_commonest_scenario_stands_first() {
        let mut matrix = Matrix::default();
        matrix.add(&case("Stop", "a", "closed", vec![pass("x")]));
        matrix.add(&case("Stop", "a", "plain", vec![noise()]));
        matrix.add(&case("Stop", "b", "plain", vec![pass("x")]));
        let mut other = case("PreToolUse", "b", "plain", vec![pass("x")]);
        other.case = id("a.sh", "PreToolUse", "b", "plain");
        matrix.add(&other);
        assert_eq!(matrix.columns(), ["plain", "closed"]);
        assert_eq!(matrix.subjects(), 2);
        let must = Cell::Broken(Level::Must);
        let expected = [
            Row { subject: "a.sh", event: "PreToolUse", cells: vec![Cell::Passed, Cell::Skipped] },
            Row { subject: "guard.py", event: "Stop", cells: vec![must, Cell::Passed] },
        ];
        assert_eq!(matrix.rows(), expected);
    }
}
