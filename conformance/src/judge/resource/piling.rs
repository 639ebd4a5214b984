//! Whether what runs leave behind piles up.

use super::{MIB, budget, has_ended, number, skip};
use crate::judge::{Material, Verdict};
use crate::requirement::Requirement;
use crate::run::{CutOff, Further, State};

/// Places that a finding names.
const NAMED: usize = 3;

/// What lies in the folders does not grow with every run for ever.
pub(in crate::judge) fn state_growth(requirement: &Requirement, material: &Material<'_>) -> Option<Verdict> {
    let last = material.runs.last()?;
    let further = last.further.as_ref();
    let later = further.map(|further| further.states.as_slice()).unwrap_or_default();
    let states: Vec<State> = material.runs.iter().filter_map(|run| run.state).chain(later.iter().copied()).collect();
    let cut_off = further.and_then(|further| further.cut_off);
    let Some(slope) = Slope::of(&states).filter(|_| material.runs.iter().all(has_ended)) else {
        return Some(skip("the hook does not end by itself"));
    };
    let too_many = slope.entries > budget(requirement, "entries-a-run");
    if !too_many && slope.bytes <= budget(requirement, "bytes-a-run") {
        return Some(Verdict::Pass);
    }
    if cut_off == Some(CutOff::Unended) {
        return Some(skip("the hook does not end by itself"));
    }
    let Slope { entries, bytes, runs } = slope;
    let made = states.len();
    let mut observed = format!(
        "every run leaves {entries:.1} further files or folders and {bytes:.0} bytes behind (the last {runs} of {made} runs)"
    );
    if let Some(further) = further {
        observed += &where_it_piles_up(further, too_many);
    }
    let asked = material.case.scenario.in_doubt.map_or(made, |spec| spec.runs);
    observed += &cut_off.map_or_else(String::new, |cut_off| stopped(cut_off, made, asked));
    let enough = is_enough(made, cut_off, budget(requirement, "runs"));
    let finding = material.finding(last, observed);
    Some(if enough {
        Verdict::Fail(finding)
    } else {
        finding.doubted("there was no time for the runs that would prove it")
    })
}

/// Whether so many runs prove it. What so much has been left of is no doubt, however few the runs.
fn is_enough(made: usize, cut_off: Option<CutOff>, least: f64) -> bool {
    number(made as u64) >= least || matches!(cut_off, Some(CutOff::Bytes(_)))
}

/// Why it rests on fewer runs than it could.
fn stopped(cut_off: CutOff, made: usize, asked: usize) -> String {
    let because = match cut_off {
        CutOff::Time(time) => format!("the {} s for them were over", time.as_secs()),
        CutOff::Bytes(bytes) => format!("{} lay in the folders by then", length(bytes)),
        CutOff::Unended => "one did not end by itself".to_owned(),
    };
    format!("; no more than {made} of {asked} runs were made, because {because}")
}

/// What a run adds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slope {
    entries: f64,
    bytes: f64,
    /// In how many runs that was seen.
    runs: usize,
}

impl Slope {
    /// By the second half of the runs. The first half fills what is to be filled once: caches, folders, what is kept a
    /// number of.
    fn of(states: &[State]) -> Option<Self> {
        let half = states.len() / 2;
        let (then, now) = (states.get(half.checked_sub(1)?)?, states.last()?);
        let runs = states.len() - half;
        let a_run = |now: u64, then: u64| number(now.saturating_sub(then)) / number(runs as u64);
        Some(Slope { entries: a_run(now.entries, then.entries), bytes: a_run(now.bytes, then.bytes), runs })
    }
}

/// The places where most has come, by number or by length.
fn where_it_piles_up(further: &Further, by_number: bool) -> String {
    let mut grown: Vec<_> = further.grown.iter().collect();
    let key = |entries: u64, bytes: u64| if by_number { entries } else { bytes };
    grown.sort_by_key(|one| std::cmp::Reverse(key(one.entries, one.bytes)));
    let named = grown.iter().filter(|one| key(one.entries, one.bytes) > 0).take(NAMED);
    let named: Vec<String> = named
        .map(|one| match one.entries {
            0 => format!("{} in `{}`", length(one.bytes), one.place),
            1 => format!("1 file or folder, {}, in `{}`", length(one.bytes), one.place),
            entries => format!("{entries} files or folders, {}, in `{}`", length(one.bytes), one.place),
        })
        .collect();
    if named.is_empty() {
        return String::new();
    }
    format!("; the latest {} runs left {}", further.latest, named.join("; "))
}

/// A length as people read it.
fn length(bytes: u64) -> String {
    let mib = number(bytes) / MIB;
    if mib < 0.1 { format!("{bytes} bytes") } else { format!("{mib:.1} MiB") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::plan::Scenarios;
    use crate::requirement::Catalogue;
    use crate::run::Grown;

    const FILE: u64 = 100;

    /// What a hook leaves that makes a file each time and keeps so many.
    fn keeps(most: u64) -> impl Fn(u64) -> State {
        move |run| State { entries: 7 + run.min(most), bytes: FILE * run.min(most) }
    }

    /// A log that is begun anew after so many lines.
    fn rotates(lines: u64, line: u64) -> impl Fn(u64) -> State {
        move |run| State { entries: 1, bytes: line * (run % lines) }
    }

    /// After how many runs the question is answered, and whether it piles up by then.
    fn asked(after: &dyn Fn(u64) -> State) -> (usize, bool) {
        let spec = Scenarios::built_in().unwrap().get("many-runs").and_then(|one| one.in_doubt).unwrap();
        let requirement = Catalogue::built_in().unwrap().get("resource.state-bounded").unwrap();
        let mut made = 30;
        loop {
            let states: Vec<State> = (1..=made as u64).map(after).collect();
            let slope = Slope::of(&states).unwrap();
            let piles_up = slope.entries > budget(requirement, "entries-a-run")
                || slope.bytes > budget(requirement, "bytes-a-run");
            match spec.next(made).filter(|_| piles_up) {
                Some(stop) => made = stop,
                None => return (made, piles_up),
            }
        }
    }

    #[rstest]
    #[case::nothing(&|_| State::default(), 30, false)]
    #[case::a_cache(&keeps(5), 30, false)]
    #[case::the_last_fifty(&keeps(50), 125, false)]
    #[case::the_last_hundred(&keeps(100), 250, false)]
    #[case::the_last_five_hundred(&keeps(500), 1000, false)]
    #[case::all(&keeps(u64::MAX), 1000, true)]
    #[case::every_third(&|run| State { entries: run / 3, bytes: 0 }, 30, false)]
    #[case::two_of_three(&|run| State { entries: run - run / 3, bytes: 0 }, 1000, true)]
    #[case::lines(&|run| State { entries: 1, bytes: 200 * run }, 30, false)]
    #[case::long_lines(&|run| State { entries: 1, bytes: 20_000 * run }, 1000, true)]
    #[case::long_lines_of_a_log_that_rotates(&rotates(100, 20_000), 125, false)]
    fn whoever_keeps_a_number_of_something_is_not_taken_for_one_who_keeps_all(
        #[case] after: &dyn Fn(u64) -> State,
        #[case] runs: usize,
        #[case] piles_up: bool,
    ) {
        assert_eq!(asked(after), (runs, piles_up));
    }

    #[test]
    fn what_was_cut_off_says_so_and_is_a_doubt_where_the_runs_are_few() {
        let time = CutOff::Time(Duration::from_secs(120));
        let told = stopped(time, 150, 1000);
        assert_eq!(told, "; no more than 150 of 1000 runs were made, because the 120 s for them were over");
        assert!(!is_enough(150, Some(time), 200.0) && is_enough(200, Some(time), 200.0));
        let bytes = CutOff::Bytes(512 << 20);
        assert!(stopped(bytes, 31, 1000).ends_with("because 512.0 MiB lay in the folders by then"));
        assert!(is_enough(31, Some(bytes), 200.0) && is_enough(1000, None, 200.0) && !is_enough(30, None, 200.0));
    }

    #[test]
    fn one_run_has_no_second_half() {
        assert_eq!(Slope::of(&[]), None);
        assert_eq!(Slope::of(&[State::default()]), None);
        let states = [State::default(), State { entries: 3, bytes: 5 }];
        assert_eq!(Slope::of(&states), Some(Slope { entries: 3.0, bytes: 5.0, runs: 1 }));
    }

    #[test]
    fn places_are_told_by_what_is_too_much() {
        let grown = |place: &str, entries, bytes| Grown { place: place.into(), entries, bytes };
        let further = Further {
            grown: vec![grown("home/log", 0, 3 << 20), grown("tmp", 500, 20), grown("project", 1, 0)],
            latest: 500,
            ..Further::default()
        };
        assert_eq!(
            where_it_piles_up(&further, true),
            "; the latest 500 runs left 500 files or folders, 20 bytes, in `tmp`; 1 file or folder, 0 bytes, in `project`"
        );
        assert_eq!(
            where_it_piles_up(&further, false),
            "; the latest 500 runs left 3.0 MiB in `home/log`; 500 files or folders, 20 bytes, in `tmp`"
        );
        assert_eq!(where_it_piles_up(&Further::default(), true), "");
    }
}
