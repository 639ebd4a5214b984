//! The line of one case.

use std::collections::BTreeSet;

use super::page::{DIM, Line, style};
use super::{Told, progress::time, text};
use crate::judge::Verdict;
use crate::report::{CaseFinished, Cell};

fn word(cell: Cell) -> String {
    match cell {
        Cell::Skipped => "skip".to_owned(),
        Cell::Passed => "ok".to_owned(),
        Cell::Noted => "note".to_owned(),
        Cell::Broken(level) => level.to_string(),
        Cell::HarnessError => "HARNESS".to_owned(),
    }
}

/// Says how a case went: the worst that happened, its name, and which requirements it is about.
pub(super) fn line(case: &CaseFinished, run: &Told, width: usize) -> Line {
    let cell = Cell::of(case);
    let word = word(cell);
    let room = width.saturating_sub(8);
    let name = text::cut_middle(&text::visible(&run.place(&case.case)), room);
    let rest = room.saturating_sub(text::width(&name) + 2);
    let line = Line::new().add(style(cell), &word).plain(&" ".repeat(8 - word.len())).plain(&name);
    if rest < 4 {
        return line;
    }
    line.plain("  ").add(DIM, &text::cut_end(&text::visible(&told(case, cell)), rest))
}

/// The requirements that are broken or in doubt, what failed in the harness, or what the platform would do.
fn told(case: &CaseFinished, cell: Cell) -> String {
    let mut ids = BTreeSet::new();
    for judgement in &case.judgements {
        let counts = match &judgement.verdict {
            Verdict::HarnessError { message } => return message.clone(),
            Verdict::Fail(_) => true,
            Verdict::Note(_) => cell == Cell::Noted,
            Verdict::Pass | Verdict::Skip { .. } => false,
        };
        if counts {
            ids.insert(judgement.requirement.as_str());
        }
    }
    if !ids.is_empty() {
        return ids.into_iter().collect::<Vec<_>>().join(", ");
    }
    let action = case.runs.first().map_or(String::new(), |run| format!("{}, ", run.effect.action));
    format!("{action}{}", time(case.wall))
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{bare_deny, broken, case, held, noise, pass, skip, started};
    use super::*;
    use crate::judge::Judgement;
    use rstest::rstest;

    #[rstest]
    #[case(vec![noise(), bare_deny(), held()], "MUST    Stop/typical/baseline  schema.deny-reason, stream.noise-before-json")]
    #[case(vec![held(), pass("a")], "note    Stop/typical/baseline  timing.stdin-held-open")]
    #[case(vec![pass("a")], "ok      Stop/typical/baseline  proceeds, 15 ms")]
    #[case(vec![skip("a", "why")], "skip    Stop/typical/baseline  proceeds, 15 ms")]
    #[case(vec![noise(), broken("no memory")], "HARNESS Stop/typical/baseline  no memory")]
    fn a_case_is_one_line(#[case] judgements: Vec<Judgement>, #[case] expected: &str) {
        let case = case("Stop", "typical", "baseline", judgements);
        assert_eq!(line(&case, &Told::of(&started(1)), 100).render(false), expected);
    }

    #[test]
    fn it_fits() {
        let case = case("Stop", &"long-".repeat(30), "baseline", vec![noise()]);
        for width in 40..200 {
            assert!(line(&case, &Told::of(&started(1)), width).width() <= width);
        }
    }
}
