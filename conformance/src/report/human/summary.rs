//! The summary, and the verdict.

use hookproof_harness::Containment;

use super::page::{ALARM, GOOD, Line, PLAIN, style};
use super::progress::time;
use super::{Told, text};
use crate::report::{Cell, Conformance, CutShort, Findings, Summary, Tally};
use crate::requirement::Level;
use text::count;

/// What was run, and under what circumstances; in a verbose report also what was judged, and what was not.
pub(super) fn lines(summary: &Summary, tally: &Tally, width: usize, verbose: bool) -> Vec<Line> {
    let mut lines = Line::new().hanging(PLAIN, &volume(summary, verbose), width);
    lines.extend(cut_short(summary, width));
    if verbose {
        lines.extend(judgements(tally, width));
        lines.extend(skips(tally, width));
    }
    if let Some(fallback) = &summary.fallback {
        lines.extend(Line::new().plain("started by: ").hanging(PLAIN, fallback, width));
    }
    lines.extend(confined(summary, width, verbose));
    lines
}

/// How much was run, how fast, and how much could not be judged.
fn volume(summary: &Summary, verbose: bool) -> String {
    let Summary { cases, planned, spawns, wall, skipped, .. } = summary;
    let cases_told =
        if cases == planned { count(*cases, "case") } else { format!("{cases} of {}", count(*planned, "case")) };
    let processes = if *spawns == 1 { "1 process".to_owned() } else { format!("{spawns} processes") };
    let mut text = format!("{cases_told}, {processes}, {}", time(*wall));
    if !wall.is_zero() && *cases > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = *cases as f64 / wall.as_secs_f64();
        text.push_str(&if rate < 10.0 {
            format!(", {rate:.1} cases a second")
        } else {
            format!(", {rate:.0} cases a second")
        });
    }
    if *skipped > 0 && !verbose {
        text.push_str(&format!("; {} skipped (-v says why)", count(*skipped, "judgement")));
    }
    text
}

/// What was not run, because it would have told nothing new.
fn cut_short(summary: &Summary, width: usize) -> Vec<Line> {
    let told = summary.cut_short.iter().map(|CutShort { subject, event, because, cases }| {
        let at = event.as_ref().map_or(String::new(), |event| format!(" at {event}"));
        format!("{} of {subject}{at}, because {because}", count(*cases, "case"))
    });
    told.flat_map(|text| Line::new().plain("not run: ").hanging(PLAIN, &text, width)).collect()
}

/// How many judgements there are of each kind.
fn judgements(tally: &Tally, width: usize) -> Vec<Line> {
    let Summary { passed, must, should, may, notes, skipped, .. } = tally.summary();
    let broken = |times: usize, level: Level| {
        let rules = count(tally.rules_broken(level), "rule");
        (times > 0).then(|| format!("{times} {level} broken ({rules})"))
    };
    let told = [
        Some(format!("{passed} passed")),
        broken(must, Level::Must),
        broken(should, Level::Should),
        broken(may, Level::May),
        (notes > 0).then(|| format!("{notes} in doubt")),
        (skipped > 0).then(|| format!("{skipped} skipped")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    Line::new().plain("judgements: ").hanging(PLAIN, &told.join(", "), width)
}

/// Why judgements were skipped.
fn skips(tally: &Tally, width: usize) -> Vec<Line> {
    let reasons = tally.skip_reasons();
    let mut lines = Vec::new();
    let digits = reasons.first().map_or(0, |(_, times)| times.to_string().len());
    for (reason, times) in &reasons {
        lines.extend(Line::new().plain(&format!("  skipped {times:>digits$} x ")).hanging(PLAIN, reason, width));
    }
    lines
}

/// What held the hooks.
fn confined(summary: &Summary, width: usize, verbose: bool) -> Vec<Line> {
    if summary.spawns == 0 {
        return Vec::new();
    }
    let Some(confined) = &summary.confined else {
        let text = "none: the hooks could write what you can, and reach any address";
        return Line::new().plain("sandbox: ").hanging(PLAIN, text, width);
    };
    let told = |what: &str, otherwise: &str, containment: &Containment| match containment {
        Containment::Enforced { by } => format!("{what}, held by {by}"),
        Containment::NotAsked => otherwise.to_owned(),
        Containment::NotEnforced { because } => format!("NOT {what}, because {because}"),
    };
    // That everything holds is no news.
    let holds = |containment: &Containment| matches!(containment, Containment::Enforced { .. });
    if !verbose && holds(&confined.files) && holds(&confined.network) {
        return Vec::new();
    }
    let files = told("writing only in scratch folders", "writing everywhere", &confined.files);
    let network = told("reaching this machine only", "reaching any address", &confined.network);
    let mut lines = Line::new().plain("sandbox: ").hanging(PLAIN, &format!("{files}; {network}"), width);
    for gap in &confined.missing {
        lines.extend(Line::new().plain("  but on this system ").hanging(PLAIN, gap, width));
    }
    for gap in confined.gaps.iter().filter(|_| verbose) {
        lines.extend(Line::new().plain("  but ").hanging(PLAIN, gap, width));
    }
    lines
}

/// What may be said of the hooks: the last line of a report. Findings are counted as they are listed.
pub(super) fn verdict(summary: &Summary, tally: &Tally, findings: &Findings, run: &Told, width: usize) -> Vec<Line> {
    let groups = findings.groups();
    let level = run.level();
    let cases = &format!("of {}", count(summary.cases, "case"));
    let levels = |wanted: &dyn Fn(Level) -> bool| {
        let levels = [Level::Must, Level::Should, Level::May].into_iter().filter(|&level| wanted(level));
        let of = |level: Level| groups.iter().filter(|group| !group.doubt && group.level == level).count();
        let broken = levels.map(|level| (level, of(level))).filter(|&(_, found)| found > 0);
        broken.map(|(level, found)| format!("{found} {level}")).collect::<Vec<_>>().join(", ")
    };
    let broken = match levels(&|broken| broken >= level) {
        above if above.is_empty() => above,
        above => format!("{above} in {} {cases}", tally.cases_broken(level)),
    };
    let below = match levels(&|broken| broken < level) {
        below if below.is_empty() => below,
        below => format!(" (below {level}: {below})"),
    };
    let in_doubt: usize = summary.sandbox_doubts.range(level..).map(|(_, times)| times).sum();
    let sandboxed = match in_doubt {
        0 => String::new(),
        1 => format!("; 1 judgement at level {level} is in doubt because of the sandbox"),
        _ => format!("; {in_doubt} judgements at level {level} are in doubt because of the sandbox"),
    };
    let so_far = if broken.is_empty() { "nothing" } else { &broken };
    let worst = tally.worst().map_or(Cell::HarnessError, Cell::Broken);
    let (look, text) = match tally.conformance(level) {
        Conformance::HarnessFailed => {
            let failed = count(tally.cases_harness_failed(), "case");
            (ALARM, format!("no verdict: the harness failed in {failed}; seen broken: {so_far}{below}"))
        }
        Conformance::Broken => (style(worst), format!("does not conform: {broken}{below}{sandboxed}")),
        _ if summary.interrupted => (style(Cell::Noted), format!("no verdict: nothing broken so far{below}")),
        Conformance::Conforms => {
            // "conforms" alone would say too much of a hook that did nothing.
            let reservation = summary.activity.reservation();
            let (look, but) = reservation.map_or((GOOD, String::new()), |said| (PLAIN, format!("; {said}")));
            (look, format!("conforms to {} {} at level {level}{but}{below}{sandboxed}", run.title, run.version))
        }
        Conformance::NothingJudged => (ALARM, "no verdict: nothing could be judged".to_owned()),
    };
    let mut lines = Vec::new();
    if summary.interrupted {
        let text = format!("interrupted after {} of {}", summary.cases, count(summary.planned, "case"));
        lines.push(Line::new().add(style(Cell::Broken(Level::Should)), &text));
    }
    lines.extend(Line::new().hanging(look, &text, width));
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::samples::{bare_deny, broken, case, held, long, noise, pass, skip, started};
    use super::*;
    use crate::judge::{Finding, Judgement, Verdict};
    use rstest::rstest;

    fn told(cases: Vec<Vec<Judgement>>, level: Level, planned: usize, interrupted: bool) -> Vec<String> {
        told_to(cases, level, planned, interrupted, false)
    }

    fn told_to(
        cases: Vec<Vec<Judgement>>,
        level: Level,
        planned: usize,
        interrupted: bool,
        verbose: bool,
    ) -> Vec<String> {
        let (mut tally, mut findings) = (Tally::new(planned), Findings::default());
        for judgements in cases {
            let case = case("Stop", "typical", "baseline", judgements);
            tally.add(&case);
            findings.add(&case);
        }
        tally.finish(Duration::from_millis(500), interrupted);
        let run = Told { level: Some(level), ..Told::of(&started(planned)) };
        let summary = tally.summary();
        let mut all = lines(&summary, &tally, 100, verbose);
        all.extend(verdict(&summary, &tally, &findings, &run, 100));
        all.iter().map(|line| line.render(false)).collect()
    }

    #[rstest]
    #[case::good(vec![vec![pass("a")]], Level::Should, "conforms to Claude Code 2.1.329 at level SHOULD")]
    #[case::doubt(vec![vec![held()]], Level::May, "conforms to Claude Code 2.1.329 at level MAY")]
    #[case::bad(
        vec![vec![noise(), bare_deny()], vec![noise(), long()], vec![bare_deny()], vec![pass("a")]],
        Level::Should,
        "does not conform: 1 MUST, 1 SHOULD in 2 of 4 cases (below SHOULD: 1 MAY)")]
    #[case::below(
        vec![vec![long()], vec![pass("a")]],
        Level::Must,
        "conforms to Claude Code 2.1.329 at level MUST (below MUST: 1 SHOULD)")]
    #[case::harness(
        vec![vec![pass("a")], vec![broken("no memory")]],
        Level::Must,
        "no verdict: the harness failed in 1 case; seen broken: nothing")]
    #[case::nothing(
        vec![vec![skip("a", "why")]],
        Level::Must,
        "no verdict: nothing could be judged")]
    fn the_verdict_is_the_last_sentence(
        #[case] cases: Vec<Vec<Judgement>>,
        #[case] level: Level,
        #[case] verdict: &str,
    ) {
        let planned = cases.len();
        let told = told(cases, level, planned, false);
        assert_eq!(told.last().map(String::as_str), Some(verdict));
    }

    #[test]
    fn an_interrupted_run_never_conforms() {
        let lines = told(vec![vec![pass("a")]], Level::Should, 320, true);
        assert_eq!(lines[0], "1 of 320 cases, 1 process, 500 ms, 2.0 cases a second");
        assert_eq!(lines[lines.len() - 2..], ["interrupted after 1 of 320 cases", "no verdict: nothing broken so far"]);
        let lines = told(vec![vec![noise()]], Level::Should, 320, true);
        assert_eq!(
            lines[lines.len() - 2..],
            ["interrupted after 1 of 320 cases", "does not conform: 1 MUST in 1 of 1 case"]
        );
    }

    #[rstest]
    #[case::conforms(vec![], "conforms to Claude Code 2.1.329 at level SHOULD; 2 judgements at level SHOULD are in doubt because of the sandbox")]
    #[case::broken(vec![noise()], "does not conform: 1 MUST in 1 of 1 case; 2 judgements at level SHOULD are in doubt because of the sandbox")]
    fn what_the_sandbox_kept_from_being_judged_is_told(#[case] mut judgements: Vec<Judgement>, #[case] expected: &str) {
        let sandboxed = |level: Level| {
            let finding = Finding { sandboxed: true, ..Finding::default() };
            Judgement { requirement: "x.y".to_owned(), level, verdict: Verdict::Note(finding) }
        };
        judgements.extend([Level::Must, Level::Should, Level::May].map(sandboxed));
        let lines = told(vec![judgements], Level::Should, 1, false).join(" ");
        assert!(lines.ends_with(expected), "{lines}");
    }

    #[test]
    fn all_reasons_are_told_where_they_are_asked_for() {
        let skips = [("a", 12), ("b", 3), ("c", 2)];
        let judgements: Vec<_> =
            skips.iter().flat_map(|&(reason, times)| (0..times).map(move |_| skip("x", reason))).collect();
        let lines = told_to(vec![judgements.clone()], Level::Should, 1, false, true);
        let expected = [
            "1 case, 1 process, 500 ms, 2.0 cases a second",
            "judgements: 0 passed, 17 skipped",
            "  skipped 12 x a",
            "  skipped  3 x b",
            "  skipped  2 x c",
        ];
        assert_eq!(lines[..5], expected);
        let lines = told(vec![judgements], Level::Should, 1, false);
        assert_eq!(lines[0], "1 case, 1 process, 500 ms, 2.0 cases a second; 17 judgements skipped (-v says why)");
        assert!(!lines.iter().any(|line| line.contains(" x ")), "{lines:?}");
    }

    #[test]
    fn what_was_seen_is_told_beside_a_failure_of_the_harness() {
        let lines = told(vec![vec![noise(), broken("x")], vec![broken("x")]], Level::Should, 2, false);
        let expected = "no verdict: the harness failed in 2 cases; seen broken: 1 MUST in 1 of 2 cases";
        assert_eq!(lines.last().map(String::as_str), Some(expected));
    }
}
