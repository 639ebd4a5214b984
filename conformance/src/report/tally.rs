//! Counting: what a run came to.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use hookproof_harness::Ending;

use super::event::Confined;
use super::{CaseFinished, Summary};
use crate::judge::Verdict;
use crate::requirement::Level;

/// What may be said of the hooks under check after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conformance {
    /// Rules were judged, and none at or above the level is broken.
    Conforms,
    /// At least one rule at or above the level is broken.
    Broken,
    /// The harness failed in at least one case: what is said of the hooks is incomplete.
    HarnessFailed,
    /// Not one rule could be judged: nothing was checked.
    NothingJudged,
}

/// Folds finished cases into a [`Summary`], and knows what is asked about a run beyond it.
///
/// ```
/// use hookproof::report::{Conformance, Tally};
/// use hookproof::requirement::Level;
///
/// let tally = Tally::new(320);
/// assert_eq!(tally.summary().planned, 320);
/// assert_eq!(tally.worst(), None);
/// // A run that judged nothing proves nothing.
/// assert_eq!(tally.conformance(Level::Should), Conformance::NothingJudged);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tally {
    summary: Summary,
    broken: BTreeMap<String, Level>,
    skips: BTreeMap<String, usize>,
    cases_by_worst: BTreeMap<Level, usize>,
    harness_cases: usize,
}

impl Tally {
    /// A tally of a run with this many cases to come.
    pub fn new(planned: usize) -> Self {
        Tally { summary: Summary { planned, ..Summary::default() }, ..Tally::default() }
    }

    /// Plans one more case: one that was not known before others were finished.
    pub(crate) fn plan_another(&mut self) {
        self.summary.planned += 1;
    }

    /// Counts a case.
    pub fn add(&mut self, case: &CaseFinished) {
        for report in case.runs.iter().filter_map(|run| run.observation.sandbox.as_ref()) {
            match &mut self.summary.confined {
                Some(confined) => confined.and(report),
                none => *none = Some(Confined::of(report)),
            }
        }
        if self.summary.fallback.is_none() {
            let mechanisms = case.runs.iter().map(|run| &run.observation.mechanism);
            self.summary.fallback = mechanisms
                .filter_map(|used| used.instead.as_ref().map(|because| format!("{}, because {because}", used.name)))
                .next();
        }
        let mut worst = None;
        let mut harness_failed = false;
        self.summary.cases += 1;
        let started = case.runs.iter().filter(|run| !matches!(run.observation.ending, Ending::NotStarted { .. }));
        self.summary.spawns += started.map(|run| 1 + run.further).sum::<usize>();
        for judgement in &case.judgements {
            match &judgement.verdict {
                Verdict::Pass => self.summary.passed += 1,
                Verdict::Note(finding) => {
                    self.summary.notes += 1;
                    if finding.sandboxed {
                        *self.summary.sandbox_doubts.entry(judgement.level).or_default() += 1;
                    }
                }
                Verdict::Skip { reason } => {
                    self.summary.skipped += 1;
                    *self.skips.entry(reason.clone()).or_default() += 1;
                }
                Verdict::HarnessError { .. } => {
                    self.summary.harness_errors += 1;
                    harness_failed = true;
                }
                Verdict::Fail(_) => {
                    match judgement.level {
                        Level::Must => self.summary.must += 1,
                        Level::Should => self.summary.should += 1,
                        Level::May => self.summary.may += 1,
                    }
                    worst = worst.max(Some(judgement.level));
                    let level = self.broken.entry(judgement.requirement.clone()).or_insert(judgement.level);
                    *level = judgement.level.max(*level);
                }
            }
        }
        if let Some(worst) = worst {
            *self.cases_by_worst.entry(worst).or_default() += 1;
        }
        self.harness_cases += usize::from(harness_failed);
    }

    /// Says how long the run took and whether it was interrupted.
    pub fn finish(&mut self, wall: Duration, interrupted: bool) {
        self.summary.wall = wall;
        self.summary.interrupted = interrupted;
    }

    /// What was counted so far.
    pub fn summary(&self) -> Summary {
        self.summary.clone()
    }

    /// The worst level of which a rule is broken; `None` if none is.
    pub fn worst(&self) -> Option<Level> {
        self.broken.values().copied().max()
    }

    /// What may be said of the hooks, judged at `level`. A failure of the harness comes before everything else: whoever
    /// reads the outcome has to know that it is not the whole of it.
    pub fn conformance(&self, level: Level) -> Conformance {
        let Summary { passed, must, should, may, notes, harness_errors, .. } = self.summary;
        if harness_errors > 0 {
            Conformance::HarnessFailed
        } else if self.worst() >= Some(level) {
            Conformance::Broken
        } else if passed + must + should + may + notes == 0 {
            Conformance::NothingJudged
        } else {
            Conformance::Conforms
        }
    }

    /// Distinct rules of exactly this level that are broken somewhere.
    pub fn rules_broken(&self, level: Level) -> usize {
        self.broken.values().filter(|&&broken| broken == level).count()
    }

    /// Cases in which a rule at or above this level is broken.
    pub fn cases_broken(&self, level: Level) -> usize {
        self.cases_by_worst.range(level..).map(|(_, cases)| cases).sum()
    }

    /// Cases in which the harness failed.
    pub fn cases_harness_failed(&self) -> usize {
        self.harness_cases
    }

    /// Why judgements were skipped, and how often; the most frequent reason first.
    pub fn skip_reasons(&self) -> Vec<(&str, usize)> {
        let mut reasons: Vec<_> = self.skips.iter().map(|(reason, &times)| (reason.as_str(), times)).collect();
        reasons.sort_by_key(|&(reason, times)| (Reverse(times), reason));
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{bare_deny, broken, case, failing_run, held, long, noise, pass, skip};
    use super::*;
    use crate::activity::Activity;
    use crate::judge::Judgement;
    use crate::report::ReportEvent;
    use rstest::rstest;

    fn tally(judgements: Vec<Judgement>) -> Tally {
        let mut tally = Tally::new(1);
        tally.add(&case("Stop", "typical", "baseline", judgements));
        tally
    }

    #[test]
    fn everything_is_counted_once() {
        let mut tally = Tally::new(9);
        for event in failing_run() {
            if let ReportEvent::CaseFinished(case) = event {
                tally.add(&case);
            }
        }
        tally.finish(Duration::from_secs(3), true);
        let expected = Summary {
            cases: 5,
            planned: 9,
            spawns: 5,
            passed: 3,
            must: 2,
            should: 1,
            may: 1,
            notes: 1,
            sandbox_doubts: BTreeMap::new(),
            skipped: 2,
            harness_errors: 0,
            wall: Duration::from_secs(3),
            interrupted: true,
            confined: None,
            fallback: None,
            activity: Activity::default(),
            cut_short: Vec::new(),
        };
        assert_eq!(tally.summary(), expected);
        assert_eq!(tally.worst(), Some(Level::Must));
        assert_eq!([Level::Must, Level::Should, Level::May].map(|level| tally.rules_broken(level)), [1, 1, 1]);
        assert_eq!([Level::Must, Level::Should, Level::May].map(|level| tally.cases_broken(level)), [2, 2, 2]);
        assert_eq!(tally.skip_reasons(), [("the event takes no answer", 2)]);
    }

    #[rstest]
    #[case::pass(vec![pass("a")], Level::May, Conformance::Conforms)]
    #[case::must(vec![noise()], Level::Must, Conformance::Broken)]
    #[case::below(vec![long()], Level::Must, Conformance::Conforms)]
    #[case::at(vec![long()], Level::Should, Conformance::Broken)]
    #[case::advice(vec![bare_deny()], Level::Should, Conformance::Conforms)]
    #[case::doubt(vec![held()], Level::May, Conformance::Conforms)]
    #[case::skipped(vec![skip("a", "why")], Level::May, Conformance::NothingJudged)]
    #[case::nothing(vec![], Level::May, Conformance::NothingJudged)]
    #[case::harness(vec![pass("a"), broken("no memory")], Level::May, Conformance::HarnessFailed)]
    #[case::both(vec![noise(), broken("no memory")], Level::May, Conformance::HarnessFailed)]
    fn a_run_comes_to(#[case] judgements: Vec<Judgement>, #[case] level: Level, #[case] expected: Conformance) {
        assert_eq!(tally(judgements).conformance(level), expected);
    }

    #[test]
    fn a_program_that_did_not_start_is_no_process() {
        let mut case = case("Stop", "typical", "baseline", vec![]);
        case.runs[0].observation.ending = Ending::NotStarted {
            error: hookproof_harness::StartError { os_error: Some(2), step: "execute".into(), message: "none".into() },
        };
        let mut tally = Tally::new(1);
        tally.add(&case);
        assert_eq!((tally.summary().cases, tally.summary().spawns), (1, 0));
    }

    #[test]
    fn what_stands_in_for_a_better_mechanism_is_kept_once() {
        let mut tally = Tally::new(2);
        let mut case = case("Stop", "typical", "baseline", vec![]);
        for because in ["no helper", "no second one either"] {
            case.runs[0].observation.mechanism.instead = Some(because.to_owned());
            tally.add(&case);
        }
        assert_eq!(tally.summary().fallback.as_deref(), Some("posix, because no helper"));
    }

    #[test]
    fn runs_of_which_nothing_is_kept_are_processes_all_the_same() {
        let mut case = case("Stop", "typical", "many-runs", vec![]);
        case.runs[0].further = 970;
        let stored = serde_json::to_string(&case).unwrap();
        let mut tally = Tally::new(1);
        tally.add(&serde_json::from_str(&stored).unwrap());
        assert_eq!(tally.summary().spawns, 971);
    }

    #[test]
    fn a_case_counts_by_its_worst_rule() {
        let tally = tally(vec![bare_deny(), noise(), noise()]);
        assert_eq!((tally.cases_broken(Level::Must), tally.cases_broken(Level::May)), (1, 1));
        assert_eq!((tally.summary().must, tally.rules_broken(Level::Must)), (2, 1));
    }
}
