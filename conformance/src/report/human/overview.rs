//! One line for each finding, the worst first, before anything else is said of them.

use super::page::{BOLD, DIM, Line, PLAIN, style};
use super::{finding, text};
use crate::report::{Findings, Group};
use text::count;

/// Number, level, what is wrong, how much it concerns, and the id of the requirement.
pub(super) fn lines(groups: &[Group], hidden: usize, findings: &Findings, width: usize) -> Vec<Line> {
    let digits = groups.len().to_string().len();
    let mut lines = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let number = format!("{:>digits$} ", at + 1);
        let word = group.word();
        let head = Line::new().add(BOLD, &number).add(style(finding::cell(group)), word).plain(": ");
        let concern = findings.concern(group);
        let text = format!("{} ({concern}) [{}]", group.sentence(), group.requirement);
        lines.extend(head.hanging(PLAIN, &text, width));
    }
    if hidden > 0 {
        let are = if hidden == 1 { "is" } else { "are" };
        let text = format!("{} of level MAY {are} not shown: add -v or --level may", count(hidden, "finding"));
        lines.extend(Line::new().hanging(DIM, &text, width));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{bare_deny, case, finding, held, judgement, long, noise};
    use super::*;
    use crate::activity::PayloadKind;
    use crate::judge::Verdict;
    use crate::report::CaseFinished;
    use crate::requirement::Level;

    fn told(cases: &[CaseFinished], level: Level, verbose: bool) -> Vec<String> {
        let mut findings = Findings::default();
        cases.iter().for_each(|case| findings.add(case));
        let (shown, hidden) = findings.chosen(level, verbose);
        lines(&shown, hidden, &findings, 100).iter().map(|line| line.render(false)).collect()
    }

    fn dangerous(payload: &str, scenario: &str, judgements: Vec<crate::judge::Judgement>) -> CaseFinished {
        CaseFinished { kind: Some(PayloadKind::Dangerous), ..case("PreToolUse", payload, scenario, judgements) }
    }

    #[test]
    fn each_finding_says_how_much_it_concerns() {
        let lines = told(
            &[
                dangerous("a", "baseline", vec![noise()]),
                dangerous("b", "baseline", vec![noise()]),
                dangerous("c", "baseline", vec![]),
                case("PreToolUse", "typical", "baseline", vec![long(), held()]),
                case("Stop", "typical", "baseline", vec![long()]),
                case("Stop", "typical", "crlf", vec![bare_deny()]),
            ],
            Level::Should,
            false,
        );
        let expected = [
            "1 error: something stands before the JSON document on stdout (2 of 3 dangerous payloads)",
            "         [stream.noise-before-json]",
            "2 warning: 12,000 characters are for the model (2 of 5 payloads at 2 events) [stream.context-limit]",
            "3 note: the hook waits for the end of stdin (1 of 4 payloads) [timing.stdin-held-open]",
            "1 finding of level MAY is not shown: add -v or --level may",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn advice_is_shown_where_it_is_asked_for() {
        let cases = [case("Stop", "typical", "crlf", vec![bare_deny()])];
        let shown = ["1 advice: a deny gives no reason (scenario crlf) [schema.deny-reason]"];
        assert_eq!(told(&cases, Level::May, false), shown);
        assert_eq!(told(&cases, Level::Should, true), shown);
    }

    #[test]
    fn what_differs_in_a_name_or_a_number_is_one_finding() {
        let of = |at: usize, tool: &str| {
            let finding = finding(&format!("the hook takes {at} ms for p{at} (\"{tool}\")"), "", &[]);
            case("Stop", &format!("p{at}"), "baseline", vec![judgement("x.y", Level::Must, Verdict::Fail(finding))])
        };
        let lines = told(&[of(1, "Bash"), of(22, "Write"), of(333, "Edit")], Level::Should, false);
        assert_eq!(lines, ["1 error: the hook takes 1 ms for p1 (\"Bash\") (3 of 3 payloads) [x.y]"]);
    }
}
